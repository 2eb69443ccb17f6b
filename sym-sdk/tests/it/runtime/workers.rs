//! Workers, on a virtual clock that moves a little whenever they have nothing left to do.

use std::sync::Arc;
use std::time::Duration;

use sym_sdk::clock::VirtualClock;
use sym_sdk::config::{Config, FlowParams, PromptField};
use sym_sdk::engine::WorkerLimits;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Builder, Reconcile, Runtime, Submission};
use sym_sdk::strategy::StrategyType;
use sym_sdk::testing::{Harness, RecordingDelivery, RecordingStrategy};

use super::plain;
use crate::support::GRACE;

/// The configuration of a flow that gives access for a second.
async fn config() -> Config {
    let mut declared = Config::default();
    Harness::builder()
        .access_flow("prod", ["admins"])
        .declare(|config| {
            config.organization.domains.push("example.com".into());
            config.flows[0].params = FlowParams {
                prompt_fields: vec![PromptField {
                    name: "duration".into(),
                    field_type: "duration".into(),
                    allowed_values: Some(vec!["1s".into()]),
                    ..Default::default()
                }],
                ..config.flows[0].params.clone()
            };
            declared = config.clone();
        })
        .handlers(plain())
        .build()
        .await
        .unwrap();
    declared
}

struct World {
    runtime: Runtime,
    clock: Arc<VirtualClock>,
    strategy: RecordingStrategy,
    delivery: RecordingDelivery,
}

impl World {
    async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    async fn with(change: impl FnOnce(Builder) -> Builder) -> Self {
        let (strategy, delivery) = (RecordingStrategy::new(), RecordingDelivery::new());
        let shared = strategy.clone();
        let clock = Arc::new(VirtualClock::at("2024-02-29T12:00:00Z".parse().unwrap()));
        let builder = Runtime::builder(config().await)
            .registry(plain())
            .clock(clock.clone())
            .delivery(delivery.clone())
            .strategy_type(StrategyType::new("test", move |_| Ok(shared.clone())));
        let runtime = change(builder).build().await.unwrap();
        Self { runtime, clock, strategy, delivery }
    }

    async fn request(&self) -> RunId {
        let request = Submission::request("prod", "ana@example.com").input("duration", "1s");
        self.runtime.submit(request).await.unwrap().run
    }

    /// Lets time pass until the Run has this status, for a minute at most.
    async fn until(&self, run: RunId, status: RunStatus) {
        for _ in 0..600 {
            self.let_workers_run().await;
            if self.runtime.run(run).await.unwrap().state.run.status() == status {
                return;
            }
            self.clock.advance(Duration::from_millis(100));
        }
        panic!("the Run did not become {status}");
    }

    /// All workers run on this thread, and nothing that they do waits for anything else.
    async fn let_workers_run(&self) {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn workers_carry_a_run_to_its_end() {
    let world = World::new().await;
    let workers = world.runtime.start(WorkerLimits::default());
    let run = world.request().await;
    world.until(run, RunStatus::Requested).await;
    world.runtime.directory().contact("ben@example.com").await.unwrap();
    world.runtime.submit(Submission::approve(run, "ben@example.com")).await.unwrap();
    world.until(run, RunStatus::Escalated).await;
    assert_eq!(world.strategy.granted().len(), 1);
    world.until(run, RunStatus::Deescalated).await;
    assert!(world.strategy.granted().is_empty());
    let ended = world.runtime.run(run).await.unwrap().state;
    let granted = ended.decision.as_ref().unwrap().at;
    assert!(ended.updated_at.duration_since(granted).unsigned_abs() >= Duration::from_secs(1), "not a moment early");
    workers.shutdown(GRACE).await;
}

#[tokio::test]
async fn what_comes_while_no_workers_run_waits_for_them() {
    let world = World::new().await;
    let workers = world.runtime.start(WorkerLimits::default());
    workers.shutdown(GRACE).await;
    let run = world.request().await;
    world.clock.advance(Duration::from_secs(60));
    world.let_workers_run().await;
    assert!(world.delivery.delivered().is_empty(), "the workers have been shut down");
    let workers = world.runtime.start(WorkerLimits::default());
    world.until(run, RunStatus::Requested).await;
    workers.shutdown(GRACE).await;
}

/// A grant that hangs holds up neither the shutdown nor other Runs.
#[tokio::test]
async fn a_call_that_hangs_does_not_hold_up_others_or_the_shutdown() {
    let world = World::new().await;
    world.strategy.hang_grant();
    let workers = world.runtime.start(WorkerLimits::default());
    let mut runs = Vec::new();
    for _ in 0..2 {
        let run = world.request().await;
        world.until(run, RunStatus::Requested).await;
        world.runtime.directory().contact("ben@example.com").await.unwrap();
        world.runtime.submit(Submission::approve(run, "ben@example.com")).await.unwrap();
        runs.push(run);
        world.until(run, RunStatus::Approved).await;
    }
    let other = Submission::request("prod", "cho@example.com").input("duration", "1s");
    let other = world.runtime.submit(other).await.unwrap().run;
    world.until(other, RunStatus::Requested).await;
    world.runtime.directory().contact("ben@example.com").await.unwrap();
    world.runtime.submit(Submission::approve(other, "ben@example.com")).await.unwrap();
    world.until(other, RunStatus::Escalated).await;
    assert_eq!(world.runtime.run(runs[0]).await.unwrap().state.run.status(), RunStatus::Approved);
    assert_eq!(world.runtime.run(runs[1]).await.unwrap().state.run.status(), RunStatus::Approved, "they share a lock");
    tokio::time::timeout(GRACE, workers.shutdown(Duration::from_millis(10))).await.unwrap();
}

#[tokio::test]
async fn workers_reconcile_when_they_start_and_then_as_often_as_they_should() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let what = Reconcile::new().revoke_extra_of_strangers();
    let world = World::with(|builder| builder.reconcile_every(DAY, what)).await;
    let target = world.runtime.flow("prod").unwrap().strategy().unwrap().targets()[0].clone();
    let intrude = || world.strategy.grant_externally(&target, "mallory");
    let is_in = || !world.strategy.granted().is_empty();
    intrude();
    let workers = world.runtime.start(WorkerLimits::default());
    world.let_workers_run().await;
    assert!(!is_in(), "at the start");

    intrude();
    world.clock.advance(DAY - Duration::from_secs(1));
    world.let_workers_run().await;
    assert!(is_in(), "not too often");
    // A target that cannot be read is looked at again next time.
    world.strategy.fail_listings(1);
    world.clock.advance(Duration::from_secs(1));
    world.let_workers_run().await;
    assert!(is_in(), "it cannot be seen");
    world.clock.advance(DAY);
    world.let_workers_run().await;
    assert!(!is_in(), "a day later");

    // Nor does a look that never comes back hold up the shutdown.
    world.strategy.hang_listing();
    world.clock.advance(DAY);
    world.let_workers_run().await;
    tokio::time::timeout(GRACE, workers.shutdown(GRACE)).await.unwrap();
}
