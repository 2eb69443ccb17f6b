//! The lock that keeps a second process from opening the file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::error::FileError;

/// An exclusive lock on a file beside the database. The operating system releases it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct FileLock {
    _file: File,
}

impl FileLock {
    pub(super) fn take(database: &Path) -> Result<Self, FileError> {
        let path = lock_path(database);
        let cannot_open = |error: io::Error| FileError::open(&path, error);
        let mut file = open_private(&path).map_err(cannot_open)?;
        match file.try_lock() {
            Ok(()) => {
                write_holder(&mut file).map_err(cannot_open)?;
                Ok(Self { _file: file })
            }
            Err(TryLockError::WouldBlock) => {
                Err(FileError::InUse { path: database.to_owned(), holder: holder(&mut file) })
            }
            Err(TryLockError::Error(error)) => Err(cannot_open(error)),
        }
    }
}

/// Opens a file, and creates it readable for its owner alone if it does not exist: its contents name people.
pub(super) fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn lock_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

fn write_holder(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())
}

/// Describes the holder of the lock.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    // The holder may not have written its id yet, and on some systems others cannot read a locked file.
    let read = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse::<u32>().ok());
    match read {
        Some(id) if id == std::process::id() => format!("this process ({id}), which already has it open"),
        Some(id) => format!("process {id}"),
        None => "another process".to_owned(),
    }
}
