//! A tailnet on a local server.

use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use sym_integrations::http::BaseUrl;
use sym_integrations::tailscale::{Tailscale, TailscaleBuilder};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

pub(crate) const TAILNET: &str = "example.com";
pub(crate) const KEY: &str = "tskey-api-S3CRET";
pub(crate) const CLIENT_SECRET: &str = "tskey-client-S3CRET";

/// A policy file as people write it.
pub(crate) const POLICY: &str = r#"// Our tailnet.
{
  "groups": {
    "group:ops":   ["ben@example.com", "cleo@example.com"], // on call
    "group:empty": [],
  },
  "acls": [{"action": "accept", "src": ["group:ops"], "dst": ["tag:prod:22"]}],
}
"#;

pub(crate) struct State {
    pub(crate) policy: String,
    pub(crate) version: u32,
    /// Whether responses have the header `ETag`.
    pub(crate) sends_etag: bool,
    /// Whether the value of the header is quoted, as a proxy may not leave it.
    pub(crate) quotes_etag: bool,
    pub(crate) users: Vec<Value>,
    pub(crate) tokens: Vec<String>,
    /// The responses to calls that begin so, instead of carrying them out. Each is sent as often as it says.
    pub(crate) refusals: Vec<(String, ResponseTemplate, usize)>,
    /// Changes that somebody else makes right before the next writes.
    pub(crate) changes: Vec<fn(&str) -> String>,
    /// The tests in the file: what Tailscale says about a text.
    pub(crate) tests: fn(&str) -> Option<Value>,
    pub(crate) responses_lost: bool,
    /// The text that is written later; `None` if texts are written immediately.
    pub(crate) late: Option<Option<String>>,
    pub(crate) put_back: bool,
    calls: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct FakeTailscale {
    state: Arc<Mutex<State>>,
    server: Arc<MockServer>,
}

impl FakeTailscale {
    /// Starts a tailnet with Ana, Ben and Cleo, and Eve, who belongs to another.
    pub(crate) async fn start() -> Self {
        let state = State {
            policy: POLICY.to_owned(),
            version: 1,
            sends_etag: true,
            quotes_etag: true,
            users: Vec::new(),
            tokens: vec![KEY.to_owned()],
            refusals: Vec::new(),
            changes: Vec::new(),
            tests: |_| None,
            responses_lost: false,
            late: None,
            put_back: false,
            calls: Vec::new(),
        };
        let fake = Self { state: Arc::new(Mutex::new(state)), server: Arc::new(MockServer::start().await) };
        for login in ["ana@example.com", "ben@example.com", "cleo@example.com"] {
            fake.state().add_user(login, "member", "active");
        }
        fake.state().add_user("eve@elsewhere.example", "shared", "active");
        Mock::given(any()).respond_with(Api(Arc::clone(&fake.state))).mount(&fake.server).await;
        fake
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn base_url(&self) -> BaseUrl {
        BaseUrl::parse(&format!("{}/api/v2", self.server.uri())).unwrap()
    }

    pub(crate) fn builder(&self) -> TailscaleBuilder {
        Tailscale::builder(TAILNET).api_key(KEY).base_url(self.base_url()).without_rate_limits()
    }

    pub(crate) fn client(&self) -> Tailscale {
        self.builder().build().unwrap()
    }

    /// The calls since the last time, such as `GET /tailnet/example.com/acl`; writes with their condition.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state().calls)
    }

    pub(crate) fn writes(&self) -> usize {
        self.state().calls.iter().filter(|call| call.starts_with("POST") && call.contains("/acl")).count()
    }
}

impl State {
    pub(crate) fn add_user(&mut self, login: &str, kind: &str, status: &str) {
        self.remove_user(login);
        self.users.push(json!({
            "id": format!("u{}", self.users.len()), "displayName": null, "loginName": login, "profilePicUrl": "", "tailnetId": "59954",
            "created": "2026-01-01T00:00:00Z", "type": kind, "role": "member", "status": status, "deviceCount": 2,
            "lastSeen": "2026-11-30T00:00:00Z", "currentlyConnected": false,
        }));
    }

    pub(crate) fn remove_user(&mut self, login: &str) {
        self.users.retain(|user| user["loginName"] != login);
    }

    /// Somebody else changes the file.
    pub(crate) fn change(&mut self, change: impl FnOnce(&str) -> String) {
        self.policy = change(&self.policy);
        self.version += 1;
    }

    fn etag(&self) -> String {
        format!("\"{:08x}\"", self.version)
    }

    fn write(&mut self, request: &Request) -> ResponseTemplate {
        for change in std::mem::take(&mut self.changes).into_iter().take(1).collect::<Vec<_>>() {
            self.change(change);
        }
        let condition = request.headers.get("if-match").map(|value| value.to_str().unwrap().to_owned());
        let text = String::from_utf8(request.body.clone()).unwrap();
        assert_eq!(request.headers["content-type"], "application/hujson");
        assert!(condition.is_some(), "a write without a condition overwrites everybody's changes");
        if condition != Some(self.etag()) {
            return fault(412, "precondition failed, invalid old hash");
        }
        if let Some(complaint) = (self.tests)(&text) {
            return ResponseTemplate::new(400).set_body_json(complaint);
        }
        let lost = ResponseTemplate::new(504).set_body_string("<html>Gateway Timeout");
        if let Some(late) = &mut self.late {
            *late = Some(text);
            return lost;
        }
        let before = std::mem::replace(&mut self.policy, text);
        self.version += 1;
        if self.put_back {
            self.policy = before;
            self.version += 1;
        }
        if self.responses_lost { lost } else { self.file(request) }
    }

    fn file(&self, request: &Request) -> ResponseTemplate {
        assert_eq!(request.headers["accept"], "application/hujson", "JSON would lack the comments");
        let response = ResponseTemplate::new(200).set_body_raw(self.policy.clone(), "application/hujson");
        let etag = self.etag();
        let etag = if self.quotes_etag { &etag } else { etag.trim_matches('"') };
        if self.sends_etag { response.insert_header("etag", etag) } else { response }
    }
}

struct Api(Arc<Mutex<State>>);

impl Respond for Api {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut state = self.0.lock().unwrap();
        let path = request.url.path().strip_prefix("/api/v2/").unwrap_or_default().to_owned();
        let line = format!("{} {path}", request.method);
        state.calls.push(line.clone());
        if let Some(refusal) = state.refusals.iter_mut().find(|(start, _, times)| *times > 0 && line.starts_with(start)) {
            refusal.2 -= 1;
            return refusal.1.clone();
        }
        if line == "POST oauth/token" {
            return state.issue(&request.body);
        }
        let token = request.headers.get("authorization").and_then(|value| value.to_str().unwrap().strip_prefix("Bearer "));
        if !token.is_some_and(|token| state.tokens.iter().any(|known| known == token)) {
            return fault(401, "API token invalid");
        }
        let segments: Vec<&str> = path.split('/').collect();
        match (request.method.as_str(), segments.as_slice()) {
            ("GET", ["tailnet", TAILNET | "-", "acl"]) => state.file(request),
            ("POST", ["tailnet", TAILNET | "-", "acl"]) => state.write(request),
            ("POST", ["tailnet", TAILNET | "-", "acl", "validate"]) => {
                let text = String::from_utf8(request.body.clone()).unwrap();
                ResponseTemplate::new(200).set_body_json((state.tests)(&text).unwrap_or_else(|| json!({})))
            }
            ("GET", ["tailnet", TAILNET | "-", "users"]) => {
                ResponseTemplate::new(200).set_body_json(json!({ "users": state.users }))
            }
            _ => fault(404, "not found"),
        }
    }
}

impl State {
    fn issue(&mut self, body: &[u8]) -> ResponseTemplate {
        let form = String::from_utf8(body.to_vec()).unwrap();
        if form != format!("grant_type=client_credentials&client_id=k123CNTRL&client_secret={CLIENT_SECRET}") {
            return fault(401, "API token invalid");
        }
        let token = format!("tskey-S3CRET-{}", self.tokens.len());
        self.tokens.push(token.clone());
        let scope = "policy_file users:read";
        let body = json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": scope });
        ResponseTemplate::new(200).set_body_json(body)
    }
}

pub(crate) fn fault(status: u16, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({ "message": message }))
}

/// The complaint of a test in the policy file.
pub(crate) fn test_failed() -> Value {
    json!({
        "message": "test(s) failed",
        "data": [{ "user": "ana@example.com", "errors": ["address \"prod:22\": want: Accept, got: Drop"] }, { "user": null }],
    })
}
