//! Resolves declarations into the model, or says everything that is wrong with them.

mod fields;
mod flows;
mod index;
mod integrations;
mod log_destinations;
mod strategies;

use std::collections::{BTreeMap, BTreeSet};

use super::{Config, Diagnostic, Diagnostics, Flow, Implementation, Organization, Reference, SourceLocation};
use crate::model::{self, Flows, Slug};
use crate::suggest::did_you_mean;
use index::Index;

/// A configuration without faults, its references resolved.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct CheckedConfig {
    /// The organization, its slug and domains in lower case.
    pub organization: Organization,
    /// The flows, with everything that they refer to.
    ///
    /// A flow's [`Implementation::ByName`] depends on which handlers there are: see [`Config::flow`].
    pub flows: Flows,
    /// Which flows a user sees.
    pub flows_filter: Option<CheckedFlowsFilter>,
    /// Where audit entries go: what the environments of flows name.
    pub log_destinations: Vec<CheckedLogDestination>,
    /// What was accepted, but is worth a look.
    pub warnings: Vec<Diagnostic>,
}

/// The flows filter, its references resolved.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CheckedFlowsFilter {
    /// Where `get_flows` is looked for.
    pub implementation: Implementation,
    /// Values the handler reads.
    pub vars: BTreeMap<String, String>,
    /// The integrations it may use, by key.
    pub integrations: BTreeMap<String, model::Integration>,
    /// Where it was declared.
    pub location: SourceLocation,
}

/// A log destination that flows use, its references resolved.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CheckedLogDestination {
    /// The destination.
    pub destination: model::LogDestination,
    /// The names of the flows whose environment names it.
    pub flows: BTreeSet<String>,
    /// Where it was declared.
    pub location: SourceLocation,
}

impl Config {
    /// Resolves every reference and checks every rule. All faults are reported at once, each with its place.
    ///
    /// Whether there are handlers for all this is not checked here.
    ///
    /// ```
    /// use sym_sdk::config::{Config, Environment, Flow};
    ///
    /// let mut config = Config::default();
    /// config.environments.push(Environment { name: "main".into(), ..Environment::default() });
    /// config.flows.push(Flow { name: "prod".into(), environment: "mian".into(), ..Flow::default() });
    /// let faults = config.check().unwrap_err();
    /// assert_eq!(
    ///     faults.to_string(),
    ///     "configuration: flow `prod` names environment `mian`, which is not declared\n  help: did you mean `main`?"
    /// );
    /// ```
    pub fn check(&self) -> Result<CheckedConfig, Diagnostics> {
        let mut diagnostics = Vec::new();
        let organization = check_organization(&self.organization, &mut diagnostics);
        let mut check = Check::new(self, &organization, &mut diagnostics);
        let flows: Vec<model::Flow> = self.flows.iter().filter_map(|flow| check.flow(flow)).collect();
        let flows_filter = self.flows_filter.as_ref().map(|filter| check.flows_filter(filter));
        let log_destinations = check.used_log_destinations(self, &flows);
        let warnings = std::mem::take(&mut check.warnings);
        Diagnostics::check(diagnostics)?;
        Ok(CheckedConfig { organization, flows: flows.into_iter().collect(), flows_filter, log_destinations, warnings })
    }

    /// The declaration of a flow, whatever the case of its name.
    pub fn flow(&self, name: &str) -> Option<&Flow> {
        self.flows.iter().find(|flow| flow.name.eq_ignore_ascii_case(name))
    }
}

/// The check as it goes: each kind of declaration by name, what of them is resolved, and the faults.
struct Check<'c> {
    organization: &'c str,
    environments: Index<'c, super::Environment>,
    integrations: Index<'c, super::Integration>,
    strategies: Index<'c, super::Strategy>,
    /// By type and name, as those that follow; none if a fault keeps it from being resolved.
    resolved_integrations: BTreeMap<Key, Option<model::Integration>>,
    resolved_environments: BTreeMap<Key, Option<model::Environment>>,
    resolved_strategies: BTreeMap<Key, Option<model::Strategy>>,
    resolved_logs: BTreeMap<Key, Option<model::LogDestination>>,
    /// The log destinations that each environment names.
    logs_of: BTreeMap<Key, Vec<Key>>,
    diagnostics: &'c mut Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

/// Type and name in lower case; no type for a kind of declaration that has none.
type Key = (Option<String>, String);

impl<'c> Check<'c> {
    fn new(config: &'c Config, organization: &'c Organization, diagnostics: &'c mut Vec<Diagnostic>) -> Self {
        Index::new(&config.flows, diagnostics);
        let sources = Index::new(&config.secret_sources, diagnostics);
        Index::new(&config.secrets, diagnostics);
        let targets = Index::new(&config.targets, diagnostics);
        let loggers = Index::new(&config.error_loggers, diagnostics);
        let logs = Index::new(&config.log_destinations, diagnostics);
        let mut check = Self {
            organization: &organization.slug,
            environments: Index::new(&config.environments, diagnostics),
            strategies: Index::new(&config.strategies, diagnostics),
            integrations: Index::new(&config.integrations, diagnostics),
            resolved_integrations: BTreeMap::new(),
            resolved_environments: BTreeMap::new(),
            resolved_strategies: BTreeMap::new(),
            resolved_logs: BTreeMap::new(),
            logs_of: BTreeMap::new(),
            diagnostics,
            warnings: Vec::new(),
        };
        // What flows refer to comes first, so that each fault is reported once, where it stands.
        let secrets = check.secrets(config, &sources);
        check.integrations(config, &secrets);
        check.log_destinations(config, &secrets);
        check.environments(config, &loggers, &logs);
        check.strategies(config, &targets, &secrets);
        check
    }

    fn error(&mut self, location: &SourceLocation, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic::error(location.clone(), message));
    }

    fn error_with_hint(&mut self, location: &SourceLocation, message: impl Into<String>, hint: impl Into<String>) {
        self.diagnostics.push(Diagnostic::error(location.clone(), message).with_hint(hint));
    }

    /// The result, or nothing and a fault that says what it is about.
    fn keep<T>(&mut self, location: &SourceLocation, about: &str, result: crate::Result<T>) -> Option<T> {
        result
            .map_err(|error| {
                let diagnostic = Diagnostic::error(location.clone(), format!("{about}: {}", error.message()));
                self.diagnostics.push(diagnostic.with_hint_if(error.hint()));
            })
            .ok()
    }

    /// The name as a slug. A name that is not one was reported when its index was made.
    fn slug(name: &str) -> Option<Slug> {
        Slug::parse(name).ok()
    }

    /// The integration that is referred to. `whose` names what refers to it.
    fn integration(
        &mut self,
        reference: &Reference,
        whose: &str,
        location: &SourceLocation,
    ) -> Option<model::Integration> {
        let found = self.integrations.find(reference, whose, location, self.diagnostics)?;
        self.resolved_integrations.get(&index::key(found)).cloned().flatten()
    }

    /// Resolves a map of integrations, leaving out those with faults.
    fn integration_map(
        &mut self,
        references: &BTreeMap<String, Reference>,
        whose: &str,
        location: &SourceLocation,
    ) -> BTreeMap<String, model::Integration> {
        let resolved = references.iter();
        resolved
            .filter_map(|(key, reference)| Some((key.clone(), self.integration(reference, whose, location)?)))
            .collect()
    }

    fn flows_filter(&mut self, filter: &super::FlowsFilter) -> CheckedFlowsFilter {
        CheckedFlowsFilter {
            implementation: filter.implementation.clone(),
            vars: filter.vars.clone(),
            integrations: self.integration_map(&filter.integrations, "the flows filter", &filter.location),
            location: filter.location.clone(),
        }
    }
}

fn check_organization(organization: &Organization, diagnostics: &mut Vec<Diagnostic>) -> Organization {
    let location = SourceLocation::default();
    let slug = match Slug::parse(&organization.slug) {
        Ok(slug) => slug.to_string(),
        Err(error) => {
            let diagnostic = Diagnostic::error(location.clone(), format!("the organization: {}", error.message()));
            diagnostics.push(diagnostic.with_hint_if(error.hint()));
            String::new()
        }
    };
    let mut domains = Vec::new();
    for domain in &organization.domains {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let labels: Vec<&str> = domain.split('.').collect();
        if labels.len() > 1 && labels.iter().all(|label| !label.is_empty() && label.chars().all(allowed)) {
            domains.push(domain.to_ascii_lowercase());
        } else {
            let diagnostic =
                Diagnostic::error(location.clone(), format!("the organization has {domain:?} as a domain"));
            diagnostics.push(diagnostic.with_hint("an e-mail domain is what follows the `@`, as in `example.com`"));
        }
    }
    Organization { slug, domains }
}
