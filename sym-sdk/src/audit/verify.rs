//! Tells whether the audit log is as it was written.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, BufRead};

use serde::Deserialize;
use serde_json::Value;

use super::canonical::canonical;
use super::{AuditHash, AuditHead, AuditLog, AuditRecord};
use crate::error::{Error, ErrorKind, codes};

/// So many records are read from a store at a time.
const PAGE_SIZE: usize = 1_024;

/// So many records back a destination may have been given a line again. A batch is far smaller.
const RECENT_CAPACITY: usize = 65_536;

/// Verifies a whole log, up to its current end.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use sym_sdk::audit;
/// use sym_sdk::engine::MemoryStore;
///
/// let verified = audit::verify(&MemoryStore::new()).await?;
/// assert_eq!(verified.records, 0);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// The first record that is not as it was written; or that the log could not be read.
pub async fn verify(log: &(impl AuditLog + ?Sized)) -> Result<Verified, VerifyError> {
    let mut verifier = Verifier::new();
    verifier.read_log(log).await?;
    Ok(verifier.finish()?)
}

/// Verifies what a destination has been given, as JSON lines: the whole log, from its first record on.
///
/// ```
/// let verified = sym_sdk::audit::verify_lines(std::io::empty())?;
/// assert_eq!(verified.records, 0);
/// # Ok::<(), sym_sdk::audit::VerifyError>(())
/// ```
///
/// # Errors
/// The first line that is not as it was written; or that the lines cannot be read.
pub fn verify_lines(lines: impl io::Read) -> Result<Verified, VerifyError> {
    let mut verifier = Verifier::new();
    verifier.read("", io::BufReader::new(lines))?;
    Ok(verifier.finish()?)
}

/// Verifies records one after the other.
///
/// Several files, the oldest first, are one log:
///
/// ```no_run
/// use std::fs::File;
/// use std::io::BufReader;
/// use sym_sdk::audit::Verifier;
///
/// let mut verifier = Verifier::new().allow_partial();
/// for name in ["audit.jsonl.2", "audit.jsonl.1", "audit.jsonl"] {
///     verifier.read(name, BufReader::new(File::open(name)?))?;
/// }
/// println!("{}", verifier.finish()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Verifier {
    allow_partial: bool,
    allow_gaps: bool,
    /// Not met so far.
    known: Vec<AuditHead>,
    first: Option<u64>,
    head: Option<AuditHead>,
    recent: VecDeque<AuditHead>,
    records: u64,
    duplicates: u64,
}

impl Verifier {
    /// Expects the whole log, from the first record on.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the records begin anywhere: the oldest files may have been removed. What came before the first one is taken on
    /// trust.
    #[must_use]
    pub fn allow_partial(mut self) -> Self {
        self.allow_partial = true;
        self
    }

    /// Lets records be missing: a destination of one environment is not given those of others. That a record was removed is not
    /// noticed then; that one was changed is.
    #[must_use]
    pub fn allow_gaps(mut self) -> Self {
        self.allow_gaps = true;
        self
    }

    /// Expects the record that a log once ended with, as [`AuditLog::head`] gave it. So a tail that was cut off is noticed,
    /// and a log that was written anew. Records that begin after it have to follow it.
    #[must_use]
    pub fn expect_head(mut self, head: AuditHead) -> Self {
        self.known.extend((head != AuditHead::START).then_some(head));
        self
    }

    /// Takes the next record. One that came before, as happens after a crash, must be the same again.
    ///
    /// # Errors
    /// If it is not as it was written.
    pub fn check(&mut self, record: &AuditRecord) -> Result<(), ChainError> {
        let broken = |kind| Err(ChainError { seq: Some(record.seq), location: None, kind });
        let head = self.head.or((!self.allow_partial).then_some(AuditHead::START));
        let given = record.expected_hash();
        if let Some(head) = head.filter(|head| record.seq <= head.seq) {
            let same = self.recalled(record.seq) == Some(record.hash) && given == record.hash;
            self.duplicates += u64::from(same);
            return if same { Ok(()) } else { broken(ChainErrorKind::OutOfOrder { last: head.seq }) };
        }
        if let Some(head) = head {
            let next = head.seq + 1;
            if record.seq > next && !self.allow_gaps {
                return broken(ChainErrorKind::Missing { expected: next });
            }
            if record.seq == next && record.prev != head.hash {
                return broken(ChainErrorKind::Unlinked { expected: head.hash, found: record.prev });
            }
        }
        if given != record.hash {
            return broken(ChainErrorKind::Changed { expected: given, found: record.hash });
        }
        let before = record.seq.checked_sub(1);
        for known in &self.known {
            if known.seq == record.seq && known.hash != record.hash {
                return broken(ChainErrorKind::HeadMismatch { expected: known.hash, found: record.hash });
            }
            if Some(known.seq) == before && known.hash != record.prev {
                return broken(ChainErrorKind::Unlinked { expected: known.hash, found: record.prev });
            }
        }
        self.known.retain(|known| known.seq != record.seq && Some(known.seq) != before);
        self.remember(record.head());
        Ok(())
    }

    /// Takes the records of a log, up to its current end.
    ///
    /// # Errors
    /// The first record that is not as it was written; or that the log could not be read.
    pub async fn read_log(&mut self, log: &(impl AuditLog + ?Sized)) -> Result<(), VerifyError> {
        let head = log.head().await.map_err(VerifyError::Log)?;
        *self = std::mem::take(self).expect_head(head);
        let mut seq = 0;
        while seq < head.seq {
            let records = log.records_after(seq, PAGE_SIZE).await.map_err(VerifyError::Log)?;
            let Some(last) = records.last() else { break };
            seq = last.seq;
            // What was appended meanwhile is left to the next time.
            for record in records.iter().take_while(|record| record.seq <= head.seq) {
                self.check(record)?;
            }
        }
        Ok(())
    }

    /// Takes JSON lines as a destination was given them. Of each, only the member `audit` is looked at. `name` is that of the
    /// file, for messages.
    ///
    /// # Errors
    /// The first line that is not as it was written; or that the lines cannot be read.
    pub fn read(&mut self, name: &str, mut lines: impl BufRead) -> Result<(), VerifyError> {
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            if lines.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            let location = || Some(LineLocation { file: name.to_owned(), line: number });
            let text = line.trim_ascii();
            if text.is_empty() {
                continue;
            }
            match parsed(text) {
                Ok(record) => self.check(&record).map_err(|broken| ChainError { location: location(), ..broken })?,
                Err(_) if !line.ends_with(b"\n") => {
                    return Err(ChainError { seq: None, location: location(), kind: ChainErrorKind::Truncated }.into());
                }
                Err(reason) => {
                    return Err(ChainError {
                        seq: None,
                        location: location(),
                        kind: ChainErrorKind::Unreadable { reason },
                    }
                    .into());
                }
            }
        }
        Ok(())
    }

    /// Says what was verified.
    ///
    /// # Errors
    /// If the one that is known was not among the records.
    pub fn finish(self) -> Result<Verified, ChainError> {
        let head = self.head.unwrap_or(AuditHead::START);
        if let Some(known) = self.known.iter().max_by_key(|known| known.seq) {
            let (seq, kind) = if known.seq > head.seq {
                (head.seq + 1, ChainErrorKind::TailMissing { last: known.seq })
            } else {
                (known.seq, ChainErrorKind::HeadNotFound)
            };
            return Err(ChainError { seq: Some(seq), location: None, kind });
        }
        let Self { first, records, duplicates, .. } = self;
        Ok(Verified { records, duplicates, first, head })
    }

    fn remember(&mut self, head: AuditHead) {
        if self.recent.len() >= RECENT_CAPACITY {
            self.recent.pop_front();
        }
        self.recent.push_back(head);
        self.first.get_or_insert(head.seq);
        self.head = Some(head);
        self.records += 1;
    }

    fn recalled(&self, seq: u64) -> Option<AuditHash> {
        let index = self.recent.binary_search_by_key(&seq, |head| head.seq).ok()?;
        self.recent.get(index).map(|head| head.hash)
    }
}

/// A line as far as it is verified.
#[derive(Deserialize)]
struct Line {
    audit: Link,
}

#[derive(Deserialize)]
struct Link {
    seq: u64,
    prev: AuditHash,
    hash: AuditHash,
    entry: Value,
}

fn parsed(line: &[u8]) -> Result<AuditRecord, String> {
    // Whoever carried the lines may have put blanks in, or members in another order.
    let Line { audit: Link { seq, prev, hash, entry } } =
        serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let text = canonical(&entry).map_err(|error| error.to_string())?;
    Ok(AuditRecord::new(seq, prev, hash, text))
}

/// What was found to be as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// How many records.
    pub records: u64,
    /// How many of them came more than once.
    pub duplicates: u64,
    /// The number of the first; `None` if there was none.
    pub first: Option<u64>,
    /// The last. Kept elsewhere, it shows later that nothing before it was changed: see [`Verifier::expect_head`].
    pub head: AuditHead,
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first {
            None => f.write_str("no audit entries"),
            Some(first) => {
                let AuditHead { seq, hash } = self.head;
                write!(f, "audit entries {first} to {seq} are as they were written; the last has the hash {hash}")
            }
        }
    }
}

/// The first record that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub struct ChainError {
    /// The record's number, if it could be read.
    pub seq: Option<u64>,
    /// The line, for what was read from lines.
    pub location: Option<LineLocation>,
    /// What is wrong with it.
    pub kind: ChainErrorKind,
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LineLocation {
    /// The file, as it was named.
    pub file: String,
    /// The line, counted from 1.
    pub line: u64,
}

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChainErrorKind {
    /// Its hash is not that of its text: one of them was changed.
    Changed {
        /// The hash that the text gives.
        expected: AuditHash,
        /// The hash that it has.
        found: AuditHash,
    },
    /// It does not follow the record before it: that one was replaced, or this one.
    Unlinked {
        /// The hash of the record before it.
        expected: AuditHash,
        /// The hash that it names.
        found: AuditHash,
    },
    /// Records before it are missing.
    Missing {
        /// The number that was to come.
        expected: u64,
    },
    /// It comes after a later one, and is not the same as when it came before.
    OutOfOrder {
        /// The last number before it.
        last: u64,
    },
    /// It is not the record that is known from elsewhere.
    HeadMismatch {
        /// The hash that is known.
        expected: AuditHash,
        /// The hash that it has.
        found: AuditHash,
    },
    /// It is missing, and all after it.
    TailMissing {
        /// The number of the last record that there was.
        last: u64,
    },
    /// It is known from elsewhere, and was not among the records.
    HeadNotFound,
    /// The line is not one of an audit log.
    Unreadable {
        /// Why.
        reason: String,
    },
    /// The last line is not whole: whoever wrote it did not get to its end.
    Truncated,
}

impl fmt::Display for ChainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seq {
            Some(seq) => write!(f, "audit entry {seq}")?,
            None => f.write_str("an audit entry")?,
        }
        match &self.location {
            Some(LineLocation { file, line }) if file.is_empty() => write!(f, " (line {line})")?,
            Some(LineLocation { file, line }) => write!(f, " ({file}:{line})")?,
            None => {}
        }
        match &self.kind {
            ChainErrorKind::Changed { expected, found } => {
                write!(f, " was changed: its hash is {found}, and its text gives {expected}")
            }
            ChainErrorKind::Unlinked { expected, found } => {
                write!(f, " does not follow the one before it: it names the hash {found}, and that one has {expected}")
            }
            ChainErrorKind::Missing { expected } => write!(f, " comes where entry {expected} was expected"),
            ChainErrorKind::OutOfOrder { last } => write!(f, " comes after entry {last}, and is not as it was before"),
            ChainErrorKind::HeadMismatch { expected, found } => {
                write!(f, " has the hash {found}, and was known to have {expected}")
            }
            ChainErrorKind::TailMissing { last } => write!(f, " is missing, and all after it up to entry {last}"),
            ChainErrorKind::HeadNotFound => f.write_str(" is known, and is not among those that are there"),
            ChainErrorKind::Unreadable { reason } => write!(f, " cannot be read: {reason}"),
            ChainErrorKind::Truncated => f.write_str(" is cut off at the end of the file"),
        }
    }
}

/// Why a log was not verified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// It is not as it was written.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// It could not be read.
    #[error(transparent)]
    Log(Error),
    /// The lines could not be read.
    #[error("the audit lines cannot be read: {0}")]
    Read(#[from] io::Error),
}

impl From<VerifyError> for Error {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Log(error) => error,
            VerifyError::Chain(_) => {
                let hint = "what stands before it is as it was written; compare the rest with what destinations have";
                Self::new(ErrorKind::Conflict, codes::AUDIT_LOG, error.to_string()).with_hint(hint).with_source(error)
            }
            VerifyError::Read(_) => {
                Self::new(ErrorKind::InvalidInput, codes::AUDIT_LOG, error.to_string()).with_source(error)
            }
        }
    }
}
