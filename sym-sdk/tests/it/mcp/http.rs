//! Streamable HTTP: who may call, and sessions.

use serde_json::{Value, json};
use sym_sdk::prelude::*;
use sym_sdk::server::Server;
use sym_sdk::server::axum::Router;
use sym_sdk::server::axum::body::{Body, to_bytes};
use sym_sdk::server::axum::http::{HeaderMap, Method, Request, StatusCode};
use tower::ServiceExt as _;

use super::{HOUR, World, prod, run_of};

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns what a tool has returned.
    fn tool(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()["result"]["structuredContent"].clone()
    }
}

#[derive(Clone)]
struct Call {
    method: Method,
    headers: Vec<(&'static str, String)>,
    body: String,
}

fn post(token: &str, body: &Value) -> Call {
    let headers = vec![
        ("host", "localhost".to_owned()),
        ("authorization", format!("Bearer {token}")),
        ("content-type", "application/json".to_owned()),
        ("accept", "application/json, text/event-stream".to_owned()),
    ];
    Call { method: Method::POST, headers, body: body.to_string() }
}

impl Call {
    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self
    }

    async fn send(self, routes: &Router) -> Answer {
        self.send_to(routes, "/mcp").await
    }

    async fn send_to(self, routes: &Router, path: &str) -> Answer {
        let mut request = Request::builder().method(self.method).uri(path);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let response = routes.clone().oneshot(request.body(Body::from(self.body)).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }
}

fn initialize() -> Value {
    let params = json!({
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params })
}

fn tool(name: &str, arguments: Value) -> Value {
    let params = json!({ "name": name, "arguments": arguments });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params })
}

fn routes(world: &World) -> Router {
    let public = "https://sym.example.com".parse().unwrap();
    Server::new(world.harness.runtime().clone()).public_url(public).router()
}

async fn begin(routes: &Router, token: &str) -> String {
    let answer = post(token, &initialize()).send(routes).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["result"]["serverInfo"]["name"], "sym-sdk");
    answer.header("mcp-session-id").unwrap().to_owned()
}

#[tokio::test]
async fn sessions_begin_and_give_back_at_their_end() {
    let mut world = World::start().await;
    let (token, routes) = (world.token_of("coder").await, routes(&world));
    let session = begin(&routes, &token).await;
    let in_session = |body: &Value| post(&token, body).with("mcp-session-id", &session);
    let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(in_session(&initialized).send(&routes).await.status, 202);
    let run = run_of(&in_session(&tool("request_access", prod("1h"))).send(&routes).await.tool());
    world.settle().await;
    world.approve(run).await;
    let held = in_session(&tool("wait_for_request", json!({ "run_id": run }))).send(&routes).await.tool();
    assert_eq!(held["state"], "held");
    let mut end = in_session(&json!({}));
    end.method = Method::DELETE;
    assert_eq!(end.clone().send(&routes).await.status, 204);
    world.settle().await;
    assert_eq!(world.status(run).await, RunStatus::Deescalated);
    let again = end.send(&routes).await;
    assert_eq!((again.status.as_u16(), &again.json()["code"]), (404, &json!("SymSDK:UNKNOWN_SESSION")));
    assert_eq!(in_session(&tool("list_flows", json!({}))).send(&routes).await.status, 404);
}

/// QD02, QD07: any process serves any call, and a session is its agent's, whatever the token.
#[tokio::test]
async fn sessions_are_stored_and_belong_to_their_agent() {
    let world = World::start().await;
    let (token, other) = (world.token_of("coder").await, world.token_of("other").await);
    let session = begin(&routes(&world), &token).await;
    let list = tool("list_flows", json!({}));
    // Each router is a new one, as after a restart.
    let call = |token: &str| post(token, &list).with("mcp-session-id", &session);
    assert_eq!(call(&token).send(&routes(&world)).await.status, 200);
    assert_eq!(call(&other).send(&routes(&world)).await.status, 404);
    assert_eq!(call(&token).without("authorization").send(&routes(&world)).await.status, 401);
    let directory = world.directory();
    let agent = directory.user_by_email("coder").await.unwrap().unwrap();
    let rotated = directory.issue_token(agent.id(), "rotated", HOUR).await.unwrap();
    let rotated = secrecy::ExposeSecret::expose_secret(&rotated.secret);
    assert_eq!(call(rotated).send(&routes(&world)).await.status, 200);
    for malformed in ["", "x", "00000000000000000000000000000000", "../sessions", "sym_mcp.agents"] {
        let answer = post(&token, &list).with("mcp-session-id", malformed).send(&routes(&world)).await;
        assert_eq!(answer.status, 404, "{malformed}");
    }
    // Without one, each call is on its own.
    assert_eq!(post(&token, &list).send(&routes(&world)).await.status, 200);
}

/// QD12: the token of an agent opens MCP and nothing else, and no other token opens MCP.
#[cfg(feature = "api")]
#[tokio::test]
async fn tokens_of_agents_are_good_for_mcp_alone() {
    let world = World::with(|builder| builder.runtime(|builder| builder.front_end(sym_sdk::api::Api::new()))).await;
    let (token, routes) = (world.token_of("coder").await, routes(&world));
    let document = post(&token, &json!({})).send_to(&routes, "/api/v1/openapi.json").await;
    assert_eq!(document.status, 405);
    let mut calls = 0;
    for (path, methods) in sym_sdk::api::Api::openapi()["paths"].as_object().unwrap() {
        // Whoever calls these has no token of ours yet.
        if path.ends_with("openapi.json") || path.ends_with("/tokens/exchange") || path.contains("/command-line/") {
            continue;
        }
        let path = path.replace("{run}", "0199c1a2-7b1e-7cc3-98c4-dc0c0c07398f");
        for method in methods.as_object().unwrap().keys() {
            let mut call = post(&token, &json!({}));
            call.method = method.to_uppercase().parse().unwrap();
            let path = if path.starts_with("/api") { path.clone() } else { format!("/api/v1{path}") };
            let answer = call.send_to(&routes, &path).await;
            assert!([403, 404, 429].contains(&answer.status.as_u16()), "{method} {path}: {}", answer.text);
            calls += u32::from(answer.status == 403);
        }
    }
    assert!(calls >= 20, "{calls}");
    let directory = world.directory();
    let bot = directory.create_bot("ci").await.unwrap();
    directory.set_role(bot.id(), UserRole::Admin).await.unwrap();
    let issued = directory.issue_token(bot.id(), "test", HOUR).await.unwrap();
    let bot = secrecy::ExposeSecret::expose_secret(&issued.secret);
    let refused = post(bot, &initialize()).send(&routes).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["code"]), (403, &json!("SymSDK:NOT_PERMITTED")));
}

/// QD13: words that help, and no search for a way to sign in.
#[tokio::test]
async fn refusals_say_what_to_do() {
    let world = World::start().await;
    let (token, routes) = (world.token_of("coder").await, routes(&world));
    let nobody = post(&token, &initialize()).without("authorization").send(&routes).await;
    assert_eq!(nobody.status, 401);
    assert_eq!(nobody.header("www-authenticate"), Some("Bearer realm=\"sym\""));
    assert_eq!(nobody.json()["code"], "Authentication:MISSING_CREDENTIALS");
    let bad = post("symbot_x", &initialize()).send(&routes).await;
    assert_eq!(bad.header("www-authenticate"), Some("Bearer realm=\"sym\", error=\"invalid_token\""));
    assert!(bad.json()["hint"].is_string());
    for path in
        ["/mcp/", "/mcp/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp", "/register"]
    {
        let mut call = post(&token, &json!({}));
        call.method = Method::GET;
        let answer = call.send_to(&routes, path).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (404, &json!("SymSDK:UNKNOWN_ROUTE")), "{path}");
    }
    let mut stream = post(&token, &json!({}));
    stream.method = Method::GET;
    let stream = stream.send(&routes).await;
    assert_eq!(stream.status, 405);
    assert_eq!(stream.header("allow"), Some("POST"));
    let mut end = post(&token, &json!({}));
    end.method = Method::DELETE;
    assert_eq!(end.send(&routes).await.status, 400);
}

/// QD08: a page on the web whose name points here.
#[tokio::test]
async fn other_hosts_and_origins_are_refused() {
    let world = World::start().await;
    let (token, routes) = (world.token_of("coder").await, routes(&world));
    for (host, status) in [
        ("localhost", 200),
        ("127.0.0.1:3000", 200),
        ("[::1]:3000", 200),
        ("sym.example.com", 200),
        ("evil.example.org", 403),
        ("localhost.evil.example.org", 403),
        ("sym.example.com.evil.example.org", 403),
    ] {
        let answer = post(&token, &initialize()).with("host", host).send(&routes).await;
        assert_eq!(answer.status.as_u16(), status, "{host}: {}", answer.text);
    }
    for (origin, status) in [
        ("https://sym.example.com", 200),
        ("http://sym.example.com", 403),
        ("https://evil.example.org", 403),
        ("http://localhost:3000", 403),
        ("null", 403),
    ] {
        let answer = post(&token, &initialize()).with("origin", origin).send(&routes).await;
        assert_eq!(answer.status.as_u16(), status, "{origin}: {}", answer.text);
    }
}

#[tokio::test]
async fn bad_input_is_refused() {
    let world = World::start().await;
    let (token, routes) = (world.token_of("coder").await, routes(&world));
    let call = |body: String| Call { body, ..post(&token, &json!({})) };
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for body in ["", "{", "null", "[]", "\u{0}", "{\"jsonrpc\":\"2.0\"}", deep.as_str()] {
        let answer = call(body.to_owned()).send(&routes).await;
        assert!(answer.status.is_client_error(), "{}: {}", &body[..body.len().min(30)], answer.status);
    }
    let huge = tool("request_access", json!({ "flow": "x".repeat(4 * 1024 * 1024) }));
    assert_eq!(post(&token, &huge).send(&routes).await.status, 413);
    let text = post(&token, &initialize()).with("content-type", "text/plain").send(&routes).await;
    assert_eq!(text.status, 415);
    assert_eq!(text.json()["status_code"], 415);
    let version = post(&token, &tool("list_flows", json!({}))).with("mcp-protocol-version", "1999-01-01");
    assert_eq!(version.send(&routes).await.status, 400);
    let unknown = json!({ "jsonrpc": "2.0", "id": 1, "method": "prompts/list" });
    let unknown = post(&token, &unknown).send(&routes).await;
    assert!(unknown.text.contains("jsonrpc"), "{}", unknown.text);
}

#[tokio::test]
async fn calls_are_limited() {
    let mut world = World::start().await;
    let (token, other) = (world.token_of("coder").await, world.token_of("other").await);
    let routes = routes(&world);
    let list = tool("list_flows", json!({}));
    let mut refused = 0;
    for _ in 0..60 {
        let answer = post(&token, &list).send(&routes).await;
        refused += u32::from(answer.status == 429);
    }
    assert_eq!(refused, 20);
    assert_eq!(post(&other, &list).send(&routes).await.status, 200, "the limit is each agent's own");
    world.harness.advance(std::time::Duration::from_secs(1)).await.unwrap();
    assert_eq!(post(&token, &list).send(&routes).await.status, 200);
    let mut refused = Vec::new();
    for _ in 0..12 {
        refused.push(post("symbot_x", &list).send(&routes).await.status.as_u16());
    }
    assert_eq!(refused[10..], [429, 429]);
    assert_eq!(post(&token, &list).send(&routes).await.status, 200);
}

/// The protocol of 2026-07-28 has no sessions.
#[tokio::test]
async fn calls_without_a_handshake_are_served() {
    let world = World::start().await;
    let (token, routes) = (world.token_of("coder").await, routes(&world));
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({ "name": "list_flows", "arguments": {}, "_meta": meta });
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let answer = post(&token, &call)
        .with("mcp-protocol-version", "2026-07-28")
        .with("mcp-method", "tools/call")
        .with("mcp-name", "list_flows")
        .send(&routes)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.text.contains("flows"), "{}", answer.text);
    assert_eq!(answer.header("mcp-session-id"), None);
}

#[cfg(feature = "api")]
#[tokio::test]
async fn administrators_add_agents_over_the_api() {
    let world = World::with(|builder| builder.runtime(|builder| builder.front_end(sym_sdk::api::Api::new()))).await;
    let routes = routes(&world);
    let directory = world.directory();
    directory.get_or_create_user_by_email("ana@example.com").await.unwrap();
    let ops = directory.create_bot("ops").await.unwrap();
    directory.set_role(ops.id(), UserRole::Admin).await.unwrap();
    let issued = directory.issue_token(ops.id(), "test", HOUR).await.unwrap();
    let ops = secrecy::ExposeSecret::expose_secret(&issued.secret);
    let bot = json!({ "name": "coder", "owner": "ana@example.com" });
    let added = post(ops, &bot).send_to(&routes, "/api/v1/bots").await;
    assert_eq!(added.status, 201, "{}", added.text);
    assert_eq!(added.json()["owner"]["username"], "ana@example.com");
    let id = added.json()["id"].as_str().unwrap().to_owned();
    let issued = post(ops, &json!({ "label": "laptop", "for": "30d" }));
    let issued = issued.send_to(&routes, &format!("/api/v1/bots/{id}/tokens")).await;
    begin(&routes, issued.json()["token"].as_str().unwrap()).await;
    for (owner, status) in [("nobody@example.com", 400), ("ops", 400)] {
        let bot = json!({ "name": "other", "owner": owner });
        assert_eq!(post(ops, &bot).send_to(&routes, "/api/v1/bots").await.status.as_u16(), status, "{owner}");
    }
    let admin = json!({ "name": "other", "owner": "ana@example.com", "role": "admin" });
    assert_eq!(post(ops, &admin).send_to(&routes, "/api/v1/bots").await.status, 400);
}
