//! Online backups: copies of the file, made while it is in use.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::error::{FileError, failed};
use super::schema;
use crate::engine::StoreError;

/// The number of pages copied at a time, which is 4 MiB.
const PAGES_PER_STEP: i32 = 1_024;

/// The progress of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupProgress {
    /// The number of pages copied so far.
    pub copied: usize,
    /// The total number of pages.
    pub total: usize,
}

/// Copies the file in its state when this starts.
pub(super) fn copy(from: &Path, to: &Path, mut progress: impl FnMut(BackupProgress)) -> Result<(), StoreError> {
    // Renamed when it is complete, so that a partial copy is never taken for a backup.
    let partial = partial(to);
    for path in [to, &partial] {
        if path.symlink_metadata().is_ok() {
            return Err(FileError::Exists { path: path.to_owned() }.into_error());
        }
    }
    create_private(&partial).map_err(|error| FileError::open(&partial, error).into_error())?;
    let copied = copy_pages(from, &partial, &mut progress).and_then(|()| {
        let named = std::fs::rename(&partial, to).and_then(|()| sync_directory(to));
        named.map_err(|error| FileError::open(to, error).into_error())
    });
    if copied.is_err() {
        // The error is reported, so nobody will clean up the partial copy.
        let _ = std::fs::remove_file(&partial);
    }
    copied
}

fn copy_pages(from: &Path, to: &Path, progress: &mut impl FnMut(BackupProgress)) -> Result<(), StoreError> {
    let source = schema::open_to_read(from, None)?;
    // One read transaction from start to end: it sees a snapshot, and writes meanwhile do not restart the copy. It blocks nobody,
    // because writers append to the log.
    let reading = source.unchecked_transaction().map_err(failed)?;
    reading.query_row("SELECT count(*) FROM meta", (), |_| Ok(())).map_err(failed)?;
    let mut copy = Connection::open(to).map_err(failed)?;
    {
        let backup = Backup::new(&reading, &mut copy).map_err(failed)?;
        loop {
            let step = backup.step(PAGES_PER_STEP).map_err(failed)?;
            let state = backup.progress();
            let pages = |count: i32| usize::try_from(count).unwrap_or_default();
            let total = pages(state.pagecount);
            progress(BackupProgress { copied: total.saturating_sub(pages(state.remaining)), total });
            match step {
                StepResult::Done => break,
                StepResult::More => {}
                _ => return Err(StoreError::Unavailable("the copy is locked by another process".into())),
            }
        }
    }
    // The original is marked as open; the copy is not.
    copy.execute("UPDATE meta SET value = 1 WHERE key = 'clean'", ()).map_err(failed)?;
    copy.close().map_err(|(_, error)| failed(error))?;
    File::open(to).and_then(|file| file.sync_all()).map_err(|error| FileError::open(to, error).into_error())
}

fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a rename durable, by syncing the directory.
fn sync_directory(path: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

fn partial(to: &Path) -> PathBuf {
    let mut name = to.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}
