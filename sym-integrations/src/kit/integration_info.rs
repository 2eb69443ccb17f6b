//! Descriptions of integrations, for people who choose one and for programs that list them.
//!
//! Each integration submits an [`IntegrationInfo`] where it is defined. Whatever its schemas already say is read from them; the rest is
//! compared with the code by a test.

use std::fmt;
use std::time::Duration;

use sym_sdk::audit::LogDestinationType;
use sym_sdk::config::{SettingSchema, SettingsSchema, TargetSchema};
use sym_sdk::strategy::{RevocationScope, StrategyType};

use super::Membership;

/// The root of the documentation.
const DOCUMENTATION: &str = "https://docs.rs/sym-integrations/latest/sym_integrations";

/// A description of an integration: its functions, strategies and log destinations.
///
/// ```
/// # #[cfg(feature = "okta")] {
/// use sym_integrations::kit::integrations;
///
/// let okta = integrations().into_iter().find(|known| known.kind() == "okta").unwrap();
/// assert_eq!(okta.feature(), "okta");
/// assert!(okta.functions().contains(&"list_groups"));
/// assert!(okta.strategies().iter().any(|strategy| strategy.strategy_type().kind() == "okta"));
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "submit it with `inventory::submit!`"]
pub struct IntegrationInfo {
    kind: &'static str,
    title: &'static str,
    feature: &'static str,
    client: Option<&'static str>,
    functions: &'static [&'static str],
    permissions: &'static [&'static str],
    strategies: &'static [StrategyInfo],
    log_destinations: &'static [fn() -> LogDestinationType],
}

inventory::collect!(IntegrationInfo);

/// Returns the integrations of all enabled features, sorted by name.
pub fn integrations() -> Vec<&'static IntegrationInfo> {
    let mut all: Vec<_> = inventory::iter::<IntegrationInfo>.into_iter().collect();
    all.sort_by_key(|info| info.title.to_lowercase());
    all
}

impl IntegrationInfo {
    /// Creates a description. `kind` is the name of the module and, for integrations that are configured, the `type` in the
    /// configuration; `feature` is the Cargo feature.
    pub const fn new(kind: &'static str, title: &'static str, feature: &'static str) -> Self {
        Self {
            kind,
            title,
            feature,
            client: None,
            functions: &[],
            permissions: &[],
            strategies: &[],
            log_destinations: &[],
        }
    }

    /// Sets the name of the client's type, and the functions that it has for handlers.
    pub const fn with_client(mut self, client: &'static str, functions: &'static [&'static str]) -> Self {
        self.client = Some(client);
        self.functions = functions;
        self
    }

    /// Sets the permissions that the client needs, in the service's words.
    pub const fn with_permissions(mut self, permissions: &'static [&'static str]) -> Self {
        self.permissions = permissions;
        self
    }

    /// Sets the strategies.
    pub const fn with_strategies(mut self, strategies: &'static [StrategyInfo]) -> Self {
        self.strategies = strategies;
        self
    }

    /// Sets the log destinations.
    pub const fn with_log_destinations(mut self, types: &'static [fn() -> LogDestinationType]) -> Self {
        self.log_destinations = types;
        self
    }

    /// Returns the name of the module. Integrations that are configured have it as their `type`.
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// Returns the name for people.
    pub const fn title(&self) -> &'static str {
        self.title
    }

    /// Returns the Cargo feature.
    pub const fn feature(&self) -> &'static str {
        self.feature
    }

    /// Returns the name of the client's type; `None` if handlers call nothing.
    pub const fn client(&self) -> Option<&'static str> {
        self.client
    }

    /// Returns the functions of the client, sorted by name.
    pub const fn functions(&self) -> &'static [&'static str] {
        self.functions
    }

    /// Returns the permissions that the client needs, in the service's words.
    pub const fn permissions(&self) -> &'static [&'static str] {
        self.permissions
    }

    /// Returns the strategies.
    pub const fn strategies(&self) -> &'static [StrategyInfo] {
        self.strategies
    }

    /// Returns the types of log destinations.
    pub fn log_destinations(&self) -> Vec<LogDestinationType> {
        self.log_destinations.iter().map(|make| make()).collect()
    }

    /// Returns the address of the documentation.
    pub fn documentation(&self) -> String {
        format!("{DOCUMENTATION}/{}/", self.kind)
    }
}

/// A description of an access strategy.
#[derive(Clone, Copy, Debug)]
#[must_use = "give it to `IntegrationInfo::with_strategies`"]
pub struct StrategyInfo {
    make: fn() -> StrategyType,
    revocation_scope: RevocationScope,
    settle_time: Duration,
    enforces_end: bool,
    permissions: &'static [&'static str],
}

impl StrategyInfo {
    /// Creates a description of the strategies of a type, which must have this scope of revocations.
    pub const fn new(make: fn() -> StrategyType, revocation_scope: RevocationScope) -> Self {
        let settle_time = sym_sdk::machine::MIN_SETTLE_TIME;
        Self { make, revocation_scope, settle_time, enforces_end: false, permissions: &[] }
    }

    /// Creates a description of a [`MembershipStrategy`](super::MembershipStrategy).
    pub const fn of_membership<M: Membership>(make: fn() -> StrategyType) -> Self {
        Self::new(make, M::REVOCATION_SCOPE).with_settle_time(M::SETTLE_TIME)
    }

    /// Sets the [settle time](sym_sdk::strategy::AccessStrategy::settle_time).
    pub const fn with_settle_time(mut self, settle_time: Duration) -> Self {
        self.settle_time = settle_time;
        self
    }

    /// Says that the service [ends access by itself](sym_sdk::strategy::AccessStrategy::enforces_end).
    pub const fn enforcing_end(mut self) -> Self {
        self.enforces_end = true;
        self
    }

    /// Sets the permissions that the strategy needs besides those of the client, in the service's words.
    pub const fn with_permissions(mut self, permissions: &'static [&'static str]) -> Self {
        self.permissions = permissions;
        self
    }

    /// Returns the type, with the schema of its settings and targets.
    pub fn strategy_type(&self) -> StrategyType {
        (self.make)()
    }

    /// Returns which sessions a revocation ends.
    pub const fn revocation_scope(&self) -> RevocationScope {
        self.revocation_scope
    }

    /// Returns the longest time for which the service may go on with a grant after its caller has given up.
    pub const fn settle_time(&self) -> Duration {
        self.settle_time
    }

    /// Returns whether the service ends access by itself.
    pub const fn enforces_end(&self) -> bool {
        self.enforces_end
    }

    /// Returns the permissions that the strategy needs besides those of the client, in the service's words.
    pub const fn permissions(&self) -> &'static [&'static str] {
        self.permissions
    }
}

// Texts for people.

/// On several lines, the first of which is the title.
impl fmt::Display for IntegrationInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} (feature `{}`)", self.title, self.feature)?;
        if let Some(client) = self.client {
            writeln!(f, "  client `{client}`: {}", self.functions.join(", "))?;
        }
        for permission in self.permissions {
            writeln!(f, "    needs {permission}")?;
        }
        for strategy in self.strategies {
            write!(f, "{strategy}")?;
        }
        for destination in self.log_destinations() {
            writeln!(f, "  log destination `{}`: {}", destination.kind(), settings(destination.schema().settings()))?;
        }
        writeln!(f, "  {}", self.documentation())
    }
}

/// On several lines.
impl fmt::Display for StrategyInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let strategy = self.strategy_type();
        let ends = match self.revocation_scope {
            RevocationScope::AllSessions => "a revocation ends all sessions",
            RevocationScope::NewSessions => "existing sessions last after a revocation",
            _ => "which sessions a revocation ends is up to the function",
        };
        let enforced = if self.enforces_end { ", and the service itself ends access" } else { "" };
        let minutes = self.settle_time.as_secs() / 60;
        writeln!(f, "  strategy `{}`: {ends}{enforced}; settle time {minutes} min", strategy.kind())?;
        writeln!(f, "    settings: {}", settings(strategy.schema().settings()))?;
        match strategy.schema().targets() {
            [] => writeln!(f, "    targets of any type")?,
            targets => targets.iter().try_for_each(|target| write_target(f, target))?,
        }
        self.permissions.iter().try_for_each(|permission| writeln!(f, "    needs {permission}"))
    }
}

fn write_target(f: &mut fmt::Formatter<'_>, target: &TargetSchema) -> fmt::Result {
    writeln!(f, "    target `{}`: {}", target.kind(), settings(target.settings()))
}

fn settings(schema: &SettingsSchema) -> String {
    let names = schema.settings().iter().map(setting);
    let names: Vec<_> = names.chain((!schema.is_closed()).then(|| "any others".to_owned())).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn setting(setting: &SettingSchema) -> String {
    let name = setting.name();
    if setting.is_required() { format!("`{name}`") } else { format!("`{name}` (optional)") }
}
