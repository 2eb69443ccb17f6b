//! JSON lines, in a file or on standard output.

mod file;

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, TryLockError};

pub(super) use self::file::LineFile;
use self::file::Rotation;
use super::{AuditAnchor, AuditDestination, AuditLine};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::future::BoxFuture;

/// A destination that writes audit lines to a file or to standard output, one JSON object per line.
///
/// Lines in a file are synced to disk before they count as delivered. A line that a crash left incomplete is removed when the
/// file is opened again, and then delivered again. The file is created with access for its owner only; its directory must exist.
///
/// ```no_run
/// use sym_sdk::audit::JsonLines;
/// use sym_sdk::config::Config;
/// use sym_sdk::runtime::Runtime;
///
/// let log = JsonLines::file("/var/log/sym/audit.jsonl").rotated(64 << 20, 20);
/// let builder = Runtime::builder(Config::default()).audit_destination(log);
/// # let _ = builder;
/// ```
pub struct JsonLines {
    name: String,
    sink: Arc<Mutex<Sink>>,
}

enum Sink {
    Stdout,
    File(LineFile),
}

impl JsonLines {
    /// Creates a destination that writes to standard output. Lines count as delivered once they are written, so the reader of the
    /// output is responsible for storing them.
    pub fn stdout() -> Self {
        Self { name: "stdout".to_owned(), sink: Arc::new(Mutex::new(Sink::Stdout)) }
    }

    /// Creates a destination that appends to a file. The file is opened at the first delivery.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = format!("file:{}", path.display());
        Self { name, sink: Arc::new(Mutex::new(Sink::File(LineFile::new(path)))) }
    }

    /// Rotates the file before it would exceed `bytes`, and keeps up to `files` full files, at least one. `audit.jsonl.1` is the
    /// newest of them. The oldest is removed; the store still has its records.
    ///
    /// Without rotation the file grows without limit. Standard output is not affected.
    #[must_use]
    pub fn rotated(self, bytes: u64, files: u32) -> Self {
        if let Ok(mut sink) = self.sink.lock()
            && let Sink::File(file) = &mut *sink
        {
            file.rotate(Rotation { bytes, files: files.max(1) });
        }
        self
    }

    /// Sets the name, by which the store identifies the cursor of the destination.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Returns the existing files of a rotated log, oldest first, which is the order in which to verify them.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn files(path: impl AsRef<Path>) -> io::Result<Vec<PathBuf>> {
        file::files(path.as_ref())
    }
}

impl Sink {
    fn write(&mut self, lines: &[Arc<str>]) -> io::Result<()> {
        match self {
            Self::File(file) => file.append(lines.iter().map(|line| &**line)),
            Self::Stdout => {
                let mut out = io::stdout().lock();
                for line in lines {
                    writeln!(out, "{line}")?;
                }
                out.flush()
            }
        }
    }
}

impl AuditDestination for JsonLines {
    fn name(&self) -> &str {
        &self.name
    }

    fn deliver<'a>(&'a self, lines: &'a [AuditLine]) -> BoxFuture<'a, Result<usize>> {
        Box::pin(async move {
            self.write(lines.iter().map(AuditLine::json).collect()).await?;
            Ok(lines.len())
        })
    }

    fn deliver_anchor<'a>(&'a self, anchor: &'a AuditAnchor) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.write(vec![anchor.to_line().into()]).await })
    }
}

impl JsonLines {
    async fn write(&self, batch: Vec<Arc<str>>) -> Result<()> {
        let sink = self.sink.clone();
        let write = move || match sink.try_lock() {
            Ok(mut sink) => sink.write(&batch),
            // The file is reopened after an error, so a panic leaves nothing behind.
            Err(TryLockError::Poisoned(sink)) => sink.into_inner().write(&batch),
            // A write that exceeded its timeout cannot be cancelled. No further thread may block behind it.
            Err(TryLockError::WouldBlock) => {
                Err(io::Error::new(io::ErrorKind::ResourceBusy, "an earlier write is still in progress"))
            }
        };
        match tokio::task::spawn_blocking(write).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.failed(&error)),
            Err(_) => Err(self.failed(&io::ErrorKind::Interrupted.into())),
        }
    }

    fn failed(&self, error: &io::Error) -> Error {
        let message = format!("cannot write to audit destination `{}`: {error}", self.name);
        let permanent = matches!(
            error.kind(),
            io::ErrorKind::NotFound
                | io::ErrorKind::PermissionDenied
                | io::ErrorKind::ReadOnlyFilesystem
                | io::ErrorKind::IsADirectory
                | io::ErrorKind::NotADirectory
        );
        let kind = if permanent { ErrorKind::Configuration } else { ErrorKind::Unavailable };
        let error = Error::new(kind, codes::AUDIT_DESTINATION, message);
        if permanent { error.with_hint("its directory must exist and be writable by this process") } else { error }
    }
}

impl fmt::Debug for JsonLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLines").field("name", &self.name).finish_non_exhaustive()
    }
}
