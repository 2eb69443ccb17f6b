//! A self-approving flow on a store that outlives its runtimes.

use std::sync::Arc;

use jiff::Timestamp;
use sym_sdk::clock::VirtualClock;
use sym_sdk::config::PromptField;
use sym_sdk::engine::*;
use sym_sdk::handlers;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Builder, Runtime, Submission};
use sym_sdk::strategy::StrategyType;
use sym_sdk::testing::{RecordingDelivery, RecordingStrategy};

use crate::sqlite::restart::config;

#[reducer]
pub(super) fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

#[hook]
pub(super) fn on_request() -> Option<NextEvent> {
    Some(ApprovalTemplate::approve())
}

pub(super) fn noon() -> Timestamp {
    "2024-02-29T12:00:00Z".parse().unwrap()
}

pub(super) struct Fixture {
    pub(super) strategy: RecordingStrategy,
    pub(super) clock: Arc<VirtualClock>,
    pub(super) store: Arc<dyn Store>,
}

impl Fixture {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self { strategy: RecordingStrategy::new(), clock: Arc::new(VirtualClock::at(noon())), store }
    }

    /// Builds a runtime on the same store, as after a restart.
    pub(super) async fn start(&self) -> Runtime {
        self.builder().build().await.unwrap()
    }

    pub(super) fn builder(&self) -> Builder {
        let strategy = self.strategy.clone();
        let mut config = config();
        config.flows[0].params.prompt_fields.push(PromptField {
            name: "duration".into(),
            field_type: "duration".into(),
            allowed_values: Some(["10m", "1h", "8h", "48h"].map(Into::into).into()),
            ..Default::default()
        });
        Runtime::builder(config)
            .registry(handlers![get_permissions, on_request])
            .delivery(RecordingDelivery::new())
            .strategy_type(StrategyType::new("test", move |_| Ok(strategy.clone())))
            .clock(self.clock.clone())
            .store(self.store.clone())
    }

    /// Requests access for an hour, and has it granted.
    pub(super) async fn granted(&self, runtime: &Runtime) -> RunId {
        let request = Submission::request("prod", "ana@example.com").input("duration", "1h");
        let run = runtime.submit(request).await.unwrap().run;
        runtime.run_until_idle().await.unwrap();
        assert_eq!(self.strategy.granted().len(), 1);
        run
    }

    pub(super) async fn let_workers_run(&self) {
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
    }

    pub(super) fn revocations(&self) -> usize {
        self.strategy.calls().iter().filter(|call| !call.is_grant).count()
    }
}
