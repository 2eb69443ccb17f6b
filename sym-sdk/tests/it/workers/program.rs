//! A program whose effects do as they are told.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use sym_sdk::BoxFuture;
use sym_sdk::clock::VirtualClock;
use sym_sdk::engine::*;
use sym_sdk::error::{Error, ErrorKind, codes};
use sym_sdk::machine::*;
use sym_sdk::model::*;
use tokio::sync::watch;

use crate::sqlite::{at, commit, effect, run_id};

/// Carries out effects, and stays in those of some lanes or services until it is let go.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) slow_lanes: BTreeSet<Lane>,
    pub(super) slow_bulkhead: Option<Bulkhead>,
    pub(super) held: watch::Sender<bool>,
    /// So many outcomes cannot be taken.
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

impl Process for Program {
    fn step(&self, state: Option<&RunState>, input: &Input) -> sym_sdk::Result<Transition> {
        let lost = |left: usize| left.checked_sub(1);
        if self.outcomes_lost.fetch_update(Ordering::SeqCst, Ordering::SeqCst, lost).is_ok() {
            return Err(Error::new(ErrorKind::Unavailable, codes::STORE, "it cannot be stored now"));
        }
        let flow = Flow::builder("prod".parse().unwrap(), "acme").build();
        Ok(step(&Rules { flow: &flow, hooks: Hooks::NONE }, state, input))
    }

    fn perform(&self, effect: Effect, _: Arc<RunState>, _: Vec<RunId>) -> BoxFuture<'_, Outcome> {
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

/// An effect of this lane. Its number is one that the Run does not wait for, so that nothing follows from its outcome.
pub(super) fn effect_in(lane: Lane, run: RunId, number: u64) -> Effect {
    let mut effect = effect(run, key(run, number).seq);
    let target = || AccessTarget::new("acme", "test", "admins".parse().unwrap());
    let identity = "ana".to_owned();
    effect.kind = match lane {
        Lane::Revoke => EffectKind::Revoke { target: target(), identity },
        Lane::Deescalate => EffectKind::Hook { hook: Hook::On(sym_sdk::template::Step::Deescalate), forward: None },
        Lane::Decide => EffectKind::Grant { target: target(), identity, deadline: None },
        Lane::Notify => EffectKind::UpdateMessages,
    };
    effect
}

pub(super) fn key(run: RunId, number: u64) -> EffectKey {
    EffectKey { run, seq: 1_000 + number }
}

/// Has a Run of its own wait for these effects.
pub(super) async fn add(store: &dyn Store, run: u128, effects: Vec<Effect>) {
    let mut commit = commit(run_id(run), 0, &format!("run {run}"));
    commit.effects = effects;
    assert_eq!(store.commit(commit).await.unwrap(), Committed::Written);
}
