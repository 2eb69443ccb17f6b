//! Execution of effects: claims them, executes them and delivers their outcomes, or defers them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tracing::{Instrument, Span};

use super::LocalEngine;
use super::inputs::WakeOnDrop;
use crate::engine::in_flight::InFlightGuard;
use crate::engine::leases::{IN_FLIGHT_RETRY_DELAY, redelivery_delay};
use crate::engine::notifier::WakeSet;
use crate::engine::observability;
use crate::engine::poison::{MAX_LOST_LEASES, is_given_up};
use crate::engine::store::{Claim, Claimed, DueTimer, InputKey, StoredRun};
use crate::engine::unwritten::{OUTAGE_TOLERANCE, OwnInput, executes_from_memory};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::machine::{Effect, EffectError, EffectKey, EffectKind, Input, InputBody, Lane, Outcome, People, RunState};
use crate::model::{RunId, Srn};
use crate::time::TimestampExt;

/// The number of effects that are claimed at once by whoever executes them one at a time.
const MAX_CLAIMED_AHEAD: usize = 64;

/// An effect that a worker is to execute.
#[derive(Debug)]
pub(in crate::engine) struct DueEffect {
    pub(in crate::engine) claimed: Claimed,
    pub(in crate::engine) origin: EffectOrigin,
}

/// The origin of an effect that a worker is to execute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum EffectOrigin {
    /// It is leased.
    Lease,
    /// It is due in the store, which cannot write the lease.
    Unleased,
    /// An [unwritten](crate::engine::unwritten) input asks for it.
    Memory,
}

/// The result of executing an effect.
struct Called {
    flow: Srn,
    outcome: Outcome,
    /// The users whom the waiting event depends on.
    people: People,
    /// Whether an earlier claim may have called the service, whatever became of it.
    interrupted: bool,
}

impl LocalEngine {
    pub(super) async fn execute_or_fire_one(&self) -> Result<bool> {
        if self.write_kept_if_due().await? {
            return Ok(true);
        }
        let mut failed = None;
        for lane in Lane::ALL {
            let due = match self.next_due_effect(lane).await {
                Ok(due) => due,
                // Lanes whose effects need no lease are looked at all the same.
                Err(error) => {
                    failed = failed.or(Some(error));
                    None
                }
            };
            if let Some(due) = due {
                self.execute(due).await?;
                return Ok(true);
            }
        }
        match self.due_timers(self.clock.now(), 1).await?.pop() {
            Some(timer) => self.fire(timer).await.map(|()| true),
            None => failed.map_or(Ok(false), Err),
        }
    }

    /// Returns the due effect of a lane that is to be executed next. While commits lease effects of the lane, several are claimed at once.
    async fn next_due_effect(&self, lane: Lane) -> Result<Option<DueEffect>> {
        let limit = if self.commit_leases.is_open(lane) { MAX_CLAIMED_AHEAD } else { 1 };
        let until = self.clock.now().plus(self.lease);
        if let Some(claimed) = self.commit_leases.take(lane, self.clock.now(), 1).pop() {
            return Ok(Some(DueEffect { claimed, origin: EffectOrigin::Lease }));
        }
        let mut due = self.due_effects(lane, limit, usize::MAX).await?.into_iter();
        let next = due.next();
        self.commit_leases.add(lane, due.map(|due| due.claimed), until);
        Ok(next)
    }

    /// Releases leases that nobody here needs. What cannot be released now is with the next look for due effects, which a failure must
    /// not bring about: it would fail as well.
    pub(in crate::engine) async fn release_unowned(&self) {
        let mut any = false;
        for key in self.commit_leases.unowned() {
            let released = self.await_store(self.store.release(key, 1, self.clock.now())).await;
            if let Err(error) = released {
                tracing::debug!(%error, %key, "could not release an effect that was leased by its commit");
                break;
            }
            self.commit_leases.released(key);
            any = true;
        }
        if any {
            self.notifier.wake(WakeSet::ALL);
        }
    }

    /// Returns due effects of a lane: those that this process has in hand, and those that it claims now, with up to `per_bulkhead`
    /// leases for each bulkhead. If the store cannot write leases, effects that end access come without one: no other process can
    /// lease them either.
    pub(in crate::engine) async fn due_effects(
        &self,
        lane: Lane,
        limit: usize,
        per_bulkhead: usize,
    ) -> Result<Vec<DueEffect>> {
        if limit == 0 {
            // While all workers of a lane are busy, each commit wakes it: a claim would be one more write each time.
            return Ok(Vec::new());
        }
        if !executes_from_memory(lane) {
            self.release_unowned().await;
        }
        let now = self.clock.now();
        let (elapsed, due_by) = (self.clock.elapsed(), self.store_time.read(&*self.clock));
        let due = |origin| move |claimed| DueEffect { claimed, origin };
        let unleased = |effect: Effect| Claimed::new(effect, 0, 0);
        let mut found: Vec<_> =
            self.in_flight.take_held(lane, elapsed, limit).into_iter().map(due(EffectOrigin::Lease)).collect();
        found.extend(self.commit_leases.take(lane, now, limit - found.len()).into_iter().map(due(EffectOrigin::Lease)));
        let from_memory = self.unwritten.due_effects(lane, elapsed).into_iter().map(unleased);
        found.extend(self.not_in_hand(lane, from_memory, per_bulkhead).map(due(EffectOrigin::Memory)));
        found.truncate(limit);
        let claim = Claim::new(lane, now, self.lease, limit - found.len()).per_bulkhead(per_bulkhead);
        let wakeups = self.notifier.wakeups(lane);
        if claim.limit == 0 || self.commit_leases.is_drained(lane, wakeups) {
            return Ok(found);
        }
        match self.await_store(self.store.claim(claim)).await {
            Ok(claimed) => {
                if !claimed.is_empty() {
                    self.write_succeeded(executes_from_memory(lane));
                }
                self.commit_leases.looked(lane, wakeups, claimed.len() < claim.limit);
                found.extend(claimed.into_iter().map(due(EffectOrigin::Lease)));
            }
            Err(error) => {
                self.write_failed(&error);
                if executes_from_memory(lane)
                    && self.condition.has_failed_for(OUTAGE_TOLERANCE, now)
                    // All of them: those of a bulkhead that is full must not hide those of others.
                    && let Ok(stored) = self.await_store(self.store.due_effects(lane, due_by, usize::MAX)).await
                {
                    let stored = self.not_in_hand(lane, stored.into_iter().map(unleased), per_bulkhead);
                    found.extend(stored.take(claim.limit).map(due(EffectOrigin::Unleased)));
                }
                if found.is_empty() {
                    return Err(error);
                }
            }
        }
        Ok(found)
    }

    /// Drops effects that this process has in hand or has deferred, and those of bulkheads that are full.
    fn not_in_hand(
        &self,
        lane: Lane,
        effects: impl Iterator<Item = Claimed>,
        per_bulkhead: usize,
    ) -> impl Iterator<Item = Claimed> {
        let (mut executing, elapsed) = (HashMap::new(), self.clock.elapsed());
        effects.filter(move |claimed| {
            let bulkhead = &claimed.effect.bulkhead;
            if !self.in_flight.is_free(claimed.effect.key, elapsed) {
                return false;
            }
            let executing =
                executing.entry(bulkhead.clone()).or_insert_with(|| self.in_flight.executing(lane, bulkhead));
            *executing += 1;
            *executing <= per_bulkhead
        })
    }

    /// Lists timers that are due at `now`, and still are when the store has responded: if the clock goes back meanwhile, they may have been
    /// set since, and are not due for as long as the clock was ahead.
    pub(in crate::engine) async fn due_timers(&self, now: Timestamp, limit: usize) -> Result<Vec<DueTimer>> {
        let mut due = self.unwritten.due_timers(now);
        match self.await_store(self.store.due_timers(now, limit)).await {
            Ok(stored) => due.extend(stored.into_iter().filter(|timer| !self.unwritten.overrides(timer))),
            Err(error) if due.is_empty() => return Err(error),
            Err(_) => {}
        }
        let now = self.clock.now();
        due.retain(|timer| timer.at <= now);
        due.truncate(limit);
        Ok(due)
    }

    /// Releases the lease of an effect: it can be claimed again after `delay`. A store that takes revocations only takes this too.
    pub(in crate::engine) async fn release(&self, key: EffectKey, claims: u32, delay: Duration) -> Result<()> {
        let not_before = self.clock.now().plus(delay);
        let _wake = WakeOnDrop { notifier: &self.notifier, set: WakeSet::ALL };
        let released = self.await_store(self.store.release(key, claims, not_before)).await;
        released.inspect(|()| self.write_succeeded(true)).inspect_err(|error| self.write_failed(error))
    }

    /// Executes an effect and delivers its outcome to the Run. An outcome that the store does not take is kept until it does: the
    /// call is not made again meanwhile, however long that takes.
    pub(in crate::engine) async fn execute(&self, due: DueEffect) -> Result<()> {
        let DueEffect { claimed, origin } = due;
        let Some(guard) = self.in_flight.begin_after_outcome(&claimed.effect).await else {
            // A call has outlived its lease: that of this effect, or of one that excludes it.
            return self.defer(claimed, origin, IN_FLIGHT_RETRY_DELAY).await;
        };
        let span = observability::effect_span(&claimed.effect);
        let (key, claims) = (claimed.effect.key, claimed.claims);
        let called = self.call(&claimed, origin, &span).instrument(span.clone()).await;
        let called = match called {
            Ok(called) => called,
            Err(error) => {
                // It was not executed, so it stays due.
                drop(guard);
                self.defer(claimed, origin, redelivery_delay(key, claims)).await?;
                return Err(error);
            }
        };
        guard.settles();
        let delivered = if origin == EffectOrigin::Memory && !self.is_awaited(&claimed.effect).await {
            tracing::warn!(%key, "the Run went on otherwise than was predicted; the outcome of an effect is dropped");
            drop(guard);
            Ok(())
        } else {
            self.deliver_outcome(key, called, guard).instrument(span).await
        };
        // An effect that this one excluded may start now, in whatever lane it is. One that was deferred wakes nobody: it would be found
        // again at once.
        if claimed.effect.exclusive.is_some() {
            self.notifier.wake(WakeSet::ALL);
        }
        delivered
    }

    /// Defers an effect that was not executed. If the store does not take its lease back, it stays with this process, which executes
    /// it after the delay all the same.
    async fn defer(&self, claimed: Claimed, origin: EffectOrigin, delay: Duration) -> Result<()> {
        if origin != EffectOrigin::Lease {
            self.in_flight.defer(claimed.effect.key, self.clock.elapsed(), delay);
            return Ok(());
        }
        let released = self.release(claimed.effect.key, claimed.claims, delay).await;
        if released.is_err() {
            self.in_flight.hold(claimed, self.clock.elapsed().saturating_add(delay));
        }
        released
    }

    /// Releases the effects that are held because that failed before.
    pub(in crate::engine) async fn release_held(&self) {
        for claimed in self.in_flight.take_all_held() {
            let key = claimed.effect.key;
            if let Err(error) = self.release(key, claimed.claims, Duration::ZERO).await {
                tracing::error!(%error, %key, "could not release an effect; it is due again when its lease expires");
            }
        }
    }

    /// Executes an effect.
    async fn call(&self, claimed: &Claimed, origin: EffectOrigin, span: &Span) -> Result<Called> {
        let started = self.clock.now();
        observability::effect_started(claimed, started);
        let Claimed { effect, lost_leases, claims, .. } = claimed;
        // The claims of an effect without a lease are not known.
        let interrupted = *claims > 1 || origin == EffectOrigin::Unleased;
        let (key, kind) = (effect.key, effect.kind.name());
        // The cached Run may be older than the effect.
        let known = self.known(key.run).filter(|run| run.state.pending.contains_key(&key.seq));
        let run = match known {
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
            let holders = self.other_holders(effect).await?;
            match self.handler.look_up_people(effect, &run.state).await {
                Ok(people) => {
                    let state = self.state_for_call(effect, run).await?;
                    (self.handler.execute(effect.clone(), state, holders).await, people)
                }
                Err(error) => (Outcome::PeopleUnknown(EffectError::from(&error)), People::default()),
            }
        };
        observability::effect_ended(span, kind, &outcome, started, self.clock.now());
        Ok(Called { flow, outcome, people, interrupted })
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

    /// Whether the Run waits for an effect that only memory asked for when it was begun.
    async fn is_awaited(&self, effect: &Effect) -> bool {
        let run = match self.known(effect.key.run) {
            Some(run) => Some(run),
            None => self.load(effect.key.run).await.ok().flatten(),
        };
        let pending = run.as_ref().and_then(|run| run.state.pending.get(&effect.key.seq));
        pending.is_some_and(|pending| pending.kind == effect.kind)
    }

    /// Returns a Run as it is after its unwritten inputs, or from the cache.
    pub(super) fn known(&self, run: RunId) -> Option<StoredRun> {
        self.unwritten.latest(run).or_else(|| self.run_cache.get(run))
    }

    /// Delivers the outcome of an effect, or keeps it.
    async fn deliver_outcome(&self, key: EffectKey, called: Called, guard: InFlightGuard) -> Result<()> {
        let Called { flow, outcome, people, interrupted } = called;
        let steady_since = self.steady_clock.since(&*self.clock);
        let body = InputBody::EffectDone { seq: key.seq, outcome };
        let input = Input::new(key.run, flow, self.clock.now(), body).with_people(people);
        let input = input.with_steady_since(steady_since).with_interrupted(interrupted);
        let own = OwnInput { key: InputKey::effect(key), input, settles: Some(key), fired: None };
        let delivered = self.deliver_or_keep(own, Some(guard)).await;
        if delivered.is_ok() {
            self.in_flight.forget_leases(key);
        }
        delivered
    }

    /// Lists the other Runs that need the access which a grant gives, or a revocation would take away.
    async fn other_holders(&self, effect: &Effect) -> Result<Vec<RunId>> {
        let (EffectKind::Grant { .. } | EffectKind::Revoke { .. }, Some(entitlement)) =
            (&effect.kind, &effect.exclusive)
        else {
            return Ok(Vec::new());
        };
        let mut holders = self.await_store(self.store.holders(entitlement)).await?;
        // A Run that needs it only according to an unwritten input is granted it after that is written.
        holders.retain(|run| *run != effect.key.run && !self.unwritten.has_released(*run, entitlement));
        Ok(holders)
    }
}
