//! Signed requests to the app.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use sym_sdk::error::{Error, ErrorKind, Result};
use url::form_urlencoded::Serializer;

use super::Shared;
use super::shared::configuration_error;
use crate::slack::signature::{SIGNATURE_HEADER, SigningSecret, TIMESTAMP_HEADER};

/// Time within which Slack requires a response.
pub(super) const APP_TIMEOUT: Duration = Duration::from_secs(3);

/// Maximum size of a response that is read, in bytes.
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// The header by which an app asks not to repeat an event.
const NO_RETRY_HEADER: &str = "x-slack-no-retry";

/// A request to the app.
pub(super) struct AppRequest<'a> {
    pub(super) route: &'a str,
    pub(super) media_type: &'static str,
    pub(super) body: String,
    pub(super) headers: Vec<(&'static str, String)>,
}

/// A response of the app.
pub(super) struct AppResponse {
    body: Vec<u8>,
}

impl AppResponse {
    /// Returns the response that an acknowledgement on a socket contains.
    pub(super) fn of(payload: &Value) -> Self {
        Self { body: if payload.is_null() { Vec::new() } else { payload.to_string().into_bytes() } }
    }

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
    /// It timed out.
    NoResponse,
    /// It is unreachable.
    Unreachable,
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
            Self::NoResponse | Self::Unreachable => {
                Error::new(ErrorKind::Unavailable, super::APP_DID_NOT_RESPOND, words)
            }
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
        if self.sockets.is_enabled() {
            return self.send_envelope(envelope(route, fields)).await;
        }
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        let form = AppRequest { route, media_type: "application/x-www-form-urlencoded", body, headers: Vec::new() };
        match self.post(form).await? {
            (200, body, _) => Ok(AppResponse { body }),
            (status, ..) => Err(AppError::Status(status)),
        }
    }

    /// Sends a signed request. Returns the status and the body, and whether the app asks not to repeat it.
    pub(super) async fn post(&self, request: AppRequest<'_>) -> Result<(u16, Vec<u8>, bool), AppError> {
        let AppRequest { route, media_type, body, headers } = request;
        let unset = || {
            let hint = "connect one with `FakeSlack::connect`";
            AppError::Unset(configuration_error("no app is connected to the fake Slack").with_hint(hint))
        };
        let app = self.look(|workspace| workspace.app.clone()).ok_or_else(unset)?;
        let url = format!("{}/{route}", app.as_str().trim_end_matches('/'));
        let now = self.clock.now().as_second().to_string();
        let secret = SigningSecret::new(self.secrets.signing_secret.clone()).map_err(AppError::Unset)?;
        let signature = secret.sign(&now, body.as_bytes()).map_err(AppError::Unset)?;
        let mut request = self
            .http
            .post(url)
            .header(CONTENT_TYPE, media_type)
            .header(TIMESTAMP_HEADER, now)
            .header(SIGNATURE_HEADER, signature)
            .body(body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = async {
            let mut response = request.send().await?;
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await?
                && body.len() < MAX_BODY_BYTES
            {
                body.extend_from_slice(&chunk);
            }
            let stops = response.headers().get(NO_RETRY_HEADER).is_some_and(|value| value == "1");
            Ok::<_, reqwest::Error>((response.status().as_u16(), body, stops))
        };
        tokio::select! {
            answer = answer => answer.map_err(|error| {
                tracing::debug!(error = %error.without_url(), "the app is unreachable");
                AppError::Unreachable
            }),
            () = self.timeout(APP_TIMEOUT) => Err(AppError::NoResponse),
        }
    }
}

/// Returns the envelope of what would be a form in an HTTP request: the fields of a command, or the payload of an interaction.
fn envelope(route: &str, fields: &[(&str, String)]) -> Value {
    let (kind, payload) = match fields {
        [("payload", payload)] => ("interactive", serde_json::from_str(payload).unwrap_or_default()),
        fields => {
            let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())));
            ("slash_commands", Value::Object(fields.collect()))
        }
    };
    let accepts = route == "options" || kind == "slash_commands" || payload["type"] == "view_submission";
    json!({ "type": kind, "payload": payload, "accepts_response_payload": accepts })
}
