//! Runs that are over are forgotten after their time; the record stays.

use std::sync::Arc;
use std::time::Duration;

use sym_sdk::engine::*;
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::prelude::*;
use sym_sdk::runtime::Submission;

use super::world::World;
use super::{GRACE, stores};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn runs_that_are_over_go_and_the_record_stays() {
    let dir = tempfile::tempdir().unwrap();
    for store in stores(&dir).await {
        let world = World::new(store);
        let runtime = world.start().await;
        let ended = world.granted(&runtime).await;
        world.clock.advance(HOUR);
        let form = runtime.submit(Submission::prompt("prod", "ana@example.com")).await.unwrap().run;
        runtime.run_until_idle().await.unwrap();
        assert_eq!(runtime.run(ended).await.unwrap().state.run.status(), RunStatus::Deescalated);
        let before = runtime.audit(None, usize::MAX).await.unwrap();

        world.clock.advance(30 * DAY);
        let holding = world.granted(&runtime).await;
        assert_eq!(runtime.prune(60 * DAY).await.unwrap(), 0, "nothing is so old");
        assert_eq!(runtime.prune(30 * DAY - HOUR).await.unwrap(), 2);
        assert_eq!(runtime.prune(Duration::ZERO).await.unwrap(), 0, "what holds access is not over");
        assert!(runtime.run(holding).await.is_ok());

        for gone in [ended, form] {
            let error = runtime.submit(Submission::approve(gone, "ben@example.com")).await.unwrap_err();
            assert_eq!((error.kind(), error.code()), (ErrorKind::NotFound, &codes::RUN_PRUNED));
            let expected = format!("Run {gone} ended on 2024-02-29T13:00:00Z and is no longer kept");
            assert_eq!(error.message(), expected);
        }
        let after = runtime.audit(None, usize::MAX).await.unwrap();
        assert_eq!(after[..before.len()], before);
    }
}

#[tokio::test]
async fn workers_forget_what_is_old_enough() {
    let world = World::new(Arc::new(MemoryStore::new()));
    let runtime = world.builder().keep_finished_runs_for(DAY).build().await.unwrap();
    let run = world.granted(&runtime).await;
    world.clock.advance(HOUR);
    runtime.run_until_idle().await.unwrap();
    let workers = runtime.start(WorkerLimits::default());
    world.let_workers_run().await;
    assert!(runtime.run(run).await.is_ok());
    for _ in 0..26 {
        world.clock.advance(HOUR);
        world.let_workers_run().await;
    }
    assert_eq!(runtime.run(run).await.unwrap_err().code(), &codes::RUN_PRUNED);
    workers.shutdown(GRACE).await;
}

#[tokio::test]
async fn the_file_becomes_smaller() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runs.db");
    let store = Arc::new(SqliteStore::open(&path).await.unwrap());
    let world = World::new(store.clone());
    let runtime = world.start().await;
    for _ in 0..30 {
        let context = [("log".to_owned(), "x".repeat(20_000).into())].into_iter().collect();
        let request = Submission::request("prod", "ana@example.com").input("duration", "1h").context(context);
        runtime.submit(request).await.unwrap();
    }
    runtime.run_until_idle().await.unwrap();
    world.clock.advance(HOUR);
    runtime.run_until_idle().await.unwrap();
    world.clock.advance(2 * DAY);
    let pages = || {
        let file = rusqlite::Connection::open(&path).unwrap();
        file.query_row("PRAGMA page_count", (), |row| row.get::<_, i64>(0)).unwrap()
    };
    let before = pages();
    assert_eq!(runtime.prune(DAY).await.unwrap(), 30);
    let given_back = before - pages();
    assert!(given_back >= 100, "{given_back} of {before} pages");
}
