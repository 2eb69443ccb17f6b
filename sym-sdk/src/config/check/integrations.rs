//! Secrets, integrations and environments: what strategies and flows refer to.

use std::collections::BTreeMap;

use super::index::{self, Declaration, Index, describe};
use super::{Check, did_you_mean};
use crate::config::MODULE_INTEGRATION;
use crate::config::{
    Config, Environment, ErrorLogger, Integration, IntegrationUse, LogDestination, Reference, Secret, SecretSource,
};
use crate::model;

/// The type of integration that error loggers send to, as the platform defines it.
const ERROR_LOGGER_INTEGRATION: &str = "slack";

/// The setting in which a custom integration lists the names of its secrets, as JSON.
const SECRET_LIST: &str = "secret_ids_json";

/// The secrets by name in lower case; `None` for one with an error.
pub(super) type Secrets = BTreeMap<String, Option<model::Secret>>;

impl Check<'_> {
    pub(super) fn secrets(&mut self, config: &Config, sources: &Index<'_, SecretSource>) -> Secrets {
        let mut resolved = Secrets::new();
        for source in &config.secret_sources {
            if let Some(context) = source.settings.get("context_id") {
                let reference = Reference::named(context);
                self.integrations.find(&reference, &describe(source), &source.location, self.errors);
            }
        }
        for secret in &config.secrets {
            if secret.path.is_empty() {
                let hint =
                    "write the position of the secret in its source, such as the name of an environment variable";
                self.error_with_hint(&secret.location, format!("{} has no path", describe(secret)), hint);
            }
            let source = sources.find(&secret.source, &describe(secret), &secret.location, self.errors);
            resolved.insert(secret.name.to_ascii_lowercase(), source.and_then(|source| resolve_secret(secret, source)));
        }
        resolved
    }

    pub(super) fn integrations(&mut self, config: &Config, secrets: &Secrets) {
        for integration in &config.integrations {
            let kind = match integration.kind.as_str() {
                MODULE_INTEGRATION => self.infer_kind(config, integration),
                kind => kind.to_owned(),
            };
            let resolved = self.resolve_integration(integration, &kind, secrets);
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

    fn secret_names(&mut self, integration: &Integration, json: &str) -> Vec<String> {
        serde_json::from_str(json).unwrap_or_else(|_| {
            let message =
                format!("`{SECRET_LIST}` of {} is not a JSON list of the names of secrets", describe(integration));
            let hint = format!("write `{SECRET_LIST} = jsonencode([sym_secret.….id])`");
            self.error_with_hint(&integration.location, message, hint);
            Vec::new()
        })
    }

    /// Returns the secret that a setting of `owner` names.
    pub(super) fn secret(
        &mut self,
        owner: &impl Declaration,
        setting: &str,
        name: &str,
        secrets: &Secrets,
    ) -> Option<model::Secret> {
        match secrets.get(&name.to_ascii_lowercase()) {
            Some(secret) => secret.clone(),
            None => {
                let message =
                    format!("{} names secret `{name}` in `{setting}`, which is not declared", describe(owner));
                let hint = did_you_mean(name, secrets.keys());
                let hint = hint.unwrap_or_else(|| "declare a `sym_secret`".to_owned());
                self.error_with_hint(owner.location(), message, hint);
                None
            }
        }
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

    pub(super) fn environments(
        &mut self,
        config: &Config,
        loggers: &Index<'_, ErrorLogger>,
        logs: &Index<'_, LogDestination>,
    ) {
        for logger in &config.error_loggers {
            if let Some(reference) = &logger.integration
                && let Some(integration) =
                    self.integrations.find(reference, &describe(logger), &logger.location, self.errors)
                && ![ERROR_LOGGER_INTEGRATION, MODULE_INTEGRATION].contains(&integration.kind.as_str())
            {
                let message = wrong_integration(
                    &describe(logger),
                    ERROR_LOGGER_INTEGRATION,
                    &integration.name,
                    &integration.kind,
                );
                self.error(&logger.location, message);
            }
        }
        for environment in &config.environments {
            let resolved = self.resolve_environment(environment, loggers, logs);
            self.resolved_environments.insert(index::key(environment), resolved);
        }
    }

    fn resolve_environment(
        &mut self,
        environment: &Environment,
        loggers: &Index<'_, ErrorLogger>,
        logs: &Index<'_, LogDestination>,
    ) -> Option<model::Environment> {
        let subject = describe(environment);
        let integrations = self.integration_map(&environment.integrations, &subject, &environment.location);
        let named = environment.log_destinations.iter();
        let named =
            named.filter_map(|log| logs.find(log, &subject, &environment.location, self.errors)).map(index::key);
        let named = named.collect();
        self.logs_by_environment.insert(index::key(environment), named);
        let logger = environment.error_logger.as_ref();
        let logger =
            logger.and_then(|name| loggers.find(&name.as_str().into(), &subject, &environment.location, self.errors));
        let mut resolved = model::Environment::new(Self::slug(&environment.name)?);
        if let Some(label) = &environment.label {
            resolved = resolved.with_label(label);
        }
        if let Some(logger) = logger {
            resolved = resolved.with_error_logger(&logger.destination);
        }
        Some(
            integrations
                .into_iter()
                .fold(resolved, |resolved, (key, integration)| resolved.with_integration(key, integration)),
        )
    }
}

fn wrong_integration(subject: &str, required: &str, name: &str, kind: &str) -> String {
    format!("{subject} needs an integration of type `{required}`, but integration `{name}` is of type `{kind}`")
}

fn resolve_secret(secret: &Secret, source: &SecretSource) -> Option<model::Secret> {
    let source = match source.kind.as_str() {
        "environment" => model::SecretSource::Environment,
        "file" => model::SecretSource::File,
        "aws_secrets_manager" => {
            model::SecretSource::AwsSecretsManager { context: source.settings.get("context_id").cloned() }
        }
        other => model::SecretSource::Other(other.to_owned()),
    };
    let mut resolved = model::Secret::new(Check::slug(&secret.name)?, source, &secret.path);
    if let Some(key) = &secret.json_key {
        resolved = resolved.with_json_key(key);
    }
    if let Some(label) = &secret.label {
        resolved = resolved.with_label(label);
    }
    Some(resolved)
}
