//! Errors of files and of SQLite.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::ErrorCode;

use crate::engine::StoreError;
use crate::error::BoxError;

/// The reason why a file cannot be used. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    #[error("`{}` is in use by {holder}; stop that program, or use another file", .path.display())]
    InUse { path: PathBuf, holder: String },
    #[error("`{}` is the database of another program; use another file", .path.display())]
    NotOurs { path: PathBuf },
    #[error(
        "`{}` has schema version {found}, but this program supports versions up to {known}; run the version that wrote the file, or a later one",
        .path.display()
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("`{}` is read-only; make it and its directory writable", .path.display())]
    ReadOnly { path: PathBuf },
    #[error("`{}` is damaged or not a database: {problem}; restore it from a backup", .path.display())]
    Damaged { path: PathBuf, problem: String },
    #[error("SQLite did not apply `{pragma}` to `{}`: the value is {found}; move the file to a local disk", .path.display())]
    Pragma { path: PathBuf, pragma: &'static str, found: String },
    #[error("`{}` is on a network file system ({kind}), whose locks are unreliable; move the file to a local disk", .path.display())]
    Network { path: PathBuf, kind: &'static str },
    #[error("`{}` already exists; choose another name, or remove it", .path.display())]
    Exists { path: PathBuf },
    #[error("`{}` has schema version {found}, but this program reads version {known}; open it for writing once to upgrade it", .path.display())]
    Older { path: PathBuf, found: i64, known: i64 },
    #[error("`{}` is a directory; choose a file in it", .path.display())]
    Directory { path: PathBuf },
    #[error("`{}` does not exist", .path.display())]
    Missing { path: PathBuf },
    #[error("`{}` cannot be opened: {source}", .path.display())]
    Open {
        path: PathBuf,
        #[source]
        source: BoxError,
    },
}

impl FileError {
    pub(super) fn open(path: &Path, source: impl Into<BoxError>) -> Self {
        Self::Open { path: path.to_owned(), source: source.into() }
    }

    /// Not a `From` implementation, which would break type inference wherever a closure returns a [`StoreError`] with `?`.
    pub(super) fn into_error(self) -> StoreError {
        match self {
            Self::Damaged { .. } => StoreError::Corrupt(self.into()),
            _ => StoreError::Refused(self.into()),
        }
    }
}

/// Converts the error of a file that SQLite could not open.
pub(super) fn cannot_open(path: &Path, error: rusqlite::Error) -> StoreError {
    let owned = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            FileError::Damaged { path: owned, problem: error.to_string() }
        }
        Some(ErrorCode::ReadOnly) => FileError::ReadOnly { path: owned },
        _ => FileError::open(path, error),
    }
    .into_error()
}

/// Converts an error of SQLite. One failed transaction can be the error of many calls.
pub(super) fn failed(error: impl Into<Arc<rusqlite::Error>>) -> StoreError {
    let error = error.into();
    let corrupt = match &*error {
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..) => true,
        error => {
            matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        }
    };
    if corrupt { StoreError::Corrupt(error.into()) } else { StoreError::Unavailable(error.into()) }
}

/// The error of writes to a store that is opened read-only.
pub(super) fn read_only() -> StoreError {
    StoreError::Refused("it is opened read-only".into())
}

/// The error of calls to a store that is closed, or whose thread is gone.
pub(super) fn closed() -> StoreError {
    StoreError::Unavailable("it is closed".into())
}
