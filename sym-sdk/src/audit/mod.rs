//! The audit log: a hash chain of everything that happened in the Runs, and its delivery to destinations.
//!
//! The [machine](crate::machine) emits audit entries as part of its transitions, and the engine commits them with the state they
//! describe. This module takes over from there. [`AuditRecord`] gives an entry its place in the log: each record contains the
//! hash of the one before it, so a record that is changed, removed or inserted breaks the chain from that point on. [`verify`]
//! and [`Verifier`] find the first record at which it is broken, in a store or in the files of a destination.
//!
//! A hash chain detects tampering by whoever can write to the store, unless they recompute everything after the change. This is
//! why destinations matter: [`AuditDestination`]s receive every line in order, at least once, and anybody who has kept an
//! [`AuditHead`] elsewhere can prove that nothing before it was changed. A signature would prove the same only as long as its key
//! is not stored next to the log.
//!
//! Lines have the format of Sym's audit log, version 6, with the record as one more member. The record is stored as canonical
//! JSON and hashed as the text that it is, so records written by an earlier version still verify, even where a later one
//! would serialize them differently.
//!
//! Reading needs no more than an [`AuditLog`], which every store and every engine is. The log knows nothing of either. Moving
//! it to the destinations, with retries and cursors, is the task of the [runtime](crate::runtime).

mod canonical;
mod chain;
mod destination;
mod event_count;
mod event_summary;
mod json_lines;
mod line;
mod log;
mod verify;

pub use chain::{AuditHash, AuditHead, AuditRecord};
pub use destination::{AuditDestination, LogDestinationConfig, LogDestinationType};
pub(crate) use event_count::count_events;
#[cfg(feature = "sqlite")]
pub(crate) use event_count::{EventChange, RunRequest};
pub use event_summary::{EventStatus, EventSummary};
pub use json_lines::JsonLines;
pub(crate) use line::LineWriter;
pub use line::{AuditLine, lines};
pub use log::AuditLog;
pub use verify::{ChainError, ChainErrorKind, LineLocation, Verified, Verifier, VerifyError, verify, verify_lines};

pub use crate::machine::{AuditEntry, AuditKind, HandlerResult};
