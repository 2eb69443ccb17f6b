//! SQLite on a disk that fails, tears, loses and reorders writes.
//!
//! A [`Disk`] is a virtual file system of SQLite above that of the operating system. It records every write, truncation, sync and
//! deletion, and can make one of them fail, or all from one on. From the record follows what a [power loss](PowerLoss) at any point
//! leaves behind: what was synced is there, and of the rest anything may be missing.
//!
//! Only the database and its write-ahead log are recorded. The shared memory beside them does not outlast a power loss.

mod disk;
mod power_loss;
mod vfs;

pub use disk::{Disk, Failure, Operation};
pub use power_loss::PowerLoss;
