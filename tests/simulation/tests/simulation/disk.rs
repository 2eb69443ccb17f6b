//! What outlives a process.

use std::sync::Arc;

use futures_executor::block_on;
use sym_sdk::engine::{MemoryStore, SqliteStore, Store};
use tempfile::TempDir;
use tokio::task::coop::unconstrained;

/// Where the store of a world is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Medium {
    Memory,
    Sqlite,
}

/// The store of a world, whole and reliable.
pub(crate) enum Disk {
    Memory(Arc<MemoryStore>),
    Sqlite { store: Arc<SqliteStore>, dir: TempDir },
}

impl Disk {
    pub(crate) fn new(medium: Medium) -> Self {
        match medium {
            Medium::Memory => Self::Memory(Arc::new(MemoryStore::new())),
            Medium::Sqlite => {
                // The power never fails here, so that a file in memory, where there can be one, is as good and much faster.
                let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
                let store = Arc::new(at_once(SqliteStore::open(dir.path().join("runs.db"))).unwrap());
                Self::Sqlite { store, dir }
            }
        }
    }

    /// What a new process finds. Leases in memory outlive the process that took them; in a file they do not.
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

/// Has the store do something, and everybody wait for it. Its threads are not the world's, so how long they take, and which of two
/// answers comes first, must make no difference.
pub(crate) fn at_once<T>(work: impl Future<Output = T>) -> T {
    // However much one task does, it is not to let others go on in between.
    block_on(unconstrained(work))
}
