//! Log destinations, and the flows whose audit entries go to them.

use std::collections::BTreeSet;

use super::index;
use super::secrets::Secrets;
use super::{Check, CheckedLogDestination};
use crate::config::{Config, IntegrationUse, LogDestination};
use crate::model;

impl Check<'_> {
    pub(super) fn log_destinations(&mut self, config: &Config, secrets: &Secrets) {
        for log in &config.log_destinations {
            let resolved = self.resolve_log_destination(log, secrets);
            self.resolved_logs.insert(index::key(log), resolved);
        }
    }

    fn resolve_log_destination(&mut self, log: &LogDestination, secrets: &Secrets) -> Option<model::LogDestination> {
        let schema = self.schemas.log_destination(&log.kind).copied();
        let required = schema.map_or(IntegrationUse::Optional, |schema| *schema.integration());
        let integration = self.used_integration(log, log.integration.as_ref(), &required);
        if let Some(schema) = &schema {
            self.check_settings(log, &log.settings, &[], schema.settings());
        }
        let settings = self.resolve_settings(log, &log.settings, secrets);
        let mut resolved = model::LogDestination::new(Self::slug(&log.name)?, &log.kind);
        if let Some(integration) = integration {
            resolved = resolved.with_integration(integration);
        }
        for (setting, value) in settings.plain {
            resolved = resolved.with_setting(setting, value);
        }
        for (setting, secret) in settings.secrets {
            resolved = resolved.with_secret(setting, secret);
        }
        Some(resolved)
    }

    /// Returns the log destinations that at least one flow uses, in the order of their declaration.
    pub(super) fn used_log_destinations(&self, config: &Config, flows: &[model::Flow]) -> Vec<CheckedLogDestination> {
        let used = config.log_destinations.iter().filter_map(|log| {
            let key = index::key(log);
            let uses = |flow: &&model::Flow| {
                let environment = (None, flow.environment().name().to_string());
                self.logs_by_environment.get(&environment).is_some_and(|named| named.contains(&key))
            };
            let flows: BTreeSet<_> = flows.iter().filter(uses).map(|flow| flow.srn().slug().to_owned()).collect();
            let destination = self.resolved_logs.get(&key).cloned().flatten().filter(|_| !flows.is_empty())?;
            Some(CheckedLogDestination { destination, flows, location: log.location.clone() })
        });
        used.collect()
    }
}
