//! The configuration of a process, which a restart can change. It is in a file beside the store, as that of a server is.

use std::fs::File;
use std::io::Write;
use std::path::Path;

/// The file name of the configuration.
const FILE: &str = "configuration";

/// A configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Configured {
    /// As it is when requests are made.
    #[default]
    Unchanged,
    /// The flows grant access in another account. A strategy for the former one is still declared.
    OtherAccount,
    /// There are no flows any more. Their strategy is still declared.
    WithoutFlows,
}

impl Configured {
    /// The configurations that differ from the first one.
    pub const CHANGED: [Self; 2] = [Self::OtherAccount, Self::WithoutFlows];

    /// Reads the configuration of the next process.
    pub fn of(dir: &Path) -> Self {
        match std::fs::read_to_string(dir.join(FILE)) {
            Ok(text) => Self::CHANGED.into_iter().find(|one| format!("{one:?}") == text).unwrap_or_default(),
            Err(_) => Self::Unchanged,
        }
    }

    /// Sets the configuration of the next process. Durable when this returns.
    pub fn set(self, dir: &Path) {
        let (file, new) = (dir.join(FILE), dir.join("configuration.new"));
        let mut written = File::create(&new).unwrap();
        written.write_all(format!("{self:?}").as_bytes()).unwrap();
        written.sync_all().unwrap();
        std::fs::rename(new, file).unwrap();
    }
}
