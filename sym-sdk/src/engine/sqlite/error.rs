//! Errors of files and of SQLite.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::ErrorCode;
use rusqlite::ffi::SQLITE_IOERR_WRITE;

use crate::engine::StoreError;
use crate::engine::store::WriteProblem;
use crate::error::BoxError;

const MEBIBYTE: u64 = 1024 * 1024;

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
    #[error(
        "`{}` was removed or replaced while it was in use, so nothing is written any more; put it back, or restore it from a backup",
        .path.display()
    )]
    Replaced { path: PathBuf },
    #[error(
        "`{}` does not exist, but `{}`, which belongs to it, does; restore the store from a backup, because only it knows which access has to \
         end, or remove `{}` to begin with an empty one",
        .path.display(), .rest.display(), .rest.display()
    )]
    Lost { path: PathBuf, rest: PathBuf },
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
            Self::Replaced { .. } => StoreError::Unusable(self.into()),
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
        Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure) => return write_failed(Arc::new(error), path),
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

/// The reason why a group of writes was not committed. It is the error of each of them.
#[derive(Clone, Debug)]
pub(super) enum GroupError {
    Sqlite(Arc<rusqlite::Error>),
    /// The disk was full, and this group takes no access away. There must be that much space for it.
    OnlyRevocations {
        needs_bytes: u64,
    },
    /// The path leads to another file, or to none.
    Replaced,
}

impl GroupError {
    pub(super) fn into_error(self, path: &Path) -> StoreError {
        match self {
            Self::Sqlite(error) => write_failed(error, path),
            Self::OnlyRevocations { needs_bytes } => {
                let needs = needs_bytes.div_ceil(MEBIBYTE);
                let hint = format!("make at least {needs} MiB of free space on the disk of `{}`", path.display());
                not_writable(WriteProblem::OnlyRevocations, hint)
            }
            Self::Replaced => FileError::Replaced { path: path.to_owned() }.into_error(),
        }
    }
}

/// Converts an error of a write.
pub(super) fn write_failed(error: Arc<rusqlite::Error>, path: &Path) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            not_writable(WriteProblem::DiskFull, format!("free space on the disk of `{}`", path.display()))
        }
        Some(ErrorCode::ReadOnly) => {
            not_writable(WriteProblem::ReadOnly, format!("make `{}` and its directory writable", path.display()))
        }
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => {
            not_writable(error, format!("check the disk of `{}`, and its directory", path.display()))
        }
        _ => failed(error),
    }
}

/// Whether a write has failed for a lack of space. A quota shows as an error of the call.
pub(super) fn lacks_space(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error();
    code.is_some_and(|error| error.code == ErrorCode::DiskFull || error.extended_code == SQLITE_IOERR_WRITE)
}

fn not_writable(problem: impl Into<BoxError>, hint: String) -> StoreError {
    StoreError::NotWritable { problem: problem.into(), hint }
}

/// The error of writes to a store that is opened read-only.
pub(super) fn read_only() -> StoreError {
    StoreError::Refused("it is opened read-only".into())
}

/// The error of calls to a store that is closed, or whose thread is gone.
pub(super) fn closed() -> StoreError {
    StoreError::Unavailable("it is closed".into())
}
