//! A simulated workspace: it records messages and has no users, channels or groups.
//!
//! It answers the calls of a client in a simulation, so that handlers run without a network or a token.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use sym_sdk::integration::Outbox;

use crate::http::Connection;
use crate::kit::SimulatedService;

/// The timestamp of every message.
const TS: &str = "0000000000.000000";

/// Returns a connection to a simulated workspace. Messages are recorded in the outbox. Looking up an e-mail address always
/// succeeds, with an account id made up for that address.
pub(super) fn connection(team_id: &str, outbox: Outbox) -> Connection {
    let team_id = team_id.to_owned();
    let workspace = Arc::new(SimulatedWorkspace { outbox, accounts: Mutex::default() });
    let [posted, whispered, accounts] = std::array::from_fn(|_| Arc::clone(&workspace));
    SimulatedService::new("")
        .on("POST", "api/chat.postMessage", move |request| {
            posted.record(request.text("channel"), request.text("text"));
            ok(json!({ "channel": request.text("channel"), "ts": TS }))
        })
        .on("POST", "api/chat.postEphemeral", move |request| {
            whispered.record(request.text("user"), request.text("text"));
            ok(json!({ "message_ts": TS }))
        })
        .on("POST", "api/chat.update", |request| {
            ok(json!({ "channel": request.text("channel"), "ts": request.text("ts") }))
        })
        // The conversation id lists its members, so that a record can name them.
        .on("POST", "api/conversations.open", |request| ok(json!({ "channel": { "id": request.text("users") } })))
        .on("POST", "api/users.lookupByEmail", move |request| {
            let email = request.text("email");
            ok(json!({ "user": { "id": accounts.account(email), "profile": { "email": email } } }))
        })
        .on("POST", "api/users.info", |_| Some(json!({ "ok": false, "error": "user_not_found" })))
        .on("POST", "api/auth.test", move |_| {
            ok(json!({ "team_id": team_id, "team": "a simulated workspace", "user_id": "U0SIMULATED0" }))
        })
        // Every other method returns an empty list, and response URLs accept everything.
        .on("POST", "api/{method}", |_| ok(json!({ "channels": [], "members": [], "users": [] })))
        .on("POST", "{kind}/{workspace}/{id}/{secret}", |_| ok(json!({})))
        .connection()
}

fn ok(mut body: Value) -> Option<Value> {
    body["ok"] = true.into();
    Some(body)
}

struct SimulatedWorkspace {
    outbox: Outbox,
    /// E-mail addresses by made-up account id.
    accounts: Mutex<BTreeMap<String, String>>,
}

impl SimulatedWorkspace {
    fn account(&self, email: &str) -> String {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((id, _)) = accounts.iter().find(|(_, known)| *known == email) {
            return id.clone();
        }
        let id = format!("U0SIMULATED{}", accounts.len() + 1);
        accounts.insert(id.clone(), email.to_owned());
        id
    }

    /// Records a message with its recipients, by e-mail address where known.
    fn record(&self, channel: &str, text: &str) {
        let accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let name = |id: &str| accounts.get(id).cloned().unwrap_or_else(|| id.to_owned());
        self.outbox.record("slack", channel.split(',').map(name).collect::<Vec<_>>().join(", "), text);
    }
}
