//! The command `replay`: recorded requests through the handlers and the configuration of today.
//!
//! Each test records requests with one program, and replays them with another.

mod answers;
mod bounds;
mod courses;
mod stores;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sym_sdk::App;
use sym_sdk::app::Exit;
use sym_sdk::clock::VirtualClock;
use sym_sdk::config::{Config, PromptField};
use sym_sdk::engine::{InputKey, SqliteStore};
use sym_sdk::handler::Registry;
use sym_sdk::handlers;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Runtime, Submission};
use sym_sdk::strategy::{SimulatedStrategy, StrategyType};
use sym_sdk::testing::{RecordingDelivery, RecordingStrategy};
use tempfile::TempDir;

use crate::support::access_flow;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// The time of the first request.
const START: &str = "2024-02-29T12:00:00Z";

/// The handlers under which requests are recorded: members decide.
mod members {
    use sym_sdk::prelude::*;

    #[reducer]
    pub(super) fn get_permissions() -> RequestPermission {
        RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
    }

    #[reducer]
    pub(super) fn get_request_notifications() -> Result<Vec<Notification>> {
        Ok(vec![Notification::to(SlackChannelName::new("#zugänge")?)])
    }
}

/// The handlers of the recorded program.
fn recorded_handlers() -> Registry {
    handlers![members::get_permissions, members::get_request_notifications]
}

/// A flow with an optional reason, for people of `example.com`.
fn config() -> Config {
    let mut config = access_flow("test");
    config.organization.domains.push("example.com".into());
    let reason =
        PromptField { name: "reason".into(), field_type: "string".into(), required: false, ..PromptField::default() };
    config.flows[0].params.prompt_fields.push(reason);
    config
}

/// A store on disk, and the program that records requests in it.
struct Recording {
    dir: TempDir,
    clock: Arc<VirtualClock>,
    handlers: Registry,
    config: Config,
    client: Option<answers::Duty>,
}

impl Recording {
    fn new() -> Self {
        Self::with(recorded_handlers(), config())
    }

    fn with(handlers: Registry, config: Config) -> Self {
        let clock = Arc::new(VirtualClock::at(START.parse().unwrap()));
        Self { dir: tempfile::tempdir().unwrap(), clock, handlers, config, client: None }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("runs.db")
    }

    async fn start(&self) -> Runtime {
        let strategy = RecordingStrategy::new();
        let builder = Runtime::builder(self.config.clone());
        let builder = match &self.client {
            Some(client) => builder.client(client.clone()),
            None => builder,
        };
        builder
            .registry(self.handlers.clone())
            .delivery(RecordingDelivery::new())
            .strategy_type(StrategyType::new("test", move |_| Ok(strategy.clone())))
            .clock(self.clock.clone())
            .sqlite(Arc::new(SqliteStore::open(self.path()).await.unwrap()))
            .build()
            .await
            .unwrap()
    }

    /// Replays with other handlers.
    async fn replay(&self, handlers: Registry) -> Replayed {
        self.replay_with(handlers, config(), &[]).await
    }

    /// Replays with other handlers, another configuration and more arguments.
    async fn replay_with(&self, handlers: Registry, config: Config, args: &[&str]) -> Replayed {
        let path = self.path();
        let args = [&["program", "replay", "--db", path.to_str().unwrap()], args].concat();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let exit = app(handlers, config).run_from(args, &mut out, &mut err).await;
        Replayed { exit, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
    }

    async fn json(&self, handlers: Registry, config: Config) -> (Exit, Value) {
        let done = self.replay_with(handlers, config, &["--json"]).await;
        let value = serde_json::from_str(&done.out).unwrap_or_else(|error| panic!("{error}: {}", done.out));
        (done.exit, value)
    }
}

/// The program of today. Nothing real may be built.
fn app(handlers: Registry, config: Config) -> App {
    App::new()
        .registry(handlers)
        .config(config)
        .strategy_type(StrategyType::new("test", |_| -> sym_sdk::Result<SimulatedStrategy> {
            panic!("a real strategy was built")
        }))
}

struct Replayed {
    exit: Exit,
    out: String,
    err: String,
}

/// Makes a request, whose ids are the same each time.
async fn request(runtime: &Runtime, requester: &str, duration: &str) -> RunId {
    let key = InputKey::new(format!("{requester} {duration}"));
    let request = Submission::request("prod", requester).input("duration", duration).input("reason", "größer").key(key);
    let run = runtime.submit(request).await.unwrap().run;
    runtime.run_until_idle().await.unwrap();
    run
}

async fn approve(runtime: &Runtime, run: RunId, approver: &str) {
    runtime.directory().contact(approver).await.unwrap();
    runtime.submit(Submission::approve(run, approver)).await.unwrap();
    runtime.run_until_idle().await.unwrap();
}

/// The parts that differ, of the request with this number.
fn parts(replayed: &Value, number: usize) -> Vec<&str> {
    let differences = replayed["requests"][number]["differences"].as_array();
    differences.into_iter().flatten().map(|difference| difference["part"].as_str().unwrap()).collect()
}
