//! Environments: the integrations, error logger and log destinations that flows share.

use super::Check;
use super::index::{self, Index, describe};
use super::integrations::{ERROR_LOGGER_INTEGRATION, wrong_integration};
use crate::config::{Config, Environment, ErrorLogger, LogDestination, MODULE_INTEGRATION};
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
