//! A simulated workspace, which records messages: handlers run without a network or a token.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use sym_sdk::error::Result;
use sym_sdk::integration::{Fake, FakeClient, Outbox};

use super::Slack;
use crate::kit::{SimulatedAccount, SimulatedService, address};

/// The timestamp of every message.
const TS: &str = "0000000000.000000";

/// The workspace of a client that no integration names one for.
const WORKSPACE: &str = "T0SIMULATED";

/// A simulated Slack workspace: its members, channels and user groups are set here. It records messages, which a simulation shows in its
/// timeline.
///
/// Every channel exists and has no members unless they are set, and so do user groups. An account is found for every e-mail address. The list
/// of users has those that are set.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sym_sdk::Result<()> {
/// use sym_integrations::slack::SimulatedSlack;
/// use sym_sdk::model::User;
///
/// let slack = SimulatedSlack::new()
///     .channel_member("#approvers", "ana@example.com")
///     .group_member("S012ONCALL", "ben@example.com")
///     .build()?;
/// assert_eq!(slack.users_in_channel("#approvers").await?[0].username(), "ana@example.com");
/// assert!(slack.is_user_in_group(&User::from_email("ben@example.com")?, "S012ONCALL").await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "call `build` to get the client"]
pub struct SimulatedSlack {
    /// Full names by e-mail address.
    users: BTreeMap<String, String>,
    channels: BTreeMap<String, Vec<String>>,
    groups: BTreeMap<String, Vec<String>>,
}

impl SimulatedSlack {
    /// Creates a workspace without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a member of the workspace, with their full name.
    pub fn user(mut self, email: impl Into<String>, name: impl Into<String>) -> Self {
        self.users.insert(address(email.into()), name.into());
        self
    }

    /// Adds a channel without members.
    pub fn channel(mut self, name: impl AsRef<str>) -> Self {
        self.channels.entry(channel_name(name.as_ref())).or_default();
        self
    }

    /// Adds a member of a channel.
    pub fn channel_member(mut self, channel: impl AsRef<str>, email: impl Into<String>) -> Self {
        let email = self.known(email.into());
        self.channels.entry(channel_name(channel.as_ref())).or_default().push(email);
        self
    }

    /// Adds a member of a user group, by the group's id.
    pub fn group_member(mut self, group_id: impl Into<String>, email: impl Into<String>) -> Self {
        let email = self.known(email.into());
        self.groups.entry(group_id.into()).or_default().push(email);
        self
    }

    /// Returns the address of a member of the workspace, who is called by it unless they have a name.
    fn known(&mut self, email: String) -> String {
        let email = address(email);
        self.users.entry(email.clone()).or_insert_with(|| email.clone());
        email
    }

    /// Builds the client of the workspace.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn build(self) -> Result<Slack> {
        self.client(&SimulatedAccount::default())
    }

    pub(super) fn client(&self, account: &SimulatedAccount) -> Result<Slack> {
        let workspace = account.name().unwrap_or(WORKSPACE);
        let builder = Slack::builder(workspace).token("xoxb-simulated");
        let service = self.service(workspace, account.outbox().clone());
        Ok(account.client(builder, service)?.simulated())
    }

    fn service(&self, team_id: &str, outbox: Outbox) -> SimulatedService {
        let team_id = team_id.to_owned();
        let workspace = Arc::new(Workspace { set: self.clone(), outbox, accounts: Mutex::default() });
        let [posted, whispered, found, read, listed, channels, in_channel, in_group] =
            std::array::from_fn(|_| Arc::clone(&workspace));
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
                ok(json!({ "user": found.user(request.text("email")) }))
            })
            .on("POST", "api/users.info", move |request| match read.email(request.text("user")) {
                Some(email) => ok(json!({ "user": read.user(&email) })),
                None => Some(json!({ "ok": false, "error": "user_not_found" })),
            })
            .on("POST", "api/users.list", move |_| {
                let users = listed.set.users.keys().map(|email| listed.user(email));
                ok(json!({ "members": users.collect::<Vec<_>>() }))
            })
            .on("POST", "api/conversations.list", move |_| {
                let channels = channels.set.channels.keys().map(|name| json!({ "id": name, "name": name }));
                ok(json!({ "channels": channels.collect::<Vec<_>>() }))
            })
            .on("POST", "api/conversations.members", move |request| {
                let members = in_channel.set.channels.get(&channel_name(request.text("channel")));
                ok(json!({ "members": in_channel.accounts(members) }))
            })
            .on("POST", "api/usergroups.users.list", move |request| {
                let members = in_group.set.groups.get(request.text("usergroup"));
                ok(json!({ "users": in_group.accounts(members) }))
            })
            .on("POST", "api/auth.test", move |_| {
                ok(json!({ "team_id": team_id, "team": "a simulated workspace", "user_id": "U0SIMULATED0" }))
            })
            // Every other method succeeds, and response URLs accept everything.
            .on("POST", "api/{method}", |_| ok(json!({})))
            .on("POST", "{kind}/{workspace}/{id}/{secret}", |_| ok(json!({})))
    }
}

impl Fake for SimulatedSlack {
    type Client = Slack;

    fn into_client(self) -> FakeClient<Slack> {
        FakeClient::built_by(move |config| self.client(&SimulatedAccount::of(config))?.with_trusted_teams_of(config))
    }
}

/// A channel's name without `#`, in lower case.
fn channel_name(name: &str) -> String {
    name.trim().trim_start_matches('#').to_lowercase()
}

fn ok(mut body: Value) -> Option<Value> {
    body["ok"] = true.into();
    Some(body)
}

struct Workspace {
    set: SimulatedSlack,
    outbox: Outbox,
    /// E-mail addresses, whose positions make up account ids.
    accounts: Mutex<Vec<String>>,
}

impl Workspace {
    /// Describes the user with an e-mail address, who is not a member unless they were set.
    fn user(&self, email: &str) -> Value {
        let email = address(email);
        let name = self.set.users.get(&email).unwrap_or(&email);
        json!({ "id": self.account(&email), "real_name": name, "profile": { "email": email, "real_name": name } })
    }

    fn accounts(&self, emails: Option<&Vec<String>>) -> Vec<String> {
        let emails: BTreeSet<_> = emails.into_iter().flatten().collect();
        emails.into_iter().map(|email| self.account(email)).collect()
    }

    fn account(&self, email: &str) -> String {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let position = accounts.iter().position(|known| known == email).unwrap_or_else(|| {
            accounts.push(email.to_owned());
            accounts.len() - 1
        });
        format!("U0SIMULATED{}", position + 1)
    }

    /// The e-mail address of an account.
    fn email(&self, account: &str) -> Option<String> {
        let position = account.strip_prefix("U0SIMULATED")?.parse::<usize>().ok()?.checked_sub(1)?;
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner).get(position).cloned()
    }

    /// Records a message with its recipients, by e-mail address where known.
    fn record(&self, channel: &str, text: &str) {
        let name = |id: &str| self.email(id).unwrap_or_else(|| id.to_owned());
        self.outbox.record("slack", channel.split(',').map(name).collect::<Vec<_>>().join(", "), text);
    }
}
