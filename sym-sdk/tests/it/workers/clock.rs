//! Clocks that jump by hours. Access never lasts longer for it.

use std::sync::Arc;
use std::time::Duration;

use sym_sdk::audit::AuditKind;
use sym_sdk::clock::Clock;
use sym_sdk::engine::*;
use sym_sdk::error::codes;
use sym_sdk::prelude::*;
use sym_sdk::runtime::Submission;

use super::clamp_failing_store::ClampFailingStore;
use super::fixture::{Fixture, noon};
use super::{GRACE, stores};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

#[tokio::test]
async fn access_granted_while_the_clock_was_ahead_ends_on_time() {
    let dir = tempfile::tempdir().unwrap();
    for store in stores(&dir).await {
        let fixture = Fixture::new(store);
        fixture.clock.set(noon() + 10 * HOUR);
        let run = fixture.granted(&fixture.start().await).await;

        fixture.clock.set(noon());
        let runtime = fixture.start().await;
        fixture.clock.advance(HOUR - MINUTE);
        runtime.run_until_idle().await.unwrap();
        assert_eq!(fixture.strategy.granted().len(), 1, "access does not end early");
        fixture.clock.advance(MINUTE);
        runtime.run_until_idle().await.unwrap();
        assert!(fixture.strategy.granted().is_empty());
        let audit = runtime.audit(Some(run), usize::MAX).await.unwrap();
        let until = noon() + HOUR;
        assert!(audit.iter().any(|entry| entry.kind == AuditKind::ExpiryCorrected { until }), "the change is audited");
    }
}

/// Clamping again changes nothing, although the Run still has times in the future.
#[tokio::test]
async fn expiry_is_clamped_once() {
    let fixture = Fixture::new(Arc::new(MemoryStore::new()));
    fixture.clock.set(noon() + 10 * HOUR);
    let run = fixture.granted(&fixture.start().await).await;
    fixture.clock.set(noon());
    let runtime = fixture.start().await;
    let version = runtime.run(run).await.unwrap().version;
    fixture.clock.advance(20 * MINUTE);
    let runtime = {
        drop(runtime);
        fixture.start().await
    };
    assert_eq!(runtime.run(run).await.unwrap().version, version);
    fixture.clock.advance(40 * MINUTE);
    runtime.run_until_idle().await.unwrap();
    assert!(fixture.strategy.granted().is_empty());
}

/// The pending grant has a deadline from when the clock was ahead; the Run has an earlier end by now.
#[tokio::test]
async fn access_is_not_granted_after_a_clamped_expiry() {
    let dir = tempfile::tempdir().unwrap();
    for store in stores(&dir).await {
        let fixture = Fixture::new(store);
        fixture.clock.set(noon() + 10 * HOUR);
        fixture.strategy.fail_grants(1);
        let runtime = fixture.start().await;
        let request = Submission::request("prod", "ana@example.com").input("duration", "1h");
        let run = runtime.submit(request).await.unwrap().run;
        runtime.run_until_idle().await.unwrap();
        assert_eq!(
            runtime.run(run).await.unwrap().state.run.status(),
            RunStatus::Approved,
            "the grant will be retried"
        );

        fixture.clock.set(noon());
        let runtime = fixture.start().await;
        fixture.clock.advance(HOUR);
        runtime.run_until_idle().await.unwrap();
        let calls = fixture.strategy.calls();
        assert_eq!(calls.iter().filter(|call| call.is_grant).count(), 1, "only the failed attempt");
        let audit = runtime.audit(Some(run), usize::MAX).await.unwrap();
        let failed = audit.iter().rev().find_map(|entry| match &entry.kind {
            AuditKind::GrantFailed { error, .. } => Some(error.code.clone()),
            _ => None,
        });
        assert_eq!(failed, Some(codes::ACCESS_EXPIRED));
    }
}

#[tokio::test]
async fn revocation_deferred_while_the_clock_was_ahead_is_retried_soon() {
    let dir = tempfile::tempdir().unwrap();
    for store in stores(&dir).await {
        let fixture = Fixture::new(store);
        fixture.strategy.fail_revocations(1);
        let runtime = fixture.start().await;
        fixture.granted(&runtime).await;
        fixture.clock.set(noon() + 10 * HOUR);
        runtime.run_until_idle().await.unwrap();
        assert_eq!(fixture.revocations(), 1, "the clock jumped ahead, so access ended, and the revocation failed");

        fixture.clock.set(noon());
        let runtime = fixture.start().await;
        fixture.clock.advance(20 * MINUTE);
        runtime.run_until_idle().await.unwrap();
        assert!(fixture.strategy.granted().is_empty());
    }
}

#[tokio::test]
async fn workers_notice_that_the_clock_went_back() {
    let fixture = Fixture::new(Arc::new(MemoryStore::new()));
    fixture.clock.set(noon() + 10 * HOUR);
    let runtime = fixture.start().await;
    fixture.granted(&runtime).await;
    let workers = runtime.start(WorkerLimits::default());
    fixture.let_workers_run().await;
    fixture.clock.set(noon());
    while !fixture.strategy.granted().is_empty() && fixture.clock.now() < noon() + 9 * HOUR {
        fixture.clock.advance(MINUTE);
        fixture.let_workers_run().await;
    }
    let late = fixture.clock.now().duration_since(noon() + HOUR).unsigned_abs();
    assert!(late <= 2 * MINUTE, "late by the time it took to notice: {late:?}");
    workers.shutdown(GRACE).await;
}

/// The clock goes back once, so nothing tells workers again once the store responds.
#[tokio::test]
async fn workers_retry_clamping_after_a_store_error() {
    let store = ClampFailingStore::new();
    let fixture = Fixture::new(store.clone());
    fixture.clock.set(noon() + 10 * HOUR);
    let runtime = fixture.start().await;
    fixture.granted(&runtime).await;
    let workers = runtime.start(WorkerLimits::default());
    fixture.let_workers_run().await;
    store.fail(3);
    fixture.clock.set(noon());
    while !fixture.strategy.granted().is_empty() && fixture.clock.now() < noon() + 9 * HOUR {
        fixture.clock.advance(MINUTE);
        fixture.let_workers_run().await;
    }
    assert_eq!(store.failures_left(), 0);
    let late = fixture.clock.now().duration_since(noon() + HOUR).unsigned_abs();
    assert!(late <= 5 * MINUTE, "late by the time it took to notice and retry: {late:?}");
    workers.shutdown(GRACE).await;
}

/// The simulation found this: a program that starts while the store cannot write does not clamp anything, and nothing tells it later
/// that the clock had been ahead.
#[tokio::test]
async fn workers_clamp_what_could_not_be_clamped_at_start() {
    let store = ClampFailingStore::new();
    let fixture = Fixture::new(store.clone());
    fixture.clock.set(noon() + 10 * HOUR);
    let former = fixture.start().await;
    fixture.granted(&former).await;
    drop(former);
    fixture.clock.set(noon());
    store.fail(3);
    let runtime = fixture.builder().build_degraded().await.unwrap();
    assert_eq!(store.failures_left(), 2, "it started all the same");
    let workers = runtime.start(WorkerLimits::default());
    while !fixture.strategy.granted().is_empty() && fixture.clock.now() < noon() + 9 * HOUR {
        fixture.clock.advance(MINUTE);
        fixture.let_workers_run().await;
    }
    let late = fixture.clock.now().duration_since(noon() + HOUR).unsigned_abs();
    assert!(late <= 5 * MINUTE, "late by the time it took to retry: {late:?}");
    workers.shutdown(GRACE).await;
}

/// The simulation found this, in world 130: a revocation waited for as long as the clock had been ahead.
#[tokio::test]
async fn workers_notice_that_the_clock_goes_back_during_a_correction() {
    let store = ClampFailingStore::new();
    let fixture = Fixture::new(store.clone());
    fixture.clock.set(noon() + 10 * HOUR);
    let runtime = fixture.start().await;
    fixture.granted(&runtime).await;
    let workers = runtime.start(WorkerLimits::default());
    fixture.let_workers_run().await;
    store.set_back_meanwhile(&fixture.clock, noon());
    fixture.clock.set(noon() + 8 * HOUR);
    while !fixture.strategy.granted().is_empty() && fixture.clock.now() < noon() + 9 * HOUR {
        fixture.clock.advance(MINUTE);
        fixture.let_workers_run().await;
    }
    let late = fixture.clock.now().duration_since(noon() + HOUR).unsigned_abs();
    assert!(late <= 5 * MINUTE, "late by the time it took to notice: {late:?}");
    workers.shutdown(GRACE).await;
}

/// The simulation found this, in world 1850: what was about to be written when the clock went back was written after due times had been
/// clamped, and a revocation waited for as long as the clock had been ahead.
#[tokio::test]
async fn what_is_written_after_the_clock_went_back_is_clamped_too() {
    for commit in 0..20 {
        let store = ClampFailingStore::new();
        let fixture = Fixture::new(store.clone());
        fixture.clock.set(noon() + 10 * HOUR);
        fixture.strategy.fail_revocations(2);
        let runtime = fixture.start().await;
        let workers = runtime.start(WorkerLimits::default());
        fixture.let_workers_run().await;
        store.delay_commit(commit);
        let request = |who| Submission::request("prod", who).input("duration", "1h");
        let requesting = runtime.clone();
        let requested = tokio::spawn(async move { requesting.submit(request("ana@example.com")).await });
        for _ in 0..100 {
            fixture.let_workers_run().await;
            if store.has_delayed_commit() {
                break;
            }
            fixture.clock.advance(MINUTE);
        }
        let (ended, had_access) = (fixture.revocations() > 2, !fixture.strategy.granted().is_empty());
        fixture.clock.set(noon());
        // A commit that is due soon wakes the worker that notices the clock, before the delayed one times out.
        runtime.submit(request("ben@example.com")).await.unwrap();
        fixture.let_workers_run().await;
        requested.await.unwrap().unwrap();
        while fixture.clock.now() < noon() + 9 * HOUR
            && (fixture.revocations() < 4 || !fixture.strategy.granted().is_empty())
        {
            fixture.clock.advance(MINUTE);
            fixture.let_workers_run().await;
        }
        let late = fixture.clock.now().duration_since(noon() + HOUR).as_secs() / 60;
        assert!(late <= 40, "commit {commit}: late by {late} minutes; before: {had_access}, {ended}");
        workers.shutdown(GRACE).await;
    }
}

/// Another runtime on the same store stands for a commit that was written after it timed out.
#[tokio::test]
async fn workers_keep_polling_after_the_clock_went_back() {
    let fixture = Fixture::new(Arc::new(MemoryStore::new()));
    fixture.clock.set(noon() + 10 * HOUR);
    let workers = fixture.start().await.start(WorkerLimits::default());
    fixture.let_workers_run().await;
    fixture.clock.set(noon());
    fixture.let_workers_run().await;
    let request = Submission::request("prod", "ana@example.com").input("duration", "1h");
    fixture.start().await.submit(request).await.unwrap();
    for _ in 0..3 {
        fixture.clock.advance(MINUTE);
        fixture.let_workers_run().await;
    }
    assert_eq!(fixture.store.next_due().await.unwrap(), None, "nothing is left to do");
    workers.shutdown(GRACE).await;
}

#[tokio::test]
async fn jump_ahead_ends_access_early_and_a_later_jump_back_does_not_restore_it() {
    let fixture = Fixture::new(Arc::new(MemoryStore::new()));
    let runtime = fixture.start().await;
    let run = fixture.granted(&runtime).await;
    fixture.clock.set(noon() + 5 * HOUR);
    runtime.run_until_idle().await.unwrap();
    assert!(fixture.strategy.granted().is_empty());
    fixture.clock.set(noon());
    let runtime = fixture.start().await;
    runtime.run_until_idle().await.unwrap();
    assert!(fixture.strategy.granted().is_empty());
    let state = runtime.run(run).await.unwrap().state;
    assert_eq!(state.run.status(), RunStatus::Deescalated);
    let audit = runtime.audit(Some(run), usize::MAX).await.unwrap();
    assert!(audit.is_sorted_by_key(|entry| entry.at), "audited times never go back");
}
