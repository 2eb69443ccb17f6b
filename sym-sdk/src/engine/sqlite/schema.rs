//! Opens the file: checks that it is ours, [intact](super::integrity) and as durable as it must be, and migrates it to the newest
//! schema.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};

use super::error::{FileError, cannot_open, failed};
use super::normalize_names::normalize_names;
use super::{audit, integrity, run_projection};
use crate::engine::StoreError;

/// The SQLite `application_id` of our databases, `Sym1` in ASCII.
const APPLICATION_ID: i64 = 0x5379_6D31;

/// The migrations, in order. A file's `user_version` is the number of those it has. Released migrations are never changed.
const MIGRATIONS: &[&str] = &[
    concat!(include_str!("schema/runs.sql"), include_str!("schema/audit.sql"), include_str!("schema/directory.sql")),
    include_str!("schema/audit_texts.sql"),
    include_str!("schema/deleted_users.sql"),
    include_str!("schema/queries.sql"),
    include_str!("schema/workload_trusts.sql"),
    concat!(include_str!("schema/sessions.sql"), include_str!("schema/run_entitlements.sql")),
    include_str!("schema/token_use.sql"),
    include_str!("schema/packed.sql"),
    include_str!("schema/run_lists.sql"),
];

/// The migration in which names of users are [normalized](super::normalize_names), which SQL cannot.
const SCHEMA_WITH_NORMALIZED_NAMES: i64 = 3;

/// The migration in which projections are filled from the states and audit entries that there are.
const SCHEMA_WITH_PROJECTIONS: i64 = 4;

/// The migration in which the names of requesters are filled.
const SCHEMA_WITH_REQUESTER_NAMES: i64 = 9;

/// The time to wait for another program that has the file locked, such as `sqlite3`.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The capacity of the statement cache: more statements than there are, so that each is compiled once.
const STATEMENT_CACHE_CAPACITY: usize = 128;

/// The settings that durability rests on, as statement, name and expected value. Each is read back, because SQLite silently
/// ignores a setting that it does not apply.
const PRAGMAS: &[(&str, &str, &str)] = &[
    // First, because it can be set only while the file is empty. It lets pruning return space to the file system.
    ("auto_vacuum = incremental", "auto_vacuum", "2"),
    ("journal_mode = wal", "journal_mode", "wal"),
    ("synchronous = full", "synchronous", "2"),
    // On macOS, a plain `fsync` leaves data in the cache of the disk.
    ("fullfsync = on", "fullfsync", "1"),
    ("foreign_keys = on", "foreign_keys", "1"),
    // Otherwise the write-ahead log would never shrink.
    ("journal_size_limit = 67108864", "journal_size_limit", "67108864"),
];

/// Opens the file for writing. The lock, which creates the file, must be held.
pub(super) fn open_to_write(path: &Path, vfs: Option<&str>) -> Result<Connection, StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, vfs)?;
    let schema = supported_schema(&connection, path)?;
    set_pragmas(&connection, path)?;
    let cannot_open = |error| cannot_open(path, error);
    if schema > 0 {
        integrity::check_unless_closed(&connection, path)?;
    }
    migrate(&connection, schema).map_err(cannot_open)?;
    mark_open(&connection).map_err(cannot_open)?;
    Ok(connection)
}

/// Opens another connection for reading.
pub(super) fn open_to_read(path: &Path, vfs: Option<&str>) -> Result<Connection, StoreError> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, vfs)
}

/// Opens a file read-only that another process may have open for writing.
pub(super) fn open_for_reader(path: &Path) -> Result<Connection, StoreError> {
    if !path.exists() {
        return Err(FileError::Missing { path: path.to_owned() }.into_error());
    }
    let connection = open_to_read(path, None)?;
    let (found, known) = (supported_schema(&connection, path)?, newest());
    if found < known {
        return Err(FileError::Older { path: path.to_owned(), found, known }.into_error());
    }
    Ok(connection)
}

/// Closes a connection from [`open_to_write`], and marks the file as cleanly closed.
pub(super) fn close(connection: Connection) -> Result<(), StoreError> {
    integrity::mark_closed(&connection).map_err(failed)?;
    connection.close().map_err(|(_, error)| failed(error))
}

fn connect(path: &Path, mode: OpenFlags, vfs: Option<&str>) -> Result<Connection, StoreError> {
    let cannot_open = |error| cannot_open(path, error);
    let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs),
        None => Connection::open_with_flags(path, flags),
    };
    let connection = connection.map_err(cannot_open)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(cannot_open)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE_CAPACITY);
    // Otherwise SQLite compiles a statement again whenever a time is bound to it: another plan might be better for that value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(cannot_open)?;
    Ok(connection)
}

fn newest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Returns the schema version of the file; 0 for a new one.
fn supported_schema(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let path = path.to_owned();
    let number = |sql| connection.query_row(sql, (), |row| row.get::<_, i64>(0));
    let read = || Ok((number("PRAGMA application_id")?, number("PRAGMA user_version")?));
    let (application, schema) = read().map_err(|error| cannot_open(&path, error))?;
    let tables = number("SELECT count(*) FROM sqlite_schema").map_err(|error| cannot_open(&path, error))?;
    let known = newest();
    match (application, schema) {
        (0, 0) if tables == 0 => Ok(0),
        (APPLICATION_ID, 1..) if schema > known => Err(FileError::Newer { path, found: schema, known }.into_error()),
        (APPLICATION_ID, 1..) => Ok(schema),
        _ => Err(FileError::NotOurs { path }.into_error()),
    }
}

fn set_pragmas(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    for (pragma, name, expected) in PRAGMAS {
        let found = set_pragma(connection, pragma, name).map_err(|error| cannot_open(path, error))?;
        if found != *expected {
            return Err(FileError::Pragma { path: path.to_owned(), pragma, found }.into_error());
        }
    }
    Ok(())
}

fn set_pragma(connection: &Connection, pragma: &str, name: &str) -> rusqlite::Result<String> {
    connection.execute_batch(&format!("PRAGMA {pragma}"))?;
    connection.query_row(&format!("PRAGMA {name}"), (), |row| {
        Ok(match row.get(0)? {
            Value::Integer(number) => number.to_string(),
            Value::Text(text) => text,
            other => format!("{other:?}"),
        })
    })
}

/// Applies the migrations that the file lacks, each in a transaction.
fn migrate(connection: &Connection, schema: i64) -> rusqlite::Result<()> {
    for (step, sql) in (1..).zip(MIGRATIONS).filter(|(step, _)| *step > schema) {
        let transaction = connection.unchecked_transaction()?;
        transaction.execute_batch(sql)?;
        if step == SCHEMA_WITH_NORMALIZED_NAMES {
            normalize_names(&transaction)?;
        }
        if step == SCHEMA_WITH_PROJECTIONS {
            run_projection::fill(&transaction)?;
            audit::fill_search_columns(&transaction)?;
        }
        if step == SCHEMA_WITH_REQUESTER_NAMES {
            run_projection::fill_requester_names(&transaction)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", step)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Marks the file as open. Leases of an earlier process have ended, because the lock shows that it is gone: what it had in flight
/// is due immediately, and counts as lost.
fn mark_open(connection: &Connection) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    integrity::mark_open(&transaction)?;
    transaction.execute("UPDATE effects SET due = ?1, leased = 0, lost = lost + 1 WHERE leased = 1", [i64::MIN])?;
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::super::lock::FileLock;
    use super::*;

    /// The time went into compiling the same statements again.
    #[test]
    fn statements_are_compiled_once_whatever_is_bound_to_them() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("runs.db");
        let _lock = FileLock::take(&path).unwrap();
        let writer = open_to_write(&path, None).unwrap();
        let reader = open_to_read(&path, None).unwrap();
        for connection in [&writer, &reader] {
            for sql in [
                "SELECT run, at FROM timers WHERE kind = 1 AND at <= ?1 ORDER BY at, run LIMIT ?2",
                "SELECT ord FROM effects WHERE lane = ?1 AND due <= ?2 ORDER BY due, ord",
            ] {
                let mut statement = connection.prepare(sql).unwrap();
                for (first, second) in [(0, 1_000), (5, 7), (1_000, 1)] {
                    assert!(!statement.exists([first, second]).unwrap());
                }
                assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{sql}");
            }
        }
    }
}
