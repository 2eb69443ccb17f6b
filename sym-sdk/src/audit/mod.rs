//! What happened, entry by entry.

mod canonical;
mod chain;
mod entry;
mod event_summary;
mod verify;

pub use chain::{AuditHash, AuditHead, AuditRecord};
pub use entry::{AuditEntry, AuditKind, HandlerResult};
pub use event_summary::{EventStatus, EventSummary};
pub use verify::{BrokenLink, LinePlace, Problem, Verified, Verifier, VerifyError, verify, verify_lines};
