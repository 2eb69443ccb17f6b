//! Signed requests of Slack: interactions and commands.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use sym_integrations::slack::app::SlackApp;
use sym_integrations::slack::fake::{FakeSlack, Member};
use sym_integrations::slack::signature::SigningSecret;
use sym_sdk::clock::VirtualClock;
use sym_sdk::directory::{Directory, MemoryDirectory};
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;
use tower::ServiceExt;
use url::form_urlencoded::Serializer;

use crate::target::{fuzz, with_text};

const WORKSPACE: &str = "T012AB3CD";
const SIGNING_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

/// The front end with its runtime, on a fake workspace.
struct App {
    _slack: FakeSlack,
    harness: Harness,
    router: Router,
    /// A Run whose form is open, and one that waits for a decision. In the samples they are `@FORM` and `@RUN`.
    runs: [(&'static str, String); 2],
}

impl App {
    async fn start() -> Self {
        let clock = std::sync::Arc::new(VirtualClock::at("2024-02-29T12:00:00Z".parse().unwrap()));
        let slack = FakeSlack::builder().workspace(WORKSPACE).clock(clock).signing_secret(SIGNING_SECRET);
        let slack = slack.start().await.unwrap();
        for (id, name) in [("U0ANA", "ana"), ("U0BEN", "ben")] {
            slack.add(Member::new(id).email(format!("{name}@example.com"))).unwrap();
        }
        let directory = Directory::new(MemoryDirectory::new(), ["example.com"]);
        let client = slack.client().directory(directory.clone()).build().unwrap();
        let app = SlackApp::new(client, SigningSecret::new(SIGNING_SECRET.into()).unwrap());
        let delivery = app.clone();
        let harness = Harness::builder().access_flow("prod", ["admins"]).handlers(sym_sdk::handlers![get_permissions]);
        let harness = harness.runtime(|builder| builder.directory(directory)).delivery(delivery);
        let mut harness = harness.build().await.unwrap();
        let router = app.router(harness.runtime().clone());
        let form = harness.prompt("prod", "ana@example.com").await.unwrap().to_string();
        let request = harness.request("prod").by("ana@example.com").target("admins").duration("1h");
        let run = request.await.unwrap().to_string();
        Self { _slack: slack, harness, router, runs: [("@FORM", form), ("@RUN", run)] }
    }

    fn now(&self) -> String {
        self.harness.runtime().clock().now().as_second().to_string()
    }

    async fn post(&self, path: &str, timestamp: &str, signature: &str, body: String) -> Option<StatusCode> {
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-slack-request-timestamp", timestamp)
            .header("x-slack-signature", signature);
        // Text that cannot be in a header never arrives.
        let request = request.body(Body::from(body)).ok()?;
        Some(self.router.clone().oneshot(request).await.unwrap().status())
    }
}

fn sign(timestamp: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SIGNING_SECRET.as_bytes()).unwrap();
    mac.update(format!("v0:{timestamp}:{body}").as_bytes());
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("v0={hex}")
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn fuzz_signed(target: &str, path: &str, encode: impl Fn(&str) -> String) {
    let runtime = runtime();
    let app = runtime.block_on(App::start());
    fuzz(target, |input| {
        with_text(input, |text| {
            let text = app.runs.iter().fold(text.to_owned(), |text, (name, id)| text.replace(name, id));
            let body = encode(&text);
            let now = app.now();
            let status = runtime.block_on(app.post(path, &now, &sign(&now, &body), body)).unwrap();
            assert!(status.is_success() || status.is_client_error(), "{status}");
        });
    });
}

#[test]
fn interactions_are_answered() {
    let payload = |text: &str| Serializer::new(String::new()).append_pair("payload", text).finish();
    fuzz_signed("slack_interaction", "/interactions", payload);
}

#[test]
fn commands_are_answered() {
    fuzz_signed("slack_command", "/commands", str::to_owned);
}

/// The first line of the input is the timestamp, the second one the signature, and the rest is the body.
#[test]
fn only_slacks_own_signature_is_accepted() {
    let runtime = runtime();
    let app = runtime.block_on(App::start());
    fuzz("slack_signature", |input| {
        with_text(input, |text| {
            let mut lines = text.splitn(3, '\n');
            let (timestamp, signature) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
            let body = lines.next().unwrap_or_default().to_owned();
            // Slack does not sign its checks of the certificate, which do nothing.
            let is_check = body.contains("ssl_check=1");
            let is_signed = timestamp == app.now() && signature == sign(timestamp, &body);
            let status = runtime.block_on(app.post("/commands", timestamp, signature, body));
            assert!(
                is_signed || is_check || status.is_none_or(|status| status == StatusCode::UNAUTHORIZED),
                "{status:?}"
            );
        });
    });
}
