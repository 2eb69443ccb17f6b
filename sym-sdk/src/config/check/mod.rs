//! Resolves declarations into the model, or says everything that is wrong with them.

mod fields;
mod flows;
mod index;
mod integrations;
mod log_destinations;
mod strategies;

use std::collections::{BTreeMap, BTreeSet};

use super::{Config, Fault, Faults, Flow, Implementation, Organization, Place, Reference};
use crate::model::{self, Flows, Slug};
use crate::suggest::did_you_mean;
use index::Index;

/// A configuration without faults, its references resolved.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Checked {
    /// The organization, its slug and domains in lower case.
    pub organization: Organization,
    /// The flows, with everything that they refer to.
    ///
    /// A flow's [`Implementation::ByName`] depends on which handlers there are: see [`Config::flow`].
    pub flows: Flows,
    /// Which flows a user sees.
    pub flows_filter: Option<CheckedFilter>,
    /// Where audit entries go: what the environments of flows name.
    pub log_destinations: Vec<CheckedLogDestination>,
    /// What was accepted, but is worth a look.
    pub notes: Vec<Fault>,
}

/// The flows filter, its references resolved.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CheckedFilter {
    /// Where `get_flows` is looked for.
    pub implementation: Implementation,
    /// Values the handler reads.
    pub vars: BTreeMap<String, String>,
    /// The integrations it may use, by key.
    pub integrations: BTreeMap<String, model::Integration>,
    /// Where it was declared.
    pub place: Place,
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
    pub place: Place,
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
    pub fn check(&self) -> Result<Checked, Faults> {
        let mut faults = Vec::new();
        let organization = check_organization(&self.organization, &mut faults);
        let mut check = Check::new(self, &organization, &mut faults);
        let flows: Vec<model::Flow> = self.flows.iter().filter_map(|flow| check.flow(flow)).collect();
        let flows_filter = self.flows_filter.as_ref().map(|filter| check.flows_filter(filter));
        let log_destinations = check.used_log_destinations(self, &flows);
        let notes = std::mem::take(&mut check.notes);
        Faults::check(faults)?;
        Ok(Checked { organization, flows: flows.into_iter().collect(), flows_filter, log_destinations, notes })
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
    faults: &'c mut Vec<Fault>,
    notes: Vec<Fault>,
}

/// Type and name in lower case; no type for a kind of declaration that has none.
type Key = (Option<String>, String);

impl<'c> Check<'c> {
    fn new(config: &'c Config, organization: &'c Organization, faults: &'c mut Vec<Fault>) -> Self {
        Index::new(&config.flows, faults);
        let sources = Index::new(&config.secret_sources, faults);
        Index::new(&config.secrets, faults);
        let targets = Index::new(&config.targets, faults);
        let loggers = Index::new(&config.error_loggers, faults);
        let logs = Index::new(&config.log_destinations, faults);
        let mut check = Self {
            organization: &organization.slug,
            environments: Index::new(&config.environments, faults),
            strategies: Index::new(&config.strategies, faults),
            integrations: Index::new(&config.integrations, faults),
            resolved_integrations: BTreeMap::new(),
            resolved_environments: BTreeMap::new(),
            resolved_strategies: BTreeMap::new(),
            resolved_logs: BTreeMap::new(),
            logs_of: BTreeMap::new(),
            faults,
            notes: Vec::new(),
        };
        // What flows refer to comes first, so that each fault is reported once, where it stands.
        let secrets = check.secrets(config, &sources);
        check.integrations(config, &secrets);
        check.log_destinations(config, &secrets);
        check.environments(config, &loggers, &logs);
        check.strategies(config, &targets, &secrets);
        check
    }

    fn fault(&mut self, place: &Place, message: impl Into<String>) {
        self.faults.push(Fault::new(place.clone(), message));
    }

    fn fault_with(&mut self, place: &Place, message: impl Into<String>, hint: impl Into<String>) {
        self.faults.push(Fault::new(place.clone(), message).with_hint(hint));
    }

    /// The result, or nothing and a fault that says what it is about.
    fn keep<T>(&mut self, place: &Place, about: &str, result: crate::Result<T>) -> Option<T> {
        result
            .map_err(|error| {
                let fault = Fault::new(place.clone(), format!("{about}: {}", error.message()));
                self.faults.push(fault.with_hint_if(error.hint()));
            })
            .ok()
    }

    /// The name as a slug. A name that is not one was reported when its index was made.
    fn slug(name: &str) -> Option<Slug> {
        Slug::parse(name).ok()
    }

    /// The integration that is referred to. `whose` names what refers to it.
    fn integration(&mut self, reference: &Reference, whose: &str, place: &Place) -> Option<model::Integration> {
        let found = self.integrations.find(reference, whose, place, self.faults)?;
        self.resolved_integrations.get(&index::key(found)).cloned().flatten()
    }

    /// Resolves a map of integrations, leaving out those with faults.
    fn integration_map(
        &mut self,
        references: &BTreeMap<String, Reference>,
        whose: &str,
        place: &Place,
    ) -> BTreeMap<String, model::Integration> {
        let resolved = references.iter();
        resolved
            .filter_map(|(key, reference)| Some((key.clone(), self.integration(reference, whose, place)?)))
            .collect()
    }

    fn flows_filter(&mut self, filter: &super::FlowsFilter) -> CheckedFilter {
        CheckedFilter {
            implementation: filter.implementation.clone(),
            vars: filter.vars.clone(),
            integrations: self.integration_map(&filter.integrations, "the flows filter", &filter.place),
            place: filter.place.clone(),
        }
    }
}

fn check_organization(organization: &Organization, faults: &mut Vec<Fault>) -> Organization {
    let place = Place::default();
    let slug = match Slug::parse(&organization.slug) {
        Ok(slug) => slug.to_string(),
        Err(error) => {
            let fault = Fault::new(place.clone(), format!("the organization: {}", error.message()));
            faults.push(fault.with_hint_if(error.hint()));
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
            let fault = Fault::new(place.clone(), format!("the organization has {domain:?} as a domain"));
            faults.push(fault.with_hint("an e-mail domain is what follows the `@`, as in `example.com`"));
        }
    }
    Organization { slug, domains }
}
