//! Measures listing 10,000 objects through a client, compared with a hand-written loop over `reqwest` and `serde_json`.
//!
//! The server is a process of its own, so that its time does not count. In each round every variant runs once. Then the peak memory of
//! each variant is measured, relative to the size of a page. `--test` runs a few rounds only, as a smoke test.

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

/// A list to measure.
trait Case: Sync {
    /// The name of the list.
    fn name(&self) -> &'static str;

    /// Returns the responses of the server at `base`.
    fn pages(&self, base: &str) -> Vec<server::Page>;

    /// Returns the variants that list it from the server at `base`, the hand-written one first.
    fn ways(&self, base: &str) -> Vec<Way>;
}

/// The lists.
const CASES: &[&dyn Case] = &[&okta::GroupUsers, &slack::WorkspaceUsers];

/// The number of items of each list.
const ITEMS: usize = 10_000;

/// A variant, which returns the number of items.
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

    /// The CPU time of a run in this process.
    fn time(&self, runtime: &Runtime) -> Duration {
        let begun = processor_time();
        self.run(runtime);
        processor_time() - begun
    }

    /// The peak memory of a run in bytes.
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

    // There is only one thread, so all allocations are counted.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ways = case.ways(server.base());
    ways.iter().for_each(|way| way.run(&runtime));
    let times: Vec<Vec<Duration>> = (0..rounds).map(|_| ways.iter().map(|way| way.time(&runtime)).collect()).collect();
    println!("  {:<24} {:>12} {:>10} {:>12} {:>8}", "", "CPU time", "of by hand", "peak memory", "pages");
    for (place, way) in ways.iter().enumerate() {
        let time = median(times.iter().map(|round| round[place].as_secs_f64()).collect());
        // The ratio is taken per round, not of the medians, since the load of the machine varies.
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
