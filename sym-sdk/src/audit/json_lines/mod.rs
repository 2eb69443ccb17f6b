//! JSON lines, in a file or on the standard output.

mod file;

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, TryLockError};

use self::file::{LineFile, Rotation};
use super::{AuditDestination, AuditLine};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::future::BoxFuture;

/// Writes audit lines to a file or to the standard output, one JSON object a line.
///
/// What was written to a file is on the disk before it counts as kept. A line that a crash left half written is taken off when
/// the file is opened again, and comes anew. The file is created readable for its owner alone, in a directory that exists.
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
    /// Writes to the standard output. Whoever reads it has to keep the lines: they do not come again.
    pub fn stdout() -> Self {
        Self { name: "stdout".to_owned(), sink: Arc::new(Mutex::new(Sink::Stdout)) }
    }

    /// Appends to a file. It is opened when there is something to write.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = format!("file:{}", path.display());
        Self { name, sink: Arc::new(Mutex::new(Sink::File(LineFile::new(path)))) }
    }

    /// Begins a new file before the current one would have more than so many bytes, and keeps this many full ones, at least
    /// one: `audit.jsonl.1` is the youngest of them. The oldest is removed; the store still has what was in it.
    ///
    /// Without this a file grows for ever. It means nothing for the standard output.
    #[must_use]
    pub fn rotated(self, bytes: u64, files: u32) -> Self {
        if let Ok(mut sink) = self.sink.lock()
            && let Sink::File(file) = &mut *sink
        {
            file.rotate(Rotation { bytes, files: files.max(1) });
        }
        self
    }

    /// Sets the name, under which the store remembers what was written.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The files of a rotated log that there are, oldest first: in this order they are verified.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn files(path: impl AsRef<Path>) -> io::Result<Vec<PathBuf>> {
        file::files(path.as_ref())
    }
}

impl Sink {
    fn write(&mut self, lines: &[AuditLine]) -> io::Result<()> {
        match self {
            Self::File(file) => file.append(lines.iter().map(AuditLine::as_str)),
            Self::Stdout => {
                let mut out = io::stdout().lock();
                for line in lines {
                    writeln!(out, "{}", line.as_str())?;
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
            let (sink, batch) = (self.sink.clone(), lines.to_vec());
            let write = move || match sink.try_lock() {
                Ok(mut sink) => sink.write(&batch),
                // Whatever it was about, the file is opened anew after an error.
                Err(TryLockError::Poisoned(sink)) => sink.into_inner().write(&batch),
                // A write that overran its time limit cannot be called off. No thread is to wait behind it.
                Err(TryLockError::WouldBlock) => {
                    Err(io::Error::new(io::ErrorKind::ResourceBusy, "an earlier write hangs"))
                }
            };
            match tokio::task::spawn_blocking(write).await {
                Ok(Ok(())) => Ok(lines.len()),
                Ok(Err(error)) => Err(self.failed(&error)),
                Err(_) => Err(self.failed(&io::ErrorKind::Interrupted.into())),
            }
        })
    }
}

impl JsonLines {
    fn failed(&self, error: &io::Error) -> Error {
        let message = format!("destination `{}` cannot be written to: {error}", self.name);
        let lasting = matches!(
            error.kind(),
            io::ErrorKind::NotFound
                | io::ErrorKind::PermissionDenied
                | io::ErrorKind::ReadOnlyFilesystem
                | io::ErrorKind::IsADirectory
                | io::ErrorKind::NotADirectory
        );
        let kind = if lasting { ErrorKind::Configuration } else { ErrorKind::Unavailable };
        let error = Error::new(kind, codes::AUDIT_DESTINATION, message);
        if lasting { error.with_hint("its directory must exist and be writable for this program") } else { error }
    }
}

impl fmt::Debug for JsonLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLines").field("name", &self.name).finish_non_exhaustive()
    }
}
