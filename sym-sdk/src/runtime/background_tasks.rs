//! Periodic tasks that run beside the workers: pruning of old Runs, and reconciliation.

use std::sync::Arc;
use std::time::Duration;

use super::Runtime;
use super::reconcile::Reconcile;
use crate::clock::Clock;
use crate::engine::{Engine, StopSignal};

/// The interval between two prunings.
const PRUNE_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// The settings of periodic reconciliation.
#[derive(Clone, Debug)]
pub(super) struct PeriodicReconcile {
    pub(super) interval: Duration,
    pub(super) options: Reconcile,
}

/// Prunes finished Runs of at least this age, until stopped.
pub(super) async fn prune(engine: Arc<dyn Engine>, clock: Arc<dyn Clock>, age: Duration, mut stop: StopSignal) {
    while !stop.is_requested() {
        tokio::select! {
            biased;
            // The first pruning can be long. It stops between two of its steps, too.
            () = stop.requested() => {}
            () = prune_once(&*engine, &*clock, age) => {}
        }
    }
}

async fn prune_once(engine: &dyn Engine, clock: &dyn Clock, age: Duration) {
    match engine.prune(age).await {
        Ok(0) => {}
        Ok(pruned) => tracing::info!(pruned, "finished Runs were pruned"),
        Err(error) => tracing::error!(%error, "could not prune finished Runs"),
    }
    clock.sleep(PRUNE_INTERVAL).await;
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

async fn reconcile_once(runtime: &Runtime, PeriodicReconcile { interval, options }: &PeriodicReconcile) {
    match runtime.reconcile(options.clone()).await {
        Ok(done) => {
            let (missing, extra, unknown) = (done.missing.len(), done.extra.len(), done.unknown.len());
            tracing::info!(compared = done.compared, missing, extra, unknown, "reconciled");
        }
        Err(error) => tracing::error!(%error, "could not reconcile; retrying after the interval"),
    }
    runtime.clock().sleep(*interval).await;
}
