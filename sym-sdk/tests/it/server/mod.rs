//! The server, over real sockets.

mod client;
mod command;
mod desk;
mod events;
mod prometheus;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sym_sdk::clock::VirtualClock;
use sym_sdk::config::{Config, Diagnostics, TerraformReader};
use sym_sdk::engine::SqliteStore;
use sym_sdk::handlers;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Builder, FrontEndType, PublicUrl, Runtime};
use sym_sdk::server::{CancellationToken, Server, ServerLimits, listen};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use client::{answer, get, send};
use desk::{Desk, until};
use events::Events;

use crate::support::GRACE;

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

const FLOW: &str = r##"
provider "sym" {
  org = "acme"
}

resource "sym_integration" "desk" {
  type        = "custom"
  name        = "front"
  external_id = "D1"
}

resource "sym_environment" "main" {
  name = "main"

  integrations = {
    desk_id = sym_integration.desk.id
  }
}

resource "sym_flow" "prod" {
  name           = "prod"
  environment_id = sym_environment.main.id

  params {
    include_decision_message = true
  }
}
"##;

/// The configuration, in a directory of its own.
fn directory() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("main.tf"), FLOW).unwrap();
    dir
}

fn config() -> Config {
    TerraformReader::new().read(directory().path()).unwrap().config
}

fn clock() -> Arc<VirtualClock> {
    Arc::new(VirtualClock::at("2024-02-29T12:00:00Z".parse().unwrap()))
}

async fn runtime(change: impl FnOnce(Builder) -> Builder) -> Result<Runtime, Diagnostics> {
    change(Runtime::builder(config()).registry(handlers![get_permissions]).clock(clock())).build().await
}

/// A server that runs.
struct Running {
    address: SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<Result<()>>,
}

impl Running {
    async fn start(desk: &Desk, change: impl FnOnce(&mut ServerLimits)) -> Self {
        let runtime = runtime(|builder| builder.front_end(desk.clone())).await.unwrap();
        Self::of(runtime, change).await
    }

    async fn of(runtime: Runtime, change: impl FnOnce(&mut ServerLimits)) -> Self {
        let mut limits = ServerLimits::default();
        change(&mut limits);
        let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let serving = tokio::spawn(Server::new(runtime).limits(limits).serve(listener, stop.clone()));
        Self { address, stop, serving }
    }
}

fn unchanged(_: &mut ServerLimits) {}

#[tokio::test]
async fn front_ends_are_mounted_below_their_names() {
    let server = Running::start(&Desk::named("desk"), unchanged).await;
    let flows = get(server.address, "/desk/flows").await;
    assert_eq!((flows.status, flows.body.as_str()), (200, "1"));
    assert!(flows.head.contains("x-request-id: "), "{}", flows.head);
    assert_eq!(get(server.address, "/flows").await.status, 404);
    let health = get(server.address, "/health").await;
    assert_eq!((health.status, health.body.as_str()), (200, r#"{"status":"alive"}"#));
}

#[tokio::test]
async fn routes_know_the_address_of_the_client() {
    let server = Running::start(&Desk::named("desk"), unchanged).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /desk/peer HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").await.unwrap();
    let own = stream.local_addr().unwrap();
    assert_eq!(answer(&mut stream).await.body, own.to_string());
}

/// The grace period is for work. A response that streams would use it up at every restart.
#[tokio::test]
async fn streams_end_when_the_server_stops() {
    let hour = Duration::from_secs(60 * 60);
    let server = Running::start(&Desk::named("desk"), |limits| limits.grace = hour).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /desk/stream HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
    let mut begun = Vec::new();
    while !begun.ends_with(b"begun \r\n") {
        begun.push(stream.read_u8().await.unwrap());
    }
    server.stop.cancel();
    tokio::time::timeout(GRACE, server.serving).await.expect("it has stopped").unwrap().unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(rest.ends_with(b"0\r\n\r\n"), "the response is complete: {rest:?}");
}

#[test]
fn public_addresses_have_no_path() {
    let parse = |text: &str| text.parse::<PublicUrl>().map(|url| url.to_string());
    assert_eq!(parse("https://Sym.Example.com/").unwrap(), "https://sym.example.com");
    assert_eq!(parse(" http://127.0.0.1:8080").unwrap(), "http://127.0.0.1:8080");
    let url: PublicUrl = "https://sym.example.com".parse().unwrap();
    assert_eq!((url.join("/r/1"), url.is_https()), ("https://sym.example.com/r/1".into(), true));
    for wrong in ["", "sym.example.com", "https://", "ftp://x", "https://x/sym", "https://x?a", "https://a:b@x", "/x"] {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
}

/// Finding 7 of safety: a probe that failed for one flow would take the others out of service.
#[tokio::test]
async fn it_is_ready_while_one_flow_accepts_requests() {
    let started = |broken: usize| async move {
        let mut config = config();
        config.flows.push(sym_sdk::config::Flow { name: "other".into(), ..config.flows[0].clone() });
        for flow in &mut config.flows[..broken] {
            flow.environment = "mian".into();
        }
        let builder = Runtime::builder(config).registry(handlers![get_permissions]).clock(clock());
        Running::of(builder.build_degraded().await.unwrap(), unchanged).await
    };
    let server = started(1).await;
    let ready = get(server.address, "/ready").await;
    assert_eq!(ready.status, 200);
    let missing = serde_json::json!([{ "part": "flow", "name": "prod", "since": "2024-02-29T12:00:00Z" }]);
    assert_eq!((&ready.json()["unavailable"], &ready.json()["blocked_access"]), (&missing, &0.into()));
    assert!(!ready.body.contains("mian"), "anybody may ask: {}", ready.body);

    let server = started(2).await;
    let ready = get(server.address, "/ready").await;
    assert_eq!((ready.status, &ready.json()["not_ready"][0]["name"]), (503, &"flows".into()));
}

#[tokio::test]
async fn it_is_ready_while_its_front_ends_are() {
    let (desk, clock) = (Desk::named("desk"), clock());
    let runtime = runtime(|builder| builder.front_end(desk.clone()).clock(clock.clone())).await.unwrap();
    let server = Running::of(runtime, unchanged).await;
    let ready = get(server.address, "/ready").await;
    assert_eq!((ready.status, ready.body.as_str()), (200, r#"{"not_ready":[],"ready":true}"#));

    desk.0.is_down.store(true, Ordering::SeqCst);
    assert_eq!(get(server.address, "/ready").await.status, 200, "the answer still holds");
    assert_eq!(desk.0.checks.load(Ordering::SeqCst), 1);

    clock.advance(Duration::from_secs(5));
    let ready = get(server.address, "/ready").await;
    assert_eq!(ready.status, 503);
    let expected = serde_json::json!({ "ready": false, "not_ready": [{ "name": "desk", "code": "Handler:UNKNOWN" }] });
    assert_eq!(ready.json()["ready"], expected["ready"]);
    assert_eq!(ready.json()["not_ready"][0]["name"], "desk");
    assert!(!ready.body.contains("token"), "{}", ready.body);

    desk.0.is_down.store(false, Ordering::SeqCst);
    clock.set("2024-02-29T11:00:00Z".parse().unwrap());
    assert_eq!(get(server.address, "/ready").await.status, 200, "a clock that was set back keeps no answer");
}

#[tokio::test]
async fn it_is_not_ready_without_its_store() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(dir.path().join("sym.db")).await.unwrap());
    let runtime = runtime(|builder| builder.sqlite(store.clone())).await.unwrap();
    let server = Running::of(runtime, unchanged).await;
    assert_eq!(get(server.address, "/ready").await.status, 200);
    store.close().await.unwrap();
    let ready = get(server.address, "/ready").await;
    assert_eq!(ready.status, 503);
    let reason = "the store is unavailable";
    let not_ready = serde_json::json!([{ "name": "store", "code": "SymSDK:STORE", "reason": reason }]);
    assert_eq!(ready.json(), serde_json::json!({ "ready": false, "not_ready": not_ready }));
    assert_eq!(get(server.address, "/health").await.status, 200);
}

/// Safety finding 4: it read from a store that could not be written, and was ready.
#[tokio::test]
async fn it_is_not_ready_while_its_store_takes_no_writes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sym.db");
    let (store, clock) = (Arc::new(SqliteStore::open(&path).await.unwrap()), clock());
    let runtime = runtime(|builder| builder.sqlite(store.clone()).clock(clock.clone())).await.unwrap();
    let server = Running::of(runtime, unchanged).await;
    let file = rusqlite::Connection::open(&path).unwrap();
    let refuse = "CREATE TRIGGER full BEFORE UPDATE ON meta BEGIN SELECT RAISE(ROLLBACK, 'no space'); END";
    let checks = || file.query_row("SELECT value FROM meta WHERE key = 'checks'", (), |row| row.get::<_, i64>(0));
    assert_eq!(get(server.address, "/ready").await.status, 200);
    assert_eq!(get(server.address, "/ready").await.status, 200);
    assert_eq!(checks(), Ok(1), "it writes at most every few seconds");
    file.execute_batch(refuse).unwrap();
    clock.advance(Duration::from_secs(5));
    let ready = get(server.address, "/ready").await;
    assert_eq!(ready.status, 503);
    assert_eq!(ready.json()["not_ready"][0]["reason"], "the store is unavailable");
    file.execute_batch("DROP TRIGGER full").unwrap();
    clock.advance(Duration::from_secs(5));
    assert_eq!(get(server.address, "/ready").await.status, 200);
    assert_eq!(checks(), Ok(2));
}

/// Probes come every few seconds, and each one that failed was logged.
#[tokio::test]
async fn it_logs_once_that_a_part_is_not_ready() {
    let (desk, clock) = (Desk::named("desk"), clock());
    let runtime = runtime(|builder| builder.front_end(desk.clone()).clock(clock.clone())).await.unwrap();
    let server = Running::of(runtime, unchanged).await;
    let (events, _collecting) = Events::of("sym_sdk::server::readiness");
    let mut logged = Vec::new();
    for is_down in [false, true, true, false, true] {
        desk.0.is_down.store(is_down, Ordering::SeqCst);
        clock.advance(Duration::from_secs(5));
        assert_eq!(get(server.address, "/ready").await.status, if is_down { 503 } else { 200 });
        let levels = events.take().iter().map(|event| event.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>();
        logged.push(levels.join(" "));
    }
    assert_eq!(logged, ["", "WARN", "", "INFO", "WARN"]);
}

/// The code was that of a handler that takes too long.
#[tokio::test]
async fn it_is_not_ready_while_its_store_does_not_respond() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sym.db");
    let (store, clock) = (Arc::new(SqliteStore::open(&path).await.unwrap()), clock());
    let runtime = runtime(|builder| builder.sqlite(store.clone()).clock(clock.clone())).await.unwrap();
    let server = Running::of(runtime, unchanged).await;
    let file = rusqlite::Connection::open(&path).unwrap();
    // The writer waits for the lock.
    file.execute_batch("BEGIN IMMEDIATE").unwrap();
    let address = server.address;
    let probing = tokio::spawn(async move { get(address, "/ready").await });
    until("a response", || {
        clock.advance(Duration::from_secs(1));
        probing.is_finished()
    })
    .await;
    let ready = probing.await.unwrap();
    assert_eq!(ready.status, 503);
    let expected =
        serde_json::json!({ "name": "store", "code": "SymSDK:STORE", "reason": "the store did not respond within 5s" });
    assert_eq!(ready.json()["not_ready"][0], expected);
    file.execute_batch("ROLLBACK").unwrap();
}

/// Safety findings 11 and 13: a store that has failed for good ends the server with an error, and until then it is not alive.
#[cfg(unix)]
#[tokio::test]
async fn it_ends_when_its_store_has_failed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sym.db");
    let store = Arc::new(SqliteStore::open(&path).await.unwrap());
    let runtime = runtime(|builder| builder.sqlite(store.clone())).await.unwrap();
    let router = Server::new(runtime.clone()).router();
    let listener = listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let probing = tokio::spawn(async move { sym_sdk::server::axum::serve(listener, router).await });
    assert_eq!(get(address, "/health").await.status, 200);

    let listener = listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let serving = tokio::spawn(Server::new(runtime.clone()).serve(listener, CancellationToken::new()));
    std::fs::remove_file(&path).unwrap();
    runtime.submit(sym_sdk::runtime::Submission::prompt("prod", "ana@example.com")).await.unwrap_err();
    let error = serving.await.unwrap().unwrap_err();
    assert!(error.message().ends_with("nothing is written any more; put it back, or restore it from a backup"));
    assert_eq!(error.hint(), Some("restart the program"));
    assert_eq!(runtime.failure().await.message(), error.message());
    let ready = get(address, "/ready").await;
    assert_eq!(ready.status, 503);
    assert!(!ready.body.contains(dir.path().to_str().unwrap()), "anybody may ask: {}", ready.body);
    let health = get(address, "/health").await;
    assert_eq!((health.status, health.body.as_str()), (503, r#"{"dead":"store","status":"dead"}"#));
    probing.abort();
}

#[tokio::test]
async fn connections_of_a_front_end_that_fail_are_tried_again() {
    let (desk, clock) = (Desk::named("desk"), clock());
    desk.0.runs_fail.store(1, Ordering::SeqCst);
    let runtime = runtime(|builder| builder.front_end(desk.clone()).clock(clock.clone())).await.unwrap();
    let server = Running::of(runtime, unchanged).await;
    until("it has failed", || desk.0.runs.load(Ordering::SeqCst) == 1).await;
    assert_eq!(get(server.address, "/ready").await.json()["not_ready"][0]["name"], "desk");
    clock.advance(Duration::from_secs(10));
    until("it runs again", || desk.0.runs.load(Ordering::SeqCst) == 2).await;
    assert_eq!(get(server.address, "/ready").await.status, 200);
}

#[tokio::test]
async fn bodies_are_limited() {
    let server = Running::start(&Desk::named("desk"), |limits| limits.body_bytes = 4).await;
    let post = |head: &str, body: &str| {
        format!("POST /desk/echo HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{head}\r\n\r\n{body}")
    };
    assert_eq!(send(server.address, &post("content-length: 4", "1234")).await.body, "1234");
    assert_eq!(send(server.address, &post("content-length: 5", "12345")).await.status, 413);
    let chunks = post("transfer-encoding: chunked", "3\r\n123\r\n3\r\n456\r\n0\r\n\r\n");
    assert_eq!(send(server.address, &chunks).await.status, 413);
}

#[tokio::test]
async fn heads_are_limited() {
    let server = Running::start(&Desk::named("desk"), |limits| limits.head_bytes = 0).await;
    let long = format!("GET /health HTTP/1.1\r\nhost: test\r\nx: {}\r\n\r\n", "x".repeat(16 * 1024));
    assert_eq!(send(server.address, &long).await.status, 431);
}

#[tokio::test]
async fn a_panic_is_an_answer() {
    let server = Running::start(&Desk::named("desk"), unchanged).await;
    let panicked = get(server.address, "/desk/panic").await;
    assert_eq!((panicked.status, panicked.body.as_str()), (500, "internal error"));
    assert_eq!(get(server.address, "/desk/flows").await.status, 200);
}

#[tokio::test]
async fn a_request_has_its_time() {
    let desk = Desk::named("desk");
    let server = Running::start(&desk, unchanged).await;
    let slow = tokio::spawn(async move { get(server.address, "/desk/slow").await });
    until("it is begun", || desk.0.slow_requests.load(Ordering::SeqCst) == 1).await;
    tokio::time::pause();
    assert_eq!(slow.await.unwrap().status, 503);
}

#[tokio::test]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let server = Running::start(&Desk::named("desk"), unchanged).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\nho").await.unwrap();
    tokio::time::pause();
    let answer = tokio::time::timeout(GRACE, answer(&mut stream)).await.unwrap();
    assert_ne!(answer.status, 200);
}

#[tokio::test]
async fn requests_under_way_are_finished() {
    let desk = Desk::named("desk");
    let server = Running::start(&desk, unchanged).await;
    let address = server.address;
    let slow = tokio::spawn(async move { get(address, "/desk/slow").await });
    until("it is begun", || desk.0.slow_requests.load(Ordering::SeqCst) == 1).await;

    server.stop.cancel();
    until("the front end's own connections have ended", || desk.0.has_run_to_its_end.load(Ordering::SeqCst)).await;
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!server.serving.is_finished());
    desk.0.held.send_replace(false);
    assert_eq!(slow.await.unwrap().body, "done");
    server.serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn requests_that_take_too_long_at_the_end_are_cut_off() {
    let desk = Desk::named("desk");
    let server = Running::start(&desk, |limits| limits.grace = Duration::ZERO).await;
    let slow = tokio::spawn(async move { get(server.address, "/desk/slow").await });
    until("it is begun", || desk.0.slow_requests.load(Ordering::SeqCst) == 1).await;
    server.stop.cancel();
    server.serving.await.unwrap().unwrap();
    assert_eq!(slow.await.unwrap().head, "", "there is no answer");
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let first = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = first.local_addr().unwrap();
    let error = listen(address).await.unwrap_err();
    assert_eq!(*error.code(), sym_sdk::error::codes::LISTEN);
    assert!(error.message().starts_with(&format!("cannot listen on {address}: ")), "{error}");
    assert!(error.hint().unwrap().contains("another program listens there"), "{error:?}");
}

/// Builds a front end if there is an integration for it.
fn built_from_integration(kind: &str) -> FrontEndType {
    FrontEndType::new(kind, |config| match config.integrations {
        [] => Ok(None),
        [only] if only.external_id() == "D1" => Ok(Some(Desk::named("desk"))),
        others => panic!("{others:?}"),
    })
}

#[tokio::test]
async fn a_front_end_is_built_from_its_integration() {
    for (kind, status) in [("custom", 200), ("other", 404)] {
        let runtime = runtime(|builder| builder.front_end_type(built_from_integration(kind))).await.unwrap();
        let server = Running::of(runtime, unchanged).await;
        assert_eq!(get(server.address, "/desk/flows").await.status, status, "{kind}");
    }
}

#[tokio::test]
async fn a_front_end_that_cannot_be_built_is_a_fault() {
    let refused =
        FrontEndType::new("custom", |_| Err::<Option<Desk>, _>(Error::handler("no token").with_hint("set DESK_TOKEN")));
    let faults = runtime(|builder| builder.front_end_type(refused)).await.unwrap_err();
    let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
    assert!(faults.len() == 1 && faults[0].contains("front end `custom` cannot be used"), "{faults:?}");
    assert!(faults[0].contains("set DESK_TOKEN"), "{faults:?}");
}

#[tokio::test]
async fn names_can_be_parts_of_paths() {
    let names = [["health"; 2], ["", "a"], ["Desk", "b"], ["a/b", "c"], ["desk", "desk"]];
    for [first, second] in names {
        let with = |builder: Builder| builder.front_end(Desk::named(first)).front_end(Desk::named(second));
        let faults = runtime(with).await.unwrap_err();
        assert!(faults.iter().all(|fault| fault.message.contains("name")), "{faults:?}");
    }
}
