//! What happened, entry by entry.

mod entry;

pub use entry::{AuditEntry, AuditKind, HandlerResult};
