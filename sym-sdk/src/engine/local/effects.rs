//! Execution of effects: claims them, executes them and delivers their outcomes, or defers them.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tracing::{Instrument, Span};

use super::LocalEngine;
use super::inputs::WakeOnDrop;
use crate::engine::leases::{IN_FLIGHT_RETRY_DELAY, redelivery_delay};
use crate::engine::notifier::WakeSet;
use crate::engine::observability;
use crate::engine::poison::{MAX_LOST_LEASES, is_given_up};
use crate::engine::store::{Claim, Claimed, DueTimer, StoredRun};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::machine::{Effect, EffectError, EffectKey, EffectKind, Lane, Outcome, People, RunState};
use crate::model::RunId;
use crate::time::TimestampExt;

impl LocalEngine {
    pub(super) async fn execute_or_fire_one(&self) -> Result<bool> {
        for lane in Lane::ALL {
            if let Some(claimed) = self.claim(lane, 1, usize::MAX).await?.pop() {
                self.execute(claimed).await?;
                return Ok(true);
            }
        }
        match self.due_timers(self.clock.now(), 1).await?.pop() {
            Some(timer) => self.fire(timer).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// Claims due effects of a lane, with up to `per_bulkhead` leases for each bulkhead.
    pub(in crate::engine) async fn claim(&self, lane: Lane, limit: usize, per_bulkhead: usize) -> Result<Vec<Claimed>> {
        if limit == 0 {
            // While all workers of a lane are busy, each commit wakes it: a claim would be one more write each time.
            return Ok(Vec::new());
        }
        let claim = Claim::new(lane, self.clock.now(), self.lease, limit).per_bulkhead(per_bulkhead);
        self.await_store(self.store.claim(claim)).await
    }

    pub(in crate::engine) async fn due_timers(&self, now: Timestamp, limit: usize) -> Result<Vec<DueTimer>> {
        self.await_store(self.store.due_timers(now, limit)).await
    }

    /// Releases the lease of an effect: it can be claimed again after `delay`.
    pub(in crate::engine) async fn release(&self, key: EffectKey, claims: u32, delay: Duration) -> Result<()> {
        let not_before = self.clock.now().plus(delay);
        let _wake = WakeOnDrop { notifier: &self.notifier, set: WakeSet::ALL };
        self.await_store(self.store.release(key, claims, not_before)).await
    }

    /// Executes a claimed effect and delivers its outcome to the Run.
    pub(in crate::engine) async fn execute(&self, claimed: Claimed) -> Result<()> {
        let (key, claims) = (claimed.effect.key, claimed.claims);
        let Some(_guard) = self.in_flight.begin(&claimed.effect) else {
            // A call has outlived its lease: that of this effect, or of one that excludes it.
            return self.defer(key, claims, IN_FLIGHT_RETRY_DELAY).await;
        };
        let span = observability::effect_span(&claimed.effect);
        let done = self.execute_and_deliver(claimed, &span).instrument(span.clone()).await;
        if done.is_err() {
            // The outcome could not be stored, so the effect stays due. Its key tells the target that it is the same one.
            self.defer(key, claims, redelivery_delay(key, claims)).await?;
        }
        done
    }

    /// Releases an effect that was not executed, or whose outcome was not stored. If that fails too, its lease expires, which says
    /// nothing about the effect: such a lease does not count as lost.
    async fn defer(&self, key: EffectKey, claims: u32, delay: Duration) -> Result<()> {
        let released = self.release(key, claims, delay).await;
        if released.is_err() {
            self.in_flight.note_unreleased_lease(key);
        }
        released
    }

    async fn execute_and_deliver(&self, claimed: Claimed, span: &Span) -> Result<()> {
        let started = self.clock.now();
        observability::effect_started(&claimed, started);
        let Claimed { effect, lost_leases, claims, .. } = claimed;
        // An earlier claim may have called the service, whatever became of it.
        let interrupted = claims > 1;
        let (key, kind) = (effect.key, effect.kind.name());
        // The cached Run may be older than the effect.
        let cached = self.run_cache.get(key.run).filter(|run| run.state.pending.contains_key(&key.seq));
        let run = match cached {
            Some(run) => Some(run),
            None => self.load(key.run).await?,
        };
        let Some(run) = run else {
            let message = format!("effect {key} belongs to a Run that does not exist");
            return Err(Error::new(ErrorKind::Internal, codes::UNKNOWN_RUN, message));
        };
        let flow = run.state.flow.clone();
        let lost_leases = lost_leases.saturating_sub(self.in_flight.unreleased_leases(key));
        let (outcome, people) = if is_given_up(&effect.kind, lost_leases) {
            let message = format!("gave up after {MAX_LOST_LEASES} attempts that never reported an outcome");
            let error = EffectError::new(ErrorKind::Handler, codes::HANDLER_FAILED, message);
            (Outcome::Failed(error), People::default())
        } else {
            let holders = self.other_holders(&effect).await?;
            match self.handler.look_up_people(&effect, &run.state).await {
                Ok(people) => {
                    let state = self.state_for_call(&effect, run).await?;
                    (self.handler.execute(effect, state, holders).await, people)
                }
                Err(error) => (Outcome::PeopleUnknown(EffectError::from(&error)), People::default()),
            }
        };
        observability::effect_ended(span, kind, &outcome, started, self.clock.now());
        self.deliver_outcome(key, flow, outcome, people, interrupted).await?;
        self.in_flight.forget_unreleased_leases(key);
        Ok(())
    }

    /// Returns the state in which an effect is executed. That of a grant is read anew: the end of the access may have been corrected
    /// meanwhile, by a commit that is written and has not returned yet, and is looked at right before the call.
    async fn state_for_call(&self, effect: &Effect, run: StoredRun) -> Result<Arc<RunState>> {
        let stored = match effect.kind {
            EffectKind::Grant { .. } => self.load(effect.key.run).await?,
            _ => None,
        };
        Ok(stored.unwrap_or(run).state)
    }

    /// Lists the other Runs that need the access which a revocation would take away.
    async fn other_holders(&self, effect: &Effect) -> Result<Vec<RunId>> {
        let (EffectKind::Revoke { .. }, Some(entitlement)) = (&effect.kind, &effect.exclusive) else {
            return Ok(Vec::new());
        };
        let mut holders = self.await_store(self.store.holders(entitlement)).await?;
        holders.retain(|run| *run != effect.key.run);
        Ok(holders)
    }
}
