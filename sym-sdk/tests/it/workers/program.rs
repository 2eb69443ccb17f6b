//! A program whose effects block until they are released.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use sym_sdk::BoxFuture;
use sym_sdk::clock::VirtualClock;
use sym_sdk::engine::*;
use sym_sdk::error::{Error, ErrorKind, codes};
use sym_sdk::machine::*;
use sym_sdk::model::*;
use tokio::sync::watch;

use crate::sqlite::{at, commit, effect};

/// Executes effects, and blocks in those of some lanes or services until it is released.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) slow_lanes: BTreeSet<Lane>,
    pub(super) slow_bulkhead: Option<Bulkhead>,
    pub(super) held: watch::Sender<bool>,
    /// The number of outcomes that cannot be delivered.
    pub(super) outcomes_lost: AtomicUsize,
    pub(super) begun: Mutex<Vec<EffectKey>>,
    pub(super) ended: Mutex<Vec<EffectKey>>,
}

impl Program {
    pub(super) fn new() -> Self {
        Self {
            slow_lanes: BTreeSet::new(),
            slow_bulkhead: None,
            held: watch::channel(true).0,
            outcomes_lost: AtomicUsize::new(0),
            begun: Mutex::default(),
            ended: Mutex::default(),
        }
    }

    pub(super) fn begun(&self) -> usize {
        self.begun.lock().unwrap().len()
    }

    pub(super) fn has_ended(&self, key: EffectKey) -> bool {
        self.ended.lock().unwrap().contains(&key)
    }
}

impl EffectHandler for Program {
    fn step(&self, state: Option<&RunState>, input: &Input) -> sym_sdk::Result<Transition> {
        let lost = |left: usize| left.checked_sub(1);
        if self.outcomes_lost.fetch_update(Ordering::SeqCst, Ordering::SeqCst, lost).is_ok() {
            return Err(Error::new(ErrorKind::Unavailable, codes::STORE, "the outcome cannot be stored now"));
        }
        let flow = Flow::builder("prod".parse().unwrap(), "acme").build();
        Ok(step(&Rules { flow: &flow, hooks: Hooks::NONE }, state, input))
    }

    fn execute(&self, effect: Effect, _: Arc<RunState>, _: Vec<RunId>) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            self.begun.lock().unwrap().push(effect.key);
            if self.slow_lanes.contains(&effect.lane()) || self.slow_bulkhead.as_ref() == Some(&effect.bulkhead) {
                self.held.subscribe().wait_for(|held| !held).await.unwrap();
            }
            self.ended.lock().unwrap().push(effect.key);
            Outcome::Done
        })
    }
}

pub(super) fn engine(program: &Arc<Program>, store: Arc<dyn Store>) -> Arc<LocalEngine> {
    Arc::new(LocalEngine::new(store, program.clone(), Arc::new(VirtualClock::at(at(0)))))
}

pub(super) fn bulkhead(name: &str) -> Bulkhead {
    serde_json::from_value(name.into()).unwrap()
}

/// Returns an effect of this lane whose outcome has no consequences.
pub(super) fn effect_in(lane: Lane, run: RunId, number: u64) -> Effect {
    let mut effect = effect(run, key(run, number).seq);
    let target = || AccessTarget::new("acme", "test", "admins".parse().unwrap());
    let identity = "ana".to_owned();
    effect.kind = match lane {
        Lane::Revoke => EffectKind::Revoke { target: target(), identity },
        Lane::Deescalate => EffectKind::Hook { hook: Hook::On(sym_sdk::model::Step::Deescalate), forward: None },
        Lane::Decide => EffectKind::Grant { target: target(), identity, deadline: None, operation: None },
        Lane::Notify => EffectKind::UpdateMessages,
    };
    effect
}

/// A number that no effect of a real Run has.
pub(super) fn key(run: RunId, number: u64) -> EffectKey {
    EffectKey { run, seq: 1_000 + number }
}

/// Makes the Runs wait for these effects.
pub(super) async fn add(store: &dyn Store, effects: Vec<Effect>) {
    let mut of_run: BTreeMap<RunId, Vec<Effect>> = BTreeMap::new();
    for effect in effects {
        of_run.entry(effect.key.run).or_default().push(effect);
    }
    let commits = of_run.into_iter().map(|(run, effects)| store.commit(waiting(run, effects)));
    for committed in join_all(commits).await {
        assert_eq!(committed.unwrap(), Committed::WRITTEN);
    }
}

fn waiting(run: RunId, effects: Vec<Effect>) -> Commit {
    let mut commit = commit(run, 0, &format!("run {run}"));
    let mut state = RunState::clone(commit.state.as_ref().unwrap());
    let template = state.pending.values().next().unwrap().clone();
    for effect in &effects {
        let mut pending = template.clone();
        pending.kind = effect.kind.clone();
        state.pending.insert(effect.key.seq, pending);
    }
    commit.state = Some(Arc::new(state));
    commit.effects = effects;
    commit
}
