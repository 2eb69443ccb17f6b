//! The targets of Runs that have ended recently.
//!
//! Access can exist without a Run after the Run has ended: somebody has given it back in the service, or a grant took effect later than
//! its strategy allows for. A target with settings from the form is known from its Runs alone, and Runs are pruned. So their targets are
//! kept beside the values of handlers, for [`REMEMBERED_FOR`]. Identities are not.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::directory::KeyValue;
use crate::engine::RunFilter;
use crate::error::{ErrorKind, Result};
use crate::machine::Grant;
use crate::model::{AccessTarget, Integration, Srn, Strategy};
use crate::runtime::Runtime;
use crate::sync::lock;
use crate::time::TimestampExt;

/// The time for which the target of a Run is compared after the Run's last change.
const REMEMBERED_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The time by which two readings of the Runs overlap, for Runs that were written meanwhile.
const OVERLAP: Duration = Duration::from_secs(10 * 60);

/// The namespace of the remembered targets, among the values of handlers.
const NAMESPACE: &str = "sym_reconcile";

/// The targets of Runs that have ended recently. Clones share them.
#[derive(Clone, Debug)]
pub(in crate::runtime) struct RecentTargets {
    values: KeyValue,
    /// The time up to which Runs were read.
    read_until: Arc<Mutex<Option<Timestamp>>>,
}

/// A target in which access was granted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RecentTarget {
    pub(super) flow: Srn,
    pub(super) target: AccessTarget,
    /// The type of the strategy, and the account in which it worked.
    strategy: String,
    account: Option<String>,
    changed_at: Timestamp,
}

impl RecentTarget {
    fn new(flow: &Srn, grant: &Grant, changed_at: Timestamp) -> Self {
        let (strategy, account) = (grant.strategy.clone(), grant.account.clone());
        Self { flow: flow.clone(), target: grant.target.clone(), strategy, account, changed_at }
    }

    /// Returns whether `strategy` works in the account in which the access was granted.
    pub(super) fn is_reached_by(&self, strategy: &Strategy) -> bool {
        self.strategy == strategy.service()
            && self.account.as_deref() == strategy.integration().map(Integration::external_id)
    }

    /// Returns the path under which the target is kept, which is the same for each Run.
    fn path(&self) -> String {
        // Strings and maps of strings always serialize.
        let parts = (self.flow.slug(), &self.target, &self.strategy, &self.account);
        let name = serde_json::to_vec(&parts).unwrap_or_default();
        format!("{NAMESPACE}.{}", Uuid::new_v5(&Uuid::nil(), &name).simple())
    }
}

impl RecentTargets {
    pub(in crate::runtime) fn new(values: KeyValue) -> Self {
        Self { values, read_until: Arc::default() }
    }

    /// Keeps the targets of Runs that have changed since the last call, or in the last 30 days.
    ///
    /// # Errors
    /// If the store fails.
    pub(in crate::runtime) async fn keep(&self, runtime: &Runtime) -> Result<()> {
        let now = runtime.clock().now();
        let last = lock(&self.read_until).filter(|last| *last <= now);
        let changed_after = last.map_or(now.minus(REMEMBERED_FOR), |last| last.minus(OVERLAP));
        let filter = RunFilter { changed_after: Some(changed_after), ..RunFilter::default() };
        let mut recent = BTreeMap::new();
        for run in runtime.runs(filter, usize::MAX).await? {
            let Some(grant) = run.state.last_grant() else { continue };
            let target = RecentTarget::new(&run.state.flow, grant, run.state.updated_at);
            let known = recent.entry(target.path()).or_insert_with(|| target.clone());
            known.changed_at = known.changed_at.max(target.changed_at);
        }
        for (path, target) in recent {
            match runtime.executor.ask_directory(self.values.put(&path, &target)).await {
                Ok(_) => {}
                // It cannot be kept, however often it is tried.
                Err(error) if error.kind() == ErrorKind::InvalidInput => {
                    tracing::warn!(%error, flow = %target.flow, "a target cannot be kept for reconciliation");
                }
                Err(error) => return Err(error),
            }
        }
        *lock(&self.read_until) = Some(now);
        Ok(())
    }

    /// Lists the targets that are kept, and removes those that are too old.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) async fn list(&self, runtime: &Runtime) -> Result<Vec<RecentTarget>> {
        let oldest = runtime.clock().now().minus(REMEMBERED_FOR);
        let mut recent = Vec::new();
        for path in runtime.executor.ask_directory(self.values.paths_in(NAMESPACE)).await? {
            let value = runtime.executor.ask_directory(self.values.fetch(path.as_str())).await?;
            let target = value.and_then(|value| serde_json::from_value::<RecentTarget>(value).ok());
            match target.filter(|target| target.changed_at > oldest) {
                Some(target) => recent.push(target),
                None => {
                    runtime.executor.ask_directory(self.values.delete(path.as_str())).await?;
                }
            }
        }
        Ok(recent)
    }
}
