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
//! | `format` | `sym` (the default) or `ocsf`: see [`AuditFormat`] |
//! | `batch` | the number of entries per request, sent as JSON lines; by default, each entry is a request with one JSON object |

mod delivery;
mod delivery_error;
mod destination;
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

/// The configuration of log destinations of type `http`.
const SCHEMA: LogDestinationSchema = LogDestinationSchema::ANY.with_settings(SettingsSchema::closed(&[
    SettingSchema::required("url"),
    SettingSchema::optional("bearer_token_secret"),
    SettingSchema::optional("signing_secret"),
    SettingSchema::optional(AuditFormat::SETTING),
    SettingSchema::optional("batch"),
]));

/// Returns the log destination type `http`, which [`all`](crate::all) includes.
pub fn log_destination_type() -> LogDestinationType {
    LogDestinationType::new("http", build).with_schema(SCHEMA)
}

fn build(config: &LogDestinationConfig<'_>) -> Result<Arc<dyn AuditDestination>> {
    config.expect_settings(&["url", "bearer_token_secret", "signing_secret", AuditFormat::SETTING, "batch"])?;
    let mut destination = HttpDestination::new(config.name(), config.setting("url")?)?;
    if let Some(token) = config.secret("bearer_token_secret") {
        destination = destination.bearer_token(token)?;
    }
    if let Some(secret) = config.secret("signing_secret") {
        destination = destination.signed_with(secret)?;
    }
    if let Some(format) = config.destination.settings().get(AuditFormat::SETTING) {
        destination = destination.format(AuditFormat::parse(format)?);
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
