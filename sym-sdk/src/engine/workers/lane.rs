//! Carries out the effects of one lane.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};

use super::{BULKHEADS_PER_LANE, Phase, stopped, until_due};
use crate::engine::notifier::WakeSet;
use crate::engine::{Claimed, LocalEngine};
use crate::machine::{EffectKey, Lane};

/// Works until it is told to stop, and then ends what is under way as it is told.
pub(super) async fn carry_out(engine: Arc<LocalEngine>, lane: Lane, limit: usize, mut told: watch::Receiver<Phase>) {
    let mut tasks = LaneTasks { engine, lane, set: JoinSet::new(), leases: HashMap::new() };
    let per_bulkhead = limit.div_ceil(BULKHEADS_PER_LANE);
    while *told.borrow() == Phase::Work && told.has_changed().is_ok() {
        let engine = tasks.engine.clone();
        // Registered before looking, so that a commit in between is not missed.
        let woken = engine.notifier.lane_wakeups(lane);
        tokio::pin!(woken);
        woken.as_mut().enable();
        tasks.reap();
        let free = limit.saturating_sub(tasks.set.len());
        let claimed = match engine.claim(lane, free, per_bulkhead).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::error!(%error, ?lane, "could not claim effects");
                Vec::new()
            }
        };
        let was_all = claimed.len() < free.max(1);
        claimed.into_iter().for_each(|claimed| tasks.begin(claimed));
        if was_all {
            tokio::select! {
                biased;
                () = stopped(&mut told) => break,
                () = woken => {}
                // Its bulkhead may have been full.
                () = tasks.next_ended(), if tasks.set.len() >= per_bulkhead => {}
                () = until_due(&engine), if free > 0 => {}
            }
        }
    }
    tokio::select! {
        biased;
        () = tasks.drained() => return,
        _ = told.wait_for(|phase| *phase == Phase::Release) => {}
    }
    tasks.release().await;
}

/// The effects under way, and what they were leased with.
struct LaneTasks {
    engine: Arc<LocalEngine>,
    lane: Lane,
    set: JoinSet<()>,
    leases: HashMap<Id, (EffectKey, u32)>,
}

impl LaneTasks {
    fn begin(&mut self, claimed: Claimed) {
        let (engine, lane) = (self.engine.clone(), self.lane);
        let lease = (claimed.effect.key, claimed.claims);
        let task = self.set.spawn(async move {
            let (key, is_exclusive) = (claimed.effect.key, claimed.effect.exclusive.is_some());
            if let Err(error) = engine.carry_out(claimed).await {
                tracing::error!(%error, %key, ?lane, "could not carry out an effect; it stays due");
            }
            // What it excluded may begin, in whatever lane that is.
            if is_exclusive {
                engine.notifier.wake(WakeSet::ALL);
            }
        });
        self.leases.insert(task.id(), lease);
    }

    fn reap(&mut self) {
        while let Some(ended) = self.set.try_join_next_with_id() {
            self.on_ended(ended);
        }
    }

    async fn next_ended(&mut self) {
        if let Some(ended) = self.set.join_next_with_id().await {
            self.on_ended(ended);
        }
    }

    async fn drained(&mut self) {
        while !self.set.is_empty() {
            self.next_ended().await;
        }
    }

    /// One that panicked keeps its lease: it counts as lost, or it would be tried for ever.
    fn on_ended(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(error) => {
                tracing::error!(%error, lane = ?self.lane, "carrying out an effect panicked");
                error.id()
            }
        };
        self.leases.remove(&id);
    }

    /// Cuts off what is under way and gives the leases back.
    async fn release(mut self) {
        self.set.abort_all();
        while let Some(ended) = self.set.join_next_with_id().await {
            match ended {
                Err(error) if error.is_cancelled() => {}
                ended => self.on_ended(ended),
            }
        }
        for (key, claims) in self.leases.into_values() {
            if let Err(error) = self.engine.release(key, claims, Duration::ZERO).await {
                tracing::error!(%error, %key, "could not hand an effect back; it is due again when its lease ends");
            }
        }
    }
}
