//! Recovery from a clock that was ahead and has gone back.
//!
//! Due times written meanwhile are too late by as much as the clock was ahead: retries would wait, and access would last.

use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;

use super::LocalEngine;
use crate::engine::notifier::WakeSet;
use crate::engine::store::{InputKey, RunFilter};
use crate::error::{Error, ErrorKind, Result};
use crate::machine::{Input, InputBody, InputReply, MAX_REVOKE_DELAY};
use crate::time::TimestampExt;

/// Time synchronization corrects clocks by less than this all the time, which is not worth a look at every Run.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(5 * 60);

impl LocalEngine {
    /// Whether the clock has gone back since it showed `seen`, by more than the tolerance.
    pub(in crate::engine) fn clock_went_back(&self, seen: Timestamp) -> bool {
        self.clock.now().plus(CLOCK_TOLERANCE) < seen
    }

    /// Whether due times that are too late may be in the store, because the last attempt to clamp them has failed.
    pub(in crate::engine) fn must_clamp_again(&self) -> bool {
        self.must_clamp_again.load(Ordering::Relaxed)
    }

    pub(in crate::engine) async fn clamp_due_times(&self) -> Result<usize> {
        // Also if this is dropped halfway.
        self.must_clamp_again.store(true, Ordering::Relaxed);
        let clamped = self.clamp_to_now().await?;
        self.must_clamp_again.store(false, Ordering::Relaxed);
        Ok(clamped)
    }

    async fn clamp_to_now(&self) -> Result<usize> {
        let now = self.clock.now();
        let latest = now.plus(self.lease.max(MAX_REVOKE_DELAY));
        self.in_flight.clamp_held(latest);
        let effects = self.await_store(self.store.clamp_future_due_times(latest)).await?;
        let changed_after = Some(now.plus(CLOCK_TOLERANCE));
        let filter = RunFilter { active: true, changed_after, ..RunFilter::default() };
        let (mut runs, mut failed) = (0, None);
        for run in self.await_store(self.store.runs(filter, usize::MAX)).await? {
            let id = run.state.run.id();
            let input = Input::new(id, run.state.flow.clone(), now, InputBody::ClockWentBack);
            let key = InputKey::new(format!("clock:{id}:{}:{now}", run.version));
            let delivered = match self.write_kept_of(id).await {
                Ok(()) => self.deliver(key, input, None, None).await,
                Err(error) => Err(error),
            };
            match delivered {
                Ok(InputReply::Accepted { .. }) => runs += 1,
                Ok(_) => {}
                // Each further attempt would take as long, and the ends of access wait for this.
                Err(error) if error.kind() == ErrorKind::Timeout => {
                    failed = Some(error);
                    break;
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
}
