//! The program under test: `crash-child DIR scenario FLOW` or `crash-child DIR load SEED RUNS`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a panic ends the test"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crash::child::Child;
use crash::configured::Configured;
use crash::points::Points;
use crash::{load, points, scenarios};

/// The lifetime after which a process counts as hanging.
const WATCHDOG_TIMEOUT: Duration = Duration::from_secs(120);

fn main() {
    // A panic in a task or in a thread of the store ends the process too.
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("{panic}");
        std::process::exit(101);
    }));
    std::thread::spawn(|| {
        std::thread::sleep(WATCHDOG_TIMEOUT);
        eprintln!("still running after {WATCHDOG_TIMEOUT:?}");
        std::process::exit(102);
    });
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().expect("usage: crash-child DIR (scenario FLOW | load SEED RUNS)");
    let dir = PathBuf::from(next());
    let kill_at = std::env::var(points::KILL_AT).ok().map(|point| point.parse().unwrap());
    let points = Arc::new(Points::new(&dir, kill_at));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match next().as_str() {
        "scenario" => {
            let flow = next();
            runtime.block_on(async {
                if Configured::of(&dir) == Configured::Unchanged {
                    let child = Child::start(&dir, points.clone(), Duration::ZERO).await;
                    let changed = scenarios::run(&child, &flow).await;
                    child.stop().await;
                    let Some(changed) = changed else { return };
                    points.before("change of the configuration");
                    changed.set(&dir);
                    points.after("change of the configuration");
                }
                // Whatever was begun comes to its end.
                let child = Child::start(&dir, points, Duration::ZERO).await;
                child.until_idle().await;
                child.stop().await;
            });
        }
        "load" => {
            let (seed, runs) = (next().parse().unwrap(), next().parse().unwrap());
            runtime.block_on(async {
                load::run(Child::start(&dir, points, load::TICK).await, seed, runs).await;
            });
        }
        other => panic!("`{other}` is neither `scenario` nor `load`"),
    }
}
