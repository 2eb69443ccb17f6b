//! The effects that this process has in hand: it executes them, or keeps their outcomes until the store takes them.
//!
//! A lease expires by a clock that can be set ahead, or while the machine sleeps, and the call that it was for goes on. This process
//! knows about the call all the same: it neither makes it twice nor starts one that it excludes.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::store::Claimed;
use crate::machine::{Bulkhead, Effect, EffectKey, EntitlementKey, Lane};
use crate::sync::lock;

/// A registry of the effects in hand, and of leases that could not be released.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    tables: Mutex<Tables>,
    ended: Notify,
}

#[derive(Debug, Default)]
struct Tables {
    effects: HashMap<EffectKey, InFlightEffect>,
    exclusive: HashMap<EntitlementKey, EffectKey>,
    /// Effects that this process has a lease on and does not execute, because the store did not take the release, and the
    /// [elapsed](crate::clock::Clock::elapsed) times from which they are executed under that lease. The clock can be set meanwhile.
    held: HashMap<EffectKey, (Claimed, Duration)>,
    /// Effects without a lease that could not be begun, and the elapsed times from which they are tried again.
    deferred: HashMap<EffectKey, Duration>,
    /// The number of times that an effect kept its lease, because the store did not take the release.
    unreleased_leases: HashMap<EffectKey, u32>,
}

#[derive(Debug)]
struct InFlightEffect {
    lane: Lane,
    bulkhead: Bulkhead,
    progress: Progress,
}

/// The progress of an effect in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// It is being executed.
    Executing,
    /// Its call has ended, and its outcome is being written.
    Settling,
    /// Its outcome waits for a store that has not taken it.
    Kept,
}

impl InFlight {
    /// Registers an effect until the guard is dropped. `None` if it, or another one that excludes it, is in hand already.
    pub(super) fn begin(self: &Arc<Self>, effect: &Effect) -> Option<InFlightGuard> {
        let mut tables = self.tables();
        if effect.exclusive.as_ref().is_some_and(|exclusive| tables.exclusive.contains_key(exclusive))
            || tables.effects.contains_key(&effect.key)
        {
            return None;
        }
        let entry =
            InFlightEffect { lane: effect.lane(), bulkhead: effect.bulkhead.clone(), progress: Progress::Executing };
        tables.effects.insert(effect.key, entry);
        tables.held.remove(&effect.key);
        tables.deferred.remove(&effect.key);
        if let Some(exclusive) = effect.exclusive.clone() {
            tables.exclusive.insert(exclusive, effect.key);
        }
        Some(InFlightGuard { in_flight: self.clone(), key: effect.key, exclusive: effect.exclusive.clone() })
    }

    /// Begins an effect, after one that excludes it and whose outcome is being written. The store lets the effect be claimed as soon as it
    /// has written that outcome, which may be a moment before the task that wrote it goes on.
    pub(super) async fn begin_after_outcome(self: &Arc<Self>, effect: &Effect) -> Option<InFlightGuard> {
        loop {
            let mut ended = pin!(self.ended());
            // Registered before the look, so that an end in between is not missed.
            ended.as_mut().enable();
            let begun = self.begin(effect);
            if begun.is_some() || !self.waits_for_outcome(effect) {
                return begun;
            }
            ended.await;
        }
    }

    /// Whether the outcome of the effect that excludes this one is being written. An effect does not wait for its own: it is done then.
    fn waits_for_outcome(&self, effect: &Effect) -> bool {
        let tables = self.tables();
        let holder = effect.exclusive.as_ref().and_then(|exclusive| tables.exclusive.get(exclusive));
        let holder = holder.filter(|key| **key != effect.key).and_then(|key| tables.effects.get(key));
        holder.is_some_and(|holder| holder.progress == Progress::Settling)
    }

    pub(super) fn contains(&self, key: EffectKey) -> bool {
        self.tables().effects.contains_key(&key)
    }

    /// Defers an effect without a lease. Nothing else would keep it from being found due again at once.
    pub(super) fn defer(&self, key: EffectKey, elapsed: Duration, delay: Duration) {
        let deferred = &mut self.tables().deferred;
        deferred.retain(|_, until| *until > elapsed);
        deferred.insert(key, elapsed.saturating_add(delay));
    }

    /// Whether an effect without a lease may be executed: it is neither in hand nor deferred.
    pub(super) fn is_free(&self, key: EffectKey, elapsed: Duration) -> bool {
        let tables = self.tables();
        !tables.effects.contains_key(&key) && tables.deferred.get(&key).is_none_or(|until| *until <= elapsed)
    }

    /// Whether nothing is in hand.
    pub(super) fn is_idle(&self) -> bool {
        self.tables().effects.is_empty()
    }

    /// Waits until an effect is no longer in hand.
    pub(super) fn ended(&self) -> Notified<'_> {
        self.ended.notified()
    }

    /// Returns the number of effects of a bulkhead that are being executed in a lane.
    pub(super) fn executing(&self, lane: Lane, bulkhead: &Bulkhead) -> usize {
        let is_one = |effect: &&InFlightEffect| {
            effect.progress != Progress::Kept && effect.lane == lane && effect.bulkhead == *bulkhead
        };
        self.tables().effects.values().filter(is_one).count()
    }

    /// Keeps an effect with its lease, which the store did not take back, until an elapsed time. The lease must not count as lost: it says
    /// nothing about the effect.
    pub(super) fn hold(&self, claimed: Claimed, until: Duration) {
        let mut tables = self.tables();
        let key = claimed.effect.key;
        let leases = tables.unreleased_leases.entry(key).or_default();
        *leases = leases.saturating_add(1);
        // The outcome of an effect in hand settles it.
        if !tables.effects.contains_key(&key) {
            tables.held.insert(key, (claimed, until));
        }
    }

    /// Takes up to `limit` held effects of a lane that may be executed.
    pub(super) fn take_held(&self, lane: Lane, elapsed: Duration, limit: usize) -> Vec<Claimed> {
        let mut tables = self.tables();
        let due = tables.held.iter().filter(|(_, (claimed, until))| claimed.effect.lane() == lane && *until <= elapsed);
        let mut keys: Vec<_> = due.map(|(key, _)| *key).collect();
        keys.sort_unstable();
        keys.truncate(limit);
        keys.into_iter().filter_map(|key| tables.held.remove(&key)).map(|(claimed, _)| claimed).collect()
    }

    /// Takes all held effects.
    pub(super) fn take_all_held(&self) -> Vec<Claimed> {
        std::mem::take(&mut self.tables().held).into_values().map(|(claimed, _)| claimed).collect()
    }

    /// Returns the elapsed time from which the next held effect may be executed.
    pub(super) fn next_held(&self) -> Option<Duration> {
        self.tables().held.values().map(|(_, until)| *until).min()
    }

    /// Returns the number of leases of an effect that could not be released. They must not count as lost.
    pub(super) fn unreleased_leases(&self, key: EffectKey) -> u32 {
        self.tables().unreleased_leases.get(&key).copied().unwrap_or_default()
    }

    /// Forgets the leases of an effect that is settled.
    pub(super) fn forget_leases(&self, key: EffectKey) {
        let mut tables = self.tables();
        tables.unreleased_leases.remove(&key);
        tables.held.remove(&key);
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        lock(&self.tables)
    }
}

/// An effect in hand.
#[derive(Debug)]
pub(super) struct InFlightGuard {
    in_flight: Arc<InFlight>,
    key: EffectKey,
    exclusive: Option<EntitlementKey>,
}

impl InFlightGuard {
    /// Notes that the call has ended, and its outcome is about to be written.
    pub(super) fn settles(&self) {
        if let Some(effect) = self.in_flight.tables().effects.get_mut(&self.key) {
            effect.progress = Progress::Settling;
        }
    }

    /// Notes that the call has ended, and its outcome waits for the store. What the call excluded may start: two Runs may share an
    /// access that ends while the store cannot write, and the second one takes it away.
    pub(super) fn call_ended(&mut self) {
        let mut tables = self.in_flight.tables();
        if let Some(effect) = tables.effects.get_mut(&self.key) {
            effect.progress = Progress::Kept;
        }
        if let Some(exclusive) = self.exclusive.take() {
            tables.exclusive.remove(&exclusive);
        }
        drop(tables);
        self.in_flight.ended.notify_waiters();
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        let mut tables = self.in_flight.tables();
        tables.effects.remove(&self.key);
        if let Some(exclusive) = &self.exclusive {
            tables.exclusive.remove(exclusive);
        }
        drop(tables);
        self.in_flight.ended.notify_waiters();
    }
}
