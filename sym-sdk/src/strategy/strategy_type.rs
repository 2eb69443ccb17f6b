//! Types of strategies, and the configuration that a strategy is built from.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use secrecy::SecretString;

use super::{AccessStrategy, DynAccessStrategy};
use crate::config::StrategySchema;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::integration::IntegrationConfig;
use crate::model::{Strategy, expect_settings};

/// The configuration that a strategy is built from.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StrategyConfig<'a> {
    /// The configured strategy.
    pub strategy: &'a Strategy,
    /// The strategy's integration with its secrets.
    pub integration: Option<IntegrationConfig<'a>>,
    /// The strategy's own secrets, by setting.
    pub(crate) secrets: &'a BTreeMap<String, SecretString>,
}

impl<'a> StrategyConfig<'a> {
    /// Returns a setting.
    ///
    /// # Errors
    /// If the strategy does not have it. The hint lists the settings that it has.
    pub fn setting(&self, name: &str) -> Result<&'a str> {
        self.strategy.setting(name)
    }

    /// Returns the value of one of the strategy's own secrets by its setting, such as `bearer_token_secret`. `None` if it is not
    /// set.
    pub fn secret(&self, setting: &str) -> Option<&'a SecretString> {
        self.secrets.get(setting)
    }

    /// Returns the integration, for strategies that require one.
    ///
    /// # Errors
    /// If the strategy has none.
    pub fn integration(&self) -> Result<IntegrationConfig<'a>> {
        self.integration.ok_or_else(|| {
            let message = format!("strategy `{}` has no integration", self.strategy.name());
            Error::new(ErrorKind::Configuration, codes::UNKNOWN_INTEGRATION, message)
                .with_hint("set its `integration_id` to an integration of this organization")
        })
    }

    /// Rejects settings other than these, because a misspelled setting would have no effect.
    ///
    /// # Errors
    /// If the strategy has another setting. The hint suggests the nearest name.
    pub fn expect_settings(&self, known: &[&str]) -> Result<()> {
        let settings = self.strategy.settings().keys().chain(self.strategy.secrets().keys());
        expect_settings(&format!("strategy `{}`", self.strategy.name()), settings, known)
    }
}

type Build = dyn Fn(&StrategyConfig<'_>) -> Result<Arc<dyn DynAccessStrategy>> + Send + Sync;

/// The `type` of strategies that an organization implements itself.
const CUSTOM: &str = "custom";

/// Builds strategies of one type from their configuration.
#[derive(Clone)]
pub struct StrategyType {
    kind: String,
    /// The only strategy that this type is for. `None` if it is for every strategy of its kind.
    name: Option<String>,
    schema: StrategySchema,
    build: Arc<Build>,
}

impl StrategyType {
    /// Creates a type of strategies; `kind` is the `type` in the configuration.
    pub fn new<S, B>(kind: impl Into<String>, build: B) -> Self
    where
        S: AccessStrategy,
        B: Fn(&StrategyConfig<'_>) -> Result<S> + Send + Sync + 'static,
    {
        Self { kind: kind.into(), name: None, schema: StrategySchema::ANY, build: erase(build) }
    }

    /// Creates a type for the strategy of type `custom` with this name in the configuration, ignoring case. Use this for each
    /// of your own strategies. A type created by [`StrategyType::new`] with the kind `custom` is for those with other names.
    ///
    /// ```
    /// use sym_sdk::config::Config;
    /// use sym_sdk::prelude::*;
    /// use sym_sdk::runtime::Runtime;
    /// use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult, RevocationScope};
    ///
    /// /// Grants roles in a database.
    /// struct Roles {
    ///     database: String,
    /// }
    ///
    /// impl AccessStrategy for Roles {
    ///     async fn fetch_remote_identity(&self, user: &User) -> Result<Option<String>> {
    ///         Ok(user.email().and_then(|email| email.split('@').next()).map(str::to_owned))
    ///     }
    ///
    ///     async fn escalate(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
    ///         let role = request.target().setting("role")?;
    ///         println!("{}: GRANT {role} TO {}", self.database, request.identity());
    ///         Ok(GrantResult::granted().with_output(StepOutput::new([("role", role)])?))
    ///     }
    ///
    ///     async fn deescalate(&self, request: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
    ///         println!("{}: REVOKE {} FROM {}", self.database, request.target().setting("role")?, request.identity());
    ///         Ok(None)
    ///     }
    ///
    ///     fn revocation_scope(&self) -> RevocationScope {
    ///         RevocationScope::NewSessions
    ///     }
    /// }
    ///
    /// let builder = Runtime::builder(Config::default()).strategy("database-roles", |config| {
    ///     Ok(Roles { database: config.integration()?.external_id().to_owned() })
    /// });
    /// # let _ = builder;
    /// ```
    pub fn custom<S, B>(name: impl Into<String>, build: B) -> Self
    where
        S: AccessStrategy,
        B: Fn(&StrategyConfig<'_>) -> Result<S> + Send + Sync + 'static,
    {
        Self { kind: CUSTOM.to_owned(), name: Some(name.into()), schema: StrategySchema::ANY, build: erase(build) }
    }

    /// Sets the schema that the configuration of these strategies is checked against.
    #[must_use]
    pub fn with_schema(mut self, schema: StrategySchema) -> Self {
        self.schema = schema;
        self
    }

    /// Returns the schema.
    pub const fn schema(&self) -> &StrategySchema {
        &self.schema
    }

    /// Returns the `type` in the configuration.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns the name of the only strategy that this type is for. `None` if it is for every strategy of its kind.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns whether this type is for exactly the same strategies as another.
    pub(crate) fn overrides(&self, other: &Self) -> bool {
        let name = |of: &Self| of.name.as_deref().map(str::to_ascii_lowercase);
        self.kind == other.kind && name(self) == name(other)
    }

    /// Returns whether this type is for strategies of this kind and name.
    pub(crate) fn is_for(&self, kind: &str, name: &str) -> bool {
        self.kind == kind && self.name.as_ref().is_none_or(|own| own.eq_ignore_ascii_case(name))
    }

    /// Finds the type for a strategy, preferring one that names it.
    pub(crate) fn of<'a>(types: &'a [Self], strategy: &Strategy) -> Option<&'a Self> {
        let fitting = types.iter().filter(|known| known.is_for(strategy.kind(), strategy.name()));
        fitting.max_by_key(|known| known.name.is_some())
    }

    pub(crate) fn build(&self, config: &StrategyConfig<'_>) -> Result<Arc<dyn DynAccessStrategy>> {
        (self.build)(config)
    }
}

fn erase<S: AccessStrategy>(build: impl Fn(&StrategyConfig<'_>) -> Result<S> + Send + Sync + 'static) -> Arc<Build> {
    Arc::new(move |config| Ok(Arc::new(build(config)?)))
}

impl fmt::Debug for StrategyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StrategyType").field("kind", &self.kind).field("name", &self.name).finish_non_exhaustive()
    }
}

/// `okta`, or ``custom (strategy `roles`)``.
impl fmt::Display for StrategyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{} (strategy `{name}`)", self.kind),
            None => f.write_str(&self.kind),
        }
    }
}
