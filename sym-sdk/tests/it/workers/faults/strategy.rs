//! A service that hangs, and one that grants what it was asked and says that it failed.

use std::sync::Arc;
use std::time::Duration;

use sym_sdk::clock::Clock;
use sym_sdk::engine::{Claim, SqliteStore, WorkerLimits};
use sym_sdk::error::{Error, ErrorKind, codes};
use sym_sdk::machine::Lane;
use sym_sdk::prelude::*;
use sym_sdk::runtime::Limits;
use sym_sdk::strategy::Escalation;

use super::super::world::World;
use super::super::{GRACE, stores, until};
use super::faulty_store::FaultyStore;
use super::{HOUR, MINUTE, SECOND, meddled, request, status, time_passes_until, time_passes_until_status};

const ATTEMPTS: usize = 3;

async fn in_file(dir: &tempfile::TempDir) -> World {
    let store = SqliteStore::open(dir.path().join("runs.db")).await.unwrap();
    World::new(Arc::new(FaultyStore::on_disk(Arc::new(store))))
}

/// The last grant takes effect only after everybody has stopped waiting for it.
#[tokio::test]
async fn a_grant_that_succeeds_after_its_time_out_is_taken_away() {
    let dir = tempfile::tempdir().unwrap();
    let world = in_file(&dir).await;
    let strategy = &world.strategy;
    for _ in 0..ATTEMPTS {
        strategy.hang_grant();
    }
    // First the service is down, then it answers no more.
    strategy.fail_revocations(2);
    let runtime = world.builder().build().await.unwrap();
    let workers = runtime.start(WorkerLimits::default());
    let run = request(&runtime, "ana@example.com", "8h").await;
    time_passes_until(&world, "all grants", || strategy.calls().len() == ATTEMPTS).await;
    let (target, who) = strategy.granted().pop().unwrap();
    strategy.revoke_externally(&target, &who);
    time_passes_until(&world, "the first revocation", || world.revocations() == 1).await;
    strategy.grant_externally(&target, &who);
    time_passes_until(&world, "the access is taken away", || strategy.granted().is_empty()).await;
    time_passes_until_status(&world, &runtime, run, RunStatus::Errored).await;
    assert_eq!(world.revocations(), 3);
    workers.shutdown(GRACE).await;
}

#[tokio::test]
async fn a_revocation_that_hangs_is_cut_off_and_tried_until_it_succeeds() {
    let dir = tempfile::tempdir().unwrap();
    let world = in_file(&dir).await;
    let strategy = &world.strategy;
    let runtime = world.builder().build().await.unwrap();
    let run = world.granted(&runtime).await;
    let (target, who) = strategy.granted().pop().unwrap();
    let workers = runtime.start(WorkerLimits::default());
    world.clock.advance(HOUR);
    const HANGING: usize = 4;
    for _ in 0..HANGING {
        strategy.hang_revocation();
    }
    for attempt in 1..=HANGING {
        time_passes_until(&world, "a revocation", || world.revocations() == attempt).await;
        // It did not reach the service.
        strategy.grant_externally(&target, &who);
        assert_eq!(status(&runtime, run).await, RunStatus::Escalated);
    }
    time_passes_until_status(&world, &runtime, run, RunStatus::Deescalated).await;
    assert_eq!(world.revocations(), HANGING + 1);
    assert!(strategy.granted().is_empty());
    workers.shutdown(GRACE).await;
}

/// Another runtime on the same store stands for another process, which knows nothing of the call but its lease.
#[tokio::test]
async fn nobody_makes_a_call_a_second_time_while_the_longest_is_under_way() {
    const LONG: Duration = Duration::from_secs(3 * 60 * 60);
    let dir = tempfile::tempdir().unwrap();
    for store in stores(&dir).await {
        let world = World::new(store.clone());
        world.strategy.hang_grant();
        let build =
            || world.builder().limits(Limits { strategy: LONG, store: 10 * MINUTE, ..Limits::default() }).build();
        let (runtime, other) = (build().await.unwrap(), build().await.unwrap());
        request(&runtime, "ana@example.com", "8h").await;
        let workers = runtime.start(WorkerLimits::default());
        until("it hangs", || world.strategy.calls().len() == 1).await;
        world.clock.advance(LONG - SECOND);
        let lease = Claim::new(Lane::Decide, world.clock.now(), Duration::ZERO, 10);
        assert!(store.claim(lease).await.unwrap().is_empty());
        other.run_until_idle().await.unwrap();
        assert_eq!(world.strategy.calls().len(), 1);
        world.clock.advance(SECOND);
        time_passes_until(&world, "it is cut off, and tried again", || world.strategy.calls().len() == 2).await;
        let calls = world.strategy.calls();
        assert_ne!(calls[0].key, calls[1].key, "as another attempt, not for the end of a lease");
        workers.shutdown(GRACE).await;
    }
}

/// How a service ends a call that it has carried out.
const FAILURES: [fn() -> sym_sdk::Result<Escalation>; 4] = [
    || Err(Error::new(ErrorKind::Forbidden, codes::HTTP_ERROR_RESPONSE, "the answer is no")),
    || Err(Error::new(ErrorKind::Unavailable, codes::HTTP_ERROR_RESPONSE, "the answer was lost")),
    || Ok(Escalation::rejected(["half of it failed".to_owned()])),
    || panic!("the answer makes no sense"),
];

/// What was granted is gone in the end, and the revocation outlasts the process.
#[tokio::test]
async fn access_that_was_granted_by_a_call_that_failed_is_taken_away() {
    for failure in FAILURES {
        let dir = tempfile::tempdir().unwrap();
        let world = in_file(&dir).await;
        world.strategy.fail_revocations(4);
        let service = |world: &World| {
            meddled(world, move |is_grant| if is_grant { failure() } else { Ok(Escalation::granted()) })
        };
        let runtime = service(&world).build().await.unwrap();
        let run = request(&runtime, "ana@example.com", "8h").await;
        for _ in 0..ATTEMPTS {
            runtime.run_until_idle().await.unwrap();
            world.clock.advance(5 * SECOND);
        }
        assert_eq!(status(&runtime, run).await, RunStatus::Errored);
        assert_eq!(world.strategy.granted().len(), 1, "the service granted it");
        let World { strategy, clock, store } = world;
        drop((runtime, store));

        let world = World { strategy, clock, ..in_file(&dir).await };
        let runtime = service(&world).build().await.unwrap();
        for _ in 0..5 {
            world.clock.advance(10 * MINUTE);
            runtime.run_until_idle().await.unwrap();
        }
        assert!(world.strategy.granted().is_empty());
        assert_eq!(world.revocations(), 5);
        assert!(!runtime.run(run).await.unwrap().state.may_hold_access());
    }
}
