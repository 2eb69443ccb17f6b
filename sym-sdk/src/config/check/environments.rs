//! Environments: the integrations, error logger and log destinations that flows share.

use super::Check;
use super::index::{self, Index, describe};
use super::integrations::{ERROR_LOGGER_INTEGRATION, wrong_integration};
use crate::config::{Config, Diagnostic, Environment, ErrorLogger, LogDestination, MODULE_INTEGRATION};
use crate::model;

impl Check<'_> {
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
            let before = self.errors.len();
            let resolved = self.resolve_environment(environment, loggers, logs);
            self.attribute(environment, before);
            self.resolved_environments.insert(index::key(environment), resolved);
        }
    }

    /// Warns about environments without an error logger whose flows give access: nobody would hear that it cannot be revoked.
    pub(super) fn error_loggers(&mut self, config: &Config, flows: &[model::Flow]) {
        for declared in config.environments.iter().filter(|environment| environment.error_logger.is_none()) {
            let is_here = |flow: &&model::Flow| flow.environment().name().as_str().eq_ignore_ascii_case(&declared.name);
            let Some(flow) = flows.iter().filter(is_here).find(|flow| flow.strategy().is_some()) else { continue };
            let message = format!(
                "{} has no error logger, so nobody is notified if access that flow `{}` gives cannot be revoked",
                describe(declared),
                flow.name()
            );
            let hint = "declare a `sym_error_logger`, and name it in the environment as `error_logger_id`";
            self.warnings.push(Diagnostic::warning(declared.location.clone(), message).with_hint(hint));
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
