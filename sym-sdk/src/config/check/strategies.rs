//! Strategies and their targets.

use super::index::{self, Index, describe};
use super::integrations::Secrets;
use super::{Check, did_you_mean};
use crate::config::{Config, Strategy, Target};
use crate::model;

/// A type of strategy that is known: the type of its integration and those of its targets.
struct Known {
    kind: &'static str,
    integration: &'static str,
    targets: &'static [&'static str],
}

const fn known(kind: &'static str, integration: &'static str, targets: &'static [&'static str]) -> Known {
    Known { kind, integration, targets }
}

/// Types that are not listed may be anybody's.
const KNOWN: [Known; 10] = [
    known("aptible", "aptible", &["aptible_role"]),
    known("aws_iam", "permission_context", &["aws_iam_group"]),
    known("aws_lambda", "permission_context", &["aws_lambda_function"]),
    known("aws_sso", "permission_context", &["aws_sso_permission_set", "aws_sso_group"]),
    known("boundary", "boundary", &["boundary_group"]),
    known("github", "github", &["github_repo"]),
    known("google_group", "google", &["google_group"]),
    known("okta", "okta", &["okta_group"]),
    known("onelogin", "onelogin", &["onelogin_role"]),
    known("tailscale", "tailscale", &["tailscale_group"]),
];

impl Check<'_> {
    pub(super) fn strategies(&mut self, config: &Config, targets: &Index<'_, Target>, secrets: &Secrets) {
        for strategy in &config.strategies {
            let resolved = self.resolve_strategy(strategy, targets, secrets);
            self.resolved_strategies.insert(index::key(strategy), resolved);
        }
    }

    fn resolve_strategy(
        &mut self,
        strategy: &Strategy,
        targets: &Index<'_, Target>,
        secrets: &Secrets,
    ) -> Option<model::Strategy> {
        let (whose, location) = (describe(strategy), &strategy.location);
        let known = KNOWN.iter().find(|known| known.kind == strategy.kind);
        let integration = match &strategy.integration {
            Some(reference) => self.integration(reference, &whose, location),
            None if strategy.kind == "http" => None,
            None => {
                let hint = "only a strategy of type `http` does without";
                self.error_with_hint(location, format!("{whose} needs an integration"), hint);
                None
            }
        };
        if let (Some(known), Some(integration)) = (known, &integration)
            && known.integration != integration.kind()
        {
            let found = format!("integration `{}` of type `{}`", integration.name(), integration.kind());
            let message = format!("{whose} needs an integration of type `{}`, got {found}", known.integration);
            self.error(location, message);
        }
        if strategy.targets.is_empty() {
            self.error(location, format!("{whose} has no targets"));
        }
        let mut resolved = model::Strategy::new(Self::slug(&strategy.name)?, &strategy.kind);
        if let Some(label) = &strategy.label {
            resolved = resolved.with_label(label);
        }
        if let Some(integration) = integration {
            resolved = resolved.with_integration(integration);
        }
        for (setting, value) in &strategy.settings {
            if !setting.ends_with("_secret") {
                resolved = resolved.with_setting(setting, value);
            } else if let Some(secret) = self.secret(strategy, setting, value, secrets) {
                resolved = resolved.with_secret(setting, secret);
            }
        }
        for reference in &strategy.targets {
            let Some(target) = targets.find(reference, &whose, location, self.diagnostics) else { continue };
            if let Some(known) = known
                && !known.targets.contains(&target.kind.as_str())
            {
                self.type_mismatch(&whose, target, known);
            }
            if let Some(target) = self.resolve_target(target) {
                if resolved.target_by_id(target.id()).is_some() {
                    self.error(location, format!("{whose} names target `{}` twice", target.name()));
                } else {
                    resolved = resolved.with_target(target);
                }
            }
        }
        Some(resolved)
    }

    fn type_mismatch(&mut self, whose: &str, target: &Target, known: &Known) {
        let message =
            format!("{} of type `{}` does not fit {whose} of type `{}`", describe(target), target.kind, known.kind);
        let hint = did_you_mean(&target.kind, known.targets).unwrap_or_else(|| {
            let kinds: Vec<String> = known.targets.iter().map(|kind| format!("`{kind}`")).collect();
            format!("its targets are of type {}", kinds.join(" or "))
        });
        self.error_with_hint(&target.location, message, hint);
    }

    fn resolve_target(&mut self, target: &Target) -> Option<model::AccessTarget> {
        for binding in &target.field_bindings {
            if target.settings.get(binding).is_some_and(|fixed| !fixed.is_empty()) {
                let message =
                    format!("{} has the setting `{binding}`, and takes it from a field too", describe(target));
                let hint = "what a requester fills in would take the place of what is written here: keep one of them";
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
