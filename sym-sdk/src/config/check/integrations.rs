//! Secrets, integrations and environments.

use std::collections::BTreeMap;

use super::index::{self, Declaration, Index, describe};
use super::{Check, did_you_mean};
use crate::config::{Config, Environment, ErrorLogger, Integration, LogDestination, Reference, Secret, SecretSource};
use crate::model;

/// The secrets that the known types of integration cannot do without.
const NEEDED_SECRETS: [(&str, &[&str]); 8] = [
    ("aptible", &["username_secret", "password_secret"]),
    ("github", &["api_token_secret"]),
    ("knowbe4", &["api_token_secret"]),
    ("okta", &["api_token_secret"]),
    ("onelogin", &["client_secret"]),
    ("pagerduty", &["api_token_secret"]),
    ("segment", &["write_key_secret"]),
    ("tailscale", &["api_token_secret"]),
];

/// The setting of custom integrations that lists secrets.
const SECRET_LIST: &str = "secret_ids_json";

/// The secrets by name in lower case; none for one with a fault.
pub(super) type Secrets = BTreeMap<String, Option<model::Secret>>;

impl Check<'_> {
    pub(super) fn secrets(&mut self, config: &Config, sources: &Index<'_, SecretSource>) -> Secrets {
        let mut resolved = Secrets::new();
        for source in &config.secret_sources {
            if let Some(context) = source.settings.get("context_id") {
                let reference = Reference::named(context);
                self.integrations.find(&reference, &describe(source), &source.location, self.diagnostics);
            }
        }
        for secret in &config.secrets {
            if secret.path.is_empty() {
                let hint = "it is where the secret stands in its source, such as the name of a variable";
                self.error_with_hint(&secret.location, format!("{} has no path", describe(secret)), hint);
            }
            let source = sources.find(&secret.source, &describe(secret), &secret.location, self.diagnostics);
            resolved.insert(secret.name.to_ascii_lowercase(), source.and_then(|source| resolve_secret(secret, source)));
        }
        resolved
    }

    pub(super) fn integrations(&mut self, config: &Config, secrets: &Secrets) {
        for integration in &config.integrations {
            let resolved = self.resolve_integration(integration, secrets);
            self.resolved_integrations.insert(index::key(integration), resolved);
        }
    }

    fn resolve_integration(&mut self, integration: &Integration, secrets: &Secrets) -> Option<model::Integration> {
        let needed = NEEDED_SECRETS.iter().find(|(kind, _)| *kind == integration.kind).map(|(_, needed)| *needed);
        for setting in needed.unwrap_or_default() {
            if !integration.settings.contains_key(*setting) {
                let message = format!("{} needs the setting `{setting}`", describe(integration));
                let hint = format!("write `{setting} = sym_secret.….id`, or the name of a secret");
                self.error_with_hint(&integration.location, message, hint);
            }
        }
        let name = Self::slug(&integration.name)?;
        let mut resolved = model::Integration::new(name, &integration.kind, &integration.external_id);
        if let Some(label) = &integration.label {
            resolved = resolved.with_label(label);
        }
        for (setting, value) in &integration.settings {
            if setting == SECRET_LIST {
                for name in self.secret_names(integration, value) {
                    if let Some(secret) = self.secret(integration, SECRET_LIST, &name, secrets) {
                        resolved = resolved.with_listed_secret(secret);
                    }
                }
            } else if setting.ends_with("_secret") {
                if let Some(secret) = self.secret(integration, setting, value, secrets) {
                    resolved = resolved.with_secret(setting, secret);
                }
            } else {
                resolved = resolved.with_setting(setting, value);
            }
        }
        Some(resolved)
    }

    fn secret_names(&mut self, integration: &Integration, json: &str) -> Vec<String> {
        serde_json::from_str(json).unwrap_or_else(|_| {
            let message =
                format!("{} has `{SECRET_LIST}`, which is not a list of names as JSON", describe(integration));
            let hint = format!("write `{SECRET_LIST} = jsonencode([sym_secret.….id])`");
            self.error_with_hint(&integration.location, message, hint);
            Vec::new()
        })
    }

    /// The secret that is named in a setting of `whose`.
    pub(super) fn secret(
        &mut self,
        whose: &impl Declaration,
        setting: &str,
        name: &str,
        secrets: &Secrets,
    ) -> Option<model::Secret> {
        match secrets.get(&name.to_ascii_lowercase()) {
            Some(secret) => secret.clone(),
            None => {
                let message =
                    format!("{} names secret `{name}` in `{setting}`, which is not declared", describe(whose));
                let hint = did_you_mean(name, secrets.keys());
                let hint = hint.unwrap_or_else(|| "declare a `sym_secret`".to_owned());
                self.error_with_hint(whose.location(), message, hint);
                None
            }
        }
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
                    self.integrations.find(reference, &describe(logger), &logger.location, self.diagnostics)
                && integration.kind != "slack"
            {
                let found = format!("{} of type `{}`", describe(integration), integration.kind);
                self.error(
                    &logger.location,
                    format!("{} needs an integration of type `slack`, got {found}", describe(logger)),
                );
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
        let whose = describe(environment);
        let integrations = self.integration_map(&environment.integrations, &whose, &environment.location);
        let named = environment.log_destinations.iter();
        let named =
            named.filter_map(|log| logs.find(log, &whose, &environment.location, self.diagnostics)).map(index::key);
        let named = named.collect();
        self.logs_of.insert(index::key(environment), named);
        let logger = environment.error_logger.as_ref();
        let logger = logger
            .and_then(|name| loggers.find(&name.as_str().into(), &whose, &environment.location, self.diagnostics));
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

fn resolve_secret(secret: &Secret, source: &SecretSource) -> Option<model::Secret> {
    let kept = match source.kind.as_str() {
        "environment" => model::SecretSource::Environment,
        "file" => model::SecretSource::File,
        "aws_secrets_manager" => {
            model::SecretSource::AwsSecretsManager { context: source.settings.get("context_id").cloned() }
        }
        other => model::SecretSource::Other(other.to_owned()),
    };
    let mut resolved = model::Secret::new(Check::slug(&secret.name)?, kept, &secret.path);
    if let Some(key) = &secret.json_key {
        resolved = resolved.with_json_key(key);
    }
    if let Some(label) = &secret.label {
        resolved = resolved.with_label(label);
    }
    Some(resolved)
}
