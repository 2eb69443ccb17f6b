//! The flow whose Runs are counted: four handlers, one message, one grant.

use std::sync::Arc;

use jiff::Timestamp;
use sym_sdk::clock::VirtualClock;
use sym_sdk::config::{self, Config, Environment, FlowParams, Integration, PromptField, Reference, Strategy, Target};
use sym_sdk::engine::SqliteStore;
use sym_sdk::handlers;
use sym_sdk::model::RunStatus;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Runtime, Submission};
use sym_sdk::strategy::{SimulatedStrategy, StrategyType};

use crate::HOUR;

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

#[reducer]
fn get_request_notifications() -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(SlackChannelName::new("#requests")?)])
}

#[hook]
fn on_request(event: &Event) -> Option<NextEvent> {
    event.fields().text("reason").is_ok_and(str::is_empty).then(ApprovalTemplate::ignore)
}

#[hook]
fn after_approve(_event: &Event) {}

/// A runtime with its users.
pub(crate) struct Flow {
    runtime: Runtime,
    clock: Arc<VirtualClock>,
    ana: Arc<User>,
    ben: Arc<User>,
}

impl Flow {
    /// Starts on a file, or in memory.
    pub(crate) async fn start(store: Option<Arc<SqliteStore>>) -> Self {
        let clock = Arc::new(VirtualClock::at(Timestamp::UNIX_EPOCH));
        let strategy = Arc::new(SimulatedStrategy::new());
        let builder = Runtime::builder(config())
            .registry(handlers![get_permissions, get_request_notifications, on_request, after_approve])
            .strategy_type(StrategyType::new("counted", move |_| Ok(strategy.clone())))
            .clock(clock.clone())
            .simulated();
        let builder = match store {
            Some(store) => builder.sqlite(store),
            None => builder,
        };
        let runtime = builder.build().await.unwrap();
        let ana = runtime.directory().get_or_create_user_by_email("ana@example.com").await.unwrap();
        let ben = runtime.directory().get_or_create_user_by_email("ben@example.com").await.unwrap();
        Self { runtime, clock, ana, ben }
    }

    /// Plays one Run: a request, an approval, the grant, an hour, the revocation.
    pub(crate) async fn play(&self) {
        let request = Submission::request("prod", self.ana.clone()).input("reason", "incident 42");
        let run = self.runtime.submit(request.input("duration", "1h")).await.unwrap().run;
        self.runtime.run_until_idle().await.unwrap();
        self.runtime.submit(Submission::approve(run, self.ben.clone())).await.unwrap();
        self.runtime.run_until_idle().await.unwrap();
        self.clock.advance(HOUR);
        self.runtime.run_until_idle().await.unwrap();
        assert_eq!(self.runtime.run(run).await.unwrap().state.run.status(), RunStatus::Deescalated);
    }
}

fn config() -> Config {
    let reference = Reference::typed("counted", "counted");
    let field = |name: &str, field_type: &str, allowed: Option<&str>| PromptField {
        name: name.to_owned(),
        field_type: field_type.to_owned(),
        allowed_values: allowed.map(|value| vec![value.to_owned()]),
        ..Default::default()
    };
    let mut config = Config::default();
    config.organization.domains.push("example.com".to_owned());
    config.environments.push(Environment { name: "main".to_owned(), ..Default::default() });
    config.integrations.push(Integration {
        kind: "counted".to_owned(),
        name: "counted".to_owned(),
        external_id: "example".to_owned(),
        ..Default::default()
    });
    config.targets.push(Target { kind: "counted".to_owned(), name: "counted".to_owned(), ..Default::default() });
    config.strategies.push(Strategy {
        kind: "counted".to_owned(),
        name: "counted".to_owned(),
        integration: Some(reference.clone()),
        targets: vec![reference.clone()],
        ..Default::default()
    });
    config.flows.push(config::Flow {
        name: "prod".to_owned(),
        environment: "main".to_owned(),
        params: FlowParams {
            strategy: Some(reference),
            prompt_fields: vec![field("reason", "string", None), field("duration", "duration", Some("1h"))],
            ..Default::default()
        },
        ..Default::default()
    });
    config
}
