//! What can be wrong with a file, and how failures of SQLite are told.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::ErrorCode;

use crate::engine::StoreError;
use crate::error::BoxError;

/// Why a file cannot be used. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    #[error("`{}` is in use by {holder}; stop that, or give this program a file of its own", .path.display())]
    InUse { path: PathBuf, holder: String },
    #[error("`{}` is a database of another program; give this one a file of its own", .path.display())]
    NotOurs { path: PathBuf },
    #[error(
        "`{}` has schema {found}, and this program knows schemas up to {known}; run the version that wrote it, or a later one",
        .path.display()
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("`{}` is read-only; make it and its directory writable", .path.display())]
    ReadOnly { path: PathBuf },
    #[error("`{}` is not a database, or is damaged: {problem}; restore it from a backup", .path.display())]
    Damaged { path: PathBuf, problem: String },
    #[error("SQLite did not take `{pragma}` for `{}`: it is {found}; put the file on a local disk", .path.display())]
    Pragma { path: PathBuf, pragma: &'static str, found: String },
    #[error("`{}` is on a network file system ({kind}), whose locks cannot be relied on; put the file on a local disk", .path.display())]
    Network { path: PathBuf, kind: &'static str },
    #[error("`{}` exists already; name a file that does not, or remove it", .path.display())]
    Exists { path: PathBuf },
    #[error("`{}` has schema {found}, and this program reads schema {known}; open it once to write", .path.display())]
    Older { path: PathBuf, found: i64, known: i64 },
    #[error("`{}` is a directory; name a file in it", .path.display())]
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

    /// Not a `From`: it would be in the way of type inference wherever a closure returns a [`StoreError`] with `?`.
    pub(super) fn into_error(self) -> StoreError {
        match self {
            Self::Damaged { .. } => StoreError::Corrupt(self.into()),
            _ => StoreError::Refused(self.into()),
        }
    }
}

/// What is wrong with a file that SQLite could not open.
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

/// What became of a call when SQLite failed. One failure can be that of many calls.
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

/// The store was opened to be read.
pub(super) fn read_only() -> StoreError {
    StoreError::Refused("it was opened to be read, and not to be written".into())
}

/// The store was closed, or a thread of it is gone.
pub(super) fn closed() -> StoreError {
    StoreError::Unavailable("it is closed".into())
}
