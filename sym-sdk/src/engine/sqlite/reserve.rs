//! The reserve: space that is kept for revocations, beside the file.
//!
//! A full disk must not keep access alive. So the store allocates a file, `FILE.reserve`, while there is space. When a write finds the
//! disk full, that file is deleted, and until it can be allocated again only jobs of [high priority](super::queue::Priority) are
//! written: those that take access away. Whatever filled the disk may take the space as well, so this buys time and is no guarantee:
//! the engine carries out revocations from memory if even these writes fail.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::lock::open_private;

/// A revocation takes some kilobytes for its Run and its audit entries, and the log twice that until it is reused.
pub(super) const DEFAULT_RESERVE_BYTES: u64 = 8 * 1024 * 1024;

/// Space that is kept for revocations.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    bytes: u64,
    is_released: bool,
}

impl Reserve {
    /// Returns the path of the reserve of a database.
    pub(super) fn path_of(database: &Path) -> PathBuf {
        let mut name = OsString::from(database);
        name.push(".reserve");
        name.into()
    }

    /// Allocates the reserve of a database, unless it exists. Failing that is logged: a program must start on a full disk, too.
    pub(super) fn of(database: &Path, bytes: u64) -> Self {
        let mut reserve = Self { path: Self::path_of(database), bytes, is_released: false };
        if bytes == 0 {
            return reserve;
        }
        let exists = reserve.path.metadata().is_ok_and(|file| file.len() >= bytes);
        if !exists && let Err(error) = reserve.allocate() {
            tracing::warn!(%error, path = %reserve.path.display(), "could not allocate the reserve for revocations");
            reserve.is_released = error.kind() == io::ErrorKind::StorageFull;
        }
        reserve
    }

    /// Whether the disk was full, so that only revocations are written.
    pub(super) fn is_released(&self) -> bool {
        self.is_released
    }

    /// Deletes the file, so that its space is free, and has the write-ahead log begin anew, so that its space is used again.
    pub(super) fn release(&mut self, connection: Option<&Connection>) {
        if self.bytes == 0 || self.is_released {
            return;
        }
        self.is_released = true;
        match std::fs::remove_file(&self.path) {
            Ok(()) => tracing::error!(
                path = %self.path.display(),
                needs_bytes = self.space_to_restore(),
                "the disk is full: the reserve is released, and only changes that take access away are stored until there is space again"
            ),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::error!(%error, path = %self.path.display(), "could not release the reserve"),
        }
        if let Some(connection) = connection {
            let checkpoint = connection.query_row("PRAGMA wal_checkpoint(RESTART)", (), |_| Ok(()));
            if let Err(error) = checkpoint {
                tracing::warn!(%error, "could not reuse the space of the write-ahead log");
            }
        }
    }

    /// Returns the free space, in bytes, that it takes to allocate the file again: as much as that is to be left then, or the next write
    /// might find the disk full.
    pub(super) fn space_to_restore(&self) -> u64 {
        self.bytes.saturating_mul(2)
    }

    /// Allocates the file again if there is space for it.
    pub(super) fn restore_if_possible(&mut self) {
        if !self.is_released || !has_space(&self.path, self.space_to_restore()) || self.allocate().is_err() {
            return;
        }
        self.is_released = false;
        tracing::info!(path = %self.path.display(), "there is space on the disk again; everything is stored");
    }

    /// Allocates the file, or leaves none.
    fn allocate(&self) -> io::Result<()> {
        let allocated = open_private(&self.path).and_then(|file| {
            allocate(&file, self.bytes)?;
            file.sync_all()
        });
        if allocated.is_err() {
            let _ = std::fs::remove_file(&self.path);
        }
        allocated
    }
}

/// Allocates the blocks of a file. A file that merely has that length has none.
fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {}
        allocated => return Ok(allocated?),
    }
    fill(file, bytes)
}

/// Writes a file full of bytes that a file system cannot compress.
fn fill(mut file: &File, bytes: u64) -> io::Result<()> {
    let mut block = [0; 4096];
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..bytes.div_ceil(4096) {
        for bytes in block.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.copy_from_slice(&state.to_le_bytes());
        }
        file.write_all(&block)?;
    }
    Ok(())
}

/// Whether the disk of a file has that much space. Assumed where it cannot be asked.
fn has_space(path: &Path, bytes: u64) -> bool {
    #[cfg(target_os = "linux")]
    {
        let directory = path.parent().unwrap_or(Path::new("/"));
        rustix::fs::statvfs(directory).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) >= bytes)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (path, bytes);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_is_really_allocated() {
        let dir = tempfile::tempdir().unwrap();
        for allocate in [allocate, fill] {
            let file = tempfile::tempfile_in(&dir).unwrap();
            allocate(&file, 100_000).unwrap();
            #[cfg(unix)]
            assert!(std::os::unix::fs::MetadataExt::blocks(&file.metadata().unwrap()) * 512 >= 100_000);
        }
    }

    #[test]
    fn released_space_is_taken_back_once() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("runs.db");
        let mut reserve = Reserve::of(&database, 4096);
        let path = dir.path().join("runs.db.reserve");
        assert_eq!(path.metadata().unwrap().len(), 4096);
        reserve.release(None);
        assert!(reserve.is_released() && !path.exists());
        reserve.restore_if_possible();
        assert!(!reserve.is_released() && path.exists());
        assert!(!Reserve::of(&database, 4096).is_released());
    }

    #[test]
    fn reserve_that_does_not_fit_stays_released() {
        let dir = tempfile::tempdir().unwrap();
        let mut reserve = Reserve::of(&dir.path().join("runs.db"), 4096);
        reserve.release(None);
        reserve.bytes = u64::MAX / 4;
        reserve.restore_if_possible();
        assert!(reserve.is_released() == cfg!(target_os = "linux"));
    }
}
