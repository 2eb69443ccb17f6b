//! Pruning of finished Runs. The audit log stays.

use std::sync::Arc;
use std::time::Duration;

use sym_sdk::engine::*;
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::prelude::*;
use sym_sdk::runtime::Submission;

use super::fixture::Fixture;
use super::{GRACE, stores};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn finished_runs_are_pruned_and_the_audit_log_stays() {
    let dir = tempfile::tempdir().unwrap();
    for store in stores(&dir).await {
        let fixture = Fixture::new(store);
        let runtime = fixture.start().await;
        let ended = fixture.granted(&runtime).await;
        fixture.clock.advance(HOUR);
        let form = runtime.submit(Submission::prompt("prod", "ana@example.com")).await.unwrap().run;
        runtime.run_until_idle().await.unwrap();
        assert_eq!(runtime.run(ended).await.unwrap().state.run.status(), RunStatus::Deescalated);
        let before = runtime.audit(None, usize::MAX).await.unwrap();

        fixture.clock.advance(30 * DAY);
        let holding = fixture.granted(&runtime).await;
        assert_eq!(runtime.prune(60 * DAY).await.unwrap(), 0, "nothing is old enough");
        assert_eq!(runtime.prune(30 * DAY - HOUR).await.unwrap(), 2);
        assert_eq!(runtime.prune(Duration::ZERO).await.unwrap(), 0, "a Run that holds access is not finished");
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

/// Also one that an earlier version took for finished: its access may still be there.
#[tokio::test]
async fn runs_that_were_written_off_are_not_pruned() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runs.db");
    let fixture = Fixture::new(Arc::new(SqliteStore::open(&path).await.unwrap()));
    let runtime = fixture.start().await;
    let run = fixture.granted(&runtime).await;
    fixture.strategy.fail_revocations(1);
    fixture.clock.advance(HOUR);
    runtime.run_until_idle().await.unwrap();
    let ada = User::from_email("ada@example.com").unwrap().with_role(UserRole::Admin);
    runtime.directory().put_user(ada).await.unwrap();
    runtime.submit(Submission::write_off(run, "ada@example.com", "removed by hand")).await.unwrap();
    runtime.run_until_idle().await.unwrap();
    fixture.clock.advance(30 * DAY);
    assert_eq!(runtime.prune(Duration::ZERO).await.unwrap(), 0);
    let file = rusqlite::Connection::open(&path).unwrap();
    assert_eq!(file.execute("UPDATE runs SET at_rest = 1", ()).unwrap(), 1);
    assert_eq!(runtime.prune(Duration::ZERO).await.unwrap(), 0);
    assert!(runtime.run(run).await.is_ok());
}

#[tokio::test]
async fn workers_prune_old_runs() {
    let fixture = Fixture::new(Arc::new(MemoryStore::new()));
    let runtime = fixture.builder().keep_finished_runs_for(DAY).build().await.unwrap();
    let run = fixture.granted(&runtime).await;
    fixture.clock.advance(HOUR);
    runtime.run_until_idle().await.unwrap();
    let workers = runtime.start(WorkerLimits::default());
    fixture.let_workers_run().await;
    assert!(runtime.run(run).await.is_ok());
    for _ in 0..26 {
        fixture.clock.advance(HOUR);
        fixture.let_workers_run().await;
    }
    assert_eq!(runtime.run(run).await.unwrap_err().code(), &codes::RUN_PRUNED);
    workers.shutdown(GRACE).await;
}

#[tokio::test]
async fn pruning_shrinks_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runs.db");
    let store = Arc::new(SqliteStore::open(&path).await.unwrap());
    let fixture = Fixture::new(store.clone());
    let runtime = fixture.start().await;
    for _ in 0..30 {
        let context = [("log".to_owned(), "x".repeat(20_000).into())].into_iter().collect();
        let request = Submission::request("prod", "ana@example.com").input("duration", "1h").context(context);
        runtime.submit(request).await.unwrap();
    }
    runtime.run_until_idle().await.unwrap();
    fixture.clock.advance(HOUR);
    runtime.run_until_idle().await.unwrap();
    fixture.clock.advance(2 * DAY);
    let pages = || {
        let file = rusqlite::Connection::open(&path).unwrap();
        file.query_row("PRAGMA page_count", (), |row| row.get::<_, i64>(0)).unwrap()
    };
    let before = pages();
    assert_eq!(runtime.prune(DAY).await.unwrap(), 30);
    let freed = before - pages();
    assert!(freed >= 100, "{freed} of {before} pages");
}
