//! Delivery of audit entries by POST.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sym_sdk::BoxFuture;
use sym_sdk::audit::{AuditAnchor, AuditDestination, AuditLine};
use sym_sdk::clock::{Clock, SystemClock};
use sym_sdk::error::Result;

use super::delivery::deliver;
use super::delivery_error::Hints;
use super::event_type::{ANCHOR, EventFilter, event_type};
use super::poster::{Poster, configuration};
use super::signature::{SigningKey, signature_headers};
use crate::audit_format::AuditFormat;

const HINTS: Hints = Hints {
    unauthorized: "check the token in `bearer_token_secret`",
    forbidden: "check the permissions of the token in `bearer_token_secret`",
    too_large: "raise the server's limit for bodies, or set a smaller `batch`",
    other: "check `url`: it must respond to a POST with a status from 200 to 299",
};

/// The content type of JSON lines.
const LINES: &str = "application/x-ndjson";

/// A log destination that POSTs audit entries to a URL in order, each as a JSON object.
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
    poster: Poster,
    format: AuditFormat,
    /// The key, and the one before while receivers change.
    signing_keys: Vec<SigningKey>,
    events: EventFilter,
    is_webhook: bool,
    batch: Option<usize>,
    clock: Arc<dyn Clock>,
}

impl HttpDestination {
    /// Creates a destination for a URL: `https`, or `http` on the loopback interface. The store keeps the position of the destination under
    /// `name`.
    ///
    /// # Errors
    /// If the URL is of another kind or contains a user name or a password, or if the system's certificates cannot be read.
    pub fn new(name: impl Into<String>, url: &str) -> Result<Self> {
        Ok(Self {
            name: name.into(),
            poster: Poster::new(url, &HINTS)?,
            format: AuditFormat::Sym,
            signing_keys: Vec::new(),
            events: EventFilter::default(),
            is_webhook: false,
            batch: None,
            clock: Arc::new(SystemClock),
        })
    }

    /// Sends `Authorization: Bearer …`.
    ///
    /// # Errors
    /// If the token is empty or cannot be sent in a header.
    pub fn bearer_token(mut self, token: &SecretString) -> Result<Self> {
        if token.expose_secret().is_empty() {
            return Err(configuration("the bearer token of a log destination is empty"));
        }
        let value = SecretString::from(format!("Bearer {}", token.expose_secret()));
        self.poster = self.poster.secret_header(AUTHORIZATION, value)?;
        Ok(self)
    }

    /// Sends a header whose value is a secret, such as `X-Api-Key`.
    ///
    /// # Errors
    /// If the name or the value is not valid in a header.
    pub fn header(mut self, name: &str, value: SecretString) -> Result<Self> {
        let header = name.parse().map_err(|_| configuration(format!("`{name}` is not a valid header name")))?;
        self.poster = self.poster.secret_header(header, value)?;
        Ok(self)
    }

    /// Signs requests as [Standard Webhooks](https://www.standardwebhooks.com) defines it, with HMAC-SHA256. The secret is `whsec_` and 24
    /// to 64 bytes in Base64.
    ///
    /// The header `webhook-id` is the id of the entry, or of the first of a batch and the number of entries: a request that is repeated has
    /// the same. Receivers refuse requests whose `webhook-timestamp` is too far from their own time, so an entry that is delivered again
    /// is signed anew.
    ///
    /// # Errors
    /// If the secret has another form.
    pub fn signed_with(mut self, secret: &SecretString) -> Result<Self> {
        self.signing_keys.insert(0, SigningKey::parse(secret)?);
        Ok(self)
    }

    /// Signs requests also with the secret before, while receivers change from that to the one of [`signed_with`](Self::signed_with).
    ///
    /// # Errors
    /// If the secret has another form.
    pub fn also_signed_with(mut self, previous: &SecretString) -> Result<Self> {
        self.signing_keys.push(SigningKey::parse(previous)?);
        Ok(self)
    }

    /// Sends only events of these types, separated by commas, such as `run.approved, run.denied`, or `run.*`. What is left out counts as
    /// sent. Lines do not form a whole chain then.
    ///
    /// # Errors
    /// If a name is of no type.
    pub fn only(mut self, events: &str) -> Result<Self> {
        self.events = EventFilter::parse(events)?;
        Ok(self)
    }

    /// Sends each entry as the data of an event: an object with its `type`, such as `run.approved`, its `timestamp`, and the entry as `data`.
    #[must_use]
    pub fn as_webhook(mut self) -> Self {
        self.is_webhook = true;
        self
    }

    /// Sets the format of the entries. The default is Sym's schema.
    #[must_use]
    pub fn format(mut self, format: AuditFormat) -> Self {
        self.format = format;
        self
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
        self.poster = self.poster.with_timeout(timeout);
        self
    }

    /// Sets the clock by which requests are signed.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    fn render(&self, line: &AuditLine, event_type: &str) -> String {
        let data = self.format.render(line);
        if !self.is_webhook {
            return data;
        }
        let at = line.record().entry().map_or_else(|_| self.clock.now(), |entry| entry.at);
        event(event_type, at, &data)
    }

    async fn post(&self, lines: &[(&AuditLine, String)]) -> Result<()> {
        let (content_type, id, body) = match (self.batch, lines) {
            (None, [(line, kind)]) => ("application/json", line.id().to_string(), self.render(line, kind)),
            _ => {
                let first = lines.first().map(|(line, _)| line.id().to_string()).unwrap_or_default();
                let body = lines.iter().flat_map(|(line, kind)| [self.render(line, kind), "\n".to_owned()]).collect();
                (LINES, format!("{first}-{}", lines.len()), body)
            }
        };
        self.post_body(content_type, &id, body).await
    }

    async fn post_body(&self, content_type: &'static str, id: &str, body: String) -> Result<()> {
        let signature = signature_headers(&self.signing_keys, id, self.clock.now(), &body);
        self.poster.post(content_type, body, signature).await
    }

    /// Returns the next lines to send in one request, with their types, and the number of lines up to the last of them.
    fn next_request<'a>(&self, lines: &'a [AuditLine]) -> (Vec<(&'a AuditLine, String)>, usize) {
        let (mut wanted, mut taken) = (Vec::new(), 0);
        for line in lines {
            let kind = if self.is_webhook || !self.events.is_all() { event_type(line) } else { String::new() };
            if self.events.admits(&kind) {
                wanted.push((line, kind));
            }
            taken += 1;
            if wanted.len() >= self.batch.unwrap_or(1) {
                break;
            }
        }
        (wanted, taken)
    }
}

/// Returns an event with data, which is JSON already.
fn event(event_type: &str, at: Timestamp, data: &str) -> String {
    format!(r#"{{"type":{},"timestamp":"{at}","data":{data}}}"#, Value::from(event_type))
}

impl AuditDestination for HttpDestination {
    fn name(&self) -> &str {
        &self.name
    }

    fn deliver<'a>(&'a self, lines: &'a [AuditLine]) -> BoxFuture<'a, Result<usize>> {
        Box::pin(async move {
            self.poster.check_pause()?;
            deliver(&self.poster.host, async |delivered| {
                let mut rest = lines;
                while !rest.is_empty() {
                    let (wanted, taken) = self.next_request(rest);
                    if !wanted.is_empty() {
                        self.post(&wanted).await?;
                    }
                    delivered.add(taken);
                    rest = rest.get(taken..).unwrap_or_default();
                }
                Ok(())
            })
            .await
        })
    }

    /// Posts the anchor as a request of its own, in the form of the others, unless it is none of the events that are sent.
    fn deliver_anchor<'a>(&'a self, anchor: &'a AuditAnchor) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if !self.events.admits(ANCHOR) {
                return Ok(());
            }
            self.poster.check_pause()?;
            let data = self.format.render_anchor(anchor);
            let body = if self.is_webhook { event(ANCHOR, self.clock.now(), &data) } else { data };
            let (content_type, body) = match self.batch {
                None => ("application/json", body),
                Some(_) => (LINES, body + "\n"),
            };
            self.post_body(content_type, &anchor.id().to_string(), body).await
        })
    }
}

impl fmt::Debug for HttpDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpDestination")
            .field("name", &self.name)
            .field("host", &self.poster.host)
            .field("headers", &self.poster.header_names())
            .field("format", &self.format)
            .field("signing_keys", &self.signing_keys.len())
            .field("events", &self.events)
            .field("is_webhook", &self.is_webhook)
            .field("batch", &self.batch)
            .finish_non_exhaustive()
    }
}
