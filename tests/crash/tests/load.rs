//! Kills the process at random while it carries many Runs.
//!
//! `CRASH_KILLS=5000` sets how often, `CRASH_SEED=7` what people do and when it is killed. The operating system has a say in
//! where that is, so a seed that has failed once may have to be tried again.

#![allow(clippy::expect_used, reason = "a panic is how a test fails")]

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crash::parent::{End, Job, Place, for_each};
use crash::progress::Progress;
use fastrand::Rng;

/// How many kills there are if nothing is said.
const KILLS: u64 = 300;

/// How many Runs one directory sees.
const RUNS: u64 = 40;

/// A process that has this much time gets at least something done.
const SHORTEST: Duration = Duration::from_millis(5);

fn number(variable: &str, otherwise: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().expect("it is a number"),
        Err(_) => otherwise,
    }
}

#[test]
fn processes_that_are_killed_at_random_keep_their_promises() {
    let (kills, seed) = (number("CRASH_KILLS", KILLS), number("CRASH_SEED", 1));
    let (killed, seeds) = (AtomicU64::new(0), AtomicU64::new(seed));
    let progress = Mutex::new(Progress::new("random kills"));
    // Each of the two goes on until there have been enough.
    for_each(&[(), ()], |()| {
        while killed.load(Ordering::Relaxed) < kills {
            let seed = seeds.fetch_add(1, Ordering::Relaxed);
            let died = until_all_have_ended(seed)?;
            killed.fetch_add(died, Ordering::Relaxed);
            progress.lock().unwrap().add(died, kills);
        }
        Ok(())
    });
    let seeds = seeds.into_inner() - seed;
    progress.into_inner().unwrap().end(&format!("{} kills, {} Runs", killed.into_inner(), seeds * RUNS));
}

/// Kills the process again and again until it has ended by itself. Says how often.
fn until_all_have_ended(seed: u64) -> Result<u64, String> {
    let place = Place::new(Path::new(env!("CARGO_BIN_EXE_crash-child")), Job::Load { seed, runs: RUNS });
    let mut rng = Rng::with_seed(seed);
    let mut kills = 0;
    // Longer and longer, so that every one of them comes to an end.
    let mut longest = 8 * SHORTEST;
    let ended = loop {
        let time = SHORTEST + longest.mul_f64(rng.f64());
        match kill_after(&place, time) {
            Ok(End::Killed) => kills += 1,
            Ok(End::Done) => break place.check(),
            Err(error) => break Err(error),
        }
        longest += longest / 50;
    };
    match ended {
        Ok(()) => Ok(kills),
        Err(error) => Err(format!(
            "after {kills} kills: {error}\n\nto see it again, with luck: CRASH_SEED={seed} cargo test -p crash --test load\n\
             files: {}",
            place.keep().display()
        )),
    }
}

#[expect(clippy::disallowed_methods, reason = "the process runs by the wall clock")]
fn kill_after(place: &Place, time: Duration) -> Result<End, String> {
    let mut process = place.start(None);
    let end = Instant::now() + time;
    loop {
        if let Some(status) = process.try_wait().map_err(|error| error.to_string())? {
            return place.end_of(status);
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            process.kill().map_err(|error| error.to_string())?;
            return place.end_of(process.wait().map_err(|error| error.to_string())?);
        }
        std::thread::sleep(left.min(Duration::from_millis(2)));
    }
}
