//! What happened, entry by entry.

mod entry;
mod event_count;
mod event_summary;

pub use entry::{AuditEntry, AuditKind, HandlerResult};
pub(crate) use event_count::count_events;
#[cfg(feature = "sqlite")]
pub(crate) use event_count::{EventChange, RunRequest};
pub use event_summary::{EventStatus, EventSummary};
