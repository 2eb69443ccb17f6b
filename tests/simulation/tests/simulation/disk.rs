//! The store of a world, which outlives its processes.

use std::sync::Arc;

use futures_executor::block_on;
use sym_sdk::engine::{MemoryStore, SqliteStore, Store};
use tempfile::TempDir;
use tokio::task::coop::unconstrained;

/// The medium of a store.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Medium {
    Memory,
    Sqlite,
}

/// The store of a world, without faults.
pub(crate) enum Disk {
    Memory(Arc<MemoryStore>),
    Sqlite { store: Arc<SqliteStore>, dir: TempDir },
}

impl Disk {
    pub(crate) fn new(medium: Medium) -> Self {
        match medium {
            Medium::Memory => Self::Memory(Arc::new(MemoryStore::new())),
            Medium::Sqlite => {
                // Power failures are not simulated, so a file system in memory is as good and much faster.
                let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
                let store = Arc::new(at_once(SqliteStore::open(dir.path().join("runs.db"))).unwrap());
                Self::Sqlite { store, dir }
            }
        }
    }

    /// Opens the store for a new process. Leases in memory outlive the process that claimed them; in a file they do not.
    pub(crate) fn reopen(&mut self) {
        if let Self::Sqlite { store, dir } = self {
            at_once(store.close()).unwrap();
            *store = Arc::new(at_once(SqliteStore::open(dir.path().join("runs.db"))).unwrap());
        }
    }

    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Memory(store) => store.clone(),
            Self::Sqlite { store, .. } => store.clone(),
        }
    }
}

/// Blocks the world on a call of the store. The store has threads of its own, so their timing and the order of their results must
/// not make a difference.
pub(crate) fn at_once<T>(work: impl Future<Output = T>) -> T {
    // The call must not yield to other tasks, however much it does.
    block_on(unconstrained(work))
}
