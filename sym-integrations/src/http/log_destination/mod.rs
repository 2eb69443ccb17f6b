//! The log destination `http`: delivers audit entries to a URL.
//!
//! ```hcl
//! resource "sym_log_destination" "archive" {
//!   type = "http"
//!   settings = {
//!     url                 = "https://logs.example.com/audit"
//!     bearer_token_secret = sym_secret.archive_token.id
//!   }
//! }
//! ```
//!
//! | setting | meaning |
//! | --- | --- |
//! | `url` | the target; `https`, or `http` on the loopback interface |
//! | `bearer_token_secret` | the name of the secret to send as a bearer token |
//! | `signing_secret` | the name of the secret that signs requests as [Standard Webhooks](https://www.standardwebhooks.com) |
//! | `previous_signing_secret` | the name of the secret before, while receivers change: requests are signed with both |
//! | `events` | the types of events to send, separated by commas, such as `run.approved, run.denied`, or `run.*`; by default, all |
//! | `format` | `sym` (the default) or `ocsf`: see [`AuditFormat`]; or `webhook`, see below |
//! | `batch` | the number of entries per request, sent as JSON lines; by default, each entry is a request with one JSON object |
//!
//! With `format = "webhook"`, the body is an event with a `type`, as [Standard Webhooks](https://www.standardwebhooks.com) recommends, and the
//! entry in Sym's schema is its data:
//!
//! ```json
//! { "type": "run.approved", "timestamp": "2026-02-28T09:30:00Z", "data": { "id": "…", "type": "event", "…": "…" } }
//! ```
//!
//! The type is `run.` with `requested`, `approved`, `denied`, `escalated`, `deescalated`, `expired` or `forwarded` where that has happened,
//! `run.errored` where it has failed, and `run.` with the [kind](sym_sdk::audit::AuditKind::name) of any other entry. Steps of an extension
//! begin with `extension.`, actions on users are `user.locked`, `user.unlocked`, `user.deleted`, `user.restored`, `user.admitted` or
//! `user.refused`, and the anchors of the log are `audit.anchor`.
//!
//! To replace a signing secret, make the old one `previous_signing_secret` and the new one `signing_secret`, change the receivers, and remove
//! the old one.

mod delivery;
mod delivery_error;
mod destination;
mod event_type;
mod poster;
mod signature;

#[cfg(any(feature = "datadog", feature = "segment"))]
pub(crate) use delivery::deliver;
#[cfg(any(feature = "datadog", feature = "segment"))]
pub(crate) use delivery_error::Hints;
#[cfg(any(feature = "datadog", feature = "segment"))]
pub(crate) use poster::{Poster, configuration};

pub use destination::HttpDestination;

use std::sync::Arc;

use sym_sdk::audit::{AuditDestination, LogDestinationConfig, LogDestinationType};
use sym_sdk::config::{LogDestinationSchema, SettingSchema, SettingsSchema};
use sym_sdk::error::{Error, ErrorKind, Result, codes};

use crate::audit_format::AuditFormat;

inventory::submit! { crate::plugins::Registration::LogDestination(log_destination_type) }

/// The value of `format` for events with a type.
const WEBHOOK: &str = "webhook";

/// The configuration of log destinations of type `http`.
const SCHEMA: LogDestinationSchema = LogDestinationSchema::ANY.with_settings(SettingsSchema::closed(&[
    SettingSchema::required("url"),
    SettingSchema::optional("bearer_token_secret"),
    SettingSchema::optional("signing_secret"),
    SettingSchema::optional("previous_signing_secret"),
    SettingSchema::optional("events"),
    SettingSchema::optional(AuditFormat::SETTING),
    SettingSchema::optional("batch"),
]));

/// Returns the log destination type `http`, which [`all`](crate::all) includes.
pub fn log_destination_type() -> LogDestinationType {
    LogDestinationType::new("http", build).with_schema(SCHEMA)
}

fn build(config: &LogDestinationConfig<'_>) -> Result<Arc<dyn AuditDestination>> {
    config.expect_settings(&[
        "url",
        "bearer_token_secret",
        "signing_secret",
        "previous_signing_secret",
        "events",
        AuditFormat::SETTING,
        "batch",
    ])?;
    let mut destination = HttpDestination::new(config.name(), config.setting("url")?)?;
    if let Some(token) = config.secret("bearer_token_secret") {
        destination = destination.bearer_token(token)?;
    }
    if let Some(secret) = config.secret("signing_secret") {
        destination = destination.signed_with(secret)?;
    }
    if let Some(previous) = config.secret("previous_signing_secret") {
        if config.secret("signing_secret").is_none() {
            let error = poster::configuration("`previous_signing_secret` needs the `signing_secret` that replaces it");
            return Err(error.with_hint("set the only secret there is as `signing_secret`"));
        }
        destination = destination.also_signed_with(previous)?;
    }
    if let Some(events) = config.destination.settings().get("events") {
        destination = destination.only(events)?;
    }
    match config.destination.settings().get(AuditFormat::SETTING).map(String::as_str) {
        Some(WEBHOOK) => destination = destination.as_webhook(),
        Some(format) => destination = destination.format(AuditFormat::parse(format)?),
        None => {}
    }
    if let Some(batch) = config.destination.settings().get("batch") {
        let lines = batch.parse().ok().filter(|lines| *lines > 0).ok_or_else(|| {
            let message = format!("`batch` must be a positive number of entries, got `{batch}`");
            Error::new(ErrorKind::Configuration, codes::AUDIT_DESTINATION, message)
        })?;
        destination = destination.in_batches_of(lines);
    }
    Ok(Arc::new(destination))
}
