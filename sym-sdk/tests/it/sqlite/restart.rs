//! A Run whose process ends between the approval and the end of the access.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sym_sdk::clock::VirtualClock;
use sym_sdk::config::{Config, Environment, Flow, FlowParams, Integration, Reference, Strategy, Target};
use sym_sdk::directory::{Directory, MemoryDirectory};
use sym_sdk::engine::SqliteStore;
use sym_sdk::handlers;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Runtime, Submission};
use sym_sdk::strategy::StrategyType;
use sym_sdk::testing::{RecordingDelivery, RecordingStrategy};

use super::copy_files;

const HOUR: Duration = Duration::from_secs(60 * 60);

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::new(PermissionLevel::Admin, PermissionLevel::Member)
}

/// A flow that gives access to a group.
pub(crate) fn config() -> Config {
    let reference = Reference::typed("test", "test");
    let mut config = Config::default();
    config.organization.domains.push("example.com".into());
    config.environments.push(Environment { name: "test".into(), ..Default::default() });
    config.integrations.push(Integration {
        kind: "test".into(),
        name: "test".into(),
        external_id: "test".into(),
        ..Default::default()
    });
    config.targets.push(Target { kind: "test".into(), name: "test".into(), ..Default::default() });
    config.strategies.push(Strategy {
        kind: "test".into(),
        name: "test".into(),
        integration: Some(reference.clone()),
        targets: vec![reference.clone()],
        ..Default::default()
    });
    let params = FlowParams { strategy: Some(reference), ..Default::default() };
    config.flows.push(Flow { name: "prod".into(), environment: "test".into(), params, ..Default::default() });
    config
}

/// What outlives the process: the service, with who has access in it, the directory of users, and the time.
struct World {
    strategy: RecordingStrategy,
    directory: Directory,
    clock: Arc<VirtualClock>,
}

impl World {
    fn new() -> Self {
        let start = Timestamp::from_second(1_709_208_000).unwrap();
        Self {
            strategy: RecordingStrategy::new(),
            directory: Directory::new(MemoryDirectory::new(), ["example.com"]),
            clock: Arc::new(VirtualClock::at(start)),
        }
    }

    async fn start(&self, path: &Path) -> Runtime {
        let strategy = self.strategy.clone();
        Runtime::builder(config())
            .registry(handlers![get_permissions])
            .delivery(RecordingDelivery::new())
            .strategy_type(StrategyType::new("test", move |_| Ok(Arc::new(strategy.clone()))))
            .directory(self.directory.clone())
            .clock(self.clock.clone())
            .store(Arc::new(SqliteStore::open(path).await.unwrap()))
            .build()
            .await
            .unwrap()
    }
}

async fn status(runtime: &Runtime, run: RunId) -> RunStatus {
    runtime.run(run).await.unwrap().state.run.status()
}

async fn approved(runtime: &Runtime) -> RunId {
    let request = Submission::request("prod", "ana@example.com").input("duration", "1h");
    let run = runtime.submit(request).await.unwrap().run;
    runtime.run_until_idle().await.unwrap();
    runtime.submit(Submission::approve(run, "ben@example.com")).await.unwrap();
    run
}

#[tokio::test]
async fn access_ends_though_the_process_did_before() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("runs.db");
    let world = World::new();
    let runtime = world.start(&path).await;
    let run = approved(&runtime).await;
    runtime.run_until_idle().await.unwrap();
    assert_eq!(world.strategy.granted().len(), 1);
    drop(runtime);

    world.clock.advance(HOUR);
    let runtime = world.start(&path).await;
    assert_eq!(status(&runtime, run).await, RunStatus::Escalated);
    runtime.run_until_idle().await.unwrap();
    assert_eq!(status(&runtime, run).await, RunStatus::Deescalated);
    assert!(world.strategy.granted().is_empty());
}

/// The process is killed after each number of steps: what goes on is a copy of the file as it is then.
#[tokio::test]
async fn access_ends_wherever_the_process_was_killed() {
    let mut steps = 0;
    while killed_after(steps).await {
        steps += 1;
    }
    assert!(steps >= 2, "an approval is routed and granted: {steps} steps");
}

/// Whether there was so much to do.
async fn killed_after(steps: usize) -> bool {
    let (dir, image) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let world = World::new();
    let killed = world.start(&dir.path().join("runs.db")).await;
    let run = approved(&killed).await;
    for _ in 0..steps {
        if !killed.engine().run_one().await.unwrap() {
            return false;
        }
    }
    copy_files(&dir, &image);

    let runtime = world.start(&image.path().join("runs.db")).await;
    runtime.run_until_idle().await.unwrap();
    let state = runtime.run(run).await.unwrap().state;
    assert_eq!(state.run.status(), RunStatus::Escalated, "after {steps} steps: {:?}", state.error);
    assert_eq!(world.strategy.granted().len(), 1, "after {steps} steps");
    world.clock.advance(HOUR);
    runtime.run_until_idle().await.unwrap();
    assert_eq!(status(&runtime, run).await, RunStatus::Deescalated, "after {steps} steps");
    assert!(world.strategy.granted().is_empty(), "after {steps} steps");
    true
}
