//! A file to which a program appends anchors of its own audit log.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::AuditAnchor;
use super::json_lines::LineFile;

/// The length of the end of the file that is looked at, in bytes. An anchor has some 250.
const TAIL_BYTES: u64 = 256 * 1024;

/// A file of anchors, one per line.
#[derive(Debug)]
pub(crate) struct AnchorFile {
    path: PathBuf,
    file: LineFile,
    /// The anchor that was written last.
    written: Option<AuditAnchor>,
}

/// The end of the file before an anchor is appended.
#[derive(Debug)]
pub(crate) struct Tail {
    /// The last anchor in it, whoever has written it.
    pub(crate) last: Option<AuditAnchor>,
    /// The anchor that was written last, if it is not there any more.
    pub(crate) removed: Option<AuditAnchor>,
}

impl AnchorFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { file: LineFile::new(path.clone()), path, written: None }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends an anchor, synced to disk, and returns what the file ended with.
    pub(crate) fn append(&mut self, anchor: &AuditAnchor) -> io::Result<Tail> {
        let text = match end_of(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read?,
        };
        let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
        let last = lines.iter().rev().find_map(|line| AuditAnchor::parse(line).ok());
        let present: HashSet<_> = lines.into_iter().collect();
        let removed = self.written.take().filter(|written| !present.contains(written.to_line().as_bytes()));
        self.file.append(std::iter::once(anchor.to_line().as_str()))?;
        self.written = Some(anchor.clone());
        Ok(Tail { last, removed })
    }
}

fn end_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut text = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut text)?;
    Ok(text)
}
