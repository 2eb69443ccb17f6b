//! A simulated workspace: it records messages and has no users, channels or groups.
//!
//! It answers the calls of a client in a simulation, so that handlers run without a network or a token.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};
use sym_sdk::integration::Outbox;
use url::form_urlencoded;

use crate::http::Connection;

/// Returns a connection to a simulated workspace. Messages are recorded in the outbox. Looking up an e-mail address always
/// succeeds, with an account id made up for that address.
pub(super) fn connection(outbox: Outbox) -> Connection {
    let workspace = SimulatedWorkspace { outbox, accounts: Mutex::default() };
    Connection::simulated(move |path, body| {
        let method = path.rsplit('/').next().unwrap_or_default();
        let mut response = workspace.respond(method, &arguments(body));
        response["ok"] = (!response["error"].is_string()).into();
        response
    })
}

struct SimulatedWorkspace {
    outbox: Outbox,
    /// E-mail addresses by made-up account id.
    accounts: Mutex<BTreeMap<String, String>>,
}

impl SimulatedWorkspace {
    fn respond(&self, method: &str, arguments: &Map<String, Value>) -> Value {
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
            // The conversation id lists its members, so that `label` can name them.
            "conversations.open" => json!({ "channel": { "id": text("users") } }),
            "users.lookupByEmail" => {
                let email = text("email");
                json!({ "user": { "id": self.account(email), "profile": { "email": email } } })
            }
            "users.info" => json!({ "error": "user_not_found" }),
            // Every other method returns an empty list.
            _ => json!({ "channels": [], "members": [], "users": [] }),
        }
    }

    fn account(&self, email: &str) -> String {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((id, _)) = accounts.iter().find(|(_, known)| *known == email) {
            return id.clone();
        }
        let id = format!("U0SIMULATED{}", accounts.len() + 1);
        accounts.insert(id.clone(), email.to_owned());
        id
    }

    /// Returns the recipients of a message, by e-mail address where known.
    fn label(&self, channel: &str) -> String {
        let accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let name = |id: &str| accounts.get(id).cloned().unwrap_or_else(|| id.to_owned());
        channel.split(',').map(name).collect::<Vec<_>>().join(", ")
    }
}

/// Parses the arguments of a call, which are JSON or form-encoded.
fn arguments(body: &[u8]) -> Map<String, Value> {
    serde_json::from_slice(body).unwrap_or_else(|_| {
        form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect()
    })
}
