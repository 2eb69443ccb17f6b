//! Workers that carry out effects and fire timers as they fall due.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::local::LocalEngine;
use super::store::TimerKey;
use crate::error::Result;
use crate::machine::Lane;

/// After a store has failed, or when what is due is leased by somebody else, workers look again after this time.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How many timers are fired before other work gets a look in.
const TIMERS_AT_ONCE: usize = 256;

/// A timer that could not be fired is tried again after this time.
const FIRE_AGAIN: Duration = Duration::from_secs(30);

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

    /// Does something else beside, until the workers are told to stop: then it is dropped where it stands.
    pub(crate) fn also(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        let mut stopped = self.stop.subscribe();
        self.loops.spawn(async move {
            tokio::select! {
                biased;
                _ = stopped.wait_for(|stopped| *stopped) => {}
                () = work => {}
            }
        });
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
    let mut put_off = PutOff::default();
    while !*stopped.borrow() {
        let woken = engine.woken.notified();
        tokio::pin!(woken);
        woken.as_mut().enable();
        let tried = match fire_due(&engine, &mut put_off).await {
            Ok(tried) => tried,
            Err(error) => {
                tracing::error!(%error, "could not fire timers; they stay due");
                0
            }
        };
        if tried == 0 {
            tokio::select! {
                biased;
                _ = stopped.wait_for(|stopped| *stopped) => break,
                () = woken => {}
                () = until_due(&engine) => {}
            }
        }
    }
}

/// Timers of Runs that could not be stepped, each with its generation and the time at which it is tried again.
type PutOff = HashMap<(TimerKey, u64), Timestamp>;

/// Fires what is due and not put off, and says how many timers it tried. One Run that cannot be stepped must not keep the
/// timers of others from firing, nor must many.
async fn fire_due(engine: &LocalEngine, put_off: &mut PutOff) -> Result<usize> {
    let now = engine.clock().now();
    let due = engine.store().due_timers(now, TIMERS_AT_ONCE.saturating_add(put_off.len())).await?;
    let known: HashSet<_> = due.iter().map(|timer| (timer.key, timer.generation)).collect();
    let later = now.saturating_add(FIRE_AGAIN).unwrap_or(Timestamp::MAX);
    // None is put off for longer than that, even if the clock has been set back since.
    put_off.retain(|timer, again| known.contains(timer) && *again > now && *again <= later);
    let mut tried = 0;
    for timer in due {
        let id = (timer.key, timer.generation);
        if put_off.contains_key(&id) {
            continue;
        }
        tried += 1;
        let run = timer.key.run;
        match AssertUnwindSafe(engine.fire(timer)).catch_unwind().await {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => tracing::error!(%error, %run, "could not fire a timer; it stays due"),
            Err(_) => tracing::error!(%run, "firing a timer panicked; it stays due"),
        }
        put_off.insert(id, later);
    }
    Ok(tried)
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
