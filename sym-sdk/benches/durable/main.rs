//! What durability costs: Runs on a store in one file, with the workers of a server, held against what SQLite alone would need
//! to write the same rows.
//!
//! It takes about three minutes, and ten gigabytes in the system's directory for temporary files, which should be on the disk
//! that is meant. `--timers 100000` makes do with fewer pending timers and a tenth of the room; `--test` does a little of
//! everything, to see that it works.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark may panic, and prints"
)]
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the wall clock")]

mod bare;
mod flow;
mod runs;
mod timers;

use std::time::Duration;

/// How much is done.
struct Size {
    /// Runs of which the rows are recorded.
    sample: usize,
    /// How many Runs are in flight at once.
    in_flight: &'static [usize],
    /// How long each of these is measured.
    time: Duration,
    /// Timers that wait.
    timers: u64,
    /// Timers that fall due.
    due: u64,
    /// In this time.
    due_in: Duration,
}

/// So often the engine and SQLite alone take turns.
const ROUNDS: u32 = 5;

const WHOLE: Size = Size {
    sample: 400,
    in_flight: &[1, 8, 64, 256],
    time: Duration::from_secs(10),
    timers: 1_000_000,
    due: 10_000,
    due_in: Duration::from_secs(60),
};

const LITTLE: Size = Size {
    sample: 10,
    in_flight: &[1, 8],
    time: Duration::from_millis(200),
    timers: 1_000,
    due: 50,
    due_in: Duration::from_secs(1),
};

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    let mut size = if arguments.iter().any(|argument| argument == "--test") { LITTLE } else { WHOLE };
    if let Some(place) = arguments.iter().position(|argument| argument == "--timers") {
        size.timers = arguments[place + 1].parse().expect("a number of timers");
    }
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();

    let sample = threads.block_on(bare::Sample::record(size.sample));
    println!("bare SQLite, the rows of {} Runs ({})", size.sample, sample.what());
    for group in [1, 8, 64, 256] {
        let name = if group == 1 { "one task".to_owned() } else { format!("{group} callers a transaction") };
        println!("  {name:<28} {:>8.0} Runs/s", sample.in_groups_of(group));
    }

    println!("\nwhole Runs, from request to revocation");
    println!("  in flight    Runs/s  commits/s  commits a transaction  bare with as many transactions  of bare");
    let mut bytes_per_run = 0.0;
    for in_flight in size.in_flight {
        // In turns, because a disk that others use as well is not always as fast.
        let rounds: Vec<_> = (0..ROUNDS)
            .map(|_| {
                let measured = threads.block_on(runs::measure(*in_flight, size.time / ROUNDS));
                let bare = sample.with_commits_per_transaction(measured.commits_per_transaction());
                (measured, bare)
            })
            .collect();
        let mean =
            |value: fn(&(runs::Measured, f64)) -> f64| rounds.iter().map(value).sum::<f64>() / rounds.len() as f64;
        println!(
            "  {in_flight:>9} {:>9.0} {:>10.0} {:>22.1} {:>22.0} Runs/s {:>7.0} %",
            mean(|(measured, _)| measured.runs_per_second()),
            mean(|(measured, _)| measured.commits_per_second()),
            mean(|(measured, _)| measured.commits_per_transaction()),
            mean(|(_, bare)| *bare),
            // Of the rounds, not of the means: each round had the disk as it was then.
            100.0 * mean(|(measured, bare)| measured.runs_per_second() / bare),
        );
        bytes_per_run = mean(|(measured, _)| measured.bytes_per_run());
    }
    println!("\nsize of the file: {:.1} KiB for each Run that has ended", bytes_per_run / 1024.0);

    threads.block_on(timers::measure(size.timers, size.due, size.due_in));
}
