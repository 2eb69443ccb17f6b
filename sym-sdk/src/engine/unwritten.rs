//! Inputs of the engine's own that the store has not taken yet: outcomes of effects, and timers that end access.
//!
//! A store that cannot write must neither lose an outcome nor keep access alive. An input that cannot be committed is kept here, in
//! order, and so is the state that it leads to. What that state asks for in order to end access, its revocations and the hooks before
//! them, is executed from memory; nothing else is, least of all a grant. Once the store takes writes again, the inputs are
//! committed in the same order. A store that fails once and takes the same write a moment later is no reason for that: it is given
//! some seconds.
//!
//! A state in memory is a prediction. It comes true if the Run's commits follow one another as predicted, because the machine is a
//! pure function, and if the clock has not gone back since, because an input is written with the time at which it is written then. The
//! version of the stored Run tells, and whether it waits for the same effects and timers. If it does not come true, the predicted
//! inputs are dropped and the store has the last word: the timer or effect that they began with is still in it. So is everything else if
//! the process ends before it has written: then the same calls are made again, with the same keys.
//!
//! A Run that cannot be read when an input of it is kept is predicted as soon as it can.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;

use super::in_flight::InFlightGuard;
use super::steady_clock::Reading;
use super::store::{DueTimer, InputKey, StoredRun, TimerKey};
use crate::error::Result;
use crate::machine::{
    Effect, EffectKey, EntitlementChange, EntitlementKey, Input, Lane, RunState, TimerChange, TimerKind, Transition,
};
use crate::model::RunId;
use crate::sync::lock;

/// The time for which a store may fail before effects are executed without it. A call that is made before it is on record is lost
/// to the record if the process ends.
pub(super) const OUTAGE_TOLERANCE: Duration = Duration::from_secs(5);

/// An input that is to be committed.
#[derive(Clone, Debug)]
pub(super) struct OwnInput {
    pub(super) key: InputKey,
    pub(super) input: Input,
    pub(super) settles: Option<EffectKey>,
    pub(super) fired: Option<(TimerKey, u64)>,
}

/// The inputs that are not written, by Run.
#[derive(Debug, Default)]
pub(super) struct Unwritten(Mutex<BTreeMap<RunId, UnwrittenRun>>);

/// The unwritten inputs of a Run, and what they lead to.
#[derive(Debug)]
struct UnwrittenRun {
    /// The [elapsed](crate::clock::Clock::elapsed) time since which there are any.
    since: Duration,
    inputs: VecDeque<UnwrittenInput>,
    /// The Run after all of them. `None` if it cannot be predicted.
    latest: Option<StoredRun>,
    /// The effects that they ask for and that end access, without those that have an outcome.
    effects: BTreeMap<u64, PredictedEffect>,
    /// The timers that they set, with time and generation, or remove.
    timers: BTreeMap<TimerKind, Option<(Timestamp, u64)>>,
    /// The access that they give up.
    released: HashSet<EntitlementKey>,
}

/// An effect that an unwritten input asks for.
#[derive(Debug)]
struct PredictedEffect {
    effect: Effect,
    /// The elapsed time from which it may be executed before it is written. The clock can be set meanwhile.
    from: Duration,
}

#[derive(Debug)]
struct UnwrittenInput {
    own: OwnInput,
    /// Keeps the effect from being executed again.
    _in_hand: Option<InFlightGuard>,
    /// The predicted Run after this input.
    predicted: Option<StoredRun>,
    /// The effects that it asks for.
    asks_for: Vec<u64>,
    /// Whether it is about an effect or timer that the store does not have.
    is_predicted: bool,
}

impl Unwritten {
    /// Keeps an input behind those of its Run, and predicts what follows. `stored` is the Run in the store, if it can be read. An input
    /// that is ahead of `now` counts as of now, as it does when it is written.
    pub(super) fn keep(
        &self,
        mut own: OwnInput,
        in_hand: Option<InFlightGuard>,
        stored: Option<StoredRun>,
        now: Reading,
        step: impl FnOnce(&RunState, &Input) -> Result<Transition>,
    ) {
        let mut runs = self.runs();
        let run = runs.entry(own.input.run).or_insert_with(|| UnwrittenRun::new(stored, now.elapsed));
        own.input.at = own.input.at.min(now.now);
        let mut unwritten =
            UnwrittenInput { own, _in_hand: in_hand, predicted: None, asks_for: Vec::new(), is_predicted: false };
        run.predict(&mut unwritten, now, step);
        run.inputs.push_back(unwritten);
    }

    /// Lists the Runs that are not predicted: they could not be read when an input was kept, or went on otherwise than was predicted.
    pub(super) fn unpredicted(&self) -> Vec<RunId> {
        let runs = self.runs();
        runs.iter().filter(|(_, unwritten)| unwritten.latest.is_none()).map(|(run, _)| *run).collect()
    }

    /// Predicts a Run that is not predicted, from what the store has of it. What is ahead of `now` counts as of now, as it does when it is
    /// written. Returns whether the Run is predicted by that.
    pub(super) fn predict_again(
        &self,
        stored: StoredRun,
        now: Reading,
        step: impl Fn(&RunState, &Input) -> Result<Transition>,
    ) -> bool {
        let mut runs = self.runs();
        let Some(unwritten) = runs.get_mut(&stored.state.run.id()).filter(|unwritten| unwritten.latest.is_none())
        else {
            return false;
        };
        let mut inputs = std::mem::take(&mut unwritten.inputs);
        *unwritten = UnwrittenRun::new(Some(stored), unwritten.since);
        for input in &mut inputs {
            input.own.input.at = input.own.input.at.min(now.now);
            unwritten.predict(input, now, &step);
        }
        unwritten.inputs = inputs;
        unwritten.latest.is_some()
    }

    /// Whether a Run has unwritten inputs.
    pub(super) fn contains(&self, run: RunId) -> bool {
        self.runs().contains_key(&run)
    }

    /// Returns the number of unwritten inputs.
    pub(super) fn len(&self) -> usize {
        self.runs().values().map(|run| run.inputs.len()).sum()
    }

    /// Lists the Runs that have unwritten inputs.
    pub(super) fn run_ids(&self) -> Vec<RunId> {
        self.runs().keys().copied().collect()
    }

    /// Returns a Run after its unwritten inputs.
    pub(super) fn latest(&self, run: RunId) -> Option<StoredRun> {
        self.runs().get(&run)?.latest.clone()
    }

    /// Returns the input of a Run that is to be written next.
    pub(super) fn first(&self, run: RunId) -> Option<OwnInput> {
        self.runs().get(&run)?.inputs.front().map(|unwritten| unwritten.own.clone())
    }

    /// Removes the first input of a Run, which was written. `stored` is the Run after it.
    pub(super) fn written(&self, run: RunId, stored: Option<&StoredRun>) {
        let mut runs = self.runs();
        let Some(unwritten) = runs.get_mut(&run) else { return };
        let written = unwritten.inputs.pop_front();
        let predicted = written.as_ref().and_then(|written| written.predicted.as_ref());
        let came_true = predicted.zip(stored).is_some_and(|(predicted, stored)| agree(predicted, stored));
        if came_true {
            // The store has them now, and their outcomes stay whatever becomes of later predictions.
            for seq in written.iter().flat_map(|written| &written.asks_for) {
                unwritten.effects.remove(seq);
                for later in &mut unwritten.inputs {
                    later.is_predicted &= later.own.settles.is_none_or(|key| key.seq != *seq);
                }
            }
        } else {
            unwritten.forget_predictions();
        }
        if unwritten.inputs.is_empty() {
            runs.remove(&run);
        }
    }

    /// Lists effects of a lane that only memory asks for, and that may be executed now.
    pub(super) fn due_effects(&self, lane: Lane, elapsed: Duration) -> Vec<Effect> {
        let runs = self.runs();
        let predicted = runs.values().flat_map(|run| run.effects.values());
        let due = predicted.filter(|predicted| predicted.effect.lane() == lane && predicted.from <= elapsed);
        due.map(|predicted| predicted.effect.clone()).collect()
    }

    /// Lists timers that only memory has set, and that are due.
    pub(super) fn due_timers(&self, now: Timestamp) -> Vec<DueTimer> {
        let runs = self.runs();
        let timers = runs.iter().flat_map(|(run, unwritten)| {
            let timers = unwritten.timers.iter().filter(|(kind, _)| ends_access(**kind));
            timers.filter_map(|(kind, timer)| timer.map(|(at, set)| DueTimer::new(TimerKey::new(*run, *kind), at, set)))
        });
        timers.filter(|timer| timer.at <= now).collect()
    }

    /// Whether a stored timer was fired, cancelled or replaced by an unwritten input.
    pub(super) fn overrides(&self, timer: &DueTimer) -> bool {
        self.runs().get(&timer.key.run).is_some_and(|run| run.timers.contains_key(&timer.key.kind))
    }

    /// Whether an unwritten input gives up the access that a Run holds in the store.
    pub(super) fn has_released(&self, run: RunId, entitlement: &EntitlementKey) -> bool {
        self.runs().get(&run).is_some_and(|run| run.released.contains(entitlement))
    }

    /// Returns when the next effect or timer of memory falls due, without effects that `is_in_hand`.
    pub(super) fn next_due(&self, now: Reading, is_in_hand: impl Fn(EffectKey) -> bool) -> Option<Timestamp> {
        let runs = self.runs();
        let predicted = runs.values().flat_map(|run| run.effects.values());
        let effects = predicted.filter(|predicted| !is_in_hand(predicted.effect.key));
        let effects = effects.map(|predicted| now.time_at(predicted.from));
        let timers = runs.values().flat_map(|run| &run.timers).filter(|(kind, _)| ends_access(**kind));
        effects.chain(timers.filter_map(|(_, timer)| timer.map(|(at, _)| at))).min()
    }

    fn runs(&self) -> MutexGuard<'_, BTreeMap<RunId, UnwrittenRun>> {
        lock(&self.0)
    }
}

impl UnwrittenRun {
    fn new(stored: Option<StoredRun>, since: Duration) -> Self {
        Self {
            since,
            inputs: VecDeque::new(),
            latest: stored,
            effects: BTreeMap::new(),
            timers: BTreeMap::new(),
            released: HashSet::new(),
        }
    }

    /// Predicts the Run after one more input.
    fn predict(
        &mut self,
        unwritten: &mut UnwrittenInput,
        now: Reading,
        step: impl FnOnce(&RunState, &Input) -> Result<Transition>,
    ) {
        unwritten.predicted = None;
        unwritten.asks_for.clear();
        let own = &unwritten.own;
        unwritten.is_predicted = own.settles.is_some_and(|key| self.effects.contains_key(&key.seq))
            || own.fired.is_some_and(|(key, generation)| {
                self.timers.get(&key.kind).is_some_and(|timer| timer.is_some_and(|(_, set)| set == generation))
            });
        // Even if nothing can be predicted: what waits to be written is neither executed nor fired again.
        if let Some(key) = own.settles {
            self.effects.remove(&key.seq);
        }
        if let Some((key, _)) = own.fired {
            self.timers.insert(key.kind, None);
        }
        let Some(transition) = self.latest.as_ref().and_then(|run| step(&run.state, &own.input).ok()) else {
            self.latest = None;
            return;
        };
        if let (Some(run), Some(state)) = (&mut self.latest, transition.state) {
            *run = StoredRun::new(run.version + 1, state.into());
        }
        unwritten.predicted = self.latest.clone();
        for effect in transition.effects.into_iter().filter(|effect| executes_from_memory(effect.lane())) {
            unwritten.asks_for.push(effect.key.seq);
            let tolerated = self.since.saturating_add(OUTAGE_TOLERANCE);
            let from = effect.not_before.map_or(tolerated, |at| tolerated.max(now.elapsed_at(at)));
            self.effects.insert(effect.key.seq, PredictedEffect { effect, from });
        }
        for change in transition.timers {
            match change {
                TimerChange::Set { kind, at, generation } => self.timers.insert(kind, Some((at, generation))),
                TimerChange::Cancel { kind } => self.timers.insert(kind, None),
            };
        }
        for change in transition.holds {
            match change {
                EntitlementChange::Release(key) => self.released.insert(key),
                EntitlementChange::Hold(key) => self.released.remove(&key),
            };
        }
    }

    /// Drops what follows from a state that has not come true. Outcomes of effects that are in the store stay.
    fn forget_predictions(&mut self) {
        self.inputs.retain(|unwritten| !unwritten.is_predicted);
        for unwritten in &mut self.inputs {
            unwritten.predicted = None;
            unwritten.asks_for.clear();
        }
        self.latest = None;
        self.effects.clear();
        self.timers.clear();
        self.released.clear();
        for unwritten in &self.inputs {
            if let Some((key, _)) = unwritten.own.fired {
                self.timers.insert(key.kind, None);
            }
        }
    }
}

/// Whether two states of a Run wait for the same effects and timers under the same numbers. Otherwise, the outcome of an effect of the
/// one would be that of another effect of the other, or of one that it asks for later.
fn agree(predicted: &StoredRun, stored: &StoredRun) -> bool {
    let (one, other) = (&predicted.state, &stored.state);
    let effects = |state: &RunState| -> Vec<_> {
        state.pending.iter().map(|(seq, pending)| (*seq, pending.kind.clone())).collect()
    };
    let timers =
        |state: &RunState| -> Vec<_> { state.timers.iter().map(|(kind, timer)| (*kind, timer.generation)).collect() };
    predicted.version == stored.version
        && (one.next_seq, one.next_generation) == (other.next_seq, other.next_generation)
        && effects(one) == effects(other)
        && timers(one) == timers(other)
}

/// Whether effects of a lane are executed before they are written. Revocations are, and the hooks before them.
pub(super) fn executes_from_memory(lane: Lane) -> bool {
    matches!(lane, Lane::Revoke | Lane::Deescalate)
}

/// Whether a timer fires although that cannot be written.
pub(super) fn ends_access(kind: TimerKind) -> bool {
    kind == TimerKind::Expire
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::InputBody;
    use crate::model::Srn;

    /// Otherwise the timer would be fired again and again, and its input kept each time.
    #[test]
    fn a_timer_is_fired_once_although_its_run_cannot_be_predicted() {
        let (unwritten, now) = (Unwritten::default(), Timestamp::UNIX_EPOCH);
        let read = Reading { now, elapsed: Duration::ZERO };
        let run = RunId::from_uuid(uuid::Uuid::from_u128(1));
        let (key, generation) = (TimerKey::new(run, TimerKind::Expire), 7);
        let flow: Srn = "acme:flow:prod:1.0.0".parse().unwrap();
        let body = InputBody::TimerFired { kind: TimerKind::Expire, generation };
        let input = Input::new(run, flow, now, body);
        let own = OwnInput { key: InputKey::new("timer"), input, settles: None, fired: Some((key, generation)) };
        unwritten.keep(own, None, None, read, |_, _| unreachable!("there is no state to step from"));
        assert!(unwritten.overrides(&DueTimer::new(key, now, generation)));
        assert!(unwritten.due_timers(now).is_empty());
        assert_eq!(unwritten.next_due(read, |_| false), None);
    }
}
