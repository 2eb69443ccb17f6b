//! POST requests that deliver audit entries: the connection, the secret headers, and the pause that a server asks for.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Client, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use tokio::time::Instant;

use super::delivery_error::{self, Hints};
use crate::http::base_url::is_loopback;
use crate::http::retry_after::retry_after;
use crate::http::transport::reqwest_builder;

/// Timeout for establishing a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Default timeout of one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest pause that the server can ask for. Entries queue up meanwhile, and an auditor may be looking for them.
const MAX_PAUSE: Duration = Duration::from_secs(15 * 60);

/// Number of bytes read of a response, so that the connection can be reused. The body is ignored.
const MAX_RESPONSE_BYTES: usize = 64 * 1024;

/// Sends audit entries to one URL.
pub(crate) struct Poster {
    url: Url,
    pub(crate) host: String,
    client: Client,
    headers: Vec<(HeaderName, SecretString)>,
    timeout: Duration,
    hints: &'static Hints,
    paused: Mutex<Option<Pause>>,
}

/// A pause that the server asked for, in a response with this status.
#[derive(Clone, Copy)]
struct Pause {
    status: StatusCode,
    until: Instant,
}

impl Poster {
    /// Creates a poster for a URL: `https`, or `http` on the loopback interface.
    pub(crate) fn new(url: &str, hints: &'static Hints) -> Result<Self> {
        let (url, host) = parse_url(url)?;
        let client = reqwest_builder(CONNECT_TIMEOUT, is_loopback(&url)).build().map_err(|error| {
            let message = "the HTTP client could not be created";
            Error::new(ErrorKind::Configuration, codes::AUDIT_DESTINATION, message).with_source(error.without_url())
        })?;
        Ok(Self { url, host, client, headers: Vec::new(), timeout: REQUEST_TIMEOUT, hints, paused: Mutex::new(None) })
    }

    /// Sends a header whose value is a secret with every request, in place of an earlier one of the same name.
    ///
    /// # Errors
    /// If the value is not valid in a header. The error does not contain it.
    pub(crate) fn secret_header(mut self, name: HeaderName, value: SecretString) -> Result<Self> {
        sensitive(&value).ok_or_else(|| {
            let message = format!("the secret for header `{name}` contains characters that a header cannot contain");
            configuration(message).with_hint("check whether it contains a line break")
        })?;
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value));
        Ok(self)
    }

    pub(crate) fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Returns the names of the secret headers.
    pub(crate) fn header_names(&self) -> Vec<&HeaderName> {
        self.headers.iter().map(|(name, _)| name).collect()
    }

    /// Posts a body, and returns when the server has answered with a success.
    pub(crate) async fn post(
        &self,
        content_type: &'static str,
        body: String,
        headers: Vec<(HeaderName, HeaderValue)>,
    ) -> Result<()> {
        let mut request =
            self.client.post(self.url.clone()).timeout(self.timeout).header(CONTENT_TYPE, content_type).body(body);
        for (name, value) in &self.headers {
            if let Some(value) = sensitive(value) {
                request = request.header(name, value);
            }
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut response = request.send().await.map_err(|error| delivery_error::unreachable(&self.host, error))?;
        let status = response.status();
        let pause = retry_after(response.headers(), None).map(|wait| wait.min(MAX_PAUSE));
        let mut read = 0;
        while let Ok(Some(part)) = response.chunk().await {
            read += part.len();
            if read > MAX_RESPONSE_BYTES {
                break;
            }
        }
        if status.is_success() {
            return Ok(());
        }
        // If earlier entries of this delivery were acknowledged, this error is dropped and the next delivery starts immediately; the
        // pause still holds.
        *self.paused() = pause.map(|wait| Pause { status, until: Instant::now() + wait });
        Err(delivery_error::rejected(&self.host, status, pause, self.hints))
    }

    /// Returns an error while the server asked for a pause.
    pub(crate) fn check_pause(&self) -> Result<()> {
        let Some(Pause { status, until }) = *self.paused() else { return Ok(()) };
        let wait = until.saturating_duration_since(Instant::now());
        match wait.is_zero() {
            true => Ok(()),
            false => Err(delivery_error::rejected(&self.host, status, Some(wait), self.hints)),
        }
    }

    fn paused(&self) -> MutexGuard<'_, Option<Pause>> {
        self.paused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Creates a header value that logs do not show.
fn sensitive(value: &SecretString) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(value.expose_secret()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// An error of the configuration of a log destination.
pub(crate) fn configuration(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Configuration, codes::AUDIT_DESTINATION, message)
}

/// Parses the URL and returns it with its host. Errors show only the host, because the rest may contain a token.
fn parse_url(url: &str) -> Result<(Url, String)> {
    let url: Url = url.parse().map_err(|error| configuration(format!("`url` is not a valid URL: {error}")))?;
    let host = url.host_str().unwrap_or_default().to_owned();
    if !url.username().is_empty() || url.password().is_some() {
        let error = configuration(format!("the `url` at `{host}` contains a user name or a password"));
        return Err(error.with_hint("pass a token with `bearer_token_secret`"));
    }
    match url.scheme() {
        "https" => Ok((url, host)),
        "http" if is_loopback(&url) => Ok((url, host)),
        scheme => {
            let error = configuration(format!("the `url` at `{host}` uses `{scheme}`, expected `https`"));
            Err(error.with_hint(
                "audit entries are confidential; unencrypted delivery is allowed on the loopback interface only",
            ))
        }
    }
}
