//! Fires timers as they fall due.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::sync::watch;

use super::{Phase, stopped, until_due};
use crate::engine::{DueTimer, LocalEngine, TimerKey};
use crate::error::Result;

/// How many timers are fired at once, so that their commits share a wait for the disk.
const MAX_TIMERS_PER_ROUND: usize = 256;

/// A timer that could not be fired is tried again after this time.
const FIRE_RETRY_DELAY: Duration = Duration::from_secs(30);

/// Works until it is told to stop.
pub(super) async fn fire(engine: Arc<LocalEngine>, mut told: watch::Receiver<Phase>) {
    let mut deferred = Deferred::default();
    let mut seen = engine.clock().now();
    while *told.borrow() == Phase::Work && told.has_changed().is_ok() {
        let woken = engine.notifier.timer_wakeups();
        tokio::pin!(woken);
        woken.as_mut().enable();
        let brought_forward = if engine.clock_went_back(seen) { engine.clamp_future_due_times().await.map(drop) } else { Ok(()) };
        match brought_forward {
            Ok(()) => seen = engine.clock().now(),
            // `seen` stays, so that it is tried again: nothing else will tell that the clock was set back.
            Err(error) => {
                tracing::error!(%error, "could not bring forward what was put off while the clock was ahead");
            }
        }
        let tried = match fire_due(&engine, &mut deferred).await {
            Ok(tried) => tried,
            Err(error) => {
                tracing::error!(%error, "could not fire timers; they stay due");
                0
            }
        };
        if tried == 0 {
            tokio::select! {
                biased;
                () = stopped(&mut told) => break,
                () = woken => {}
                () = until_due(&engine) => {}
            }
        }
    }
}

/// Timers of Runs that could not be stepped, each with its generation and the time at which it is tried again.
type Deferred = HashMap<(TimerKey, u64), Timestamp>;

/// Fires what is due and not put off, and says how many timers it tried. One Run that cannot be stepped must not keep the
/// timers of others from firing, nor must many.
async fn fire_due(engine: &LocalEngine, deferred: &mut Deferred) -> Result<usize> {
    let now = engine.clock().now();
    let due = engine.due_timers(now, MAX_TIMERS_PER_ROUND.saturating_add(deferred.len())).await?;
    let known: HashSet<_> = due.iter().map(|timer| (timer.key, timer.generation)).collect();
    let later = now.saturating_add(FIRE_RETRY_DELAY).unwrap_or(Timestamp::MAX);
    // None is put off for longer than that, even if the clock has been set back since.
    deferred.retain(|timer, again| known.contains(timer) && *again > now && *again <= later);
    let due = due.into_iter().filter(|timer| !deferred.contains_key(&(timer.key, timer.generation)));
    let tried = join_all(due.map(|timer| fire_one(engine, timer))).await;
    deferred.extend(tried.iter().filter_map(|failed| failed.map(|timer| (timer, later))));
    Ok(tried.len())
}

/// Fires a timer, and gives it back if that could not be done.
async fn fire_one(engine: &LocalEngine, timer: DueTimer) -> Option<(TimerKey, u64)> {
    let run = timer.key.run;
    match AssertUnwindSafe(engine.fire(timer)).catch_unwind().await {
        Ok(Ok(())) => return None,
        Ok(Err(error)) => tracing::error!(%error, %run, "could not fire a timer; it stays due"),
        Err(_) => tracing::error!(%run, "firing a timer panicked; it stays due"),
    }
    Some((timer.key, timer.generation))
}
