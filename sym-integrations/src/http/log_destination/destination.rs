//! Delivery of audit entries by POST.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Client, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use sym_sdk::BoxFuture;
use sym_sdk::audit::{AuditDestination, AuditLine};
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use tokio::time::Instant;

use super::delivery_error;
use crate::http::base_url::is_loopback;
use crate::http::retry_after::retry_after;
use crate::http::transport::reqwest_builder;

/// Timeout for establishing a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Default timeout of one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Timeout for all requests of one delivery.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest pause that the server can ask for. Entries queue up meanwhile, and an auditor may be looking for them.
const MAX_PAUSE: Duration = Duration::from_secs(15 * 60);

/// Number of bytes read of a response, so that the connection can be reused. The body is ignored.
const MAX_RESPONSE_BYTES: usize = 64 * 1024;

/// A log destination that POSTs audit entries to a URL in order, each as a JSON object in Sym's schema.
///
/// A response with a status from 200 to 299 acknowledges the entry. After any other response, or none, the entry is delivered again: with
/// backoff after 408, 425, 429 and 5xx, and more slowly, with an error in the log, after the rest. `Retry-After` is honoured for up to 15
/// minutes.
///
/// ```
/// use secrecy::SecretString;
/// use sym_integrations::http::log_destination::HttpDestination;
///
/// let archive = HttpDestination::new("archive", "https://logs.example.com/audit")?;
/// let archive = archive.bearer_token(&SecretString::from("hunter2"))?;
/// assert!(!format!("{archive:?}").contains("hunter2"));
/// # Ok::<(), sym_sdk::Error>(())
/// ```
pub struct HttpDestination {
    name: String,
    url: Url,
    host: String,
    client: Client,
    header: Option<(HeaderName, SecretString)>,
    batch: Option<usize>,
    timeout: Duration,
    paused: Mutex<Option<Pause>>,
}

/// A pause that the server asked for, in a response with this status.
#[derive(Clone, Copy)]
struct Pause {
    status: StatusCode,
    until: Instant,
}

impl HttpDestination {
    /// Creates a destination for a URL: `https`, or `http` on the loopback interface. The store keeps the position of the destination under
    /// `name`.
    ///
    /// # Errors
    /// If the URL is of another kind or contains a user name or a password, or if the system's certificates cannot be read.
    pub fn new(name: impl Into<String>, url: &str) -> Result<Self> {
        let (url, host) = parse_url(url)?;
        let client = reqwest_builder(CONNECT_TIMEOUT, is_loopback(&url)).build().map_err(|error| {
            let message = "the HTTP client could not be created";
            Error::new(ErrorKind::Configuration, codes::AUDIT_DESTINATION, message).with_source(error.without_url())
        })?;
        let paused = Mutex::new(None);
        Ok(Self { name: name.into(), url, host, client, header: None, batch: None, timeout: REQUEST_TIMEOUT, paused })
    }

    /// Sends `Authorization: Bearer …`.
    ///
    /// # Errors
    /// If the token is empty or cannot be sent in a header.
    pub fn bearer_token(self, token: &SecretString) -> Result<Self> {
        if token.expose_secret().is_empty() {
            return Err(configuration("the bearer token of a log destination is empty"));
        }
        let value = SecretString::from(format!("Bearer {}", token.expose_secret()));
        self.with(AUTHORIZATION, value)
    }

    /// Sends a header whose value is a secret, such as `X-Api-Key`.
    ///
    /// # Errors
    /// If the name or the value is not valid in a header.
    pub fn header(self, name: &str, value: SecretString) -> Result<Self> {
        let header = name.parse().map_err(|_| configuration(format!("`{name}` is not a valid header name")))?;
        self.with(header, value)
    }

    fn with(mut self, name: HeaderName, value: SecretString) -> Result<Self> {
        // Report it now rather than at each delivery. The message does not contain the value.
        sensitive(&value).ok_or_else(|| {
            let message = format!("the secret for header `{name}` contains characters that a header cannot contain");
            configuration(message).with_hint("check whether it contains a line break")
        })?;
        self.header = Some((name, value));
        Ok(self)
    }

    /// Sends up to this number of entries per request, as JSON lines (`application/x-ndjson`).
    #[must_use]
    pub fn in_batches_of(mut self, lines: usize) -> Self {
        self.batch = Some(lines.max(1));
        self
    }

    /// Sets the timeout of one request. The default is 10 s.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    async fn post(&self, lines: &[AuditLine]) -> Result<()> {
        let (content, body) = match (self.batch, lines) {
            (None, [line]) => ("application/json", line.as_str().to_owned()),
            _ => ("application/x-ndjson", lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()),
        };
        let mut request =
            self.client.post(self.url.clone()).timeout(self.timeout).header(CONTENT_TYPE, content).body(body);
        if let Some((name, value)) = &self.header
            && let Some(value) = sensitive(value)
        {
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
        // If earlier lines of this delivery were acknowledged, this error is dropped and the next delivery starts immediately; the pause
        // still holds.
        *self.paused() = pause.map(|wait| Pause { status, until: Instant::now() + wait });
        Err(delivery_error::rejected(&self.host, status, pause))
    }

    /// Returns an error while the server asked for a pause.
    fn pause_error(&self) -> Option<Error> {
        let Pause { status, until } = (*self.paused())?;
        let wait = until.saturating_duration_since(Instant::now());
        (!wait.is_zero()).then(|| delivery_error::rejected(&self.host, status, Some(wait)))
    }

    fn paused(&self) -> MutexGuard<'_, Option<Pause>> {
        self.paused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AuditDestination for HttpDestination {
    fn name(&self) -> &str {
        &self.name
    }

    fn deliver<'a>(&'a self, lines: &'a [AuditLine]) -> BoxFuture<'a, Result<usize>> {
        Box::pin(async move {
            if let Some(error) = self.pause_error() {
                return Err(error);
            }
            let delivered = AtomicUsize::new(0);
            let all = async {
                for part in lines.chunks(self.batch.unwrap_or(1)) {
                    self.post(part).await?;
                    delivered.fetch_add(part.len(), Ordering::Relaxed);
                }
                Ok(())
            };
            let done = tokio::time::timeout(DELIVERY_TIMEOUT, all).await;
            match (delivered.load(Ordering::Relaxed), done) {
                // Lines that were rejected or not reached in time are delivered again.
                (delivered @ 1.., _) => Ok(delivered),
                (0, Ok(Err(error))) => Err(error),
                (0, _) => Err(delivery_error::timed_out(&self.host)),
            }
        })
    }
}

/// Creates a header value that logs do not show.
fn sensitive(value: &SecretString) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(value.expose_secret()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn configuration(message: impl Into<String>) -> Error {
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

impl fmt::Debug for HttpDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = self.header.as_ref().map(|(name, _)| name);
        f.debug_struct("HttpDestination")
            .field("name", &self.name)
            .field("host", &self.host)
            .field("header", &header)
            .field("batch", &self.batch)
            .finish_non_exhaustive()
    }
}
