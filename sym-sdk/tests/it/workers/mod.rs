//! Workers on a virtual clock, on each of the stores: what they may never hold up, and how they stop.

mod blocking;
mod clock;
mod faults;
mod faulty;
mod observability;
mod program;
mod redelivery;
mod retention;
mod second_engine;
mod shutdown;
mod starvation;
mod world;

use std::sync::Arc;
use std::time::Duration;

use sym_sdk::engine::{MemoryStore, SqliteStore, Store};

/// Real time, for what takes nearly none.
const GRACE: Duration = Duration::from_secs(20);

/// A store in memory, and one in a file.
async fn stores(dir: &tempfile::TempDir) -> [Arc<dyn Store>; 2] {
    let file = SqliteStore::open(dir.path().join("runs.db")).await.unwrap();
    [Arc::new(MemoryStore::new()), Arc::new(file)]
}

/// Waits for other tasks and threads. Virtual time stands still meanwhile.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(GRACE, waiting).await.unwrap_or_else(|_| panic!("in vain: {what}"));
}
