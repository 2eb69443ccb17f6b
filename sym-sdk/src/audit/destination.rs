//! Where audit lines go.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use secrecy::SecretString;

use super::AuditLine;
use crate::config::LogDestinationSchema;
use crate::error::Result;
use crate::future::BoxFuture;
use crate::integration::IntegrationConfig;
use crate::model::{LogDestination, expect_settings};

/// Somewhere that audit lines are delivered to.
///
/// Each destination has a place in the log of its own, which is kept in the store and found by [`name`](Self::name): a new
/// destination gets the log from its first record on, and one whose name changes begins anew. It is given lines in order, one
/// batch at a time, and none is left out. After a crash, or when an outcome was not known, lines come again with the same
/// [`id`](AuditLine::id).
///
/// A destination that fails is tried again for ever, after a pause of up to a minute, or for as long as the error's
/// [`retry_after`](crate::Error::retry_after) says, up to 15 minutes. It holds up neither Runs nor other
/// destinations.
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
    /// A name that no other destination of the program has, and that stays the same.
    fn name(&self) -> &str;

    /// How many lines are delivered at a time, at the most. Default: 256.
    fn batch(&self) -> usize {
        256
    }

    /// Takes lines in order. Says how many of them, from the first on, are kept for good: they do not come again, and the others
    /// do.
    ///
    /// # Errors
    /// If none was taken. An error that is not [retryable](crate::Error::is_retryable) is reported as one that somebody must do
    /// something about; it is tried again all the same.
    fn deliver<'a>(&'a self, lines: &'a [AuditLine]) -> BoxFuture<'a, Result<usize>>;
}

/// What a log destination is built from.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LogDestinationConfig<'a> {
    /// The log destination as it is configured.
    pub destination: &'a LogDestination,
    /// Its integration with the secrets that belong to it.
    pub integration: Option<IntegrationConfig<'a>>,
    /// Its own secrets, by setting.
    pub(crate) secrets: &'a BTreeMap<String, SecretString>,
}

impl<'a> LogDestinationConfig<'a> {
    /// A setting.
    ///
    /// # Errors
    /// If there is none, with those that there are.
    pub fn setting(&self, name: &str) -> Result<&'a str> {
        self.destination.setting(name)
    }

    /// The value of a secret, by its setting, such as `bearer_token_secret`; `None` if it is not set.
    pub fn secret(&self, setting: &str) -> Option<&'a SecretString> {
        self.secrets.get(setting)
    }

    /// A name for the destination that no other one in the configuration has.
    pub fn name(&self) -> String {
        format!("{}:{}", self.destination.kind(), self.destination.name())
    }

    /// Refuses settings other than these: a setting that is spelt wrongly would be without effect.
    ///
    /// # Errors
    /// If there is another one, with the nearest name.
    pub fn expect_settings(&self, known: &[&str]) -> Result<()> {
        let settings = self.destination.settings().keys().chain(self.destination.secrets().keys());
        expect_settings(&format!("log destination `{}`", self.destination.name()), settings, known)
    }
}

type Build = dyn Fn(&LogDestinationConfig<'_>) -> Result<Arc<dyn AuditDestination>> + Send + Sync;

/// Builds the log destinations of one type from their configuration.
#[derive(Clone)]
pub struct LogDestinationType {
    kind: String,
    schema: LogDestinationSchema,
    build: Arc<Build>,
}

impl LogDestinationType {
    /// A type of log destinations: `kind` is the `type` in the configuration.
    pub fn new<F>(kind: impl Into<String>, build: F) -> Self
    where
        F: Fn(&LogDestinationConfig<'_>) -> Result<Arc<dyn AuditDestination>> + Send + Sync + 'static,
    {
        Self { kind: kind.into(), schema: LogDestinationSchema::ANY, build: Arc::new(build) }
    }

    /// The `type` in the configuration.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Sets the schema that the configuration of these log destinations is checked against.
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
