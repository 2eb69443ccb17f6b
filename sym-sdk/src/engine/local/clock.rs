//! Recovery from a clock that was ahead and has gone back.
//!
//! Due times written meanwhile are too late by as much as the clock was ahead: retries would wait, and access would last. A store that
//! cannot write does not prolong access either: ends of access are corrected in memory then, and effects in the store fall due as if
//! the clock had not gone back. However often it does, a revocation waits no longer for that.

use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;

use super::LocalEngine;
use crate::clock::Clock;
use crate::engine::notifier::WakeSet;
use crate::engine::steady_clock::Reading;
use crate::engine::store::{InputKey, RunFilter, StoredRun};
use crate::engine::store_condition::is_store_failure;
use crate::engine::unwritten::{OwnInput, ends_access};
use crate::error::{Error, ErrorKind, Result};
use crate::machine::{Input, InputBody, InputReply, MAX_REVOKE_DELAY, TimerChange, Transition};
use crate::sync::lock;
use crate::time::TimestampExt;

/// Time synchronization corrects clocks by less than this all the time, which is not worth a look at every Run.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// The time with which due times in the store are compared while the store takes no writes: that of the clock, as if it had not gone back
/// since they were clamped.
#[derive(Debug)]
pub(super) struct StoreTime(Mutex<LastReading>);

#[derive(Debug)]
struct LastReading {
    /// The last reading of the clock before it went back.
    latest: Reading,
    /// The [elapsed](Clock::elapsed) time to which all due times were to be clamped, if the store did not take that. It is needed for those
    /// that were written before this process read the clock.
    all_due_from: Option<Duration>,
}

impl StoreTime {
    pub(super) fn new(clock: &dyn Clock) -> Self {
        Self(Mutex::new(LastReading { latest: Reading::of(clock), all_due_from: None }))
    }

    /// Reads the clock, and returns the time by which effects in the store are due.
    pub(super) fn read(&self, clock: &dyn Clock) -> Timestamp {
        let (mut last, read) = (lock(&self.0), Reading::of(clock));
        if last.all_due_from.is_some_and(|from| from <= read.elapsed) {
            return Timestamp::MAX;
        }
        let expected = last.latest.time_at(read.elapsed);
        if expected <= read.now.plus(CLOCK_TOLERANCE) {
            last.latest = read;
        }
        expected.max(read.now)
    }

    /// Notes that the store did not clamp due times to this elapsed time.
    fn clamp_failed(&self, latest: Duration) {
        let mut last = lock(&self.0);
        last.all_due_from = Some(last.all_due_from.map_or(latest, |earlier| earlier.min(latest)));
    }

    /// Notes that the store clamped due times, as the clock showed then.
    fn clamped(&self, read: Reading) {
        *lock(&self.0) = LastReading { latest: read, all_due_from: None };
    }
}

impl LocalEngine {
    /// Whether the clock has gone back since it showed `seen`, by more than the tolerance.
    pub(in crate::engine) fn clock_went_back(&self, seen: Timestamp) -> bool {
        self.clock.now().plus(CLOCK_TOLERANCE) < seen
    }

    /// Whether due times that are too late may be in the store, because the last attempt to clamp them has failed.
    pub(in crate::engine) fn must_clamp_again(&self) -> bool {
        self.must_clamp_again.load(Ordering::Relaxed)
    }

    /// Returns the time within which whatever has read the clock has written its due times. An effect takes no longer than its lease.
    pub(in crate::engine) fn longest_write(&self) -> Duration {
        self.lease
    }

    pub(in crate::engine) async fn clamp_due_times(&self) -> Result<usize> {
        // Also if this is dropped halfway.
        self.must_clamp_again.store(true, Ordering::Relaxed);
        let clamped = self.clamp_to_now().await?;
        self.must_clamp_again.store(false, Ordering::Relaxed);
        Ok(clamped)
    }

    async fn clamp_to_now(&self) -> Result<usize> {
        let read = Reading::of(&*self.clock);
        let (now, longest) = (read.now, self.lease.max(MAX_REVOKE_DELAY));
        self.clamp_unwritten(now).await;
        let mut failed = None;
        let effects = match self.await_store(self.store.clamp_future_due_times(now.plus(longest))).await {
            Ok(effects) => {
                self.store_time.clamped(read);
                effects
            }
            Err(error) => {
                self.store_time.clamp_failed(read.elapsed.saturating_add(longest));
                self.write_failed(&error);
                failed = Some(error);
                0
            }
        };
        let changed_after = Some(now.plus(CLOCK_TOLERANCE));
        let filter = RunFilter { active: true, changed_after, ..RunFilter::default() };
        let mut runs = 0;
        for run in self.await_store(self.store.runs(filter, usize::MAX)).await? {
            let id = run.state.run.id();
            let input = Input::new(id, run.state.flow.clone(), now, InputBody::ClockWentBack);
            let key = InputKey::new(format!("clock:{id}:{}:{now}", run.version));
            // Runs whose times are right stay in the list until the clock shows again what it showed when they changed.
            let is_right = |transition: Transition| transition.reply == InputReply::Stale;
            if !self.unwritten.contains(id) && self.handler.step(Some(&run.state), &input).is_ok_and(is_right) {
                continue;
            }
            // Each further attempt would take as long, and the ends of access wait for this.
            if failed.as_ref().is_some_and(|error: &Error| error.kind() == ErrorKind::Timeout) {
                self.clamp_in_memory(run, key, input).await;
                continue;
            }
            let delivered = match self.write_kept_of(id).await {
                Ok(()) => self.deliver(key.clone(), input.clone(), None, None).await,
                Err(error) => Err(error),
            };
            match delivered {
                Ok(InputReply::Accepted { .. }) => runs += 1,
                Ok(_) => {}
                Err(error) if is_store_failure(&error) => {
                    self.clamp_in_memory(run, key, input).await;
                    failed = Some(error);
                }
                // One Run that cannot be stepped must not keep the others from being handled.
                Err(error) => {
                    tracing::error!(%error, run = %id, "could not clamp the due times of a Run");
                    failed = failed.or(Some(error).filter(Error::is_retryable));
                }
            }
        }
        if effects + runs > 0 {
            tracing::warn!(effects, runs, "the clock was ahead; due times written meanwhile were clamped");
            self.notifier.wake(WakeSet::ALL);
        }
        failed.map_or(Ok(effects + runs), Err)
    }

    /// Corrects the ends of access that are only in memory, whose Runs the store does not list as changed while the clock was ahead.
    async fn clamp_unwritten(&self, now: Timestamp) {
        for id in self.unwritten.run_ids() {
            let Some(run) = self.unwritten.latest(id) else { continue };
            let input = Input::new(id, run.state.flow.clone(), now, InputBody::ClockWentBack);
            let key = InputKey::new(format!("clock:{id}:{}:{now}", run.version));
            self.clamp_in_memory(run, key, input).await;
        }
    }

    /// Corrects the end of the access of a Run in memory, until the store takes that.
    async fn clamp_in_memory(&self, stored: StoredRun, key: InputKey, input: Input) {
        let has_unwritten = self.unwritten.contains(input.run);
        let run = if has_unwritten { self.unwritten.latest(input.run) } else { Some(stored) };
        let Some(run) = run else { return };
        let ends_earlier = |change: &TimerChange| matches!(change, TimerChange::Set { kind, .. } if ends_access(*kind));
        let stepped = self.handler.step(Some(&run.state), &input);
        // Other corrections can wait. One that is kept already is not kept again.
        if stepped.is_ok_and(|transition| transition.timers.iter().any(ends_earlier)) {
            self.keep(OwnInput { key, input, settles: None, fired: None }, None).await;
        }
    }
}
