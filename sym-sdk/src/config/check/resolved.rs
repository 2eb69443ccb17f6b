//! The partial result of a check: the declarations that could be resolved in spite of errors, and the errors of each flow.
//!
//! A program with a faulty configuration can still revoke access, and serve the flows that no error concerns.

use std::collections::BTreeMap;

use super::index::{self, Declaration, describe};
use super::{Check, CheckedConfig, check_organization};
use crate::config::{Config, Diagnostic, Environment, Flow, Integration, Reference, Schemas, SourceLocation, Strategy};
use crate::model;

/// The parts of a configuration that could be resolved, and the errors of all others.
#[cfg_attr(not(feature = "runtime"), expect(dead_code, reason = "only a runtime uses parts of a configuration"))]
pub(crate) struct Resolved {
    /// The declarations that could be resolved. Those with errors may be among them.
    pub(crate) checked: CheckedConfig,
    /// The strategies without errors, each with its location.
    pub(crate) strategies: Vec<(model::Strategy, SourceLocation)>,
    /// The errors that concern a flow, by its name in lower case: its own, and those of its environment, strategy and integrations.
    pub(crate) flow_errors: BTreeMap<String, Vec<Diagnostic>>,
    /// The errors that no single flow answers for.
    pub(crate) errors: Vec<Diagnostic>,
    /// All errors of single declarations, whether or not a flow uses them.
    own_errors: Vec<Diagnostic>,
}

impl Resolved {
    /// Returns an iterator over all errors. One can be among them more than once.
    pub(crate) fn all_errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.errors.iter().chain(&self.own_errors)
    }
}

impl Config {
    /// Resolves what can be resolved.
    pub(crate) fn resolve(&self, schemas: &Schemas) -> Resolved {
        let mut errors = Vec::new();
        let organization = check_organization(&self.organization, &mut errors);
        let mut check = Check::new(self, &organization, schemas, &mut errors);
        let mut flows = Vec::new();
        for flow in &self.flows {
            let before = check.errors.len();
            flows.extend(check.flow(flow));
            check.attribute(flow, before);
        }
        let flows_filter = self.flows_filter.as_ref().map(|filter| check.flows_filter(filter));
        let log_destinations = check.used_log_destinations(self, &flows);
        check.error_loggers(self, &flows);
        let strategies = self.strategies.iter().filter(|strategy| check.errors_of_strategy(strategy).is_empty());
        let strategies = strategies.filter_map(|declared| {
            let resolved = check.resolved_strategies.get(&index::key(declared))?.clone()?;
            Some((resolved, declared.location.clone()))
        });
        let strategies = strategies.collect();
        let flow_errors = self.flows.iter().map(|flow| (flow.name.to_ascii_lowercase(), check.errors_of_flow(flow)));
        let flow_errors = flow_errors.filter(|(_, errors)| !errors.is_empty()).collect();
        let warnings = std::mem::take(&mut check.warnings);
        let own_errors = std::mem::take(&mut check.own_errors).into_values().flatten().collect();
        let flows = flows.into_iter().collect();
        let checked = CheckedConfig { organization, flows, flows_filter, log_destinations, warnings };
        Resolved { checked, strategies, flow_errors, errors, own_errors }
    }
}

impl Check<'_> {
    fn errors_of_flow(&self, flow: &Flow) -> Vec<Diagnostic> {
        let mut errors = self.errors_of(flow);
        if let Some(environment) = self.environment_of(flow) {
            errors.extend(self.errors_of(environment));
            errors.extend(environment.integrations.values().flat_map(|named| self.errors_of_integration(named)));
        }
        let strategy = flow.params.strategy.as_ref();
        if let Some(strategy) = strategy.and_then(|named| self.strategies.find(named, "", &flow.location, &mut vec![]))
        {
            errors.extend(self.errors_of_strategy(strategy));
        }
        errors
    }

    fn environment_of(&self, flow: &Flow) -> Option<&Environment> {
        let named = Reference::named(&*flow.environment);
        self.environments.find(&named, &describe(flow), &flow.location, &mut Vec::new())
    }

    fn errors_of_strategy(&self, strategy: &Strategy) -> Vec<Diagnostic> {
        let mut errors = self.errors_of(strategy);
        errors.extend(strategy.integration.iter().flat_map(|named| self.errors_of_integration(named)));
        errors
    }

    fn errors_of_integration(&self, named: &Reference) -> Vec<Diagnostic> {
        let found: Option<&Integration> = self.integrations.find(named, "", &SourceLocation::default(), &mut vec![]);
        found.map(|integration| self.errors_of(integration)).unwrap_or_default()
    }

    fn errors_of<T: Declaration>(&self, declared: &T) -> Vec<Diagnostic> {
        self.own_errors.get(&(T::NOUN, index::key(declared))).cloned().unwrap_or_default()
    }
}
