<<<<<<< HEAD
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
=======
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
>>>>>>> 4ee6770c (Replay recorded requests through today's handlers)
        let store = SqliteStore::open_read_only(db).await?;
        let copied = store.backup(&copy.path).await;
        store.close().await?;
        copied?;
        Ok(copy)
    }
<<<<<<< HEAD
=======

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
>>>>>>> 4ee6770c (Replay recorded requests through today's handlers)
}

impl Drop for StoreCopy {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm", ".lock"] {
            // Most of them are gone already.
<<<<<<< HEAD
            let _ = std::fs::remove_file(beside(&self.path, suffix));
=======
            let _ = std::fs::remove_file(with_suffix(&self.path, suffix));
>>>>>>> 4ee6770c (Replay recorded requests through today's handlers)
        }
    }
}

/// Returns the path with a suffix.
<<<<<<< HEAD
fn beside(path: &Path, suffix: &str) -> PathBuf {
=======
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
>>>>>>> 4ee6770c (Replay recorded requests through today's handlers)
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}
