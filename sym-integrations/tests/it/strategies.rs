//! Strategies of type `http`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sym_integrations::http::SecretString;
use sym_integrations::http::strategy::HttpStrategy;
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::config::{self, Config, Diagnostics};
use sym_sdk::engine::WorkerLimits;
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::integration::Outbox;
use sym_sdk::machine::EffectKey;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{LocalSecrets, Plugin, Runtime, Submission};
use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult, RevocationScope};
use sym_sdk::testing::Harness;
use wiremock::matchers::{body_partial_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::GRACE;

const TOKEN: &str = "hunter2/\"S3CRET";
const KEY: &str = "0190f5a4-0000-7000-8000-000000000000:7";
const URL: &str = "https://access.example.com/vpn";

fn strategy(replay: &Replay) -> HttpStrategy {
    let builder = HttpStrategy::builder("vpn", URL).bearer_token(SecretString::from(TOKEN));
    builder.connection(replay.connection()).build().unwrap()
}

struct Asked {
    event: Event,
    target: AccessTarget,
    key: EffectKey,
}

impl Asked {
    fn to(step: Step) -> Self {
        let flow = Arc::new(Flow::builder(Slug::parse("prod").unwrap(), "acme").build());
        let ann = User::from_email("ann@example.com").unwrap();
        let target = AccessTarget::new("acme", "office", Slug::parse("main").unwrap()).with_setting("floor", "7");
        let event = Event::builder(flow, step, ann.clone()).actor(Step::Request, ann).target(target.clone()).build();
        Self { event, target, key: KEY.parse().unwrap() }
    }

    fn request(&self) -> AccessRequest<'_> {
        AccessRequest::new(&self.event, &self.target, "ann@example.com", self.key)
    }
}

async fn escalate(replay: &Replay) -> Result<GrantResult> {
    strategy(replay).escalate(&Asked::to(Step::Escalate).request()).await
}

async fn deescalate(replay: &Replay) -> Result<Option<StepOutput>> {
    strategy(replay).deescalate(&Asked::to(Step::Deescalate).request()).await
}

/// Returns the code of an error, after a check that no form of the error contains the token.
fn code(error: &Error) -> String {
    let text = format!("{error} {error:?} {} {}", error.report(), error.to_json());
    assert!(!text.contains("hunter2") && !text.contains("S3CRET"), "{text}");
    error.code().to_string()
}

#[tokio::test]
async fn sends_the_request_and_returns_the_output() {
    let server = MockServer::start().await;
    let answer = json!({ "body": { "profile": "office-7" }, "errors": [] });
    let guarded = Mock::given(method("POST"))
        .and(path("/vpn"))
        .and(header("authorization", "Bearer hunter2"))
        .and(header("content-type", "application/json; charset=utf-8"))
        .and(header("idempotency-key", KEY))
        .and(body_partial_json(json!({
            "type": "event",
            "meta": { "schema_version": 6 },
            "state": { "status": "processing", "errors": [] },
            "event": { "type": "escalate" },
            "run": { "actors": { "request": { "username": "ann@example.com" } } },
            "fields": { "target": { "name": "main", "type": "office", "settings": { "floor": "7" } } },
            "identity": "ann@example.com",
            "idempotency_key": KEY,
        })));
    guarded.respond_with(ResponseTemplate::new(200).set_body_json(&answer)).expect(1).mount(&server).await;
    let strategy = HttpStrategy::builder("vpn", format!("{}/vpn", server.uri()));
    let strategy = strategy.bearer_token(SecretString::from("hunter2")).build().unwrap();
    let granted = strategy.escalate(&Asked::to(Step::Escalate).request()).await.unwrap();
    assert_eq!(granted, GrantResult::granted().with_output(StepOutput(answer)));
    assert_eq!(strategy.revocation_scope(), RevocationScope::Unknown);
    assert!(!format!("{strategy:?}").contains("hunter2"));
}

#[tokio::test]
async fn calls_the_url_as_written() {
    for (url, path) in [
        ("https://f.example.com", "/"),
        ("https://f.example.com/", "/"),
        ("https://f.example.com/a/b", "/a/b"),
        ("https://f.example.com/a/", "/a/"),
    ] {
        let replay = Replay::new();
        replay.post(path).reply(Reply::json(json!({ "body": null, "errors": [] })));
        let strategy = HttpStrategy::builder("vpn", url).connection(replay.connection()).build().unwrap();
        let granted = strategy.escalate(&Asked::to(Step::Escalate).request()).await.unwrap();
        assert_ne!(granted, GrantResult::granted(), "there is an output");
        replay.check().unwrap();
    }
}

/// L01: half of a surrogate pair, or a byte of another encoding, does not make it unknown whether there is access.
#[tokio::test]
async fn a_character_cut_in_half_does_not_spoil_a_response() {
    let replay = Replay::new();
    for answer in [br#"{"body":"on it \ud83d","errors":[]}"#.as_slice(), b"{\"body\":\"on it \xf0\x9f\",\"errors\":[]}"] {
        replay.post("/vpn").times(2).reply(Reply::status(200).body(answer.to_vec()));
        let output = StepOutput(json!({ "body": "on it \u{fffd}", "errors": [] }));
        assert_eq!(escalate(&replay).await.unwrap(), GrantResult::granted().with_output(output.clone()));
        assert_eq!(deescalate(&replay).await.unwrap(), Some(output));
    }
    replay.check().unwrap();
}

#[tokio::test]
async fn reported_errors_fail_the_step() {
    let replay = Replay::new();
    let answer = json!({ "body": {}, "errors": ["no such floor", "and no lift"] });
    replay.post("/vpn").times(2).reply(Reply::json(&answer));
    let rejected = escalate(&replay).await.unwrap();
    let errors = ["no such floor".to_owned(), "and no lift".to_owned()];
    assert_eq!(rejected, GrantResult::rejected(errors).with_output(StepOutput(answer)));

    let error = deescalate(&replay).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Strategy, &codes::STRATEGY_REPORTED_ERRORS));
    assert_eq!(error.message(), "`vpn` did not revoke the access: no such floor; and no lift");
}

/// A response of anything other than the function has neither granted nor revoked access.
#[tokio::test]
async fn rejects_malformed_responses() {
    let no_reply = |body: Value| Reply::json(body).header("x-request-id", "r-1");
    let cases = [
        (no_reply(json!({})), "HTTP:ERROR_RESPONSE", Some("`errors` is missing")),
        (no_reply(json!({ "body": {} })), "HTTP:ERROR_RESPONSE", Some("`errors` is missing")),
        (no_reply(json!({ "errors": [] })), "HTTP:ERROR_RESPONSE", Some("`body` is missing")),
        (no_reply(json!({ "body": {}, "errors": null })), "HTTP:ERROR_RESPONSE", Some("`errors` is not a list")),
        (no_reply(json!("granted")), "HTTP:ERROR_RESPONSE", Some("expected an object")),
        (no_reply(json!({ "ok": true, "token": TOKEN })), "HTTP:ERROR_RESPONSE", Some("`errors` is missing")),
        (Reply::status(204), "HTTP:INVALID_RESPONSE", Some("empty body")),
        (Reply::text("<html>log in</html>"), "HTTP:INVALID_RESPONSE", Some("got HTML")),
        (Reply::text(r#"{"body": {}, "errors": ["#), "HTTP:INVALID_RESPONSE", Some("truncated")),
        (Reply::text(" ".repeat(1024 * 1024 + 1)), "HTTP:TOO_LARGE", None),
    ];
    for (reply, expected, said) in cases {
        let replay = Replay::new();
        replay.post("/vpn").times(2).reply(reply);
        for error in [escalate(&replay).await.unwrap_err(), deescalate(&replay).await.unwrap_err()] {
            assert_eq!((code(&error).as_str(), error.kind()), (expected, ErrorKind::Decode));
            assert!(said.is_none_or(|said| error.message().contains(said)), "{error}");
            assert!(!error.is_retryable());
            if expected == "HTTP:ERROR_RESPONSE" {
                assert_eq!((error.status(), error.request_id()), (Some(200), Some("r-1")));
                assert!(error.message().contains("`vpn`") && error.hint().unwrap().contains("errors"), "{error:?}");
            }
        }
    }
}

#[tokio::test]
async fn retries_by_status() {
    let cases = [
        (Reply::status(401), "HTTP:AUTH_FAILED", false, 1),
        (Reply::status(403), "HTTP:FORBIDDEN", false, 1),
        (Reply::status(404), "HTTP:NOT_FOUND", false, 1),
        (Reply::status(400), "HTTP:INVALID_REQUEST", false, 1),
        (Reply::status(500), "HTTP:UNAVAILABLE", true, 1),
        (Reply::status(503), "HTTP:UNAVAILABLE", true, 4),
        (Reply::status(429), "HTTP:RATE_LIMITED", true, 4),
        (Reply::status(429).header("retry-after", "90"), "HTTP:RATE_LIMITED", true, 1),
        (Reply::status(302).header("location", "https://evil.example.com/"), "HTTP:REDIRECTED", false, 1),
        (Reply::unreachable(), "HTTP:UNREACHABLE", true, 4),
        (Reply::connection_lost(), "HTTP:CONNECTION_LOST", true, 4),
        (Reply::timed_out(), "HTTP:TIMED_OUT", true, 4),
    ];
    for (reply, expected, retryable, calls) in cases {
        let replay = Replay::new();
        replay.post("/vpn").header("idempotency-key", KEY).times(calls).reply(reply.body(TOKEN));
        let error = escalate(&replay).await.unwrap_err();
        assert_eq!((code(&error).as_str(), error.is_retryable()), (expected, retryable), "{error}");
        replay.check().unwrap();
    }
}

#[tokio::test]
async fn retries_with_the_same_idempotency_key() {
    let replay = Replay::new();
    replay.post("/vpn").header("idempotency-key", KEY).reply(Reply::connection_lost());
    replay.post("/vpn").header("idempotency-key", KEY).reply(Reply::json(json!({ "body": {}, "errors": [] })));
    assert!(deescalate(&replay).await.unwrap().is_some());
    let calls = replay.calls();
    assert_eq!(calls[0].body, calls[1].body);
}

/// The attempt whose response was lost may still be at work, and grant the access.
#[tokio::test]
async fn errors_after_a_lost_response_are_no_rejection() {
    let refused = || Reply::json(json!({ "body": {}, "errors": ["already running"] }));
    let replay = Replay::new();
    replay.post("/vpn").reply(refused());
    assert!(format!("{:?}", escalate(&replay).await.unwrap()).contains("already running"));

    replay.post("/vpn").reply(Reply::timed_out());
    replay.post("/vpn").reply(refused());
    let error = escalate(&replay).await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.is_outcome_unknown()), ("AccessStrategy:REPORTED_ERRORS", true));
    assert!(error.message().ends_with("did not grant the access: already running"), "{error}");

    replay.post("/vpn").reply(Reply::timed_out());
    replay.post("/vpn").reply(Reply::json(json!({ "body": {}, "errors": [] })));
    assert!(escalate(&replay).await.is_ok());
    replay.check().unwrap();
}

#[tokio::test]
async fn throttled_grants_do_not_delay_revocations() {
    let replay = Replay::new();
    let strategy = strategy(&replay);
    replay.post("/vpn").reply(Reply::status(429).header("retry-after", "90"));
    let asked = Asked::to(Step::Escalate);
    assert_eq!(code(&strategy.escalate(&asked.request()).await.unwrap_err()), "HTTP:RATE_LIMITED");
    assert_eq!(code(&strategy.escalate(&asked.request()).await.unwrap_err()), "HTTP:RATE_LIMITED");
    assert_eq!(replay.calls().len(), 1, "the function asked to be left alone");

    replay.post("/vpn").reply(Reply::json(json!({ "body": {}, "errors": [] })));
    strategy.deescalate(&Asked::to(Step::Deescalate).request()).await.unwrap();
    assert_eq!(replay.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn redacts_echoed_tokens() {
    let replay = Replay::new();
    let echo = json!({ "body": { "headers": [{ "authorization": format!("Bearer {TOKEN}") }] }, "errors": [] });
    replay.post("/vpn").reply(Reply::json(echo));
    let output = deescalate(&replay).await.unwrap().unwrap();
    assert_eq!(output.0["body"]["headers"][0]["authorization"], "Bearer [redacted]");

    replay.post("/vpn").reply(Reply::json(json!({ "body": {}, "errors": [format!("bad token {TOKEN}")] })));
    let error = deescalate(&replay).await.unwrap_err();
    assert_eq!(code(&error), "AccessStrategy:REPORTED_ERRORS");
}

#[derive(Deserialize)]
struct Answer {
    body: Profile,
}

#[derive(Deserialize)]
struct Profile {
    profile: String,
}

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

#[hook]
fn after_escalate(answer: StepOutput<Answer>, outbox: State<Outbox>) {
    outbox.record("dm", "ana", &answer.body.profile);
}

async fn approved(harness: &mut Harness) -> RunId {
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    run
}

#[tokio::test]
async fn a_run_uses_the_function() {
    let replay = Replay::new();
    replay.post("/vpn").reply(Reply::json(json!({ "body": { "profile": "office-7" }, "errors": [] })));
    replay.post("/vpn").reply(Reply::json(json!({ "body": {}, "errors": ["try later"] })));
    replay.post("/vpn").reply(Reply::json(json!({ "body": {}, "errors": [] })));
    let outbox = Outbox::new();
    let builder = Harness::builder()
        .access_flow("prod", ["office"])
        .handlers(sym_sdk::handlers![get_permissions, after_escalate])
        .strategy("test", strategy(&replay))
        .state(outbox.clone())
        .outbox(outbox);
    let mut harness = builder.build().await.unwrap();
    let run = approved(&mut harness).await;
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Escalated);
    assert_eq!(harness.outbox().sent()[0].text, "office-7");
    harness.run_to_end().await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);

    let bodies = replay.calls().into_iter().map(|call| serde_json::from_str::<Value>(&call.body).unwrap());
    let bodies: Vec<_> = bodies.collect();
    let steps: Vec<_> = bodies.iter().map(|body| body["event"]["type"].as_str().unwrap()).collect();
    assert_eq!(steps, ["escalate", "deescalate", "deescalate"]);
    assert!(bodies.iter().all(|body| body["run"]["actors"]["request"]["username"] == "ana@example.com"));
    assert_ne!(bodies[0]["idempotency_key"], bodies[1]["idempotency_key"]);
    assert_ne!(bodies[1]["idempotency_key"], bodies[2]["idempotency_key"], "what was refused is asked for anew");
    replay.check().unwrap();
}

#[tokio::test]
async fn rejected_grants_are_revoked() {
    let replay = Replay::new();
    replay.post("/vpn").reply(Reply::json(json!({ "body": {}, "errors": ["no room"] })));
    replay.post("/vpn").reply(Reply::json(json!({ "body": {}, "errors": [] })));
    let builder = Harness::builder().access_flow("prod", ["office"]).strategy("test", strategy(&replay));
    let mut harness = builder.handlers(sym_sdk::handlers![get_permissions]).build().await.unwrap();
    let run = approved(&mut harness).await;
    harness.run_to_end().await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Errored);
    let state = harness.run(run).await.unwrap();
    assert!(state.error.as_ref().unwrap().message.contains("no room"));
    replay.check().unwrap();
}

fn declared(settings: &[(&str, &str)]) -> Config {
    let mut flow = config::Flow { name: "prod".into(), environment: "main".into(), ..Default::default() };
    flow.params.strategy = Some(config::Reference::typed("http", "vpn"));
    Config {
        organization: config::Organization { slug: "acme".into(), domains: vec!["example.com".into()] },
        flows: vec![flow],
        environments: vec![config::Environment { name: "main".into(), ..Default::default() }],
        targets: vec![config::Target { kind: "office".into(), name: "main".into(), ..Default::default() }],
        strategies: vec![config::Strategy {
            kind: "http".into(),
            name: "vpn".into(),
            targets: vec![config::Reference::typed("office", "main")],
            settings: settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            ..Default::default()
        }],
        secret_sources: vec![config::SecretSource {
            kind: "environment".into(),
            name: "env".into(),
            ..Default::default()
        }],
        secrets: vec![config::Secret {
            name: "token".into(),
            path: "TOKEN".into(),
            source: "env".into(),
            ..Default::default()
        }],
        ..Config::default()
    }
}

async fn build(settings: &[(&str, &str)], token: &str) -> Result<Runtime, Diagnostics> {
    let builder = Runtime::builder(declared(settings))
        .registry(sym_sdk::handlers![get_permissions])
        .secrets(LocalSecrets::with_variables([("TOKEN", token)]));
    sym_integrations::all().install(builder).build().await
}

#[tokio::test]
async fn builds_the_strategy_from_its_configuration() {
    let server = MockServer::start().await;
    let answer = json!({ "body": {}, "errors": [] });
    let guarded = Mock::given(method("POST")).and(path("/vpn")).and(header("authorization", "Bearer hunter2"));
    guarded.respond_with(ResponseTemplate::new(200).set_body_json(answer)).mount(&server).await;
    let url = format!("{}/vpn", server.uri());
    let runtime = build(&[("url", &url), ("bearer_token_secret", "token")], "hunter2").await.unwrap();
    assert!(!format!("{runtime:?}").contains("hunter2"));
    let workers = runtime.start(WorkerLimits::default());
    let request = Submission::request("prod", "ana@example.com").input("duration", "1h");
    let run = runtime.submit(request).await.unwrap().run;
    runtime.directory().contact("ben@example.com").await.unwrap();
    runtime.submit(Submission::approve(run, "ben@example.com")).await.unwrap();
    let escalated = async {
        while runtime.run(run).await.unwrap().state.run.status() != RunStatus::Escalated {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(GRACE, escalated).await.unwrap();
    workers.shutdown(GRACE).await;
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn rejects_invalid_settings() {
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);
    let cases: [Case<'_>; 10] = [
        (&[], "t", "strategy `vpn` needs the setting `url`"),
        (&[("url", "http://f.example.com/hunter2")], "t", "the base URL of host `f.example.com` must use https"),
        (&[("url", "https://ana:hunter2@f.example.com/")], "t", "contains a user name or a password"),
        (&[("url", "https://f.example.com/?code=hunter2")], "t", "contains a query or a fragment"),
        (&[("url", "hunter2")], "t", "the base URL is invalid"),
        (
            &[("ulr", "https://f.example.com/")],
            "t",
            "strategy `vpn` has the setting `ulr`, which type `http` does not have",
        ),
        (&[("url", "https://f.example.com/"), ("bearer_token_secret", "tokne")], "t", "which is not declared"),
        (&[("url", "https://f.example.com/"), ("bearer_token_secret", "token")], "hunter2\nhunter2", "strategy `vpn`"),
        (&[("url", "https://f.example.com/"), ("bearer_token_secret", "token")], "hunter2 ", "ends with a blank"),
        (&[("url", "https://f.example.com/"), ("bearer_token_secret", "token")], "hunter2–", "not ASCII"),
    ];
    for (settings, token, expected) in cases {
        let faults = build(settings, token).await.unwrap_err();
        assert!(faults.to_string().contains(expected), "{faults}");
        assert!(!format!("{faults} {faults:?}").contains("hunter2"), "{faults}");
    }
}
