//! What it costs to list 10,000 of something through a client, held against a loop that somebody wrote by hand with `reqwest`
//! and `serde_json` alone.
//!
//! The server is a process of its own, so that its time does not count. In each round all ways of listing take their turn.
//! Then the memory is counted that a listing holds at most, beside the size of a page. `--test` does a few rounds, to see that
//! it works.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark may panic, and prints"
)]

mod okta;
mod server;
mod slack;

use std::hint::black_box;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use sym_sdk::BoxFuture;
use tokio::runtime::Runtime;

/// A list of a service.
trait Case: Sync {
    /// What is listed.
    fn name(&self) -> &'static str;

    /// What the server at `base` answers.
    fn pages(&self, base: &str) -> Vec<server::Page>;

    /// The ways of listing it from the server at `base`, that by hand first.
    fn ways(&self, base: &str) -> Vec<Way>;
}

/// All that is listed.
const CASES: &[&dyn Case] = &[&okta::GroupUsers, &slack::WorkspaceUsers];

/// How many items each list has.
const ITEMS: usize = 10_000;

/// One way of listing, which says how many items there were.
struct Way {
    name: &'static str,
    list: Box<dyn Fn() -> BoxFuture<'static, usize>>,
}

impl Way {
    fn new<F>(name: &'static str, list: impl Fn() -> F + 'static) -> Self
    where
        F: Future<Output = usize> + Send + 'static,
    {
        Self { name, list: Box::new(move || Box::pin(list())) }
    }

    fn run(&self, runtime: &Runtime) {
        assert_eq!(black_box(runtime.block_on((self.list)())), ITEMS, "{}", self.name);
    }

    /// The processor's time that a run takes, in this process.
    fn time(&self, runtime: &Runtime) -> Duration {
        let begun = processor_time();
        self.run(runtime);
        processor_time() - begun
    }

    /// The most bytes that a run holds at one time.
    fn peak(&self, runtime: &Runtime) -> u64 {
        allocation_counter::measure(|| self.run(runtime)).bytes_max
    }
}

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let Some(place) = arguments.iter().position(|argument| argument == server::ARGUMENT) {
        return server::serve(CASES[arguments[place + 1].parse::<usize>().unwrap()]);
    }
    let rounds = if arguments.iter().any(|argument| argument == "--test") { 3 } else { 41 };
    for (number, case) in CASES.iter().enumerate() {
        report(*case, &server::Process::start(number), rounds);
    }
}

fn report(case: &dyn Case, server: &server::Process, rounds: usize) {
    let pages = case.pages(server.base());
    let page = pages.iter().map(|page| page.body.len()).max().unwrap() as u64;
    println!("{}: {ITEMS} in {} pages of {} KiB, {rounds} rounds", case.name(), pages.len(), page / 1024);

    // A single thread: all that is allocated is counted.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ways = case.ways(server.base());
    ways.iter().for_each(|way| way.run(&runtime));
    let times: Vec<Vec<Duration>> = (0..rounds).map(|_| ways.iter().map(|way| way.time(&runtime)).collect()).collect();
    println!("  {:<24} {:>12} {:>10} {:>12} {:>8}", "", "CPU time", "of by hand", "peak memory", "pages");
    for (place, way) in ways.iter().enumerate() {
        let time = median(times.iter().map(|round| round[place].as_secs_f64()).collect());
        // Of the rounds, not of the medians: each round had the machine as it was then.
        let ratio = median(times.iter().map(|round| round[place].div_duration_f64(round[0])).collect());
        let peak = way.peak(&runtime);
        let of_page = peak as f64 / page as f64;
        println!("  {:<24} {:>9.2} ms {ratio:>8.2} x {:>8} KiB {of_page:>8.1}", way.name, time * 1e3, peak / 1024);
    }
}

fn processor_time() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
