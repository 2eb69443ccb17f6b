//! What every store must do, and what the engine makes of it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use sym_sdk::BoxFuture;
use sym_sdk::audit::AuditKind;
use sym_sdk::clock::{Clock, VirtualClock};
use sym_sdk::engine::*;
use sym_sdk::error::{Error, ErrorKind, codes};
use sym_sdk::machine::*;
use sym_sdk::model::*;
use uuid::Uuid;

const LEASE: Duration = Duration::from_secs(60);

fn at(second: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + second.seconds()
}

fn run_id(number: u128) -> RunId {
    RunId::from_uuid(Uuid::from_u128(number))
}

fn flow() -> Flow {
    Flow::builder("prod".parse().unwrap(), "acme").build()
}

/// The first step of a request: it asks for its reducers.
fn requested(run: RunId, second: i64) -> Transition {
    let flow = flow();
    let input = Input::new(run, flow.srn().clone(), at(second), submitted(run));
    step(&Rules { flow: &flow, hooks: Hooks::NONE }, None, &input)
}

/// The value with some of its fields set: literals of these types are for the crate alone.
macro_rules! with {
    ($value:expr, $($field:ident: $new:expr),+) => {{
        let mut value = $value;
        $(value.$field = $new;)+
        value
    }};
}

/// A commit that only writes the state.
fn commit(run: RunId, version: u64, key: &str) -> Commit {
    let mut commit = Commit::new(run, version, InputKey::new(key), requested(run, 0));
    commit.effects.clear();
    commit
}

fn effect(run: RunId, seq: u64, kind: EffectKind) -> Effect {
    let mut effect = requested(run, 0).effects.remove(0);
    effect.key = EffectKey { run, seq };
    effect.kind = kind;
    effect
}

fn entitlement(name: &str) -> EntitlementKey {
    serde_json::from_value(name.into()).unwrap()
}

fn exclusive(run: RunId, seq: u64) -> Effect {
    with!(effect(run, seq, EffectKind::Route), exclusive: Some(entitlement("admins")))
}

fn answer(text: &str) -> Reply {
    let error = EffectError::new(codes::INVALID_EVENT, text);
    Reply::Refused { event: EventId::from_uuid(Uuid::nil()), error }
}

async fn write(store: &impl Store, commit: Commit) {
    assert_eq!(store.commit(commit).await.unwrap(), Committed::Written);
}

/// The numbers of the effects that are handed out, and how often each has been.
async fn claim(store: &impl Store, lane: Lane, second: i64, limit: usize) -> Vec<(u64, u32)> {
    let claimed = store.claim(Claim::new(lane, at(second), LEASE, limit)).await.unwrap();
    claimed.iter().map(|claimed| (claimed.effect.key.seq, claimed.claims)).collect()
}

async fn version(store: &impl Store, run: RunId) -> Option<u64> {
    store.load(run).await.unwrap().map(|run| run.version)
}

async fn an_input_key_counts_before_the_version(store: impl Store) {
    let run = run_id(1);
    let first = with!(commit(run, 0, "a"), reply: answer("first"));
    write(&store, first).await;
    let again = with!(commit(run, 77, "a"), reply: answer("second"),
        effects: vec![effect(run, 9, EffectKind::Route)],
        audit: requested(run, 0).audit);
    let audited = store.audit(None, 99).await.unwrap().len();
    assert_eq!(store.commit(again).await.unwrap(), Committed::Duplicate(answer("first")));
    assert_eq!(version(&store, run).await, Some(1));
    assert!(claim(&store, Lane::Decide, 0, 9).await.is_empty());
    assert_eq!(store.audit(None, 99).await.unwrap().len(), audited);
    assert_eq!(store.replied(&InputKey::new("a")).await.unwrap(), Some(answer("first")));
}

async fn a_conflict_writes_nothing(store: impl Store) {
    let run = run_id(1);
    write(&store, with!(commit(run, 0, "a"), effects: vec![effect(run, 1, EffectKind::Route)])).await;
    let audited = store.audit(None, 99).await.unwrap().len();
    let late = with!(commit(run, 0, "b"), effects: vec![effect(run, 2, EffectKind::Route)],
        timers: vec![TimerChange::Set { kind: TimerKind::Expire, at: at(0), generation: 1 }],
        holds: vec![HoldChange::Hold(entitlement("admins"))],
        settles: Some(EffectKey { run, seq: 1 }));
    assert_eq!(store.commit(late).await.unwrap(), Committed::Conflict);
    assert_eq!(version(&store, run).await, Some(1));
    assert_eq!(store.replied(&InputKey::new("b")).await.unwrap(), None, "the input may come again");
    assert_eq!(claim(&store, Lane::Decide, 0, 9).await, [(1, 1)], "nothing was settled, nothing added");
    assert!(store.due_timers(at(9), 9).await.unwrap().is_empty());
    assert!(store.holders(&entitlement("admins")).await.unwrap().is_empty());
    assert_eq!(store.audit(None, 99).await.unwrap().len(), audited);
}

async fn a_commit_without_a_state_leaves_the_run(store: impl Store) {
    let (known, unknown) = (run_id(1), run_id(2));
    write(&store, commit(known, 0, "a")).await;
    write(&store, with!(commit(known, 1, "b"), state: None)).await;
    write(&store, with!(commit(unknown, 0, "c"), state: None)).await;
    assert_eq!(version(&store, known).await, Some(1));
    assert_eq!(version(&store, unknown).await, None);
    assert!(store.replied(&InputKey::new("c")).await.unwrap().is_some());
}

async fn a_settled_effect_is_never_claimed_again(store: impl Store) {
    let run = run_id(1);
    let effects = vec![effect(run, 1, EffectKind::Route), effect(run, 2, EffectKind::Route)];
    write(&store, with!(commit(run, 0, "a"), effects: effects)).await;
    assert_eq!(claim(&store, Lane::Decide, 0, 9).await.len(), 2);
    write(&store, with!(commit(run, 1, "b"), settles: Some(EffectKey { run, seq: 1 }))).await;
    // A duplicate settles as well: its outcome was recorded before.
    let duplicate = with!(commit(run, 2, "b"), settles: Some(EffectKey { run, seq: 2 }));
    assert!(matches!(store.commit(duplicate).await.unwrap(), Committed::Duplicate(_)));
    store.release(EffectKey { run, seq: 1 }, at(0)).await.unwrap();
    assert!(claim(&store, Lane::Decide, 999, 9).await.is_empty());
    assert_eq!(store.next_due().await.unwrap(), None);
}

async fn effects_are_claimed_by_lane_when_due_oldest_first(store: impl Store) {
    let run = run_id(1);
    let later = |seq, second| with!(effect(run, seq, EffectKind::Route), not_before: Some(at(second)));
    let effects = vec![
        later(1, 20),
        later(2, 10),
        effect(run, 3, EffectKind::Route),
        effect(run, 4, EffectKind::UpdateMessages),
        later(5, 10),
    ];
    write(&store, with!(commit(run, 0, "a"), effects: effects)).await;
    assert!(claim(&store, Lane::Revoke, 99, 9).await.is_empty());
    assert!(claim(&store, Lane::Decide, 0, 0).await.is_empty());
    assert_eq!(claim(&store, Lane::Decide, 9, 9).await, [(3, 1)]);
    assert_eq!(claim(&store, Lane::Decide, 20, 2).await, [(2, 1), (5, 1)]);
    assert_eq!(claim(&store, Lane::Decide, 20, 2).await, [(1, 1)]);
    assert_eq!(claim(&store, Lane::Notify, 0, 9).await, [(4, 1)]);
}

async fn a_lease_that_runs_out_is_handed_out_again(store: impl Store) {
    let run = run_id(1);
    write(&store, with!(commit(run, 0, "a"), effects: vec![effect(run, 1, EffectKind::Route)])).await;
    assert_eq!(claim(&store, Lane::Decide, 0, 9).await, [(1, 1)]);
    assert!(claim(&store, Lane::Decide, 59, 9).await.is_empty());
    assert_eq!(store.next_due().await.unwrap(), Some(at(60)));
    assert_eq!(claim(&store, Lane::Decide, 60, 9).await, [(1, 2)]);
    store.release(EffectKey { run, seq: 1 }, at(70)).await.unwrap();
    assert!(claim(&store, Lane::Decide, 69, 9).await.is_empty());
    assert_eq!(claim(&store, Lane::Decide, 70, 9).await, [(1, 3)], "a released effect has been claimed all the same");
}

async fn of_effects_that_exclude_each_other_one_is_under_way(store: impl Store) {
    let [one, other] = [run_id(1), run_id(2)];
    write(&store, with!(commit(one, 0, "a"), effects: vec![exclusive(one, 1)])).await;
    let effects = vec![exclusive(other, 2), effect(other, 3, EffectKind::Route)];
    write(&store, with!(commit(other, 0, "b"), effects: effects)).await;
    assert_eq!(claim(&store, Lane::Decide, 0, 9).await, [(1, 1), (3, 1)], "the second waits, what follows it does not");
    assert!(claim(&store, Lane::Decide, 1, 9).await.is_empty());
    // Given back, the first makes room for the second, and then waits itself.
    store.release(EffectKey { run: one, seq: 1 }, at(2)).await.unwrap();
    assert_eq!(claim(&store, Lane::Decide, 1, 9).await, [(2, 1)]);
    assert!(claim(&store, Lane::Decide, 2, 9).await.is_empty());
    write(&store, with!(commit(other, 1, "c"), settles: Some(EffectKey { run: other, seq: 2 }))).await;
    assert_eq!(claim(&store, Lane::Decide, 2, 9).await, [(1, 2)]);
    // A lease that has run out excludes nobody.
    write(&store, with!(commit(other, 2, "d"), effects: vec![exclusive(other, 4)])).await;
    assert!(claim(&store, Lane::Decide, 61, 1).await.iter().all(|(seq, _)| *seq == 3));
    let next = claim(&store, Lane::Decide, 62, 9).await;
    assert_eq!(next.len(), 1, "one of the two, not both: {next:?}");
}

async fn timers_go_by_their_generation(store: impl Store) {
    let run = run_id(1);
    let set = |second, generation| TimerChange::Set { kind: TimerKind::Expire, at: at(second), generation };
    let key = TimerKey::new(run, TimerKind::Expire);
    let forward = TimerChange::Set { kind: TimerKind::Forward, at: at(5), generation: 2 };
    write(&store, with!(commit(run, 0, "a"), timers: vec![set(10, 1), forward])).await;
    assert!(store.due_timers(at(4), 9).await.unwrap().is_empty());
    let kinds = |timers: Vec<DueTimer>| timers.iter().map(|timer| timer.key.kind).collect::<Vec<_>>();
    assert_eq!(kinds(store.due_timers(at(10), 9).await.unwrap()), [TimerKind::Forward, TimerKind::Expire]);
    assert_eq!(kinds(store.due_timers(at(10), 1).await.unwrap()), [TimerKind::Forward], "and they stay");
    // A new one takes the place of the old one.
    write(&store, with!(commit(run, 1, "b"), timers: vec![set(20, 3)])).await;
    assert_eq!(kinds(store.due_timers(at(19), 9).await.unwrap()), [TimerKind::Forward]);
    // To have fired with an old generation takes nothing away.
    write(&store, with!(commit(run, 2, "c"), fired: Some((key, 1)))).await;
    assert_eq!(store.due_timers(at(20), 9).await.unwrap()[1], DueTimer::new(key, at(20), 3));
    write(&store, with!(commit(run, 3, "d"), fired: Some((key, 3)))).await;
    write(&store, with!(commit(run, 4, "e"), timers: vec![TimerChange::Cancel { kind: TimerKind::Forward }])).await;
    assert!(store.due_timers(at(99), 9).await.unwrap().is_empty());
    // One that fires may set itself anew in the same commit.
    write(&store, with!(commit(run, 5, "f"), timers: vec![set(30, 4)])).await;
    write(&store, with!(commit(run, 6, "g"), timers: vec![set(40, 5)], fired: Some((key, 4)))).await;
    assert_eq!(store.due_timers(at(99), 9).await.unwrap(), [DueTimer::new(key, at(40), 5)]);
}

async fn holders_are_those_who_have_not_released(store: impl Store) {
    let admins = entitlement("admins");
    let [one, other] = [run_id(1), run_id(2)];
    let hold = || vec![HoldChange::Hold(admins.clone())];
    write(&store, with!(commit(one, 0, "a"), holds: hold())).await;
    write(&store, with!(commit(other, 0, "b"), holds: hold())).await;
    write(&store, with!(commit(other, 1, "c"), holds: hold())).await;
    assert_eq!(store.holders(&admins).await.unwrap(), [one, other], "each once");
    write(&store, with!(commit(other, 2, "d"), holds: vec![HoldChange::Release(admins.clone())])).await;
    assert_eq!(store.holders(&admins).await.unwrap(), [one]);
    assert!(store.holders(&entitlement("readers")).await.unwrap().is_empty());
}

async fn next_due_is_the_soonest_of_effects_and_timers(store: impl Store) {
    let run = run_id(1);
    assert_eq!(store.next_due().await.unwrap(), None);
    let timer = TimerChange::Set { kind: TimerKind::Expire, at: at(30), generation: 1 };
    write(&store, with!(commit(run, 0, "a"), timers: vec![timer])).await;
    assert_eq!(store.next_due().await.unwrap(), Some(at(30)));
    let later = with!(effect(run, 1, EffectKind::UpdateMessages), not_before: Some(at(20)));
    write(&store, with!(commit(run, 1, "b"), effects: vec![later])).await;
    assert_eq!(store.next_due().await.unwrap(), Some(at(20)));
    assert_eq!(claim(&store, Lane::Notify, 20, 1).await, [(1, 1)]);
    assert_eq!(store.next_due().await.unwrap(), Some(at(30)), "the lease ends later");
}

async fn audit_entries_stand_in_the_order_of_their_commits(store: impl Store) {
    let [one, other] = [run_id(1), run_id(2)];
    write(&store, commit(other, 0, "a")).await;
    write(&store, commit(one, 0, "b")).await;
    write(&store, commit(other, 1, "c")).await;
    let runs = |entries: Vec<sym_sdk::audit::AuditEntry>| entries.iter().map(|entry| entry.run).collect::<Vec<_>>();
    assert_eq!(runs(store.audit(None, 99).await.unwrap()), [other, one, other]);
    assert_eq!(runs(store.audit(Some(one), 99).await.unwrap()), [one]);
    assert_eq!(runs(store.audit(None, 2).await.unwrap()), [other, one]);
}

async fn runs_are_listed_newest_first_and_filtered(store: impl Store) {
    for (number, second, key) in [(1, 20, "a"), (2, 30, "b"), (3, 10, "c")] {
        let run = run_id(number);
        write(&store, Commit::new(run, 0, InputKey::new(key), requested(run, second))).await;
    }
    let numbers = |runs: Vec<StoredRun>| runs.iter().map(|run| run.state.run.id()).collect::<Vec<_>>();
    let all = store.runs(RunFilter::default(), 9).await.unwrap();
    assert_eq!(numbers(all), [run_id(2), run_id(1), run_id(3)]);
    assert_eq!(numbers(store.runs(RunFilter::default(), 1).await.unwrap()), [run_id(2)]);
    let with = |change: fn(&mut RunFilter)| {
        let mut filter = RunFilter::default();
        change(&mut filter);
        filter
    };
    for (filter, expected) in [
        (with(|filter| filter.flow = Some("prod".into())), 3),
        (with(|filter| filter.flow = Some("staging".into())), 0),
        (with(|filter| filter.status = Some(RunStatus::Pending)), 3),
        (with(|filter| filter.status = Some(RunStatus::Denied)), 0),
        (with(|filter| filter.may_hold_access = true), 0),
    ] {
        assert_eq!(store.runs(filter.clone(), 9).await.unwrap().len(), expected, "{filter:?}");
    }
}

/// Runs each function of the contract on a new store.
macro_rules! contract {
    ($store:ident: $new:expr => $($name:ident)*) => {
        mod $store {
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                super::$name($new).await;
            })*
        }
    };
}

contract!(memory: MemoryStore::new() =>
    an_input_key_counts_before_the_version
    a_conflict_writes_nothing
    a_commit_without_a_state_leaves_the_run
    a_settled_effect_is_never_claimed_again
    effects_are_claimed_by_lane_when_due_oldest_first
    a_lease_that_runs_out_is_handed_out_again
    of_effects_that_exclude_each_other_one_is_under_way
    timers_go_by_their_generation
    holders_are_those_who_have_not_released
    next_due_is_the_soonest_of_effects_and_timers
    audit_entries_stand_in_the_order_of_their_commits
    runs_are_listed_newest_first_and_filtered
);

/// Steps Runs of one flow, apart from some that it does not know; every effect is done, or fails.
#[derive(Default)]
struct Program {
    unknown: u128,
    performed: AtomicUsize,
    fired: Mutex<Vec<RunId>>,
    refused: AtomicUsize,
}

impl Process for Program {
    fn step(&self, state: Option<&RunState>, input: &Input) -> sym_sdk::Result<Transition> {
        if input.run.as_uuid().as_u128() < self.unknown {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(Error::new(ErrorKind::NotFound, codes::UNKNOWN_FLOW, "there is no such flow"));
        }
        if matches!(input.body, InputBody::TimerFired { .. }) {
            self.fired.lock().unwrap().push(input.run);
        }
        Ok(step(&Rules { flow: &flow(), hooks: Hooks::NONE }, state, input))
    }

    fn perform(&self, _: Effect, _: Arc<RunState>, _: Vec<RunId>) -> BoxFuture<'_, Outcome> {
        self.performed.fetch_add(1, Ordering::SeqCst);
        let failed = Outcome::Failed(EffectError::new(codes::HANDLER_FAILED, "it broke"));
        Box::pin(std::future::ready(failed))
    }
}

/// Waits, in real time, for something that workers do.
async fn eventually(what: impl Fn() -> bool) {
    for _ in 0..500 {
        if what() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not happen");
}

#[tokio::test]
async fn timers_of_runs_that_cannot_be_stepped_hold_up_no_others() {
    let program = Arc::new(Program { unknown: 1_000, ..Program::default() });
    let store = Arc::new(MemoryStore::new());
    let due = |second| vec![TimerChange::Set { kind: TimerKind::Expire, at: at(second), generation: 1 }];
    for number in 1..=600 {
        let run = run_id(number);
        let commit = with!(commit(run, 0, &format!("bad {number}")), timers: due(0));
        store.commit(commit).await.unwrap();
    }
    let good = run_id(5_000);
    store.commit(with!(commit(good, 0, "good"), timers: due(1))).await.unwrap();
    let clock = Arc::new(VirtualClock::at(at(2)));
    let engine = Arc::new(LocalEngine::new(store, program.clone(), clock.clone()));
    let workers = Workers::start(&engine, WorkerLimits::default());
    for _ in 0..20 {
        clock.advance(Duration::from_millis(100));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    eventually(|| program.fired.lock().unwrap().contains(&good)).await;
    let tries = program.refused.load(Ordering::SeqCst);
    assert!(tries <= 2 * 600, "what cannot be stepped is not tried all the time: {tries} times");
    workers.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn an_outcome_is_recorded_once_though_two_workers_carry_out_the_effect() {
    let program = Arc::new(Program::default());
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::at(at(0)));
    // The lease runs out at once, so that both have it.
    let engine = LocalEngine::new(Arc::new(MemoryStore::new()), program.clone(), clock).with_lease(Duration::ZERO);
    let run = run_id(1);
    let input = Input::new(run, flow().srn().clone(), at(0), submitted(run));
    engine.submit(InputKey::new("a"), input).await.unwrap();
    let (one, other) = tokio::join!(engine.run_one(), engine.run_one());
    assert!(one.unwrap() || other.unwrap());
    let entries = engine.audit(Some(run), 99).await.unwrap();
    let failed = entries.iter().filter(|entry| matches!(entry.kind, AuditKind::Failed { .. })).count();
    assert_eq!(failed, 1);
}

fn submitted(run: RunId) -> InputBody {
    let ana = User::person(UserId::of_email("ana@example.com"), "ana@example.com").unwrap();
    InputBody::Submitted {
        event: EventId::from_uuid(*run.as_uuid()),
        actor: Arc::new(ana),
        channel: Channel::new(ChannelType::Api),
        action: Action::Request(Box::default()),
    }
}
