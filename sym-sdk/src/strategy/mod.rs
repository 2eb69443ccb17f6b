//! How access is granted and taken away.

mod dry;
mod request;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub use dry::DryStrategy;
pub use request::AccessRequest;
use secrecy::SecretString;

use crate::config::StrategySchema;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::future::BoxFuture;
use crate::integration::IntegrationConfig;
use crate::model::{AccessTarget, StepOutput, Strategy, User, expect_settings};

/// Grants access to targets of one kind, and takes it away.
///
/// Each call must be idempotent: granting what is granted and taking away what is gone is no error. A call may come again with
/// the same [`AccessRequest::idempotency_key`] after a crash, whether or not the first one reached the service.
///
/// A grant whose error [is retryable](crate::Error::is_retryable), and one that took too long, is tried up to three times. A
/// revocation is tried for ever, whatever the error. Each of these tries has a key of its own.
pub trait AccessStrategy: Send + Sync + 'static {
    /// Finds the person's id in the service, from their e-mail address say. `None` if the service does not know them.
    ///
    /// Do not call this: the runtime does, if neither the directory nor a `get_identity` reducer knows the id.
    fn fetch_remote_identity<'a>(&'a self, user: &'a User) -> BoxFuture<'a, Result<Option<String>>>;

    /// Grants access.
    fn escalate<'a>(&'a self, request: &'a AccessRequest<'_>) -> BoxFuture<'a, Result<Escalation>>;

    /// Takes access away. What it returns is the step's output.
    fn deescalate<'a>(&'a self, request: &'a AccessRequest<'_>) -> BoxFuture<'a, Result<Option<StepOutput>>>;

    /// What a revocation reaches.
    fn reach(&self) -> RevocationReach;

    /// Names what the service grants for this target. Requests whose targets are one resource share the access, and the last
    /// one to end takes it away.
    ///
    /// Without this, each target is a resource of its own, as [`resource_by_name`] has it: right where the target's name
    /// decides, as it does for functions that several targets share. Where settings alone decide, such as a group's id, give
    /// [`resource_by_settings`]: two targets for one group then do not take it away from each other.
    fn resource(&self, target: &AccessTarget) -> String {
        resource_by_name(target)
    }

    /// The ids that have access to the target now; `None` if the service cannot tell.
    ///
    /// The runtime asks after each revocation, and takes one after which the id is still listed for failed. Where the lists of
    /// a service lag behind, wait here until they no longer do, or give `None`.
    fn list_current<'a>(&'a self, target: &'a AccessTarget) -> BoxFuture<'a, Result<Option<Vec<String>>>> {
        let _ = target;
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Says whether the strategy could grant access to the target: that the service answers, the credentials suffice and the
    /// target exists.
    fn check<'a>(&'a self, target: &'a AccessTarget) -> BoxFuture<'a, Result<()>> {
        let _ = target;
        Box::pin(std::future::ready(Ok(())))
    }
}

/// A resource for which the target's name decides, and its settings too.
pub fn resource_by_name(target: &AccessTarget) -> String {
    as_text(&(target.kind(), target.name(), target.settings()))
}

/// A resource for which the target's settings alone decide.
pub fn resource_by_settings(target: &AccessTarget) -> String {
    as_text(&(target.kind(), target.settings()))
}

fn as_text(parts: &impl serde::Serialize) -> String {
    // Text and maps of text always have a JSON form.
    serde_json::to_string(parts).unwrap_or_default()
}

/// What a revocation reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevocationReach {
    /// Access ends at once, for sessions under way as well.
    Everything,
    /// No new session can begin; sessions under way last until they end by themselves.
    NewSessions,
    /// It depends on what stands behind the strategy, such as the code of a function.
    Unknown,
}

/// What came of a grant.
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct Escalation {
    pub(crate) output: Option<StepOutput>,
    pub(crate) errors: Vec<String>,
}

impl Escalation {
    /// Access was granted.
    pub fn granted() -> Self {
        Self::default()
    }

    /// The service answered, and reported errors: access was not granted.
    pub fn rejected(errors: impl IntoIterator<Item = String>) -> Self {
        let mut errors: Vec<_> = errors.into_iter().collect();
        if errors.is_empty() {
            errors.push("no reason given".to_owned());
        }
        Self { output: None, errors }
    }

    /// Keeps this as the step's output, for handlers to read with `StepOutput<T>`.
    pub fn with_output(mut self, output: StepOutput) -> Self {
        self.output = Some(output);
        self
    }
}

/// What a strategy is built from.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StrategyConfig<'a> {
    /// The strategy as it is configured.
    pub strategy: &'a Strategy,
    /// Its integration with the secrets that belong to it.
    pub integration: Option<IntegrationConfig<'a>>,
    /// Its own secrets, by setting.
    pub(crate) secrets: &'a BTreeMap<String, SecretString>,
}

impl<'a> StrategyConfig<'a> {
    /// A setting.
    ///
    /// # Errors
    /// If there is none, with those that there are.
    pub fn setting(&self, name: &str) -> Result<&'a str> {
        self.strategy.setting(name)
    }

    /// The value of a secret of the strategy's own, by its setting, such as `bearer_token_secret`; `None` if it is not set.
    pub fn secret(&self, setting: &str) -> Option<&'a SecretString> {
        self.secrets.get(setting)
    }

    /// The integration, for a strategy that cannot do without.
    ///
    /// # Errors
    /// If there is none.
    pub fn integration(&self) -> Result<IntegrationConfig<'a>> {
        self.integration.ok_or_else(|| {
            let message = format!("strategy `{}` has no integration", self.strategy.name());
            Error::new(ErrorKind::Configuration, codes::UNKNOWN_INTEGRATION, message)
                .with_hint("set its `integration_id` to an integration of this organization")
        })
    }

    /// Refuses settings other than these: a setting that is spelt wrongly would be without effect.
    ///
    /// # Errors
    /// If there is another one, with the nearest name.
    pub fn expect_settings(&self, known: &[&str]) -> Result<()> {
        let settings = self.strategy.settings().keys().chain(self.strategy.secrets().keys());
        expect_settings(&format!("strategy `{}`", self.strategy.name()), settings, known)
    }
}

type Build = dyn Fn(&StrategyConfig<'_>) -> Result<Arc<dyn AccessStrategy>> + Send + Sync;

/// The `type` of strategies that an organization writes itself.
const CUSTOM: &str = "custom";

/// Builds the strategies of one type from their configuration.
#[derive(Clone)]
pub struct StrategyType {
    kind: String,
    /// The one strategy that it is for; else it is for all of the type.
    name: Option<String>,
    schema: StrategySchema,
    build: Arc<Build>,
}

impl StrategyType {
    /// A type of strategies: `kind` is the `type` in the configuration.
    pub fn new<F>(kind: impl Into<String>, build: F) -> Self
    where
        F: Fn(&StrategyConfig<'_>) -> Result<Arc<dyn AccessStrategy>> + Send + Sync + 'static,
    {
        Self { kind: kind.into(), name: None, schema: StrategySchema::ANY, build: Arc::new(build) }
    }

    /// The strategy of type `custom` that has this name in the configuration, whatever the case. Each strategy of your own is
    /// handed over so; a type made by [`StrategyType::new`] with the kind `custom` is for those of other names.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use sym_sdk::BoxFuture;
    /// use sym_sdk::config::Config;
    /// use sym_sdk::prelude::*;
    /// use sym_sdk::runtime::Runtime;
    /// use sym_sdk::strategy::{AccessRequest, AccessStrategy, Escalation, RevocationReach, StrategyType};
    ///
    /// /// Gives people roles in a database.
    /// struct Roles {
    ///     database: String,
    /// }
    ///
    /// impl AccessStrategy for Roles {
    ///     fn fetch_remote_identity<'a>(&'a self, user: &'a User) -> BoxFuture<'a, Result<Option<String>>> {
    ///         let login = user.email().and_then(|email| email.split('@').next());
    ///         Box::pin(async move { Ok(login.map(str::to_owned)) })
    ///     }
    ///
    ///     fn escalate<'a>(&'a self, request: &'a AccessRequest<'_>) -> BoxFuture<'a, Result<Escalation>> {
    ///         Box::pin(async move {
    ///             let role = request.target().setting("role")?;
    ///             println!("{}: GRANT {role} TO {}", self.database, request.identity());
    ///             Ok(Escalation::granted().with_output(StepOutput::new([("role", role)])?))
    ///         })
    ///     }
    ///
    ///     fn deescalate<'a>(&'a self, request: &'a AccessRequest<'_>) -> BoxFuture<'a, Result<Option<StepOutput>>> {
    ///         Box::pin(async move {
    ///             println!("{}: REVOKE {} FROM {}", self.database, request.target().setting("role")?, request.identity());
    ///             Ok(None)
    ///         })
    ///     }
    ///
    ///     fn reach(&self) -> RevocationReach {
    ///         RevocationReach::NewSessions
    ///     }
    /// }
    ///
    /// let roles = StrategyType::custom("database-roles", |config| {
    ///     Ok(Arc::new(Roles { database: config.integration()?.external_id().to_owned() }))
    /// });
    /// let builder = Runtime::builder(Config::default()).strategy_type(roles);
    /// # let _ = builder;
    /// ```
    pub fn custom<F>(name: impl Into<String>, build: F) -> Self
    where
        F: Fn(&StrategyConfig<'_>) -> Result<Arc<dyn AccessStrategy>> + Send + Sync + 'static,
    {
        Self { kind: CUSTOM.to_owned(), name: Some(name.into()), schema: StrategySchema::ANY, build: Arc::new(build) }
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

    /// The `type` in the configuration.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The name of the one strategy that it is for; `None` if it is for all of its type.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whether it is for no other strategies than this one.
    pub(crate) fn takes_the_place_of(&self, other: &Self) -> bool {
        let name = |of: &Self| of.name.as_deref().map(str::to_ascii_lowercase);
        self.kind == other.kind && name(self) == name(other)
    }

    /// Whether it is for strategies of this type and name.
    pub(crate) fn is_for(&self, kind: &str, name: &str) -> bool {
        self.kind == kind && self.name.as_ref().is_none_or(|own| own.eq_ignore_ascii_case(name))
    }

    /// The type for a strategy: the one that names it, if there is one.
    pub(crate) fn of<'a>(types: &'a [Self], strategy: &Strategy) -> Option<&'a Self> {
        let fitting = types.iter().filter(|known| known.is_for(strategy.kind(), strategy.name()));
        fitting.max_by_key(|known| known.name.is_some())
    }

    pub(crate) fn build(&self, config: &StrategyConfig<'_>) -> Result<Arc<dyn AccessStrategy>> {
        (self.build)(config)
    }
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
