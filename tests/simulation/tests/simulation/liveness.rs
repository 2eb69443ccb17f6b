//! Liveness: every revocation that is due is attempted within a bound, whatever else happens.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use sym_sdk::clock::Clock;
use sym_sdk::engine::Store;
use sym_sdk::machine::{Access, EffectKey, EffectKind, RunState, TimerKind};
use sym_sdk::model::RunId;

use crate::disk::at_once;
use crate::target::Target;
use crate::world::World;

/// The maximum time between a revocation's falling due and its attempt, while a process is up. Leases that a crashed process has left
/// behind, services that hang and hooks that put the end off are all shorter.
const BOUND: Duration = Duration::from_secs(2 * 3600);

/// Something that ends access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// The expiry of the Run, by the generation of its timer.
    Expiry(RunId, u64),
    /// An attempt at a revocation.
    Revocation(EffectKey),
}

/// Everything that is due and not attempted, with the time since which a process could have attempted it.
#[derive(Default)]
pub(crate) struct Liveness {
    since: BTreeMap<Due, Timestamp>,
}

impl Liveness {
    /// Checks that nothing waits for too long. Time counts while a process is up.
    pub(crate) fn check(&mut self, world: &World, target: &Target, store: &dyn Store, is_up: bool) {
        let now = world.clock.steady_now();
        if !is_up {
            return self.since.clear();
        }
        let attempted = target.attempted_revocations();
        let runs = at_once(store.runs(Default::default(), usize::MAX)).unwrap();
        let due = runs.iter().filter_map(|run| due(&run.state, world.clock.now()));
        let due: BTreeSet<_> =
            due.filter(|due| !matches!(due, Due::Revocation(key) if attempted.contains(key))).collect();
        self.since.retain(|known, _| due.contains(known));
        for due in due {
            let since = *self.since.entry(due).or_insert(now);
            world.check(now.duration_since(since).unsigned_abs() <= BOUND, || {
                format!("P3: {due:?} was not attempted within {BOUND:?} after it fell due")
            });
        }
    }
}

fn due(state: &RunState, now: Timestamp) -> Option<Due> {
    let run = state.run.id();
    match &state.access {
        Access::Held(_) => {
            let timer = state.timers.get(&TimerKind::Expire).filter(|timer| timer.at <= now)?;
            Some(Due::Expiry(run, timer.generation))
        }
        Access::Revoking { .. } => {
            let mut pending = state.pending.iter();
            let is_due = |pending: &sym_sdk::machine::PendingEffect| pending.not_before.is_none_or(|at| at <= now);
            let (seq, _) =
                pending.find(|(_, pending)| matches!(pending.kind, EffectKind::Revoke { .. }) && is_due(pending))?;
            Some(Due::Revocation(EffectKey { run, seq: *seq }))
        }
        _ => None,
    }
}
