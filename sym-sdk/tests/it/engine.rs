//! The local engine and its workers on a program of their own. The contract of stores is tested by `testing::check_store`.

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

fn at(second: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + second.seconds()
}

fn run_id(number: u128) -> RunId {
    RunId::from_uuid(Uuid::from_u128(number))
}

fn flow() -> Flow {
    Flow::builder("prod".parse().unwrap(), "acme").build()
}

/// The first transition of a request, which waits for its reducers.
fn requested(run: RunId, second: i64) -> Transition {
    let flow = flow();
    let input = Input::new(run, flow.srn().clone(), at(second), submitted(run));
    step(&Rules { flow: &flow, hooks: Hooks::NONE }, None, &input)
}

/// Sets fields of a value: struct literals of non-exhaustive types are not possible here.
macro_rules! with {
    ($value:expr, $($field:ident: $new:expr),+) => {{
        let mut value = $value;
        $(value.$field = $new;)+
        value
    }};
}

/// A commit that writes the state and nothing else.
fn commit(run: RunId, version: u64, key: &str) -> Commit {
    let mut commit = Commit::new(run, version, InputKey::new(key), requested(run, 0));
    commit.effects.clear();
    commit
}

/// A program with one flow that fails every effect, and that cannot step some Runs.
#[derive(Default)]
struct Program {
    unknown: u128,
    performed: AtomicUsize,
    fired: Mutex<Vec<RunId>>,
    refused: AtomicUsize,
}

impl EffectHandler for Program {
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

    fn execute(&self, _: Effect, _: Arc<RunState>, _: Vec<RunId>) -> BoxFuture<'_, Outcome> {
        self.performed.fetch_add(1, Ordering::SeqCst);
        let failed = Outcome::Failed(EffectError::new(ErrorKind::Handler, codes::HANDLER_FAILED, "failed"));
        Box::pin(std::future::ready(failed))
    }
}

/// Lets workers run until they wait for time to pass: all of them are on this thread.
async fn let_workers_run() {
    for _ in 0..5_000 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn timers_of_runs_that_cannot_be_stepped_do_not_block_others() {
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
    let workers = engine.clone().start_workers(WorkerLimits::default());
    for _ in 0..20 {
        clock.advance(Duration::from_millis(100));
        let_workers_run().await;
    }
    assert!(program.fired.lock().unwrap().contains(&good));
    let tries = program.refused.load(Ordering::SeqCst);
    assert!(tries <= 2 * 600, "timers of Runs that cannot be stepped are deferred: {tries} attempts");
    workers.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn outcome_is_recorded_once_when_two_engines_execute_the_effect() {
    let program = Arc::new(Program::default());
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::at(at(0)));
    // Leases expire immediately, so that both engines claim the effect.
    let store = Arc::new(MemoryStore::new());
    let engines =
        [0; 2].map(|_| LocalEngine::new(store.clone(), program.clone(), clock.clone()).with_lease(Duration::ZERO));
    let [engine, other] = &engines;
    let run = run_id(1);
    let input = Input::new(run, flow().srn().clone(), at(0), submitted(run));
    engine.submit(InputKey::new("a"), input).await.unwrap();
    let (one, other) = tokio::join!(engine.run_one(), other.run_one());
    assert!(one.unwrap() || other.unwrap());
    let entries = engine.audit(Some(run), 99).await.unwrap();
    let failed = entries.iter().filter(|entry| matches!(entry.kind, AuditKind::Failed { .. })).count();
    assert_eq!(failed, 1);
}

/// A program whose effects wait until they are released.
struct Slow {
    begun: AtomicUsize,
    go_on: tokio::sync::Semaphore,
}

impl Default for Slow {
    fn default() -> Self {
        Self { begun: AtomicUsize::new(0), go_on: tokio::sync::Semaphore::new(0) }
    }
}

impl EffectHandler for Slow {
    fn step(&self, state: Option<&RunState>, input: &Input) -> sym_sdk::Result<Transition> {
        Ok(step(&Rules { flow: &flow(), hooks: Hooks::NONE }, state, input))
    }

    fn execute(&self, _: Effect, _: Arc<RunState>, _: Vec<RunId>) -> BoxFuture<'_, Outcome> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        Box::pin(async {
            self.go_on.acquire().await.unwrap().forget();
            Outcome::Done
        })
    }
}

/// A lease expires when the clock is set ahead, or the machine wakes from sleep; the call goes on.
#[tokio::test]
async fn call_that_outlives_its_lease_excludes_itself_and_its_peers() {
    let program = Arc::new(Slow::default());
    let store = Arc::new(MemoryStore::new());
    let shared: EntitlementKey = serde_json::from_str(r#""admins of ana""#).unwrap();
    for number in 1..=2 {
        let mut requested =
            Commit::new(run_id(number), 0, InputKey::new(number.to_string()), requested(run_id(number), 0));
        requested.effects[0].exclusive = Some(shared.clone());
        store.commit(requested).await.unwrap();
    }
    let clock = Arc::new(VirtualClock::at(at(0)));
    let engine = LocalEngine::new(store, program.clone(), clock.clone()).with_lease(Duration::ZERO);
    let others = async {
        for _ in 0..4 {
            engine.run_one().await.unwrap();
            clock.advance(Duration::from_secs(1));
        }
        assert_eq!(program.begun.load(Ordering::SeqCst), 1, "the first call is in flight");
        program.go_on.add_permits(2);
    };
    let (first, ()) = tokio::join!(engine.run_one(), others);
    assert!(first.unwrap());
    clock.advance(Duration::from_secs(1));
    assert!(engine.run_one().await.unwrap());
    assert_eq!(program.begun.load(Ordering::SeqCst), 2, "the other call follows it");
}

fn submitted(run: RunId) -> InputBody {
    let ana = User::from_email("ana@example.com").unwrap();
    InputBody::Submitted {
        event: EventId::from_uuid(*run.as_uuid()),
        actor: Arc::new(ana),
        channel: Channel::new(ChannelType::Api),
        action: Action::Request(Box::default()),
    }
}
