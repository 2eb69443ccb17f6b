//! The log destination `segment`: audit entries as events in [Segment](https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/).
//!
//! ```hcl
//! resource "sym_integration" "segment" {
//!   type        = "segment"
//!   name        = "audit"
//!   external_id = "our-workspace"
//!   settings = {
//!     write_key_secret = sym_secret.segment_write_key.id
//!   }
//! }
//!
//! resource "sym_log_destination" "segment" {
//!   type           = "segment"
//!   integration_id = sym_integration.segment.id
//!   settings = {
//!     stream_name = "Access"
//!   }
//! }
//! ```
//!
//! | setting | meaning |
//! | --- | --- |
//! | `stream_name` | the name of the events, as Segment's destinations see it |
//! | `url` | the batch endpoint of another region, such as `https://events.eu1.segmentapis.com/v1/batch` |
//! | `format` | `sym` (the default) or `ocsf`: see [`AuditFormat`] |
//!
//! An entry is a `track` event of the actor, with the entry as its `properties` and its id as `messageId`, by which Segment drops
//! duplicates. Segment answers 200 to nearly everything, a wrong write key included: whether events arrive cannot be known here, and has to
//! be looked up in Segment's debugger once.

mod destination;

use std::sync::Arc;

use sym_sdk::audit::{AuditDestination, LogDestinationConfig, LogDestinationType};
use sym_sdk::config::{IntegrationSchema, LogDestinationSchema, SettingSchema, SettingsSchema};
use sym_sdk::error::Result;

use crate::audit_format::AuditFormat;
use crate::http::log_destination::configuration;

pub use destination::SegmentDestination;

inventory::submit! { crate::plugins::Registration::LogDestination(log_destination_type) }

inventory::submit! {
    crate::kit::IntegrationInfo::new("segment", "Segment", "segment")
        .with_permissions(&["the write key of a source"])
        .with_log_destinations(&[log_destination_type])
}

/// The setting of an integration that names the secret with the write key.
const WRITE_KEY: &str = "write_key_secret";

/// The setting that names the events.
const STREAM_NAME: &str = "stream_name";

const SCHEMA: LogDestinationSchema = LogDestinationSchema::ANY
    .with_integration(IntegrationSchema::new("segment", SettingsSchema::closed(&[SettingSchema::required(WRITE_KEY)])))
    .with_settings(SettingsSchema::closed(&[
        SettingSchema::required(STREAM_NAME),
        SettingSchema::optional("url"),
        SettingSchema::optional(AuditFormat::SETTING),
    ]));

/// Returns the log destination type `segment`, which [`all`](crate::all) includes.
pub fn log_destination_type() -> LogDestinationType {
    LogDestinationType::new("segment", build).with_schema(SCHEMA)
}

fn build(config: &LogDestinationConfig<'_>) -> Result<Arc<dyn AuditDestination>> {
    config.expect_settings(&[STREAM_NAME, "url", AuditFormat::SETTING])?;
    let integration = config.integration.ok_or_else(|| {
        configuration(format!("log destination `{}` needs an integration of type `segment`", config.destination.name()))
    })?;
    let settings = config.destination.settings();
    let url = settings.get("url").map_or(destination::DEFAULT_URL, String::as_str);
    let key = integration.secret(WRITE_KEY)?;
    let mut segment = SegmentDestination::with_url(config.name(), url, config.setting(STREAM_NAME)?, key)?;
    if let Some(format) = settings.get(AuditFormat::SETTING) {
        segment = segment.format(AuditFormat::parse(format)?);
    }
    Ok(Arc::new(segment))
}
