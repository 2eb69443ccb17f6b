//! Recovery from a clock that was ahead and has gone back.
//!
//! Due times written meanwhile are too late by as much as the clock was ahead: retries would wait, and access would last. A store that
//! cannot write does not prolong access either: ends of access are corrected in memory then, and due times in the store
//! count as corrected.

use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;

use super::LocalEngine;
use crate::engine::notifier::WakeSet;
use crate::engine::store::{InputKey, RunFilter, StoredRun};
use crate::engine::store_condition::is_store_failure;
use crate::engine::unwritten::{OwnInput, ends_access};
use crate::error::{Error, ErrorKind, Result};
use crate::machine::{Input, InputBody, InputReply, MAX_REVOKE_DELAY, TimerChange, Transition};
use crate::sync::lock;
use crate::time::TimestampExt;

/// Time synchronization corrects clocks by less than this all the time, which is not worth a look at every Run.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// The time to which due times in the store were to be clamped, if the store did not take that.
#[derive(Debug, Default)]
pub(super) struct UnwrittenClamp(Mutex<Option<Timestamp>>);

impl UnwrittenClamp {
    /// Notes that the store did not clamp due times to `latest`.
    fn failed(&self, latest: Timestamp) {
        let mut clamp = lock(&self.0);
        *clamp = Some(clamp.map_or(latest, |earlier| earlier.min(latest)));
    }

    fn written(&self) {
        *lock(&self.0) = None;
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

    /// Returns the time by which an effect in the store is due now: any, once the time has come to which those were to be clamped.
    pub(super) fn due_by(&self, now: Timestamp) -> Timestamp {
        let has_come = lock(&self.unwritten_clamp.0).is_some_and(|latest| latest <= now);
        if has_come { Timestamp::MAX } else { now }
    }

    async fn clamp_to_now(&self) -> Result<usize> {
        let now = self.clock.now();
        let latest = now.plus(self.lease.max(MAX_REVOKE_DELAY));
        self.in_flight.clamp_held(latest);
        self.unwritten.clamp_due_times(latest);
        self.clamp_unwritten(now).await;
        let mut failed = None;
        let effects = match self.await_store(self.store.clamp_future_due_times(latest)).await {
            Ok(effects) => {
                self.unwritten_clamp.written();
                effects
            }
            Err(error) => {
                self.unwritten_clamp.failed(latest);
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
