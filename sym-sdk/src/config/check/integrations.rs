//! Integrations: their settings, checked against the schema of their type, and references to them.

use std::collections::BTreeMap;

use super::Check;
use super::index::{self, Declaration, describe};
use super::secrets::{SECRET_LIST, Secrets};
use crate::config::{Config, Integration, IntegrationUse, MODULE_INTEGRATION, Reference, SourceLocation};
use crate::model;

/// The type of integration that error loggers send to, as the platform defines it.
pub(super) const ERROR_LOGGER_INTEGRATION: &str = "slack";

impl Check<'_> {
    pub(super) fn integrations(&mut self, config: &Config, secrets: &Secrets) {
        for integration in &config.integrations {
            let kind = match integration.kind.as_str() {
                MODULE_INTEGRATION => self.infer_kind(config, integration),
                kind => kind.to_owned(),
            };
            let before = self.errors.len();
            let resolved = self.resolve_integration(integration, &kind, secrets);
            self.attribute(integration, before);
            self.resolved_integrations.insert(index::key(integration), resolved);
        }
    }

    /// Infers the type of an integration that a module from elsewhere creates. A strategy's schema decides, or else the key in an
    /// environment, or else the type of the strategy.
    fn infer_kind(&self, config: &Config, integration: &Integration) -> String {
        let refers = |reference: &Reference| {
            reference.kind.as_deref() == Some(MODULE_INTEGRATION)
                && reference.name.eq_ignore_ascii_case(&integration.name)
        };
        let strategies =
            || config.strategies.iter().filter(|strategy| strategy.integration.as_ref().is_some_and(refers));
        let by_schema = strategies().find_map(|strategy| {
            match self.schemas.strategy(&strategy.kind, &strategy.name)?.integration() {
                IntegrationUse::Type(schema) => Some(schema.kind()),
                IntegrationUse::Any | IntegrationUse::Optional => None,
            }
        });
        let filter = config.flows_filter.iter().flat_map(|filter| &filter.integrations);
        let mut by_key = config.environments.iter().flat_map(|environment| &environment.integrations).chain(filter);
        let key = by_key.find(|(_, reference)| refers(reference)).map(|(key, _)| key.as_str());
        let by_key = key.map(|key| self.schemas.integration_kind_of_key(key).unwrap_or(key));
        let is_logger = config.error_loggers.iter().any(|logger| logger.integration.as_ref().is_some_and(refers));
        let by_logger = is_logger.then_some(ERROR_LOGGER_INTEGRATION);
        let by_strategy = || strategies().next().map(|strategy| strategy.kind.as_str());
        by_schema.or(by_logger).or(by_key).or_else(by_strategy).unwrap_or(&integration.kind).to_owned()
    }

    fn resolve_integration(
        &mut self,
        integration: &Integration,
        kind: &str,
        secrets: &Secrets,
    ) -> Option<model::Integration> {
        if let Some(schema) = self.schemas.integration(kind).copied() {
            self.check_settings(integration, &integration.settings, &[], schema.settings());
        }
        let mut settings = integration.settings.clone();
        let listed = settings.remove(SECRET_LIST);
        let settings = self.resolve_settings(integration, &settings, secrets);
        let name = Self::slug(&integration.name)?;
        let mut resolved = model::Integration::new(name, kind, &integration.external_id);
        if let Some(label) = &integration.label {
            resolved = resolved.with_label(label);
        }
        for (setting, value) in settings.plain {
            resolved = resolved.with_setting(setting, value);
        }
        for (setting, secret) in settings.secrets {
            resolved = resolved.with_secret(setting, secret);
        }
        for name in listed.map(|listed| self.secret_names(integration, &listed)).unwrap_or_default() {
            if let Some(secret) = self.secret(integration, SECRET_LIST, &name, secrets) {
                resolved = resolved.with_listed_secret(secret);
            }
        }
        Some(resolved)
    }

    /// Finds the integration that `subject` refers to.
    pub(super) fn integration(
        &mut self,
        reference: &Reference,
        subject: &str,
        location: &SourceLocation,
    ) -> Option<model::Integration> {
        let found = self.integrations.find(reference, subject, location, self.errors)?;
        self.resolved_integrations.get(&index::key(found)).cloned().flatten()
    }

    /// Resolves a map of integrations, leaving out those with errors.
    pub(super) fn integration_map(
        &mut self,
        references: &BTreeMap<String, Reference>,
        subject: &str,
        location: &SourceLocation,
    ) -> BTreeMap<String, model::Integration> {
        let resolved = references.iter();
        resolved
            .filter_map(|(key, reference)| Some((key.clone(), self.integration(reference, subject, location)?)))
            .collect()
    }

    /// Resolves the integration that a declaration names, and checks that it is the one that the declaration's type requires.
    pub(super) fn used_integration(
        &mut self,
        owner: &impl Declaration,
        reference: Option<&Reference>,
        required: &IntegrationUse,
    ) -> Option<model::Integration> {
        let (subject, location) = (describe(owner), owner.location());
        let kind = match required {
            IntegrationUse::Type(schema) => Some(schema.kind()),
            IntegrationUse::Any | IntegrationUse::Optional => None,
        };
        let Some(reference) = reference else {
            if *required != IntegrationUse::Optional {
                let of_type = kind.map(|kind| format!(" of type `{kind}`")).unwrap_or_default();
                let hint = "set its `integration_id` to the id of a `sym_integration`";
                self.error_with_hint(location, format!("{subject} needs an integration{of_type}"), hint);
            }
            return None;
        };
        let integration = self.integration(reference, &subject, location)?;
        if let Some(kind) = kind
            && kind != integration.kind()
        {
            self.error(location, wrong_integration(&subject, kind, integration.name(), integration.kind()));
        }
        Some(integration)
    }
}

/// Describes an integration of the wrong type.
pub(super) fn wrong_integration(subject: &str, required: &str, name: &str, kind: &str) -> String {
    format!("{subject} needs an integration of type `{required}`, but integration `{name}` is of type `{kind}`")
}
