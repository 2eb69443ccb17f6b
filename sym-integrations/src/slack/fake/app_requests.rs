//! Signed requests to the app.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use serde_json::Value;
use sym_sdk::error::{Error, ErrorKind, Result};
use url::form_urlencoded::Serializer;

use super::Shared;
use super::shared::configuration_error;
use crate::slack::signature::{SIGNATURE_HEADER, SigningSecret, TIMESTAMP_HEADER};

/// Time within which Slack requires a response.
const APP_TIMEOUT: Duration = Duration::from_secs(3);

/// Maximum size of a response that is read, in bytes.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// A response of the app.
pub(super) struct AppResponse {
    body: Vec<u8>,
}

impl AppResponse {
    /// Returns the body as JSON. An empty body is `null`.
    pub(super) fn json(&self) -> Option<Value> {
        match self.body.trim_ascii() {
            [] => Some(Value::Null),
            body => serde_json::from_slice(body).ok(),
        }
    }

    /// Returns the body as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).trim().to_owned()
    }
}

/// The reason why the app did not respond as Slack requires.
pub(super) enum AppError {
    /// It timed out or is unreachable.
    NoResponse,
    /// It responded with a status other than 200.
    Status(u16),
    /// No app is connected, or the signing secret is empty.
    Unset(Error),
}

impl AppError {
    /// Returns the error for the person who acts, with the message that Slack shows.
    pub(super) fn into_error(self, words: &str) -> Error {
        let error = match self {
            Self::Unset(error) => return error,
            Self::NoResponse => Error::new(ErrorKind::Unavailable, super::APP_DID_NOT_RESPOND, words),
            Self::Status(status) => {
                Error::new(ErrorKind::Unavailable, super::APP_DID_NOT_RESPOND, format!("{words} (status {status})"))
            }
        };
        error.with_service("slack")
    }
}

impl Shared {
    /// Sends an interaction payload to the app.
    pub(super) async fn tell(&self, route: &str, payload: &Value) -> Result<AppResponse, AppError> {
        self.send(route, &[("payload", payload.to_string())]).await
    }

    pub(super) async fn send(&self, route: &str, fields: &[(&str, String)]) -> Result<AppResponse, AppError> {
        let unset = || {
            let hint = "connect one with `FakeSlack::connect`";
            AppError::Unset(configuration_error("no app is connected to the fake Slack").with_hint(hint))
        };
        let app = self.look(|workspace| workspace.app.clone()).ok_or_else(unset)?;
        let url = format!("{}/{route}", app.as_str().trim_end_matches('/'));
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        let now = self.clock.now().as_second().to_string();
        let secret = SigningSecret::new(self.secrets.signing_secret.clone()).map_err(AppError::Unset)?;
        let signature = secret.sign(&now, body.as_bytes()).map_err(AppError::Unset)?;
        let request = self
            .http
            .post(url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(TIMESTAMP_HEADER, now)
            .header(SIGNATURE_HEADER, signature)
            .body(body);
        let answer = async {
            let mut response = request.send().await?;
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await?
                && body.len() < MAX_BODY_BYTES
            {
                body.extend_from_slice(&chunk);
            }
            Ok::<_, reqwest::Error>((response.status().as_u16(), body))
        };
        let answer = tokio::select! {
            answer = answer => answer.map_err(|error| {
                tracing::debug!(error = %error.without_url(), "the app is unreachable");
                AppError::NoResponse
            }),
            () = self.clock.sleep(APP_TIMEOUT) => Err(AppError::NoResponse),
        };
        match answer? {
            (200, body) => Ok(AppResponse { body }),
            (status, _) => Err(AppError::Status(status)),
        }
    }
}
