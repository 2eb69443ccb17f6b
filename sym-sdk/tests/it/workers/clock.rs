//! Clocks that jump, by hours. Nothing that ends access comes later for it.

use std::sync::Arc;
use std::time::Duration;

use sym_sdk::audit::AuditKind;
use sym_sdk::clock::Clock;
use sym_sdk::engine::*;
use sym_sdk::error::codes;
use sym_sdk::prelude::*;
use sym_sdk::runtime::Submission;

use super::faulty::Faulty;
use super::world::{World, noon};
use super::{GRACE, stores};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

#[tokio::test]
async fn access_that_was_given_while_the_clock_was_ahead_ends_in_its_time() {
    let dir = tempfile::tempdir().unwrap();
    for store in stores(&dir).await {
        let world = World::new(store);
        world.clock.set(noon() + 10 * HOUR);
        let run = world.granted(&world.start().await).await;

        world.clock.set(noon());
        let runtime = world.start().await;
        world.clock.advance(HOUR - MINUTE);
        runtime.run_until_idle().await.unwrap();
        assert_eq!(world.strategy.granted().len(), 1, "not before its time");
        world.clock.advance(MINUTE);
        runtime.run_until_idle().await.unwrap();
        assert!(world.strategy.granted().is_empty());
        let audit = runtime.audit(Some(run), usize::MAX).await.unwrap();
        let until = noon() + HOUR;
        assert!(audit.iter().any(|entry| entry.kind == AuditKind::ExpiryCorrected { until }), "it is on the record");
    }
}

/// Looking a second time changes nothing, though the record still has times that have not come.
#[tokio::test]
async fn the_end_of_an_access_is_brought_forward_once() {
    let world = World::new(Arc::new(MemoryStore::new()));
    world.clock.set(noon() + 10 * HOUR);
    let run = world.granted(&world.start().await).await;
    world.clock.set(noon());
    let runtime = world.start().await;
    let version = runtime.run(run).await.unwrap().version;
    world.clock.advance(20 * MINUTE);
    let runtime = {
        drop(runtime);
        world.start().await
    };
    assert_eq!(runtime.run(run).await.unwrap().version, version);
    world.clock.advance(40 * MINUTE);
    runtime.run_until_idle().await.unwrap();
    assert!(world.strategy.granted().is_empty());
}

/// The grant that waits is to be made by an end of which the clock was ahead; the Run knows an earlier one by now.
#[tokio::test]
async fn access_is_not_granted_after_an_end_that_was_brought_forward() {
    let dir = tempfile::tempdir().unwrap();
    for store in stores(&dir).await {
        let world = World::new(store);
        world.clock.set(noon() + 10 * HOUR);
        world.strategy.fail_grants(1);
        let runtime = world.start().await;
        let request = Submission::request("prod", "ana@example.com").input("duration", "1h");
        let run = runtime.submit(request).await.unwrap().run;
        runtime.run_until_idle().await.unwrap();
        assert_eq!(runtime.run(run).await.unwrap().state.run.status(), RunStatus::Approved, "it is to be tried again");

        world.clock.set(noon());
        let runtime = world.start().await;
        world.clock.advance(HOUR);
        runtime.run_until_idle().await.unwrap();
        let calls = world.strategy.calls();
        assert_eq!(calls.iter().filter(|call| call.is_grant).count(), 1, "the one that failed");
        let audit = runtime.audit(Some(run), usize::MAX).await.unwrap();
        let failed = audit.iter().rev().find_map(|entry| match &entry.kind {
            AuditKind::GrantFailed { error, .. } => Some(error.code.clone()),
            _ => None,
        });
        assert_eq!(failed, Some(codes::ACCESS_EXPIRED));
    }
}

#[tokio::test]
async fn a_revocation_put_off_while_the_clock_was_ahead_is_tried_soon() {
    let dir = tempfile::tempdir().unwrap();
    for store in stores(&dir).await {
        let world = World::new(store);
        world.strategy.fail_revocations(1);
        let runtime = world.start().await;
        world.granted(&runtime).await;
        world.clock.set(noon() + 10 * HOUR);
        runtime.run_until_idle().await.unwrap();
        assert_eq!(world.revocations(), 1, "the clock has jumped ahead, so access ends, and that fails");

        world.clock.set(noon());
        let runtime = world.start().await;
        world.clock.advance(20 * MINUTE);
        runtime.run_until_idle().await.unwrap();
        assert!(world.strategy.granted().is_empty());
    }
}

#[tokio::test]
async fn workers_notice_that_the_clock_was_set_back() {
    let world = World::new(Arc::new(MemoryStore::new()));
    world.clock.set(noon() + 10 * HOUR);
    let runtime = world.start().await;
    world.granted(&runtime).await;
    let workers = runtime.start(WorkerLimits::default());
    world.let_workers_run().await;
    world.clock.set(noon());
    while !world.strategy.granted().is_empty() && world.clock.now() < noon() + 9 * HOUR {
        world.clock.advance(MINUTE);
        world.let_workers_run().await;
    }
    let late = world.clock.now().duration_since(noon() + HOUR).unsigned_abs();
    assert!(late <= 2 * MINUTE, "by as much as it took to notice: {late:?}");
    workers.shutdown(GRACE).await;
}

/// The clock was set back once, so nothing else tells workers of it when the store answers again.
#[tokio::test]
async fn workers_bring_forward_what_they_could_not_at_first() {
    let store = Faulty::new();
    let world = World::new(store.clone());
    world.clock.set(noon() + 10 * HOUR);
    let runtime = world.start().await;
    world.granted(&runtime).await;
    let workers = runtime.start(WorkerLimits::default());
    world.let_workers_run().await;
    store.fail(3);
    world.clock.set(noon());
    while !world.strategy.granted().is_empty() && world.clock.now() < noon() + 9 * HOUR {
        world.clock.advance(MINUTE);
        world.let_workers_run().await;
    }
    assert_eq!(store.failures_left(), 0);
    let late = world.clock.now().duration_since(noon() + HOUR).unsigned_abs();
    assert!(late <= 5 * MINUTE, "by as much as it took to notice and try again: {late:?}");
    workers.shutdown(GRACE).await;
}

/// Another runtime on the same store stands for a commit that was written after its caller had gone.
#[tokio::test]
async fn workers_look_around_as_often_as_ever_once_the_clock_was_set_back() {
    let world = World::new(Arc::new(MemoryStore::new()));
    world.clock.set(noon() + 10 * HOUR);
    let workers = world.start().await.start(WorkerLimits::default());
    world.let_workers_run().await;
    world.clock.set(noon());
    world.let_workers_run().await;
    let request = Submission::request("prod", "ana@example.com").input("duration", "1h");
    world.start().await.submit(request).await.unwrap();
    for _ in 0..3 {
        world.clock.advance(MINUTE);
        world.let_workers_run().await;
    }
    assert_eq!(world.store.next_due().await.unwrap(), None, "all is done");
    workers.shutdown(GRACE).await;
}

#[tokio::test]
async fn a_jump_ahead_ends_access_early_and_a_jump_back_later_does_not_bring_it_back() {
    let world = World::new(Arc::new(MemoryStore::new()));
    let runtime = world.start().await;
    let run = world.granted(&runtime).await;
    world.clock.set(noon() + 5 * HOUR);
    runtime.run_until_idle().await.unwrap();
    assert!(world.strategy.granted().is_empty());
    world.clock.set(noon());
    let runtime = world.start().await;
    runtime.run_until_idle().await.unwrap();
    assert!(world.strategy.granted().is_empty());
    let state = runtime.run(run).await.unwrap().state;
    assert_eq!(state.run.status(), RunStatus::Deescalated);
    let audit = runtime.audit(Some(run), usize::MAX).await.unwrap();
    assert!(audit.is_sorted_by_key(|entry| entry.at), "on the record, time never runs backwards");
}
