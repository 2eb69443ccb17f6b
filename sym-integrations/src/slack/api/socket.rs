//! Sockets, for apps that have no public address.

use serde::Deserialize;
use sym_sdk::error::{Error, ErrorKind, Result, codes};

use super::Api;
use crate::http::SecretString;

#[derive(Deserialize)]
struct Socket {
    url: SecretUrl,
}

#[derive(Deserialize)]
#[serde(from = "String")]
struct SecretUrl(SecretString);

impl From<String> for SecretUrl {
    fn from(url: String) -> Self {
        Self(url.into())
    }
}

impl Api {
    /// Gives the address of a socket on which Slack sends what happens
    /// ([`apps.connections.open`](https://docs.slack.dev/reference/methods/apps.connections.open)). Whoever has it can listen, so
    /// it is a secret; it is good for one connection, soon.
    ///
    /// # Errors
    /// `SymSDK:CONFIGURATION` without an [app-level token](super::super::SlackBuilder::app_token).
    pub async fn open_socket(&self) -> Result<SecretString> {
        let Some(app) = &self.app else {
            let message = "a socket needs an app-level token, and there is none";
            return Err(Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message)
                .with_service("slack")
                .with_hint("make one with the scope `connections:write`, and name it in `app_token_secret`"));
        };
        // Nothing is lost if an address is never used.
        let response = app.post("apps.connections.open", &[]).idempotent(true).confidential().await?;
        Ok(response.json::<Socket>()?.url.0)
    }
}
