//! What happened, entry by entry: the entries, their hash chain, and where they go.

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
