//! The contents of calls.

use std::fmt;

use serde_json::{Map, Value, json};

use super::call::Call;
use crate::model::{RunId, RunStatus};

/// A request for access, or for an approval.
///
/// ```
/// use sym_sdk::client::NewRequest;
///
/// let request = NewRequest::new("prod").input("duration", "1h").input("reason", "INC-42").for_user("cleo@example.com");
/// # let _ = request;
/// ```
#[derive(Clone, Debug)]
#[must_use = "a request is made by `Client::request`"]
pub struct NewRequest {
    flow: String,
    inputs: Map<String, Value>,
    user_email: Option<String>,
    key: Option<String>,
}

impl NewRequest {
    /// Creates a request to a flow, by name or SRN.
    pub fn new(flow: impl Into<String>) -> Self {
        Self { flow: flow.into(), inputs: Map::new(), user_email: None, key: None }
    }

    /// Sets the value of a field; for access also `target_srn`, and `duration` in seconds or as `1h`.
    pub fn input(mut self, field: impl Into<String>, value: impl Into<Value>) -> Self {
        self.inputs.insert(field.into(), value.into());
        self
    }

    /// Sets the person who gets the access, by e-mail address. Without it, the caller does.
    pub fn for_user(mut self, email: impl Into<String>) -> Self {
        self.user_email = Some(email.into());
        self
    }

    /// Sets the key with which the request can be repeated without a second one being made.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    pub(crate) fn call(&self) -> Call {
        let mut body = json!({ "flow_srn": self.flow, "flow_inputs": self.inputs });
        if let Some(email) = &self.user_email {
            body["user_email"] = json!(email);
        }
        let call = Call::post(["events", "request"]).body(body);
        match &self.key {
            Some(key) => call.key(key),
            None => call,
        }
    }

    pub(crate) fn preview_call(&self) -> Call {
        let mut body = json!({ "inputs": self.inputs });
        if let Some(email) = &self.user_email {
            body["user_email"] = json!(email);
        }
        Call::post(["flows", &self.flow, "preview"]).body(body)
    }
}

/// The particulars of a decision.
#[derive(Clone, Debug, Default)]
#[must_use = "a decision is made by `Client::approve` or `Client::deny`"]
pub struct Decision {
    body: Map<String, Value>,
}

impl Decision {
    /// Creates a decision without particulars.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the text for the requester and the record.
    pub fn message(self, message: impl Into<String>) -> Self {
        self.with("message", message.into())
    }

    /// Sets the digest of what was seen, so that the decision is refused if the request has changed since: `seen` of the Run.
    pub fn seen(self, seen: impl Into<String>) -> Self {
        self.with("seen", seen.into())
    }

    /// Approves for a shorter time than was asked for, such as `30m`.
    pub fn duration(self, duration: impl Into<String>) -> Self {
        self.with("duration", duration.into())
    }

    fn with(mut self, name: &str, value: String) -> Self {
        self.body.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn call(&self, run: RunId, action: &str) -> Call {
        Call::of_run(run, action).body(self.body.clone().into())
    }
}

/// The Runs to list: all that the caller may see, unless something is set.
///
/// ```
/// use sym_sdk::client::RunQuery;
///
/// let waiting = RunQuery::new().relation("can_decide").open();
/// # let _ = waiting;
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a query does nothing until it is passed to `Client::runs`"]
pub struct RunQuery {
    params: Vec<(&'static str, String)>,
}

impl RunQuery {
    /// Creates a query for all Runs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only Runs with this relation to the caller: `mine`, `can_decide`, `decided` or `visible`.
    pub fn relation(self, relation: &str) -> Self {
        self.set("relation", relation)
    }

    /// Only Runs with a request or an extension that waits for a decision.
    pub fn open(self) -> Self {
        self.set("open", true)
    }

    /// Only Runs that give access, or may.
    pub fn holding(self) -> Self {
        self.set("holding", true)
    }

    /// Only Runs whose access has not ended when it was to.
    pub fn stuck(self) -> Self {
        self.set("stuck", true)
    }

    /// Only Runs with this status.
    pub fn status(self, status: RunStatus) -> Self {
        self.set("status", status)
    }

    /// Only Runs of this flow.
    pub fn flow(self, flow: &str) -> Self {
        self.set("flow", flow)
    }

    /// Only Runs of this requester, by id or name.
    pub fn requester(self, user: &str) -> Self {
        self.set("requester", user)
    }

    /// Only Runs for the target of this name.
    pub fn target(self, target: &str) -> Self {
        self.set("target", target)
    }

    /// Only Runs made from this time on.
    pub fn since(self, time: jiff::Timestamp) -> Self {
        self.set("since", time)
    }

    /// Only Runs made before this time.
    pub fn until(self, time: jiff::Timestamp) -> Self {
        self.set("until", time)
    }

    /// At most this many, from 1 to 200.
    pub fn limit(self, limit: usize) -> Self {
        self.set("limit", limit)
    }

    /// Goes on where a page has ended: [`RunPage::next`](super::RunPage::next).
    pub fn after(self, cursor: &str) -> Self {
        self.set("after", cursor)
    }

    fn set(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.params.retain(|(known, _)| *known != name);
        self.params.push((name, value.to_string()));
        self
    }

    pub(crate) fn call(&self) -> Call {
        self.params.iter().fold(Call::get(["runs"]), |call, (name, value)| call.query(name, value))
    }
}
