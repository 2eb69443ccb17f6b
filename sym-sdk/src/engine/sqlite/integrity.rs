//! Detection of damage: a store that was not closed cleanly is checked before it is used.
//!
//! The file records whether it was closed. After a crash or a power failure it was not, and a damaged file is refused: what is
//! read from it could not be trusted, and writing to it could destroy what is left. A check reads the whole file, so a store that
//! was closed cleanly opens without one.

use std::path::Path;

use rusqlite::Connection;

use super::error::{FileError, cannot_open};
use crate::engine::StoreError;

/// Checks an existing file for damage, unless it was closed cleanly.
pub(super) fn check_unless_closed(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    if was_closed(connection).map_err(|error| cannot_open(path, error))? {
        return Ok(());
    }
    tracing::warn!(path = %path.display(), "the store was not closed cleanly; checking it");
    check(connection, path)
}

/// Records that the file is in use: until [`mark_closed`], it counts as not closed cleanly.
pub(super) fn mark_open(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("UPDATE meta SET value = 0 WHERE key = 'clean'", ()).map(drop)
}

/// Records that the file was closed cleanly.
pub(super) fn mark_closed(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("UPDATE meta SET value = 1 WHERE key = 'clean'", ()).map(drop)
}

/// Writes something, which shows that the file can be written.
pub(super) fn mark_writable(connection: &Connection) -> rusqlite::Result<()> {
    let sql = "INSERT INTO meta VALUES ('checks', 1) ON CONFLICT (key) DO UPDATE SET value = value + 1";
    connection.prepare_cached(sql)?.execute(()).map(drop)
}

fn was_closed(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT value = 1 FROM meta WHERE key = 'clean'", (), |row| row.get(0))
}

fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let found: String = connection
        .query_row("PRAGMA quick_check(1)", (), |row| row.get(0))
        .map_err(|error| cannot_open(path, error))?;
    if found == "ok" { Ok(()) } else { Err(FileError::Damaged { path: path.to_owned(), problem: found }.into_error()) }
}
