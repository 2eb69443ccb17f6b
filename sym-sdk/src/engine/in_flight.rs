//! What this process is carrying out.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};

use crate::machine::{Effect, EffectKey, EntitlementKey};
use crate::sync::lock;

/// Effects under way in this process. A lease runs out by a clock that can be set, and while the machine sleeps; a call that goes
/// on all the same is known here, so that it is not made a second time, nor another one that it excludes.
#[derive(Debug, Default)]
pub(super) struct InFlight(Mutex<Tables>);

#[derive(Debug, Default)]
struct Tables {
    effects: HashSet<EffectKey>,
    exclusive: HashMap<EntitlementKey, EffectKey>,
    /// How often the store did not take an effect back that was put off.
    unreleased_leases: HashMap<EffectKey, u32>,
}

impl InFlight {
    /// Notes that an effect is being carried out, until what is returned is dropped. `None` if it is already, or another one
    /// that excludes it.
    pub(super) fn begin(&self, effect: &Effect) -> Option<InFlightGuard<'_>> {
        let mut tables = self.lock();
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

    /// Notes that an effect keeps its lease though nobody has it in hand any more.
    pub(super) fn note_unreleased_lease(&self, key: EffectKey) {
        let mut tables = self.lock();
        let times = tables.unreleased_leases.entry(key).or_default();
        *times = times.saturating_add(1);
    }

    /// How often that was.
    pub(super) fn unreleased_leases(&self, key: EffectKey) -> u32 {
        self.lock().unreleased_leases.get(&key).copied().unwrap_or_default()
    }

    /// The effect is settled.
    pub(super) fn forget_unreleased_leases(&self, key: EffectKey) {
        self.lock().unreleased_leases.remove(&key);
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        // Every change is made by code that does not panic halfway.
        lock(&self.0)
    }
}

/// One effect under way.
pub(super) struct InFlightGuard<'a> {
    in_flight: &'a InFlight,
    key: EffectKey,
    exclusive: Option<EntitlementKey>,
}

impl Drop for InFlightGuard<'_> {
    fn drop(&mut self) {
        let mut tables = self.in_flight.lock();
        tables.effects.remove(&self.key);
        if let Some(exclusive) = &self.exclusive {
            tables.exclusive.remove(exclusive);
        }
    }
}
