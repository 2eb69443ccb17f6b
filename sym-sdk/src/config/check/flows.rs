//! Flows and their parameters.

use std::collections::BTreeSet;

use super::Check;
use super::index::{self, describe};
use crate::config::{Flow, Implementation};
use crate::forms::FieldSpec;
use crate::model::{self, FlowParams, Source};

/// The field that says how long access lasts.
pub(super) const DURATION: &str = "duration";

impl Check<'_> {
    /// The flow with everything that it refers to; none if a fault keeps it from being resolved.
    pub(super) fn flow(&mut self, flow: &Flow) -> Option<model::Flow> {
        let (whose, location) = (describe(flow), &flow.location);
        let environment = self.environments.find(&flow.environment.as_str().into(), &whose, location, self.diagnostics);
        let strategy = flow.params.strategy.as_ref();
        let strategy = strategy.and_then(|strategy| self.strategies.find(strategy, &whose, location, self.diagnostics));
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
        let (whose, declared) = (describe(flow), &flow.params);
        if !declared.allow_revoke && !declared.schedule_deescalation {
            let message = format!("{whose} has both `allow_revoke` and `schedule_deescalation` off");
            let hint = "access could never end: one of them must be on";
            self.error_with_hint(&flow.location, message, hint);
        }
        let sources = declared.allowed_sources.as_ref().map(|sources| {
            let about = format!("{whose}: `allowed_sources`");
            let sources =
                sources.iter().filter_map(|source| self.keep(&flow.location, &about, source.parse::<Source>()));
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
            allowed_sources: sources,
            include_decision_message: declared.include_decision_message,
            additional_header_text: declared.additional_header_text.clone(),
            allow_guest_interaction: declared.allow_guest_interaction,
            ..FlowParams::default()
        };
        match offered {
            Some(offered) => params.durations = offered.collect(),
            // Sym's own offer stands where access ends by itself and nothing else is declared.
            None if declared.strategy.is_some() && declared.schedule_deescalation => {}
            None => params.durations.clear(),
        }
        params
    }

    /// Settings of targets that are filled from fields need the fields.
    fn bindings(&mut self, flow: &Flow, strategy: Option<&model::Strategy>) {
        let Some(strategy) = strategy else { return };
        for target in strategy.targets() {
            for binding in target.field_bindings() {
                if flow.params.prompt_fields.iter().any(|field| field.name == *binding) {
                    continue;
                }
                let whose = describe(flow);
                let message = format!(
                    "{whose} has no field `{binding}`, from which target `{}` takes its setting",
                    target.name()
                );
                let hint = super::did_you_mean(binding, flow.params.prompt_fields.iter().map(|field| &field.name))
                    .unwrap_or_else(|| format!("add a `prompt_field` of the name `{binding}`"));
                self.error_with_hint(&flow.location, message, hint);
            }
        }
    }
}
