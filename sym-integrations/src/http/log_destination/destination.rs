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

use super::answer;
use crate::http::base_url::is_loopback;
use crate::http::transport::connector;
use crate::http::wait::retry_after;

/// A connection may take this long.
const CONNECT: Duration = Duration::from_secs(5);

/// One request may take this long.
const REQUEST: Duration = Duration::from_secs(10);

/// All requests of one delivery may take this long.
const DELIVERY: Duration = Duration::from_secs(30);

/// The server is left alone for no longer than this, whatever it asks for: entries wait, and somebody may look for them.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// So much of an answer is read, so that the connection can be used again. What it says is not looked at.
const ANSWER_BYTES: usize = 64 * 1024;

/// POSTs audit entries to a URL, each as a JSON object in Sym's schema, in order and one after the other.
///
/// An answer with a status from 200 to 299 says that the entry is kept. Any other one, and none, has it come again: after a pause
/// for 408, 425, 429 and 500 and above, and more slowly, with an error in the log, for the rest. If the answer has `Retry-After`,
/// nothing is sent until then, for 15 minutes at most.
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
    limit: Duration,
    left_alone: Mutex<Option<LeftAlone>>,
}

/// The server asked for it, with this status.
#[derive(Clone, Copy)]
struct LeftAlone {
    status: StatusCode,
    until: Instant,
}

impl HttpDestination {
    /// Posts to this URL: `https`, or `http` on this machine. `name` is what the store remembers the destination by.
    ///
    /// # Errors
    /// If it is no such URL, or has a user or a password in it; or if the machine's certificates cannot be read.
    pub fn new(name: impl Into<String>, url: &str) -> Result<Self> {
        let (url, host) = checked(url)?;
        let client = connector(CONNECT, is_loopback(&url)).build().map_err(|error| {
            let message = "an HTTP client cannot be built";
            Error::new(ErrorKind::Configuration, codes::AUDIT_DESTINATION, message).with_source(error.without_url())
        })?;
        let left_alone = Mutex::new(None);
        Ok(Self { name: name.into(), url, host, client, header: None, batch: None, limit: REQUEST, left_alone })
    }

    /// Sends `Authorization: Bearer …`.
    ///
    /// # Errors
    /// If the token is empty, or cannot be sent as a header.
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
    /// If name or value cannot be sent as a header.
    pub fn header(self, name: &str, value: SecretString) -> Result<Self> {
        let header = name.parse().map_err(|_| configuration(format!("`{name}` is not the name of an HTTP header")))?;
        self.with(header, value)
    }

    fn with(mut self, name: HeaderName, value: SecretString) -> Result<Self> {
        // Better said now than with each delivery. The message does not show the value.
        sensitive(&value).ok_or_else(|| {
            let message = format!("the secret for the header `{name}` has characters that cannot be sent");
            configuration(message).with_hint("it may have a line break in it")
        })?;
        self.header = Some((name, value));
        Ok(self)
    }

    /// Sends so many entries at a time, as JSON lines (`application/x-ndjson`), in place of one JSON object each.
    #[must_use]
    pub fn in_batches_of(mut self, lines: usize) -> Self {
        self.batch = Some(lines.max(1));
        self
    }

    /// How long one request may take. 10 s without this.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    async fn post(&self, lines: &[AuditLine]) -> Result<()> {
        let (content, body) = match (self.batch, lines) {
            (None, [line]) => ("application/json", line.as_str().to_owned()),
            _ => ("application/x-ndjson", lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()),
        };
        let mut request =
            self.client.post(self.url.clone()).timeout(self.limit).header(CONTENT_TYPE, content).body(body);
        if let Some((name, value)) = &self.header
            && let Some(value) = sensitive(value)
        {
            request = request.header(name, value);
        }
        let mut response = request.send().await.map_err(|error| answer::unreached(&self.host, error))?;
        let status = response.status();
        let wait = retry_after(response.headers(), None).map(|wait| wait.min(LONGEST_WAIT));
        let mut read = 0;
        while let Ok(Some(part)) = response.chunk().await {
            read += part.len();
            if read > ANSWER_BYTES {
                break;
            }
        }
        if status.is_success() {
            return Ok(());
        }
        // If some lines were kept before, this error is told to nobody, and the next delivery begins at once.
        *self.left_alone() = wait.map(|wait| LeftAlone { status, until: Instant::now() + wait });
        Err(answer::refused(&self.host, status, wait))
    }

    /// The error of a delivery that comes before the time that the server has set.
    fn too_early(&self) -> Option<Error> {
        let LeftAlone { status, until } = (*self.left_alone())?;
        let wait = until.saturating_duration_since(Instant::now());
        (!wait.is_zero()).then(|| answer::refused(&self.host, status, Some(wait)))
    }

    fn left_alone(&self) -> MutexGuard<'_, Option<LeftAlone>> {
        self.left_alone.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AuditDestination for HttpDestination {
    fn name(&self) -> &str {
        &self.name
    }

    fn deliver<'a>(&'a self, lines: &'a [AuditLine]) -> BoxFuture<'a, Result<usize>> {
        Box::pin(async move {
            if let Some(error) = self.too_early() {
                return Err(error);
            }
            let kept = AtomicUsize::new(0);
            let all = async {
                for part in lines.chunks(self.batch.unwrap_or(1)) {
                    self.post(part).await?;
                    kept.fetch_add(part.len(), Ordering::Relaxed);
                }
                Ok(())
            };
            let done = tokio::time::timeout(DELIVERY, all).await;
            match (kept.load(Ordering::Relaxed), done) {
                // What did not fit into the time, or was refused, comes again.
                (kept @ 1.., _) => Ok(kept),
                (0, Ok(Err(error))) => Err(error),
                (0, _) => Err(answer::too_slow(&self.host)),
            }
        })
    }
}

/// A value that is shown nowhere.
fn sensitive(value: &SecretString) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(value.expose_secret()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn configuration(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Configuration, codes::AUDIT_DESTINATION, message)
}

/// The URL and its host. No message shows the rest of it: there can be a token in it.
fn checked(url: &str) -> Result<(Url, String)> {
    let url: Url = url.parse().map_err(|error| configuration(format!("`url` is not a URL: {error}")))?;
    let host = url.host_str().unwrap_or_default().to_owned();
    if !url.username().is_empty() || url.password().is_some() {
        let error = configuration(format!("the `url` at `{host}` has a user or a password in it"));
        return Err(error.with_hint("give a token as `bearer_token_secret`"));
    }
    match url.scheme() {
        "https" => Ok((url, host)),
        "http" if is_loopback(&url) => Ok((url, host)),
        scheme => {
            let error =
                configuration(format!("the `url` at `{host}` begins with `{scheme}:`, where `https:` is needed"));
            Err(error.with_hint("audit entries say who asked for what; only on this machine they go unencrypted"))
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
