//! The disk: the record of its operations, and the faults that it is told to have.

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::ffi::{SQLITE_FULL, SQLITE_IOERR_FSYNC, SQLITE_IOERR_TRUNCATE, SQLITE_IOERR_WRITE};

use crate::power_loss::PowerLoss;
use crate::vfs;

/// An operation that changes a file. Files are named as the end of their path, such as `runs.db-wal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Bytes were written.
    Write {
        /// The file.
        file: String,
        /// The position of the first byte.
        offset: usize,
        /// The bytes.
        bytes: Arc<[u8]>,
    },
    /// A file was cut to a length.
    Truncate {
        /// The file.
        file: String,
        /// The length.
        length: usize,
    },
    /// Everything written to a file so far was made durable.
    Sync {
        /// The file.
        file: String,
    },
    /// A file was deleted.
    Delete {
        /// The file.
        file: String,
    },
}

/// The way in which operations fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The disk is full.
    Full,
    /// The disk reports an error.
    Io,
}

#[derive(Clone, Copy, Debug)]
struct Fault {
    failure: Failure,
    /// The number of operations until it occurs.
    after: usize,
    lasts: bool,
}

/// A disk, registered as a virtual file system. Clones are the same disk.
#[derive(Clone, Debug)]
pub struct Disk(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    name: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    operations: Vec<Operation>,
    fault: Option<Fault>,
    failed: usize,
}

/// A kind of change to a file. Each fails with an error of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    Write,
    Truncate,
    Sync,
}

impl Disk {
    /// Registers a disk with SQLite, under a name that no other has. It stays registered until the process ends.
    pub fn register(name: &str) -> Self {
        let disk = Self(Arc::new(Shared { name: name.to_owned(), state: Mutex::default() }));
        vfs::register(&disk);
        disk
    }

    /// Returns the name of the virtual file system.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Returns the number of operations so far.
    pub fn len(&self) -> usize {
        self.state().operations.len()
    }

    /// Whether there was no operation yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the operations so far.
    pub fn operations(&self) -> Vec<Operation> {
        self.state().operations.clone()
    }

    /// Forgets the operations so far. They take as much memory as was written.
    pub fn forget(&self) {
        self.state().operations = Vec::new();
    }

    /// Has one operation fail: the next one for 0.
    pub fn fail_once(&self, failure: Failure, after: usize) {
        self.state().fault = Some(Fault { failure, after, lasts: false });
    }

    /// Has all operations fail from one on: the next one for 0.
    pub fn fail_from(&self, failure: Failure, after: usize) {
        self.state().fault = Some(Fault { failure, after, lasts: true });
    }

    /// Has no operation fail any more.
    pub fn heal(&self) {
        self.state().fault = None;
    }

    /// Returns the number of operations that have failed.
    pub fn failed(&self) -> usize {
        self.state().failed
    }

    /// Returns what the files contain after a power loss that follows the first `count` operations.
    pub fn after_power_loss(&self, count: usize, loss: PowerLoss) -> BTreeMap<String, Vec<u8>> {
        loss.files(self.state().operations.get(..count).unwrap_or_default())
    }

    /// Returns the error that an operation is to fail with.
    pub(crate) fn fault(&self, change: Change) -> Option<c_int> {
        let mut state = self.state();
        let fault = state.fault.as_mut()?;
        if fault.after > 0 {
            fault.after -= 1;
            return None;
        }
        let Fault { failure, lasts, .. } = *fault;
        if !lasts {
            state.fault = None;
        }
        state.failed += 1;
        Some(match (failure, change) {
            (Failure::Full, _) => SQLITE_FULL,
            (Failure::Io, Change::Write) => SQLITE_IOERR_WRITE,
            (Failure::Io, Change::Truncate) => SQLITE_IOERR_TRUNCATE,
            (Failure::Io, Change::Sync) => SQLITE_IOERR_FSYNC,
        })
    }

    pub(crate) fn record(&self, operation: Operation) {
        self.state().operations.push(operation);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
