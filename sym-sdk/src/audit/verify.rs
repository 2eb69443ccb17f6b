//! Verification of the hash chain, from a stored log or from the lines of a destination.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, BufRead};

use serde::Deserialize;
use serde_json::Value;

use super::canonical::canonical;
use super::{AuditHash, AuditHead, AuditLog, AuditRecord};
use crate::error::{Error, ErrorKind, codes};

/// The number of records read from a log at a time.
const PAGE_SIZE: usize = 1_024;

/// The number of recent records that a repeated line is compared with. A destination receives at most a batch again, which is far
/// smaller.
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
/// If a record breaks the chain, or the log cannot be read.
pub async fn verify(log: &(impl AuditLog + ?Sized)) -> Result<Verified, VerifyError> {
    let mut verifier = Verifier::new();
    verifier.read_log(log).await?;
    Ok(verifier.finish()?)
}

/// Verifies the JSON lines of a destination that has the whole log, from its first record on.
///
/// ```
/// let verified = sym_sdk::audit::verify_lines(std::io::empty())?;
/// assert_eq!(verified.records, 0);
/// # Ok::<(), sym_sdk::audit::VerifyError>(())
/// ```
///
/// # Errors
/// If a line breaks the chain, or the lines cannot be read.
pub fn verify_lines(lines: impl io::Read) -> Result<Verified, VerifyError> {
    let mut verifier = Verifier::new();
    verifier.read("", io::BufReader::new(lines))?;
    Ok(verifier.finish()?)
}

/// A verifier of audit records, which takes them one after the other.
///
/// Several files are one log, the oldest first:
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
    /// The heads that have to be among the records, and have not been so far.
    known: Vec<AuditHead>,
    first: Option<u64>,
    head: Option<AuditHead>,
    recent: VecDeque<AuditHead>,
    records: u64,
    duplicates: u64,
}

impl Verifier {
    /// Creates a verifier that expects the whole log, from the first record on.
    pub fn new() -> Self {
        Self::default()
    }

    /// Accepts a log whose oldest records are missing, because their files were removed for example. The hash that the first
    /// record names is not verified.
    #[must_use]
    pub fn allow_partial(mut self) -> Self {
        self.allow_partial = true;
        self
    }

    /// Accepts a log with missing records: a destination of one environment does not receive those of others. Removed records
    /// are not detected then; changed ones are.
    #[must_use]
    pub fn allow_gaps(mut self) -> Self {
        self.allow_gaps = true;
        self
    }

    /// Expects the record that the log once ended with, as returned by [`AuditLog::head`]. This detects a log that was cut off or
    /// rewritten. A log whose first record comes right after it has to name its hash.
    #[must_use]
    pub fn expect_head(mut self, head: AuditHead) -> Self {
        self.known.extend((head != AuditHead::START).then_some(head));
        self
    }

    /// Verifies the next record. A repeated record, as it occurs after a crash, must be identical to the first one.
    ///
    /// # Errors
    /// If the record breaks the chain.
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

    /// Verifies the records of a log, up to its current end.
    ///
    /// # Errors
    /// If a record breaks the chain, or the log cannot be read.
    pub async fn read_log(&mut self, log: &(impl AuditLog + ?Sized)) -> Result<(), VerifyError> {
        let head = log.head().await.map_err(VerifyError::Log)?;
        *self = std::mem::take(self).expect_head(head);
        let mut seq = 0;
        while seq < head.seq {
            let records = log.records_after(seq, PAGE_SIZE).await.map_err(VerifyError::Log)?;
            let Some(last) = records.last() else { break };
            seq = last.seq;
            // Records appended since the head was read are left to the next verification.
            for record in records.iter().take_while(|record| record.seq <= head.seq) {
                self.check(record)?;
            }
        }
        Ok(())
    }

    /// Verifies JSON lines as a destination received them. Only the member `audit` of each line is read. `name` is the name of the
    /// file in errors.
    ///
    /// # Errors
    /// If a line breaks the chain, or the lines cannot be read.
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

    /// Finishes the verification, and returns what was verified.
    ///
    /// # Errors
    /// If an [expected head](Self::expect_head) was not among the records.
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

/// The part of a line that is verified.
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
    // A log service may have reformatted the line, so the text is made canonical again.
    let Line { audit: Link { seq, prev, hash, entry } } =
        serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let text = canonical(&entry).map_err(|error| error.to_string())?;
    Ok(AuditRecord::new(seq, prev, hash, text))
}

/// The result of a successful verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// The number of records.
    pub records: u64,
    /// The number of records that occurred more than once.
    pub duplicates: u64,
    /// The number of the first record; `None` if there was none.
    pub first: Option<u64>,
    /// The last record. Kept elsewhere, it proves later that nothing before it was changed; see [`Verifier::expect_head`].
    pub head: AuditHead,
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first {
            None => f.write_str("no audit entries"),
            Some(first) => {
                let AuditHead { seq, hash } = self.head;
                write!(f, "audit entries {first} to {seq} verified; the hash of the last one is {hash}")
            }
        }
    }
}

/// The first record that breaks the chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub struct ChainError {
    /// The number of the record, if it could be read.
    pub seq: Option<u64>,
    /// The location of the line, for a record read from lines.
    pub location: Option<LineLocation>,
    /// The kind of error.
    pub kind: ChainErrorKind,
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LineLocation {
    /// The name of the file.
    pub file: String,
    /// The number of the line, from 1.
    pub line: u64,
}

/// The ways in which a record can break the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChainErrorKind {
    /// The hash does not match the text: one of them was changed.
    Changed {
        /// The hash of the text.
        expected: AuditHash,
        /// The hash in the record.
        found: AuditHash,
    },
    /// The record does not follow the one before it: one of them was replaced.
    Unlinked {
        /// The hash of the record before it.
        expected: AuditHash,
        /// The hash that the record names.
        found: AuditHash,
    },
    /// Records before this one are missing.
    Missing {
        /// The number of the first missing record.
        expected: u64,
    },
    /// The record comes after a later one, and is not identical to its first occurrence.
    OutOfOrder {
        /// The number of the latest record so far.
        last: u64,
    },
    /// The record is not the one with the expected head.
    HeadMismatch {
        /// The hash of the expected head.
        expected: AuditHash,
        /// The hash in the record.
        found: AuditHash,
    },
    /// The record is missing, and so are all after it.
    TailMissing {
        /// The number of the last missing record.
        last: u64,
    },
    /// The record with the expected head was not among the records.
    HeadNotFound,
    /// The line is not an audit line.
    Unreadable {
        /// The reason.
        reason: String,
    },
    /// The last line is incomplete.
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
                write!(f, " was changed: its hash is {found}, and the hash of its text is {expected}")
            }
            ChainErrorKind::Unlinked { expected, found } => {
                write!(
                    f,
                    " does not follow the entry before it: it names the hash {found}, and that entry has the hash {expected}"
                )
            }
            ChainErrorKind::Missing { expected } => write!(f, " was found where entry {expected} was expected"),
            ChainErrorKind::OutOfOrder { last } => {
                write!(f, " comes after entry {last}, and differs from its first occurrence")
            }
            ChainErrorKind::HeadMismatch { expected, found } => {
                write!(f, " has the hash {found}, and the expected head has the hash {expected}")
            }
            ChainErrorKind::TailMissing { last } => write!(f, " is missing, and so are all entries up to {last}"),
            ChainErrorKind::HeadNotFound => f.write_str(" is an expected head, and is missing"),
            ChainErrorKind::Unreadable { reason } => write!(f, " cannot be read: {reason}"),
            ChainErrorKind::Truncated => f.write_str(" is truncated at the end of the file"),
        }
    }
}

/// The error of a failed verification.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// A record breaks the chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The log cannot be read.
    #[error(transparent)]
    Log(Error),
    /// The lines cannot be read.
    #[error("the audit lines cannot be read: {0}")]
    Read(#[from] io::Error),
}

impl From<VerifyError> for Error {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Log(error) => error,
            VerifyError::Chain(_) => {
                let hint = "all earlier entries verify; compare the others with the lines at the destinations";
                Self::new(ErrorKind::Conflict, codes::AUDIT_LOG, error.to_string()).with_hint(hint).with_source(error)
            }
            VerifyError::Read(_) => {
                Self::new(ErrorKind::InvalidInput, codes::AUDIT_LOG, error.to_string()).with_source(error)
            }
        }
    }
}
