//! The workers of one lane: how many effects are in flight at once, and how they are drained at shutdown.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};

use super::supervisor::{Worker, supervise};
use super::{Phase, may_work, stop_requested, until_due};
use crate::engine::commit_leases::LaneLimits;
use crate::engine::local::{DueEffect, EffectOrigin, LocalEngine};
use crate::engine::store_condition::is_outage;
use crate::machine::{EffectKey, Lane};

/// A lane divided by this is the share of one bulkhead, so that effects which hang together leave room for others.
const BULKHEADS_PER_LANE: usize = 4;

/// The maximum number of effects in flight, lane by lane. Effects that can hang together, because they call one service or one
/// flow's handlers, get a quarter of a lane.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct WorkerLimits {
    /// Revocations. Default: 128.
    pub revoke: usize,
    /// Hooks before a revocation. Default: 128.
    pub deescalate: usize,
    /// Effects whose outcome a Run waits for. Default: 256.
    pub decide: usize,
    /// Messages and hooks after an event. Default: 128.
    pub notify: usize,
}

impl Default for WorkerLimits {
    fn default() -> Self {
        Self { revoke: 128, deescalate: 128, decide: 256, notify: 128 }
    }
}

impl WorkerLimits {
    /// Returns the limit of a lane, at least 1.
    pub(super) fn max_in_flight(&self, lane: Lane) -> usize {
        match lane {
            Lane::Revoke => self.revoke,
            Lane::Deescalate => self.deescalate,
            Lane::Decide => self.decide,
            Lane::Notify => self.notify,
        }
        .max(1)
    }
}

/// Executes the effects of a lane until the phase changes, and then drains or releases what is in flight.
pub(super) async fn run(engine: Arc<LocalEngine>, lane: Lane, limit: usize, mut phase: watch::Receiver<Phase>) {
    let mut tasks = LaneTasks { engine: engine.clone(), lane, limit, set: JoinSet::new(), leases: HashMap::new() };
    let limits = LaneLimits { in_flight: limit, per_bulkhead: per_bulkhead(limit), in_order: false };
    let open = engine.commit_leases.open(lane, limits);
    // A panic must not take effects in flight with it.
    supervise(&engine, &mut tasks, &mut phase).await;
    drop(open);
    // Nothing new is begun.
    engine.commit_leases.give_up(lane);
    let have_ended = tokio::select! {
        biased;
        () = tasks.join_all() => true,
        _ = phase.wait_for(|phase| *phase == Phase::Release) => false,
    };
    if !have_ended {
        tasks.release().await;
    }
    engine.release_unowned().await;
}

/// Returns the share of one bulkhead.
fn per_bulkhead(limit: usize) -> usize {
    limit.div_ceil(BULKHEADS_PER_LANE)
}

/// The tasks of a lane that execute effects, and the leases that those hold.
struct LaneTasks {
    engine: Arc<LocalEngine>,
    lane: Lane,
    limit: usize,
    set: JoinSet<()>,
    leases: HashMap<Id, (EffectKey, u32)>,
}

impl Worker for LaneTasks {
    fn name(&self) -> &'static str {
        self.lane.name()
    }

    async fn work(&mut self, phase: &mut watch::Receiver<Phase>) {
        let (engine, lane, limit) = (self.engine.clone(), self.lane, self.limit);
        let per_bulkhead = per_bulkhead(limit);
        while may_work(phase) {
            // Registered before the look into the store, so that a commit in between is not missed.
            let woken = engine.notifier.lane_wakeups(lane);
            tokio::pin!(woken);
            woken.as_mut().enable();
            self.reap();
            engine.commit_leases.set_executing(lane, self.set.len());
            let free = limit.saturating_sub(self.set.len());
            // The engine has logged an error.
            let due = engine.due_effects(lane, free, per_bulkhead).await.unwrap_or_default();
            let found_all = due.len() < free.max(1);
            due.into_iter().for_each(|due| self.spawn(due));
            engine.commit_leases.set_executing(lane, self.set.len());
            if found_all {
                tokio::select! {
                    biased;
                    () = stop_requested(phase) => break,
                    () = woken => {}
                    // The bulkhead of a task that ends may have been full.
                    () = self.join_next(), if self.set.len() >= per_bulkhead => {}
                    () = until_due(&engine), if free > 0 => engine.commit_leases.look_again(lane),
                }
            }
        }
    }
}

impl LaneTasks {
    fn spawn(&mut self, due: DueEffect) {
        let (engine, lane) = (self.engine.clone(), self.lane);
        let key = due.claimed.effect.key;
        let lease = (due.origin == EffectOrigin::Lease).then_some((key, due.claimed.claims));
        let task = self.set.spawn(async move {
            match engine.execute(due).await {
                // The engine has logged that the store fails, and keeps what it has in hand.
                Err(error) if is_outage(&error) => tracing::debug!(%error, %key, ?lane, "not stored yet"),
                Err(error) => tracing::error!(%error, %key, ?lane, "could not execute an effect; it stays due"),
                Ok(()) => {}
            }
        });
        if let Some(lease) = lease {
            self.leases.insert(task.id(), lease);
        }
    }

    /// Removes the tasks that have ended.
    fn reap(&mut self) {
        while let Some(ended) = self.set.try_join_next_with_id() {
            self.remove(ended);
        }
    }

    async fn join_next(&mut self) {
        if let Some(ended) = self.set.join_next_with_id().await {
            self.remove(ended);
        }
    }

    async fn join_all(&mut self) {
        while !self.set.is_empty() {
            self.join_next().await;
        }
    }

    fn remove(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            // The effect keeps its lease, which counts as lost when it expires: otherwise it would be retried forever.
            Err(error) => {
                tracing::error!(%error, lane = ?self.lane, "executing an effect panicked");
                error.id()
            }
        };
        self.leases.remove(&id);
        if self.set.len().saturating_add(1) >= per_bulkhead(self.limit) {
            // Its bulkhead may have been full, and have room again.
            self.engine.commit_leases.look_again(self.lane);
        }
    }

    /// Cancels the tasks and releases their leases.
    async fn release(&mut self) {
        self.set.abort_all();
        while let Some(ended) = self.set.join_next_with_id().await {
            match ended {
                Err(error) if error.is_cancelled() => {}
                ended => self.remove(ended),
            }
        }
        for (key, claims) in std::mem::take(&mut self.leases).into_values() {
            if let Err(error) = self.engine.release(key, claims, Duration::ZERO).await {
                tracing::error!(%error, %key, "could not release an effect; it is due again when its lease expires");
            }
        }
    }
}
