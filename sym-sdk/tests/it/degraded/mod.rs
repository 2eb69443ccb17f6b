//! Programs that start without everything that is configured: one fault keeps no other access from ending.

mod configuration;
mod removed_flows;
mod secrets;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::SecretString;
use sym_sdk::audit::AuditKind;
use sym_sdk::clock::VirtualClock;
use sym_sdk::config::{Config, Diagnostics, ErrorLogger, Flow, FlowParams, Reference, Strategy, Target};
use sym_sdk::directory::{Directory, DirectoryStore, MemoryDirectory};
use sym_sdk::engine::{MemoryStore, RunFilter};
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::handler::Registry;
use sym_sdk::handlers;
use sym_sdk::model::{RunId, Secret, SecretSource};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Builder, Runtime, SecretReader, Submission, UnavailablePart};
use sym_sdk::strategy::StrategyType;
use sym_sdk::testing::{RecordingDelivery, RecordingStrategy};

use crate::support;

const HOUR: Duration = Duration::from_secs(60 * 60);

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).allow_self_approval(true)
}

fn plain() -> Registry {
    handlers![get_permissions]
}

/// Secrets by name, of which some cannot be read.
#[derive(Clone, Default)]
struct Secrets {
    unreadable: Arc<Mutex<BTreeSet<String>>>,
}

impl Secrets {
    fn lose(&self, name: &str) {
        self.unreadable.lock().unwrap().insert(name.to_owned());
    }

    fn restore(&self) {
        self.unreadable.lock().unwrap().clear();
    }
}

impl SecretReader for Secrets {
    fn reads(&self, _: &SecretSource) -> bool {
        true
    }

    async fn read(&self, secret: &Secret) -> Result<SecretString> {
        if self.unreadable.lock().unwrap().contains(secret.path()) {
            let message = format!("secret `{}` is locked away", secret.name());
            return Err(Error::new(ErrorKind::Configuration, codes::UNKNOWN_SECRET, message));
        }
        Ok(SecretString::from("token"))
    }
}

/// The flows `one` and `two`, each with a strategy, a target and an integration of its own name, whose secret is `one` or `two`.
fn config() -> Config {
    let mut config = support::flows(&[]);
    config.organization.domains.push("example.com".into());
    for name in ["one", "two"] {
        let reference = Reference::typed("test", name);
        let mut integration = support::integration("test", name, name);
        integration.settings = support::settings(&[("token_secret", name)]);
        config.integrations.push(integration);
        config.targets.push(Target { kind: "test".into(), name: name.into(), ..Target::default() });
        config.strategies.push(Strategy {
            kind: "test".into(),
            name: name.into(),
            integration: Some(reference.clone()),
            targets: vec![reference.clone()],
            ..Strategy::default()
        });
        config.flows.push(Flow {
            name: name.into(),
            environment: "main".into(),
            params: FlowParams { strategy: Some(reference), ..FlowParams::default() },
            ..Flow::default()
        });
    }
    support::add_secrets(&mut config, &[("one", "one"), ("two", "two")]);
    let logger = ErrorLogger { name: "errors".into(), destination: "#errors".into(), ..ErrorLogger::default() };
    config.error_loggers.push(logger);
    config.environments[0].error_logger = Some("errors".into());
    config
}

/// The configuration without flow `one`, whose strategy is still declared.
fn without_flow() -> Config {
    let mut config = config();
    config.flows.remove(0);
    config
}

/// The configuration without anything that belongs to flow `one`.
fn without_strategy() -> Config {
    let mut config = without_flow();
    config.strategies.remove(0);
    config.targets.remove(0);
    config.integrations.remove(0);
    config.secrets.remove(0);
    config
}

/// The things that outlive a process.
struct World {
    store: Arc<MemoryStore>,
    users: Arc<dyn DirectoryStore>,
    secrets: Secrets,
    strategy: RecordingStrategy,
    delivery: RecordingDelivery,
    clock: Arc<VirtualClock>,
}

impl World {
    fn new() -> Self {
        Self {
            store: Arc::new(MemoryStore::new()),
            users: Arc::new(MemoryDirectory::new()),
            secrets: Secrets::default(),
            strategy: RecordingStrategy::new(),
            delivery: RecordingDelivery::new(),
            clock: Arc::new(VirtualClock::at("2024-02-29T12:00:00Z".parse().unwrap())),
        }
    }

    fn builder(&self, config: Config) -> Builder {
        let strategy = self.strategy.clone();
        Runtime::builder(config)
            .registry(plain())
            .directory(Directory::from_store(self.users.clone(), ["example.com"]))
            .delivery(self.delivery.clone())
            .secrets(self.secrets.clone())
            .strategy_type(StrategyType::new("test", move |_| Ok(strategy.clone())))
            .clock(self.clock.clone())
            .store(self.store.clone())
    }

    async fn start(&self, config: Config) -> Runtime {
        self.builder(config).build_degraded().await.unwrap()
    }

    async fn start_strictly(&self, config: Config) -> Result<Runtime, Diagnostics> {
        self.builder(config).build().await
    }

    /// The names of the targets that access is given to.
    fn granted(&self) -> Vec<String> {
        self.strategy.granted().into_iter().map(|(target, _)| target.name().to_string()).collect()
    }

    /// The start of a program in which Ana has access to `one` and `two` for an hour. The Runs are those of `one` and `two`.
    async fn with_access(&self) -> [RunId; 2] {
        let runtime = self.start_strictly(config()).await.unwrap();
        let mut runs = Vec::new();
        for flow in ["one", "two"] {
            let run = request(&runtime, flow).await.unwrap();
            runtime.submit(Submission::approve(run, "ana@example.com")).await.unwrap();
            runtime.run_until_idle().await.unwrap();
            runs.push(run);
        }
        assert_eq!(self.granted(), ["one", "two"]);
        runs.try_into().unwrap()
    }
}

async fn request(runtime: &Runtime, flow: &str) -> Result<RunId> {
    let run = runtime.submit(Submission::request(flow, "ana@example.com").input("duration", "1h")).await?.run;
    runtime.run_until_idle().await.unwrap();
    Ok(run)
}

async fn status(runtime: &Runtime, run: RunId) -> RunStatus {
    runtime.run(run).await.unwrap().state.run.status()
}

/// The Runs that an operator finds with `runs --stuck`.
async fn stuck(runtime: &Runtime) -> Vec<RunId> {
    let mut filter = RunFilter::default();
    filter.stuck = true;
    let runs = runtime.runs(filter, usize::MAX).await.unwrap();
    runs.iter().map(|run| run.state.run.id()).collect()
}

/// The names of the unavailable parts, each with its kind.
fn unavailable(runtime: &Runtime) -> Vec<(UnavailablePart, String)> {
    runtime.unavailable().into_iter().map(|part| (part.part, part.name)).collect()
}
