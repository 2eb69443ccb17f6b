//! Agents, through the client of the protocol's library and over HTTP, with a virtual clock.

mod http;
mod official_clients;
mod requests;
mod sessions;
#[cfg(all(feature = "cli", feature = "sqlite", unix))]
mod stdio;
mod tools;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rmcp::ClientHandler;
use rmcp::model::{CallToolRequestParams, ProgressNotificationParam};
use rmcp::service::{NotificationContext, RoleClient, RunningService, ServiceExt as _};
use secrecy::SecretString;
use serde_json::{Value, json};
use sym_sdk::handlers;
use sym_sdk::mcp::{Mcp, McpLimits, serve_stream};
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::server::CancellationToken;
use sym_sdk::testing::{Harness, HarnessBuilder};
use tokio::task::JoinHandle;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// Ben and Ana may decide.
#[reducer]
async fn get_permissions(directory: &Directory) -> Result<RequestPermission> {
    let people = directory.get_or_create_users_by_emails(["ana@example.com", "ben@example.com"]).await?;
    Ok(RequestPermission::decided_by(user_ids(people).or(PermissionLevel::Admin)).seen_by(PermissionLevel::Admin))
}

/// A harness of flows that admit agents, and the front end.
struct World {
    harness: Harness,
    mcp: Mcp,
}

impl World {
    async fn start() -> Self {
        Self::with(|builder| builder).await
    }

    async fn with(change: impl FnOnce(HarnessBuilder) -> HarnessBuilder) -> Self {
        let mcp = Mcp::new().limits(McpLimits::default());
        let mounted = mcp.clone();
        let builder = Harness::builder()
            .access_flow("prod", ["prod-db", "staging"])
            .approval_flow("plan")
            .access_flow("people", ["admins"])
            .handlers(handlers![get_permissions])
            .admin("ada@example.com")
            .declare(|config| {
                for flow in &mut config.flows {
                    if flow.name != "people" {
                        flow.params.allowed_sources = Some(vec!["mcp".into(), "api".into()]);
                    }
                }
            })
            .runtime(move |builder| builder.front_end(mounted));
        Self { harness: change(builder).build().await.unwrap(), mcp }
    }

    fn directory(&self) -> Directory {
        self.harness.runtime().directory().clone()
    }

    /// Adds an agent of Ana's, and returns a token of it.
    async fn token_of(&self, name: &str) -> String {
        let directory = self.directory();
        let ana = directory.get_or_create_user_by_email("ana@example.com").await.unwrap();
        directory.get_or_create_user_by_email("ben@example.com").await.unwrap();
        let agent = directory.create_agent(name, ana.id()).await.unwrap();
        let issued = directory.issue_token(agent.id(), "test", 30 * 24 * HOUR).await.unwrap();
        secrecy::ExposeSecret::expose_secret(&issued.secret).to_owned()
    }

    /// Connects as an agent over a stream.
    async fn connect(&self, token: &str) -> Agent {
        let (client, server) = tokio::io::duplex(64 * 1024);
        let (input, output) = tokio::io::split(server);
        let (mcp, runtime, stop) = (self.mcp.clone(), self.harness.runtime().clone(), CancellationToken::new());
        let (token, stopping) = (SecretString::from(token), stop.clone());
        let server = tokio::spawn(async move { serve_stream(&mcp, &runtime, token, input, output, stopping).await });
        let progress = Progress::default();
        let client = progress.clone().serve(client).await.unwrap();
        Agent { client, server, stop, progress }
    }

    /// Executes what is due.
    async fn settle(&mut self) {
        self.harness.advance(Duration::ZERO).await.unwrap();
    }

    async fn approve(&mut self, run: RunId) {
        self.harness.approve_as(run, "ben@example.com").await.unwrap();
        self.settle().await;
    }

    async fn status(&self, run: RunId) -> RunStatus {
        self.harness.status(run).await.unwrap()
    }

    /// Returns the number of Runs that there are.
    async fn runs(&self) -> usize {
        self.harness.runtime().runs(Default::default(), usize::MAX).await.unwrap().len()
    }
}

/// The progress that a client was told.
#[derive(Clone, Default)]
struct Progress(Arc<Mutex<Vec<String>>>);

impl Progress {
    fn messages(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl ClientHandler for Progress {
    async fn on_progress(&self, progress: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        self.0.lock().unwrap().extend(progress.message);
    }
}

/// An agent with a client of the protocol's library.
struct Agent {
    client: RunningService<RoleClient, Progress>,
    server: JoinHandle<Result<()>>,
    stop: CancellationToken,
    progress: Progress,
}

impl Agent {
    /// Calls a tool, and returns whether it failed and what it returned.
    async fn try_call(&self, tool: &'static str, arguments: Value) -> (bool, Value) {
        call(self.client.peer().clone(), tool, arguments).await
    }

    async fn call(&self, tool: &'static str, arguments: Value) -> Value {
        let (is_error, value) = self.try_call(tool, arguments).await;
        assert!(!is_error, "{value}");
        value
    }

    /// Returns the code with which a tool fails.
    async fn code(&self, tool: &'static str, arguments: Value) -> String {
        let (is_error, value) = self.try_call(tool, arguments).await;
        assert!(is_error, "{value}");
        value["code"].as_str().unwrap().to_owned()
    }

    /// Requests access, and returns the Run.
    async fn request(&self) -> RunId {
        run_of(&self.call("request_access", prod("1h")).await)
    }

    /// Ends the input of the server.
    async fn disconnect(self) {
        self.client.cancel().await.unwrap();
        self.server.await.unwrap().unwrap();
    }

    /// Stops the server, as when the program stops.
    async fn stop_server(self) {
        self.stop.cancel();
        self.server.await.unwrap().unwrap();
    }
}

async fn call(peer: rmcp::Peer<RoleClient>, tool: &'static str, arguments: Value) -> (bool, Value) {
    let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
    let result = peer.call_tool(CallToolRequestParams::new(tool).with_arguments(arguments)).await.unwrap();
    let text = result.content[0].as_text().unwrap().text.clone();
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(result.structured_content.as_ref(), Some(&value));
    (result.is_error == Some(true), value)
}

fn prod(duration: &str) -> Value {
    json!({ "flow": "prod", "target": "prod-db", "duration": duration })
}

fn run_of(view: &Value) -> RunId {
    view["run_id"].as_str().unwrap().parse().unwrap()
}
