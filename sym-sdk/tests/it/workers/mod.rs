//! Workers on a virtual clock and on each store: isolation of lanes, faults, clock changes and shutdown.

mod blocking;
mod clamp_failing_store;
mod clock;
mod faults;
mod fixture;
mod observability;
mod program;
mod redelivery;
mod retention;
mod second_engine;
mod shutdown;
mod starvation;

use std::sync::Arc;

use sym_sdk::engine::{MemoryStore, SqliteStore, Store};

use crate::support::GRACE;

/// Returns a memory store and a SQLite store.
async fn stores(dir: &tempfile::TempDir) -> [Arc<dyn Store>; 2] {
    let file = SqliteStore::open(dir.path().join("runs.db")).await.unwrap();
    [Arc::new(MemoryStore::new()), Arc::new(file)]
}

/// Waits until other tasks and threads have reached a state. Virtual time stands still meanwhile.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(GRACE, waiting).await.unwrap_or_else(|_| panic!("timed out waiting until {what}"));
}
