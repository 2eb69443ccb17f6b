//! Log destinations that are reached by HTTP: type `http` in the configuration.
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
//! | `url` | where to; `https`, or `http` on this machine |
//! | `bearer_token_secret` | the name of a secret that is sent as a bearer token |
//! | `batch` | so many entries are sent at a time, as JSON lines; without it, each is a JSON object of its own |

mod answer;
mod destination;

pub use destination::HttpDestination;

use std::sync::Arc;

use sym_sdk::audit::{AuditDestination, LogDestinationConfig, LogDestinationType};
use sym_sdk::error::{Error, ErrorKind, Result, codes};

/// The type of log destinations that [`all`](crate::all) brings along.
pub fn log_destination_type() -> LogDestinationType {
    LogDestinationType::new("http", build)
}

fn build(config: &LogDestinationConfig<'_>) -> Result<Arc<dyn AuditDestination>> {
    config.expect_settings(&["url", "bearer_token_secret", "batch"])?;
    let mut destination = HttpDestination::new(config.name(), config.setting("url")?)?;
    if let Some(token) = config.secret("bearer_token_secret") {
        destination = destination.bearer_token(token)?;
    }
    if let Some(batch) = config.destination.settings().get("batch") {
        let lines = batch.parse().ok().filter(|lines| *lines > 0).ok_or_else(|| {
            let message = format!("`batch` is to be a number of entries, got `{batch}`");
            Error::new(ErrorKind::Configuration, codes::AUDIT_DESTINATION, message)
        })?;
        destination = destination.in_batches_of(lines);
    }
    Ok(Arc::new(destination))
}
