//! A disk that is full in mid-run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use sym_sdk::clock::Clock;
use sym_sdk::engine::{InputKey, RunFilter, SqliteStore, WorkerLimits};
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Limits, Runtime, Submission};
use tempfile::TempDir;

use super::super::GRACE;
use super::super::world::World;
use super::time_passes_until_status;
use super::{HOUR, MINUTE, SECOND, request, status, time_passes_during, time_passes_until};

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

async fn on_disk(dir: &TempDir) -> (World, Disk) {
    let path: &Path = &dir.path().join("runs.db");
    (World::new(Arc::new(SqliteStore::open(path).await.unwrap())), Disk(path.to_owned()))
}

/// Virtual time passes in no time, so the real disk may seem slow.
fn patient() -> Limits {
    Limits { store: 10 * MINUTE, ..Limits::default() }
}

async fn failures(runtime: &Runtime) -> usize {
    let runs = runtime.runs(RunFilter::default(), 100).await.unwrap();
    runs.iter().filter(|run| run.state.error.is_some()).count()
}

#[tokio::test]
async fn what_was_acknowledged_is_done_when_there_is_room_again() {
    let dir = tempfile::tempdir().unwrap();
    let (world, disk) = on_disk(&dir).await;
    let runtime = world.builder().limits(patient()).build().await.unwrap();
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
