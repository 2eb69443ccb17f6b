//! A stand-in for a workspace, for simulations.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};
use sym_sdk::integration::Outbox;
use url::form_urlencoded;

use crate::http::Connection;

/// To a workspace where nobody is, though everybody who is written to has an account. What is sent goes to the outbox.
pub(super) fn connection(outbox: Outbox) -> Connection {
    let workspace = Workspace { outbox, accounts: Mutex::default() };
    Connection::simulated(move |path, body| {
        let method = path.rsplit('/').next().unwrap_or_default();
        let mut answer = workspace.answer(method, &arguments(body));
        answer["ok"] = (!answer["error"].is_string()).into();
        answer
    })
}

struct Workspace {
    outbox: Outbox,
    /// E-mail addresses by the ids that were made up for them.
    accounts: Mutex<BTreeMap<String, String>>,
}

impl Workspace {
    fn answer(&self, method: &str, arguments: &Map<String, Value>) -> Value {
        let text = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default();
        match method {
            "chat.postMessage" => {
                self.outbox.record("slack", self.label(text("channel")), text("text"));
                json!({ "channel": text("channel"), "ts": "0000000000.000000" })
            }
            "chat.postEphemeral" => {
                self.outbox.record("slack", self.label(text("user")), text("text"));
                json!({ "message_ts": "0000000000.000000" })
            }
            "chat.update" => json!({ "channel": text("channel"), "ts": text("ts") }),
            // What is said there is noted under the names of those who see it.
            "conversations.open" => json!({ "channel": { "id": text("users") } }),
            "users.lookupByEmail" => {
                let email = text("email");
                json!({ "user": { "id": self.account(email), "profile": { "email": email } } })
            }
            "users.info" => json!({ "error": "user_not_found" }),
            // Every list is empty.
            _ => json!({ "channels": [], "members": [], "users": [] }),
        }
    }

    fn account(&self, email: &str) -> String {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((id, _)) = accounts.iter().find(|(_, known)| *known == email) {
            return id.clone();
        }
        let id = format!("U0DRY{}", accounts.len() + 1);
        accounts.insert(id.clone(), email.to_owned());
        id
    }

    /// To whom something is sent, by their addresses as far as they are known.
    fn label(&self, channel: &str) -> String {
        let accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let name = |id: &str| accounts.get(id).cloned().unwrap_or_else(|| id.to_owned());
        channel.split(',').map(name).collect::<Vec<_>>().join(", ")
    }
}

/// The arguments of a call, which come as JSON or as a form.
fn arguments(body: &[u8]) -> Map<String, Value> {
    serde_json::from_slice(body).unwrap_or_else(|_| {
        form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect()
    })
}
