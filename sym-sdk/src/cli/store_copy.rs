//! Copies of stores, for commands that must not touch the store itself.

use std::path::{Path, PathBuf};

use crate::engine::{SqliteStore, StoreError};

/// A copy of a store, removed when it is dropped.
pub(super) struct StoreCopy {
    path: PathBuf,
}

impl StoreCopy {
    /// Copies the store beside it, so that it is no less protected. `command` is what the copy is for.
    ///
    /// # Errors
    /// Those of [`SqliteStore::open_read_only`] and [`SqliteStore::backup`].
    pub(super) async fn of(db: PathBuf, command: &str) -> Result<Self, StoreError> {
        let copy = Self::beside(&db, command);
        let store = SqliteStore::open_read_only(db).await?;
        let copied = store.backup(&copy.path).await;
        store.close().await?;
        copied?;
        Ok(copy)
    }

    /// Copies a store as [`StoreCopy::of`] does, whatever its schema.
    ///
    /// # Errors
    /// Those of [`SqliteStore::backup`].
    pub(super) async fn of_any_schema(db: PathBuf, command: &str) -> Result<Self, StoreError> {
        let copy = Self::beside(&db, command);
        SqliteStore::copy(db, copy.path.clone()).await?;
        Ok(copy)
    }

    /// Returns the path of the copy.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn beside(db: &Path, command: &str) -> Self {
        Self { path: with_suffix(db, &format!(".{command}-{}", std::process::id())) }
    }
}

impl Drop for StoreCopy {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm", ".lock"] {
            // Most of them are gone already.
            let _ = std::fs::remove_file(with_suffix(&self.path, suffix));
        }
    }
}

/// Returns the path with a suffix.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}
