//! Strategies and their targets, checked against the schema of the strategy's type.

use super::index::{self, Index, describe};
use super::secrets::Secrets;
use super::{Check, did_you_mean};
use crate::config::{Config, IntegrationUse, Strategy, StrategySchema, Target};
use crate::model;

/// The strategy type that needs no integration, if no schema says otherwise: a function behind a URL.
const HTTP: &str = "http";

impl Check<'_> {
    pub(super) fn strategies(&mut self, config: &Config, targets: &Index<'_, Target>, secrets: &Secrets) {
        for strategy in &config.strategies {
            let before = self.errors.len();
            let resolved = self.resolve_strategy(strategy, targets, secrets);
            self.attribute(strategy, before);
            self.resolved_strategies.insert(index::key(strategy), resolved);
        }
    }

    fn resolve_strategy(
        &mut self,
        strategy: &Strategy,
        targets: &Index<'_, Target>,
        secrets: &Secrets,
    ) -> Option<model::Strategy> {
        let (subject, location) = (describe(strategy), &strategy.location);
        let schema = self.schemas.strategy(&strategy.kind, &strategy.name).copied();
        let integration = self.strategy_integration(strategy, schema.as_ref());
        if strategy.targets.is_empty() {
            self.error_with_hint(
                location,
                format!("{subject} has no targets"),
                "add the id of a target to its `targets`",
            );
        }
        if let Some(schema) = &schema {
            self.check_settings(strategy, &strategy.settings, &[], schema.settings());
        }
        let settings = self.resolve_settings(strategy, &strategy.settings, secrets);
        let mut resolved = model::Strategy::new(Self::slug(&strategy.name)?, &strategy.kind);
        if let Some(label) = &strategy.label {
            resolved = resolved.with_label(label);
        }
        if let Some(integration) = integration {
            resolved = resolved.with_integration(integration);
        }
        for (setting, value) in settings.plain {
            resolved = resolved.with_setting(setting, value);
        }
        for (setting, secret) in settings.secrets {
            resolved = resolved.with_secret(setting, secret);
        }
        for reference in &strategy.targets {
            let Some(target) = targets.find(reference, &subject, location, self.errors) else { continue };
            if let Some(schema) = &schema {
                self.check_target(strategy, target, schema);
            }
            if let Some(target) = self.resolve_target(target) {
                if resolved.target_by_id(target.id()).is_some() {
                    self.error(location, format!("{subject} names target `{}` twice", target.name()));
                } else {
                    resolved = resolved.with_target(target);
                }
            }
        }
        Some(resolved)
    }

    /// Resolves the integration that the strategy names, and checks that it is of the type that the strategy needs.
    fn strategy_integration(
        &mut self,
        strategy: &Strategy,
        schema: Option<&StrategySchema>,
    ) -> Option<model::Integration> {
        let required = match schema {
            Some(schema) => *schema.integration(),
            None if strategy.kind == HTTP => IntegrationUse::Optional,
            None => IntegrationUse::Any,
        };
        self.used_integration(strategy, strategy.integration.as_ref(), &required)
    }

    /// Checks a target against the types of targets that the strategy's type has.
    fn check_target(&mut self, strategy: &Strategy, target: &Target, schema: &StrategySchema) {
        if let Some(schema) = schema.target(&target.kind) {
            self.check_settings(target, &target.settings, &target.field_bindings, schema.settings());
            return;
        }
        let kinds: Vec<&str> = schema.targets().iter().map(|target| target.kind()).collect();
        if kinds.is_empty() {
            return;
        }
        let message = format!(
            "{} is of type `{}`, which {} of type `{}` cannot grant access to",
            describe(target),
            target.kind,
            describe(strategy),
            strategy.kind
        );
        let hint = did_you_mean(&target.kind, &kinds).unwrap_or_else(|| {
            let kinds: Vec<String> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
            format!("its targets must be of type {}", kinds.join(" or "))
        });
        self.error_with_hint(&target.location, message, hint);
    }

    fn resolve_target(&mut self, target: &Target) -> Option<model::AccessTarget> {
        for binding in &target.field_bindings {
            if target.settings.get(binding).is_some_and(|fixed| !fixed.is_empty()) {
                let message =
                    format!("{} sets `{binding}` in its `settings` and in its `field_bindings`", describe(target));
                let hint = "remove one of them: the field's value would override the setting";
                self.error_with_hint(&target.location, message, hint);
            }
        }
        let name = Self::slug(&target.name)?;
        let mut resolved = model::AccessTarget::new(self.organization, &target.kind, name);
        if let Some(label) = &target.label {
            resolved = resolved.with_label(label);
        }
        for (setting, value) in &target.settings {
            resolved = resolved.with_setting(setting, value);
        }
        for binding in &target.field_bindings {
            resolved = resolved.with_field_binding(binding);
        }
        Some(resolved)
    }
}
