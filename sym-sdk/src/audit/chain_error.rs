//! The errors of a verification: the first record that breaks the chain, and how.

use std::fmt;
use std::io;

use jiff::Timestamp;

use super::AuditHash;
use crate::error::{Error, ErrorKind, codes};

/// The first record that breaks the chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub struct ChainError {
    /// The number of the record, if it could be read.
    pub seq: Option<u64>,
    /// The location of the line, for a record read from lines.
    pub location: Option<Box<LineLocation>>,
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
    /// The log once ended with this record, as an anchor says, and the record is not there any more.
    AnchoredMissing {
        /// The time of the anchor.
        at: Timestamp,
    },
    /// The log once ended with this record, as an anchor says, and the record is another one now.
    AnchoredDiffers {
        /// The time of the anchor.
        at: Timestamp,
        /// The hash in the anchor.
        expected: AuditHash,
        /// The hash in the record.
        found: AuditHash,
    },
    /// The anchor of this record has no valid MAC.
    AnchorForged {
        /// The time of the anchor.
        at: Timestamp,
        /// Whether the anchor has a MAC at all.
        is_signed: bool,
    },
    /// The event that the record refers to, or its fields, are missing.
    EventMissing,
    /// The event that the record refers to, or its fields, were changed.
    EventChanged,
    /// The entry is intact, and other members of its line were changed.
    LineChanged {
        /// The hash of the members that the line should have.
        expected: AuditHash,
        /// The hash of the members that it has.
        found: AuditHash,
    },
    /// The content of the line is intact, and its text is not the one that was written.
    Reformatted,
    /// The record has the form of an earlier version, and comes after one of a later version.
    Downgraded,
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
        match self.location.as_deref() {
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
            ChainErrorKind::AnchoredMissing { at } => {
                write!(f, " was the end of the log at {at:.0}, as an anchor says, and is not there any more")
            }
            ChainErrorKind::AnchoredDiffers { at, expected, found } => write!(
                f,
                " was rewritten since {at:.0}: its hash is {found}, and the hash in the anchor of that time is {expected}"
            ),
            ChainErrorKind::AnchorForged { at, is_signed: true } => {
                write!(f, " has an anchor of {at:.0} that no given key authenticates")
            }
            ChainErrorKind::AnchorForged { at, is_signed: false } => {
                write!(f, " has an anchor of {at:.0} without a MAC, which anybody could have written")
            }
            ChainErrorKind::EventMissing => f.write_str(" refers to an event that is missing"),
            ChainErrorKind::EventChanged => f.write_str(" refers to an event that was changed"),
            ChainErrorKind::LineChanged { expected, found } => write!(
                f,
                " is intact, but other members of its line were changed: their hash is {found}, and the entry has {expected}"
            ),
            ChainErrorKind::Reformatted => {
                f.write_str(" has the content that was written, but its text differs from what was written")
            }
            ChainErrorKind::Downgraded => {
                f.write_str(" has the form of an earlier version, and comes after an entry of the current one")
            }
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

impl VerifyError {
    fn hint(&self) -> &'static str {
        match self {
            Self::Chain(ChainError { kind: ChainErrorKind::Reformatted, .. }) => {
                "if a log service has reformatted the lines, verify them with `--allow-reformatted`"
            }
            Self::Chain(ChainError { kind: ChainErrorKind::AnchorForged { is_signed: false, .. }, .. }) => {
                "anchors that were written before there was a key belong into a file of their own; verify it without the key"
            }
            Self::Chain(ChainError {
                kind: ChainErrorKind::AnchoredMissing { .. } | ChainErrorKind::AnchoredDiffers { .. },
                ..
            }) => "somebody with access to the log has rewritten it; compare it with the lines at the destinations",
            _ => "all earlier entries verify; compare the others with the lines at the destinations",
        }
    }
}

impl From<VerifyError> for Error {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Log(error) => error,
            VerifyError::Chain(_) => {
                let hint = error.hint();
                Self::new(ErrorKind::Conflict, codes::AUDIT_LOG, error.to_string()).with_hint(hint).with_source(error)
            }
            VerifyError::Read(_) => {
                Self::new(ErrorKind::InvalidInput, codes::AUDIT_LOG, error.to_string()).with_source(error)
            }
        }
    }
}
