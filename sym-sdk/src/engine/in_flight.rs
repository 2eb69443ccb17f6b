//! The effects that this process is executing.
//!
//! A lease expires by a clock that can be set ahead, or while the machine sleeps, and the call that it was for goes on. This process
//! knows about the call all the same: it neither makes it twice nor starts one that it excludes.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};

use crate::machine::{Effect, EffectKey, EntitlementKey};
use crate::sync::lock;

/// A registry of the effects in flight, and of leases that could not be released.
#[derive(Debug, Default)]
pub(super) struct InFlight(Mutex<Tables>);

#[derive(Debug, Default)]
struct Tables {
    effects: HashSet<EffectKey>,
    exclusive: HashMap<EntitlementKey, EffectKey>,
    /// The number of times that a deferred effect kept its lease, because the store did not take the release.
    unreleased_leases: HashMap<EffectKey, u32>,
}

impl InFlight {
    /// Registers an effect until the guard is dropped. `None` if it, or another one that excludes it, is in flight already.
    pub(super) fn begin(&self, effect: &Effect) -> Option<InFlightGuard<'_>> {
        let mut tables = self.tables();
        if effect.exclusive.as_ref().is_some_and(|exclusive| tables.exclusive.contains_key(exclusive))
            || !tables.effects.insert(effect.key)
        {
            return None;
        }
        if let Some(exclusive) = effect.exclusive.clone() {
            tables.exclusive.insert(exclusive, effect.key);
        }
        Some(InFlightGuard { in_flight: self, key: effect.key, exclusive: effect.exclusive.clone() })
    }

    /// Notes that an effect keeps its lease although it is no longer in flight.
    pub(super) fn note_unreleased_lease(&self, key: EffectKey) {
        let mut tables = self.tables();
        let leases = tables.unreleased_leases.entry(key).or_default();
        *leases = leases.saturating_add(1);
    }

    /// Returns the number of leases of an effect that could not be released. They must not count as lost.
    pub(super) fn unreleased_leases(&self, key: EffectKey) -> u32 {
        self.tables().unreleased_leases.get(&key).copied().unwrap_or_default()
    }

    /// Forgets the unreleased leases of an effect that is settled.
    pub(super) fn forget_unreleased_leases(&self, key: EffectKey) {
        self.tables().unreleased_leases.remove(&key);
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        lock(&self.0)
    }
}

/// An effect in flight.
pub(super) struct InFlightGuard<'a> {
    in_flight: &'a InFlight,
    key: EffectKey,
    exclusive: Option<EntitlementKey>,
}

impl Drop for InFlightGuard<'_> {
    fn drop(&mut self) {
        let mut tables = self.in_flight.tables();
        tables.effects.remove(&self.key);
        if let Some(exclusive) = &self.exclusive {
            tables.exclusive.remove(exclusive);
        }
    }
}
