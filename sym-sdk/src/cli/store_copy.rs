//! A copy of a store, for a comparison with services: a store has one writer, which may be running.

use std::path::{Path, PathBuf};

use super::exit::CommandError;
use crate::engine::SqliteStore;

/// A copy of a store, removed when it is dropped.
pub(super) struct StoreCopy {
    pub(super) path: PathBuf,
}

impl StoreCopy {
    /// Copies the store beside it, so that it is no less protected.
    pub(super) async fn of(db: PathBuf) -> Result<Self, CommandError> {
        let copy = Self { path: beside(&db, &format!(".reconcile-{}", std::process::id())) };
        let store = SqliteStore::open_read_only(db).await?;
        let copied = store.backup(&copy.path).await;
        store.close().await?;
        copied?;
        Ok(copy)
    }
}

impl Drop for StoreCopy {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm", ".lock"] {
            // Most of them are gone already.
            let _ = std::fs::remove_file(beside(&self.path, suffix));
        }
    }
}

/// Returns the path with a suffix.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}
