//! Inputs of the engine's own that the store did not take: keeps them, and writes them once it does.
//!
//! Their order is kept per Run. Inputs of others wait for them: a submission to a Run whose end could not be written is refused
//! until it is.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::LocalEngine;
use crate::engine::in_flight::InFlightGuard;
use crate::engine::notifier::WakeSet;
use crate::engine::observability;
use crate::engine::steady_clock::Reading;
use crate::engine::store_condition::is_store_failure;
use crate::engine::unwritten::OwnInput;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::machine::{Input, RunState};
use crate::model::RunId;
use crate::sync::lock;
use crate::time::TimestampExt;

const MIN_WRITE_DELAY: Duration = Duration::from_secs(1);
const MAX_WRITE_DELAY: Duration = Duration::from_secs(60);

/// The time of the next attempt to write what is kept.
#[derive(Debug, Default)]
pub(super) struct WriteSchedule {
    next: Mutex<Option<NextWrite>>,
    changed: Notify,
    /// Held while inputs are written, so that those of one Run stay in order.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Clone, Copy, Debug)]
struct NextWrite {
    at: Timestamp,
    delay: Duration,
}

impl WriteSchedule {
    /// Returns the time of the next attempt; `None` if nothing is kept.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.lock().map(|next| next.at)
    }

    /// Schedules the first attempt, unless one is scheduled.
    fn begin(&self, now: Timestamp) {
        self.lock().get_or_insert(NextWrite { at: now.plus(MIN_WRITE_DELAY), delay: MIN_WRITE_DELAY });
        self.changed.notify_waiters();
    }

    /// Schedules the attempt after one that has failed.
    fn back_off(&self, now: Timestamp) {
        let mut next = self.lock();
        let delay = next.map_or(MIN_WRITE_DELAY, |next| next.delay.saturating_mul(2).min(MAX_WRITE_DELAY));
        *next = Some(NextWrite { at: now.plus(delay), delay });
    }

    /// Brings the next attempt forward.
    fn hurry(&self, now: Timestamp) {
        if let Some(next) = &mut *self.lock() {
            *next = NextWrite { at: now, delay: MIN_WRITE_DELAY };
        }
        self.changed.notify_waiters();
    }

    fn end(&self) {
        *self.lock() = None;
    }

    fn is_due(&self, now: Timestamp) -> bool {
        // None is as late as that, unless the clock went back.
        self.lock().is_some_and(|next| next.at <= now || next.at > now.plus(MAX_WRITE_DELAY))
    }

    fn lock(&self) -> MutexGuard<'_, Option<NextWrite>> {
        lock(&self.next)
    }
}

impl LocalEngine {
    /// Delivers an input of the engine's own, or keeps it if the store does not take it.
    ///
    /// # Errors
    /// Those of an input that was kept, and of a timer whose Run cannot be stepped, which is not.
    pub(super) async fn deliver_or_keep(&self, own: OwnInput, in_hand: Option<InFlightGuard>) -> Result<()> {
        let run = own.input.run;
        let mut failed = Ok(());
        if !self.unwritten.contains(run) {
            let OwnInput { key, input, settles, fired } = own.clone();
            match self.deliver(key, input, settles, fired).await {
                Ok(_) => return Ok(()),
                Err(error) if own.fired.is_some() && !is_store_failure(&error) => return Err(error),
                Err(error) => failed = Err(error),
            }
        }
        self.keep(own, in_hand).await;
        failed
    }

    pub(super) async fn keep(&self, own: OwnInput, mut in_hand: Option<InFlightGuard>) {
        let run = own.input.run;
        let stored = if self.unwritten.contains(run) { None } else { self.load(run).await.ok().flatten() };
        if let Some(in_hand) = &mut in_hand {
            in_hand.call_ended();
        }
        tracing::warn!(
            %run, input = own.key.as_str(),
            "the store did not take an outcome or the end of an access; it is kept in memory until the store does"
        );
        let now = Reading::of(&*self.clock);
        self.unwritten.keep(own, in_hand, stored, now, |state, input| self.handler.step(Some(state), input));
        observability::unwritten(self.unwritten.len());
        self.write_schedule.begin(self.clock.now());
        self.notifier.wake(WakeSet::ALL);
    }

    /// Writes what is kept if the time has come. Returns whether anything was written.
    pub(in crate::engine) async fn write_kept_if_due(&self) -> Result<bool> {
        if !self.write_schedule.is_due(self.clock.now()) {
            return Ok(false);
        }
        self.write_kept().await.map(|written| written > 0)
    }

    /// Writes what is kept, and returns the number of inputs. Runs whose inputs cannot be written do not keep others from it.
    pub(in crate::engine) async fn write_kept(&self) -> Result<usize> {
        let _writing = self.write_schedule.writing.lock().await;
        self.predict_unpredicted().await;
        let (mut written, mut failed) = (0, None);
        for run in self.unwritten.run_ids() {
            match self.write_kept_in_order(run).await {
                Ok(count) => written += count,
                Err(error) => {
                    // Each further attempt would take as long.
                    let hangs = error.kind() == ErrorKind::Timeout;
                    failed = failed.or(Some(error));
                    if hangs {
                        break;
                    }
                }
            }
        }
        observability::unwritten(self.unwritten.len());
        match failed {
            None => {
                self.write_schedule.end();
                // One that was kept meanwhile.
                if self.unwritten.len() > 0 {
                    self.write_schedule.begin(self.clock.now());
                }
                Ok(written)
            }
            Some(error) => {
                self.write_schedule.back_off(self.clock.now());
                Err(error)
            }
        }
    }

    /// Predicts the Runs that could not be predicted before, so that their access ends also if nothing can be written. A store that fails
    /// once must not make it last until then.
    async fn predict_unpredicted(&self) {
        for run in self.unwritten.unpredicted() {
            let stored = match self.load(run).await {
                Ok(stored) => stored,
                // Each further attempt would take as long.
                Err(error) if error.kind() == ErrorKind::Timeout => return,
                Err(_) => None,
            };
            let step = |state: &RunState, input: &Input| self.handler.step(Some(state), input);
            if stored.is_some_and(|stored| self.unwritten.predict_again(stored, Reading::of(&*self.clock), step)) {
                self.notifier.wake(WakeSet::ALL);
            }
        }
    }

    /// Writes what is kept of a Run, before anybody else changes it.
    ///
    /// # Errors
    /// If something stays unwritten.
    pub(super) async fn write_kept_of(&self, run: RunId) -> Result<()> {
        if !self.unwritten.contains(run) {
            return Ok(());
        }
        let _writing = self.write_schedule.writing.lock().await;
        self.write_kept_in_order(run).await?;
        if !self.unwritten.contains(run) {
            return Ok(());
        }
        let message = format!("Run {run} has changes that the store has not taken yet");
        Err(Error::new(ErrorKind::Unavailable, codes::STORE, message).with_hint("try again in a moment"))
    }

    async fn write_kept_in_order(&self, run: RunId) -> Result<usize> {
        let mut written = 0;
        while let Some(OwnInput { key, mut input, settles, fired }) = self.unwritten.first(run) {
            // The time of what happened, unless the clock was ahead then.
            input.at = input.at.min(self.clock.now());
            self.deliver(key, input, settles, fired).await?;
            let stored = match self.run_cache.get(run) {
                Some(stored) => Some(stored),
                None => self.load(run).await?,
            };
            self.unwritten.written(run, stored.as_ref());
            if let Some(key) = settles {
                self.in_flight.forget_leases(key);
            }
            written += 1;
        }
        if written > 0 {
            self.notifier.wake(WakeSet::ALL);
        }
        Ok(written)
    }

    pub(super) fn write_failed(&self, error: &Error) {
        self.condition.failed(error, self.unwritten.len(), self.clock.now());
    }

    /// Notes that a write was taken, and whether it takes access away.
    pub(super) fn write_succeeded(&self, takes_access_away: bool) {
        let now = self.clock.now();
        if self.condition.succeeded(takes_access_away, now) {
            self.write_schedule.hurry(now);
        }
    }

    /// Whether the last attempt to write has failed.
    pub(in crate::engine) fn is_store_failing(&self) -> bool {
        self.condition.is_failing()
    }

    /// Returns the time of the next attempt to write what is kept; `None` if nothing is.
    pub(in crate::engine) fn next_write(&self) -> Option<Timestamp> {
        self.write_schedule.next()
    }

    /// Waits until that time changes.
    pub(in crate::engine) fn write_schedule_changed(&self) -> Notified<'_> {
        self.write_schedule.changed.notified()
    }

    /// Whether anything is kept.
    pub(in crate::engine) fn has_unwritten(&self) -> bool {
        self.unwritten.len() > 0
    }
}
