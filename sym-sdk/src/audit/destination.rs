//! Destinations of audit lines, and the log destinations of a configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use secrecy::SecretString;

use super::{AuditAnchor, AuditLine};
use crate::config::LogDestinationSchema;
use crate::error::Result;
use crate::future::BoxFuture;
use crate::integration::IntegrationConfig;
use crate::model::{LogDestination, expect_settings};

/// A destination of audit lines, such as a file or a log service.
///
/// Lines are delivered in order, one batch at a time, at least once and without gaps. A line is delivered again after a crash, or
/// if the outcome of a delivery is unknown; it then has the same [`id`](AuditLine::id). The store has a cursor for each
/// destination, identified by [`name`](Self::name): a new destination receives the log from its first record, and so does one
/// whose name changes.
///
/// A failed delivery is retried without limit, with a backoff of up to a minute or the delay in the error's
/// [`retry_after`](crate::Error::retry_after), up to 15 minutes. It delays neither Runs nor other destinations.
///
/// ```
/// use sym_sdk::BoxFuture;
/// use sym_sdk::audit::{AuditDestination, AuditLine};
///
/// struct Mirror;
///
/// impl AuditDestination for Mirror {
///     fn name(&self) -> &str {
///         "mirror"
///     }
///
///     fn deliver<'a>(&'a self, lines: &'a [AuditLine]) -> BoxFuture<'a, sym_sdk::Result<usize>> {
///         Box::pin(async move {
///             for line in lines {
///                 println!("{}", line.as_str());
///             }
///             Ok(lines.len())
///         })
///     }
/// }
/// ```
pub trait AuditDestination: Send + Sync + 'static {
    /// Returns a name that is stable and unique within the program.
    fn name(&self) -> &str;

    /// Returns the maximum number of lines in one delivery. Default: 256.
    fn batch_size(&self) -> usize {
        256
    }

    /// Delivers lines, and returns how many of them, from the first on, are stored durably. The others are delivered again.
    ///
    /// # Errors
    /// If no line was stored. An error that is not [retryable](crate::Error::is_retryable) is logged as one that needs attention;
    /// the delivery is retried all the same.
    fn deliver<'a>(&'a self, lines: &'a [AuditLine]) -> BoxFuture<'a, Result<usize>>;

    /// Delivers an anchor as an entry of its own kind, after the line of the record that it names. Does nothing by default. An anchor that
    /// is delivered again has the same [`id`](AuditAnchor::id).
    ///
    /// An anchor that was not delivered when the next one is due, or when the program ends, is left out.
    ///
    /// # Errors
    /// If the anchor was not stored. It is delivered again after some minutes, for which no line waits.
    fn deliver_anchor<'a>(&'a self, anchor: &'a AuditAnchor) -> BoxFuture<'a, Result<()>> {
        let _ = anchor;
        Box::pin(std::future::ready(Ok(())))
    }
}

/// The configuration that a log destination is built from.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LogDestinationConfig<'a> {
    /// The declared log destination.
    pub destination: &'a LogDestination,
    /// The integration of the log destination, with its secrets.
    pub integration: Option<IntegrationConfig<'a>>,
    /// The secrets of the log destination, by setting.
    pub(crate) secrets: &'a BTreeMap<String, SecretString>,
}

impl<'a> LogDestinationConfig<'a> {
    /// Returns the value of a setting.
    ///
    /// # Errors
    /// If the setting is missing. The error lists the settings that exist.
    pub fn setting(&self, name: &str) -> Result<&'a str> {
        self.destination.setting(name)
    }

    /// Returns the secret of a setting such as `bearer_token_secret`; `None` if it is not set.
    pub fn secret(&self, setting: &str) -> Option<&'a SecretString> {
        self.secrets.get(setting)
    }

    /// Returns a name for the destination that is unique within the configuration.
    pub fn name(&self) -> String {
        format!("{}:{}", self.destination.kind(), self.destination.name())
    }

    /// Checks that there are no settings other than `known`: a misspelled setting would have no effect.
    ///
    /// # Errors
    /// If there is an unknown setting. The error suggests the nearest known one.
    pub fn expect_settings(&self, known: &[&str]) -> Result<()> {
        let settings = self.destination.settings().keys().chain(self.destination.secrets().keys());
        expect_settings(&format!("log destination `{}`", self.destination.name()), settings, known)
    }
}

type Build = dyn Fn(&LogDestinationConfig<'_>) -> Result<Arc<dyn AuditDestination>> + Send + Sync;

/// A type of log destinations, which builds them from their configuration.
#[derive(Clone)]
pub struct LogDestinationType {
    kind: String,
    schema: LogDestinationSchema,
    build: Arc<Build>,
}

impl LogDestinationType {
    /// Creates a type of log destinations. `kind` is the `type` in the configuration.
    pub fn new<F>(kind: impl Into<String>, build: F) -> Self
    where
        F: Fn(&LogDestinationConfig<'_>) -> Result<Arc<dyn AuditDestination>> + Send + Sync + 'static,
    {
        Self { kind: kind.into(), schema: LogDestinationSchema::ANY, build: Arc::new(build) }
    }

    /// Returns the `type` in the configuration.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Sets the schema against which declared log destinations are checked.
    #[must_use]
    pub fn with_schema(mut self, schema: LogDestinationSchema) -> Self {
        self.schema = schema;
        self
    }

    /// Returns the schema.
    pub const fn schema(&self) -> &LogDestinationSchema {
        &self.schema
    }

    pub(crate) fn build(&self, config: &LogDestinationConfig<'_>) -> Result<Arc<dyn AuditDestination>> {
        (self.build)(config)
    }
}

impl fmt::Debug for LogDestinationType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogDestinationType").field("kind", &self.kind).finish_non_exhaustive()
    }
}
