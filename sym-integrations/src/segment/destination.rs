//! Delivery of audit entries to Segment.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sym_sdk::BoxFuture;
use sym_sdk::audit::{AuditAnchor, AuditDestination, AuditLine};
use sym_sdk::error::Result;

use crate::audit_format::{AuditFormat, BatchLimits, batches};
use crate::http::log_destination::{Hints, Poster, configuration, deliver};

/// The batch endpoint of workspaces in the United States.
pub(super) const DEFAULT_URL: &str = "https://api.segment.io/v1/batch";

/// The maximum size of an event: 32 KB, decimal.
const MAX_EVENT: usize = 32_000;

/// The text around the events of a batch.
const ENVELOPE: (&str, &str) = (r#"{"batch":["#, "]}");

/// The limits of a request: 2,500 events and 500 KB, decimal, the envelope included.
const LIMITS: BatchLimits =
    BatchLimits { entries: 2_500, bytes: 500_000, envelope: ENVELOPE.0.len() + ENVELOPE.1.len(), separator: 1 };

const HINTS: Hints = Hints {
    unauthorized: "check the write key in `write_key_secret`",
    forbidden: "check the write key in `write_key_secret`",
    too_large: "an event is larger than Segment accepts",
    other: "check `url`: it must be the batch endpoint of your workspace's region",
};

/// A log destination that sends audit entries to Segment as `track` events. See the [module](super).
///
/// ```
/// use secrecy::SecretString;
/// use sym_integrations::segment::SegmentDestination;
///
/// let segment = SegmentDestination::new("audit", "Access", &SecretString::from("hunter2"))?;
/// assert!(!format!("{segment:?}").contains("hunter2"));
/// # Ok::<(), sym_sdk::Error>(())
/// ```
pub struct SegmentDestination {
    name: String,
    poster: Poster,
    format: AuditFormat,
    event: String,
}

impl SegmentDestination {
    /// Creates a destination whose events have the name `event`. The store keeps the position of the destination under `name`.
    ///
    /// # Errors
    /// If the event's name or the write key is empty, or the key cannot be sent in a header.
    pub fn new(name: impl Into<String>, event: &str, write_key: &SecretString) -> Result<Self> {
        Self::with_url(name, DEFAULT_URL, event, write_key)
    }

    /// Creates a destination for the batch endpoint of another region, or for a fake on the loopback interface.
    ///
    /// # Errors
    /// As [`new`](Self::new), and if the URL is neither `https` nor on the loopback interface.
    pub fn with_url(name: impl Into<String>, url: &str, event: &str, write_key: &SecretString) -> Result<Self> {
        // Segment would accept events without a name or a key, and drop them.
        if event.trim().is_empty() {
            return Err(configuration("the name of the events of a log destination of type `segment` is empty"));
        }
        let key = write_key.expose_secret();
        if key.trim().is_empty() || key.trim() != key {
            return Err(configuration(
                "the Segment write key of a log destination is empty, or begins or ends with a blank",
            ));
        }
        let credentials = SecretString::from(format!("Basic {}", STANDARD.encode(format!("{key}:"))));
        Ok(Self {
            name: name.into(),
            poster: Poster::new(url, &HINTS)?.secret_header(AUTHORIZATION, credentials)?,
            format: AuditFormat::Sym,
            event: event.to_owned(),
        })
    }

    /// Sets the format of the properties. The default is Sym's schema.
    #[must_use]
    pub fn format(mut self, format: AuditFormat) -> Self {
        self.format = format;
        self
    }

    /// Returns an entry as an event of at most [`MAX_EVENT`] bytes.
    fn event(&self, line: &AuditLine) -> String {
        let entry = line.record().entry().ok();
        let mut event = self.track(line.id());
        match &entry {
            Some(entry) => {
                event["userId"] = entry.event.actor.username().into();
                event["timestamp"] = entry.at.to_string().into();
            }
            // Segment drops events of nobody.
            None => event["anonymousId"] = "unknown".into(),
        }
        let room = MAX_EVENT.saturating_sub(with_properties(&event, "").len());
        with_properties(&event, &self.format.render_within(line, room))
    }

    /// Returns an anchor as an event.
    fn anchor_event(&self, anchor: &AuditAnchor) -> String {
        let mut event = self.track(anchor.id());
        // Nobody has done it.
        event["anonymousId"] = "sym-sdk".into();
        event["timestamp"] = anchor.at().to_string().into();
        with_properties(&event, &self.format.render_anchor(anchor))
    }

    fn track(&self, id: impl fmt::Display) -> Value {
        json!({
            "type": "track",
            "event": self.event,
            "messageId": id.to_string(),
            "context": { "library": { "name": "sym-sdk", "version": env!("CARGO_PKG_VERSION") } },
        })
    }

    async fn post(&self, events: &[String]) -> Result<()> {
        let body = format!("{}{}{}", ENVELOPE.0, events.join(","), ENVELOPE.1);
        self.poster.post("application/json", body, Vec::new()).await
    }
}

/// Returns an event with properties, which are a JSON text.
fn with_properties(event: &Value, properties: &str) -> String {
    let mut text = event.to_string();
    text.pop();
    format!(r#"{text},"properties":{properties}}}"#)
}

impl AuditDestination for SegmentDestination {
    fn name(&self) -> &str {
        &self.name
    }

    fn deliver<'a>(&'a self, lines: &'a [AuditLine]) -> BoxFuture<'a, Result<usize>> {
        Box::pin(async move {
            self.poster.check_pause()?;
            let events: Vec<_> = lines.iter().map(|line| self.event(line)).collect();
            let sizes: Vec<_> = events.iter().map(String::len).collect();
            deliver(&self.poster.host, async |delivered| {
                for batch in batches(&sizes, LIMITS) {
                    self.post(&events[batch.clone()]).await?;
                    delivered.add(batch.len());
                }
                Ok(())
            })
            .await
        })
    }

    fn deliver_anchor<'a>(&'a self, anchor: &'a AuditAnchor) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.poster.check_pause()?;
            self.post(&[self.anchor_event(anchor)]).await
        })
    }
}

impl fmt::Debug for SegmentDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SegmentDestination")
            .field("name", &self.name)
            .field("host", &self.poster.host)
            .field("event", &self.event)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}
