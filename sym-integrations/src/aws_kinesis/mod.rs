//! The log destinations `kinesis_firehose` and `kinesis_data_stream`: audit entries in Amazon Data Firehose and Kinesis Data Streams, and by
//! way of Firehose in S3.
//!
//! ```hcl
//! resource "sym_log_destination" "archive" {
//!   type           = "kinesis_firehose"
//!   integration_id = sym_integration.firehose_context.id
//!   settings = {
//!     stream_name = "SymAuditLog"
//!   }
//! }
//! ```
//!
//! | setting | meaning |
//! | --- | --- |
//! | `stream_name` | the name of the delivery stream or of the data stream |
//! | `format` | `sym` (the default) or `ocsf`: see [`AuditFormat`] |
//!
//! The integration is of type `permission_context`; its role needs `firehose:PutRecordBatch` or `kinesis:PutRecords` for the stream. For S3,
//! let the delivery stream write to a bucket: entries are JSON lines, so that objects can be read as they are.
//!
//! # Order and repetition
//! A stream keeps no order between records of one call, and can refuse some of them and store others. An entry counts as delivered when the
//! stream has given it an id. Those that were refused are sent again, and no later entry of the same Run is sent before them; entries of
//! different Runs may change places. An entry may arrive more than once, with the same `id`. Consumers sort by `audit.seq`, and `audit verify`
//! checks the chain of hashes in that order.
//!
//! Entries above the limit of a record, which would make the stream refuse a whole call, are
//! [reduced](crate::audit_format::AuditFormat::render_within).

mod destination;
mod errors;
mod queue;
mod stream;

use std::sync::Arc;

use sym_sdk::audit::{AuditDestination, LogDestinationConfig, LogDestinationType};
use sym_sdk::config::{IntegrationSchema, LogDestinationSchema, SettingSchema, SettingsSchema};
use sym_sdk::error::{Error, ErrorKind, Result, codes};

use crate::audit_format::AuditFormat;
use crate::aws::PermissionContext;

pub use destination::KinesisDestination;
pub use stream::StreamKind;

inventory::submit! { crate::plugins::Registration::LogDestination(firehose_type) }
inventory::submit! { crate::plugins::Registration::LogDestination(data_stream_type) }

inventory::submit! {
    crate::kit::IntegrationInfo::new("aws_kinesis", "Amazon Kinesis and Data Firehose", "aws-kinesis")
        .with_permissions(&["`firehose:PutRecordBatch` or `kinesis:PutRecords` on the stream"])
        .with_log_destinations(&[firehose_type, data_stream_type])
}

const STREAM_NAME: &str = "stream_name";

/// The integration that a destination needs.
const INTEGRATION: IntegrationSchema = IntegrationSchema::new(PermissionContext::TYPE, PermissionContext::SETTINGS);

const SCHEMA: LogDestinationSchema =
    LogDestinationSchema::ANY.with_integration(INTEGRATION).with_settings(SettingsSchema::closed(&[
        SettingSchema::required(STREAM_NAME),
        SettingSchema::optional(AuditFormat::SETTING),
    ]));

/// Returns the log destination type `kinesis_firehose`, which [`all`](crate::all) includes.
pub fn firehose_type() -> LogDestinationType {
    LogDestinationType::new("kinesis_firehose", |config| build(config, StreamKind::Firehose)).with_schema(SCHEMA)
}

/// Returns the log destination type `kinesis_data_stream`, which [`all`](crate::all) includes.
pub fn data_stream_type() -> LogDestinationType {
    LogDestinationType::new("kinesis_data_stream", |config| build(config, StreamKind::DataStream)).with_schema(SCHEMA)
}

fn build(config: &LogDestinationConfig<'_>, kind: StreamKind) -> Result<Arc<dyn AuditDestination>> {
    config.expect_settings(&[STREAM_NAME, AuditFormat::SETTING])?;
    let integration = config.integration.ok_or_else(|| {
        let message = format!("log destination `{}` has no integration", config.destination.name());
        Error::new(ErrorKind::Configuration, codes::UNKNOWN_INTEGRATION, message)
            .with_hint("set its `integration_id` to an integration of type `permission_context`")
    })?;
    let context = PermissionContext::from_config(&integration)?;
    let mut destination = KinesisDestination::new(config.name(), &context, kind, config.setting(STREAM_NAME)?)?;
    if let Some(format) = config.destination.settings().get(AuditFormat::SETTING) {
        destination = destination.format(AuditFormat::parse(format)?);
    }
    Ok(Arc::new(destination))
}
