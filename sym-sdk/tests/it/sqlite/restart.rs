//! Restarts between the approval of a request and the end of its access.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sym_sdk::audit::AuditKind;
use sym_sdk::clock::VirtualClock;
use sym_sdk::config::Config;
use sym_sdk::engine::SqliteStore;
use sym_sdk::error::codes;
use sym_sdk::handlers;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Builder, Runtime, Submission};
use sym_sdk::strategy::StrategyType;
use sym_sdk::testing::{RecordingDelivery, RecordingStrategy};
use tempfile::TempDir;

use super::copy_files;
use crate::support::access_flow;

pub(super) const HOUR: Duration = Duration::from_secs(60 * 60);

#[reducer]
pub(super) fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

/// The configuration of a flow that grants access to a group.
pub(crate) fn config() -> Config {
    let mut config = access_flow("test");
    config.organization.domains.push("example.com".into());
    config
}

/// The environment that outlives a process: a file, the service and the clock.
pub(super) struct RestartFixture {
    pub(super) dir: TempDir,
    pub(super) strategy: RecordingStrategy,
    pub(super) clock: Arc<VirtualClock>,
}

impl RestartFixture {
    pub(super) fn new() -> Self {
        let start = Timestamp::from_second(1_709_208_000).unwrap();
        let clock = Arc::new(VirtualClock::at(start));
        Self { dir: tempfile::tempdir().unwrap(), strategy: RecordingStrategy::new(), clock }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.dir.path().join("runs.db")
    }

    pub(super) async fn start(&self) -> Runtime {
        self.start_on(&self.path()).await
    }

    /// Starts a runtime on another file.
    pub(super) async fn start_on(&self, path: &Path) -> Runtime {
        self.builder(path).await.build().await.unwrap()
    }

    /// Starts a runtime and has access granted.
    async fn start_with_access(&self) -> (Runtime, RunId) {
        let runtime = self.start().await;
        let run = approved(&runtime).await;
        runtime.run_until_idle().await.unwrap();
        (runtime, run)
    }

    pub(super) async fn builder(&self, path: &Path) -> Builder {
        let strategy = self.strategy.clone();
        Runtime::builder(config())
            .registry(handlers![get_permissions])
            .delivery(RecordingDelivery::new())
            .strategy_type(StrategyType::new("test", move |_| Ok(strategy.clone())))
            .clock(self.clock.clone())
            .sqlite(Arc::new(SqliteStore::open(path).await.unwrap()))
    }
}

async fn status(runtime: &Runtime, run: RunId) -> RunStatus {
    runtime.run(run).await.unwrap().state.run.status()
}

pub(super) async fn approved(runtime: &Runtime) -> RunId {
    let request = Submission::request("prod", "ana@example.com").input("duration", "1h");
    let run = runtime.submit(request).await.unwrap().run;
    runtime.run_until_idle().await.unwrap();
    runtime.directory().contact("ben@example.com").await.unwrap();
    runtime.submit(Submission::approve(run, "ben@example.com")).await.unwrap();
    run
}

#[tokio::test]
async fn access_ends_after_a_restart() {
    let fixture = RestartFixture::new();
    let (runtime, run) = fixture.start_with_access().await;
    assert_eq!(fixture.strategy.granted().len(), 1);
    drop(runtime);

    fixture.clock.advance(HOUR);
    let runtime = fixture.start().await;
    assert_eq!(status(&runtime, run).await, RunStatus::Escalated);
    runtime.run_until_idle().await.unwrap();
    assert_eq!(status(&runtime, run).await, RunStatus::Deescalated);
    assert!(fixture.strategy.granted().is_empty());
}

/// The requester, and the identity that was resolved for the grant, are in the file as well.
#[tokio::test]
async fn approved_request_is_granted_after_a_restart() {
    let fixture = RestartFixture::new();
    let runtime = fixture.start().await;
    let run = approved(&runtime).await;
    assert_eq!(status(&runtime, run).await, RunStatus::Approved);
    drop(runtime);

    let runtime = fixture.start().await;
    runtime.run_until_idle().await.unwrap();
    let state = runtime.run(run).await.unwrap().state;
    assert_eq!(state.run.status(), RunStatus::Escalated, "{:?}", state.error);
    assert_eq!(fixture.strategy.granted().len(), 1);
    drop(runtime);

    let runtime = fixture.start().await;
    let ana = runtime.directory().user_by_email("ana@example.com").await.unwrap().unwrap();
    assert_eq!(ana.identities().len(), 1, "{:?}", ana.identities());
}

/// A Run has its own copy of its users. A deleted user is granted nothing more, and keeps nothing longer.
#[tokio::test]
async fn access_of_deleted_users_ends() {
    let fixture = RestartFixture::new();
    let (runtime, held) = fixture.start_with_access().await;
    let approved = approved(&runtime).await;
    let ana = runtime.directory().user_by_email("ana@example.com").await.unwrap().unwrap();
    runtime.directory().delete_user(ana.id()).await.unwrap();
    runtime.run_until_idle().await.unwrap();
    let state = runtime.run(approved).await.unwrap().state;
    assert_eq!(state.run.status(), RunStatus::Errored);
    assert_eq!(state.error.as_ref().unwrap().code, codes::UNKNOWN_USER);
    assert_eq!(status(&runtime, held).await, RunStatus::Escalated);
    drop(runtime);

    let runtime = fixture.start().await;
    fixture.clock.advance(HOUR);
    runtime.run_until_idle().await.unwrap();
    assert_eq!(status(&runtime, held).await, RunStatus::Deescalated);
    assert!(fixture.strategy.granted().is_empty());
    assert_eq!(runtime.directory().user_by_email("ana@example.com").await.unwrap(), None);
}

/// Kills the process after each number of steps, by continuing on a copy of the file.
#[tokio::test]
async fn access_ends_wherever_the_process_is_killed() {
    let mut steps = 0;
    while killed_after(steps).await {
        steps += 1;
    }
    assert!(steps >= 2, "an approval takes several steps: {steps}");
}

/// Returns whether there were that many steps.
async fn killed_after(steps: usize) -> bool {
    let (fixture, image) = (RestartFixture::new(), tempfile::tempdir().unwrap());
    let killed = fixture.start().await;
    let run = approved(&killed).await;
    for _ in 0..steps {
        if !killed.run_one().await.unwrap() {
            return false;
        }
    }
    copy_files(&fixture.dir, &image);

    let runtime = fixture.start_on(&image.path().join("runs.db")).await;
    runtime.run_until_idle().await.unwrap();
    let state = runtime.run(run).await.unwrap().state;
    assert_eq!(state.run.status(), RunStatus::Escalated, "after {steps} steps: {:?}", state.error);
    assert_eq!(fixture.strategy.granted().len(), 1, "after {steps} steps");
    fixture.clock.advance(HOUR);
    runtime.run_until_idle().await.unwrap();
    assert_eq!(status(&runtime, run).await, RunStatus::Deescalated, "after {steps} steps");
    assert!(fixture.strategy.granted().is_empty(), "after {steps} steps");
    true
}

/// Damages a file that no store has open, as a bad copy or a failing disk might.
fn damage(path: &Path, sql: &str) {
    let file = rusqlite::Connection::open(path).unwrap();
    assert!(file.execute(sql, ()).unwrap() > 0, "the statement matches rows: {sql}");
}

async fn rearmed(runtime: &Runtime, run: RunId) -> bool {
    let audit = runtime.audit(Some(run), usize::MAX).await.unwrap();
    audit.iter().any(|entry| entry.kind == AuditKind::Rearmed)
}

#[tokio::test]
async fn lost_expiries_are_rearmed_on_start() {
    for (fails, damaged) in
        [(0, "DELETE FROM timers"), (0, "UPDATE timers SET generation = generation + 1"), (5, "DELETE FROM effects")]
    {
        let fixture = RestartFixture::new();
        let (runtime, run) = fixture.start_with_access().await;
        if fails > 0 {
            fixture.strategy.fail_revocations(fails);
            fixture.clock.advance(HOUR);
            runtime.run_until_idle().await.unwrap();
        }
        assert_eq!(runtime.health().await.unwrap().missing_expiry, 0);
        drop(runtime);
        damage(&fixture.path(), damaged);

        let runtime = fixture.start().await;
        assert_eq!(runtime.health().await.unwrap().missing_expiry, 0, "{damaged}");
        assert!(rearmed(&runtime, run).await, "rearming is audited: {damaged}");
        for _ in 0..=fails {
            fixture.clock.advance(HOUR);
            runtime.run_until_idle().await.unwrap();
        }
        assert_eq!(status(&runtime, run).await, RunStatus::Deescalated, "{damaged}");
        assert!(fixture.strategy.granted().is_empty(), "{damaged}");
        drop(runtime);
        // A Run that is in order is left alone.
        let before = fixture.start().await.audit(None, usize::MAX).await.unwrap().len();
        assert_eq!(fixture.start().await.audit(None, usize::MAX).await.unwrap().len(), before);
    }
}

#[tokio::test]
async fn runtime_does_not_start_on_access_that_nothing_would_end() {
    let fixture = RestartFixture::new();
    let (runtime, run) = fixture.start_with_access().await;
    drop(runtime);
    // A timer that is set again is lost again.
    damage(&fixture.path(), "DELETE FROM timers");
    let file = rusqlite::Connection::open(fixture.path()).unwrap();
    file.execute_batch("CREATE TRIGGER lossy AFTER INSERT ON timers BEGIN DELETE FROM timers; END").unwrap();
    drop(file);

    let refused = fixture.builder(&fixture.path()).await.build().await.unwrap_err().to_string();
    assert!(refused.contains(&format!("nothing would end the access that Run {run} may give")), "{refused}");
}
