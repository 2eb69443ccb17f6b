//! Secrets: references to their sources, and references to them from settings.

use std::collections::BTreeMap;

use super::index::{Declaration, Index, describe};
use super::{Check, did_you_mean};
use crate::config::{Config, Integration, Reference, Secret, SecretSource};
use crate::model;

/// The setting in which a custom integration lists the names of its secrets, as JSON.
pub(super) const SECRET_LIST: &str = "secret_ids_json";

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

    /// Parses the list of secrets of a custom integration.
    pub(super) fn secret_names(&mut self, integration: &Integration, json: &str) -> Vec<String> {
        serde_json::from_str(json).unwrap_or_else(|_| {
            let message =
                format!("`{SECRET_LIST}` of {} is not a JSON list of the names of secrets", describe(integration));
            let hint = format!("write `{SECRET_LIST} = jsonencode([sym_secret.….id])`");
            self.error_with_hint(&integration.location, message, hint);
            Vec::new()
        })
    }
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
