//! Read access to an audit log, wherever it is stored.

use super::{AuditHead, AuditRecord};
use crate::BoxFuture;
use crate::error::Result;
use crate::model::RunId;

/// A stored audit log that can be read in order.
///
/// Verifying a log and writing it as JSON lines need no more than this, so both work on any store. Every
/// [`Store`](crate::engine::Store) is an audit log.
pub trait AuditLog: Send + Sync {
    /// Returns the end of the log.
    fn head(&self) -> BoxFuture<'_, Result<AuditHead>>;

    /// Returns up to `limit` records after the record number `seq`, in order.
    fn records_after(&self, seq: u64, limit: usize) -> BoxFuture<'_, Result<Vec<AuditRecord>>>;

    /// Returns the records of one Run before the record number `seq`, in order.
    fn run_records_before(&self, run: RunId, seq: u64) -> BoxFuture<'_, Result<Vec<AuditRecord>>>;
}
