//! The program that is killed: `crash-child DIR story FLOW` or `crash-child DIR load SEED RUNS`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a panic ends the test"
)]

use std::path::PathBuf;
use std::time::Duration;

use crash::child::Child;
use crash::{load, points, script};

/// A process that has not ended by then never will.
const WATCHDOG: Duration = Duration::from_secs(120);

fn main() {
    // A panic within a task or a thread of the store is the end of everything too.
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("{panic}");
        std::process::exit(101);
    }));
    std::thread::spawn(|| {
        std::thread::sleep(WATCHDOG);
        eprintln!("still running after {WATCHDOG:?}");
        std::process::exit(102);
    });
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().expect("usage: crash-child DIR (story FLOW | load SEED RUNS)");
    let dir = PathBuf::from(next());
    let die_at = std::env::var(points::DIE_AT).ok().map(|point| point.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match next().as_str() {
        "story" => {
            let flow = next();
            runtime.block_on(async {
                let child = Child::start(&dir, die_at, Duration::ZERO).await;
                script::play(&child, &flow).await;
                child.stop().await;
            });
        }
        "load" => {
            let (seed, runs) = (next().parse().unwrap(), next().parse().unwrap());
            runtime.block_on(async {
                load::play(Child::start(&dir, die_at, load::TICK).await, seed, runs).await;
            });
        }
        other => panic!("`{other}` is neither `story` nor `load`"),
    }
}
