//! The planning phase: checks the configuration and the handlers against each other, and builds nothing.
//!
//! Errors are kept with what they concern. A program that is built in spite of them serves the flows that no error concerns.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Builder;
use super::requirements::{advice, integration_for, requirements};
use crate::config::{
    self, CheckedFlowsFilter, CheckedLogDestination, Diagnostic, Diagnostics, Implementation, Resolved, Schemas,
    SourceLocation,
};
use crate::handler::{HandlerFn, HandlerKind, HandlerRecord, HandlerSet, Services};
use crate::model::{Flow, Integration, Slug, Strategy};
use crate::runtime::{handler_data, startup_checks};

/// A handler and the flows that use it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HandlerUsage {
    /// The handler.
    pub record: &'static HandlerRecord,
    /// The names of the flows, in order.
    pub flows: Vec<String>,
}

/// A declared flow and its handlers.
pub(in crate::runtime) struct FlowHandlers<'a> {
    pub(in crate::runtime) declared: &'a config::Flow,
    pub(in crate::runtime) handlers: HandlerSet,
}

impl FlowHandlers<'_> {
    /// Returns whether the flow uses a handler.
    pub(in crate::runtime) fn uses(&self, record: &'static HandlerRecord) -> bool {
        self.handlers.iter().any(|own| std::ptr::eq(own, record))
    }
}

/// A flow and its handlers, before anything is built.
#[derive(Clone)]
pub(in crate::runtime) struct FlowPlan {
    pub(in crate::runtime) flow: Arc<Flow>,
    pub(in crate::runtime) handlers: HandlerSet,
    pub(in crate::runtime) location: SourceLocation,
    /// Whether the declaration could be resolved. Otherwise the flow has nothing but its name.
    pub(in crate::runtime) is_resolved: bool,
    /// Whether its strategy may be built: nothing is wrong with the declarations of the strategy and its integration.
    pub(super) has_sound_strategy: bool,
    /// The errors that concern the flow.
    pub(super) faults: Vec<Diagnostic>,
    /// The requirements of the flow's handlers and strategy that the configuration does not meet.
    pub(super) unmet: Vec<Diagnostic>,
}

impl FlowPlan {
    /// Returns whether nothing but what could not be built keeps the flow from accepting requests.
    pub(in crate::runtime) fn is_sound(&self) -> bool {
        self.faults().next().is_none()
    }

    /// Returns the errors because of which the flow cannot accept requests, whatever can be built.
    pub(super) fn faults(&self) -> impl Iterator<Item = &Diagnostic> {
        self.faults.iter().chain(&self.unmet)
    }
}

/// The flows filter and its handler, before anything is built.
#[derive(Clone)]
pub(in crate::runtime) struct FilterPlan {
    pub(super) handler: HandlerFn<Vec<Arc<Flow>>>,
    pub(super) checked: CheckedFlowsFilter,
}

/// The result of the planning phase.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) flows: Vec<FlowPlan>,
    /// The strategies without errors, whether or not a flow names them.
    pub(super) strategies: Vec<(Strategy, SourceLocation)>,
    pub(super) filter: Option<FilterPlan>,
    pub(super) log_destinations: Vec<CheckedLogDestination>,
    pub(super) warnings: Vec<Diagnostic>,
    /// The errors because of which no flow can accept requests.
    pub(super) program_faults: Vec<Diagnostic>,
    /// The errors of the flows filter: nobody knows which flows a user may see.
    pub(super) filter_faults: Vec<Diagnostic>,
    /// The errors of log destinations.
    pub(super) log_faults: Vec<Diagnostic>,
    /// Errors that keep no flow from working: those of declarations that no flow uses.
    pub(super) harmless: Vec<Diagnostic>,
    /// Whether the configuration itself has errors.
    has_config_errors: bool,
}

impl Plan {
    /// Returns all errors. Whether the requirements of handlers are met is not reported for a configuration that has errors of its own:
    /// they may be consequences.
    pub(super) fn errors(&self) -> Vec<Diagnostic> {
        let mut errors: Vec<_> = self.program_faults.iter().chain(&self.harmless).cloned().collect();
        errors.extend(self.flows.iter().flat_map(|flow| &flow.faults).cloned());
        if !self.has_config_errors {
            errors.extend(self.flows.iter().flat_map(|flow| &flow.unmet).cloned());
            errors.extend(self.filter_faults.iter().cloned());
            errors.extend(self.log_faults.iter().cloned());
        }
        errors
    }
}

impl Plan {
    /// Returns the errors that keep nothing from working, once each.
    pub(super) fn tolerated(&self) -> Vec<Diagnostic> {
        let of_flows = || self.flows.iter().flat_map(|flow| &flow.faults);
        let is_other = |error: &&Diagnostic| of_flows().chain(&self.program_faults).all(|known| known != *error);
        let mut tolerated: Vec<_> = self.harmless.iter().filter(is_other).cloned().collect();
        tolerated.sort();
        tolerated.dedup();
        tolerated
    }
}

/// The flows as they are declared, each with its handlers.
#[derive(Default)]
struct Scoped<'a> {
    flows: Vec<FlowHandlers<'a>>,
    /// The flows whose handlers cannot be determined.
    unresolved: Vec<&'a config::Flow>,
    /// Their errors, by name in lower case.
    faults: BTreeMap<String, Vec<Diagnostic>>,
    /// The error of a program without handlers.
    no_handlers: Vec<Diagnostic>,
}

impl Builder {
    /// Checks the configuration and the handlers against each other. Builds nothing, and reads no secret.
    ///
    /// # Errors
    /// All faults.
    pub fn check(&self) -> Result<Vec<Arc<Flow>>, Diagnostics> {
        let plan = self.plan();
        Diagnostics::check(plan.errors())?;
        Ok(plan.flows.into_iter().map(|plan| plan.flow).collect())
    }

    /// Returns the warnings about the configuration and the handlers: declarations and handlers without effect, and access of whose failures
    /// nobody would hear.
    pub fn warnings(&self) -> Vec<Diagnostic> {
        self.plan().warnings
    }

    /// Returns the errors that [`Builder::build_degraded`] does not mind: those of declarations that no flow uses.
    #[cfg(all(feature = "cli", feature = "server", feature = "sqlite"))]
    pub(crate) fn tolerated_errors(&self) -> Vec<Diagnostic> {
        self.plan().tolerated()
    }

    /// The handlers, and which flows take each. What is wrong with the configuration is left to [`Builder::check`].
    pub fn handlers(&self) -> Vec<HandlerUsage> {
        let scoped = self.scoped();
        let uses = self.registry.iter().map(|record| {
            let takers = scoped.flows.iter().filter(|flow| flow.uses(record));
            HandlerUsage { record, flows: takers.map(|flow| flow.declared.name.to_lowercase()).collect() }
        });
        uses.collect()
    }

    /// The registered schemas, and those of the clients that handlers take.
    fn schemas(&self) -> Schemas {
        let mut schemas = self.schemas.clone();
        for requirement in self.registry.iter().flat_map(requirements) {
            schemas.add_integration(*requirement.schema());
        }
        schemas
    }

    pub(super) fn plan(&self) -> Plan {
        let mut plan = Plan::default();
        let scoped = self.scoped();
        let has_filter = self.config.flows_filter.is_some();
        let unused = startup_checks::unused(&self.registry, &scoped.flows, &scoped.unresolved);
        let unfiltered = startup_checks::unfiltered(&self.registry, has_filter);
        plan.program_faults.extend(scoped.no_handlers.iter().cloned());
        let resolved = self.config.resolve(&self.schemas());
        plan.has_config_errors = resolved.all_errors().next().is_some();
        plan.flows = self.config.flows.iter().map(|declared| self.flow_plan(declared, &scoped, &resolved)).collect();
        plan.program_faults.extend(resolved.errors.iter().cloned());
        // An error of a declaration that flows use is among the errors of these flows, too.
        plan.harmless.extend(resolved.all_errors().cloned());
        let checked = resolved.checked;
        plan.log_faults = checked.log_destinations.iter().filter_map(|log| self.no_destination_type(log)).collect();
        plan.log_destinations = checked.log_destinations;
        plan.warnings = checked.warnings;
        plan.warnings.extend(unused.into_iter().chain(unfiltered));
        plan.strategies = resolved.strategies;
        self.check_data(&mut plan, &resolved.flow_errors);
        if let Some(checked) = checked.flows_filter {
            match self.filter_plan(checked) {
                Ok(filter) => {
                    let (record, checked) = (filter.handler.record(), &filter.checked);
                    let flows = plan.flows.iter().map(|plan| &**plan.flow.name()).collect();
                    let found = handler_data::check_filter(record, &checked.vars, &flows, &checked.location);
                    let (errors, warnings): (Vec<_>, Vec<_>) = found.into_iter().partition(Diagnostic::is_error);
                    plan.filter_faults.extend(errors);
                    plan.warnings.extend(warnings);
                    plan.filter_faults.extend(self.unmet_by_filter(&filter));
                    plan.filter = Some(filter);
                }
                Err(diagnostics) => plan.filter_faults.extend(diagnostics),
            }
        }
        plan
    }

    fn flow_plan(&self, declared: &config::Flow, scoped: &Scoped<'_>, resolved: &Resolved) -> FlowPlan {
        let name = declared.name.to_ascii_lowercase();
        let own = scoped.flows.iter().find(|flow| std::ptr::eq(flow.declared, declared));
        let handlers = own.map(|flow| flow.handlers.clone()).unwrap_or_default();
        let mut faults: Vec<_> = own.map(startup_checks::flow).unwrap_or_default();
        faults.extend(scoped.faults.get(&name).into_iter().flatten().cloned());
        faults.extend(resolved.flow_errors.get(&name).into_iter().flatten().cloned());
        let flow = resolved.checked.flows.get(&declared.name).cloned();
        let is_resolved = flow.is_some();
        let flow = flow.unwrap_or_else(|| {
            let organization = &resolved.checked.organization.slug;
            Arc::new(Flow::builder(Slug::lossy(&declared.name), organization).build())
        });
        let has_sound_strategy =
            flow.strategy().is_some_and(|own| resolved.strategies.iter().any(|(known, _)| known == own));
        let location = declared.location.clone();
        let mut plan =
            FlowPlan { flow, handlers, location, is_resolved, has_sound_strategy, faults, unmet: Vec::new() };
        if is_resolved {
            plan.unmet = self.unmet(&plan);
        }
        plan
    }

    /// Compares the data that handlers read with the flows. Flows whose declarations have errors are left out: these may be the reason.
    fn check_data(&self, plan: &mut Plan, flow_errors: &BTreeMap<String, Vec<Diagnostic>>) {
        let sound = |plan: &FlowPlan| plan.is_resolved && !flow_errors.contains_key(plan.flow.srn().slug());
        let checked: Vec<_> = self.config.flows.iter().zip(&plan.flows).filter(|(_, plan)| sound(plan)).collect();
        let checked: Vec<_> = checked
            .into_iter()
            .map(|(declared, plan)| handler_data::CheckedFlow {
                flow: &plan.flow,
                declared,
                handlers: &plan.handlers,
                unknown: &self.config.unknown_settings,
            })
            .collect();
        let all_flows_are_known =
            checked.len() == self.config.flows.len() && plan.flows.iter().all(|plan| plan.faults.is_empty());
        let handler_data::Findings { errors, warnings } = handler_data::check(&checked, all_flows_are_known);
        plan.warnings.extend(warnings);
        for (plan, errors) in plan.flows.iter_mut().filter(|plan| sound(plan)).zip(errors) {
            plan.unmet.extend(errors);
        }
    }

    /// The flows as they are declared, each with its handlers. This does not need the rest of the configuration to be right.
    fn scoped(&self) -> Scoped<'_> {
        let mut scoped = Scoped::default();
        if self.registry.is_empty() {
            scoped.no_handlers.extend(self.registry.select(None).err().into_iter().flatten());
            return scoped;
        }
        for declared in &self.config.flows {
            match self.handlers_of(&declared.implementation, &declared.name) {
                Ok(handlers) => scoped.flows.push(FlowHandlers { declared, handlers }),
                Err(found) => {
                    let found = found.into_iter().map(|diagnostic| at(diagnostic, &declared.location));
                    scoped.faults.entry(declared.name.to_ascii_lowercase()).or_default().extend(found);
                    scoped.unresolved.push(declared);
                }
            }
        }
        scoped
    }

    fn filter_plan(&self, checked: CheckedFlowsFilter) -> Result<FilterPlan, Vec<Diagnostic>> {
        let handlers = self.handlers_of(&checked.implementation, "get_flows");
        let handlers = handlers.map_err(|diagnostics| {
            diagnostics.into_iter().map(|diagnostic| at(diagnostic, &checked.location)).collect::<Vec<_>>()
        })?;
        match handlers.get_flows() {
            Some(handler) => Ok(FilterPlan { handler, checked }),
            None => {
                let hint = "write `#[reducer] fn get_flows(user: &User, flows: &Flows) -> Vec<Arc<Flow>>`";
                Err(vec![
                    Diagnostic::error(checked.location, "the flows filter has no reducer `get_flows`").with_hint(hint),
                ])
            }
        }
    }

    fn handlers_of(&self, implementation: &Implementation, name: &str) -> Result<HandlerSet, Vec<Diagnostic>> {
        match implementation {
            Implementation::Module(module) => self.registry.select(Some(module)),
            Implementation::ByName => {
                let name = name.to_lowercase().replace('-', "_");
                let own = self.registry.iter().find_map(|record| module_named(record.module(), &name));
                self.registry.select(own)
            }
            Implementation::All => self.registry.select(None),
        }
    }

    /// Returns diagnostics for requirements of a flow's handlers and strategies that the configuration does not meet.
    fn unmet(&self, plan: &FlowPlan) -> Vec<Diagnostic> {
        let integrations = plan.flow.environment().integrations();
        let services = self.services_with(plan.handlers.iter(), integrations, plan.flow.strategy());
        let called = plan.handlers.iter().filter(|record| record.kind() != HandlerKind::GetFlows);
        let mut diagnostics: Vec<_> = called
            .flat_map(|record| {
                record.unmet(&services, |required| advice(integrations, required, "the flow's environment"))
            })
            .collect();
        if let Some(strategy) = plan.flow.strategy()
            && !self.simulated
            && self.strategy_type_of(strategy).is_none()
        {
            diagnostics.push(self.no_strategy_type(strategy, &plan.location));
        }
        diagnostics
    }

    fn unmet_by_filter(&self, filter: &FilterPlan) -> Vec<Diagnostic> {
        let services = self.services_with([filter.handler.record()], &filter.checked.integrations, None);
        let advise = |required: &_| advice(&filter.checked.integrations, required, "the flows filter");
        filter.handler.unmet(&services, advise).collect()
    }

    /// Returns services with placeholders for the clients that the handlers would get.
    fn services_with(
        &self,
        records: impl IntoIterator<Item = &'static HandlerRecord>,
        integrations: &BTreeMap<String, Integration>,
        strategy: Option<&Strategy>,
    ) -> Arc<Services> {
        let mut services = self.services.clone();
        for requirement in records.into_iter().flat_map(requirements) {
            if integration_for(integrations, strategy, requirement).is_some() {
                services = services.client_for(requirement, Arc::new(()));
            }
        }
        services.build()
    }
}

/// Diagnostics of a registry have no place of their own; the flow that asked has.
fn at(mut diagnostic: Diagnostic, location: &SourceLocation) -> Diagnostic {
    if diagnostic.location == SourceLocation::default() {
        diagnostic.location = location.clone();
    }
    diagnostic
}

/// Returns the prefix of a module path that ends with the segment of this name.
fn module_named<'a>(module: &'a str, name: &str) -> Option<&'a str> {
    let mut end = 0;
    for segment in module.split("::") {
        end += segment.len();
        if segment == name {
            return module.get(..end);
        }
        end += 2;
    }
    None
}
