//! Schemas: the integration, targets and settings that a type of strategies, integrations or log destinations expects.
//!
//! This crate knows no service by name. A strategy type, an integration's client and a log destination type each carry a
//! schema, and [`Config::check_with`](super::Config::check_with) checks the declarations of their type against it. Declarations
//! of a type without a schema are checked only for rules that apply to every type. Types that are not registered at all are
//! reported when the program is built.
//!
//! Schemas are `const`, so that they can be declared next to the type that they describe:
//!
//! ```
//! use sym_sdk::config::{IntegrationSchema, SettingSchema, SettingsSchema, StrategySchema, TargetSchema};
//!
//! const VPN: IntegrationSchema =
//!     IntegrationSchema::new("vpn", SettingsSchema::open(&[SettingSchema::required("api_token_secret")]));
//!
//! const SCHEMA: StrategySchema = StrategySchema::ANY.with_integration(VPN).with_targets(&[TargetSchema::new(
//!     "vpn_profile",
//!     SettingsSchema::closed(&[SettingSchema::required("profile_id").bindable()]),
//! )]);
//! ```

use std::collections::BTreeMap;

/// The suffix of a setting that holds the name of a secret.
pub(crate) const SECRET_SUFFIX: &str = "_secret";

/// One setting. A setting whose name ends in `_secret` holds the name of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SettingSchema {
    name: &'static str,
    required: bool,
    bindable: bool,
}

impl SettingSchema {
    /// A setting that must be present.
    pub const fn required(name: &'static str) -> Self {
        Self { name, required: true, bindable: false }
    }

    /// A setting that may be left out.
    pub const fn optional(name: &'static str) -> Self {
        Self { name, required: false, bindable: false }
    }

    /// Allows a target's `field_bindings` to name the setting, so that requesters fill it in.
    #[must_use]
    pub const fn bindable(mut self) -> Self {
        self.bindable = true;
        self
    }

    /// Returns the name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns `true` if the setting must be present.
    pub const fn is_required(&self) -> bool {
        self.required
    }

    /// Returns `true` if a target may take the setting from a field of the request.
    pub const fn is_bindable(&self) -> bool {
        self.bindable
    }

    /// Returns `true` if the setting holds the name of a secret.
    pub fn is_secret(&self) -> bool {
        self.name.ends_with(SECRET_SUFFIX)
    }
}

/// The settings of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SettingsSchema {
    settings: &'static [SettingSchema],
    is_closed: bool,
}

impl SettingsSchema {
    /// Any settings.
    pub const ANY: Self = Self::open(&[]);

    /// These settings and any others.
    pub const fn open(settings: &'static [SettingSchema]) -> Self {
        Self { settings, is_closed: false }
    }

    /// These settings and no others.
    pub const fn closed(settings: &'static [SettingSchema]) -> Self {
        Self { settings, is_closed: true }
    }

    /// Returns the settings that the schema names.
    pub const fn settings(&self) -> &'static [SettingSchema] {
        self.settings
    }

    /// Returns `true` if other settings are refused.
    pub const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Returns the setting of this name.
    pub fn get(&self, name: &str) -> Option<&'static SettingSchema> {
        self.settings.iter().find(|setting| setting.name == name)
    }

    /// Returns the names of the settings.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.settings.iter().map(SettingSchema::name)
    }
}

/// The type and the settings of an integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IntegrationSchema {
    kind: &'static str,
    key: &'static str,
    settings: SettingsSchema,
}

impl IntegrationSchema {
    /// Creates the schema of an integration type, such as `pagerduty`.
    pub const fn new(kind: &'static str, settings: SettingsSchema) -> Self {
        Self { kind, key: kind, settings }
    }

    /// Sets the key of the integration in environments, if it is not the type.
    #[must_use]
    pub const fn with_key(mut self, key: &'static str) -> Self {
        self.key = key;
        self
    }

    /// Returns the `type` in the configuration.
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// Returns the key in environments.
    pub const fn key(&self) -> &'static str {
        self.key
    }

    /// Returns the settings.
    pub const fn settings(&self) -> &SettingsSchema {
        &self.settings
    }
}

/// The integration that a strategy or a log destination is built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IntegrationUse {
    /// An integration of any type must be named.
    Any,
    /// An integration of this type must be named.
    Type(IntegrationSchema),
    /// None needs to be named.
    Optional,
}

/// The type and the settings of a strategy's targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TargetSchema {
    kind: &'static str,
    settings: SettingsSchema,
}

impl TargetSchema {
    /// Creates the schema of a target type, such as `okta_group`.
    pub const fn new(kind: &'static str, settings: SettingsSchema) -> Self {
        Self { kind, settings }
    }

    /// Returns the `type` in the configuration.
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// Returns the settings.
    pub const fn settings(&self) -> &SettingsSchema {
        &self.settings
    }
}

/// The integration, targets and settings of a strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StrategySchema {
    integration: IntegrationUse,
    targets: &'static [TargetSchema],
    settings: SettingsSchema,
}

impl StrategySchema {
    /// A strategy with an integration of any type, and any targets and settings.
    pub const ANY: Self = Self { integration: IntegrationUse::Any, targets: &[], settings: SettingsSchema::ANY };

    /// Sets the integration that the strategy must name.
    #[must_use]
    pub const fn with_integration(mut self, integration: IntegrationSchema) -> Self {
        self.integration = IntegrationUse::Type(integration);
        self
    }

    /// Allows the strategy to name no integration.
    #[must_use]
    pub const fn with_optional_integration(mut self) -> Self {
        self.integration = IntegrationUse::Optional;
        self
    }

    /// Sets the types of targets. Without this, targets may be of any type.
    #[must_use]
    pub const fn with_targets(mut self, targets: &'static [TargetSchema]) -> Self {
        self.targets = targets;
        self
    }

    /// Sets the strategy's own settings. Without this, any are allowed.
    #[must_use]
    pub const fn with_settings(mut self, settings: SettingsSchema) -> Self {
        self.settings = settings;
        self
    }

    /// Returns the integration that the strategy is built with.
    pub const fn integration(&self) -> &IntegrationUse {
        &self.integration
    }

    /// Returns the types of targets; empty if any are allowed.
    pub const fn targets(&self) -> &'static [TargetSchema] {
        self.targets
    }

    /// Returns the strategy's own settings.
    pub const fn settings(&self) -> &SettingsSchema {
        &self.settings
    }

    /// Returns the schema of a type of targets.
    pub fn target(&self, kind: &str) -> Option<&'static TargetSchema> {
        self.targets.iter().find(|target| target.kind == kind)
    }
}

/// The integration and settings of a log destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogDestinationSchema {
    integration: IntegrationUse,
    settings: SettingsSchema,
}

impl LogDestinationSchema {
    /// A log destination with or without an integration, and any settings.
    pub const ANY: Self = Self { integration: IntegrationUse::Optional, settings: SettingsSchema::ANY };

    /// Sets the integration that the log destination must name.
    #[must_use]
    pub const fn with_integration(mut self, integration: IntegrationSchema) -> Self {
        self.integration = IntegrationUse::Type(integration);
        self
    }

    /// Sets the log destination's own settings. Without this, any are allowed.
    #[must_use]
    pub const fn with_settings(mut self, settings: SettingsSchema) -> Self {
        self.settings = settings;
        self
    }

    /// Returns the integration that the log destination is built with.
    pub const fn integration(&self) -> &IntegrationUse {
        &self.integration
    }

    /// Returns the log destination's own settings.
    pub const fn settings(&self) -> &SettingsSchema {
        &self.settings
    }
}

/// The schemas that a configuration is checked against, by type. A schema replaces an earlier one of the same type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schemas {
    strategies: BTreeMap<StrategyKey, StrategySchema>,
    integrations: BTreeMap<String, IntegrationSchema>,
    /// The integration types by their keys in environments.
    integration_keys: BTreeMap<String, String>,
    log_destinations: BTreeMap<String, LogDestinationSchema>,
}

/// A strategy's type and, for a schema of a single strategy, its name in lower case.
type StrategyKey = (String, Option<String>);

impl Schemas {
    /// Creates an empty set of schemas.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the schema of a strategy type, or of the one strategy of this type that has the name. The schema of the integration
    /// that it names is added too, unless the type has one.
    pub fn add_strategy(&mut self, kind: &str, name: Option<&str>, schema: StrategySchema) {
        self.strategies.insert((kind.to_owned(), name.map(str::to_ascii_lowercase)), schema);
        self.add_used(schema.integration);
    }

    /// Adds the schema of an integration type.
    pub fn add_integration(&mut self, schema: IntegrationSchema) {
        self.integration_keys.insert(schema.key.to_owned(), schema.kind.to_owned());
        self.integrations.insert(schema.kind.to_owned(), schema);
    }

    /// Adds the schema of a log destination type. The schema of the integration that it names is added too, unless the type has
    /// one.
    pub fn add_log_destination(&mut self, kind: &str, schema: LogDestinationSchema) {
        self.log_destinations.insert(kind.to_owned(), schema);
        self.add_used(schema.integration);
    }

    fn add_used(&mut self, integration: IntegrationUse) {
        if let IntegrationUse::Type(schema) = integration {
            self.integration_keys.entry(schema.key.to_owned()).or_insert_with(|| schema.kind.to_owned());
            self.integrations.entry(schema.kind.to_owned()).or_insert(schema);
        }
    }

    /// Returns the schema of a strategy: that of its name, if there is one, or that of its type.
    pub fn strategy(&self, kind: &str, name: &str) -> Option<&StrategySchema> {
        let by_name = self.strategies.get(&(kind.to_owned(), Some(name.to_ascii_lowercase())));
        by_name.or_else(|| self.strategies.get(&(kind.to_owned(), None)))
    }

    /// Returns the schema of an integration type.
    pub fn integration(&self, kind: &str) -> Option<&IntegrationSchema> {
        self.integrations.get(kind)
    }

    /// Returns the type of the integrations that environments have under a key.
    pub(super) fn integration_kind_of_key(&self, key: &str) -> Option<&str> {
        self.integration_keys.get(key).map(String::as_str)
    }

    /// Returns the schema of a log destination type.
    pub fn log_destination(&self, kind: &str) -> Option<&LogDestinationSchema> {
        self.log_destinations.get(kind)
    }
}
