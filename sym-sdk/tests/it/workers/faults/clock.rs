//! A clock that jumps while a Run holds or gets access, most often with a restart in between.

use std::sync::Arc;

use jiff::Timestamp;
use sym_sdk::engine::{MemoryStore, SqliteStore, WorkerLimits};
use sym_sdk::prelude::*;
use sym_sdk::runtime::Runtime;

use super::super::GRACE;
use super::super::fixture::{Fixture, noon};
use super::faulty_store::{Behavior, FaultyStore};
use super::{HOUR, MINUTE, request, status};

/// Restarts the process on a clock that was set meanwhile.
async fn restarted(fixture: Fixture, runtime: Runtime, dir: &tempfile::TempDir, now: Timestamp) -> (Fixture, Runtime) {
    let Fixture { strategy, clock, store } = fixture;
    drop((runtime, store));
    clock.set(now);
    let store = Arc::new(SqliteStore::open(dir.path().join("runs.db")).await.unwrap());
    let fixture = Fixture { strategy, clock, store };
    let runtime = fixture.start().await;
    (fixture, runtime)
}

async fn holding(dir: &tempfile::TempDir, now: Timestamp) -> (Fixture, Runtime, sym_sdk::model::RunId) {
    let fixture = Fixture::new(Arc::new(SqliteStore::open(dir.path().join("runs.db")).await.unwrap()));
    fixture.clock.set(now);
    let runtime = fixture.start().await;
    let run = fixture.granted(&runtime).await;
    (fixture, runtime, run)
}

#[tokio::test]
async fn access_does_not_last_longer_when_the_clock_goes_back() {
    for ahead in [10 * MINUTE, 5 * HOUR, 1_000 * HOUR] {
        let dir = tempfile::tempdir().unwrap();
        let (fixture, runtime, run) = holding(&dir, noon() + ahead).await;
        let (fixture, runtime) = restarted(fixture, runtime, &dir, noon()).await;
        // Another restart does not restart the duration.
        fixture.clock.advance(40 * MINUTE);
        let now = noon() + 40 * MINUTE;
        let (fixture, runtime) = restarted(fixture, runtime, &dir, now).await;
        runtime.run_until_idle().await.unwrap();
        assert_eq!(fixture.strategy.granted().len(), 1, "access does not end early");
        fixture.clock.advance(20 * MINUTE);
        runtime.run_until_idle().await.unwrap();
        assert!(fixture.strategy.granted().is_empty(), "{ahead:?}");
        assert_eq!(status(&runtime, run).await, RunStatus::Deescalated);
    }
}

#[tokio::test]
async fn access_that_ended_early_stays_ended() {
    let dir = tempfile::tempdir().unwrap();
    let (fixture, runtime, run) = holding(&dir, noon()).await;
    let (fixture, runtime) = restarted(fixture, runtime, &dir, noon() + 5 * HOUR).await;
    runtime.run_until_idle().await.unwrap();
    assert!(fixture.strategy.granted().is_empty());
    let (fixture, runtime) = restarted(fixture, runtime, &dir, noon()).await;
    runtime.run_until_idle().await.unwrap();
    assert!(fixture.strategy.granted().is_empty());
    assert_eq!(status(&runtime, run).await, RunStatus::Deescalated);
}

/// Access ends, and its revocation fails, while the clock is ahead.
#[tokio::test]
async fn revocation_does_not_wait_longer_when_the_clock_goes_back() {
    let dir = tempfile::tempdir().unwrap();
    let (fixture, runtime, run) = holding(&dir, noon()).await;
    fixture.strategy.fail_revocations(12);
    let (fixture, runtime) = restarted(fixture, runtime, &dir, noon() + 5 * HOUR).await;
    for _ in 0..4 {
        runtime.run_until_idle().await.unwrap();
        fixture.clock.advance(15 * MINUTE);
    }
    let tried = fixture.revocations();
    assert!((4..12).contains(&tried), "{tried}");
    let (fixture, runtime) = restarted(fixture, runtime, &dir, noon()).await;
    for _ in 0..=(12 - tried) {
        fixture.clock.advance(15 * MINUTE);
        runtime.run_until_idle().await.unwrap();
    }
    assert!(fixture.strategy.granted().is_empty());
    assert_eq!(status(&runtime, run).await, RunStatus::Deescalated);
}

/// The simulation found this, in world 5424: the clock went back while the store was asked for the timers that were due before. What was
/// granted since ended at once.
#[tokio::test]
async fn access_does_not_end_early_when_the_clock_goes_back_while_timers_are_read() {
    let store = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new())));
    let fixture = Fixture::new(store.clone());
    let runtime = fixture.start().await;
    store.set_behavior(Behavior::ReadsTimersLater);
    let workers = runtime.start(WorkerLimits::default());
    fixture.let_workers_run().await;
    fixture.clock.set(noon().checked_sub(6 * HOUR).unwrap());
    let run = request(&runtime, "ana@example.com", "1h").await;
    fixture.let_workers_run().await;
    assert_eq!(fixture.strategy.granted().len(), 1);
    store.set_behavior(Behavior::Works);
    fixture.let_workers_run().await;
    assert_eq!(status(&runtime, run).await, RunStatus::Escalated);
    fixture.clock.advance(59 * MINUTE);
    fixture.let_workers_run().await;
    assert_eq!((fixture.strategy.granted().len(), fixture.revocations()), (1, 0), "it does not end early");
    fixture.clock.advance(MINUTE);
    fixture.let_workers_run().await;
    assert_eq!(status(&runtime, run).await, RunStatus::Deescalated);
    workers.shutdown(GRACE).await;
}
