//! Read access to an audit log, wherever it is stored.

use super::{AuditHead, AuditRecord};
use crate::error::Result;
use crate::future::BoxFuture;
use crate::model::RunId;

/// A stored audit log: a hash chain of records, numbered from 1 without gaps.
///
/// Every [`Store`](crate::engine::Store) and every [`Engine`](crate::engine::Engine) is one.
pub trait AuditLog: Send + Sync {
    /// Returns up to `limit` records after the one with number `seq`, in order.
    fn records_after(&self, seq: u64, limit: usize) -> BoxFuture<'_, Result<Vec<AuditRecord>>>;

    /// Returns the records of one Run before the one with number `seq`, in order.
    fn run_records_before(&self, run: RunId, seq: u64) -> BoxFuture<'_, Result<Vec<AuditRecord>>>;

    /// Returns the end of the log, which is stored apart from the records, so that a truncated log is noticed.
    fn head(&self) -> BoxFuture<'_, Result<AuditHead>>;
}
