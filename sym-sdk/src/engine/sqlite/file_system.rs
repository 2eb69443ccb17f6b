//! Detects network file systems. SQLite needs locks and shared memory, and neither is reliable there: two processes could write at
//! the same time.

use std::io;
use std::path::{Path, PathBuf};

use super::error::FileError;

/// Refuses a file that is on a network file system. `kind_of` names the kind of one, as [`network_kind`] does.
pub(super) fn refuse_network(
    database: &Path,
    kind_of: impl FnOnce(&Path) -> io::Result<Option<&'static str>>,
) -> Result<(), FileError> {
    // The file may not exist yet.
    let existing = database.ancestors().find(|path| path.exists()).map_or_else(PathBuf::new, Path::to_path_buf);
    match kind_of(&existing).map_err(|error| FileError::open(database, error))? {
        Some(kind) => Err(FileError::Network { path: database.to_owned(), kind }),
        None => Ok(()),
    }
}

/// Returns the kind of network file system that a path is on; `None` for a local one, and where it cannot be determined.
#[cfg(target_os = "linux")]
pub(super) fn network_kind(path: &Path) -> io::Result<Option<&'static str>> {
    let file_system = rustix::fs::statfs(path)?;
    // The width of the number depends on the platform; those listed below fit into 32 bits.
    Ok(kind_of_number(file_system.f_type as u32))
}

/// Returns the kind of network file system that a path is on; `None` for a local one, and where it cannot be determined.
#[cfg(not(target_os = "linux"))]
pub(super) fn network_kind(_: &Path) -> io::Result<Option<&'static str>> {
    Ok(None)
}

/// Maps the magic numbers of `statfs(2)`. FUSE may be a local disk, but the number does not tell: that of `sshfs` is the same.
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux has these numbers"))]
fn kind_of_number(number: u32) -> Option<&'static str> {
    Some(match number {
        0x0000_6969 => "NFS",
        0x0000_517B => "SMB",
        0xFE53_4D42 => "SMB2",
        0xFF53_4D42 => "CIFS",
        0x0102_1997 => "9P",
        0x6573_5546 => "FUSE",
        0x00C3_6400 => "Ceph",
        0x5346_414F => "AFS",
        0x7375_7245 => "Coda",
        0x0BD0_0BD0 => "Lustre",
        0x4750_4653 => "GPFS",
        0x0116_1970 => "GFS2",
        0x7461_636F => "OCFS2",
        0x786F_4256 => "VirtualBox shared folder",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_network_file_systems_before_the_file_exists() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deeper").join("runs.db");
        let asked = |existing: &Path| {
            assert_eq!(existing, dir.path());
            Ok(kind_of_number(0x6969))
        };
        let fault = refuse_network(&path, asked).unwrap_err();
        let expected = format!(
            "`{}` is on a network file system (NFS), whose locks are unreliable; move the file to a local disk",
            path.display()
        );
        assert_eq!(fault.to_string(), expected);
    }

    #[test]
    fn accepts_local_disks() {
        // ext4, XFS, Btrfs, tmpfs, overlayfs.
        for number in [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x794C_7630] {
            assert_eq!(kind_of_number(number), None, "{number:x}");
        }
        let dir = tempfile::tempdir().unwrap();
        refuse_network(dir.path(), |path| {
            assert!(path.exists());
            Ok(None)
        })
        .unwrap();
    }

    #[test]
    fn reports_file_systems_that_cannot_be_queried() {
        let error = refuse_network(Path::new("/runs.db"), |_| Err(io::ErrorKind::PermissionDenied.into())).unwrap_err();
        assert!(error.to_string().starts_with("`/runs.db` cannot be opened: "), "{error}");
    }
}
