//! A complete response, and its decoding.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use sym_sdk::error::{Error, ErrorKind, Result};

use super::call_info::CallInfo;
use super::failure::error_names;
use super::lost_attempts::LostAttempts;
use super::repaired_json::repaired;

/// A complete response.
#[derive(Clone)]
pub struct Response {
    call_info: Arc<CallInfo>,
    status: u16,
    headers: HeaderMap,
    body: Bytes,
    received: Timestamp,
    request_id: Option<String>,
    lost_attempts: LostAttempts,
}

impl Response {
    pub(super) fn new(
        call_info: Arc<CallInfo>,
        status: u16,
        headers: HeaderMap,
        body: Bytes,
        received: Timestamp,
    ) -> Self {
        let request_id = call_info.request_id(&headers);
        let lost_attempts = LostAttempts::default();
        Self { call_info, status, headers, body, received, request_id, lost_attempts }
    }

    pub(super) fn following(self, lost_attempts: LostAttempts) -> Self {
        Self { lost_attempts, ..self }
    }

    /// Returns the attempts of the call before the one that this is the response to.
    #[allow(dead_code, reason = "which services use it depends on the features")]
    pub(crate) fn lost_attempts(&self) -> LostAttempts {
        self.lost_attempts
    }

    /// Returns the status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns the first header of this name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns all headers of this name that are text.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok())
    }

    pub(super) fn header_map(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Returns the body as text. Invalid UTF-8 is replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// Returns the service's id of the request.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Returns the time at which the response was complete, by the client's clock.
    pub fn received(&self) -> Timestamp {
        self.received
    }

    /// Decodes the body as JSON. The error names the path at which decoding failed.
    ///
    /// Characters in texts that cannot be decoded, such as half of a surrogate pair, are read as U+FFFD.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        let body = self.json_text();
        // Tracking the path costs time and is needed only for an error, so a body that fails is decoded a second time.
        serde_json::from_slice(&body).map_err(|error| {
            let json = &mut serde_json::Deserializer::from_slice(&body);
            let path = serde_path_to_error::deserialize::<_, T>(json).err().map(|error| error.path().to_string());
            self.not_json(&error, path)
        })
    }

    /// Returns the body as JSON whose texts can be decoded.
    pub(crate) fn json_text(&self) -> Cow<'_, [u8]> {
        repaired(&self.body)
    }

    /// Decodes the body as JSON and redacts secrets that the service echoes, for values that are stored.
    #[cfg(feature = "http")]
    pub(super) fn redacted_json(&self) -> Result<serde_json::Value> {
        Ok(self.call_info.redactor.redact_json(self.json()?))
    }

    fn not_json(&self, error: &serde_json::Error, path: Option<String>) -> Error {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return self.unexpected("expected JSON, got an empty body");
        }
        if self.is_html() {
            return self
                .unexpected("expected JSON, got HTML")
                .with_hint("check the base URL, and whether a proxy or a login page intercepts the call");
        }
        // Messages of serde can quote a value.
        let problem = match error.classify() {
            serde_json::error::Category::Eof => "it is truncated".to_owned(),
            _ if self.call_info.confidential => format!("line {} column {}", error.line(), error.column()),
            _ => self.call_info.clean(&error.to_string()),
        };
        match path.map(|path| self.call_info.clean(&path)).filter(|path| !matches!(path.as_str(), "." | "")) {
            Some(path) => self.unexpected(format_args!("unexpected JSON at `{path}`: {problem}")),
            None => self.unexpected(format_args!("unexpected JSON: {problem}")),
        }
    }

    /// Checks that the body is empty, as that of a change is in many services. Any other shows that the response does not come from the
    /// service, and that the change may not have been made.
    pub fn expect_empty(&self) -> Result<()> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        Err(self
            .unexpected("expected an empty response")
            .with_hint("check the base URL, and whether there is a proxy or a sign-in page in between"))
    }

    /// Creates an error for a response that is well-formed JSON but not what was expected. Secrets in the message are redacted, and a
    /// long message is truncated.
    pub fn invalid(&self, message: impl fmt::Display) -> Error {
        self.unexpected(self.call_info.clean(&message.to_string()))
    }

    fn unexpected(&self, message: impl fmt::Display) -> Error {
        let error =
            self.call_info.error(ErrorKind::Decode, self.call_info.code(error_names::INVALID_RESPONSE), message);
        let error = error.with_status(self.status);
        match self.request_id() {
            Some(id) => error.with_request_id(id),
            None => error,
        }
    }

    pub(super) fn call_info(&self) -> &Arc<CallInfo> {
        &self.call_info
    }

    /// Returns the part of the body that an error may quote.
    pub(super) fn quote(&self) -> Option<String> {
        if self.call_info.confidential || self.is_html() {
            return None;
        }
        let text = std::str::from_utf8(&self.body).ok()?;
        Some(self.call_info.clean(text)).filter(|quote| !quote.is_empty())
    }

    fn is_html(&self) -> bool {
        self.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("html"))
            || self.body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("call", &format_args!("{}", self.call_info))
            .field("status", &self.status)
            .field("request_id", &self.request_id)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
