//! Log destinations, and the flows that use them.

use std::collections::BTreeSet;

use super::index::{self, describe};
use super::integrations::Secrets;
use super::{Check, CheckedLogDestination};
use crate::config::{Config, LogDestination};
use crate::model;

/// The known types of log destination, and whether they do without an integration.
const TYPES: [(&str, bool); 5] = [
    ("datadog", true),
    ("http", true),
    ("kinesis_data_stream", false),
    ("kinesis_firehose", false),
    ("segment", false),
];

impl Check<'_> {
    pub(super) fn log_destinations(&mut self, config: &Config, secrets: &Secrets) {
        for log in &config.log_destinations {
            let resolved = self.resolve_log_destination(log, secrets);
            self.resolved_logs.insert(index::key(log), resolved);
        }
    }

    fn resolve_log_destination(&mut self, log: &LogDestination, secrets: &Secrets) -> Option<model::LogDestination> {
        let alone = TYPES.iter().find(|(kind, _)| *kind == log.kind).map(|(_, alone)| *alone);
        let integration = match (&log.integration, alone) {
            (Some(reference), _) => self.integration(reference, &describe(log), &log.location),
            (None, Some(false)) => {
                let message = format!("{} of type `{}` needs an integration", describe(log), log.kind);
                self.error(&log.location, message);
                None
            }
            (None, _) => None,
        };
        let mut resolved = model::LogDestination::new(Self::slug(&log.name)?, &log.kind);
        if let Some(integration) = integration {
            resolved = resolved.with_integration(integration);
        }
        for (setting, value) in &log.settings {
            if !setting.ends_with("_secret") {
                resolved = resolved.with_setting(setting, value);
            } else if let Some(secret) = self.secret(log, setting, value, secrets) {
                resolved = resolved.with_secret(setting, secret);
            }
        }
        Some(resolved)
    }

    /// The log destinations that at least one flow uses, in the order of their declaration.
    pub(super) fn used_log_destinations(&self, config: &Config, flows: &[model::Flow]) -> Vec<CheckedLogDestination> {
        let used = config.log_destinations.iter().filter_map(|log| {
            let key = index::key(log);
            let uses = |flow: &&model::Flow| {
                let environment = (None, flow.environment().name().to_string());
                self.logs_of.get(&environment).is_some_and(|named| named.contains(&key))
            };
            let flows: BTreeSet<_> = flows.iter().filter(uses).map(|flow| flow.srn().slug().to_owned()).collect();
            let destination = self.resolved_logs.get(&key).cloned().flatten().filter(|_| !flows.is_empty())?;
            Some(CheckedLogDestination { destination, flows, location: log.location.clone() })
        });
        used.collect()
    }
}
