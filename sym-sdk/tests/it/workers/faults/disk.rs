//! A disk that is full for a while.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use sym_sdk::clock::Clock;
use sym_sdk::engine::{InputKey, RunFilter, SqliteStore, WorkerLimits};
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Runtime, Submission};
use sym_sdk::strategy::GrantResult;
use tempfile::TempDir;

use super::super::GRACE;
use super::super::fixture::Fixture;
use super::advance_until_status;
use super::faulty_store::FaultyStore;
use super::{HOUR, MINUTE, SECOND, advance_during, advance_until, request, status, with_service};

/// A file on a disk that can be filled. Then every write fails and rolls back its transaction, as in SQLite.
#[derive(Clone)]
struct Disk(PathBuf);

impl Disk {
    fn fill(&self) {
        self.on_each_change(|table, change| {
            format!(
                "CREATE TRIGGER full_{change}_{table} BEFORE {change} ON {table} \
                 BEGIN SELECT RAISE(ROLLBACK, 'database or disk is full'); END;"
            )
        });
    }

    fn make_room(&self) {
        self.on_each_change(|table, change| format!("DROP TRIGGER full_{change}_{table};"));
    }

    fn on_each_change(&self, sql: impl Fn(&str, &str) -> String) {
        let file = Connection::open(&self.0).unwrap();
        let mut tables = file.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
        let tables: Vec<String> = tables.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let changes = tables
            .iter()
            .filter(|table| !table.starts_with("sqlite_"))
            .flat_map(|table| ["INSERT", "UPDATE", "DELETE"].map(|change| sql(table, change)));
        file.execute_batch(&format!("BEGIN IMMEDIATE; {} COMMIT;", changes.collect::<String>())).unwrap();
    }
}

async fn on_disk(dir: &TempDir) -> (Fixture, Arc<FaultyStore>, Disk) {
    let path: &Path = &dir.path().join("runs.db");
    let store = Arc::new(FaultyStore::on_disk(Arc::new(SqliteStore::open(path).await.unwrap())));
    (Fixture::new(store.clone()), store, Disk(path.to_owned()))
}

async fn failures(runtime: &Runtime) -> usize {
    let runs = runtime.runs(RunFilter::default(), 100).await.unwrap();
    runs.iter().filter(|run| run.state.error.is_some()).count()
}

/// Safety finding 4: claims and timers are writes, and access outlived its end by as long as the disk was full.
#[tokio::test]
async fn access_ends_while_the_disk_is_full_and_acknowledged_work_continues_afterwards() {
    let dir = tempfile::tempdir().unwrap();
    let (fixture, _, disk) = on_disk(&dir).await;
    let runtime = fixture.builder().build().await.unwrap();
    let held = fixture.granted(&runtime).await;
    let acknowledged = request(&runtime, "cho@example.com", "1h").await;
    disk.fill();
    let workers = runtime.start(WorkerLimits::default());

    fixture.clock.advance(HOUR);
    let late = Submission::request("prod", "dan@example.com").input("duration", "1h").key(InputKey::new("late"));
    let refused = advance_during(&fixture, runtime.submit(late.clone())).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Unavailable, &codes::STORE));
    assert!(refused.message().contains("disk is full"), "{refused}");
    advance_until(&fixture, "the end of the access", || fixture.strategy.granted().is_empty()).await;
    let begun = fixture.clock.now();
    advance_until(&fixture, "retries of workers", || fixture.clock.now() > begun + 30 * SECOND).await;
    assert_eq!(fixture.strategy.calls().len(), 2, "one grant, and one call to revoke it; nothing else is executed");
    assert_eq!(status(&runtime, held).await, RunStatus::Escalated, "what is shown is what is stored");

    disk.make_room();
    let who_has_access = || fixture.strategy.granted().into_iter().map(|(_, who)| who).collect::<Vec<_>>();
    advance_until(&fixture, "the end of one access and the start of another", || {
        who_has_access() == ["cho@example.com"]
    })
    .await;
    advance_until_status(&fixture, &runtime, held, RunStatus::Deescalated).await;
    let late = runtime.submit(late).await.unwrap().run;
    advance_until_status(&fixture, &runtime, late, RunStatus::Escalated).await;
    advance_until_status(&fixture, &runtime, acknowledged, RunStatus::Escalated).await;
    fixture.clock.advance(2 * HOUR);
    advance_until(&fixture, "the end of all access", || who_has_access().is_empty()).await;
    assert_eq!(failures(&runtime).await, 0);
    workers.shutdown(GRACE).await;
}

/// The service has executed the call, and there is no space to store its outcome, nor to release its lease. Seen in the crash tests:
/// three leases of ten minutes each passed before a revocation was made that had long been due.
#[tokio::test]
async fn calls_are_made_once_and_their_outcomes_are_stored_within_a_minute() {
    let dir = tempfile::tempdir().unwrap();
    let (fixture, store, disk) = on_disk(&dir).await;
    let fills = Arc::new(AtomicBool::new(true));
    let service = {
        let (disk, fills) = (disk.clone(), fills.clone());
        with_service(&fixture, move |_| {
            if fills.load(Ordering::SeqCst) {
                disk.fill();
            }
            Ok(GrantResult::granted())
        })
    };
    let runtime = service.build().await.unwrap();
    let run = request(&runtime, "ana@example.com", "8h").await;
    let workers = runtime.start(WorkerLimits::default());
    let calls =
        |is_grant| fixture.strategy.calls().into_iter().filter(|call| call.is_grant == is_grant).collect::<Vec<_>>();
    for (is_grant, reached) in [(true, RunStatus::Escalated), (false, RunStatus::Deescalated)] {
        if !is_grant {
            fills.store(true, Ordering::SeqCst);
            fixture.clock.advance(8 * HOUR);
        }
        let refused = store.refused();
        advance_until(&fixture, "the call", || calls(is_grant).len() == 1).await;
        advance_until(&fixture, "refused writes", || store.refused() >= refused + 5).await;
        fills.store(false, Ordering::SeqCst);
        disk.make_room();
        let since = fixture.clock.now();
        advance_until_status(&fixture, &runtime, run, reached).await;
        assert!(fixture.clock.now() <= since + MINUTE, "no lease is waited for");
        assert_eq!(calls(is_grant).len(), 1);
    }
    assert!(fixture.strategy.granted().is_empty());
    assert_eq!(failures(&runtime).await, 0);
    workers.shutdown(GRACE).await;
}
