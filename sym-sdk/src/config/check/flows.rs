//! Flows: their parameters, and the fields that their targets are bound to.

use std::collections::BTreeSet;

use super::Check;
use super::index::{self, describe};
use crate::config::{Flow, Implementation};
use crate::forms::{FieldSpec, parse_duration};
use crate::model::{self, FlowParams, Source};

/// The field that selects the duration of the access.
pub(super) const DURATION: &str = "duration";

/// The maximum number of warnings before the end of access.
const MAX_EXPIRY_WARNINGS: usize = 8;

impl Check<'_> {
    /// Resolves a flow with everything that it refers to. Returns `None` if an error prevents that.
    pub(super) fn flow(&mut self, flow: &Flow) -> Option<model::Flow> {
        let (subject, location) = (describe(flow), &flow.location);
        let environment = self.environments.find(&flow.environment.as_str().into(), &subject, location, self.errors);
        let strategy = flow.params.strategy.as_ref();
        let strategy = strategy.and_then(|strategy| self.strategies.find(strategy, &subject, location, self.errors));
        let fields = self.fields(flow);
        let params = self.params(flow, &fields);
        let environment =
            environment.and_then(|environment| self.resolved_environments.get(&index::key(environment))?.clone());
        let strategy = strategy.and_then(|strategy| self.resolved_strategies.get(&index::key(strategy))?.clone());
        self.bindings(flow, strategy.as_ref());

        let mut resolved = model::Flow::builder(Self::slug(&flow.name)?, self.organization).params(params);
        if let Some(label) = &flow.label {
            resolved = resolved.label(label);
        }
        if let Implementation::Module(module) = &flow.implementation {
            resolved = resolved.implementation(module);
        }
        for (name, value) in &flow.vars {
            resolved = resolved.var(name, value);
        }
        if let Some(strategy) = strategy {
            resolved = resolved.strategy(strategy);
        }
        let resolved = fields.into_iter().fold(resolved, |resolved, field| resolved.field(field));
        Some(resolved.environment(environment?).build())
    }

    fn params(&mut self, flow: &Flow, fields: &[FieldSpec]) -> FlowParams {
        let (subject, declared) = (describe(flow), &flow.params);
        if !declared.allow_revoke && !declared.schedule_deescalation {
            let message = format!("{subject} sets both `allow_revoke` and `schedule_deescalation` to false");
            let hint = "set at least one of them to true: otherwise access could never end";
            self.error_with_hint(&flow.location, message, hint);
        }
        let sources = declared.allowed_sources.as_ref().map(|sources| {
            let subject = format!("{subject}: `allowed_sources`");
            let sources = sources
                .iter()
                .filter_map(|source| self.ok_or_report(&flow.location, &subject, source.parse::<Source>()));
            sources.collect::<BTreeSet<Source>>()
        });
        let offered = fields.iter().find(|field| field.name() == DURATION).map(|field| {
            let values = field.allowed_values().iter();
            values.filter_map(|value| match value {
                crate::forms::FieldValue::Duration(duration) => Some(*duration),
                _ => None,
            })
        });
        let mut params = FlowParams {
            allow_revoke: declared.allow_revoke,
            schedule_deescalation: declared.schedule_deescalation,
            allow_extension: declared.allow_extension,
            allowed_sources: sources,
            include_decision_message: declared.include_decision_message,
            require_denial_reason: declared.require_denial_reason,
            additional_header_text: declared.additional_header_text.clone(),
            allow_guest_interaction: declared.allow_guest_interaction,
            ..FlowParams::default()
        };
        if let Some(lifetime) = &declared.request_lifetime {
            let subject = format!("{subject}: `request_lifetime`");
            let lifetime = self.ok_or_report(&flow.location, &subject, parse_duration(lifetime));
            params.request_lifetime = lifetime.unwrap_or(params.request_lifetime);
        }
        if let Some(longest) = &declared.max_agent_duration {
            let subject = format!("{subject}: `max_agent_duration`");
            params.max_agent_duration = self.ok_or_report(&flow.location, &subject, parse_duration(longest));
        }
        if let Some(grace) = &declared.agent_grace_period {
            let subject = format!("{subject}: `agent_grace_period`");
            let grace = self.ok_or_report(&flow.location, &subject, parse_duration(grace));
            params.agent_grace_period = grace.unwrap_or(params.agent_grace_period);
        }
        if let Some(warnings) = &declared.expiry_warnings {
            let subject = format!("{subject}: `expiry_warnings`");
            let parsed = warnings.iter();
            let parsed =
                parsed.filter_map(|warning| self.ok_or_report(&flow.location, &subject, parse_duration(warning)));
            params.expiry_warnings = parsed.collect();
            if warnings.len() > MAX_EXPIRY_WARNINGS {
                let message =
                    format!("{subject} has {} entries; at most {MAX_EXPIRY_WARNINGS} are allowed", warnings.len());
                self.error_with_hint(&flow.location, message, "warn people rarely enough for them to look");
            }
        }
        match offered {
            Some(offered) => params.durations = offered.collect(),
            // Sym's default durations apply where access ends automatically and the flow declares none.
            None if declared.strategy.is_some() && declared.schedule_deescalation => {}
            None => params.durations.clear(),
        }
        params
    }

    /// Reports targets with a setting that is bound to a field that the flow does not have, or whose options are suggestions only.
    fn bindings(&mut self, flow: &Flow, strategy: Option<&model::Strategy>) {
        let Some(strategy) = strategy else { return };
        for target in strategy.targets() {
            for binding in target.field_bindings() {
                if let Some(field) = flow.params.prompt_fields.iter().find(|field| field.name == *binding) {
                    if field.prefetch && !field.prefetch_binds {
                        let message = format!(
                            "field `{binding}` fills a setting of target `{}`, so its options bind",
                            target.name()
                        );
                        self.error_with_hint(&field.location, message, "remove `prefetch_binds = false`".to_owned());
                    }
                    continue;
                }
                let subject = describe(flow);
                let message = format!(
                    "{subject} has no field `{binding}`, to which target `{}` binds its setting of that name",
                    target.name()
                );
                let hint = super::did_you_mean(binding, flow.params.prompt_fields.iter().map(|field| &field.name))
                    .unwrap_or_else(|| format!("add a `prompt_field` with `name = \"{binding}\"`"));
                self.error_with_hint(&flow.location, message, hint);
            }
        }
    }
}
