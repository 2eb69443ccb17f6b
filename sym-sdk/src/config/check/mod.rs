//! Checks declarations and resolves them into the model.
//!
//! The check never stops at an error: it reports every error of a configuration at once, each where the author has to change
//! something, and once only. A declaration with an error is left out of the result, and what refers to it is not reported
//! again.
//!
//! Which integrations, targets and settings a type needs is not known here; [`Schemas`] says it.

mod environments;
mod fields;
mod flows;
mod index;
mod integrations;
mod log_destinations;
mod resolved;
mod secrets;
mod settings;
mod strategies;

use std::collections::{BTreeMap, BTreeSet};

use super::{Config, Diagnostic, Diagnostics, Flow, Implementation, Organization, Schemas, SourceLocation};
use crate::model::{self, Flows, Slug};
use crate::suggest::did_you_mean;
use index::{Declaration, Index};
#[cfg(feature = "runtime")]
pub(crate) use resolved::Resolved;

/// A configuration without errors, its references resolved.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct CheckedConfig {
    /// The organization, its slug and domains in lower case.
    pub organization: Organization,
    /// The flows, with everything that they refer to.
    ///
    /// The handlers of a flow with [`Implementation::ByName`] depend on the program: see [`Config::flow`].
    pub flows: Flows,
    /// The filter of the flows that a user sees.
    pub flows_filter: Option<CheckedFlowsFilter>,
    /// The log destinations that the environments of flows name.
    pub log_destinations: Vec<CheckedLogDestination>,
    /// Declarations that are ignored or have no effect.
    pub warnings: Vec<Diagnostic>,
}

/// The flows filter, its references resolved.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CheckedFlowsFilter {
    /// The handlers among which `get_flows` is searched.
    pub implementation: Implementation,
    /// The values that the handler reads.
    pub vars: BTreeMap<String, String>,
    /// The integrations that the handler may use, by key.
    pub integrations: BTreeMap<String, model::Integration>,
    /// The location of the declaration.
    pub location: SourceLocation,
}

/// A log destination that flows use, its references resolved.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CheckedLogDestination {
    /// The destination.
    pub destination: model::LogDestination,
    /// The names of the flows whose environment names the destination.
    pub flows: BTreeSet<String>,
    /// The location of the declaration.
    pub location: SourceLocation,
}

impl Config {
    /// Checks every rule that needs no schema, and resolves every reference.
    ///
    /// Whether there are handlers for the flows, and types for the strategies, is checked when a program is built: see
    /// [`check_with`](Self::check_with) for the latter.
    ///
    /// # Errors
    /// All errors of the configuration, each with its location.
    ///
    /// ```
    /// use sym_sdk::config::{Config, Environment, Flow};
    ///
    /// let mut config = Config::default();
    /// config.environments.push(Environment { name: "main".into(), ..Environment::default() });
    /// config.flows.push(Flow { name: "prod".into(), environment: "mian".into(), ..Flow::default() });
    /// let errors = config.check().unwrap_err();
    /// assert_eq!(
    ///     errors.to_string(),
    ///     "configuration: flow `prod` names environment `mian`, which is not declared\n  help: did you mean `main`?"
    /// );
    /// ```
    pub fn check(&self) -> Result<CheckedConfig, Diagnostics> {
        self.check_with(&Schemas::new())
    }

    /// Checks every rule, and the integrations, targets and settings of the types that have a schema. Resolves every reference.
    ///
    /// # Errors
    /// All errors of the configuration, each with its location.
    pub fn check_with(&self, schemas: &Schemas) -> Result<CheckedConfig, Diagnostics> {
        let resolved = self.resolve(schemas);
        Diagnostics::check(resolved.all_errors().cloned())?;
        Ok(resolved.checked)
    }

    /// Returns the declaration of a flow by its name, ignoring case.
    pub fn flow(&self, name: &str) -> Option<&Flow> {
        self.flows.iter().find(|flow| flow.name.eq_ignore_ascii_case(name))
    }
}

/// The state of a check: the declarations by name, those resolved so far, and the diagnostics.
struct Check<'c> {
    organization: &'c str,
    schemas: &'c Schemas,
    unknown_settings: &'c [super::UnknownSetting],
    environments: Index<'c, super::Environment>,
    integrations: Index<'c, super::Integration>,
    strategies: Index<'c, super::Strategy>,
    /// Here and below: by type and name; `None` if an error prevents the declaration from being resolved.
    resolved_integrations: BTreeMap<Key, Option<model::Integration>>,
    resolved_environments: BTreeMap<Key, Option<model::Environment>>,
    resolved_strategies: BTreeMap<Key, Option<model::Strategy>>,
    resolved_logs: BTreeMap<Key, Option<model::LogDestination>>,
    /// The log destinations that each environment names.
    logs_by_environment: BTreeMap<Key, Vec<Key>>,
    errors: &'c mut Vec<Diagnostic>,
    /// The errors of single declarations, by their noun and key.
    own_errors: BTreeMap<(&'static str, Key), Vec<Diagnostic>>,
    warnings: Vec<Diagnostic>,
}

/// A type and a name in lower case; no type for a kind of declaration that has none.
type Key = (Option<String>, String);

impl<'c> Check<'c> {
    fn new(
        config: &'c Config,
        organization: &'c Organization,
        schemas: &'c Schemas,
        errors: &'c mut Vec<Diagnostic>,
    ) -> Self {
        Index::new(&config.flows, errors);
        let sources = Index::new(&config.secret_sources, errors);
        Index::new(&config.secrets, errors);
        let targets = Index::new(&config.targets, errors);
        let loggers = Index::new(&config.error_loggers, errors);
        let logs = Index::new(&config.log_destinations, errors);
        let mut check = Self {
            organization: &organization.slug,
            schemas,
            unknown_settings: &config.unknown_settings,
            environments: Index::new(&config.environments, errors),
            strategies: Index::new(&config.strategies, errors),
            integrations: Index::new(&config.integrations, errors),
            resolved_integrations: BTreeMap::new(),
            resolved_environments: BTreeMap::new(),
            resolved_strategies: BTreeMap::new(),
            resolved_logs: BTreeMap::new(),
            logs_by_environment: BTreeMap::new(),
            errors,
            own_errors: BTreeMap::new(),
            warnings: Vec::new(),
        };
        // Referenced declarations are resolved first, so that each error is reported once, at its own declaration.
        let secrets = check.secrets(config, &sources);
        check.integrations(config, &secrets);
        check.log_destinations(config, &secrets);
        check.environments(config, &loggers, &logs);
        check.strategies(config, &targets, &secrets);
        check
    }

    /// Attributes the errors after the first `before` to a declaration.
    fn attribute<T: Declaration>(&mut self, declared: &T, before: usize) {
        if self.errors.len() > before {
            let own = self.errors.split_off(before);
            self.own_errors.entry((T::NOUN, index::key(declared))).or_default().extend(own);
        }
    }

    fn error(&mut self, location: &SourceLocation, message: impl Into<String>) {
        self.errors.push(Diagnostic::error(location.clone(), message));
    }

    fn error_with_hint(&mut self, location: &SourceLocation, message: impl Into<String>, hint: impl Into<String>) {
        self.errors.push(Diagnostic::error(location.clone(), message).with_hint(hint));
    }

    /// Returns the value, or reports the error with its subject.
    fn ok_or_report<T>(&mut self, location: &SourceLocation, subject: &str, result: crate::Result<T>) -> Option<T> {
        result
            .map_err(|error| {
                let diagnostic = Diagnostic::error(location.clone(), format!("{subject}: {}", error.message()));
                self.errors.push(diagnostic.with_hint_if(error.hint()));
            })
            .ok()
    }

    /// Parses a name. An invalid one was reported when the declarations were indexed.
    fn slug(name: &str) -> Option<Slug> {
        Slug::parse(name).ok()
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

fn check_organization(organization: &Organization, errors: &mut Vec<Diagnostic>) -> Organization {
    let location = SourceLocation::default();
    let slug = match Slug::parse(&organization.slug) {
        Ok(slug) => slug.to_string(),
        Err(error) => {
            let diagnostic =
                Diagnostic::error(location.clone(), format!("slug of the organization: {}", error.message()));
            errors.push(diagnostic.with_hint_if(error.hint()));
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
            let diagnostic = Diagnostic::error(location.clone(), format!("{domain:?} is not an e-mail domain"));
            errors.push(diagnostic.with_hint("write the part of the addresses after the `@`, such as `example.com`"));
        }
    }
    Organization { slug, domains }
}
