//! A fake of the Slack Web API methods that the servers call. Its responses are constant, so that it costs little; it records the views
//! and messages from which payloads are built.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::Outcome;
use crate::fixture::{Pending, WORKSPACE, people};

/// The ID of the channel to which all messages are posted.
pub(crate) const CHANNEL: &str = "C0ACCESS";

/// A fake Slack workspace. Clones share their state.
#[derive(Clone, Debug, Default)]
pub(crate) struct FakeSlack(Arc<Mutex<Recorded>>);

#[derive(Debug, Default)]
struct Recorded {
    counter: u32,
    calls: BTreeMap<String, usize>,
    /// The latest version of each view with inputs, by ID.
    forms: HashMap<String, Value>,
    /// The last posted message, with its buttons.
    message: Value,
    pending: Vec<Pending>,
}

impl FakeSlack {
    /// Starts the server on a free port and returns its base URL.
    pub(crate) async fn start(&self) -> Outcome<String> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}/api/", listener.local_addr()?);
        let routes = Router::new().route("/api/{method}", post(call)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(url)
    }

    /// Returns the open forms, except those without fields.
    pub(crate) fn forms(&self) -> HashMap<String, Value> {
        self.recorded().forms.clone()
    }

    /// Returns the requests whose messages have been posted.
    pub(crate) fn pending(&self) -> Vec<Pending> {
        self.recorded().pending.clone()
    }

    /// Returns the number of posted request messages.
    pub(crate) fn posted_count(&self) -> usize {
        self.recorded().pending.len()
    }

    /// Returns the message of a request.
    pub(crate) fn message(&self) -> Value {
        self.recorded().message.clone()
    }

    /// Returns and resets the number of calls by method.
    pub(crate) fn take_calls(&self) -> BTreeMap<String, usize> {
        std::mem::take(&mut self.recorded().calls)
    }

    fn recorded(&self) -> MutexGuard<'_, Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn call(State(slack): State<FakeSlack>, Path(method): Path<String>, body: Bytes) -> Json<Value> {
    let mut recorded = slack.recorded();
    recorded.counter += 1;
    let counter = recorded.counter;
    let mut response = match method.as_str() {
        "auth.test" => json!({ "team_id": WORKSPACE, "user_id": "U0BOT", "bot_id": "B0BOT" }),
        "users.info" => json!({ "user": user(argument(&body, "user").as_deref()) }),
        "users.lookupByEmail" => json!({ "user": user(argument(&body, "email").as_deref()) }),
        "conversations.open" => json!({ "channel": { "id": "D0DIRECT" } }),
        "chat.postMessage" => {
            let ts = format!("1709208000.{counter:06}");
            recorded.record_message(&body, &ts);
            json!({ "channel": CHANNEL, "ts": ts })
        }
        "chat.update" => json!({ "channel": CHANNEL, "ts": "1709208000.000001" }),
        "chat.postEphemeral" => json!({ "message_ts": "1709208000.000001" }),
        "views.open" => json!({ "view": { "id": format!("V{counter:08}"), "hash": "1709208000.h" } }),
        "views.update" => {
            let id = recorded.record_view(&body);
            json!({ "view": { "id": id, "hash": "1709208000.h" } })
        }
        _ => json!({}),
    };
    *recorded.calls.entry(method).or_default() += 1;
    response["ok"] = json!(true);
    Json(response)
}

/// Returns an argument of a call from a form or JSON body.
fn argument(body: &[u8], name: &str) -> Option<String> {
    if let Ok(arguments) = serde_json::from_slice::<Value>(body) {
        return arguments[name].as_str().map(str::to_owned);
    }
    let mut arguments = form_urlencoded::parse(body);
    arguments.find(|(key, _)| *key == *name).map(|(_, value)| value.into_owned())
}

fn user(id_or_email: Option<&str>) -> Value {
    let mut people = people().into_iter();
    let Some(person) = people.find(|person| id_or_email.is_some_and(|id| person.account == id || person.email == id))
    else {
        return Value::Null;
    };
    json!({
        "id": person.account, "team_id": WORKSPACE, "deleted": false, "is_bot": false,
        "profile": { "email": person.email },
    })
}

impl Recorded {
    /// Records the message of a request. Other messages have no Approve button.
    fn record_message(&mut self, body: &[u8], ts: &str) {
        let Ok(message) = serde_json::from_slice::<Value>(body) else { return };
        let blocks = message["blocks"].as_array().into_iter().flatten();
        let elements = blocks.filter_map(|block| block["elements"].as_array()).flatten();
        let run =
            elements.filter(|element| element["action_id"] == "approve").find_map(|button| button["value"].as_str());
        let Some(run) = run.map(str::to_owned) else { return };
        let pending = Pending { run, requester: String::new(), channel: CHANNEL.to_owned(), ts: ts.to_owned() };
        self.pending.push(pending);
        self.message = message;
    }

    /// Records a view that has inputs, and returns its ID.
    fn record_view(&mut self, body: &[u8]) -> String {
        let arguments: Value = serde_json::from_slice(body).unwrap_or_default();
        let id = arguments["view_id"].as_str().unwrap_or_default().to_owned();
        let mut blocks = arguments["view"]["blocks"].as_array().into_iter().flatten();
        if blocks.any(|block| block["type"] == "input") {
            self.forms.insert(id.clone(), arguments["view"].clone());
        }
        id
    }
}
