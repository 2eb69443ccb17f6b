//! The log destination `syslog`: audit entries to a syslog receiver, as [RFC 5424](https://www.rfc-editor.org/rfc/rfc5424) over TLS
//! ([RFC 5425](https://www.rfc-editor.org/rfc/rfc5425)).
//!
//! ```hcl
//! resource "sym_log_destination" "siem" {
//!   type = "syslog"
//!   settings = {
//!     address = "siem.example.com:6514"
//!   }
//! }
//! ```
//!
//! | setting | meaning |
//! | --- | --- |
//! | `address` | host and port of the receiver; the port is 6514 without one |
//! | `framing` | `octet-counting` (the default), or `lf` for receivers that expect one message per line |
//! | `max_size` | the maximum size of a message in bytes, 8192 without it; larger entries are [reduced](AuditFormat::render_within) |
//! | `hostname` | the field HOSTNAME; `-` without it |
//! | `app_name` | the field APP-NAME; `sym` without it |
//! | `facility` | the number of the facility; 13, log audit, without it |
//! | `ca_file` | a file with the PEM certificates of the authorities to trust, instead of those of the system |
//! | `format` | `sym` (the default) or `ocsf`: see [`AuditFormat`] |
//!
//! Syslog knows no acknowledgement: a message that was written can still be lost, for example in a connection that the receiver has closed
//! meanwhile. So the connection is checked before each delivery and renewed when it was idle, and the messages of the last minute are sent
//! again after it was lost. Some arrive twice, with the same `id`. Those that were lost right before the program ended are not sent again:
//! where each entry must arrive, use a destination that acknowledges them.

mod connection;
mod destination;
mod message;

use std::sync::Arc;

use sym_sdk::audit::{AuditDestination, LogDestinationConfig, LogDestinationType};
use sym_sdk::config::{LogDestinationSchema, SettingSchema, SettingsSchema};
use sym_sdk::error::{Error, ErrorKind, Result, codes};

use crate::audit_format::AuditFormat;

pub use destination::SyslogDestination;
pub use message::Framing;

inventory::submit! { crate::plugins::Registration::LogDestination(log_destination_type) }

inventory::submit! {
    crate::kit::IntegrationInfo::new("syslog", "Syslog", "syslog")
        .with_log_destinations(&[log_destination_type])
}

const SETTINGS: [&str; 8] =
    ["address", "framing", "max_size", "hostname", "app_name", "facility", "ca_file", AuditFormat::SETTING];

const SCHEMA: LogDestinationSchema = LogDestinationSchema::ANY.with_settings(SettingsSchema::closed(&[
    SettingSchema::required("address"),
    SettingSchema::optional("framing"),
    SettingSchema::optional("max_size"),
    SettingSchema::optional("hostname"),
    SettingSchema::optional("app_name"),
    SettingSchema::optional("facility"),
    SettingSchema::optional("ca_file"),
    SettingSchema::optional(AuditFormat::SETTING),
]));

/// Returns the log destination type `syslog`, which [`all`](crate::all) includes.
pub fn log_destination_type() -> LogDestinationType {
    LogDestinationType::new("syslog", build).with_schema(SCHEMA)
}

fn build(config: &LogDestinationConfig<'_>) -> Result<Arc<dyn AuditDestination>> {
    config.expect_settings(&SETTINGS)?;
    let settings = config.destination.settings();
    let mut syslog = SyslogDestination::new(config.name(), config.setting("address")?)?;
    if let Some(framing) = settings.get("framing") {
        syslog = syslog.framing(Framing::parse(framing)?);
    }
    if let Some(size) = settings.get("max_size") {
        syslog = syslog.max_size(number("max_size", size)?)?;
    }
    if let Some(hostname) = settings.get("hostname") {
        syslog = syslog.hostname(hostname)?;
    }
    if let Some(app_name) = settings.get("app_name") {
        syslog = syslog.app_name(app_name)?;
    }
    if let Some(facility) = settings.get("facility") {
        syslog = syslog.facility(number("facility", facility)?)?;
    }
    if let Some(file) = settings.get("ca_file") {
        syslog = syslog.ca_file(file)?;
    }
    if let Some(format) = settings.get(AuditFormat::SETTING) {
        syslog = syslog.format(AuditFormat::parse(format)?);
    }
    Ok(Arc::new(syslog))
}

fn number<T: std::str::FromStr>(setting: &str, value: &str) -> Result<T> {
    value.parse().map_err(|_| configuration(format!("`{setting}` must be a number, got `{value}`")))
}

/// An error of the configuration of a log destination.
fn configuration(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Configuration, codes::AUDIT_DESTINATION, message)
}
