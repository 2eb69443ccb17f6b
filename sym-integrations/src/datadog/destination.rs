//! Delivery of audit entries to Datadog.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::HeaderName;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use serde_json::value::RawValue;
use sym_sdk::BoxFuture;
use sym_sdk::audit::{AuditAnchor, AuditDestination, AuditKind, AuditLine};
use sym_sdk::clock::{Clock, SystemClock};
use sym_sdk::error::Result;

use crate::audit_format::{AuditFormat, BatchLimits, batches};
use crate::http::log_destination::{Hints, Poster, configuration, deliver};

/// The site of accounts that were created without choosing one.
pub(super) const DEFAULT_SITE: &str = "datadoghq.com";

/// The maximum size of an entry. Datadog cuts larger ones at 1 MB.
const MAX_ENTRY: usize = 1_000_000;

/// The number of bytes that an entry has beside the attribute `sym`, at most, with room to spare.
const MAX_ATTRIBUTES: usize = 2_048;

/// The limits of a request: 1,000 entries and 5 MB before compression.
const LIMITS: BatchLimits = BatchLimits { entries: 1_000, bytes: 5_000_000, envelope: 2, separator: 1 };

/// The age from which an entry is late. Datadog drops logs older than 18 hours.
const LATE: Duration = Duration::from_secs(17 * 60 * 60);

const HINTS: Hints = Hints {
    unauthorized: "check the key in `api_key_secret`: it must be an API key, not an application key",
    forbidden: "check that `site` is the site of your account, and that the key in `api_key_secret` is an API key of it",
    too_large: "an entry is larger than Datadog accepts",
    other: "check `site`",
};

/// A log destination that sends audit entries to Datadog as logs. See the [module](super).
///
/// Datadog answers 202 before it has processed the logs, so what counts as delivered has been accepted, not indexed: an index filter or a
/// daily quota can still discard it.
///
/// ```
/// use secrecy::SecretString;
/// use sym_integrations::datadog::DatadogDestination;
///
/// let datadog = DatadogDestination::new("audit", "datadoghq.eu", &SecretString::from("hunter2"))?.tags("env:prod");
/// assert!(!format!("{datadog:?}").contains("hunter2"));
/// # Ok::<(), sym_sdk::Error>(())
/// ```
pub struct DatadogDestination {
    name: String,
    poster: Poster,
    format: AuditFormat,
    service: String,
    tags: Option<String>,
    clock: Arc<dyn Clock>,
}

impl DatadogDestination {
    /// Creates a destination for a site such as `datadoghq.eu`. The store keeps the position of the destination under `name`.
    ///
    /// # Errors
    /// If the site is not a host name, or the key is empty or cannot be sent in a header.
    pub fn new(name: impl Into<String>, site: &str, api_key: &SecretString) -> Result<Self> {
        let is_host = !site.is_empty() && site.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
        if !is_host || site.starts_with("app.") || site.starts_with("api.") {
            let message =
                format!("`site` must be a Datadog site such as `{DEFAULT_SITE}` or `us5.datadoghq.com`, got `{site}`");
            return Err(configuration(message).with_hint(
                "https://docs.datadoghq.com/getting_started/site/ lists the sites: use neither a URL nor `app.`",
            ));
        }
        Self::with_url(name, &format!("https://http-intake.logs.{site}/api/v2/logs"), api_key)
    }

    /// Creates a destination for a URL: a proxy, or a fake on the loopback interface.
    ///
    /// # Errors
    /// If the URL is neither `https` nor on the loopback interface, or the key is empty or cannot be sent in a header.
    pub fn with_url(name: impl Into<String>, url: &str, api_key: &SecretString) -> Result<Self> {
        if api_key.expose_secret().is_empty() {
            return Err(configuration("the Datadog API key of a log destination is empty"));
        }
        Ok(Self {
            name: name.into(),
            poster: Poster::new(url, &HINTS)?.secret_header(HeaderName::from_static("dd-api-key"), api_key.clone())?,
            format: AuditFormat::Sym,
            service: "sym".to_owned(),
            tags: None,
            clock: Arc::new(SystemClock),
        })
    }

    /// Sets the attribute `service`. The default is `sym`.
    #[must_use]
    pub fn service(mut self, service: impl Into<String>) -> Self {
        self.service = service.into();
        self
    }

    /// Sets the attribute `ddtags`, such as `env:prod,team:security`.
    #[must_use]
    pub fn tags(mut self, tags: impl Into<String>) -> Self {
        self.tags = Some(tags.into());
        self
    }

    /// Sets the format of the attribute `sym`. The default is Sym's schema.
    #[must_use]
    pub fn format(mut self, format: AuditFormat) -> Self {
        self.format = format;
        self
    }

    /// Sets the clock by which entries are late.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Returns an entry as a log.
    fn log(&self, line: &AuditLine, now: Timestamp) -> Result<String> {
        let entry = line.record().entry().ok();
        let at = entry.as_ref().map(|entry| entry.at);
        let failed = entry.as_ref().is_some_and(|entry| is_failure(&entry.kind));
        let status = if failed { "error" } else { "info" };
        let message = entry
            .as_ref()
            .map_or_else(|| "audit entry".to_owned(), |entry| format!("{} of {}", entry.event.name, entry.run));
        let room = MAX_ENTRY.saturating_sub(MAX_ATTRIBUTES);
        self.with_attributes(status, &message, at, now, self.format.render_within(line, room))
    }

    /// Returns a log whose attribute `sym` is a JSON text.
    fn with_attributes(
        &self,
        status: &str,
        message: &str,
        at: Option<Timestamp>,
        now: Timestamp,
        sym: String,
    ) -> Result<String> {
        let is_late = at.is_some_and(|at| now.duration_since(at).unsigned_abs() > LATE && at < now);
        let mut log = json!({ "ddsource": "sym", "service": self.service, "status": status, "message": message });
        if let Some(tags) = &self.tags {
            log["ddtags"] = tags.as_str().into();
        }
        match at {
            _ if is_late => log["late"] = true.into(),
            Some(at) => log["timestamp"] = at.as_millisecond().into(),
            None => {}
        }
        // The entry is the text that it is in the log, since JSON that is written again may differ.
        let sym = RawValue::from_string(sym)?;
        let mut text = log.to_string();
        text.pop();
        Ok(format!(r#"{text},"sym":{}}}"#, sym.get()))
    }

    /// Posts logs, in halves if the server finds them too large.
    async fn post(&self, logs: &[String]) -> Result<usize> {
        let mut kept = 0;
        let mut parts: Vec<Range<usize>> = std::iter::once(0..logs.len()).collect();
        while let Some(part) = parts.pop() {
            let body = format!("[{}]", logs[part.clone()].join(","));
            match self.poster.post("application/json", body, Vec::new()).await {
                Ok(()) => kept += part.len(),
                Err(error) if error.status() == Some(413) && part.len() > 1 => {
                    let middle = part.start + part.len() / 2;
                    parts.extend([middle..part.end, part.start..middle]);
                }
                Err(error) if kept == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(kept)
    }
}

fn is_failure(kind: &AuditKind) -> bool {
    matches!(kind.event_status(), Some(sym_sdk::audit::EventStatus::Error))
}

impl AuditDestination for DatadogDestination {
    fn name(&self) -> &str {
        &self.name
    }

    fn batch_size(&self) -> usize {
        LIMITS.entries
    }

    fn deliver<'a>(&'a self, lines: &'a [AuditLine]) -> BoxFuture<'a, Result<usize>> {
        Box::pin(async move {
            self.poster.check_pause()?;
            let now = self.clock.now();
            let logs = lines.iter().map(|line| self.log(line, now)).collect::<Result<Vec<_>>>()?;
            let sizes: Vec<_> = logs.iter().map(String::len).collect();
            deliver(&self.poster.host, async |delivered| {
                for batch in batches(&sizes, LIMITS) {
                    let kept = self.post(&logs[batch.clone()]).await?;
                    delivered.add(kept);
                    if kept < batch.len() {
                        break;
                    }
                }
                Ok(())
            })
            .await
        })
    }

    fn deliver_anchor<'a>(&'a self, anchor: &'a AuditAnchor) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.poster.check_pause()?;
            let (sym, message) = (self.format.render_anchor(anchor), format!("anchor of entry {}", anchor.head().seq));
            let log = self.with_attributes("info", &message, Some(anchor.at()), self.clock.now(), sym)?;
            self.post(&[log]).await.map(drop)
        })
    }
}

impl fmt::Debug for DatadogDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatadogDestination")
            .field("name", &self.name)
            .field("host", &self.poster.host)
            .field("service", &self.service)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}
