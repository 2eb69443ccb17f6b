//! What is to be called, and with what.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::model::{User, UserId};

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
    Okta,
    Pagerduty,
}

impl Request {
    /// The call, as the client's module knows it: `C` is an enum tagged by `call`, with its fields in `arguments`.
    pub(crate) fn call<C: DeserializeOwned>(&self) -> Result<C> {
        Ok(serde_json::from_value(json!({ "call": self.call, "arguments": self.arguments }))?)
    }

    pub(crate) fn setting(&self, name: &str) -> Result<&str> {
        self.known_setting(name).ok_or_else(|| {
            Error::new(ErrorKind::Configuration, codes::CONFIGURATION, format!("there is no setting `{name}`"))
        })
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

    fn try_from(email: String) -> Result<Self> {
        User::person(UserId::of_email(&email), &email).map(Self)
    }
}

pub(crate) fn emails(users: &[Arc<User>]) -> Value {
    users.iter().map(|user| user.email()).collect()
}
