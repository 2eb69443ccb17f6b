//! Deterministic simulation of the whole runtime: people click, targets fail, the process crashes, the clock is set.
//!
//! A world is the history that results from one seed. Its scheduler decides which call takes effect next, so a seed always gives
//! the same history:
//!
//! - `cargo test -p simulation` runs a thousand worlds in memory and a hundred on a file;
//! - `SIMULATION_SEEDS=20000 cargo test -p simulation` runs more;
//! - `SIMULATION_SEED=7 cargo test -p simulation -- --nocapture` runs one, and prints its history.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "clippy's exception for tests leaves out their helpers"
)]

mod clock;
mod disk;
mod fault;
mod flows;
mod front_end;
mod history;
mod liveness;
mod people;
mod process;
mod promises;
mod schedule;
mod store;
mod target;
mod world;

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use disk::Medium;
use fault::Place;
use history::History;
use world::{Tally, World};

/// The result of one world.
#[derive(Debug)]
struct Ending {
    trace: u64,
    tally: Tally,
    broken: Option<String>,
}

/// Runs the world of a seed.
fn live(seed: u64, medium: Medium, is_verbose: bool) -> Ending {
    let world = World::new(seed, is_verbose);
    let schedule = world.schedule.clone();
    let thread = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .on_thread_park(move || schedule.thread_parks())
        .build()
        .unwrap();
    let lived = std::panic::catch_unwind(AssertUnwindSafe(|| {
        thread.block_on(async { History::begin(world.clone(), medium).await.run().await });
    }));
    if lived.is_err() {
        world.broken("it panicked");
    }
    Ending { trace: world.trace(), tally: world.tally(), broken: world.what_broke() }
}

/// Runs worlds on all cores, and returns what happened in all of them.
fn live_all(seeds: u64, medium: Medium) -> Tally {
    let next = AtomicU64::new(0);
    let total = Mutex::new((Tally::new(), Vec::new()));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|threads| {
        for _ in 0..cores {
            threads.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    let ending = live(seed, medium, false);
                    let (tally, broken) = &mut *total.lock().unwrap_or_else(PoisonError::into_inner);
                    for (what, times) in ending.tally {
                        *tally.entry(what).or_default() += times;
                    }
                    broken.extend(ending.broken.map(|promise| (seed, promise)));
                }
            });
        }
    });
    let (tally, mut broken) = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    broken.sort();
    if let Some((seed, promise)) = broken.first() {
        let all: Vec<_> = broken
            .iter()
            .map(|(seed, promise)| format!("{seed} ({})", promise.split(':').next().unwrap_or_default()))
            .collect();
        panic!(
            "{} of {seeds} worlds broke a promise: {}\n{promise}\n\
             to see what happened: SIMULATION_SEED={seed} cargo test -p simulation -- --nocapture {}\n",
            broken.len(),
            all.join(", "),
            test_of(medium),
        );
    }
    tally
}

fn test_of(medium: Medium) -> &'static str {
    match medium {
        Medium::Memory => "in_memory",
        Medium::Sqlite => "in_a_file",
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

fn test(medium: Medium, seeds: u64) {
    if let Some(seed) = number("SIMULATION_SEED") {
        let ending = live(seed, medium, true);
        assert!(ending.broken.is_none(), "world {seed} broke a promise: {}", ending.broken.unwrap());
        return;
    }
    let seeds = number("SIMULATION_SEEDS").map_or(seeds, |more| seeds * more / 1_000);
    let tally = live_all(seeds, medium);
    println!("events in {seeds} worlds:");
    for (what, times) in &tally {
        println!("{times:>9} {what}");
    }
    if seeds >= 500 {
        everything_happened(&tally);
    }
}

/// Fails if some kind of fault never occurred.
fn everything_happened(tally: &Tally) {
    let faults =
        Place::ALL.iter().flat_map(|place| place.faults().iter().map(move |fault| format!("{place:?} {fault:?}")));
    let missing: Vec<_> =
        faults.chain(WHAT_HAPPENS.map(str::to_owned)).filter(|what| !tally.contains_key(what)).collect();
    assert!(missing.is_empty(), "this never happened: {missing:?}");
}

/// Further events that must occur.
const WHAT_HAPPENS: [&str; 27] = [
    "late grant gave access",
    "late revocation took access",
    "access after its revocation",
    "revoked while a grant may take effect",
    "revocation retried by an operator",
    "revocation written off",
    "caller left",
    "crash",
    "clock ahead",
    "clock back",
    "concurrent approvals",
    "concurrent duplicate",
    "later duplicate",
    "duplicate answered",
    "commit conflict",
    "commit duplicate",
    "expiry deferred",
    "access still held by another Run",
    "revoked after a failed grant",
    "revocation retried",
    "grant retried",
    "refusal",
    "Run denied",
    "Run expired",
    "Run errored",
    "Run deescalated",
    "commit written",
];

#[test]
fn in_memory() {
    test(Medium::Memory, 1_000);
}

#[test]
fn in_a_file() {
    test(Medium::Sqlite, 100);
}

/// The same seed gives the same world, to the last call.
#[test]
fn a_world_can_be_lived_again() {
    for medium in [Medium::Memory, Medium::Sqlite] {
        for seed in 0..10 {
            let (once, again) = (live(seed, medium, false), live(seed, medium, false));
            assert_eq!((once.trace, once.tally), (again.trace, again.tally), "world {seed} in {medium:?}");
        }
    }
}
