//! Checks that are repeated when a request is decided: what is decided is what was asked.

mod configuration;
#[cfg(feature = "sqlite")]
mod earlier_versions;
mod failing_directory;
mod lifetime;
mod locking_store;
mod offers;
mod people;
mod removed_flows;

use std::sync::Arc;
use std::time::Duration;

use sym_sdk::audit::AuditKind;
use sym_sdk::clock::VirtualClock;
use sym_sdk::config::{Config, ErrorLogger, PromptField, Reference, Target};
use sym_sdk::directory::{Directory, DirectoryStore, MemoryDirectory};
use sym_sdk::engine::{MemoryStore, Store};
use sym_sdk::error::ErrorCode;
use sym_sdk::handler::Registry;
use sym_sdk::handlers;
use sym_sdk::machine::RunState;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Builder, Runtime, Submission};
use sym_sdk::strategy::StrategyType;
use sym_sdk::testing::{RecordingDelivery, RecordingStrategy};

use crate::support;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

#[reducer]
fn get_request_notifications() -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(SlackChannelName::new("#requests")?)])
}

/// Members decide, one channel is notified.
fn plain() -> Registry {
    handlers![get_permissions, get_request_notifications]
}

/// The flow `prod` grants access to the target `admins` in the account `staging`, for 1h or 8h.
fn config() -> Config {
    let mut config = support::access_flow("test");
    config.organization.domains.push("example.com".into());
    config.integrations[0].external_id = "staging".into();
    config.targets[0].name = "admins".into();
    config.targets[0].settings = support::settings(&[("group_id", "g1")]);
    config.strategies[0].targets = vec![Reference::typed("test", "admins")];
    set_durations(&mut config, &["1h", "8h"]);
    let logger = ErrorLogger { name: "errors".into(), destination: "#sym-errors".into(), ..ErrorLogger::default() };
    config.error_loggers.push(logger);
    config.environments[0].error_logger = Some("errors".into());
    config
}

fn set_durations(config: &mut Config, durations: &[&str]) {
    let fields = &mut config.flows[0].params.prompt_fields;
    fields.retain(|field| field.name != "duration");
    fields.push(PromptField {
        name: "duration".into(),
        field_type: "duration".into(),
        allowed_values: Some(durations.iter().map(|duration| (*duration).to_owned()).collect()),
        ..PromptField::default()
    });
}

/// Replaces the target `admins` by another one.
fn remove_target(config: &mut Config) {
    config.targets = vec![Target { kind: "test".into(), name: "billing".into(), ..Target::default() }];
    config.strategies[0].targets = vec![Reference::typed("test", "billing")];
}

/// The things that outlive a process: Runs, users, the service, and the messages that people got.
struct World {
    store: Arc<dyn Store>,
    users: Arc<dyn DirectoryStore>,
    strategy: RecordingStrategy,
    delivery: RecordingDelivery,
    clock: Arc<VirtualClock>,
}

impl World {
    fn new() -> Self {
        Self::on(Arc::new(MemoryStore::new()), Arc::new(MemoryDirectory::new()))
    }

    fn on(store: Arc<dyn Store>, users: Arc<dyn DirectoryStore>) -> Self {
        Self {
            store,
            users,
            strategy: RecordingStrategy::new(),
            delivery: RecordingDelivery::new(),
            clock: Arc::new(VirtualClock::at("2024-02-29T12:00:00Z".parse().unwrap())),
        }
    }

    fn builder(&self, config: Config) -> Builder {
        let strategy = self.strategy.clone();
        Runtime::builder(config)
            .directory(Directory::from_store(self.users.clone(), ["example.com"]))
            .delivery(self.delivery.clone())
            .strategy_type(StrategyType::new("test", move |_| Ok(strategy.clone())))
            .clock(self.clock.clone())
            .store(self.store.clone())
    }

    /// Starts the program with a configuration.
    async fn start(&self, config: Config) -> Runtime {
        self.builder(config).registry(plain()).build().await.unwrap()
    }

    /// Starts the program with handlers.
    async fn start_with(&self, handlers: Registry) -> Runtime {
        self.builder(config()).registry(handlers).build().await.unwrap()
    }

    fn messages_to(&self, name: &str) -> Vec<String> {
        let to = format!("{name}@example.com");
        self.delivery.messages().into_iter().filter(|(who, _)| *who == to).map(|(_, text)| text).collect()
    }

    fn alerts(&self) -> Vec<String> {
        self.delivery.alerts().iter().map(ToString::to_string).collect()
    }

    fn grants(&self) -> usize {
        self.strategy.calls().iter().filter(|call| call.is_grant).count()
    }
}

/// Ana requests access for a duration, and the request is delivered.
async fn request(runtime: &Runtime, duration: &str) -> RunId {
    let request = Submission::request("prod", "ana@example.com").input("duration", duration);
    let run = runtime.submit(request).await.unwrap().run;
    runtime.run_until_idle().await.unwrap();
    run
}

async fn try_approve(runtime: &Runtime, run: RunId, by: &str) -> Result<()> {
    let email = format!("{by}@example.com");
    // Somebody who was deleted stays unknown.
    let _ = runtime.directory().contact(&email).await;
    let approved = runtime.submit(Submission::approve(run, email.as_str())).await;
    runtime.run_until_idle().await.unwrap();
    approved.map(drop)
}

async fn approve(runtime: &Runtime, run: RunId, by: &str) {
    try_approve(runtime, run, by).await.unwrap();
}

async fn state(runtime: &Runtime, run: RunId) -> Arc<RunState> {
    runtime.run(run).await.unwrap().state
}

async fn status(runtime: &Runtime, run: RunId) -> RunStatus {
    state(runtime, run).await.run.status()
}

async fn kinds(runtime: &Runtime, run: RunId) -> Vec<AuditKind> {
    runtime.audit(Some(run), usize::MAX).await.unwrap().into_iter().map(|entry| entry.kind).collect()
}

async fn user_id(runtime: &Runtime, name: &str) -> UserId {
    runtime.directory().user_by_email(&format!("{name}@example.com")).await.unwrap().unwrap().id()
}

/// Asserts that the request was closed for this reason, that nothing was granted, and that everybody was told.
async fn assert_closed(world: &World, runtime: &Runtime, run: RunId, code: ErrorCode, reason: &str) {
    let state = state(runtime, run).await;
    let error = state.error.as_ref().expect("the Run has failed");
    assert_eq!((state.run.status(), &error.code, &*error.message), (RunStatus::Errored, &code, reason));
    assert_eq!(world.grants(), 0, "nothing is granted");
    assert!(state.is_finished() && state.timers.is_empty(), "nothing more can happen to it");
    let failed = |kind: &AuditKind| matches!(kind, AuditKind::Failed { error } if error.code == code);
    assert!(kinds(runtime, run).await.iter().any(failed), "it is in the audit log");
    assert_eq!(world.alerts(), [format!("{reason} ({code})")], "the error destination is told");
}
