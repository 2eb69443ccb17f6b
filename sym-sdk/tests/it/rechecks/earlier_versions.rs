//! Requests that an earlier version of this crate has stored, without a fingerprint.

use sym_sdk::config::Config;
use sym_sdk::engine::SqliteStore;
use sym_sdk::error::codes;
use sym_sdk::prelude::*;

use super::*;

/// Has a request made and turns it into one of an earlier version, then starts the program with another configuration.
async fn started_after(change: impl FnOnce(&mut Config)) -> (tempfile::TempDir, World, Runtime, RunId) {
    started_by(|_| {}, change).await
}

/// Like [`started_after`], with something that happens while the program is stopped.
async fn started_by(
    meanwhile: impl FnOnce(&World),
    change: impl FnOnce(&mut Config),
) -> (tempfile::TempDir, World, Runtime, RunId) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runs.db");
    let open = async || Arc::new(SqliteStore::open(&path).await.unwrap());
    let mut world = World::new();
    world.store = open().await;
    let run = request(&world.start(config()).await, "8h").await;
    world.store = Arc::new(MemoryStore::new());

    let file = rusqlite::Connection::open(&path).unwrap();
    let removed =
        "UPDATE runs SET state = json_remove(state, '$.request.fingerprint', '$.request.duration_set_by_hook')";
    assert_eq!(file.execute(removed, ()).unwrap(), 1);
    drop(file);

    meanwhile(&world);
    let mut changed = config();
    change(&mut changed);
    world.store = open().await;
    let runtime = world.start(changed).await;
    (dir, world, runtime, run)
}

#[tokio::test]
async fn is_granted_if_nothing_has_changed() {
    let (_dir, world, runtime, run) = started_after(|_| {}).await;
    approve(&runtime, run, "ben").await;
    assert_eq!(status(&runtime, run).await, RunStatus::Escalated);
    assert_eq!(world.grants(), 1);
}

#[tokio::test]
async fn is_refused_if_its_target_or_its_duration_is_gone() {
    let (_dir, world, runtime, run) = started_after(remove_target).await;
    try_approve(&runtime, run, "ben").await.unwrap_err();
    let reason = "`admins` is no longer a target of flow `prod`";
    assert_closed(&world, &runtime, run, codes::UNKNOWN_TARGET, reason).await;

    let (_dir, world, runtime, run) = started_after(|config| set_durations(config, &["1h"])).await;
    try_approve(&runtime, run, "ben").await.unwrap_err();
    let reason = "flow `prod` no longer offers a duration of 8h";
    assert_closed(&world, &runtime, run, codes::INVALID_DURATION, reason).await;
}

#[tokio::test]
async fn is_refused_if_a_setting_of_its_target_has_changed() {
    let change = |config: &mut Config| config.targets[0].settings = support::settings(&[("group_id", "g2")]);
    let (_dir, world, runtime, run) = started_after(change).await;
    try_approve(&runtime, run, "ben").await.unwrap_err();
    let reason = "the setting `group_id` of target `admins` has changed";
    assert_closed(&world, &runtime, run, codes::REQUEST_OUTDATED, reason).await;
}

/// From its start on, a change of the account is noticed.
#[tokio::test]
async fn gets_a_fingerprint_at_the_first_start() {
    let (_dir, world, runtime, run) = started_after(|_| {}).await;
    drop(runtime);
    let mut changed = config();
    changed.integrations[0].external_id = "production".into();
    let runtime = world.start(changed).await;
    try_approve(&runtime, run, "ben").await.unwrap_err();
    let reason = "access is now granted in account `production`, not in account `staging`";
    assert_closed(&world, &runtime, run, codes::REQUEST_OUTDATED, reason).await;
}

/// W6. The lifetime counts from the request.
#[tokio::test]
async fn gets_a_lifetime_at_the_first_start() {
    for (age, expected) in [(29 * DAY, RunStatus::Requested), (30 * DAY, RunStatus::Expired)] {
        let (_dir, world, runtime, run) = started_by(|world| world.clock.advance(age), |_| {}).await;
        runtime.run_until_idle().await.unwrap();
        assert_eq!(status(&runtime, run).await, expected);
        world.clock.advance(DAY);
        runtime.run_until_idle().await.unwrap();
        assert_eq!(status(&runtime, run).await, RunStatus::Expired);
    }
}
