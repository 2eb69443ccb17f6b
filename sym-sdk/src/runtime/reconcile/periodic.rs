//! Reconciles again and again.

use std::time::Duration;

use super::Reconcile;
use crate::engine::StopSignal;
use crate::runtime::Runtime;

/// How often, and what it may do.
#[derive(Clone, Debug)]
pub(in crate::runtime) struct Periodic {
    pub(in crate::runtime) every: Duration,
    pub(in crate::runtime) what: Reconcile,
}

/// The first time is now: a process that is restarted more often than that would never get to it.
pub(in crate::runtime) async fn periodically(runtime: Runtime, periodic: Periodic, mut stop: StopSignal) {
    while !stop.is_requested() {
        tokio::select! {
            biased;
            () = stop.requested() => {}
            () = once(&runtime, &periodic) => {}
        }
    }
}

async fn once(runtime: &Runtime, Periodic { every, what }: &Periodic) {
    match runtime.reconcile(what.clone()).await {
        Ok(done) => {
            let (missing, extra, unknown) = (done.missing.len(), done.extra.len(), done.unknown.len());
            tracing::info!(compared = done.compared, missing, extra, unknown, "reconciled");
        }
        Err(error) => tracing::error!(%error, "could not reconcile; it is tried again next time"),
    }
    runtime.clock().sleep(*every).await;
}
