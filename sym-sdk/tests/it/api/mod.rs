//! The HTTP API, with its routes in process and a virtual clock.

mod administration;
mod audit;
mod callers;
mod changes;
mod client;
mod decisions;
mod document;
mod events;
mod flows;
mod limits;
mod open_requests;
mod problems;
mod runs;
mod sessions;
mod sign_in;
mod trusts;
#[cfg(feature = "remote")]
mod typed_client;

use std::time::Duration;

use serde_json::{Value, json};
use sym_sdk::api::{Api, ApiLimits};
use sym_sdk::audit::AuditKind;
use sym_sdk::config::FlowsFilter;
use sym_sdk::handlers;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Runtime, Submission};
use sym_sdk::server::Server;
use sym_sdk::server::axum::Router;
use sym_sdk::testing::{Harness, HarnessBuilder};

use client::{Answer, Call};

const HOUR: Duration = Duration::from_secs(3_600);

/// Ben, and the bot `deployer`, may decide; viewers are administrators.
#[reducer]
async fn get_permissions(directory: &Directory) -> Result<RequestPermission> {
    let ben = directory.get_or_create_user_by_email("ben@example.com").await?;
    let bots = directory.bots().await?.into_iter().filter(|bot| bot.username() == "deployer");
    let deciders = user_ids(bots.chain([ben])).or(PermissionLevel::Admin);
    Ok(RequestPermission::decided_by(deciders).seen_by(PermissionLevel::Admin))
}

/// Hides the flow `secret` from all but administrators.
#[reducer]
fn get_flows(user: &User, flows: &Flows) -> Vec<std::sync::Arc<Flow>> {
    flows.iter().filter(|flow| user.is_admin() || flow.name().as_str() != "secret").cloned().collect()
}

/// Returns what the audit log says about accounts, each line with the one who did it. The log is intact, and has none of the secrets.
async fn account_record(runtime: &Runtime, secrets: &[&str]) -> Vec<String> {
    sym_sdk::audit::verify(&**runtime.engine()).await.unwrap();
    let entries = runtime.audit(None, usize::MAX).await.unwrap();
    let all = serde_json::to_string(&entries).unwrap();
    assert!(secrets.iter().all(|secret| !all.contains(secret)), "{all}");
    let of_accounts = entries.iter().filter_map(|entry| match &entry.kind {
        AuditKind::Account(event) => Some(format!("{}: {event}", entry.event.actor.username())),
        _ => None,
    });
    of_accounts.collect()
}

/// The API, a harness of the flows behind it, and tokens of bots.
struct TestApi {
    harness: Harness,
    routes: Router,
    /// A member.
    ci: String,
    /// A member who is named as a decider.
    deployer: String,
    /// An administrator.
    ops: String,
}

impl TestApi {
    async fn start() -> Self {
        let with_filter =
            |builder: HarnessBuilder| builder.declare(|config| config.flows_filter = Some(FlowsFilter::default()));
        Self::with(ApiLimits::default(), with_filter).await
    }

    async fn with(limits: ApiLimits, change: impl FnOnce(HarnessBuilder) -> HarnessBuilder) -> Self {
        let builder = Harness::builder()
            .access_flow("prod", ["prod-db", "staging"])
            .approval_flow("secret")
            .handlers(handlers![get_permissions, get_flows])
            .admin("ada@example.com")
            .runtime(move |builder| builder.front_end(Api::new().limits(limits)));
        let harness = change(builder).build().await.unwrap();
        let routes = Server::new(harness.runtime().clone()).router();
        let mut api = Self { harness, routes, ci: String::new(), deployer: String::new(), ops: String::new() };
        api.ci = api.token_of("ci", UserRole::Member).await;
        api.deployer = api.token_of("deployer", UserRole::Member).await;
        api.ops = api.token_of("ops", UserRole::Admin).await;
        api
    }

    /// Adds a bot, and returns a token of it.
    async fn token_of(&self, name: &str, role: UserRole) -> String {
        let directory = self.harness.runtime().directory();
        let bot = directory.create_bot(name).await.unwrap();
        directory.set_role(bot.id(), role).await.unwrap();
        let issued = directory.issue_token(bot.id(), "test", 30 * 24 * HOUR).await.unwrap();
        secrecy::ExposeSecret::expose_secret(&issued.secret).to_owned()
    }

    async fn get(&self, token: &str, path: &str) -> Answer {
        Call::get(path).token(token).send(&self.routes).await
    }

    async fn post(&self, token: &str, path: &str, body: Value) -> Answer {
        Call::post(path, body).token(token).send(&self.routes).await
    }

    /// Makes a request as Ana, and returns the id of its Run.
    async fn request(&mut self) -> String {
        let body = json!({
            "flow_srn": "prod",
            "user_email": "ana@example.com",
            "flow_inputs": { "target_srn": self.target(), "duration": 3_600 },
        });
        let receipt = self.post(&self.ci, "/events/request", body).await.ok();
        self.settle().await;
        receipt["run_id"].as_str().unwrap().to_owned()
    }

    fn target(&self) -> String {
        let flow = self.harness.runtime().flow("prod").unwrap();
        flow.strategy().unwrap().targets()[0].srn().to_string()
    }

    /// Executes what is due.
    async fn settle(&mut self) {
        self.harness.advance(Duration::ZERO).await.unwrap();
    }

    /// Approves a request as Ben, and lets the access be granted.
    async fn approve(&mut self, run: &str) {
        let run = run.parse().unwrap();
        self.harness.runtime().submit(Submission::approve(run, "ben@example.com")).await.unwrap();
        self.settle().await;
    }
}
