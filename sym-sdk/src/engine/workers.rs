//! Workers that carry out effects and fire timers as they fall due.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::local::LocalEngine;
use crate::error::Result;
use crate::machine::Lane;

/// After a store has failed, or when what is due is leased by somebody else, workers look again after this time.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How many timers are fired before other work gets a look in.
const TIMERS_AT_ONCE: usize = 256;

/// How many effects may be under way at once.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct WorkerLimits {
    /// Revocations.
    pub revoke: usize,
    /// What Runs wait for.
    pub decide: usize,
    /// Messages and hooks after an event.
    pub notify: usize,
}

impl Default for WorkerLimits {
    fn default() -> Self {
        Self { revoke: 32, decide: 64, notify: 32 }
    }
}

impl WorkerLimits {
    fn of(&self, lane: Lane) -> usize {
        match lane {
            Lane::Revoke => self.revoke,
            Lane::Decide => self.decide,
            Lane::Notify => self.notify,
        }
        .max(1)
    }
}

/// The running workers of a [`LocalEngine`]: one set a lane, so that no lane holds up another, and one for timers.
#[derive(Debug)]
pub struct Workers {
    stop: watch::Sender<bool>,
    loops: JoinSet<()>,
}

impl Workers {
    /// Starts workers on the current tokio runtime.
    pub fn start(engine: &Arc<LocalEngine>, limits: WorkerLimits) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut loops = JoinSet::new();
        for lane in Lane::ALL {
            loops.spawn(carry_out_lane(engine.clone(), lane, limits.of(lane), stopped.clone()));
        }
        loops.spawn(fire_timers(engine.clone(), stopped));
        Self { stop, loops }
    }

    /// Takes no new work, waits up to `grace` for what is under way, and then lets go of it: an effect that was cut off stays
    /// due, and is carried out again when its lease runs out or the process starts anew.
    pub async fn shutdown(mut self, grace: Duration) {
        self.stop.send_replace(true);
        let finished = async { while self.loops.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, finished).await.is_err() {
            tracing::warn!(?grace, "work was still under way at shutdown and stays due");
            self.loops.shutdown().await;
        }
    }
}

async fn carry_out_lane(engine: Arc<LocalEngine>, lane: Lane, limit: usize, mut stopped: watch::Receiver<bool>) {
    let slots = Arc::new(Semaphore::new(limit));
    let mut under_way = JoinSet::new();
    while !*stopped.borrow() {
        // Registered before looking, so that a commit in between is not missed.
        let woken = engine.woken.notified();
        tokio::pin!(woken);
        woken.as_mut().enable();
        let free = slots.available_permits();
        let claimed = match engine.claim(lane, engine.clock().now(), free).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::error!(%error, ?lane, "could not claim effects");
                Vec::new()
            }
        };
        let idle = claimed.is_empty();
        for effect in claimed {
            let Ok(slot) = slots.clone().try_acquire_owned() else { break };
            let engine = engine.clone();
            under_way.spawn(async move {
                let key = effect.effect.key;
                if let Err(error) = engine.carry_out(effect).await {
                    tracing::error!(%error, %key, ?lane, "could not carry out an effect; it stays due");
                }
                drop(slot);
                engine.woken.notify_waiters();
            });
        }
        while under_way.try_join_next().is_some() {}
        if idle {
            tokio::select! {
                biased;
                _ = stopped.wait_for(|stopped| *stopped) => break,
                () = woken => {}
                _ = under_way.join_next(), if free == 0 => {}
                () = until_due(&engine) => {}
            }
        }
    }
    while under_way.join_next().await.is_some() {}
}

async fn fire_timers(engine: Arc<LocalEngine>, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        let woken = engine.woken.notified();
        tokio::pin!(woken);
        woken.as_mut().enable();
        let fired = match fire_due(&engine).await {
            Ok(fired) => fired,
            Err(error) => {
                tracing::error!(%error, "could not fire timers; they stay due");
                0
            }
        };
        if fired == 0 {
            tokio::select! {
                biased;
                _ = stopped.wait_for(|stopped| *stopped) => break,
                () = woken => {}
                () = until_due(&engine) => {}
            }
        }
    }
}

async fn fire_due(engine: &LocalEngine) -> Result<usize> {
    let due = engine.store().due_timers(engine.clock().now(), TIMERS_AT_ONCE).await?;
    let mut fired = 0;
    for timer in due {
        match engine.fire(timer).await {
            Ok(()) => fired += 1,
            // One Run that cannot be stepped must not keep the timers of others from firing.
            Err(error) => tracing::error!(%error, run = %timer.key.run, "could not fire a timer; it stays due"),
        }
    }
    Ok(fired)
}

async fn until_due(engine: &LocalEngine) {
    let clock = engine.clock();
    let soonest = clock.now().saturating_add(LOOK_AGAIN).unwrap_or(Timestamp::MAX);
    match engine.next_due().await {
        Ok(Some(at)) => clock.sleep_until(at.max(soonest)).await,
        Ok(None) => std::future::pending().await,
        Err(_) => clock.sleep_until(soonest).await,
    }
}
