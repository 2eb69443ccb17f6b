//! Workers on a virtual clock, on each of the stores: what they may never hold up, and how they stop.

mod blocking;
mod program;
mod redelivery;
mod shutdown;
mod starvation;

use std::time::Duration;

/// Real time, for what takes nearly none.
const GRACE: Duration = Duration::from_secs(20);

/// Waits for other tasks and threads. Virtual time stands still meanwhile.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(GRACE, waiting).await.unwrap_or_else(|_| panic!("in vain: {what}"));
}
