//! The audit log, to a URL, against a server of the test's own.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::SecretString;
use serde_json::Value;
use sha2::Sha256;
use sym_integrations::audit_format::AuditFormat;
use sym_integrations::http::log_destination::HttpDestination;
use sym_sdk::BoxFuture;
use sym_sdk::audit::{
    self, AuditAnchor, AuditDestination, AuditHead, AuditKey, AuditLine, AuditLog, AuditRecord, Verifier,
};
use sym_sdk::clock::VirtualClock;
use sym_sdk::config::{self, Config};
use sym_sdk::engine::{MemoryStore, Store, WorkerLimits};
use sym_sdk::error::ErrorKind;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{LocalSecrets, Runtime, Submission};
use sym_sdk::testing::Harness;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::GRACE;
use crate::http::support::Ear;

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

/// The lines of a log.
pub(crate) async fn lines() -> Vec<AuditLine> {
    lines_with_target_setting("").await
}

/// The lines of a log whose larger entries contain this text, in a setting of the target.
pub(crate) async fn lines_with_target_setting(text: &str) -> Vec<AuditLine> {
    let builder = Harness::builder().access_flow("prod", ["admins"]).handlers(sym_sdk::handlers![get_permissions]);
    let builder = builder.declare(|config| {
        config.targets[0].settings.insert("note".to_owned(), text.to_owned());
    });
    let mut harness = builder.build().await.unwrap();
    harness.request("prod").duration("1h").await.unwrap();
    let lines = audit::lines(&**harness.runtime().engine(), 0, 100).await.unwrap();
    assert!(lines.len() > 3);
    lines
}

/// A log with one record that this version cannot read, as a later version may have written it.
struct LaterLog;

const LATER_TEXT: &str = r#"{"kind":"levitated","schema":999}"#;

impl AuditLog for LaterLog {
    fn records_after(&self, seq: u64, limit: usize) -> BoxFuture<'_, Result<Vec<AuditRecord>>> {
        Box::pin(async move {
            let AuditHead { seq: number, hash, .. } = AuditHead::START.followed_by(LATER_TEXT);
            let record = AuditRecord::new(number, AuditHead::START.hash, hash, LATER_TEXT);
            Ok(if seq < number && limit > 0 { vec![record] } else { Vec::new() })
        })
    }

    fn run_records_before(&self, _run: RunId, _seq: u64) -> BoxFuture<'_, Result<Vec<AuditRecord>>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn head(&self) -> BoxFuture<'_, Result<AuditHead>> {
        Box::pin(async { Ok(AuditHead::START.followed_by(LATER_TEXT)) })
    }
}

/// A line whose entry cannot be read.
pub(crate) async fn unreadable_line() -> AuditLine {
    let lines = audit::lines(&LaterLog, 0, 100).await.unwrap();
    let [line] = &*lines else { panic!("one line") };
    assert!(line.record().entry().is_err());
    line.clone()
}

/// The key of [`anchor`].
pub(crate) fn anchor_key() -> AuditKey {
    AuditKey::new(&SecretString::from("0123456789abcdef0123456789abcdef")).unwrap()
}

/// An anchor of the last of these lines.
pub(crate) fn anchor(lines: &[AuditLine]) -> AuditAnchor {
    let last = lines.last().unwrap().record();
    AuditAnchor::new(last.head(), last.entry().unwrap().at, Some(&anchor_key()))
}

/// Verifies what a service has received: the lines, and one anchor of them.
pub(crate) fn is_anchored(text: &str) -> bool {
    let mut verifier = Verifier::new().with_key(anchor_key());
    verifier.read("", text.as_bytes()).unwrap();
    let verified = verifier.finish().unwrap();
    verified.is_authenticated && verified.anchors == 1 && verified.anchored == Some(verified.head)
}

#[hook]
fn on_request() -> Result<()> {
    Err(Error::new(ErrorKind::Unavailable, sym_sdk::error::codes::CONFIGURATION, "no answer"))
}

/// The lines of a log with an event that failed.
pub(crate) async fn lines_with_a_failure() -> Vec<AuditLine> {
    let handlers = sym_sdk::handlers![get_permissions, on_request];
    let mut harness = Harness::builder().access_flow("prod", ["admins"]).handlers(handlers).build().await.unwrap();
    let _ = harness.request("prod").duration("1h").await;
    let lines = audit::lines(&**harness.runtime().engine(), 0, 100).await.unwrap();
    assert!(lines.iter().any(is_failure) && !lines.iter().all(is_failure));
    lines
}

/// Whether an entry says that an event has failed.
pub(crate) fn is_failure(line: &AuditLine) -> bool {
    line.record().entry().unwrap().kind.event_status() == Some(audit::EventStatus::Error)
}

async fn server(answers: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).and(path("/audit")).respond_with(answers).mount(&server).await;
    server
}

fn to(server: &MockServer) -> HttpDestination {
    HttpDestination::new("test", &format!("{}/audit", server.uri())).unwrap()
}

async fn bodies(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    requests.into_iter().map(|request| String::from_utf8(request.body).unwrap()).collect()
}

#[tokio::test]
async fn posts_each_entry_as_a_json_object_in_order() {
    let server = MockServer::start().await;
    let guarded = Mock::given(method("POST"))
        .and(header("authorization", "Bearer hunter2"))
        .and(header("content-type", "application/json"));
    guarded.respond_with(ResponseTemplate::new(204)).mount(&server).await;
    let destination = to(&server).bearer_token(&SecretString::from("hunter2")).unwrap();
    let lines = lines().await;
    assert_eq!(destination.deliver(&lines).await.unwrap(), lines.len());
    let sent: Vec<_> = lines.iter().map(AuditLine::as_str).collect();
    assert_eq!(bodies(&server).await, sent);
    let first: Value = serde_json::from_str(sent[0]).unwrap();
    assert_eq!((&first["type"], &first["meta"]["schema_version"]), (&"event".into(), &6.into()));
}

#[tokio::test]
async fn posts_batches_as_json_lines() {
    let server = server(ResponseTemplate::new(200)).await;
    let lines = lines().await;
    assert_eq!(to(&server).in_batches_of(3).deliver(&lines).await.unwrap(), lines.len());
    let bodies = bodies(&server).await;
    assert_eq!(bodies.len(), lines.len().div_ceil(3));
    assert_eq!(bodies[0].lines().count(), 3);
    assert!(audit::verify_lines(bodies.concat().as_bytes()).is_ok());
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests[0].headers["content-type"], "application/x-ndjson");
}

#[tokio::test]
async fn posts_an_anchor_as_an_entry_of_its_own_kind() {
    let lines = lines().await;
    for batch in [None, Some(3)] {
        let server = server(ResponseTemplate::new(200)).await;
        let secret = SecretString::from("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
        let mut destination = to(&server).signed_with(&secret).unwrap().clock(clock());
        if let Some(lines) = batch {
            destination = destination.in_batches_of(lines);
        }
        destination.deliver(&lines).await.unwrap();
        let anchor = anchor(&lines);
        destination.deliver_anchor(&anchor).await.unwrap();
        let bodies: Vec<_> = bodies(&server).await.iter().map(|body| body.trim_end().to_owned()).collect();
        assert!(is_anchored(&(bodies.join("\n") + "\n")));
        assert_eq!(bodies.last().unwrap(), &anchor.to_line());
        let requests = server.received_requests().await.unwrap();
        let last = &requests.last().unwrap().headers;
        let content_type = if batch.is_some() { "application/x-ndjson" } else { "application/json" };
        assert_eq!(last["content-type"], content_type);
        assert_eq!(last["webhook-id"], anchor.id().to_string());
        assert!(last.contains_key("webhook-signature"));
    }
    let failing = server(ResponseTemplate::new(503)).await;
    assert!(to(&failing).deliver_anchor(&anchor(&lines)).await.unwrap_err().is_retryable());
}

/// The signature is that of the Standard Webhooks specification, which any of its libraries verifies.
#[tokio::test]
async fn requests_can_be_signed() {
    let server = server(ResponseTemplate::new(204)).await;
    let lines = lines().await;
    // 32 bytes, as the specification's libraries write them.
    let secret = SecretString::from("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    let signed = to(&server).signed_with(&secret).unwrap().clock(clock());
    signed.deliver(&lines).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    for (request, line) in requests.iter().zip(&lines) {
        let header = |name: &str| request.headers[name].to_str().unwrap().to_owned();
        assert_eq!(header("webhook-id"), line.id().to_string(), "a repeated request has the same id");
        assert_eq!(header("webhook-timestamp"), "1709208000");
        let key: Vec<u8> = (0..32).collect();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{}.1709208000.{}", line.id(), line.as_str()).as_bytes());
        let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
        assert_eq!(header("webhook-signature"), format!("v1,{signature}"));
    }
    assert!(!format!("{signed:?}").contains("AAEC"));
    for bad in ["whsec_c2hvcnQ=", "hunter2!", ""] {
        let error = to(&server).signed_with(&SecretString::from(bad)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

/// Returns whether a request is signed with a key, as the specification says, by the header that has a list of signatures.
fn is_signed_with(request: &Request, key: &[u8]) -> bool {
    let header = |name: &str| request.headers[name].to_str().unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(header("webhook-id").as_bytes());
    mac.update(b".");
    mac.update(header("webhook-timestamp").as_bytes());
    mac.update(b".");
    mac.update(&request.body);
    let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    header("webhook-signature").split(' ').any(|known| known.split_once(',') == Some(("v1", signature.as_str())))
}

/// While a secret is replaced, receivers with either of both accept a request.
#[tokio::test]
async fn requests_are_signed_with_both_secrets_while_one_replaces_the_other() {
    let server = server(ResponseTemplate::new(204)).await;
    let lines = lines().await;
    let secret = |byte: u8| {
        SecretString::from(format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode([byte; 32])))
    };
    let signed = to(&server).also_signed_with(&secret(1)).unwrap().signed_with(&secret(2)).unwrap().clock(clock());
    signed.deliver(&lines).await.unwrap();
    for request in server.received_requests().await.unwrap() {
        assert!(is_signed_with(&request, &[1; 32]) && is_signed_with(&request, &[2; 32]));
        assert!(!is_signed_with(&request, &[3; 32]));
        let signatures = request.headers["webhook-signature"].to_str().unwrap();
        assert_eq!(signatures.split(' ').count(), 2, "{signatures}");
    }
}

#[tokio::test]
async fn events_have_a_type_and_the_entry_as_data() {
    let server = server(ResponseTemplate::new(204)).await;
    let mut lines = lines().await;
    let secret = SecretString::from("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    let webhook = to(&server).as_webhook().signed_with(&secret).unwrap().clock(clock());
    webhook.deliver(&lines).await.unwrap();
    webhook.deliver_anchor(&anchor(&lines)).await.unwrap();
    let key: Vec<u8> = (0..32).collect();
    let requests = server.received_requests().await.unwrap();
    assert!(requests.iter().all(|request| is_signed_with(request, &key)));
    let events: Vec<Value> = requests.iter().map(|request| serde_json::from_slice(&request.body).unwrap()).collect();
    let types: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types[0], "run.received");
    assert!(types.contains(&"run.requested") && types.contains(&"run.routed"), "{types:?}");
    assert_eq!(types.last(), Some(&"audit.anchor"));
    for (event, line) in events.iter().zip(&lines) {
        assert_eq!(event["data"], serde_json::from_str::<Value>(line.as_str()).unwrap());
        assert_eq!(event["timestamp"], "2024-02-29T12:00:00Z");
    }
    // The data is the line word for word, so it can be verified.
    let text: String = bodies(&server).await[..lines.len()]
        .iter()
        .map(|body| format!("{}\n", body.split_once(r#""data":"#).unwrap().1.strip_suffix('}').unwrap()))
        .collect();
    assert_eq!(audit::verify_lines(text.as_bytes()).unwrap().head.seq, lines.last().unwrap().seq());
    lines = lines_with_a_failure().await;
    let failing = self::server(ResponseTemplate::new(204)).await;
    to(&failing).as_webhook().deliver(&lines).await.unwrap();
    assert!(bodies(&failing).await.iter().any(|body| body.starts_with(r#"{"type":"run.errored","#)));
}

#[tokio::test]
async fn only_the_events_that_are_named_are_sent() {
    let lines = lines().await;
    for (events, batch, expected) in [
        ("run.requested", None, vec!["run.requested"]),
        ("run.requested , run.received", Some(50), vec!["run.received", "run.requested"]),
        ("user.*", None, vec![]),
    ] {
        let server = server(ResponseTemplate::new(204)).await;
        let mut destination = to(&server).as_webhook().only(events).unwrap();
        if let Some(lines) = batch {
            destination = destination.in_batches_of(lines);
        }
        assert_eq!(destination.deliver(&lines).await.unwrap(), lines.len(), "what is left out counts as sent");
        destination.deliver_anchor(&anchor(&lines)).await.unwrap();
        let bodies = bodies(&server).await;
        let events = bodies.iter().flat_map(|body| body.lines()).map(|line| serde_json::from_str::<Value>(line).unwrap());
        let types: Vec<_> = events.map(|event| event["type"].as_str().unwrap().to_owned()).collect();
        assert_eq!(types, expected);
        assert_eq!(bodies.len(), if expected.is_empty() { 0 } else { 1 });
    }
    // All of a subject is all but the anchor.
    let server = server(ResponseTemplate::new(204)).await;
    let all = to(&server).only("run.*").unwrap();
    all.deliver(&lines).await.unwrap();
    all.deliver_anchor(&anchor(&lines)).await.unwrap();
    let sent: Vec<_> = lines.iter().map(AuditLine::as_str).collect();
    assert_eq!(bodies(&server).await, sent);
    // What handlers have asked is a type like the others.
    assert!(to(&server).only("run.looked_up, extension.looked_up").is_ok());
    for bad in ["", "run.aproved", "approved", "run.", "*", "run.approved,", "user.approved"] {
        let error = to(&server).only(bad).unwrap_err();
        assert!(error.message().contains("is no type of event"), "{bad}: {error}");
    }
}

/// An event that could not be sent comes again, and those before it do not.
#[tokio::test]
async fn a_failure_among_events_that_are_left_out_repeats_only_what_failed() {
    let server = MockServer::start().await;
    let accepts_one = Mock::given(method("POST")).respond_with(ResponseTemplate::new(204)).up_to_n_times(1);
    accepts_one.mount(&server).await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(503)).mount(&server).await;
    let lines = lines().await;
    let destination = HttpDestination::new("test", &server.uri()).unwrap().as_webhook();
    let destination = destination.only("run.received, run.requested").unwrap();
    assert_eq!(destination.deliver(&lines).await.unwrap(), 1);
    assert!(destination.deliver(&lines[1..]).await.unwrap_err().is_retryable());
    let types = bodies(&server).await;
    let types: Vec<_> = types.iter().map(|body| body.split('"').nth(3).unwrap()).collect();
    assert_eq!(types, ["run.received", "run.requested", "run.requested"]);
}

#[tokio::test]
async fn entries_can_be_events_of_ocsf() {
    let server = server(ResponseTemplate::new(204)).await;
    let lines = lines().await;
    to(&server).format(AuditFormat::Ocsf).deliver(&lines).await.unwrap();
    for body in bodies(&server).await {
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["category_uid"], 3);
    }
}

#[tokio::test]
async fn the_status_decides_whether_a_retry_can_help() {
    let lines = lines().await;
    let cases = [
        (429, ErrorKind::RateLimited, true),
        (500, ErrorKind::Unavailable, true),
        (503, ErrorKind::Unavailable, true),
        (401, ErrorKind::Unauthorized, false),
        (403, ErrorKind::Forbidden, false),
        (404, ErrorKind::Configuration, false),
        (413, ErrorKind::Configuration, false),
    ];
    for (status, kind, retryable) in cases {
        let server = server(ResponseTemplate::new(status).set_body_string("hunter2")).await;
        let error = to(&server).deliver(&lines).await.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable(), error.status()), (kind, retryable, Some(status)));
        assert_eq!(error.hint().is_some(), !retryable, "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "what a server writes is not repeated");
        assert_eq!(bodies(&server).await.len(), 1, "those after it wait for the first");
    }
}

#[tokio::test]
async fn entries_acknowledged_before_a_failure_are_not_repeated() {
    let server = MockServer::start().await;
    let lines = lines().await;
    let third = lines[2].as_str().to_owned();
    let is_third = move |request: &Request| request.body == third.as_bytes();
    Mock::given(is_third).respond_with(ResponseTemplate::new(500)).with_priority(1).mount(&server).await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    assert_eq!(to(&server).deliver(&lines).await.unwrap(), 2);
    assert_eq!(to(&server).deliver(&lines[2..]).await.unwrap_err().status(), Some(500));
}

#[tokio::test]
async fn honours_retry_after() {
    let lines = lines().await;
    let cases = [
        ("7", Some(7)),
        ("86400", Some(15 * 60)),
        ("Thu, 29 Feb 2024 13:00:05 GMT", Some(5)),
        ("0", Some(0)),
        ("soon", None),
    ];
    for (asked, seconds) in cases {
        let busy = ResponseTemplate::new(429)
            .insert_header("date", "Thu, 29 Feb 2024 13:00:00 GMT")
            .insert_header("retry-after", asked);
        let server = server(busy).await;
        let destination = to(&server);
        let error = destination.deliver(&lines).await.unwrap_err();
        assert_eq!(error.retry_after(), seconds.map(Duration::from_secs), "{asked}");
        let again = destination.deliver(&lines).await.unwrap_err();
        assert_eq!((again.status(), again.is_retryable()), (Some(429), true));
        let is_left_alone = seconds.is_some_and(|seconds| seconds > 0);
        assert_eq!(bodies(&server).await.len(), if is_left_alone { 1 } else { 2 }, "{asked}");
        assert!(again.retry_after() <= error.retry_after());
    }
}

#[tokio::test]
async fn does_not_follow_redirects() {
    let other = server(ResponseTemplate::new(200)).await;
    let away = ResponseTemplate::new(307).insert_header("location", format!("{}/audit", other.uri()));
    let server = server(away).await;
    let destination = to(&server).bearer_token(&SecretString::from("hunter2")).unwrap();
    let error = destination.deliver(&lines().await).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Configuration, Some(307)));
    assert!(bodies(&other).await.is_empty(), "nor is the token given away");
}

#[tokio::test]
async fn a_silent_server_times_out() {
    let server = server(ResponseTemplate::new(200).set_delay(Duration::from_secs(60))).await;
    let destination = to(&server).timeout(Duration::from_millis(50));
    let error = destination.deliver(&lines().await).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Timeout, true));

    let gone = HttpDestination::new("test", "http://127.0.0.1:1/audit?token=hunter2").unwrap();
    let error = gone.deliver(&lines().await).await.unwrap_err();
    assert!(error.is_retryable());
    assert!(!format!("{error:?} {}", error.report()).contains("hunter2"), "a URL can hold a token");
}

#[test]
fn urls_are_https_or_loopback() {
    for good in ["https://logs.example.com/x", "http://127.0.0.1:8080", "http://[::1]/", "http://localhost/a?b=c"] {
        assert!(HttpDestination::new("test", good).is_ok(), "{good}");
    }
    let bad = [
        "http://logs.example.com/hunter2",
        "http://localhost.example.com/hunter2",
        "ftp://localhost/hunter2",
        "https://ana:hunter2@logs.example.com/",
        "hunter2",
        "",
    ];
    for bad in bad {
        let error = HttpDestination::new("test", bad).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn debug_and_errors_redact_secrets() {
    let new = || HttpDestination::new("test", "https://logs.example.com/?key=hunter2").unwrap();
    let destination = new().header("X-Api-Key", SecretString::from("hunter2")).unwrap();
    assert!(!format!("{destination:?}").contains("hunter2"), "{destination:?}");
    for bad in
        [new().bearer_token(&SecretString::from("hunter2\n")), new().header("a b", SecretString::from("hunter2"))]
    {
        assert!(!format!("{:?}", bad.unwrap_err()).contains("hunter2"));
    }
    assert_eq!(new().bearer_token(&SecretString::from("")).unwrap_err().kind(), ErrorKind::Configuration);
}

/// A proxy would be sent the token and the entries, in clear.
#[test]
fn loopback_bypasses_proxies() {
    const PROXY: (&str, &str) = ("http_proxy", "http://127.0.0.1:1");
    if std::env::var(PROXY.0).is_ok_and(|proxy| proxy == PROXY.1) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(async {
            let server = server(ResponseTemplate::new(200)).await;
            to(&server).deliver(&lines().await).await.unwrap();
        });
    }
    // The environment is that of the whole program, so the test is run in another one.
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "log_destinations::loopback_bypasses_proxies"])
        .env(PROXY.0, PROXY.1)
        .env_remove("no_proxy")
        .env_remove("NO_PROXY")
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    assert!(String::from_utf8_lossy(&child.stdout).contains("1 passed"));
}

fn declared(settings: &[(&str, &str)]) -> Config {
    let named = |kind: &str| config::Reference::typed(kind, "archive");
    Config {
        organization: config::Organization { slug: "acme".into(), domains: vec!["example.com".into()] },
        flows: vec![config::Flow { name: "prod".into(), environment: "main".into(), ..Default::default() }],
        environments: vec![config::Environment {
            name: "main".into(),
            log_destinations: vec![named("http")],
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
        log_destinations: vec![config::LogDestination {
            kind: "http".into(),
            name: "archive".into(),
            settings: settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            ..Default::default()
        }],
        ..Config::default()
    }
}

async fn build(
    config: Config,
    store: Arc<dyn Store>,
    clock: Arc<VirtualClock>,
) -> Result<Runtime, config::Diagnostics> {
    use sym_sdk::runtime::Plugin;
    let builder = Runtime::builder(config)
        .registry(sym_sdk::handlers![get_permissions])
        .secrets(LocalSecrets::with_variables([("TOKEN", "hunter2")]))
        .store(store)
        .clock(clock);
    sym_integrations::all().install(builder).build().await
}

fn clock() -> Arc<VirtualClock> {
    Arc::new(VirtualClock::at("2024-02-29T12:00:00Z".parse().unwrap()))
}

/// Lets everything else go on until something is the case.
async fn until(is_so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(GRACE, waiting).await.unwrap();
}

#[tokio::test]
async fn a_configured_destination_catches_up_after_an_outage() {
    let server = MockServer::start().await;
    let down = Mock::given(method("POST")).respond_with(ResponseTemplate::new(500)).up_to_n_times(5).with_priority(1);
    down.mount(&server).await;
    let up = Mock::given(header("authorization", "Bearer hunter2")).respond_with(ResponseTemplate::new(200));
    up.mount(&server).await;
    let (store, clock) = (Arc::new(MemoryStore::new()), clock());
    let config = declared(&[("url", &server.uri()), ("bearer_token_secret", "token")]);
    let runtime = build(config, store.clone(), clock.clone()).await.unwrap();
    let (ear, _guard) = Ear::listen();
    let workers = runtime.start(WorkerLimits::default());
    let run = runtime.submit(Submission::request("prod", "ana@example.com")).await.unwrap().run;
    runtime.directory().contact("ben@example.com").await.unwrap();
    runtime.submit(Submission::approve(run, "ben@example.com")).await.unwrap();
    // A failure is logged if the one before is an hour old, and its pause begins before anybody else is scheduled.
    for failures in 1..=5 {
        until(async || ear.heard().matches("audit entries wait for their destination").count() == failures).await;
        clock.advance(Duration::from_secs(60 * 60));
    }
    until(async || {
        let progress = runtime.audit_progress().await.unwrap();
        progress[0].behind == 0 && progress[0].delivered > 5
    })
    .await;
    workers.shutdown(GRACE).await;
    let bodies = bodies(&server).await;
    assert_eq!(
        bodies[..6].iter().collect::<std::collections::BTreeSet<_>>().len(),
        1,
        "the first entry came six times"
    );
    let text: String = bodies[5..].iter().map(|body| format!("{body}\n")).collect();
    assert_eq!(audit::verify_lines(text.as_bytes()).unwrap().head, store.audit_head().await.unwrap());
    assert!(!text.contains("hunter2"));
}

#[tokio::test]
async fn invalid_settings_are_reported_at_start() {
    let cases: [(&[(&str, &str)], &str); 9] = [
        (&[("url", "https://a.example.com/"), ("events", "run.aproved")], "`events` has `run.aproved`, which is no type of event"),
        (
            &[("url", "https://a.example.com/"), ("previous_signing_secret", "token")],
            "`previous_signing_secret` needs the `signing_secret` that replaces it",
        ),
        (&[("url", "https://a.example.com/"), ("format", "cef")], "`format` must be `sym` or `ocsf`, got `cef`"),
        (&[("url", "https://a.example.com/"), ("signing_secret", "token")], "the signing secret must be `whsec_`"),
        (&[], "log destination `archive` needs the setting `url`"),
        (&[("url", "http://logs.example.com/")], "uses `http`, expected `https`"),
        (
            &[("url", "https://a.example.com/"), ("batch", "many")],
            "`batch` must be a positive number of entries, got `many`",
        ),
        (
            &[("ulr", "https://a.example.com/")],
            "log destination `archive` has the setting `ulr`, which type `http` does not have",
        ),
        (&[("url", "https://a.example.com/"), ("bearer_token_secret", "tokne")], "which is not declared"),
    ];
    for (settings, expected) in cases {
        let errors = build(declared(settings), Arc::new(MemoryStore::new()), clock()).await.unwrap_err();
        assert!(errors.to_string().contains(expected), "{errors}");
    }
}
