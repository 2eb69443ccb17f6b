//! Deterministic simulation of the whole runtime: people click, targets fail, the process crashes, the clock is set.
//!
//! A world is the history that results from one seed. Its scheduler decides which call takes effect next, so a seed always gives
//! the same history:
//!
//! - `cargo test -p simulation` runs a thousand worlds in memory and a hundred on a file;
//! - `SIMULATION_SEEDS=20000 cargo test -p simulation` runs more, and `SIMULATION_FIRST=1000` others than the first;
//! - `SIMULATION_SEED=7 cargo test -p simulation -- --nocapture` runs one, and prints its history.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "clippy's exception for tests leaves out their helpers"
)]

mod asked;
mod clock;
mod declared;
mod disk;
mod fault;
mod flows;
mod front_end;
mod history;
mod liveness;
mod operators;
mod outage;
mod people;
mod process;
mod promises;
mod schedule;
mod staff;
mod store;
mod target;
mod trouble;
mod world;

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use disk::Medium;
use fault::Place;
use history::History;
use trouble::Troubles;
use world::{Tally, World};

/// The maximum number of broken worlds that are listed.
const MAX_LISTED: usize = 30;

/// The result of one world.
#[derive(Debug)]
struct Ending {
    troubles: Troubles,
    trace: u64,
    tally: Tally,
    broken: Option<String>,
}

/// Runs the world of a seed.
fn live(seed: u64, medium: Medium, is_verbose: bool) -> Ending {
    let world = World::new(seed, is_verbose);
    // The gauges of this world alone: each has a thread to itself.
    let _gauges = metrics::set_default_local_recorder(&world.operators);
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
    let troubles = world.troubles;
    Ending { troubles, trace: world.trace(), tally: world.tally(), broken: world.what_broke() }
}

/// Runs worlds on all cores, and returns what happened in all of them.
fn live_all(first: u64, seeds: u64, medium: Medium) -> Tally {
    let next = AtomicU64::new(first);
    let total = Mutex::new((Tally::new(), Vec::new()));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|threads| {
        for _ in 0..cores {
            threads.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds {
                        return;
                    }
                    let ending = live(seed, medium, false);
                    let (tally, broken) = &mut *total.lock().unwrap_or_else(PoisonError::into_inner);
                    for (what, times) in ending.tally {
                        *tally.entry(what).or_default() += times;
                    }
                    broken
                        .extend(ending.broken.map(|promise| (seed, format!("{promise}, with {:?}", ending.troubles))));
                }
            });
        }
    });
    let (tally, mut broken) = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    broken.sort();
    if let Some((seed, _)) = broken.first() {
        let all: Vec<_> =
            broken.iter().take(MAX_LISTED).map(|(seed, promise)| format!("{seed}: {promise}\n")).collect();
        panic!(
            "{} of {seeds} worlds broke a promise:\n{}\
             to see what happened: SIMULATION_SEED={seed} cargo test -p simulation -- --nocapture {}\n",
            broken.len(),
            all.concat(),
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
    let first = number("SIMULATION_FIRST").unwrap_or_default();
    let tally = live_all(first, seeds, medium);
    println!("events in {seeds} worlds:");
    for (what, times) in &tally {
        println!("{times:>9} {what}");
    }
    if seeds >= 1_000 {
        everything_happened(&tally);
    }
}

/// Fails if some kind of fault never occurred.
fn everything_happened(tally: &Tally) {
    let faults =
        Place::ALL.iter().flat_map(|place| place.faults().iter().map(move |fault| format!("{place:?} {fault:?}")));
    let missing: Vec<_> = faults
        .chain(WHAT_HAPPENS.iter().map(|what| (*what).to_owned()))
        .filter(|what| !tally.contains_key(what))
        .collect();
    assert!(missing.is_empty(), "this never happened: {missing:?}");
}

/// Further events that must occur.
const WHAT_HAPPENS: &[&str] = &[
    // Calls.
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
    "access still held by another Run",
    "access ended by itself",
    "revoked after a failed grant",
    "revocation retried",
    "grant retried",
    "refusal",
    "refusal before the machine",
    "Run denied",
    "Run expired",
    "Run errored",
    "Run deescalated",
    "commit written",
    // Configuration.
    "configuration: flow gone",
    "configuration: flow back",
    "configuration: flow with another strategy",
    "configuration: duration gone",
    "configuration: target gone",
    "configuration: target pointed elsewhere",
    "configuration: account pointed elsewhere",
    "configuration: strategy with another setting",
    "outdated request",
    "request for a target that is gone",
    "access that cannot be revoked is seen by operators",
    // People.
    "somebody demoted",
    "somebody promoted",
    "somebody locked",
    "somebody unlocked",
    "somebody deleted",
    "somebody restored",
    "somebody with another address",
    "somebody new at the address of another",
    "approval withdrawn",
    "requester locked before the grant",
    "requester deleted before the grant",
    "requester demoted before the grant",
    // Outages.
    "outage: full",
    "outage: read-only",
    "outage: dead",
    "outage: fails at the n-th call",
    "operators see that the store takes no writes",
    "inputs kept in memory",
    "revocation attempted while the store takes no writes",
    // Hooks.
    "on_request ignored",
    "on_approve ignored",
    "on_escalate ignored",
    "on_deescalate ignored",
    "hook overruled",
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
