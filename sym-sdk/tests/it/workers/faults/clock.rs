//! A clock that jumps while a file holds access, with a restart in between.

use std::sync::Arc;

use jiff::Timestamp;
use sym_sdk::engine::SqliteStore;
use sym_sdk::prelude::*;
use sym_sdk::runtime::Runtime;

use super::super::world::{World, noon};
use super::{HOUR, MINUTE, status};

/// The process ends, the clock is set, and another process begins.
async fn restarted(world: World, runtime: Runtime, dir: &tempfile::TempDir, now: Timestamp) -> (World, Runtime) {
    let World { strategy, clock, store } = world;
    drop((runtime, store));
    clock.set(now);
    let store = Arc::new(SqliteStore::open(dir.path().join("runs.db")).await.unwrap());
    let world = World { strategy, clock, store };
    let runtime = world.start().await;
    (world, runtime)
}

async fn holding(dir: &tempfile::TempDir, now: Timestamp) -> (World, Runtime, sym_sdk::model::RunId) {
    let world = World::new(Arc::new(SqliteStore::open(dir.path().join("runs.db")).await.unwrap()));
    world.clock.set(now);
    let runtime = world.start().await;
    let run = world.granted(&runtime).await;
    (world, runtime, run)
}

#[tokio::test]
async fn access_lasts_no_longer_for_a_clock_that_is_set_back() {
    for ahead in [10 * MINUTE, 5 * HOUR, 1_000 * HOUR] {
        let dir = tempfile::tempdir().unwrap();
        let (world, runtime, run) = holding(&dir, noon() + ahead).await;
        let (world, runtime) = restarted(world, runtime, &dir, noon()).await;
        // Another restart does not have it begin anew.
        world.clock.advance(40 * MINUTE);
        let now = noon() + 40 * MINUTE;
        let (world, runtime) = restarted(world, runtime, &dir, now).await;
        runtime.run_until_idle().await.unwrap();
        assert_eq!(world.strategy.granted().len(), 1, "not before its time");
        world.clock.advance(20 * MINUTE);
        runtime.run_until_idle().await.unwrap();
        assert!(world.strategy.granted().is_empty(), "{ahead:?}");
        assert_eq!(status(&runtime, run).await, RunStatus::Deescalated);
    }
}

#[tokio::test]
async fn access_that_ended_early_by_a_clock_ahead_stays_ended() {
    let dir = tempfile::tempdir().unwrap();
    let (world, runtime, run) = holding(&dir, noon()).await;
    let (world, runtime) = restarted(world, runtime, &dir, noon() + 5 * HOUR).await;
    runtime.run_until_idle().await.unwrap();
    assert!(world.strategy.granted().is_empty());
    let (world, runtime) = restarted(world, runtime, &dir, noon()).await;
    runtime.run_until_idle().await.unwrap();
    assert!(world.strategy.granted().is_empty());
    assert_eq!(status(&runtime, run).await, RunStatus::Deescalated);
}

/// The end of the access has come, and its revocation fails, while the clock is ahead.
#[tokio::test]
async fn a_revocation_waits_no_longer_for_a_clock_that_is_set_back() {
    let dir = tempfile::tempdir().unwrap();
    let (world, runtime, run) = holding(&dir, noon()).await;
    world.strategy.fail_revocations(12);
    let (world, runtime) = restarted(world, runtime, &dir, noon() + 5 * HOUR).await;
    for _ in 0..4 {
        runtime.run_until_idle().await.unwrap();
        world.clock.advance(15 * MINUTE);
    }
    let tried = world.revocations();
    assert!((4..12).contains(&tried), "{tried}");
    let (world, runtime) = restarted(world, runtime, &dir, noon()).await;
    for _ in 0..=(12 - tried) {
        world.clock.advance(15 * MINUTE);
        runtime.run_until_idle().await.unwrap();
    }
    assert!(world.strategy.granted().is_empty());
    assert_eq!(status(&runtime, run).await, RunStatus::Deescalated);
}
