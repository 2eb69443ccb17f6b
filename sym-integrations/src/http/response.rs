use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use sym_sdk::error::{Error, ErrorKind, Result};

use super::failure::names;
use super::origin::Origin;

/// A service's answer to a call, complete.
#[derive(Clone)]
pub struct Response {
    origin: Arc<Origin>,
    status: u16,
    headers: HeaderMap,
    body: Bytes,
    received: Timestamp,
    request_id: Option<String>,
}

impl Response {
    pub(super) fn new(origin: Arc<Origin>, status: u16, headers: HeaderMap, body: Bytes, received: Timestamp) -> Self {
        let request_id = origin.request_id(&headers);
        Self { origin, status, headers, body, received, request_id }
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Whether the status is one of success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header of this name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All headers of this name that are text.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok())
    }

    pub(super) fn header_map(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The service's own id of the request.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// When the answer was complete, by the client's clock.
    pub fn received(&self) -> Timestamp {
        self.received
    }

    /// Reads the body as JSON. The error says where in it something else was expected.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        // The path costs time, and is needed only for an error: what cannot be read is read again.
        serde_json::from_slice(&self.body).map_err(|error| {
            let json = &mut serde_json::Deserializer::from_slice(&self.body);
            let path = serde_path_to_error::deserialize::<_, T>(json).err().map(|error| error.path().to_string());
            self.not_json(&error, path)
        })
    }

    /// Reads the body as JSON, and takes out secrets that the service echoes: for what is kept.
    #[cfg(feature = "http")]
    pub(super) fn json_without_secrets(&self) -> Result<serde_json::Value> {
        Ok(self.origin.redactor.strip(self.json()?))
    }

    fn not_json(&self, error: &serde_json::Error, path: Option<String>) -> Error {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return self.unexpected("expected JSON, got an empty answer");
        }
        if self.is_html() {
            return self.unexpected("expected JSON, got HTML").with_hint(
                "check the base URL, and whether a proxy or a page to log in stands between here and the service",
            );
        }
        // What serde says may quote a value.
        let problem = match error.classify() {
            serde_json::error::Category::Eof => "it ends too early".to_owned(),
            _ if self.origin.confidential => format!("line {} column {}", error.line(), error.column()),
            _ => self.origin.clean(&error.to_string()),
        };
        match path.map(|path| self.origin.clean(&path)).filter(|path| !matches!(path.as_str(), "." | "")) {
            Some(path) => {
                self.unexpected(format_args!("the answer is not of the expected form at `{path}`: {problem}"))
            }
            None => self.unexpected(format_args!("the answer is not of the expected form: {problem}")),
        }
    }

    /// An error that says that the answer is not of the form that was expected: for what JSON cannot say. Secrets are taken out of
    /// the message, and it is cut if it is long.
    pub fn invalid(&self, message: impl fmt::Display) -> Error {
        self.unexpected(self.origin.clean(&message.to_string()))
    }

    fn unexpected(&self, message: impl fmt::Display) -> Error {
        let error = self.origin.error(ErrorKind::Decode, self.origin.code(names::INVALID_RESPONSE), message);
        let error = error.with_status(self.status);
        match self.request_id() {
            Some(id) => error.with_request_id(id),
            None => error,
        }
    }

    pub(super) fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }

    /// What an error may quote of the body.
    pub(super) fn quote(&self) -> Option<String> {
        if self.origin.confidential || self.is_html() {
            return None;
        }
        let text = std::str::from_utf8(&self.body).ok()?;
        Some(self.origin.clean(text)).filter(|quote| !quote.is_empty())
    }

    fn is_html(&self) -> bool {
        self.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("html"))
            || self.body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("call", &format_args!("{}", self.origin))
            .field("status", &self.status)
            .field("request_id", &self.request_id)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
