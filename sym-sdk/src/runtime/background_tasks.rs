//! Tasks that run beside the workers: pruning of old Runs, reconciliation, and the end of access of users who are locked or deleted,
//! periodically, and one look at the audit log.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::reconcile::{Reconcile, UnknownAccess};
use super::{Runtime, user_administration};
use crate::audit;
use crate::engine::{Engine, StopSignal};

/// The interval between two prunings.
const PRUNE_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// The interval between two reconciliations, unless another one is set.
const RECONCILE_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// The number of audit entries that are verified at start. The whole log is verified by a command.
const MAX_VERIFIED_AT_START: u64 = 1_024;

/// The number of targets that a log message names.
const MAX_NAMED_TARGETS: usize = 5;

/// The interval at which access of users who are locked or deleted is looked for. Usually there is none: it ended when they were.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Revokes access of users who are locked or deleted, until stopped, the first time immediately.
pub(super) async fn sweep(runtime: Runtime, mut stop: StopSignal) {
    while !stop.is_requested() {
        tokio::select! {
            biased;
            () = stop.requested() => {}
            () = sweep_once(&runtime) => {}
        }
    }
}

async fn sweep_once(runtime: &Runtime) {
    if let Err(error) = user_administration::sweep(runtime).await {
        tracing::error!(%error, "could not look for access of users who are locked or deleted; retrying");
    }
    runtime.clock().sleep(SWEEP_INTERVAL).await;
}

/// The settings of periodic reconciliation.
#[derive(Clone, Debug)]
pub(super) struct PeriodicReconcile {
    pub(super) interval: Duration,
    pub(super) options: Reconcile,
    is_default: bool,
}

impl PeriodicReconcile {
    /// Whether nobody has chosen these settings.
    pub(super) fn is_default(&self) -> bool {
        self.is_default
    }

    pub(super) fn new(interval: Duration, options: Reconcile) -> Self {
        Self { interval: interval.max(Duration::from_secs(1)), options, is_default: false }
    }
}

/// Differences are reported hourly, and nothing is repaired.
impl Default for PeriodicReconcile {
    fn default() -> Self {
        Self { interval: RECONCILE_INTERVAL, options: Reconcile::new(), is_default: true }
    }
}

/// Prunes finished Runs of at least this age, until stopped.
pub(super) async fn prune(runtime: Runtime, age: Duration, mut stop: StopSignal) {
    while !stop.is_requested() {
        tokio::select! {
            biased;
            // The first pruning can be long. It stops between two of its steps, too.
            () = stop.requested() => {}
            () = prune_once(&runtime, age) => {}
        }
    }
}

async fn prune_once(runtime: &Runtime, age: Duration) {
    match runtime.prune(age).await {
        Ok(0) => {}
        Ok(pruned) => tracing::info!(pruned, "finished Runs were pruned"),
        Err(error) => tracing::error!(%error, "could not prune finished Runs"),
    }
    runtime.clock().sleep(PRUNE_INTERVAL).await;
}

/// Verifies the last entries of the audit log once, and logs an error if they are not what was written. Nothing else follows from it:
/// access must end whatever has become of the log.
pub(super) async fn verify_audit_tail(engine: Arc<dyn Engine>, mut stop: StopSignal) {
    let verified = tokio::select! {
        biased;
        () = stop.requested() => return,
        verified = audit::verify_tail(&*engine, MAX_VERIFIED_AT_START) => verified,
    };
    if let Err(error) = verified {
        tracing::error!(%error, "the end of the audit log could not be verified; run `audit verify`");
    }
}

/// Reconciles until stopped, the first time immediately: a process that is restarted more often than the interval would never
/// reconcile otherwise.
pub(super) async fn reconcile(runtime: Runtime, periodic: PeriodicReconcile, mut stop: StopSignal) {
    while !stop.is_requested() {
        tokio::select! {
            biased;
            () = stop.requested() => {}
            () = reconcile_once(&runtime, &periodic) => {}
        }
    }
}

/// Names the first of some targets, each once.
fn named_targets(unknown: &[UnknownAccess]) -> String {
    let titles: BTreeSet<_> = unknown.iter().map(|access| access.target.title()).collect();
    let more = titles.len().saturating_sub(MAX_NAMED_TARGETS);
    let mut named = titles.into_iter().take(MAX_NAMED_TARGETS).collect::<Vec<_>>().join(", ");
    if more > 0 {
        named.push_str(&format!(" and {more} more"));
    }
    named
}

async fn reconcile_once(runtime: &Runtime, PeriodicReconcile { interval, options, .. }: &PeriodicReconcile) {
    match runtime.reconcile(options.clone()).await {
        Ok(done) => {
            let (missing, extra, unknown) = (done.missing.len(), done.extra.len(), done.unknown.len());
            let compared = done.compared;
            if unknown > 0 {
                let targets = named_targets(&done.unknown);
                tracing::warn!(
                    compared,
                    missing,
                    extra,
                    unknown,
                    targets,
                    "reconciled; the access of some targets is unknown"
                );
            } else {
                tracing::info!(compared, missing, extra, "reconciled");
            }
        }
        Err(error) => tracing::error!(%error, "could not reconcile; retrying after the interval"),
    }
    runtime.clock().sleep(*interval).await;
}
