//! What happened, entry by entry.

mod entry;
mod event_summary;

pub use entry::{AuditEntry, AuditKind, HandlerResult};
pub use event_summary::{EventStatus, EventSummary};
