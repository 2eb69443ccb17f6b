//! The builder of a runtime: it checks the configuration against the registered handlers and types, assigns handlers to flows, and
//! builds the clients, strategies and front ends that they need.
//!
//! Building has two phases. [`Builder::check`] plans without touching anything, so that `check` can run anywhere and reports all
//! errors at once. Only then are secrets read and clients built, again reporting everything that fails.

mod assembler;
#[cfg(feature = "server")]
mod front_ends;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::Runtime;
use super::background_tasks::PeriodicReconcile;
use super::effect_executor::EffectExecutor;
use super::flows::FlowEntries;
use super::limits::Limits;
use super::open_requests;
use super::reconcile::{RecentTargets, Reconcile};
use super::secrets::{DynSecretReader, LocalSecrets, SecretReader};
use super::startup_checks;
use crate::audit::{AuditDestination, LogDestinationType};
use crate::clock::{Clock, SystemClock};
use crate::config::{
    self, CheckedFlowsFilter, CheckedLogDestination, Config, Diagnostic, Diagnostics, Implementation,
    IntegrationSchema, Schemas, SourceLocation,
};
use crate::delivery::{Delivery, DynDelivery, SimulatedDelivery};
use crate::directory::{Directory, DirectoryStore, KeyValue, KeyValueStore, MemoryDirectory, MemoryKeyValue};
#[cfg(feature = "sqlite")]
use crate::engine::SqliteStore;
use crate::engine::{self, EngineContext, EngineFactory, MemoryStore, Store};
use crate::handler::{
    HandlerFn, HandlerKind, HandlerRecord, HandlerSet, IntegrationRequirement, Registry, Requires, Services,
    ServicesBuilder,
};
use crate::integration::IntegrationClient;
use crate::integration::Outbox;
use crate::model::{Flow, Integration, LogDestination, Strategy};
use crate::strategy::StrategyType;
use assembler::RuntimeAssembler;

/// Builds a [`Runtime`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct Builder {
    pub(super) config: Config,
    pub(super) registry: Registry,
    services: ServicesBuilder,
    deliveries: Vec<Arc<dyn DynDelivery>>,
    strategies: Vec<StrategyType>,
    secrets: Vec<Arc<dyn DynSecretReader>>,
    clock: Arc<dyn Clock>,
    engine: Box<dyn EngineFactory>,
    users: Arc<dyn DirectoryStore>,
    directory: Option<Directory>,
    values: Arc<dyn KeyValueStore>,
    key_value: Option<KeyValue>,
    limits: Limits,
    retention: Option<Duration>,
    destinations: Vec<Arc<dyn AuditDestination>>,
    destination_types: Vec<LogDestinationType>,
    /// The schemas of all types that were registered. They outlast `cut_off`, so that simulations check the same rules.
    schemas: Schemas,
    periodic_reconcile: Option<PeriodicReconcile>,
    #[cfg(feature = "server")]
    front_ends: front_ends::RegisteredFrontEnds,
    simulated: bool,
    has_unknown_approvers: bool,
    outbox: Outbox,
}

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
pub(super) struct FlowHandlers<'a> {
    pub(super) declared: &'a config::Flow,
    pub(super) handlers: HandlerSet,
}

impl FlowHandlers<'_> {
    /// Returns whether the flow uses a handler.
    pub(super) fn uses(&self, record: &'static HandlerRecord) -> bool {
        self.handlers.iter().any(|own| std::ptr::eq(own, record))
    }
}

/// A flow and its handlers, before anything is built.
struct FlowPlan {
    flow: Arc<Flow>,
    handlers: HandlerSet,
    location: SourceLocation,
}

/// The flows filter and its handler, before anything is built.
struct FilterPlan {
    handler: HandlerFn<Vec<Arc<Flow>>>,
    checked: CheckedFlowsFilter,
}

/// The result of the planning phase.
#[derive(Default)]
struct Plan {
    flows: Vec<FlowPlan>,
    filter: Option<FilterPlan>,
    log_destinations: Vec<CheckedLogDestination>,
    diagnostics: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

impl Builder {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            registry: Registry::linked(),
            services: Services::builder(),
            deliveries: Vec::new(),
            strategies: Vec::new(),
            secrets: vec![Arc::new(LocalSecrets::new())],
            clock: Arc::new(SystemClock),
            engine: Box::new(engine::local(Arc::new(MemoryStore::new()))),
            users: Arc::new(MemoryDirectory::new()),
            directory: None,
            values: Arc::new(MemoryKeyValue::new()),
            key_value: None,
            limits: Limits::default(),
            retention: None,
            destinations: Vec::new(),
            destination_types: Vec::new(),
            schemas: Schemas::new(),
            periodic_reconcile: Some(PeriodicReconcile::default()),
            #[cfg(feature = "server")]
            front_ends: front_ends::RegisteredFrontEnds::default(),
            simulated: false,
            has_unknown_approvers: false,
            outbox: Outbox::new(),
        }
    }

    /// Returns the configuration, for plugins that depend on it.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Sets the handlers. The default is all handlers that are linked into the program.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// Adds a client that handlers take as `&T`, instead of one built from the configuration.
    pub fn client<T: IntegrationClient>(mut self, client: T) -> Self {
        self.services = self.services.client(client);
        self
    }

    /// Adds a value that handlers take as `State<T>`.
    pub fn state<T: Send + Sync + 'static>(mut self, state: T) -> Self {
        self.services = self.services.state(state);
        self
    }

    /// Adds a delivery. A destination that several can reach is left to the one that was added first.
    pub fn delivery(mut self, delivery: impl Delivery) -> Self {
        self.deliveries.push(Arc::new(delivery));
        self
    }

    /// Adds a type of strategies. It overrides an earlier one of the same type, and of the same name if it is for one strategy
    /// only.
    pub fn strategy_type(mut self, strategy: StrategyType) -> Self {
        self.schemas.add_strategy(strategy.kind(), strategy.name(), *strategy.schema());
        self.strategies.retain(|known| !strategy.overrides(known));
        self.strategies.push(strategy);
        self
    }

    /// Adds a reader of secrets. A secret that several can read is left to the one that was added last.
    pub fn secrets(mut self, reader: impl SecretReader) -> Self {
        self.secrets.insert(0, Arc::new(reader));
        self
    }

    /// Sets the clock. The default is the system clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the store of the Runs, which are driven by the [local engine](crate::engine::local). By default, they are in memory.
    pub fn store(self, store: Arc<dyn Store>) -> Self {
        self.engine(engine::local(store))
    }

    /// Sets the engine that drives the Runs. By default, it is the local one.
    pub fn engine(mut self, engine: impl EngineFactory) -> Self {
        self.engine = Box::new(engine);
        self
    }

    /// Keeps Runs, users and the values of handlers in this file. A directory and values that are given with
    /// [`Builder::directory`] and [`Builder::key_value`] are used all the same.
    #[cfg(feature = "sqlite")]
    #[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
    pub fn sqlite(mut self, store: Arc<SqliteStore>) -> Self {
        self.users = store.clone();
        self.values = store.clone();
        self.store(store)
    }

    /// Keeps Runs here, and users and the values of handlers in memory.
    pub(crate) fn in_memory(mut self, store: Arc<MemoryStore>) -> Self {
        self.users = Arc::new(MemoryDirectory::new());
        self.values = Arc::new(MemoryKeyValue::new());
        self.store(store)
    }

    /// Sets the user directory. The default is the file of [`Builder::sqlite`], or memory. The runtime sets the directory's clock
    /// to its own, and makes it count the events of the runtime's Runs.
    pub fn directory(mut self, directory: Directory) -> Self {
        self.directory = Some(directory);
        self
    }

    /// Sets the store of handlers' values. The default is the file of [`Builder::sqlite`], or memory.
    pub fn key_value(mut self, key_value: KeyValue) -> Self {
        self.key_value = Some(key_value);
        self
    }

    /// Sets the limits of handlers, services and inputs.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the interval of [reconciliation](Runtime::reconcile), of at least one second, and the repairs that it may make. While workers
    /// run, access is reconciled when they start and then at this interval. By default it is hourly, and differences are only reported.
    /// Simulated runtimes do not reconcile unless this is set.
    pub fn reconcile_every(mut self, interval: Duration, options: Reconcile) -> Self {
        self.periodic_reconcile = Some(PeriodicReconcile::new(interval, options));
        self
    }

    /// Disables reconciliation by the workers.
    pub fn without_reconcile(mut self) -> Self {
        self.periodic_reconcile = None;
        self
    }

    /// Adds a destination of audit entries, for those of all flows. They are shipped while workers run: see [`Runtime::start`].
    pub fn audit_destination(mut self, destination: impl AuditDestination) -> Self {
        self.destinations.push(Arc::new(destination));
        self
    }

    /// Registers a type of integrations, so that every integration of the type is checked against its schema. The types of the
    /// clients that handlers take are registered without this.
    pub fn integration_type<T: IntegrationClient>(mut self) -> Self {
        self.schemas.add_integration(IntegrationSchema::new(T::TYPE, T::SETTINGS).with_key(T::KEY));
        self
    }

    /// Adds a type of log destinations. It overrides an earlier one of the same type.
    pub fn log_destination_type(mut self, destination: LogDestinationType) -> Self {
        self.schemas.add_log_destination(destination.kind(), *destination.schema());
        self.destination_types.retain(|known| known.kind() != destination.kind());
        self.destination_types.push(destination);
        self
    }

    /// Sets how long finished Runs, and forms that were not submitted, are retained while workers run. The default is forever. The
    /// audit log is not affected. See also [`Runtime::prune`].
    pub fn keep_finished_runs_for(mut self, age: Duration) -> Self {
        self.retention = Some(age);
        self
    }

    /// Removes everything registered so far that reaches outside: clients, strategies, front ends, readers of secrets and
    /// destinations of the audit log.
    #[cfg(feature = "cli")]
    pub(crate) fn cut_off(mut self) -> Self {
        self.services = self.services.without_clients();
        self.deliveries.clear();
        self.strategies.clear();
        self.secrets.clear();
        self.destinations.clear();
        self.destination_types.clear();
        #[cfg(feature = "server")]
        self.front_ends.clear();
        self
    }

    /// Simulates everything outside the program: clients are the simulated ones of their types, strategies and deliveries only
    /// record, audit entries are not shipped, and no secret is read. What was registered explicitly is used as it is, except for
    /// types of log destinations and front ends.
    pub fn simulated(mut self) -> Self {
        self.simulated = true;
        if self.periodic_reconcile.as_ref().is_some_and(PeriodicReconcile::is_default) {
            self.periodic_reconcile = None;
        }
        self
    }

    /// Says that people whom the directory does not know will decide, so that their number is not known.
    #[cfg(feature = "cli")]
    pub(crate) fn unknown_approvers(mut self) -> Self {
        self.has_unknown_approvers = true;
        self
    }

    /// Sets the outbox in which simulated clients record what they would have sent. A
    /// [`Simulation`](crate::simulation::Simulation) sets its own.
    pub fn outbox(mut self, outbox: Outbox) -> Self {
        self.outbox = outbox;
        self
    }

    /// Checks the configuration and the handlers against each other. Builds nothing, and reads no secret.
    ///
    /// # Errors
    /// All faults.
    pub fn check(&self) -> Result<Vec<Arc<Flow>>, Diagnostics> {
        let plan = self.plan();
        Diagnostics::check(plan.diagnostics)?;
        Ok(plan.flows.into_iter().map(|plan| plan.flow).collect())
    }

    /// Returns the warnings about the configuration: declarations without effect, and access of whose failures nobody would hear.
    pub fn warnings(&self) -> Vec<Diagnostic> {
        self.plan().warnings
    }

    /// The handlers, and which flows take each. What is wrong with the configuration is left to [`Builder::check`].
    pub fn handlers(&self) -> Vec<HandlerUsage> {
        let (scoped, _) = self.scoped();
        let uses = self.registry.iter().map(|record| {
            let takers = scoped.iter().filter(|flow| flow.uses(record));
            HandlerUsage { record, flows: takers.map(|flow| flow.declared.name.to_lowercase()).collect() }
        });
        uses.collect()
    }

    /// Checks the configuration and builds the runtime.
    ///
    /// # Errors
    /// Returns all errors of the configuration and the handlers, or all secrets, clients and strategies that are not available. Also
    /// fails if a Run may hold access that could not be revoked: its flow is no longer declared, or the store has lost the expiry of
    /// the access and it cannot be restored.
    pub async fn build(self) -> Result<Runtime, Diagnostics> {
        let plan = self.plan();
        Diagnostics::check(plan.diagnostics)?;
        for warning in plan.warnings.iter().filter(|_| !self.simulated) {
            tracing::warn!("{warning}");
        }

        let domains = self.config.organization.domains.iter().map(String::as_str);
        let directory = self.directory.clone().unwrap_or_else(|| Directory::from_store(self.users.clone(), domains));
        let directory = directory.with_clock(self.clock.clone()).with_events(self.engine.event_source());
        let declared = plan.flows.iter().map(|plan| plan.flow.srn().slug().to_owned()).collect();
        let mut assembler = RuntimeAssembler::new(&self, &directory);
        #[cfg(feature = "server")]
        let front_ends = assembler.front_ends(&plan.flows).await;
        let mut entries = Vec::new();
        for flow in plan.flows {
            entries.extend(assembler.entry(flow).await);
        }
        let filter = match plan.filter {
            Some(filter) => Some(assembler.filter(filter).await),
            None => None,
        };
        let shippers = assembler.audit_shippers(plan.log_destinations, declared).await;
        Diagnostics::check(assembler.into_diagnostics())?;

        let mut deliveries = self.deliveries;
        #[cfg(feature = "server")]
        deliveries.extend(front_ends.deliveries());
        if self.simulated {
            deliveries.push(Arc::new(SimulatedDelivery::default()));
        }
        let executor = Arc::new(EffectExecutor {
            flows: entries.into_iter().collect::<FlowEntries>(),
            filter,
            deliveries,
            directory,
            clock: self.clock.clone(),
            limits: self.limits,
            has_unknown_approvers: self.has_unknown_approvers,
            engine: OnceLock::new(),
        });
        let (longest_effect, store_timeout) = (executor.limits.longest_effect(), executor.limits.store);
        let context = EngineContext::new(executor.clone(), self.clock.clone(), longest_effect, store_timeout);
        let engine = match self.engine.create(context).await {
            Ok(engine) => engine,
            Err(error) => {
                let diagnostic =
                    Diagnostic::error(SourceLocation::default(), format!("the engine cannot be used: {error}"));
                return Err(diagnostic.with_hint_if(error.hint()).into());
            }
        };
        // Set once, here.
        let _ = executor.engine.set(Arc::downgrade(&engine));
        let drive = engine.clone().drive();
        Diagnostics::check(startup_checks::check_held_access(&*engine, &*self.clock, &executor.flows).await)?;
        if let Some(drive) = &drive {
            Diagnostics::check(startup_checks::clamp_due_times(&**drive).await)?;
        }
        open_requests::resume(&*engine, &*self.clock, &executor.flows).await;
        let (retention, periodic_reconcile) = (self.retention, self.periodic_reconcile);
        let values = self.key_value.unwrap_or_else(|| self.values.into());
        Ok(Runtime {
            executor,
            engine,
            drive,
            shippers: shippers.into(),
            retention,
            periodic_reconcile,
            recent_targets: RecentTargets::new(values),
            #[cfg(feature = "server")]
            front_ends,
        })
    }

    /// The registered schemas, and those of the clients that handlers take.
    fn schemas(&self) -> Schemas {
        let mut schemas = self.schemas.clone();
        for requirement in self.registry.iter().flat_map(requirements) {
            schemas.add_integration(*requirement.schema());
        }
        schemas
    }

    fn plan(&self) -> Plan {
        let mut plan = Plan::default();
        let (scoped, diagnostics) = self.scoped();
        let all_scoped = diagnostics.is_empty();
        plan.diagnostics.extend(diagnostics);
        plan.diagnostics.extend(scoped.iter().flat_map(startup_checks::flow));
        if all_scoped {
            plan.diagnostics.extend(startup_checks::unused(
                &self.registry,
                &scoped,
                self.config.flows_filter.is_some(),
            ));
        }
        let checked = match self.config.check_with(&self.schemas()) {
            Ok(checked) => checked,
            Err(diagnostics) => {
                plan.diagnostics.extend(diagnostics);
                return plan;
            }
        };
        for FlowHandlers { declared, handlers } in scoped {
            if let Some(flow) = checked.flows.get(&declared.name).cloned() {
                plan.flows.push(FlowPlan { flow, handlers, location: declared.location.clone() });
            }
        }
        plan.diagnostics.extend(checked.log_destinations.iter().filter_map(|log| self.no_destination_type(log)));
        plan.log_destinations = checked.log_destinations;
        plan.warnings = checked.warnings;
        if let Some(checked) = checked.flows_filter {
            match self.filter_plan(checked) {
                Ok(filter) => plan.filter = Some(filter),
                Err(diagnostics) => plan.diagnostics.extend(diagnostics),
            }
        }
        plan.diagnostics.extend(plan.flows.iter().flat_map(|plan| self.unmet(plan)));
        plan.diagnostics.extend(plan.filter.iter().flat_map(|filter| self.unmet_by_filter(filter)));
        plan
    }

    /// The flows as they are declared, each with its handlers. This does not need the rest of the configuration to be right.
    fn scoped(&self) -> (Vec<FlowHandlers<'_>>, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        if self.registry.is_empty() {
            diagnostics.extend(self.registry.select(None).err().into_iter().flatten());
            return (Vec::new(), diagnostics);
        }
        let mut scoped = Vec::new();
        for declared in &self.config.flows {
            match self.handlers_of(&declared.implementation, &declared.name) {
                Ok(handlers) => scoped.push(FlowHandlers { declared, handlers }),
                Err(found) => {
                    diagnostics.extend(found.into_iter().map(|diagnostic| at(diagnostic, &declared.location)))
                }
            }
        }
        (scoped, diagnostics)
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
        let mut diagnostics: Vec<_> = called.flat_map(|record| record.unmet_requirements(&services)).collect();
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
        filter.handler.unmet_requirements(&services).collect()
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

    fn strategy_type_of(&self, strategy: &Strategy) -> Option<&StrategyType> {
        StrategyType::of(&self.strategies, strategy)
    }

    fn destination_type_of(&self, destination: &LogDestination) -> Option<&LogDestinationType> {
        self.destination_types.iter().find(|known| known.kind() == destination.kind())
    }

    fn no_destination_type(&self, checked: &CheckedLogDestination) -> Option<Diagnostic> {
        let CheckedLogDestination { destination, location, .. } = checked;
        if self.simulated || self.destination_type_of(destination).is_some() {
            return None;
        }
        let (kind, name) = (destination.kind(), destination.name());
        let message = format!("log destination `{name}` has type `{kind}`, which is not registered");
        let registered = registered(self.destination_types.iter().map(LogDestinationType::kind));
        let hint = unregistered_hint("log_destination_type", "log destination", kind, &registered);
        Some(Diagnostic::error(location.clone(), message).with_hint(hint))
    }

    fn no_strategy_type(&self, strategy: &Strategy, location: &SourceLocation) -> Diagnostic {
        let (kind, name) = (strategy.kind(), strategy.name());
        let message = format!("strategy `{name}` has type `{kind}`, which is not registered");
        let registered = registered(self.strategies.iter());
        let hint = match kind {
            "custom" => {
                format!("{registered}; register it with `App::strategy_type` and `StrategyType::custom(\"{name}\", …)`")
            }
            kind => unregistered_hint("strategy_type", "strategy", kind, &registered),
        };
        Diagnostic::error(location.clone(), message).with_hint(hint)
    }
}

/// Advises how to register a type. `method` is that of `App` and `Builder`.
fn unregistered_hint(method: &str, noun: &str, kind: &str, registered: &str) -> String {
    let feature = kind.replace('_', "-");
    format!(
        "{registered}; if `{kind}` is a {noun} of sym-integrations, enable its feature `{feature}` and add \
         `.with(sym_integrations::all())`; otherwise register a type of your own with `{method}`"
    )
}

/// Lists the registered types for a hint.
fn registered(types: impl Iterator<Item = impl ToString>) -> String {
    let types: Vec<_> = types.map(|kind| kind.to_string()).collect();
    if types.is_empty() {
        "no types are registered".to_owned()
    } else {
        format!("registered types: {}", types.join(", "))
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

fn requirements(record: &'static HandlerRecord) -> impl Iterator<Item = &'static IntegrationRequirement> {
    record.requires().iter().filter_map(|requires| match requires {
        Requires::Integration(requirement) | Requires::Optional(Requires::Integration(requirement)) => {
            Some(requirement)
        }
        _ => None,
    })
}

/// Finds the integration that a handler's client is built from: the environment's, or else the strategy's.
fn integration_for<'a>(
    integrations: &'a BTreeMap<String, Integration>,
    strategy: Option<&'a Strategy>,
    requirement: &IntegrationRequirement,
) -> Option<&'a Integration> {
    let (kind, key) = (requirement.kind(), requirement.key());
    // A custom integration is known by its key: a client for `victorops` takes what stands under `victorops_id`.
    let by_key = integrations.get(key).filter(|integration| [kind, "custom"].contains(&integration.kind()));
    // Where clients share a type, what is meant for another one of them must not be taken in its place.
    let is_shared = kind != key;
    by_key.or_else(|| integrations.values().find(|integration| !is_shared && integration.kind() == kind)).or_else(
        || {
            let strategy = strategy.filter(|strategy| !is_shared || strategy.kind() == key)?;
            strategy.integration().filter(|integration| integration.kind() == kind)
        },
    )
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("registry", &self.registry)
            .field("simulated", &self.simulated)
            .finish_non_exhaustive()
    }
}
