//! The request: the function to call, and its arguments.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sym_sdk::error::Error;
use sym_sdk::model::User;

#[derive(Deserialize)]
pub(crate) struct Request {
    pub(crate) vendor: Vendor,
    pub(crate) base_url: String,
    settings: BTreeMap<String, String>,
    call: String,
    arguments: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Vendor {
    Aws,
    Github,
    Jira,
    Google,
    Okta,
    Onelogin,
    Pagerduty,
    Slack,
}

/// The reason why there is no result.
pub(crate) enum Fault {
    /// The request is malformed, and nothing was called.
    Request(String),
    /// The call failed.
    Call(Error),
    /// The delivery of these lines failed.
    Delivery { error: Error, lines: Value },
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

impl Request {
    /// Parses the call: `C` is an enum tagged by `call`, with its fields in `arguments`.
    pub(crate) fn call<C: DeserializeOwned>(&self) -> Result<C, Fault> {
        let call = json!({ "call": self.call, "arguments": self.arguments });
        serde_json::from_value(call).map_err(|error| Fault::Request(format!("call `{}`: {error}", self.call)))
    }

    pub(crate) fn setting(&self, name: &str) -> Result<&str, Fault> {
        self.known_setting(name).ok_or_else(|| Fault::Request(format!("there is no setting `{name}`")))
    }

    pub(crate) fn known_setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str)
    }
}

/// A user, by e-mail address.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Person(pub(crate) User);

impl TryFrom<String> for Person {
    type Error = Error;

    fn try_from(email: String) -> Result<Self, Error> {
        User::from_email(&email).map(Self)
    }
}

pub(crate) fn emails(users: &[Arc<User>]) -> Value {
    users.iter().map(|user| user.email()).collect()
}
