//! Opening Socket Mode connections, for apps without a public address.

use serde::Deserialize;
use sym_sdk::error::Result;

use super::Api;
use crate::http::SecretString;

/// The endpoint with the app-level token. It has no rate limit, because reopening a socket must not wait for a minute.
pub(in crate::slack) const SOCKET_MODE: &str = "Socket Mode";

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
    /// Returns a new Socket Mode URL
    /// ([`apps.connections.open`](https://docs.slack.dev/reference/methods/apps.connections.open)). The URL is a secret: anyone who
    /// has it can receive the app's events. It is valid for one connection, for a short time.
    ///
    /// # Errors
    /// `SymSDK:CONFIGURATION` without an [app-level token](super::super::SlackBuilder::app_token).
    pub async fn open_socket(&self) -> Result<SecretString> {
        let app = self.0.endpoint(SOCKET_MODE).map_err(|error| {
            error.with_hint("create an app-level token with the scope `connections:write` and set `app_token_secret`")
        })?;
        // An unused URL has no effect, so the call may be retried.
        let response = app.post("apps.connections.open", &[]).idempotent(true).confidential().await?;
        Ok(response.json::<Socket>()?.url.0)
    }
}
