//! What happened, entry by entry.

mod canonical;
mod chain;
mod entry;
mod event_count;
mod event_summary;
mod verify;

pub use chain::{AuditHash, AuditHead, AuditRecord};
pub use entry::{AuditEntry, AuditKind, HandlerResult};
pub(crate) use event_count::count_events;
#[cfg(feature = "sqlite")]
pub(crate) use event_count::{EventChange, RunRequest};
pub use event_summary::{EventStatus, EventSummary};
pub use verify::{BrokenLink, LinePlace, Problem, Verified, Verifier, VerifyError, verify, verify_lines};
