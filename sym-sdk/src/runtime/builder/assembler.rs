//! The building phase: reads secrets, and builds the clients, strategies and destinations that the flows need.

use std::any::TypeId;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::SecretString;

use super::Builder;
use super::plan::{FilterPlan, FlowPlan};
use super::requirements::{integration_for, requirements};
use crate::audit::{AuditDestination, LogDestinationConfig};
use crate::config::{CheckedLogDestination, Diagnostic, SourceLocation};
use crate::directory::Directory;
use crate::error::Error;
use crate::handler::{AnyClient, HandlerRecord, IntegrationRequirement, Requires, Services};
use crate::integration::IntegrationConfig;
use crate::model::{Integration, Secret, Strategy};
use crate::runtime::audit_shipping::{AuditShipper, FlowSelector};
use crate::runtime::availability::{PartFaults, UnavailablePart};
use crate::runtime::bounded_call::call_bounded;
use crate::runtime::flow_visibility::FlowVisibility;
use crate::runtime::flows::FlowParts;
use crate::runtime::secrets::read_secret;
#[cfg(feature = "cli")]
use crate::strategy::ScriptedStrategy;
use crate::strategy::{DynAccessStrategy, SimulatedStrategy, StrategyConfig};

/// Timeout of reading one secret.
const SECRET_TIMEOUT: Duration = Duration::from_secs(30);

/// Builds clients and strategies. Those that several flows share are built once.
pub(in crate::runtime) struct RuntimeAssembler<'a> {
    pub(super) builder: &'a Builder,
    pub(super) directory: &'a Directory,
    secrets: BTreeMap<String, Result<SecretString, Diagnostic>>,
    clients: HashMap<(String, String, TypeId), BuiltClient>,
    diagnostics: Vec<Diagnostic>,
}

/// A client that was built from an integration, or the reasons why it could not be.
#[derive(Clone)]
pub(in crate::runtime) struct BuiltClient {
    pub(in crate::runtime) requirement: IntegrationRequirement,
    pub(in crate::runtime) integration_type: String,
    pub(in crate::runtime) integration: String,
    pub(in crate::runtime) client: Result<AnyClient, Vec<Diagnostic>>,
}

impl BuiltClient {
    /// Returns what distinguishes it from other clients: names of integrations are unique within their type only.
    pub(in crate::runtime) fn id(&self) -> (&str, &str, &'static str, &'static str) {
        (&self.integration_type, &self.integration, self.requirement.key(), self.requirement.type_name())
    }
}

impl<'a> RuntimeAssembler<'a> {
    pub(in crate::runtime) fn new(builder: &'a Builder, directory: &'a Directory) -> Self {
        Self { builder, directory, secrets: BTreeMap::new(), clients: HashMap::new(), diagnostics: Vec::new() }
    }

    /// Takes the errors of what could not be built since the last call.
    pub(in crate::runtime) fn take_diagnostics(&mut self) -> Vec<Diagnostic> {
        std::mem::take(&mut self.diagnostics)
    }

    /// Builds what a flow needs, as far as that is possible. The faults of the plan are among those of the result.
    pub(in crate::runtime) async fn parts(&mut self, plan: &FlowPlan) -> FlowParts {
        let FlowPlan { flow, handlers, location, .. } = plan;
        let integrations = flow.environment().integrations();
        let (services, clients) = self.services(handlers.iter(), integrations, flow.strategy()).await;
        let strategy = match flow.strategy() {
            Some(strategy) if plan.has_sound_strategy => self.strategy(strategy, location).await,
            _ => None,
        };
        let mut faults: Vec<_> = plan.faults().cloned().collect();
        faults.extend(self.take_diagnostics());
        faults.sort();
        faults.dedup();
        FlowParts { services, clients, strategy, faults }
    }

    pub(in crate::runtime) async fn filter(&mut self, plan: FilterPlan) -> FlowVisibility {
        let FilterPlan { handler, checked } = plan;
        let (services, _) = self.services([handler.record()], &checked.integrations, None).await;
        FlowVisibility { handler, services: Mutex::new(services), vars: checked.vars }
    }

    /// Builds the clients that the handlers of a flow take. The faults are in what [`clients`](Self::clients) returns.
    pub(in crate::runtime) async fn build_clients(&mut self, plan: &FlowPlan) {
        let FlowPlan { flow, handlers, .. } = plan;
        self.services(handlers.iter(), flow.environment().integrations(), flow.strategy()).await;
        self.take_diagnostics();
    }

    /// Returns the clients that were built, or could not be.
    pub(in crate::runtime) fn clients(&self) -> impl Iterator<Item = &BuiltClient> {
        self.clients.values()
    }

    /// Returns what the handlers can extract: registered values, and clients built for the rest, which are returned beside it.
    async fn services(
        &mut self,
        records: impl IntoIterator<Item = &'static HandlerRecord>,
        integrations: &BTreeMap<String, Integration>,
        strategy: Option<&Strategy>,
    ) -> (Arc<Services>, Vec<BuiltClient>) {
        let registered = self.builder.services.clone().build();
        let (mut services, mut clients) = (self.builder.services.clone(), Vec::new());
        for record in records {
            for requirement in requirements(record) {
                if registered.satisfies(&Requires::Integration(*requirement)) {
                    continue;
                }
                let Some(integration) = integration_for(integrations, strategy, requirement) else { continue };
                let built = self.client(requirement, integration, record).await;
                match &built.client {
                    Ok(client) => services = services.client_for(requirement, client.clone()),
                    // Every flow that needs the client has the fault.
                    Err(faults) => self.diagnostics.extend(faults.iter().cloned()),
                }
                clients.push(built);
            }
        }
        let key_value = self.builder.key_value.clone().unwrap_or_else(|| self.builder.values.clone().into());
        (services.directory(self.directory.clone()).key_value(key_value).build(), clients)
    }

    async fn client(
        &mut self,
        requirement: &IntegrationRequirement,
        integration: &Integration,
        record: &'static HandlerRecord,
    ) -> BuiltClient {
        let (integration_type, name) = (integration.kind().to_owned(), integration.name().to_string());
        let key = (integration_type.clone(), name.clone(), requirement.type_id());
        if let Some(built) = self.clients.get(&key) {
            return built.clone();
        }
        let before = self.diagnostics.len();
        let client = self.new_client(requirement, integration, record).await;
        let client = client.ok_or(self.diagnostics.split_off(before));
        let built = BuiltClient { requirement: *requirement, integration_type, integration: name, client };
        self.clients.insert(key, built.clone());
        built
    }

    async fn new_client(
        &mut self,
        requirement: &IntegrationRequirement,
        integration: &Integration,
        record: &'static HandlerRecord,
    ) -> Option<AnyClient> {
        let no_secrets = BTreeMap::new();
        let config = IntegrationConfig::new(integration, &no_secrets).with_directory(self.directory);
        let config = config.with_outbox(&self.builder.outbox);
        if let Some(build) = self.builder.fakes.get(&requirement.type_id()) {
            return self.or_report("fake of integration", integration.name(), build(&config), &record.location());
        }
        if self.builder.simulated {
            let simulated = requirement.simulated(&config);
            let simulated =
                self.or_report("simulated integration", integration.name(), simulated, &record.location())?;
            if simulated.is_none() {
                let message = format!("`{}` has no fake for simulations", requirement.type_name());
                let hint = "give one with `App::fake`, or write `IntegrationClient::simulated`";
                self.diagnostics.push(Diagnostic::error(record.location(), message).with_hint(hint));
            }
            return simulated;
        }
        let secrets = self.secrets_of(integration, &record.location()).await?;
        let config = IntegrationConfig::new(integration, &secrets).with_directory(self.directory);
        let client = requirement.build(&config);
        self.or_report("integration", integration.name(), client, &record.location())
    }

    /// Builds a strategy, or reports why that is not possible. A simulation may script its outcomes.
    pub(in crate::runtime) async fn strategy(
        &mut self,
        strategy: &Strategy,
        location: &SourceLocation,
    ) -> Option<Arc<dyn DynAccessStrategy>> {
        let built = self.unscripted_strategy(strategy, location).await?;
        #[cfg(feature = "cli")]
        if let Some(outcomes) = &self.builder.scripted_outcomes {
            return Some(Arc::new(ScriptedStrategy::new(built, outcomes.clone())));
        }
        Some(built)
    }

    async fn unscripted_strategy(
        &mut self,
        strategy: &Strategy,
        location: &SourceLocation,
    ) -> Option<Arc<dyn DynAccessStrategy>> {
        let Some(kind) = self.builder.strategy_type_of(strategy) else {
            if self.builder.simulated {
                return Some(Arc::new(SimulatedStrategy::default()));
            }
            self.diagnostics.push(self.builder.no_strategy_type(strategy, location));
            return None;
        };
        let (mut secrets, mut of_integration) = (BTreeMap::new(), BTreeMap::new());
        // A simulation reads no secrets.
        if !self.builder.simulated {
            let own = strategy.secrets().iter().map(|(setting, secret)| (&**setting, secret));
            secrets = self.secrets_in(own, location).await?;
            if let Some(integration) = strategy.integration() {
                of_integration = self.secrets_of(integration, location).await?;
            }
        }
        let integration = strategy
            .integration()
            .map(|integration| IntegrationConfig::new(integration, &of_integration).with_directory(self.directory));
        let built = kind.build(&StrategyConfig { strategy, integration, secrets: &secrets });
        self.or_report("strategy", strategy.name(), built, location)
    }

    /// Returns a shipper for each destination, registered or configured, and the faults of those that cannot be used. Their names must
    /// differ. `declared` are the names of all flows.
    pub(super) async fn audit_shippers(
        &mut self,
        checked: Vec<CheckedLogDestination>,
        declared: BTreeSet<String>,
    ) -> (Vec<AuditShipper>, Vec<PartFaults>) {
        let declared = Arc::new(declared);
        let mut faults = Vec::new();
        let registered = self.builder.destinations.iter();
        let mut built: Vec<_> =
            registered.map(|registered| AuditShipper::new(registered.clone(), FlowSelector::All)).collect();
        // A simulation reads no secrets, and ships to no configured destination.
        for checked in checked.into_iter().filter(|_| !self.builder.simulated) {
            if let Some(destination) = self.log_destination(&checked).await {
                let selector = FlowSelector::Flows { wanted: checked.flows, declared: declared.clone() };
                built.push(AuditShipper::new(destination, selector));
            }
            let name = checked.destination.name();
            faults.extend(PartFaults::of(UnavailablePart::LogDestination, name, self.take_diagnostics()));
        }
        let (mut names, mut shippers) = (BTreeSet::new(), Vec::new());
        for shipper in built {
            let name = shipper.name().to_owned();
            if names.insert(name.clone()) {
                shippers.push(shipper);
            } else {
                let message = format!("two destinations of the audit log have the name `{name}`");
                let hint = "give one of them another name: the store remembers by it what was delivered";
                let fault = Diagnostic::error(SourceLocation::default(), message).with_hint(hint);
                faults.extend(PartFaults::of(UnavailablePart::LogDestination, &name, vec![fault]));
            }
        }
        (shippers, faults)
    }

    async fn log_destination(&mut self, checked: &CheckedLogDestination) -> Option<Arc<dyn AuditDestination>> {
        let CheckedLogDestination { destination, location, .. } = checked;
        let Some(kind) = self.builder.destination_type_of(destination) else {
            self.diagnostics.extend(self.builder.no_destination_type(checked));
            return None;
        };
        let secrets = self
            .secrets_in(destination.secrets().iter().map(|(setting, secret)| (&**setting, secret)), location)
            .await?;
        let of_integration = match destination.integration() {
            Some(integration) => self.secrets_of(integration, location).await?,
            None => BTreeMap::new(),
        };
        let integration = destination
            .integration()
            .map(|integration| IntegrationConfig::new(integration, &of_integration).with_directory(self.directory));
        let built = kind.build(&LogDestinationConfig { destination, integration, secrets: &secrets });
        self.or_report("log destination", destination.name(), built, location)
    }

    /// Returns the value, or `None` after reporting the error.
    pub(super) fn or_report<T>(
        &mut self,
        what: &str,
        name: &str,
        result: Result<T, Error>,
        location: &SourceLocation,
    ) -> Option<T> {
        let error = match result {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        let message = format!("{what} `{name}` cannot be used: {error}");
        self.diagnostics.push(Diagnostic::error(location.clone(), message).with_hint_if(error.hint()));
        None
    }

    /// Reads the secrets of an integration, by the names of their settings; `None` if one of them is not available.
    pub(super) async fn secrets_of(
        &mut self,
        integration: &Integration,
        location: &SourceLocation,
    ) -> Option<BTreeMap<String, SecretString>> {
        let listed = integration.secret_list().iter().map(|secret| (&**secret.name(), secret));
        let set = integration.secrets().iter().map(|(setting, secret)| (&**setting, secret));
        self.secrets_in(set.chain(listed), location).await
    }

    /// Reads the values of secrets, by setting; `None` if one of them is not available.
    async fn secrets_in<'s>(
        &mut self,
        named: impl Iterator<Item = (&'s str, &'s Secret)>,
        location: &SourceLocation,
    ) -> Option<BTreeMap<String, SecretString>> {
        let diagnostics = self.diagnostics.len();
        let mut secrets = BTreeMap::new();
        for (setting, secret) in named {
            match self.secret(secret).await {
                Ok(value) => {
                    secrets.insert(setting.to_owned(), value);
                }
                Err(diagnostic) if diagnostic.location == SourceLocation::default() => {
                    self.diagnostics.push(Diagnostic { location: location.clone(), ..diagnostic });
                }
                Err(diagnostic) => self.diagnostics.push(diagnostic),
            }
        }
        (self.diagnostics.len() == diagnostics).then_some(secrets)
    }

    /// Returns the location of a secret's declaration, where it is mended; the default if it has none.
    fn declaration_of(&self, secret: &Secret) -> SourceLocation {
        let mut declared = self.builder.config.secrets.iter();
        let own = declared.find(|declared| declared.name.eq_ignore_ascii_case(secret.name()));
        own.map(|declared| declared.location.clone()).unwrap_or_default()
    }

    async fn secret(&mut self, secret: &Secret) -> Result<SecretString, Diagnostic> {
        if let Some(known) = self.secrets.get(&**secret.name()) {
            return known.clone();
        }
        let what = format!("reading secret `{}`", secret.name());
        let read =
            call_bounded(&*self.builder.clock, SECRET_TIMEOUT, || what, read_secret(&self.builder.secrets, secret))
                .await;
        let read = read.and_then(|read| read).map_err(|error| {
            Diagnostic::error(self.declaration_of(secret), error.to_string()).with_hint_if(error.hint())
        });
        self.secrets.insert(secret.name().to_string(), read.clone());
        read
    }
}
