//! The cost of durability: Runs on a SQLite store with the workers of a server, compared to SQLite alone writing the same rows.
//!
//! It takes about three minutes, and ten gigabytes in the system's temporary directory, which should be on the disk to measure.
//! `--timers 100000` uses fewer pending timers and a tenth of the space; `--test` does a little of everything, to check that the
//! benchmark works.

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

/// The amount of work.
struct Size {
    /// The number of Runs whose rows are recorded.
    sample: usize,
    /// The numbers of concurrent Runs.
    in_flight: &'static [usize],
    /// The duration of each measurement.
    time: Duration,
    /// The number of pending timers.
    timers: u64,
    /// The number of timers that fall due.
    due: u64,
    /// The time in which they fall due.
    due_in: Duration,
}

/// The number of times that the engine and SQLite alone are measured in turn.
const ROUNDS: u32 = 5;

const FULL: Size = Size {
    sample: 400,
    in_flight: &[1, 8, 64, 256],
    time: Duration::from_secs(10),
    timers: 1_000_000,
    due: 10_000,
    due_in: Duration::from_secs(60),
};

const SMALL: Size = Size {
    sample: 10,
    in_flight: &[1, 8],
    time: Duration::from_millis(200),
    timers: 1_000,
    due: 50,
    due_in: Duration::from_secs(1),
};

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    let mut size = if arguments.iter().any(|argument| argument == "--test") { SMALL } else { FULL };
    if let Some(place) = arguments.iter().position(|argument| argument == "--timers") {
        size.timers = arguments[place + 1].parse().expect("a number of timers");
    }
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();

    let sample = threads.block_on(bare::Sample::record(size.sample));
    println!("bare SQLite, the rows of {} Runs ({})", size.sample, sample.summary());
    for group in [1, 8, 64, 256] {
        let name = if group == 1 { "one task".to_owned() } else { format!("{group} callers a transaction") };
        println!("  {name:<28} {:>8.0} Runs/s", sample.in_groups_of(group));
    }

    println!("\nwhole Runs, from request to revocation");
    println!("  in flight    Runs/s  commits/s  commits a transaction  bare with as many transactions  of bare");
    let mut bytes_per_run = 0.0;
    for in_flight in size.in_flight {
        // In turns, because the speed of a shared disk varies.
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
            // The mean of the ratios, not the ratio of the means: each round had its own disk speed.
            100.0 * mean(|(measured, bare)| measured.runs_per_second() / bare),
        );
        bytes_per_run = mean(|(measured, _)| measured.bytes_per_run());
    }
    println!("\nsize of the file: {:.1} KiB for each finished Run", bytes_per_run / 1024.0);

    threads.block_on(timers::measure(size.timers, size.due, size.due_in));
}
