//! The SQLite store: conformance, durability, and errors of files.

mod backup;
mod changes;
#[cfg(feature = "cli")]
mod cli;
mod directory;
mod directory_matches_memory;
mod golden;
mod matches_memory;
mod open_errors;
mod output_secrets;
pub(crate) mod restart;
mod visibility;

use std::sync::Arc;
use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use sym_sdk::engine::{Claim, Commit, Committed, InputKey, RunFilter, SqliteStore, Store, StoreError};
use sym_sdk::machine::*;
use sym_sdk::model::*;
use tempfile::TempDir;
use uuid::Uuid;

const LEASE: Duration = Duration::from_secs(60);

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + second.seconds()
}

pub(crate) fn run_id(number: u128) -> RunId {
    RunId::from_uuid(Uuid::from_u128(number))
}

/// The first transition of a request, with a state, an effect and audit entries.
pub(crate) fn requested(flow: &str, run: RunId, now: Timestamp) -> Transition {
    let flow = Flow::builder(flow.parse().unwrap(), "acme").build();
    let body = InputBody::Submitted {
        event: EventId::from_uuid(*run.as_uuid()),
        actor: Arc::new(User::from_email("ana@example.com").unwrap()),
        channel: Channel::new(ChannelType::Api),
        action: Action::Request(Box::default()),
    };
    let input = Input::new(run, flow.srn().clone(), now, body);
    step(&Rules { flow: &flow, hooks: Hooks::NONE }, None, &input)
}

/// A commit with a state and audit entries, and without effects.
pub(crate) fn commit(run: RunId, version: u64, key: &str) -> Commit {
    let mut commit = Commit::new(run, version, InputKey::new(key), requested("prod", run, at(0)));
    commit.effects.clear();
    commit
}

pub(crate) fn effect(run: RunId, seq: u64) -> Effect {
    let mut effect = requested("prod", run, at(0)).effects.remove(0);
    effect.key = EffectKey { run, seq };
    effect
}

fn entitlement(name: &str) -> EntitlementKey {
    serde_json::from_value(name.into()).unwrap()
}

async fn open(dir: &TempDir) -> SqliteStore {
    SqliteStore::open(dir.path().join("runs.db")).await.unwrap()
}

async fn write(store: &impl Store, commit: Commit) {
    assert_eq!(store.commit(commit).await.unwrap(), Committed::WRITTEN);
}

/// A store and its directory.
struct InDirectory(SqliteStore, #[expect(dead_code, reason = "the directory is removed on drop")] TempDir);

impl std::ops::Deref for InDirectory {
    type Target = SqliteStore;

    fn deref(&self) -> &SqliteStore {
        &self.0
    }
}

async fn in_directory() -> InDirectory {
    let dir = tempfile::tempdir().unwrap();
    InDirectory(open(&dir).await, dir)
}

sym_sdk::testing::store_conformance!(in_directory);

#[tokio::test]
async fn data_survives_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let run = run_id(1);
    let key = entitlement("admins");
    let soon = at(10) + 123.nanoseconds();
    let mut first = commit(run, 0, "first");
    let mut later = effect(run, 2);
    later.not_before = Some(soon);
    first.effects = vec![effect(run, 1), later.clone()];
    first.effects[0].exclusive = Some(key.clone());
    first.timers = vec![TimerChange::Set { kind: TimerKind::Expire, at: at(20) + 1.nanosecond(), generation: 7 }];
    first.holds = vec![EntitlementChange::Hold(key.clone())];
    let written = first.clone();

    let store = open(&dir).await;
    write(&store, first).await;
    let claim = |now| Claim::new(Lane::Decide, now, LEASE, 10);
    assert_eq!(store.claim(claim(at(0))).await.unwrap().len(), 1);
    store.close().await.unwrap();
    assert!(!dir.path().join("runs.db-wal").exists(), "a closed store is one file");

    let store = open(&dir).await;
    let stored = store.load(run).await.unwrap().unwrap();
    assert_eq!((stored.version, Some(stored.state)), (1, written.state));
    assert_eq!(store.recorded_reply(&InputKey::new("first")).await.unwrap(), Some(written.reply));
    assert_eq!(store.audit(None, 10).await.unwrap(), written.audit);
    assert_eq!(store.holders(&key).await.unwrap(), [run]);
    let timers = store.due_timers(at(21), 10).await.unwrap();
    assert_eq!(
        timers.iter().map(|timer| (timer.at, timer.generation)).collect::<Vec<_>>(),
        [(at(20) + 1.nanosecond(), 7)]
    );
    assert_eq!(store.due_timers(at(20), 10).await.unwrap(), [], "not a nanosecond early");

    let again = store.claim(claim(at(1))).await.unwrap();
    assert_eq!(again.len(), 1, "the process that leased it is gone, so it is due immediately");
    assert_eq!((&again[0].effect, again[0].claims), (&written.effects[0], 2));
    assert_eq!(store.claim(claim(soon)).await.unwrap()[0].effect, later, "a scheduled effect stays scheduled");
}

#[tokio::test]
async fn acknowledged_commits_survive_an_unclean_stop() {
    let (dir, image) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open(&dir).await;
    for number in 1..=50 {
        write(&store, commit(run_id(number), 0, &number.to_string())).await;
    }
    // A copy of the disk as it would be if the process were killed now.
    copy_files(&dir, &image);
    write(&store, commit(run_id(51), 0, "51")).await;
    let survivor = open(&image).await;
    assert_eq!(survivor.runs(RunFilter::default(), 100).await.unwrap().len(), 50);
    write(&survivor, commit(run_id(51), 0, "51")).await;
}

fn copy_files(from: &TempDir, to: &TempDir) {
    for entry in std::fs::read_dir(from.path()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.path().join(entry.file_name())).unwrap();
    }
}

/// Many tasks commit to a few Runs, each from the version that it has read.
#[tokio::test]
async fn concurrent_commits_are_serialized() {
    const TASKS: u64 = 200;
    const RUNS: u64 = 5;
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(open(&dir).await);
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                let run = run_id(u128::from(task % RUNS));
                loop {
                    let version = store.load(run).await.unwrap().map_or(0, |stored| stored.version);
                    match store.commit(commit(run, version, &task.to_string())).await.unwrap() {
                        Committed::Written { .. } => return,
                        Committed::Conflict => {}
                        other => panic!("each input comes once: {other:?}"),
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    for run in 0..RUNS {
        let stored = store.load(run_id(u128::from(run))).await.unwrap().unwrap();
        assert_eq!(stored.version, TASKS / RUNS);
    }
    let entries = commit(run_id(1), 0, "any").audit.len();
    let audit = store.audit(None, usize::MAX).await.unwrap();
    assert_eq!(audit.len(), entries * usize::try_from(TASKS).unwrap());
}

#[tokio::test]
async fn calls_to_a_closed_store_fail() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    store.close().await.unwrap();
    store.close().await.unwrap();
    assert!(matches!(store.load(run_id(1)).await, Err(StoreError::Unavailable(_))));
    let error = store.commit(commit(run_id(1), 0, "late")).await.unwrap_err();
    assert_eq!(error.to_string(), "the store is unavailable: it is closed");
    let listed = store.runs(RunFilter::default(), 1).await;
    assert!(matches!(listed, Err(StoreError::Unavailable(_))));
}
