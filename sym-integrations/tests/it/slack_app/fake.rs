//! A workspace that answers as Slack does, and looks at what it is sent.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use sym_integrations::http::BaseUrl;
use sym_integrations::slack::{Slack, SlackBuilder};
use tokio::net::TcpListener;
use tokio::sync::Notify;

pub(super) const TOKEN: &str = "xoxb-17653672481-S3CRET";
pub(super) const APP_TOKEN: &str = "xapp-1-S3CRET";
pub(super) const WORKSPACE: &str = "T012AB3CD";

/// Clones are one workspace.
#[derive(Clone)]
pub(super) struct FakeSlack {
    url: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<Workspace>,
    called: Notify,
    released: Notify,
}

#[derive(Default)]
pub(super) struct Workspace {
    pub(super) calls: Vec<Call>,
    people: BTreeMap<String, Value>,
    /// By channel and time stamp.
    pub(super) messages: BTreeMap<(String, String), Value>,
    /// By id, with their hashes.
    pub(super) views: BTreeMap<String, (String, Value)>,
    triggers: BTreeSet<String>,
    errors: HashMap<String, Vec<String>>,
    down: bool,
    hangs: bool,
    socket: String,
    counter: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) arguments: Value,
}

impl FakeSlack {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::<Shared>::default();
        let routes = Router::new()
            .route("/api/{method}", post(method))
            .route("/actions/{team}/{id}/{secret}", post(respond))
            .with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        let fake = Self { url, shared };
        for (id, name) in [("U0ANA", "ana"), ("U0BEN", "ben"), ("U0CYD", "cyd"), ("U0ADA", "ada")] {
            fake.person(id, json!({ "profile": { "email": format!("{name}@example.com") } }));
        }
        fake
    }

    pub(super) fn client(&self) -> SlackBuilder {
        let url = BaseUrl::parse(&format!("{}/api", self.url)).unwrap();
        Slack::builder(WORKSPACE).token(TOKEN).base_url(url).without_rate_limits()
    }

    pub(super) fn state(&self) -> MutexGuard<'_, Workspace> {
        self.shared.state.lock().unwrap()
    }

    /// Somebody in the workspace, with what is special about them.
    pub(super) fn person(&self, id: &str, more: Value) {
        let mut person = json!({ "id": id, "team_id": WORKSPACE, "deleted": false, "is_bot": false });
        person.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.state().people.insert(id.to_owned(), person);
    }

    /// A trigger that can open one view.
    pub(super) fn trigger(&self) -> String {
        let mut state = self.state();
        state.counter += 1;
        let trigger = format!("{}.trigger", state.counter);
        state.triggers.insert(trigger.clone());
        trigger
    }

    pub(super) fn expire(&self, trigger: &str) {
        self.state().triggers.remove(trigger);
    }

    pub(super) fn response_url(&self) -> String {
        format!("{}/actions/{WORKSPACE}/1/s3cret", self.url)
    }

    /// Refuses the next call of a method.
    pub(super) fn refuse(&self, method: &str, error: &str) {
        self.state().errors.entry(method.to_owned()).or_default().push(error.to_owned());
    }

    pub(super) fn set_down(&self, down: bool) {
        self.state().down = down;
    }

    /// Where the app is told to listen.
    pub(super) fn set_socket(&self, url: String) {
        self.state().socket = url;
    }

    /// Has no call answered until it does no longer hang.
    pub(super) fn hang(&self, hangs: bool) {
        self.state().hangs = hangs;
        self.shared.released.notify_waiters();
    }

    /// What a method was called with.
    pub(super) fn calls(&self, method: &str) -> Vec<Value> {
        let state = self.state();
        let calls = state.calls.iter().filter(|call| call.method == method);
        calls.map(|call| call.arguments.clone()).collect()
    }

    /// Waits until a method was called so often, and gives what it was called with last.
    pub(super) async fn called(&self, method: &str, times: usize) -> Value {
        let wait = async {
            loop {
                let called = self.shared.called.notified();
                tokio::pin!(called);
                called.as_mut().enable();
                let calls = self.calls(method);
                if calls.len() >= times {
                    return calls[times - 1].clone();
                }
                called.await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), wait).await;
        waited.unwrap_or_else(|_| panic!("{method} was not called {times} times: {:#?}", self.state().calls))
    }

    /// What the only call of any of these methods had.
    pub(super) async fn called_once(&self, methods: &[&str]) -> Value {
        let calls: Vec<_> = methods.iter().flat_map(|method| self.calls(method)).collect();
        if calls.is_empty() {
            return self.called(methods[0], 1).await;
        }
        assert_eq!(calls.len(), 1, "{calls:?}");
        calls[0].clone()
    }

    /// The message that was posted to a channel last, and its place.
    pub(super) fn message(&self) -> (Value, Value) {
        self.message_in('C')
    }

    /// The last one in direct messages.
    pub(super) fn direct_message(&self) -> (Value, Value) {
        self.message_in('D')
    }

    fn message_in(&self, kind: char) -> (Value, Value) {
        let state = self.state();
        let posted = state.messages.iter().filter(|((channel, _), _)| channel.starts_with(kind));
        let ((channel, ts), message) = posted.max_by_key(|((_, ts), _)| ts.clone()).unwrap();
        (json!({ "channel_id": channel, "message_ts": ts }), message.clone())
    }

    /// The view that was opened last.
    pub(super) fn view(&self) -> Value {
        let state = self.state();
        let (id, (hash, view)) = state.views.iter().next_back().unwrap();
        let mut view = view.clone();
        view["id"] = json!(id);
        view["hash"] = json!(hash);
        view
    }
}

async fn method(
    State(shared): State<Arc<Shared>>,
    Path(method): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let is_json = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.to_str().unwrap().starts_with("application/json"));
    let arguments: Value = if is_json {
        serde_json::from_slice(&body).unwrap()
    } else {
        url::form_urlencoded::parse(&body)
            .map(|(name, value)| (name.into_owned(), Value::from(value.as_ref())))
            .collect()
    };
    shared.state.lock().unwrap().calls.push(Call { method: method.clone(), arguments: arguments.clone() });
    shared.called.notify_waiters();
    let released = shared.released.notified();
    if shared.state.lock().unwrap().hangs {
        released.await;
    }
    let token = if method == "apps.connections.open" { APP_TOKEN } else { TOKEN };
    let answer = {
        let mut state = shared.state.lock().unwrap();
        if state.down {
            Err(None)
        } else if headers[AUTHORIZATION] != format!("Bearer {token}") {
            Err(Some("invalid_auth".to_owned()))
        } else if let Some(error) = state.errors.get_mut(&method).and_then(Vec::pop) {
            Err(Some(error))
        } else {
            state.answer(&method, &arguments).map_err(|error| Some(error.to_owned()))
        }
    };
    match answer {
        Ok(mut answer) => {
            answer["ok"] = json!(true);
            axum::Json(answer).into_response()
        }
        Err(Some(error)) => axum::Json(json!({ "ok": false, "error": error })).into_response(),
        Err(None) => (StatusCode::SERVICE_UNAVAILABLE, "<html>down</html>").into_response(),
    }
}

async fn respond(State(shared): State<Arc<Shared>>, body: Bytes) -> &'static str {
    let arguments = serde_json::from_slice(&body).unwrap();
    shared.state.lock().unwrap().calls.push(Call { method: "response_url".into(), arguments });
    shared.called.notify_waiters();
    "ok"
}

impl Workspace {
    fn answer(&mut self, method: &str, arguments: &Value) -> Result<Value, &'static str> {
        let text = |name: &str| arguments[name].as_str().unwrap_or_default().to_owned();
        self.counter += 1;
        match method {
            "auth.test" => Ok(json!({ "team_id": WORKSPACE, "user_id": "U0BOT" })),
            "apps.connections.open" => Ok(json!({ "url": self.socket })),
            "users.info" => {
                let user = self.people.get(&text("user")).ok_or("user_not_found")?;
                Ok(json!({ "user": user }))
            }
            "users.lookupByEmail" => {
                let found = self.people.values().find(|person| person["profile"]["email"] == arguments["email"]);
                Ok(json!({ "user": found.ok_or("users_not_found")? }))
            }
            "conversations.open" => Ok(json!({ "channel": { "id": "G0GROUP" } })),
            "chat.postMessage" => {
                check_message(arguments);
                let channel = match text("channel") {
                    name if name.starts_with('#') => format!("C{}", name[1..].to_uppercase()),
                    user if user.starts_with('U') => format!("D{user}"),
                    id => id,
                };
                let ts = format!("1709208000.{:06}", self.counter);
                self.messages.insert((channel.clone(), ts.clone()), arguments.clone());
                Ok(json!({ "channel": channel, "ts": ts }))
            }
            "chat.update" => {
                check_message(arguments);
                let key = (text("channel"), text("ts"));
                *self.messages.get_mut(&key).ok_or("message_not_found")? = arguments.clone();
                Ok(json!({ "channel": key.0, "ts": key.1 }))
            }
            "chat.postEphemeral" => {
                check_message(arguments);
                Ok(json!({ "message_ts": "1709208000.000001" }))
            }
            "views.open" => {
                check_view(&arguments["view"]);
                if !self.triggers.remove(&text("trigger_id")) {
                    return Err("expired_trigger_id");
                }
                let id = format!("V{:04}", self.counter);
                self.shown(id, arguments)
            }
            "views.update" => {
                check_view(&arguments["view"]);
                let (hash, _) = self.views.get(&text("view_id")).ok_or("not_found")?;
                if arguments.get("hash").is_some_and(|given| given != hash.as_str()) {
                    return Err("hash_conflict");
                }
                self.shown(text("view_id"), arguments)
            }
            _ => Err("unknown_method"),
        }
    }

    fn shown(&mut self, id: String, arguments: &Value) -> Result<Value, &'static str> {
        let hash = format!("1709208000.h{}", self.counter);
        self.views.insert(id.clone(), (hash.clone(), arguments["view"].clone()));
        Ok(json!({ "view": { "id": id, "hash": hash } }))
    }
}

fn check_message(message: &Value) {
    assert!(!message["text"].as_str().unwrap().is_empty());
    let blocks = message["blocks"].as_array().unwrap();
    assert!(blocks.len() <= 50);
    check_blocks(blocks);
}

fn check_view(view: &Value) {
    assert_eq!(view["type"], "modal");
    for text in ["title", "submit", "close"] {
        let text = view[text]["text"].as_str().unwrap_or("x");
        assert!((1..=24).contains(&text.encode_utf16().count()), "{text}");
    }
    assert!(view["private_metadata"].as_str().unwrap_or_default().len() <= 3000);
    let blocks = view["blocks"].as_array().unwrap();
    assert!((1..=100).contains(&blocks.len()));
    let has_input = blocks.iter().any(|block| block["type"] == "input");
    assert!(!has_input || view.get("submit").is_some());
    check_blocks(blocks);
}

fn check_blocks(blocks: &[Value]) {
    let mut ids = BTreeSet::new();
    for block in blocks {
        if let Some(id) = block["block_id"].as_str() {
            assert!(ids.insert(id) && id.len() <= 255, "{id}");
        }
        match block["type"].as_str().unwrap() {
            "section" => {
                let text = block["text"]["text"].as_str().unwrap_or("x");
                assert!((1..=3000).contains(&text.encode_utf16().count()));
                let fields = block["fields"].as_array().map_or(&[][..], Vec::as_slice);
                assert!(fields.len() <= 10);
                assert!(fields.iter().all(|field| field["text"].as_str().unwrap().encode_utf16().count() <= 2000));
            }
            "input" => check_element(&block["element"]),
            "actions" => block["elements"].as_array().unwrap().iter().for_each(check_element),
            "context" => assert!((1..=10).contains(&block["elements"].as_array().unwrap().len())),
            other => panic!("unexpected block `{other}`"),
        }
    }
}

fn check_element(element: &Value) {
    assert!(element["action_id"].as_str().unwrap().len() <= 255);
    assert!(element["value"].as_str().unwrap_or_default().len() <= 2000);
    let Some(options) = element["options"].as_array() else { return };
    assert!((1..=100).contains(&options.len()));
    for option in options {
        assert!((1..=75).contains(&option["value"].as_str().unwrap().encode_utf16().count()));
        assert!((1..=75).contains(&option["text"]["text"].as_str().unwrap().encode_utf16().count()));
    }
}
