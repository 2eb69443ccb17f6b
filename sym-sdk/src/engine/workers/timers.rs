//! Fires timers as they fall due.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::sync::watch;

use super::supervisor::{Worker, supervise};
use super::{FAILURE_RETRY_INTERVAL, POLL_INTERVAL, Phase, may_work, stop_requested, until_due};
use crate::engine::local::LocalEngine;
use crate::engine::store::{DueTimer, TimerKey};
use crate::engine::store_condition::is_outage;
use crate::error::Result;
use crate::time::TimestampExt;

/// The number of timers fired at once, so that their commits share one write to the disk.
const MAX_TIMERS_PER_ROUND: usize = 256;

/// The delay before a timer is fired again that could not be fired.
const FIRE_RETRY_DELAY: Duration = Duration::from_secs(30);

/// Fires timers until the phase changes.
pub(super) async fn run(engine: Arc<LocalEngine>, mut phase: watch::Receiver<Phase>) {
    // Due times are corrected before workers start, and the clock can go back in between.
    let seen = engine.created_at();
    let mut timers = Timers {
        engine: engine.clone(),
        deferred: Deferred::default(),
        seen,
        unsettled_until: None,
        clamp_again_at: Duration::ZERO,
    };
    supervise(&engine, &mut timers, &mut phase).await;
}

/// The worker, and what it remembers between two rounds.
struct Timers {
    engine: Arc<LocalEngine>,
    deferred: Deferred,
    /// The time up to which the clock is known not to have gone back.
    seen: Timestamp,
    /// The [elapsed](crate::clock::Clock::elapsed) time until which due times from before the clock went back may still be written. `None`
    /// once they have been clamped.
    unsettled_until: Option<Duration>,
    /// The [elapsed](crate::clock::Clock::elapsed) time of the next attempt to clamp due times.
    clamp_again_at: Duration,
}

impl Worker for Timers {
    fn name(&self) -> &'static str {
        "timers"
    }

    async fn work(&mut self, phase: &mut watch::Receiver<Phase>) {
        let engine = self.engine.clone();
        while may_work(phase) {
            let woken = engine.notifier.timer_wakeups();
            tokio::pin!(woken);
            woken.as_mut().enable();
            let now = engine.clock().now();
            self.clamp_if_needed(now).await;
            let tried = match fire_due(&engine, &mut self.deferred).await {
                Ok(tried) => tried,
                Err(error) => {
                    tracing::error!(%error, "could not fire timers; they stay due");
                    0
                }
            };
            if tried == 0 {
                tokio::select! {
                    biased;
                    () = stop_requested(phase) => break,
                    () = woken => {}
                    () = until_due(&engine) => {}
                }
            }
        }
    }
}

impl Timers {
    /// Clamps due times if the clock went back, and from time to time until whatever had read the clock before has written its due times.
    /// Also clamps them if that could not be written before. A program that starts while the store cannot write has failed to do so
    /// before its workers started.
    async fn clamp_if_needed(&mut self, now: Timestamp) {
        let engine = &self.engine;
        let went_back = engine.clock_went_back(self.seen);
        // As it was before the correction, which the clock can go back behind.
        self.seen = now;
        let elapsed = engine.clock().elapsed();
        // A store that fails may still take, later than that, what it was asked for before.
        if went_back || (self.unsettled_until.is_some() && engine.is_store_failing()) {
            self.unsettled_until = Some(elapsed.saturating_add(engine.longest_write()));
        }
        // Whatever wakes this worker, the store is asked no more often than that.
        let clamps_again =
            (engine.must_clamp_again() || self.unsettled_until.is_some()) && self.clamp_again_at <= elapsed;
        if !(went_back || clamps_again) {
            return;
        }
        self.unsettled_until = self.unsettled_until.filter(|until| elapsed < *until);
        let interval = match engine.clamp_due_times().await {
            Ok(_) => POLL_INTERVAL,
            Err(error) => {
                tracing::error!(%error, "could not clamp due times that were written while the clock was ahead");
                FAILURE_RETRY_INTERVAL
            }
        };
        self.clamp_again_at = elapsed.saturating_add(interval);
    }
}

/// Timers of Runs that could not be stepped, by generation, and the times of their next attempts.
type Deferred = HashMap<(TimerKey, u64), Timestamp>;

/// Fires the timers that are due and not deferred, and returns how many it tried. Runs that cannot be stepped must not keep the
/// timers of others from firing, however many they are.
async fn fire_due(engine: &LocalEngine, deferred: &mut Deferred) -> Result<usize> {
    let now = engine.clock().now();
    let due = engine.due_timers(now, MAX_TIMERS_PER_ROUND.saturating_add(deferred.len())).await?;
    let known: HashSet<_> = due.iter().map(|timer| (timer.key, timer.generation)).collect();
    let retry_at = now.plus(FIRE_RETRY_DELAY);
    // None is deferred for longer than the delay, even if the clock has gone back since.
    deferred.retain(|timer, at| known.contains(timer) && *at > now && *at <= retry_at);
    let due = due.into_iter().filter(|timer| !deferred.contains_key(&(timer.key, timer.generation)));
    let tried = join_all(due.map(|timer| try_fire(engine, timer))).await;
    deferred.extend(tried.iter().filter_map(|failed| failed.map(|timer| (timer, retry_at))));
    Ok(tried.len())
}

/// Fires a timer, and returns it if that failed.
async fn try_fire(engine: &LocalEngine, timer: DueTimer) -> Option<(TimerKey, u64)> {
    let run = timer.key.run;
    match AssertUnwindSafe(engine.fire(timer)).catch_unwind().await {
        Ok(Ok(())) => return None,
        // The engine has logged that the store fails.
        Ok(Err(error)) if is_outage(&error) => tracing::debug!(%error, %run, "a timer is not stored yet"),
        Ok(Err(error)) => tracing::error!(%error, %run, "could not fire a timer; it stays due"),
        Err(_) => tracing::error!(%run, "firing a timer panicked; it stays due"),
    }
    Some((timer.key, timer.generation))
}
