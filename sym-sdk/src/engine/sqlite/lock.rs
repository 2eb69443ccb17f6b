//! The locks that keep a second process from opening the file, and the check that it is still the file.
//!
//! There are two. `FILE.lock` names its holder, and works everywhere. But anybody may remove it, and a second process would create
//! another one. So on Linux the database itself is locked as well, with `flock(2)`: SQLite's own locks are those of `fcntl(2)`, and
//! on Linux the two do not see each other. (Elsewhere they may, and SQLite would wait for itself.)
//!
//! A process loses all `fcntl` locks that it has on a file when it closes *any* descriptor of that file. So the database is opened
//! here before SQLite opens it, and closed after SQLite has closed it; and a file that this process has open already is
//! recognized by its number, without opening it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::sync::Mutex;

use super::error::FileError;
#[cfg(unix)]
use crate::sync::lock;

/// Exclusive locks on the database. The operating system releases them when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct FileLock {
    database: PathBuf,
    #[cfg(unix)]
    identity: Identity,
    // In the order in which they are released.
    _database_file: File,
    _lock_file: File,
}

/// The device and the number of a file.
#[cfg(unix)]
type Identity = (u64, u64);

/// The databases that this process has open for writing.
#[cfg(unix)]
static OPEN: Mutex<Vec<Identity>> = Mutex::new(Vec::new());

impl FileLock {
    /// Locks a database, and creates it if it does not exist.
    pub(super) fn take(database: &Path) -> Result<Self, FileError> {
        let lock_file = take_lock_file(database)?;
        let cannot_open = |error: io::Error| FileError::open(database, error);
        let in_use = |holder: &str| FileError::InUse { path: database.to_owned(), holder: holder.to_owned() };
        // Held until the file is among those that are open, so that of two threads with two names of one file only one opens it: closing
        // the descriptor of the other would release the locks of the first.
        #[cfg(unix)]
        let mut open = lock(&OPEN);
        #[cfg(unix)]
        if identity_of(database).is_ok_and(|identity| open.contains(&identity)) {
            return Err(in_use("this process, which already has it open"));
        }
        // Respected even if the user could write to it all the same, as root can.
        if database.metadata().is_ok_and(|metadata| metadata.permissions().readonly()) {
            return Err(FileError::ReadOnly { path: database.to_owned() });
        }
        let database_file = open_private(database).map_err(cannot_open)?;
        #[cfg(target_os = "linux")]
        match database_file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use("another process, although its lock file is gone")),
            Err(TryLockError::Error(error)) => return Err(cannot_open(error)),
        }
        #[cfg(unix)]
        let identity = {
            let metadata = database_file.metadata().map_err(cannot_open)?;
            warn_if_public(database, &metadata);
            let identity = identity(&metadata);
            open.push(identity);
            identity
        };
        Ok(Self {
            database: database.to_owned(),
            #[cfg(unix)]
            identity,
            _database_file: database_file,
            _lock_file: lock_file,
        })
    }

    /// Checks that the path still leads to the locked file. What is written to a file that was replaced or removed is lost.
    pub(super) fn check(&self) -> Result<(), FileError> {
        #[cfg(unix)]
        if identity_of(&self.database).ok() != Some(self.identity) {
            return Err(FileError::Replaced { path: self.database.clone() });
        }
        Ok(())
    }
}

#[cfg(unix)]
impl Drop for FileLock {
    fn drop(&mut self) {
        lock(&OPEN).retain(|open| *open != self.identity);
    }
}

#[cfg(unix)]
fn identity_of(path: &Path) -> io::Result<Identity> {
    Ok(identity(&path.metadata()?))
}

#[cfg(unix)]
fn identity(metadata: &std::fs::Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;

    (metadata.dev(), metadata.ino())
}

fn take_lock_file(database: &Path) -> Result<File, FileError> {
    let path = lock_path(database);
    let cannot_open = |error: io::Error| FileError::open(&path, error);
    let mut file = open_private(&path).map_err(cannot_open)?;
    match file.try_lock() {
        // The name of the holder is a help, and must not keep a program from starting on a full disk.
        Ok(()) => write_holder(&mut file).or_else(|error| match error.kind() {
            io::ErrorKind::StorageFull => Ok(()),
            _ => Err(cannot_open(error)),
        })?,
        Err(TryLockError::WouldBlock) => {
            return Err(FileError::InUse { path: database.to_owned(), holder: holder(&mut file) });
        }
        Err(TryLockError::Error(error)) => return Err(cannot_open(error)),
    }
    Ok(file)
}

/// Opens a file, and creates it readable for its owner alone if it does not exist: its contents name people.
pub(super) fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Warns of a file that everybody on the machine can read or change. Its permissions stay as they are: somebody may have set them.
#[cfg(unix)]
fn warn_if_public(database: &Path, metadata: &std::fs::Metadata) {
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
    if mode & 0o007 != 0 {
        tracing::warn!(
            path = %database.display(), mode = %format_args!("{mode:04o}"),
            "every user of this machine has access to the store, which names people and what they request: set its mode to 0600"
        );
    }
}

/// Refuses to create a database in place of one that was here: whoever removed it removed what is known of access that has to end. The
/// reserve stays beside a database, and the write-ahead log does if the program did not close it.
pub(super) fn refuse_lost(database: &Path, reserve: &Path) -> Result<(), FileError> {
    if database.exists() {
        return Ok(());
    }
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    match [reserve, Path::new(&log)].into_iter().find(|path| path.exists()) {
        Some(rest) => Err(FileError::Lost { path: database.to_owned(), rest: rest.to_owned() }),
        None => Ok(()),
    }
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
