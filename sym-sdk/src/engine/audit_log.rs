//! Every store is an audit log.

use super::store::Store;
use crate::BoxFuture;
use crate::audit::{AuditHead, AuditLog, AuditRecord};
use crate::error::Result;
use crate::model::RunId;

impl<S: Store + ?Sized> AuditLog for S {
    fn head(&self) -> BoxFuture<'_, Result<AuditHead>> {
        Box::pin(async move { Ok(self.audit_head().await?) })
    }

    fn records_after(&self, seq: u64, limit: usize) -> BoxFuture<'_, Result<Vec<AuditRecord>>> {
        Box::pin(async move { Ok(self.audit_after(seq, limit).await?) })
    }

    fn run_records_before(&self, run: RunId, seq: u64) -> BoxFuture<'_, Result<Vec<AuditRecord>>> {
        Box::pin(async move { Ok(self.audit_before(run, seq).await?) })
    }
}
