//! Kills the process at random times under load.
//!
//! `CRASH_KILLS=5000` sets the number of kills, `CRASH_SEED=7` the actions and the times of the kills. The operating system's
//! scheduling matters as well, so a seed may have to be run several times to reproduce a failure.

#![allow(clippy::expect_used, reason = "a panic is how a test fails")]

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crash::parent::{End, Job, RunDir, for_each};
use crash::progress::Progress;
use fastrand::Rng;

/// The default number of kills.
const KILLS: u64 = 300;

/// The number of Runs per directory.
const RUNS: u64 = 40;

/// The minimum lifetime of a process, in which it makes at least some progress.
const MIN_LIFETIME: Duration = Duration::from_millis(5);

fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().expect("the variable is a number"),
        Err(_) => default,
    }
}

#[test]
fn promises_hold_after_random_kills() {
    let (kills, seed) = (number("CRASH_KILLS", KILLS), number("CRASH_SEED", 1));
    let (killed, seeds) = (AtomicU64::new(0), AtomicU64::new(seed));
    let progress = Mutex::new(Progress::new("random kills"));
    // Two workers, until there have been enough kills.
    for_each(&[(), ()], |()| {
        while killed.load(Ordering::Relaxed) < kills {
            let seed = seeds.fetch_add(1, Ordering::Relaxed);
            let count = kill_until_finished(seed)?;
            killed.fetch_add(count, Ordering::Relaxed);
            progress.lock().unwrap().add(count, kills);
        }
        Ok(())
    });
    let seeds = seeds.into_inner() - seed;
    progress.into_inner().unwrap().end(&format!("{} kills, {} Runs", killed.into_inner(), seeds * RUNS));
}

/// Kills the process repeatedly until it finishes its work. Returns the number of kills.
fn kill_until_finished(seed: u64) -> Result<u64, String> {
    let dir = RunDir::new(Path::new(env!("CARGO_BIN_EXE_crash-child")), Job::Load { seed, runs: RUNS });
    let mut rng = Rng::with_seed(seed);
    let mut kills = 0;
    // Lifetimes grow, so that each directory is finished eventually.
    let mut max_lifetime = 8 * MIN_LIFETIME;
    let ended = loop {
        let time = MIN_LIFETIME + max_lifetime.mul_f64(rng.f64());
        match kill_after(&dir, time) {
            Ok(End::Killed) => kills += 1,
            Ok(End::Done) => break dir.check(),
            Err(error) => break Err(error),
        }
        max_lifetime += max_lifetime / 50;
    };
    match ended {
        Ok(()) => Ok(kills),
        Err(error) => Err(format!(
            "after {kills} kills: {error}\n\nto reproduce, with luck: CRASH_SEED={seed} cargo test -p crash --test load\n\
             files: {}",
            dir.keep().display()
        )),
    }
}

#[expect(clippy::disallowed_methods, reason = "the process runs by the wall clock")]
fn kill_after(dir: &RunDir, time: Duration) -> Result<End, String> {
    let mut process = dir.start(None);
    let end = Instant::now() + time;
    loop {
        if let Some(status) = process.try_wait().map_err(|error| error.to_string())? {
            return dir.end_of(status);
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            process.kill().map_err(|error| error.to_string())?;
            return dir.end_of(process.wait().map_err(|error| error.to_string())?);
        }
        std::thread::sleep(left.min(Duration::from_millis(2)));
    }
}
