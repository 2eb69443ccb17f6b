//! The audit log: a hash chain of everything that happened in the Runs, and its delivery to destinations.
//!
//! The [machine](crate::machine) emits audit entries as part of its transitions, and the engine commits them with the state they
//! describe. This module takes over from there. [`AuditRecord`] gives an entry its place in the log: each record contains the
//! hash of the one before it, so a record that is changed, removed or inserted breaks the chain from that point on. [`verify`]
//! and [`Verifier`] find the first record at which it is broken, in a store or in the files of a destination.
//!
//! A hash chain detects accidental damage. Whoever can write to the store can change it and recompute everything after the change,
//! so what has been written must be known elsewhere: [`AuditDestination`]s receive every line in order, at least once, and
//! [`AuditAnchor`]s, which an [`AuditKey`] authenticates, say what the log once ended with. A key is of use only where the log is
//! not.
//!
//! Lines have the format of Sym's audit log, version 6, with the record as one more member. The record contains the hash of the
//! other members, so a line is verified as a whole and by itself. Records are stored as canonical JSON and hashed as the text
//! that they are, so those written by an earlier version still verify, even where a later one would serialize them differently.
//!
//! An event is stored once, however many entries it has, and so are the fields of a request: see [`StoredEvent`]. `docs/audit.md` is
//! a guide for operators.
//!
//! Reading needs no more than an [`AuditLog`], which every store and every engine is. The log knows nothing of either. Moving
//! it to the destinations, with retries and cursors, is the task of the [runtime](crate::runtime).

mod anchor;
mod anchor_file;
mod canonical;
mod chain;
mod chain_error;
mod destination;
mod event_count;
mod event_summary;
mod json_lines;
mod key;
mod line;
mod log;
mod stored_entry;
mod strict_json;
mod verify;

pub use anchor::AuditAnchor;
pub(crate) use anchor_file::{AnchorFile, FoundAnchors, RecordedAnchors};
pub use chain::{AuditHash, AuditHead, AuditRecord};
pub use chain_error::{ChainError, ChainErrorKind, LineLocation, VerifyError};
pub use destination::{AuditDestination, LogDestinationConfig, LogDestinationType};
pub(crate) use event_count::count_events;
#[cfg(feature = "sqlite")]
pub(crate) use event_count::{EventChange, RunRequest};
pub use event_summary::{EventStatus, EventSummary};
pub use json_lines::JsonLines;
pub use key::AuditKey;
pub(crate) use line::LineWriter;
pub use line::{AuditLine, lines};
pub use log::AuditLog;
pub use stored_entry::{StoredEntry, StoredEvent, StoredText};
pub use verify::{Verified, Verifier, verify, verify_lines, verify_tail};

pub use crate::machine::{AuditEntry, AuditKind, HandlerResult};
pub use crate::model::{LoggedActor, LoggedIdentity};
