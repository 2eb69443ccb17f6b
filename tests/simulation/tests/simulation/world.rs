//! The state that all parts of a simulated world share.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use jiff::Timestamp;
use sym_sdk::clock::Clock;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::machine::{Effect, EffectKey, EffectKind};
use sym_sdk::model::{EventId, RunId};
use sym_sdk::runtime::Limits;

use crate::clock::WorldClock;
use crate::fault::{Fault, Faults, Place};
use crate::operators::Operators;
use crate::outage::Outage;
use crate::schedule::Schedule;
use crate::target::CallKey;
use crate::trouble::{Trouble, Troubles};

/// The number of events, by name.
pub(crate) type Tally = BTreeMap<String, u64>;

/// The longest time for which the service works on a call whose caller has given up.
pub(crate) const LONGEST_CALL: Duration = Duration::from_secs(25 * 60);

/// A simulated world. Clones share it.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) clock: WorldClock,
    pub(crate) schedule: Schedule,
    pub(crate) troubles: Troubles,
    pub(crate) outage: Outage,
    pub(crate) operators: Operators,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    rng: Rng,
    faults: Faults,
    is_calm: bool,
    tally: Tally,
    is_verbose: bool,
    trace: DefaultHasher,
    broken: Option<String>,
    has_changed: bool,
    /// The effects whose outcomes are committed.
    settled: BTreeSet<EffectKey>,
    late: BTreeMap<(Timestamp, u64), LateEffect>,
    late_effects: u64,
    /// Whether a call to the store took longer than its limit.
    has_slow_store: bool,
    /// The number of moves of the scheduler.
    moves: u64,
    /// The moves at which the current process has called the `on_approve` hooks of events.
    approving: BTreeMap<EventId, u64>,
    /// The number of times that the hook has ignored the end of a Run's access.
    deferrals: BTreeMap<RunId, u32>,
    /// The calls that commits have asked for which were reported to a process as written.
    known_calls: BTreeSet<CallKey>,
    /// The messages and alerts that committed Runs have asked for.
    asked_to_tell: BTreeSet<(RunId, String)>,
}

/// The effect of a call whose caller has given up.
type LateEffect = Box<dyn FnOnce() + Send>;

impl World {
    /// Creates the world of a seed. Its trace is printed if `is_verbose`.
    pub(crate) fn new(seed: u64, is_verbose: bool) -> Self {
        let mut rng = Rng::with_seed(seed);
        let faults = Faults::choose(&mut rng);
        let troubles = Troubles::choose(&mut rng);
        let trace = DefaultHasher::new();
        let inner = Inner {
            rng,
            faults,
            is_calm: false,
            tally: Tally::new(),
            is_verbose,
            trace,
            broken: None,
            has_changed: false,
            settled: BTreeSet::new(),
            late: BTreeMap::new(),
            late_effects: 0,
            has_slow_store: false,
            moves: 0,
            approving: BTreeMap::new(),
            deferrals: BTreeMap::new(),
            known_calls: BTreeSet::new(),
            asked_to_tell: BTreeSet::new(),
        };
        Self {
            clock: WorldClock::new(),
            schedule: Schedule::default(),
            troubles,
            outage: Outage::default(),
            operators: Operators::default(),
            inner: Arc::new(Mutex::new(inner)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // Chance.

    /// Returns a random number below `limit`.
    pub(crate) fn below(&self, limit: usize) -> usize {
        self.lock().rng.usize(..limit)
    }

    /// Returns true once in `times` calls, at random.
    pub(crate) fn once_in(&self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// Returns a random item.
    pub(crate) fn one_of<T: Clone>(&self, choice: &[T]) -> T {
        choice[self.below(choice.len())].clone()
    }

    /// Disables faults from now on.
    pub(crate) fn calm_down(&self) {
        self.lock().is_calm = true;
    }

    /// Returns the fault of a call, if there is one.
    pub(crate) fn fault(&self, place: Place) -> Option<Fault> {
        let inner = &mut *self.lock();
        let drawn = inner.faults.draw(place, &mut inner.rng).filter(|_| !inner.is_calm)?;
        inner.count(format!("{place:?} {drawn:?}"));
        Some(drawn)
    }

    /// Records how long a call to the store took.
    pub(crate) fn store_took(&self, time: Duration) {
        self.lock().has_slow_store |= time >= Limits::default().store;
    }

    /// Returns whether the store fails now and then, had an outage, or was too slow, so that what need not be written may be missing.
    pub(crate) fn has_unreliable_store(&self) -> bool {
        let inner = self.lock();
        self.troubles.has(Trouble::Outage) || inner.faults.can_occur(Place::Store) || inner.has_slow_store
    }

    // Troubles.

    /// Returns whether a trouble occurs at this move.
    pub(crate) fn occurs(&self, trouble: Trouble) -> bool {
        let weight = self.troubles.weight(trouble);
        weight > 0 && self.below(1000) < weight
    }

    /// Returns whether a submission that was refused may be accepted later.
    pub(crate) fn changes_rules(&self) -> bool {
        self.troubles.has(Trouble::Configuration) || self.troubles.has(Trouble::People)
    }

    /// Returns whether a hook ignores its event. Some hooks do so for ever.
    pub(crate) fn ignores(&self, hook: &'static str) -> bool {
        let percentage = self.troubles.weight(Trouble::IgnoringHooks);
        let ends_access = hook == "on_deescalate";
        let ignores = match ends_access {
            true => self.below(100) < percentage.max(8) && (percentage > 0 || !self.lock().is_calm),
            false => percentage > 0 && self.once_in(8) && !self.lock().is_calm,
        };
        if ignores {
            self.count(format!("{hook} ignored"));
        }
        ignores
    }

    /// Records that the hook has ignored the end of a Run's access.
    pub(crate) fn deferred(&self, run: RunId) {
        *self.lock().deferrals.entry(run).or_default() += 1;
    }

    /// Returns the number of times that the hook has ignored the end of a Run's access.
    pub(crate) fn deferrals(&self, run: RunId) -> u32 {
        self.lock().deferrals.get(&run).copied().unwrap_or_default()
    }

    // Moves.

    /// Counts a move, and returns its number.
    pub(crate) fn next_move(&self) -> u64 {
        let inner = &mut *self.lock();
        inner.moves += 1;
        inner.moves
    }

    /// Returns the number of the current move.
    pub(crate) fn moves(&self) -> u64 {
        self.lock().moves
    }

    /// Records that the `on_approve` hook of an event is called. The people were read right before.
    pub(crate) fn approving(&self, event: EventId) {
        let inner = &mut *self.lock();
        inner.approving.insert(event, inner.moves);
    }

    /// Returns the move at which the hook of an event was called.
    pub(crate) fn approving_since(&self, event: EventId) -> Option<u64> {
        self.lock().approving.get(&event).copied()
    }

    /// Forgets what the process was about, which has crashed.
    pub(crate) fn process_crashed(&self) {
        self.lock().approving.clear();
        self.outage.process_started();
    }

    /// Simulates a call to a service with possible faults. `done` has the effect of the call.
    pub(crate) async fn call<T>(&self, place: Place, point: &'static str, done: impl FnOnce() -> T) -> Result<T> {
        let fault = self.begin_call(place, point).await;
        self.finish_call(fault, done).await
    }

    /// Simulates a call to a service that can carry it out after its caller has given up.
    pub(crate) async fn call_that_may_land_late(
        &self,
        place: Place,
        point: &'static str,
        done: impl FnOnce() + Send + 'static,
    ) -> Result<()> {
        match self.begin_call(place, point).await {
            Some(Fault::TimesOutThenLands) => {
                self.land_later(done);
                Err(failure(ErrorKind::Timeout, "the service took too long to answer"))
            }
            Some(Fault::HangsThenLands) => {
                self.land_later(done);
                std::future::pending().await
            }
            fault => self.finish_call(fault, done).await,
        }
    }

    async fn begin_call(&self, place: Place, point: &'static str) -> Option<Fault> {
        self.schedule.pass(point).await;
        let fault = self.fault(place);
        if let Some(fault) = fault {
            self.log(format_args!("{point}: {fault:?}"));
        }
        fault
    }

    async fn finish_call<T>(&self, fault: Option<Fault>, done: impl FnOnce() -> T) -> Result<T> {
        match fault {
            Some(Fault::Fails) => return Err(failure(ErrorKind::Unavailable, "the service is down")),
            Some(Fault::Refuses) => return Err(failure(ErrorKind::Forbidden, "the service refuses")),
            Some(Fault::HangsBefore) => return std::future::pending().await,
            // Unlike `panic!`, this prints no message.
            Some(Fault::Panics) => std::panic::resume_unwind(Box::new("the code is wrong")),
            Some(Fault::Slow) => {
                let time = Duration::from_secs(1 + self.below(120) as u64);
                self.clock.sleep(time).await;
            }
            _ => {}
        }
        let result = done();
        match fault {
            Some(Fault::TimesOut) => return Err(failure(ErrorKind::Timeout, "the service took too long to answer")),
            Some(Fault::HangsAfter) => return std::future::pending().await,
            _ => {}
        }
        self.schedule.pass("answer").await;
        Ok(result)
    }

    // Late effects.

    /// Has a call take effect later, within the longest time for which the service may work on it.
    fn land_later(&self, done: impl FnOnce() + Send + 'static) {
        let longest = LONGEST_CALL.as_millis() as usize;
        // Many land while the Run that made the call is still at work.
        let delay = Duration::from_millis(self.below(if self.once_in(2) { longest } else { longest / 20 }) as u64);
        let at = self.clock.steady_now() + delay;
        let inner = &mut *self.lock();
        inner.late_effects += 1;
        inner.late.insert((at, inner.late_effects), Box::new(done));
    }

    /// Lets the late effects happen whose time has come.
    pub(crate) fn land_late_effects(&self) {
        let now = self.clock.steady_now();
        loop {
            let due = self.lock().late.first_entry().filter(|entry| entry.key().0 <= now).map(|entry| entry.remove());
            match due {
                Some(effect) => effect(),
                None => return,
            }
        }
    }

    /// Returns the time until the next late effect.
    pub(crate) fn until_late_effect(&self) -> Option<Duration> {
        let (at, _) = *self.lock().late.first_key_value()?.0;
        Some(at.duration_since(self.clock.steady_now()).try_into().unwrap_or_default())
    }

    // The record.

    /// Counts an event.
    pub(crate) fn count(&self, what: impl Into<String>) {
        self.lock().count(what.into());
    }

    /// Returns the number of events so far.
    pub(crate) fn tally(&self) -> Tally {
        self.lock().tally.clone()
    }

    /// Adds a line to the trace.
    pub(crate) fn log(&self, what: impl Display) {
        let now = self.clock.now();
        let inner = &mut *self.lock();
        let line = what.to_string();
        (now.as_nanosecond(), &line).hash(&mut inner.trace);
        if inner.is_verbose {
            println!("{now:.3} {line}");
        }
    }

    /// Returns a hash of the whole trace.
    pub(crate) fn trace(&self) -> u64 {
        self.lock().trace.finish()
    }

    /// Notes that the outcome of an effect is committed.
    pub(crate) fn settled(&self, key: EffectKey) {
        self.lock().settled.insert(key);
    }

    /// Returns whether the outcome of an effect is committed.
    pub(crate) fn is_settled(&self, key: EffectKey) -> bool {
        self.lock().settled.contains(&key)
    }

    /// Notes what people are to be told, according to effects that are committed.
    pub(crate) fn asked_for(&self, effects: &[Effect]) {
        let asked = effects.iter().filter_map(|effect| Some((effect.key.run, told(&effect.kind)?)));
        self.lock().asked_to_tell.extend(asked);
    }

    /// Notes effects whose commit was reported to the process as written.
    pub(crate) fn reported(&self, effects: &[Effect]) {
        self.lock().known_calls.extend(effects.iter().map(|effect| (effect.idempotency_key(), effect.attempt)));
    }

    /// Returns whether a process knows that a call is on record. What follows from a commit that was written and reported as failed is a
    /// prediction to it, and the outcome is dropped if the Run goes on otherwise.
    pub(crate) fn is_known(&self, call: &CallKey) -> bool {
        self.lock().known_calls.contains(call)
    }

    /// Checks that a message or an alert of a Run is committed. Only what ends access is carried out before it is on record.
    pub(crate) fn check_told(&self, run: RunId, kind: &EffectKind) {
        let is_asked = told(kind).is_some_and(|told| self.lock().asked_to_tell.contains(&(run, told)));
        self.check(is_asked, || format!("P6: people are told of Run {run} what is not on record: {kind:?}"));
    }

    /// Records that something was committed or changed at the target.
    pub(crate) fn changed(&self) {
        self.lock().has_changed = true;
    }

    /// Returns whether anything has changed since the last call.
    pub(crate) fn has_changed(&self) -> bool {
        std::mem::take(&mut self.lock().has_changed)
    }

    /// Records a broken promise. Only the first one is kept.
    pub(crate) fn broken(&self, promise: impl Display) {
        let promise = promise.to_string();
        self.log(format_args!("BROKEN: {promise}"));
        self.lock().broken.get_or_insert(promise);
    }

    /// Records a broken promise unless `is_so`.
    pub(crate) fn check(&self, is_so: bool, promise: impl FnOnce() -> String) {
        if !is_so {
            self.broken(promise());
        }
    }

    /// Returns the broken promise.
    pub(crate) fn what_broke(&self) -> Option<String> {
        self.lock().broken.clone()
    }
}

impl Inner {
    fn count(&mut self, what: String) {
        *self.tally.entry(what).or_default() += 1;
    }
}

/// Returns what an effect tells people, if it is a message or an alert.
fn told(kind: &EffectKind) -> Option<String> {
    matches!(kind, EffectKind::Message { .. } | EffectKind::Alert { .. }).then(|| format!("{kind:?}"))
}

fn failure(kind: ErrorKind, message: &str) -> Error {
    Error::new(kind, codes::HTTP_ERROR_RESPONSE, message)
}
