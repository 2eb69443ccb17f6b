//! A store that hangs, and one that does not store outcomes.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sym_sdk::audit::AuditKind;
use sym_sdk::clock::Clock;
use sym_sdk::directory::{Directory, MemoryDirectory};
use sym_sdk::engine::{InputKey, MemoryStore, RunFilter, WorkerLimits, Workers};
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::handlers;
use sym_sdk::machine::MessageRef;
use sym_sdk::model::{RunId, RunStatus};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Limits, Runtime, Submission};
use sym_sdk::strategy::GrantResult;

use super::super::GRACE;
use super::super::fixture::Fixture;
use super::faulty_store::{Behavior, FaultyStore};
use super::{HOUR, MINUTE, SECOND, advance_during, advance_until, advance_until_status, request, status, with_service};

fn faulty() -> (Fixture, Arc<FaultyStore>) {
    let store = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new())));
    (Fixture::new(store.clone()), store)
}

/// Users that outlive a process, as Runs do.
fn users() -> Directory {
    Directory::new(MemoryDirectory::new(), ["example.com"])
}

fn since(fixture: &Fixture, begun: Timestamp) -> Duration {
    fixture.clock.now().duration_since(begun).unsigned_abs()
}

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

/// Without caches: the process has not seen the Run before.
#[tokio::test]
async fn approval_reads_the_run_once_and_its_recorded_reply_once() {
    let ((fixture, store), users) = (faulty(), users());
    let builder = || fixture.builder().directory(users.clone()).registry(handlers![get_permissions]);
    let runtime = builder().build().await.unwrap();
    let run = request(&runtime, "ana@example.com", "1h").await;
    runtime.run_until_idle().await.unwrap();

    let restarted = builder().build().await.unwrap();
    store.take_calls();
    let approve = || Submission::approve(run, "ben@example.com").key(InputKey::new("click"));
    restarted.directory().contact("ben@example.com").await.unwrap();
    restarted.submit(approve()).await.unwrap();
    assert_eq!(store.take_calls(), ["load", "recorded_reply", "commit"]);
    restarted.submit(approve()).await.unwrap();
    assert_eq!(store.take_calls(), ["load", "recorded_reply"], "a repeated approval commits nothing");
}

/// As when a button is clicked. The message is checked against the Run that the submission reads anyway.
#[tokio::test]
async fn decision_in_a_message_reads_the_run_once() {
    #[reducer]
    fn get_request_notifications() -> Result<Vec<Notification>> {
        Ok(vec![Notification::to(SlackChannelName::new("#requests")?)])
    }
    let ((fixture, store), users) = (faulty(), users());
    let handlers = || handlers![get_permissions, get_request_notifications];
    let builder = || fixture.builder().directory(users.clone()).registry(handlers());
    let runtime = builder().build().await.unwrap();
    let run = request(&runtime, "ana@example.com", "1h").await;
    runtime.run_until_idle().await.unwrap();

    let restarted = builder().build().await.unwrap();
    store.take_calls();
    let approve_in = |message: &str| {
        let click = InputKey::new(format!("click:{message}"));
        Submission::approve(run, "ben@example.com").in_message(MessageRef::new("recording", message)).key(click)
    };
    restarted.directory().contact("ben@example.com").await.unwrap();
    let error = restarted.submit(approve_in("2")).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, &codes::UNKNOWN_MESSAGE));
    assert_eq!(error.message(), "this message does not belong to the request");
    let calls = store.take_calls();
    assert_eq!(calls, ["load", "recorded_reply", "recorded_reply", "commit"], "the refusal is recorded");
    restarted.submit(approve_in("1")).await.unwrap();
    assert_eq!(store.take_calls(), ["load", "recorded_reply", "commit"]);
}

#[tokio::test]
async fn submission_to_a_hanging_store_times_out_and_can_be_repeated() {
    for behavior in [Behavior::Hangs, Behavior::NeverReturns] {
        let (fixture, store) = faulty();
        let limit = 3 * SECOND;
        let runtime = fixture.builder().limits(Limits { store: limit, ..Limits::default() }).build().await.unwrap();
        let named = Submission::request("prod", "ana@example.com").input("duration", "1h").key(InputKey::new("once"));
        let unnamed = Submission::request("prod", "ana@example.com").input("duration", "1h");
        for submission in [named.clone(), unnamed] {
            store.set_behavior(behavior);
            let begun = fixture.clock.now();
            let error = advance_during(&fixture, runtime.submit(submission)).await.unwrap_err();
            assert_eq!((error.kind(), error.code()), (ErrorKind::Timeout, &codes::STORE), "{behavior:?}");
            assert_eq!(error.message(), "the store did not respond within 3s");
            assert_eq!(since(&fixture, begun).as_secs(), limit.as_secs(), "{behavior:?}");
        }
        store.set_behavior(Behavior::Works);
        let run = runtime.submit(named.clone()).await.unwrap().run;
        assert_eq!(runtime.submit(named).await.unwrap().run, run);
        let runs = runtime.runs(RunFilter::default(), 10).await.unwrap();
        assert_eq!(runs.len(), 1, "{behavior:?}");
    }
}

/// The store hangs while one Run holds access, a second is acknowledged, and a third waits for the service.
#[tokio::test]
async fn runs_continue_when_the_store_responds_again() {
    for behavior in [Behavior::Hangs, Behavior::NeverReturns] {
        let (fixture, store) = faulty();
        let runtime = fixture.start().await;
        let held = fixture.granted(&runtime).await;
        let acknowledged = request(&runtime, "cho@example.com", "8h").await;
        store.set_behavior(behavior);
        let workers = runtime.start(WorkerLimits::default());
        fixture.clock.advance(HOUR);
        let begun = fixture.clock.now();
        advance_until(&fixture, "some time with a hanging store", || since(&fixture, begun) > 5 * MINUTE).await;

        store.set_behavior(Behavior::Works);
        advance_until_status(&fixture, &runtime, held, RunStatus::Deescalated).await;
        assert!(since(&fixture, begun) < 7 * MINUTE, "as soon as the calls in flight timed out: {behavior:?}");
        // Effects of claims that timed out are leased.
        fixture.clock.advance(HOUR);
        advance_until_status(&fixture, &runtime, acknowledged, RunStatus::Escalated).await;
        assert_eq!(fixture.strategy.granted().len(), 1);
        fixture.clock.advance(8 * HOUR);
        advance_until_status(&fixture, &runtime, acknowledged, RunStatus::Deescalated).await;
        assert!(fixture.strategy.granted().is_empty());
        workers.shutdown(GRACE).await;
    }
}

/// Only the workers can find the commit: its caller has given up.
#[tokio::test]
async fn workers_are_woken_by_a_commit_that_timed_out() {
    let (fixture, store) = faulty();
    let runtime = fixture.start().await;
    let workers = runtime.start(WorkerLimits::default());
    fixture.let_workers_run().await;
    store.set_behavior(Behavior::WritesOutcomesAndFails);
    let request = Submission::request("prod", "ana@example.com").input("duration", "1h");
    let error = runtime.submit(request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    store.set_behavior(Behavior::Works);
    fixture.let_workers_run().await;
    assert_eq!(fixture.strategy.granted().len(), 1, "immediately, and not at the next poll");
    workers.shutdown(GRACE).await;
}

/// Lost leases are a sign of an effect that takes the process down. These are lost because the store does not take the outcome.
#[tokio::test]
async fn call_is_made_once_however_long_its_outcome_cannot_be_stored() {
    let (fixture, store) = faulty();
    let faulty = store.clone();
    let service = with_service(&fixture, move |_| {
        faulty.set_behavior(Behavior::RefusesOutcomes);
        Ok(GrantResult::granted())
    });
    let runtime = service.build().await.unwrap();
    let run = request(&runtime, "ana@example.com", "48h").await;
    let workers = runtime.start(WorkerLimits::default());
    for _ in 0..20 {
        let refused = store.refused();
        advance_until(&fixture, "a refused write", || store.refused() > refused).await;
        fixture.clock.advance(HOUR);
    }
    store.set_behavior(Behavior::Works);
    advance_until_status(&fixture, &runtime, run, RunStatus::Escalated).await;
    assert_eq!(fixture.strategy.calls().len(), 1);
    workers.shutdown(GRACE).await;
}

/// Two Runs need one access, and both end while the store refuses writes. That the first has given it up is known to memory alone.
#[tokio::test]
async fn shared_access_ends_while_the_store_refuses_writes() {
    let (fixture, store) = faulty();
    let runtime = fixture.start().await;
    let runs = [request(&runtime, "ana@example.com", "1h").await, request(&runtime, "ana@example.com", "8h").await];
    runtime.run_until_idle().await.unwrap();
    store.set_behavior(Behavior::RefusesWrites);
    let workers = runtime.start(WorkerLimits::default());
    fixture.clock.advance(HOUR);
    let begun = fixture.clock.now();
    advance_until(&fixture, "the end of one Run", || since(&fixture, begun) > MINUTE).await;
    assert_eq!(fixture.strategy.granted().len(), 1, "the other Run needs the access");
    fixture.clock.advance(7 * HOUR);
    advance_until(&fixture, "the end of the access", || fixture.strategy.granted().is_empty()).await;
    assert_eq!(fixture.revocations(), 1);
    store.set_behavior(Behavior::Works);
    for run in runs {
        advance_until_status(&fixture, &runtime, run, RunStatus::Deescalated).await;
    }
    assert_eq!(fixture.revocations(), 1, "what was done in memory is not done again");
    workers.shutdown(GRACE).await;
}

/// A Run whose access has ended while the store refuses writes: only memory knows that it has.
struct EndedInMemory {
    fixture: Fixture,
    store: Arc<FaultyStore>,
    runtime: Runtime,
    run: RunId,
    workers: Workers,
}

impl EndedInMemory {
    /// Lets the access end, after this number of revocations that fail.
    async fn after_failures(failures: usize) -> Self {
        let (fixture, store) = faulty();
        fixture.strategy.fail_revocations(failures);
        let runtime = fixture.start().await;
        let run = fixture.granted(&runtime).await;
        store.set_behavior(Behavior::RefusesWrites);
        let workers = runtime.start(WorkerLimits::default());
        fixture.clock.advance(HOUR);
        advance_until(&fixture, "the end of the access", || fixture.strategy.granted().is_empty()).await;
        Self { fixture, store, runtime, run, workers }
    }
}

/// The service is down, too: each attempt follows from the one before, in memory.
#[tokio::test]
async fn revocation_is_retried_while_the_store_refuses_writes() {
    const FAILURES: usize = 5;
    let EndedInMemory { fixture, store, runtime, run, workers } = EndedInMemory::after_failures(FAILURES).await;
    assert_eq!(fixture.revocations(), FAILURES + 1);
    let calls = fixture.strategy.calls();
    store.set_behavior(Behavior::Works);
    advance_until_status(&fixture, &runtime, run, RunStatus::Deescalated).await;
    assert_eq!(fixture.strategy.calls().len(), calls.len());
    let entries = runtime.audit(Some(run), usize::MAX).await.unwrap();
    let failed = entries.iter().filter(|entry| matches!(entry.kind, AuditKind::RevokeFailed { .. })).count();
    assert_eq!(failed, FAILURES, "each attempt is on the record");
    workers.shutdown(GRACE).await;
}

/// A user acts on a Run whose end is known to memory alone.
#[tokio::test]
async fn actions_on_a_run_whose_end_is_not_stored_are_refused() {
    let EndedInMemory { fixture, store, runtime, run, workers } = EndedInMemory::after_failures(0).await;
    let error = advance_during(&fixture, runtime.submit(Submission::revoke(run, "ana@example.com"))).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, &codes::STORE));
    assert_eq!(fixture.revocations(), 1);
    store.set_behavior(Behavior::Works);
    advance_until_status(&fixture, &runtime, run, RunStatus::Deescalated).await;
    workers.shutdown(GRACE).await;
}

/// The process ends before the store has taken the outcome: the next one calls again, and nothing is lost.
#[tokio::test]
async fn access_that_ended_in_memory_alone_ends_again_after_a_restart() {
    let EndedInMemory { fixture, store, runtime, run, workers } = EndedInMemory::after_failures(0).await;
    drop((workers, runtime));
    store.set_behavior(Behavior::Works);
    let restarted = fixture.start().await;
    restarted.run_until_idle().await.unwrap();
    assert_eq!(status(&restarted, run).await, RunStatus::Deescalated);
    let keys: Vec<_> =
        fixture.strategy.calls().into_iter().filter(|call| !call.is_grant).map(|call| call.key).collect();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0], keys[1]);
}

/// Shutdown waits for outcomes, too.
#[tokio::test]
async fn shutdown_stores_outcomes_that_were_refused_before() {
    let EndedInMemory { fixture: _fixture, store, runtime, run, workers } = EndedInMemory::after_failures(0).await;
    store.set_behavior(Behavior::Works);
    // The clock stands still: the next attempt is not due.
    workers.shutdown(GRACE).await;
    assert_eq!(status(&runtime, run).await, RunStatus::Deescalated);
}

/// A panic takes neither the lane nor what is in flight with it.
#[tokio::test]
async fn worker_that_panics_is_started_again() {
    let (fixture, store) = faulty();
    let runtime = fixture.start().await;
    store.set_behavior(Behavior::Panics);
    let workers = runtime.start(WorkerLimits::default());
    fixture.let_workers_run().await;
    let run = request(&runtime, "ana@example.com", "1h").await;
    store.set_behavior(Behavior::Works);
    advance_until_status(&fixture, &runtime, run, RunStatus::Escalated).await;
    assert!(workers.are_running());
    workers.shutdown(GRACE).await;
}

/// The first revocation hangs, and the second needs the same access: it is not tried without a pause meanwhile.
#[tokio::test]
async fn a_revocation_that_has_to_wait_is_not_tried_in_a_loop() {
    let (fixture, store) = faulty();
    let runtime = fixture.start().await;
    for _ in 0..2 {
        request(&runtime, "ana@example.com", "1h").await;
    }
    runtime.run_until_idle().await.unwrap();
    store.set_behavior(Behavior::RefusesWrites);
    fixture.strategy.hang_revocation();
    let workers = runtime.start(WorkerLimits::default());
    fixture.clock.advance(HOUR);
    advance_until(&fixture, "a call that hangs", || fixture.revocations() > 0).await;
    store.take_calls();
    let begun = fixture.clock.now();
    advance_until(&fixture, "some time", || since(&fixture, begun) > 10 * SECOND).await;
    let reads = store.take_calls().into_iter().filter(|call| *call == "due_effects").count();
    assert!(reads < 200, "{reads} reads of due effects within ten seconds");
    // The call that hangs would be waited for.
    drop(workers);
}

/// A store that writes in groups answers a claim as soon as the commit that made it possible: sooner, perhaps, than the task that waits for
/// that commit goes on. Access that Runs share is changed by one after the other, and none waits for a clock.
#[tokio::test]
async fn a_grant_begins_as_soon_as_the_one_before_it_is_recorded() {
    let (fixture, store) = faulty();
    let runtime = fixture.start().await;
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(request(&runtime, "ana@example.com", "1h").await);
    }
    // They go on side by side.
    store.set_behavior(Behavior::ReportsOutcomesLast);
    let workers = runtime.start(WorkerLimits::default());
    let begun = fixture.clock.now();
    // What others do wakes the workers, which look for what they can claim.
    for number in 0..50 {
        runs.push(request(&runtime, &format!("person{number}@example.com"), "1h").await);
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }
    for _ in 0..20 {
        fixture.let_workers_run().await;
    }
    for run in runs {
        assert_eq!(status(&runtime, run).await, RunStatus::Escalated);
    }
    assert_eq!(since(&fixture, begun), Duration::ZERO);
    workers.shutdown(GRACE).await;
}
