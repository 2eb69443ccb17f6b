//! A disk that is full in mid-run.

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
use super::super::world::World;
use super::faulty_store::FaultyStore;
use super::time_passes_until_status;
use super::{HOUR, SECOND, meddled, request, status, time_passes_during, time_passes_until};

/// A file on a disk that can be filled. Then whatever is written fails and takes its transaction with it, as SQLite has it.
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

async fn on_disk(dir: &TempDir) -> (World, Arc<FaultyStore>, Disk) {
    let path: &Path = &dir.path().join("runs.db");
    let store = Arc::new(FaultyStore::on_disk(Arc::new(SqliteStore::open(path).await.unwrap())));
    (World::new(store.clone()), store, Disk(path.to_owned()))
}

async fn failures(runtime: &Runtime) -> usize {
    let runs = runtime.runs(RunFilter::default(), 100).await.unwrap();
    runs.iter().filter(|run| run.state.error.is_some()).count()
}

#[tokio::test]
async fn what_was_acknowledged_is_done_when_there_is_room_again() {
    let dir = tempfile::tempdir().unwrap();
    let (world, _, disk) = on_disk(&dir).await;
    let runtime = world.builder().build().await.unwrap();
    let held = world.granted(&runtime).await;
    let acknowledged = request(&runtime, "cho@example.com", "1h").await;
    disk.fill();
    let workers = runtime.start(WorkerLimits::default());

    world.clock.advance(HOUR);
    let late = Submission::request("prod", "dan@example.com").input("duration", "1h").key(InputKey::new("late"));
    let refused = time_passes_during(&world, runtime.submit(late.clone())).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Unavailable, &codes::STORE));
    assert!(refused.message().contains("disk is full"), "{refused}");
    let begun = world.clock.now();
    time_passes_until(&world, "workers try for a while", || world.clock.now() > begun + 30 * SECOND).await;
    assert_eq!(world.strategy.calls().len(), 1, "nothing is done that could not be recorded");
    assert_eq!(status(&runtime, held).await, RunStatus::Escalated);

    disk.make_room();
    let who_has_access = || world.strategy.granted().into_iter().map(|(_, who)| who).collect::<Vec<_>>();
    time_passes_until(&world, "the end of one, the beginning of another", || who_has_access() == ["cho@example.com"])
        .await;
    time_passes_until_status(&world, &runtime, held, RunStatus::Deescalated).await;
    let late = runtime.submit(late).await.unwrap().run;
    time_passes_until_status(&world, &runtime, late, RunStatus::Escalated).await;
    time_passes_until_status(&world, &runtime, acknowledged, RunStatus::Escalated).await;
    world.clock.advance(2 * HOUR);
    time_passes_until(&world, "the end of all", || who_has_access().is_empty()).await;
    assert_eq!(failures(&runtime).await, 0);
    workers.shutdown(GRACE).await;
}

/// The service has done it, and there is no room to note that: neither the outcome, nor that it is to be asked again.
#[tokio::test]
async fn calls_whose_outcome_has_no_room_are_made_again_under_the_same_key() {
    let dir = tempfile::tempdir().unwrap();
    let (world, store, disk) = on_disk(&dir).await;
    let fills = Arc::new(AtomicBool::new(true));
    let service = {
        let (disk, fills) = (disk.clone(), fills.clone());
        meddled(&world, move |_| {
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
        |is_grant| world.strategy.calls().into_iter().filter(|call| call.is_grant == is_grant).collect::<Vec<_>>();
    for (is_grant, reached) in [(true, RunStatus::Escalated), (false, RunStatus::Deescalated)] {
        if !is_grant {
            fills.store(true, Ordering::SeqCst);
            world.clock.advance(8 * HOUR);
        }
        let refused = store.refused();
        time_passes_until(&world, "the first call", || calls(is_grant).len() == 1).await;
        // The outcome, and that the call is to be made again.
        time_passes_until(&world, "two refusals", || store.refused() >= refused + 2).await;
        fills.store(false, Ordering::SeqCst);
        disk.make_room();
        // If it could not be handed back, it is leased for longer than the longest call takes.
        world.clock.advance(3 * HOUR);
        time_passes_until(&world, "the second call", || calls(is_grant).len() == 2).await;
        time_passes_until_status(&world, &runtime, run, reached).await;
        assert_eq!(calls(is_grant)[0].key, calls(is_grant)[1].key);
    }
    assert!(world.strategy.granted().is_empty());
    assert_eq!(failures(&runtime).await, 0);
    workers.shutdown(GRACE).await;
}
