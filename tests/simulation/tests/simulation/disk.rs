//! What outlives a process.

use std::sync::Arc;

use sym_sdk::engine::{MemoryStore, SqliteStore, Store};
use tempfile::TempDir;

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
    pub(crate) async fn new(medium: Medium) -> Self {
        match medium {
            Medium::Memory => Self::Memory(Arc::new(MemoryStore::new())),
            Medium::Sqlite => {
                let dir = tempfile::tempdir().unwrap();
                let store = Arc::new(SqliteStore::open(dir.path().join("runs.db")).await.unwrap());
                Self::Sqlite { store, dir }
            }
        }
    }

    /// What a new process finds. Leases in memory outlive the process that took them; in a file they do not.
    pub(crate) async fn reopen(&mut self) {
        if let Self::Sqlite { store, dir } = self {
            store.close().await.unwrap();
            *store = Arc::new(SqliteStore::open(dir.path().join("runs.db")).await.unwrap());
        }
    }

    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Memory(store) => store.clone(),
            Self::Sqlite { store, .. } => store.clone(),
        }
    }
}
