//! The SQLite store and the memory store give the same results for random sequences of calls.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;
use sym_sdk::engine::*;
use sym_sdk::machine::*;
use sym_sdk::model::{AccessTarget, RunId, RunStatus};

use super::{at, entitlement, open, requested, run_id};

const RUNS: u128 = 3;

/// A call. Its numbers index few Runs, effects and inputs, so that calls interact.
#[derive(Clone, Debug)]
enum Call {
    Commit(Change),
    Claim { lane: usize, lease: u64, limit: usize, per_bulkhead: usize },
    Release { effect: u64, claims: u32, after: i64 },
    Pass { nanoseconds: i64 },
}

#[derive(Clone, Debug)]
struct Change {
    run: u128,
    /// Whether the expected version is the current one.
    current: bool,
    /// An input that may be a repetition, or a new one.
    input: Option<u8>,
    state: bool,
    flow: bool,
    effects: Vec<NewEffect>,
    /// The claims of the commit: lane, lease, limit and limit of each bulkhead.
    claims: Vec<(usize, u64, usize, usize)>,
    timers: Vec<(bool, Option<i64>)>,
    holds: Vec<(bool, u8)>,
    settles: Option<u64>,
    fired: Option<(bool, u64)>,
}

#[derive(Clone, Debug)]
struct NewEffect {
    lane: usize,
    after: Option<i64>,
    exclusive: Option<u8>,
    bulkhead: u8,
}

/// Times are nanoseconds apart, so that they often coincide.
fn change() -> impl Strategy<Value = Change> {
    let new_effect = (0..4_usize, prop::option::of(-3..5_i64), prop::option::of(0..2_u8), 0..3_u8);
    let new_effect =
        new_effect.prop_map(|(lane, after, exclusive, bulkhead)| NewEffect { lane, after, exclusive, bulkhead });
    (
        (0..RUNS, prop::bool::weighted(0.9), prop::option::weighted(0.2, 0..3_u8), any::<bool>(), any::<bool>()),
        prop::collection::vec(new_effect, 0..4),
        prop::collection::vec((0..4_usize, 0..5_u64, 0..3_usize, 0..3_usize), 0..4),
        prop::collection::vec((any::<bool>(), prop::option::of(-1..6_i64)), 0..3),
        prop::collection::vec((any::<bool>(), 0..2_u8), 0..3),
        prop::option::of(0..12_u64),
        prop::option::of((any::<bool>(), 0..12_u64)),
    )
        .prop_map(|((run, current, input, state, flow), effects, claims, timers, holds, settles, fired)| Change {
            run,
            current,
            input,
            state,
            flow,
            effects,
            claims,
            timers,
            holds,
            settles,
            fired,
        })
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        3 => change().prop_map(Call::Commit),
        3 => (0..4_usize, 0..5_u64, 0..4_usize, 0..4_usize)
            .prop_map(|(lane, lease, limit, per_bulkhead)| Call::Claim { lane, lease, limit, per_bulkhead }),
        1 => (0..12_u64, 1..3_u32, -1..5_i64)
            .prop_map(|(effect, claims, after)| Call::Release { effect, claims, after }),
        1 => (1..4_i64).prop_map(|nanoseconds| Call::Pass { nanoseconds }),
    ]
}

fn bulkhead(number: u8) -> Bulkhead {
    Bulkhead::flow(&format!("sym:flow:flow-{number}:latest").parse().unwrap())
}

/// Turns calls into arguments, with increasing numbers of effects and inputs, and increasing times.
struct Generator {
    now: Timestamp,
    effects: Vec<EffectKey>,
    inputs: u64,
    generation: u64,
}

impl Generator {
    fn after(&self, nanoseconds: i64) -> Timestamp {
        self.now + nanoseconds.nanoseconds()
    }

    fn effect(&self, number: u64) -> EffectKey {
        let number = usize::try_from(number).unwrap();
        self.effects.iter().rev().nth(number).copied().unwrap_or(EffectKey { run: run_id(0), seq: 9_999 })
    }

    fn commit(&mut self, change: &Change, version: u64) -> Commit {
        let run = run_id(change.run);
        self.inputs += 1;
        let input = match change.input {
            Some(known) => InputKey::new(format!("known {known}")),
            None => InputKey::new(format!("new {}", self.inputs)),
        };
        let transition = requested(if change.flow { "prod" } else { "dev" }, run, self.now);
        let template = transition.effects[0].clone();
        let version = if change.current { version } else { version + 1 };
        let mut commit = Commit::new(run, version, input, transition);
        if !change.state {
            commit.state = None;
        }
        commit.effects = change.effects.iter().map(|new| self.new_effect(run, new, &template)).collect();
        let of_lane: BTreeMap<_, _> = change.claims.iter().map(|claim| (claim.0, *claim)).collect();
        let claims = of_lane.into_values().map(|(lane, lease, limit, per_bulkhead)| {
            Claim::new(Lane::ALL[lane], self.now, Duration::from_nanos(lease), limit).per_bulkhead(per_bulkhead)
        });
        commit.claims = claims.collect();
        for (expire, after) in &change.timers {
            let kind = if *expire { TimerKind::Expire } else { TimerKind::Forward };
            self.generation += 1;
            commit.timers.push(match after {
                Some(after) => TimerChange::Set { kind, at: self.after(*after), generation: self.generation },
                None => TimerChange::Cancel { kind },
            });
        }
        for (hold, number) in &change.holds {
            let key = entitlement(&number.to_string());
            commit.holds.push(if *hold { EntitlementChange::Hold(key) } else { EntitlementChange::Release(key) });
        }
        commit.settles = change.settles.map(|number| self.effect(number));
        commit.fired = change.fired.map(|(expire, back)| {
            let kind = if expire { TimerKind::Expire } else { TimerKind::Forward };
            (TimerKey::new(run, kind), self.generation.saturating_sub(back))
        });
        commit
    }

    fn new_effect(&mut self, run: RunId, new: &NewEffect, template: &Effect) -> Effect {
        let mut effect = template.clone();
        let seq = u64::try_from(self.effects.len()).unwrap();
        effect.key = EffectKey { run, seq };
        effect.kind = match Lane::ALL[new.lane] {
            Lane::Revoke => EffectKind::Revoke {
                target: AccessTarget::new("acme", "test", "admins".parse().unwrap()),
                identity: "ana".into(),
            },
            Lane::Deescalate => {
                EffectKind::Hook { hook: sym_sdk::model::Hook::On(sym_sdk::model::Step::Deescalate), forward: None }
            }
            Lane::Decide => EffectKind::Route,
            Lane::Notify => EffectKind::UpdateMessages,
        };
        effect.not_before = new.after.map(|after| self.after(after));
        effect.exclusive = new.exclusive.map(|number| entitlement(&number.to_string()));
        effect.bulkhead = bulkhead(new.exclusive.unwrap_or(new.bulkhead));
        self.effects.push(effect.key);
        effect
    }
}

/// Everything that can be read, as text.
async fn all(store: &impl Store, now: Timestamp) -> String {
    let mut text = Vec::new();
    for number in 0..RUNS {
        text.push(format!("{:?}", store.load(run_id(number)).await.unwrap()));
        text.push(format!("{:?}", store.audit(Some(run_id(number)), 4).await.unwrap()));
    }
    for number in 0..2 {
        text.push(format!("{:?}", store.holders(&entitlement(&number.to_string())).await.unwrap()));
    }
    for number in 0..3 {
        text.push(format!("{:?}", store.recorded_reply(&InputKey::new(format!("known {number}"))).await.unwrap()));
    }
    let mut filters = vec![RunFilter::default(); 5];
    filters[1].flow = Some("dev".into());
    filters[2].status = Some(RunStatus::Requested);
    filters[3].may_hold_access = true;
    filters[4].stuck = true;
    for filter in filters {
        text.push(format!("{:?}", store.runs(filter, 2).await.unwrap()));
    }
    text.push(format!("{:?}", store.audit(None, usize::MAX).await.unwrap()));
    text.push(format!("{:?}", store.due_timers(now, 4).await.unwrap()));
    text.push(format!("{:?}", store.next_due().await.unwrap()));
    text.join("\n")
}

async fn check(calls: &[Call]) {
    let dir = tempfile::tempdir().unwrap();
    let (memory, file) = (MemoryStore::new(), open(&dir).await);
    let mut generator = Generator { now: at(0), effects: Vec::new(), inputs: 0, generation: 0 };
    for call in calls {
        match call {
            Call::Commit(change) => {
                let version = memory.load(run_id(change.run)).await.unwrap().map_or(0, |run| run.version);
                let commit = generator.commit(change, version);
                let expected = memory.commit(commit.clone()).await.unwrap();
                assert_eq!(file.commit(commit).await.unwrap(), expected);
            }
            Call::Claim { lane, lease, limit, per_bulkhead } => {
                let claim = Claim::new(Lane::ALL[*lane], generator.now, Duration::from_nanos(*lease), *limit);
                let claim = claim.per_bulkhead(*per_bulkhead);
                let expected = memory.claim(claim).await.unwrap();
                assert_eq!(format!("{:?}", file.claim(claim).await.unwrap()), format!("{expected:?}"));
            }
            Call::Release { effect, claims, after } => {
                let (key, not_before) = (generator.effect(*effect), generator.after(*after));
                memory.release(key, *claims, not_before).await.unwrap();
                file.release(key, *claims, not_before).await.unwrap();
            }
            Call::Pass { nanoseconds } => generator.now = generator.after(*nanoseconds),
        }
        assert_eq!(all(&file, generator.now).await, all(&memory, generator.now).await);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_file_answers_as_the_memory_does(calls in prop::collection::vec(call(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(check(&calls));
    }
}
