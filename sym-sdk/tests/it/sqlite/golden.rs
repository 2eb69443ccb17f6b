//! Golden databases: a file that each schema version has left behind still opens, is migrated, and its Runs continue.
//!
//! `tests/data/schema-N.db` was written by the program whose newest schema was `N`. It is never written again: the states,
//! effects and timers in it are what an upgrade finds. CONTRIBUTING.md says how the file of a new version is made.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use expect_test::expect;
use jiff::{Timestamp, ToSpan};
use sym_sdk::audit;
use sym_sdk::directory::{Directory, KeyValue, KeyValueStore, SessionKind};
use sym_sdk::engine::{InputKey, RunFilter, SqliteStore, Store, StoredRun};
use sym_sdk::model::{RunId, UserId};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Runtime, Submission};

use super::restart::{HOUR, RestartFixture};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// The golden databases, oldest first.
fn golden_databases() -> Vec<(i64, PathBuf)> {
    let mut found: Vec<_> = std::fs::read_dir(data())
        .unwrap()
        .filter_map(|entry| {
            let path = entry.unwrap().path();
            let version = path.file_stem()?.to_str()?.strip_prefix("schema-")?.parse().ok()?;
            Some((version, path))
        })
        .collect();
    found.sort();
    found
}

fn schema_version(path: &Path) -> i64 {
    let file = rusqlite::Connection::open(path).unwrap();
    file.query_row("PRAGMA user_version", (), |row| row.get(0)).unwrap()
}

fn statuses(runs: &[StoredRun]) -> String {
    let mut statuses: Vec<_> = runs.iter().map(|run| run.state.run.status().to_string()).collect();
    statuses.sort();
    statuses.join(" ")
}

async fn request(runtime: &Runtime, key: &str) -> RunId {
    let request = Submission::request("prod", "ana@example.com").input("duration", "1h").key(InputKey::new(key));
    let run = runtime.submit(request).await.unwrap().run;
    runtime.run_until_idle().await.unwrap();
    run
}

/// Writes a database with Runs in different states: waiting for a decision, denied, with access, with a revocation that fails,
/// approved with the grant not yet made, with an open form, and ended.
async fn write(path: &Path) {
    let fixture = RestartFixture::new();
    let runtime = fixture.start().await;
    let directory = runtime.directory();
    for email in ["ana@example.com", "ben@example.com", "eve@elsewhere.example"] {
        directory.get_or_create_user_by_email(email).await.unwrap();
    }
    let ben = directory.user_by_email("ben@example.com").await.unwrap().unwrap();
    directory.set_role(ben.id(), UserRole::Admin).await.unwrap();
    directory.set_name(ben.id(), "Ben", "Okri").await.unwrap();
    directory.get_or_create_user_by_email("gone@example.com").await.unwrap();
    runtime.lock_user("eve@elsewhere.example", "ben@example.com", "unknown to us").await.unwrap();
    runtime.delete_user("gone@example.com", "ben@example.com", "left").await.unwrap();
    let bot = directory.create_bot("ci").await.unwrap();
    directory.issue_token(bot.id(), "build", 30 * 24 * HOUR).await.unwrap();

    runtime.begin_session(&ben.id(), SessionKind::CommandLine).await.unwrap();

    let approve = async |run| {
        runtime.submit(Submission::approve(run, "ben@example.com").message("go ahead")).await.unwrap();
    };
    let ended = request(&runtime, "ended").await;
    approve(ended).await;
    runtime.run_until_idle().await.unwrap();
    fixture.clock.advance(HOUR);
    runtime.run_until_idle().await.unwrap();
    fixture.strategy.fail_revocations(2);
    let stuck = request(&runtime, "stuck").await;
    approve(stuck).await;
    runtime.run_until_idle().await.unwrap();
    runtime.submit(Submission::revoke(stuck, "ben@example.com")).await.unwrap();
    runtime.run_until_idle().await.unwrap();
    let denied = request(&runtime, "denied").await;
    runtime.submit(Submission::deny(denied, "ben@example.com")).await.unwrap();
    request(&runtime, "open").await;
    runtime.run_until_idle().await.unwrap();
    let held = request(&runtime, "held").await;
    approve(held).await;
    runtime.run_until_idle().await.unwrap();
    runtime.submit(Submission::prompt("prod", "ana@example.com")).await.unwrap();
    runtime.run_until_idle().await.unwrap();
    let approved = request(&runtime, "approved").await;
    approve(approved).await;
    drop(runtime);

    // One small file, without a write-ahead log beside it.
    let store = SqliteStore::open(fixture.path()).await.unwrap();
    let values = KeyValue::from(Arc::new(store) as Arc<dyn KeyValueStore>);
    values.put("deploys.last", &"2024-02-29").await.unwrap();
    drop(values);
    let file = rusqlite::Connection::open(fixture.path()).unwrap();
    file.execute_batch("PRAGMA journal_mode = delete; PRAGMA page_size = 1024; VACUUM").unwrap();
    drop(file);
    std::fs::copy(fixture.path(), path).unwrap();
}

/// W21: a person who was stored with a decomposed address is found by the composed one, and the reverse. Two who are stored with both
/// spellings stay apart.
#[tokio::test]
async fn names_that_an_earlier_version_stored_are_normalized() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("old.db");
    std::fs::copy(data().join("schema-1.db"), &path).unwrap();
    let file = rusqlite::Connection::open(&path).unwrap();
    let decomposed = ["rene\u{301}@example.com", "zoe\u{308}@example.com", "zo\u{eb}@example.com"];
    for (number, name) in (1..).zip(decomposed) {
        let id = uuid::Uuid::from_u128(number);
        let user = serde_json::json!({ "id": id, "username": name, "email": name, "type": "normal", "role": "admin" });
        let row = rusqlite::params![id.as_bytes(), name, user.to_string()];
        file.execute("INSERT INTO users (id, username, user) VALUES (?1, ?2, ?3)", row).unwrap();
    }
    drop(file);
    let store = SqliteStore::open(&path).await.unwrap();
    let directory = Directory::from_store(Arc::new(store), ["example.com"]);
    for name in ["ren\u{e9}@example.com", "rene\u{301}@example.com"] {
        let rene = directory.get_or_create_user_by_email(name).await.unwrap();
        assert_eq!((rene.username(), rene.email()), ("ren\u{e9}@example.com", Some("ren\u{e9}@example.com")));
        assert_eq!(*rene.id().as_uuid(), uuid::Uuid::from_u128(1));
    }
    let zoe = directory.user_by_email("zoe\u{308}@example.com").await.unwrap().unwrap();
    assert_eq!(*zoe.id().as_uuid(), uuid::Uuid::from_u128(3));
    assert!(directory.user(UserId::from_uuid(uuid::Uuid::from_u128(2))).await.unwrap().is_some(), "nobody is lost");
}

/// Without it, nothing would show that the next version can read this one. With `UPDATE_EXPECT`, the file of a new version is written.
#[tokio::test]
async fn the_newest_schema_has_a_golden_database() {
    let dir = tempfile::tempdir().unwrap();
    let new = dir.path().join("new.db");
    write(&new).await;
    let newest = schema_version(&new);
    let path = data().join(format!("schema-{newest}.db"));
    if std::env::var_os("UPDATE_EXPECT").is_some() && !path.exists() {
        std::fs::copy(new, path).unwrap();
    }
    let versions: Vec<_> = golden_databases().iter().map(|(version, _)| *version).collect();
    assert_eq!(versions, (1..=newest).collect::<Vec<_>>());
}

#[tokio::test]
async fn runs_of_every_schema_version_continue() {
    for (version, golden) in golden_databases() {
        let fixture = RestartFixture::new();
        std::fs::copy(&golden, fixture.path()).unwrap();
        assert_eq!(schema_version(&fixture.path()), version);
        let store = SqliteStore::open(fixture.path()).await.unwrap();
        let runs = store.runs(RunFilter::default(), 100).await.unwrap();
        let start = runs.iter().map(|run| run.state.updated_at).max().unwrap();
        let waiting = runs.iter().find(|run| run.state.is_open()).unwrap().state.run.id();
        expect!["approved deescalated denied escalated escalated prompted requested"].assert_eq(&statuses(&runs));
        assert_eq!(runs.iter().filter(|run| run.state.is_stuck()).count(), 1, "schema {version}");
        audit::verify(&store).await.unwrap();
        assert!(runs.iter().any(|run| run.state.last_grant().is_some()), "schema {version}");
        for run in &runs {
            let Some(grant) = run.state.last_grant() else { continue };
            let mut same = RunFilter::default();
            same.entitlement = Some(grant.entitlement.clone());
            let ids = |runs: &[StoredRun]| runs.iter().map(|run| run.state.run.id()).collect::<Vec<_>>();
            let found = ids(&store.runs(same.clone(), 100).await.unwrap());
            let expected: Vec<_> = runs.iter().filter(|run| same.matches(&run.state)).cloned().collect();
            let expected = ids(&expected);
            assert_eq!(found, expected, "schema {version}: the migration fills in the entitlements");
        }
        drop((runs, store));

        // The access that the file tells of exists, and one revocation of it has failed so far.
        fixture.clock.advance(start.duration_since(fixture_start()).unsigned_abs());
        let runtime = fixture.start().await;
        runtime.run_until_idle().await.unwrap();
        if version >= 6 {
            let ben = runtime.directory().user_by_email("ben@example.com").await.unwrap().unwrap();
            assert_eq!(runtime.sessions_of(&ben.id()).await.unwrap().len(), 1, "schema {version}");
        }
        let status = async |run| runtime.run(run).await.unwrap().state.run.status();
        assert_eq!(status(waiting).await, RunStatus::Requested, "schema {version}");
        // The requester, the approver and their ids are the same as before the upgrade.
        let own = runtime.submit(Submission::approve(waiting, "ana@example.com")).await.unwrap_err();
        assert_eq!(own.code().to_string(), "SymSDK:SELF_APPROVAL", "schema {version}");
        runtime.submit(Submission::approve(waiting, "ben@example.com")).await.unwrap();
        runtime.run_until_idle().await.unwrap();
        assert_eq!(status(waiting).await, RunStatus::Escalated, "schema {version}");
        for _ in 0..20 {
            fixture.clock.advance(HOUR);
            runtime.run_until_idle().await.unwrap();
        }
        let after = runtime.runs(RunFilter::default(), 100).await.unwrap();
        let ended = "deescalated deescalated deescalated deescalated deescalated denied prompted";
        assert_eq!(statuses(&after), ended, "schema {version}");
        assert!(fixture.strategy.granted().is_empty(), "schema {version}");
        drop(runtime);
        audit::verify(&SqliteStore::open(fixture.path()).await.unwrap()).await.unwrap();
    }
}

/// The time at which the clock of a [`RestartFixture`] starts.
fn fixture_start() -> Timestamp {
    Timestamp::UNIX_EPOCH + 1_709_208_000.seconds()
}
