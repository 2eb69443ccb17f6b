//! Slack's Web API as far as the servers call it. Its answers are always the same; it remembers what payloads are made from.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::Outcome;
use crate::scene::{Pending, WORKSPACE, people};

/// The channel of all messages.
pub(crate) const CHANNEL: &str = "C0ACCESS";

/// Clones are one workspace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Workspace(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    counter: u32,
    calls: BTreeMap<String, usize>,
    /// Views with inputs, by id, as they were shown last.
    forms: HashMap<String, Value>,
    /// The message that was posted last, with its buttons.
    message: Value,
    pending: Vec<Pending>,
}

impl Workspace {
    /// Answers on a port of its own, and says where.
    pub(crate) async fn start(&self) -> Outcome<String> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}/api/", listener.local_addr()?);
        let routes = Router::new().route("/api/{method}", post(call)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(url)
    }

    /// The forms that are shown, without those that have no fields yet.
    pub(crate) fn forms(&self) -> HashMap<String, Value> {
        self.seen().forms.clone()
    }

    /// The requests whose messages were posted.
    pub(crate) fn pending(&self) -> Vec<Pending> {
        self.seen().pending.clone()
    }

    /// How many messages of requests were posted.
    pub(crate) fn posted(&self) -> usize {
        self.seen().pending.len()
    }

    /// The message of a request.
    pub(crate) fn message(&self) -> Value {
        self.seen().message.clone()
    }

    /// How often each method was called since this was asked last.
    pub(crate) fn take_calls(&self) -> BTreeMap<String, usize> {
        std::mem::take(&mut self.seen().calls)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn call(State(workspace): State<Workspace>, Path(method): Path<String>, body: Bytes) -> Json<Value> {
    let mut seen = workspace.seen();
    seen.counter += 1;
    let counter = seen.counter;
    let answer = match method.as_str() {
        "auth.test" => json!({ "team_id": WORKSPACE, "user_id": "U0BOT", "bot_id": "B0BOT" }),
        "users.info" => json!({ "user": user(argument(&body, "user").as_deref()) }),
        "users.lookupByEmail" => json!({ "user": user(argument(&body, "email").as_deref()) }),
        "conversations.open" => json!({ "channel": { "id": "D0DIRECT" } }),
        "chat.postMessage" => {
            let ts = format!("1709208000.{counter:06}");
            seen.post(&body, &ts);
            json!({ "channel": CHANNEL, "ts": ts })
        }
        "chat.update" => json!({ "channel": CHANNEL, "ts": "1709208000.000001" }),
        "chat.postEphemeral" => json!({ "message_ts": "1709208000.000001" }),
        "views.open" => json!({ "view": { "id": format!("V{counter:08}"), "hash": "1709208000.h" } }),
        "views.update" => {
            let id = seen.show(&body);
            json!({ "view": { "id": id, "hash": "1709208000.h" } })
        }
        _ => json!({}),
    };
    *seen.calls.entry(method).or_default() += 1;
    let mut answer = answer;
    answer["ok"] = json!(true);
    Json(answer)
}

/// An argument of a call, which comes as a form or as JSON.
fn argument(body: &[u8], name: &str) -> Option<String> {
    if let Ok(arguments) = serde_json::from_slice::<Value>(body) {
        return arguments[name].as_str().map(str::to_owned);
    }
    let mut arguments = form_urlencoded::parse(body);
    arguments.find(|(key, _)| *key == *name).map(|(_, value)| value.into_owned())
}

fn user(who: Option<&str>) -> Value {
    let mut people = people().into_iter();
    let Some(person) = people.find(|person| who.is_some_and(|who| person.account == who || person.email == who)) else {
        return Value::Null;
    };
    json!({
        "id": person.account, "team_id": WORKSPACE, "deleted": false, "is_bot": false,
        "profile": { "email": person.email },
    })
}

impl Seen {
    /// Remembers the message of a request; others have no button to approve with.
    fn post(&mut self, body: &[u8], ts: &str) {
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

    fn show(&mut self, body: &[u8]) -> String {
        let arguments: Value = serde_json::from_slice(body).unwrap_or_default();
        let id = arguments["view_id"].as_str().unwrap_or_default().to_owned();
        let mut blocks = arguments["view"]["blocks"].as_array().into_iter().flatten();
        if blocks.any(|block| block["type"] == "input") {
            self.forms.insert(id.clone(), arguments["view"].clone());
        }
        id
    }
}
