//! The log destination `datadog`: audit entries as logs in [Datadog](https://docs.datadoghq.com/api/latest/logs/#send-logs).
//!
//! ```hcl
//! resource "sym_log_destination" "datadog" {
//!   type = "datadog"
//!   settings = {
//!     site           = "datadoghq.eu"
//!     api_key_secret = sym_secret.datadog_api_key.id
//!   }
//! }
//! ```
//!
//! | setting | meaning |
//! | --- | --- |
//! | `site` | the Datadog site, as [its documentation](https://docs.datadoghq.com/getting_started/site/) lists them; `datadoghq.com` without it |
//! | `api_key_secret` | the name of the secret with an API key (not an application key) |
//! | `service` | the attribute `service`; `sym` without it |
//! | `tags` | the attribute `ddtags`, such as `env:prod,team:security` |
//! | `format` | `sym` (the default) or `ocsf`: see [`AuditFormat`] |
//!
//! The entry is the attribute `sym`, so that none of its members is taken for one of Datadog's own, such as `status` or `host`. Entries
//! above 1 MB, which Datadog would cut without an error, are [reduced](AuditFormat::render_within). Datadog drops logs that are older than 18
//! hours, also without an error: entries older than 17 hours are sent without their time as the log's, and with the attribute `late`. Their
//! own time is in `sym` in either case.

mod destination;

use std::sync::Arc;

use sym_sdk::audit::{AuditDestination, LogDestinationConfig, LogDestinationType};
use sym_sdk::config::{LogDestinationSchema, SettingSchema, SettingsSchema};
use sym_sdk::error::Result;

use crate::audit_format::AuditFormat;
use crate::http::log_destination::configuration;

pub use destination::DatadogDestination;

inventory::submit! { crate::plugins::Registration::LogDestination(log_destination_type) }

inventory::submit! {
    crate::kit::IntegrationInfo::new("datadog", "Datadog", "datadog")
        .with_permissions(&["an API key"])
        .with_log_destinations(&[log_destination_type])
}

/// The settings of a log destination of type `datadog`.
const SETTINGS: [&str; 5] = ["site", "api_key_secret", "service", "tags", AuditFormat::SETTING];

const SCHEMA: LogDestinationSchema = LogDestinationSchema::ANY.with_settings(SettingsSchema::closed(&[
    SettingSchema::optional("site"),
    SettingSchema::required("api_key_secret"),
    SettingSchema::optional("service"),
    SettingSchema::optional("tags"),
    SettingSchema::optional(AuditFormat::SETTING),
]));

/// Returns the log destination type `datadog`, which [`all`](crate::all) includes.
pub fn log_destination_type() -> LogDestinationType {
    LogDestinationType::new("datadog", build).with_schema(SCHEMA)
}

fn build(config: &LogDestinationConfig<'_>) -> Result<Arc<dyn AuditDestination>> {
    config.expect_settings(&SETTINGS)?;
    let settings = config.destination.settings();
    let site = settings.get("site").map_or(destination::DEFAULT_SITE, String::as_str);
    let key = config.secret("api_key_secret").ok_or_else(|| {
        configuration(format!("log destination `{}` needs the setting `api_key_secret`", config.destination.name()))
    })?;
    let mut datadog = DatadogDestination::new(config.name(), site, key)?;
    if let Some(service) = settings.get("service") {
        datadog = datadog.service(service);
    }
    if let Some(tags) = settings.get("tags") {
        datadog = datadog.tags(tags);
    }
    if let Some(format) = settings.get(AuditFormat::SETTING) {
        datadog = datadog.format(AuditFormat::parse(format)?);
    }
    Ok(Arc::new(datadog))
}
