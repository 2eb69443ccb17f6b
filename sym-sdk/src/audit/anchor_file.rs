//! A file to which a program appends anchors of its own audit log.
//!
//! The store keeps which anchors were written to the file: the first and the last one. Whoever removes the file, or the anchors at its
//! beginning or its end, is noticed at the next anchor, and by `audit verify` with the file until then, unless they change the store as well.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, TryLockError};

use super::AuditAnchor;
use super::json_lines::LineFile;

/// The length of the end of the file that is looked at, in bytes. An anchor has some 250.
const TAIL_BYTES: u64 = 256 * 1024;

/// The beginnings of the names under which the store keeps the first and the last anchor of a file, among the cursors of destinations.
const FIRST_ANCHOR: &str = "anchors-from:";
const LAST_ANCHOR: &str = "anchors-to:";

/// A file of anchors, one per line. Clones are the same file.
#[derive(Clone, Debug)]
pub(crate) struct AnchorFile {
    path: PathBuf,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    file: LineFile,
    /// The anchor that was written last.
    written: Option<AuditAnchor>,
}

/// The content of the file before an anchor is appended.
#[derive(Debug)]
pub(crate) struct FoundAnchors {
    /// The first anchor in it, whoever has written it.
    pub(crate) first: Option<AuditAnchor>,
    /// The anchors at its end, in their order.
    pub(crate) tail: Vec<AuditAnchor>,
    /// The anchor that was written last, if it is not there any more.
    pub(crate) removed: Option<AuditAnchor>,
}

impl AnchorFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        let state = State { file: LineFile::new(path.clone()), written: None };
        Self { path, state: Arc::new(Mutex::new(state)) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends an anchor, synced to disk, and returns what was in the file before.
    pub(crate) async fn append(&self, anchor: &AuditAnchor) -> io::Result<FoundAnchors> {
        let (file, anchor) = (self.clone(), anchor.clone());
        let append = move || match file.state.try_lock() {
            Ok(mut state) => state.append(&file.path, anchor),
            // The file is reopened after an error, so a panic leaves nothing behind.
            Err(TryLockError::Poisoned(state)) => state.into_inner().append(&file.path, anchor),
            // A write that exceeded its timeout cannot be cancelled. No further thread may block behind it.
            Err(TryLockError::WouldBlock) => {
                Err(io::Error::new(io::ErrorKind::ResourceBusy, "an earlier write is still in progress"))
            }
        };
        tokio::task::spawn_blocking(append).await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

impl State {
    fn append(&mut self, path: &Path, anchor: AuditAnchor) -> io::Result<FoundAnchors> {
        let (first, end) = match read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Vec::new(), Vec::new()),
            read => read?,
        };
        let lines: Vec<&[u8]> = end.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
        let tail = lines.iter().filter_map(|line| AuditAnchor::parse(line).ok()).collect();
        let first = AuditAnchor::parse(first.trim_ascii_end()).ok();
        let present: HashSet<_> = lines.into_iter().collect();
        let is_removed = |written: &AuditAnchor| !present.contains(written.to_line().as_bytes());
        // If this fails, a removed anchor is reported with the next one.
        self.file.append(std::iter::once(anchor.to_line().as_str()))?;
        let removed = self.written.replace(anchor).filter(is_removed);
        Ok(FoundAnchors { first, tail, removed })
    }
}

/// Returns the first line of a file, and its end.
fn read(path: &Path) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let (mut first, mut end) = (Vec::new(), Vec::new());
    BufReader::new(&file).take(TAIL_BYTES).read_until(b'\n', &mut first)?;
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    file.take(TAIL_BYTES).read_to_end(&mut end)?;
    Ok((first, end))
}

/// The anchors that were written to a file, as the store has them: the numbers of the entries that the first and the last one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordedAnchors {
    pub(crate) path: String,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

impl RecordedAnchors {
    /// Returns the names under which the store keeps the first and the last anchor.
    pub(crate) fn names(path: &Path) -> (String, String) {
        // The working directory of the next process may be another one.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let path = path.display();
        (format!("{FIRST_ANCHOR}{path}"), format!("{LAST_ANCHOR}{path}"))
    }

    /// Returns what a store has recorded about files, from all of its cursors.
    #[cfg(all(feature = "cli", feature = "sqlite"))]
    pub(crate) fn of_cursors(cursors: &std::collections::BTreeMap<String, u64>) -> Vec<Self> {
        let recorded = |(name, last): (&String, &u64)| {
            let path = name.strip_prefix(LAST_ANCHOR)?.to_owned();
            let first = cursors.get(&format!("{FIRST_ANCHOR}{path}")).copied().unwrap_or(*last);
            Some(Self { path, first, last: *last })
        };
        cursors.iter().filter_map(recorded).collect()
    }

    /// Describes which of these anchors are not among those that a file begins and ends with; `None` if the file has them.
    pub(crate) fn missing_from(&self, first: Option<u64>, last: Option<u64>) -> Option<String> {
        let Self { path, first: recorded_first, last: recorded_last } = self;
        let gone = |seq: u64| format!("the anchor of entry {seq} that was written to `{path}` is not there any more");
        match (first, last) {
            (None, None) => Some(format!(
                "anchors of the entries {recorded_first} to {recorded_last} were written to `{path}`, and none is there any more"
            )),
            (_, last) if last.is_none_or(|last| last < *recorded_last) => Some(gone(*recorded_last)),
            (first, _) if first.is_none_or(|first| first > *recorded_first) => Some(gone(*recorded_first)),
            _ => None,
        }
    }
}
