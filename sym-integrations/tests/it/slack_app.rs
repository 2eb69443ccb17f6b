//! The Slack front end, from the signed request to what users see.

mod agents;
mod cards;
mod cases;
mod changes;
mod click;
mod decisions;
mod denials;
mod events;
mod extensions;
mod fields;
mod forms;
mod identity;
mod limits;
mod lists;
mod moved_channels;
mod outages;
mod rate_limits;
mod receipts;
mod refusals;
mod requests;
mod restart;
mod shared_clock;
mod socket;
mod vanished;
mod views;

use std::ops::Deref;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use expect_test::ExpectFile;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use sym_integrations::slack::app::SlackApp;
use sym_integrations::slack::fake::{FakeSlack, Member, View};
use sym_integrations::slack::signature::SigningSecret;
use sym_integrations::slack::{self, SlackBuilder};
use sym_sdk::clock::{Clock, VirtualClock};
use sym_sdk::config;
use sym_sdk::directory::{Directory, MemoryDirectory};
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::testing::{Harness, HarnessBuilder};
use tower::ServiceExt;
use url::form_urlencoded::Serializer;

use crate::GRACE;

const WORKSPACE: &str = "T012AB3CD";
const TOKEN: &str = "xoxb-17653672481-S3CRET";
const SIGNING_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

#[reducer]
fn get_request_notifications() -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(slack::channel("#access")?)])
}

/// Returns a harness with the flow `prod` and these fields.
fn builder(fields: Vec<config::PromptField>) -> HarnessBuilder {
    Harness::builder().access_flow("prod", ["admins", "readers"]).admin("ada@example.com").declare(move |config| {
        config.flows[0].label = Some("Production".into());
        config.flows[0].params.prompt_fields = fields;
    })
}

fn field(name: &str, kind: &str) -> config::PromptField {
    config::PromptField { name: name.into(), field_type: kind.into(), ..config::PromptField::default() }
}

fn reason() -> config::PromptField {
    config::PromptField { label: Some("Reason".into()), ..field("reason", "string") }
}

/// A fake workspace for tests that build requests by hand. Its clock only advances when told to.
struct Workspace {
    fake: FakeSlack,
    clock: Arc<VirtualClock>,
}

impl Deref for Workspace {
    type Target = FakeSlack;

    fn deref(&self) -> &FakeSlack {
        &self.fake
    }
}

impl Workspace {
    async fn start() -> Self {
        let clock = Arc::new(VirtualClock::at("2024-02-29T12:00:00Z".parse().unwrap()));
        Self::start_with(clock.clone(), clock).await
    }

    /// Starts a workspace with another clock than the one that tests set.
    async fn start_with(clock: Arc<VirtualClock>, of_workspace: Arc<dyn Clock>) -> Self {
        let fake = FakeSlack::builder().workspace(WORKSPACE).clock(of_workspace);
        let fake = fake.bot_token(TOKEN).signing_secret(SIGNING_SECRET).start().await.unwrap();
        let workspace = Self { fake, clock };
        for (id, name) in [("U0ANA", "ana"), ("U0BEN", "ben"), ("U0CYD", "cyd"), ("U0ADA", "ada")] {
            workspace.join(Member::new(id).email(format!("{name}@example.com")));
        }
        workspace
    }

    fn join(&self, member: Member) {
        self.add(member).unwrap();
    }

    /// Returns a trigger id that can open one view.
    fn trigger(&self) -> String {
        self.fake.trigger("U0ANA")
    }

    /// Lets all trigger ids expire.
    fn expire(&self) {
        self.clock.advance(Duration::from_secs(3));
    }

    /// Waits until a method was called this often, and returns the arguments of the last call.
    async fn called(&self, method: &str, times: usize) -> Value {
        let called = tokio::time::timeout(GRACE, self.fake.called(method, times)).await;
        called.unwrap_or_else(|_| panic!("{method} was not called {times} times")).unwrap()
    }

    /// Waits for the only call of any of these methods, and returns its arguments.
    async fn called_once(&self, methods: &[&str]) -> Value {
        let calls: Vec<_> = methods.iter().flat_map(|method| self.calls(method)).collect();
        if calls.is_empty() {
            return self.called(methods[0], 1).await;
        }
        assert_eq!(calls.len(), 1, "{calls:?}");
        calls[0].clone()
    }

    /// Returns the container and the content of the last message in a channel.
    fn message(&self) -> (Value, Value) {
        self.message_in('C')
    }

    /// Returns the container and the content of the last direct message.
    fn direct_message(&self) -> (Value, Value) {
        self.message_in('D')
    }

    /// Returns the contents of the direct messages to a person, as they are now.
    fn direct_messages(&self, account: &str) -> Vec<Value> {
        let channel = format!("D{account}");
        self.messages().into_iter().filter(|message| message.channel() == channel).map(|m| m.raw().clone()).collect()
    }

    /// Returns the updates of messages in channels, without those of direct messages.
    fn card_updates(&self) -> Vec<Value> {
        let mut updates = self.calls("chat.update");
        updates.retain(|update| !update["channel"].as_str().unwrap().starts_with('D'));
        updates
    }

    fn message_in(&self, kind: char) -> (Value, Value) {
        let mut messages = self.messages().into_iter();
        let message = messages.rfind(|message| message.channel().starts_with(kind) && message.only_for().is_none());
        let message = message.unwrap();
        (json!({ "channel_id": message.channel(), "message_ts": message.ts() }), message.raw().clone())
    }

    /// Returns the view that was opened last.
    fn view(&self) -> Value {
        let views = self.members().into_iter().filter_map(|member| self.person(member.id()).view());
        views.max_by_key(|view| view.id().to_owned()).as_ref().map(View::raw).unwrap()
    }
}

/// A workspace with the front end and its runtime.
struct World {
    fake: Workspace,
    harness: Harness,
    app: SlackApp,
    router: Router,
    clicks: u32,
}

struct HttpResponse {
    status: StatusCode,
    body: Value,
}

impl World {
    async fn new(harness: HarnessBuilder) -> Self {
        Self::with_app(harness, |slack| {
            SlackApp::new(slack.build().unwrap(), SigningSecret::new(SIGNING_SECRET.into()).unwrap())
        })
        .await
    }

    async fn with_app(harness: HarnessBuilder, app: impl FnOnce(SlackBuilder) -> SlackApp) -> Self {
        Self::in_workspace(Workspace::start().await, harness, app).await
    }

    async fn in_workspace(
        fake: Workspace,
        harness: HarnessBuilder,
        app: impl FnOnce(SlackBuilder) -> SlackApp,
    ) -> Self {
        let directory = Directory::new(MemoryDirectory::new(), ["example.com"]);
        let app = app(fake.client().directory(directory.clone()));
        let delivery = app.clone();
        let harness = harness.runtime(|builder| builder.directory(directory)).delivery(delivery);
        let harness = harness.idle_timeout(GRACE).build().await.unwrap();
        // Nobody decides with their first contact.
        for email in ["ben@example.com", "cyd@example.com"] {
            harness.runtime().directory().contact(email).await.unwrap();
        }
        let router = app.router(harness.runtime().clone());
        Self { fake, harness, app, router, clicks: 0 }
    }

    /// Starts the default world, whose form has a reason.
    async fn with_reason() -> Self {
        let handlers = sym_sdk::handlers![get_permissions, get_request_notifications];
        Self::new(builder(vec![reason()]).handlers(handlers)).await
    }

    /// Makes a request outside of Slack.
    async fn request(&mut self) -> RunId {
        let request = self.harness.request("prod").by("ana@example.com").target("admins").duration("1h");
        request.field("reason", "incident 42").await.unwrap()
    }

    /// Runs everything that is due now.
    async fn settle(&mut self) {
        self.harness.simulation_mut().settle().await.unwrap();
    }

    async fn send(&self, path: &str, body: String, content_type: &str) -> HttpResponse {
        self.send_as(self.signed_as(path, body, content_type)).await
    }

    fn signed(&self, path: &str, payload: &Value) -> Request<Body> {
        self.signed_as(path, encode(payload), "application/x-www-form-urlencoded")
    }

    fn signed_as(&self, path: &str, body: String, content_type: &str) -> Request<Body> {
        let now = self.harness.runtime().clock().now().as_second().to_string();
        let signature = sign(&now, &body);
        let request = Request::post(path)
            .header("content-type", content_type)
            .header("x-slack-request-timestamp", now)
            .header("x-slack-signature", signature);
        request.body(Body::from(body)).unwrap()
    }

    async fn send_as(&self, request: Request<Body>) -> HttpResponse {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        HttpResponse { status, body: serde_json::from_slice(&body).unwrap_or(Value::Null) }
    }

    async fn interact(&self, payload: &Value) -> HttpResponse {
        self.send_as(self.signed("/interactions", payload)).await
    }

    async fn command(&self, account: &str, text: &str) -> HttpResponse {
        let trigger = self.fake.trigger();
        self.command_with(account, text, &trigger).await
    }

    async fn command_with(&self, account: &str, text: &str, trigger: &str) -> HttpResponse {
        let body = Serializer::new(String::new())
            .append_pair("command", "/sym")
            .append_pair("team_id", WORKSPACE)
            .append_pair("user_id", account)
            .append_pair("channel_id", "C0GENERAL")
            .append_pair("channel_name", "general")
            .append_pair("text", text)
            .append_pair("trigger_id", trigger)
            .finish();
        self.send("/commands", body, "application/x-www-form-urlencoded").await
    }

    /// Clicks a button of the message that was posted last.
    async fn click(&mut self, account: &str, action: &str, run: RunId) -> HttpResponse {
        let payload = self.clicked(account, action, run);
        self.interact(&payload).await
    }

    fn clicked(&mut self, account: &str, action: &str, run: RunId) -> Value {
        self.clicks += 1;
        let (container, message) = self.fake.message();
        json!({
            "type": "block_actions",
            "team": { "id": WORKSPACE },
            "user": { "id": account, "team_id": WORKSPACE },
            "container": container,
            "channel": { "id": container["channel_id"], "name": "access" },
            "message": message,
            "response_url": self.fake.response_url(account, container["channel_id"].as_str().unwrap()),
            "trigger_id": self.fake.trigger(),
            "actions": [{
                "type": "button",
                "action_id": action,
                "block_id": "b",
                "value": run.to_string(),
                "action_ts": format!("1709208100.{:06}", self.clicks),
            }],
        })
    }

    /// Restarts the front end, with empty caches.
    fn restart(&mut self) {
        let directory = self.harness.runtime().directory().clone();
        let slack = self.fake.client().directory(directory).build().unwrap();
        self.app = SlackApp::new(slack, SigningSecret::new(SIGNING_SECRET.into()).unwrap());
        self.router = self.app.router(self.harness.runtime().clone());
    }

    /// Opens the form of `prod` and returns its view.
    async fn open(&mut self, account: &str) -> Value {
        let updates = self.fake.calls("views.update").len();
        let answer = self.command(account, "req prod").await;
        assert_eq!((answer.status, answer.body), (StatusCode::OK, Value::Null));
        self.shown(updates + 1).await
    }

    /// Waits for this number of view updates, and returns the last view.
    async fn shown(&mut self, updates: usize) -> Value {
        let work = async {
            // The form is requested in another task.
            while self.fake.calls("views.update").len() < updates {
                tokio::task::yield_now().await;
                self.harness.simulation_mut().settle().await.unwrap();
            }
        };
        tokio::time::timeout(GRACE, work).await.expect("the view is updated");
        self.fake.view()
    }

    async fn submit(&self, account: &str, view: &Value, values: Value) -> HttpResponse {
        self.interact(&self.submission(account, view, values)).await
    }

    /// Sends an event of the workspace.
    async fn event(&self, event: Value) -> HttpResponse {
        let callback = json!({ "type": "event_callback", "team_id": WORKSPACE, "event_id": "Ev1", "event": event });
        self.send("/events", callback.to_string(), "application/json").await
    }

    fn submission(&self, account: &str, view: &Value, values: Value) -> Value {
        let mut view = view.clone();
        view["state"] = json!({ "values": values });
        json!({
            "type": "view_submission",
            "team": { "id": WORKSPACE },
            "user": { "id": account },
            "trigger_id": self.fake.trigger(),
            "view": view,
        })
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Without this, a view that Slack rejected would look like one that is late.
        if !std::thread::panicking() {
            assert!(self.fake.faults().is_empty(), "{:#?}", self.fake.faults());
        }
    }
}

fn encode(payload: &Value) -> String {
    Serializer::new(String::new()).append_pair("payload", &payload.to_string()).finish()
}

fn sign(timestamp: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SIGNING_SECRET.as_bytes()).unwrap();
    mac.update(format!("v0:{timestamp}:{body}").as_bytes());
    let tag = mac.finalize().into_bytes();
    let hex: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("v0={hex}")
}

fn text(value: &str) -> Value {
    json!({ "value": { "type": "plain_text_input", "value": value } })
}

fn option(value: &str) -> Value {
    json!({ "value": { "type": "static_select", "selected_option": { "value": value } } })
}

/// Returns the content of a message, without its channel.
fn content(message: &Value) -> Value {
    json!({ "text": message["text"], "blocks": message["blocks"] })
}

/// Compares with a golden file, in which random ids are replaced by names.
fn golden(file: ExpectFile, json: &Value, names: &[(&str, String)]) {
    let mut text = serde_json::to_string_pretty(json).unwrap();
    for (name, id) in names {
        text = text.replace(id, name);
    }
    file.assert_eq(&format!("{text}\n"));
}
