//! The builder of a runtime: it checks the configuration against the registered handlers and types, assigns handlers to flows, and
//! builds the clients, strategies and front ends that they need.
//!
//! Building has two phases. [`Builder::check`] plans without touching anything, so that `check` can run anywhere and reports all
//! errors at once. Only then are secrets read and clients built, again reporting everything that fails.
//!
//! Every error is attributed to what it concerns: a flow, a front end, or the whole program. [`Builder::build`] returns the errors;
//! [`Builder::build_degraded`] builds the rest, because a program that does not start revokes nothing.

mod assembler;
mod build;
#[cfg(feature = "server")]
mod front_ends;
mod plan;
mod requirements;
mod types;

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::audit_anchors::AuditAnchors;
use super::background_tasks::PeriodicReconcile;
use super::limits::Limits;
use super::output_secrets::OutputKey;
use super::plugin::Plugin;
use super::reconcile::Reconcile;
use super::secrets::{DynSecretReader, LocalSecrets, SecretReader};
#[cfg(feature = "api")]
use super::sign_in::SignInProxy;
use super::sign_in::{IdentityProvider, SignIn, SignInFactory, SignInMethod, SignInRules};
use super::token_exchange::WorkloadTokenVerifier;
use crate::audit::{AuditDestination, LogDestinationType};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, IntegrationSchema, Schemas};
#[cfg(feature = "cli")]
use crate::delivery::Undeliverable;
use crate::delivery::{Delivery, DynDelivery};
use crate::directory::{Directory, DirectoryStore, KeyValue, KeyValueStore, MemoryDirectory, MemoryKeyValue};
#[cfg(feature = "sqlite")]
use crate::engine::SqliteStore;
use crate::engine::{self, EngineFactory, MemoryStore, Store};
use crate::error::Result;
use crate::handler::{AnyClient, Registry, Services, ServicesBuilder};
use crate::integration::{BuildFake, Fake, IntegrationClient, IntegrationConfig, Outbox};
#[cfg(feature = "cli")]
use crate::strategy::ScriptedOutcomes;
use crate::strategy::{AccessStrategy, StrategyConfig, StrategyType};
pub(super) use assembler::{BuiltClient, RuntimeAssembler};
pub use plan::HandlerUsage;
pub(super) use plan::{FilterPlan, FlowHandlers, FlowPlan};

/// Builds a [`Runtime`](super::Runtime).
#[must_use = "a builder does nothing until `build` is called"]
pub struct Builder {
    pub(super) config: Config,
    pub(super) registry: Registry,
    services: ServicesBuilder,
    /// The functions that build the clients of fakes, by the types of the clients.
    fakes: HashMap<TypeId, Arc<BuildFake<AnyClient>>>,
    deliveries: Vec<Arc<dyn DynDelivery>>,
    strategies: Vec<StrategyType>,
    secrets: Vec<Arc<dyn DynSecretReader>>,
    clock: Arc<dyn Clock>,
    /// `None` for Runs in memory.
    engine: Option<Box<dyn EngineFactory>>,
    users: Arc<dyn DirectoryStore>,
    directory: Option<Directory>,
    values: Arc<dyn KeyValueStore>,
    key_value: Option<KeyValue>,
    limits: Limits,
    output_keys: Vec<OutputKey>,
    plus_aliases: bool,
    reproducible_ids: bool,
    retention: Option<Duration>,
    destinations: Vec<Arc<dyn AuditDestination>>,
    audit_anchors: Option<AuditAnchors>,
    destination_types: Vec<LogDestinationType>,
    /// The providers of types of strategies and log destinations, which may not be registered, by type.
    available_types: BTreeMap<String, String>,
    /// The schemas of all types that were registered. They outlast `cut_off`, so that simulations check the same rules.
    schemas: Schemas,
    periodic_reconcile: Option<PeriodicReconcile>,
    #[cfg(feature = "server")]
    front_ends: front_ends::RegisteredFrontEnds,
    simulated: bool,
    /// Whether the store is only read, so that nothing in it is resumed.
    is_read_only: bool,
    has_unknown_approvers: bool,
    workload_verifier: Option<Arc<dyn WorkloadTokenVerifier>>,
    sign_in: Option<Arc<SignIn>>,
    sign_in_factory: Option<Arc<dyn SignInFactory>>,
    outbox: Outbox,
    /// The outcomes of strategies that a simulation scripts.
    #[cfg(feature = "cli")]
    scripted_outcomes: Option<ScriptedOutcomes>,
    /// The destinations to which a simulation delivers nothing.
    #[cfg(feature = "cli")]
    undeliverable: Option<Undeliverable>,
}

impl Builder {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            registry: Registry::linked(),
            services: Services::builder(),
            fakes: HashMap::new(),
            deliveries: Vec::new(),
            strategies: Vec::new(),
            secrets: vec![Arc::new(LocalSecrets::new())],
            clock: Arc::new(SystemClock),
            engine: None,
            users: Arc::new(MemoryDirectory::new()),
            directory: None,
            values: Arc::new(MemoryKeyValue::new()),
            key_value: None,
            limits: Limits::default(),
            output_keys: Vec::new(),
            plus_aliases: true,
            reproducible_ids: false,
            retention: None,
            destinations: Vec::new(),
            audit_anchors: None,
            destination_types: Vec::new(),
            available_types: BTreeMap::new(),
            schemas: Schemas::new(),
            periodic_reconcile: Some(PeriodicReconcile::default()),
            #[cfg(feature = "server")]
            front_ends: front_ends::RegisteredFrontEnds::default(),
            simulated: false,
            is_read_only: false,
            has_unknown_approvers: false,
            workload_verifier: None,
            sign_in: None,
            sign_in_factory: None,
            outbox: Outbox::new(),
            #[cfg(feature = "cli")]
            scripted_outcomes: None,
            #[cfg(feature = "cli")]
            undeliverable: None,
        }
    }

    /// Returns the configuration, for plugins that depend on it.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Adds a plugin, such as `sym_integrations::all()`, as `App::with` does.
    pub fn with(self, plugin: impl Plugin) -> Self {
        plugin.install(self)
    }

    /// Sets the handlers. The default is all handlers that are linked into the program.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// Names what provides a type of strategies or log destinations, such as ``feature `okta` of the crate `sym-integrations` ``, for the error
    /// about a configuration that needs the type while it is not registered.
    pub fn available_type(mut self, kind: impl Into<String>, provided_by: impl Into<String>) -> Self {
        self.available_types.insert(kind.into(), provided_by.into());
        self
    }

    /// Adds a client that handlers take as `&T`, instead of one built from the configuration.
    pub fn client<T: IntegrationClient>(mut self, client: T) -> Self {
        self.services = self.services.client(client);
        self
    }

    /// Adds a fake of a service, from which the client that handlers take as `&T` comes, instead of being built from the configuration. A
    /// later fake or [client](Self::client) of the type replaces it.
    pub fn fake<F: Fake>(mut self, fake: F) -> Self {
        match fake.into_client().into_parts() {
            Ok(client) => return self.client(client),
            Err(build) => {
                let build = move |config: &IntegrationConfig<'_>| Ok(Arc::new(build(config)?) as AnyClient);
                self.fakes.insert(TypeId::of::<F::Client>(), Arc::new(build));
            }
        }
        self.services = self.services.without_client::<F::Client>();
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

    /// Adds the strategy of type `custom` with this name in the configuration, built by this function.
    ///
    /// For a schema of its settings, see [`Builder::strategy_type`] and [`StrategyType::custom`].
    pub fn strategy<S, B>(self, name: impl Into<String>, build: B) -> Self
    where
        S: AccessStrategy,
        B: Fn(&StrategyConfig<'_>) -> Result<S> + Send + Sync + 'static,
    {
        self.strategy_type(StrategyType::custom(name, build))
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

    /// Sets the verifier of the tokens that CI services sign for their jobs, which are then exchanged for tokens of bots: see
    /// [`Runtime::exchange_token`](super::Runtime::exchange_token). There is none by default; `sym_integrations::all` adds one with the
    /// feature `oidc`.
    pub fn workload_verifier(mut self, verifier: impl WorkloadTokenVerifier) -> Self {
        self.workload_verifier = Some(Arc::new(verifier));
        self
    }

    /// Sets the identity provider at which people sign in, and the rules for them. There is none by default, and nobody can sign in then.
    pub fn identity_provider(self, provider: impl IdentityProvider, rules: SignInRules) -> Self {
        self.shared_identity_provider(Arc::new(provider), rules)
    }

    pub(crate) fn shared_identity_provider(mut self, provider: Arc<dyn IdentityProvider>, rules: SignInRules) -> Self {
        self.sign_in = Some(Arc::new(SignIn { method: SignInMethod::Provider(provider), rules }));
        self
    }

    /// Lets a proxy in front of the server sign people in, instead of an identity provider.
    #[cfg(feature = "api")]
    #[cfg_attr(docsrs, doc(cfg(feature = "api")))]
    pub fn sign_in_proxy(mut self, proxy: SignInProxy) -> Self {
        self.sign_in = Some(Arc::new(proxy.into()));
        self
    }

    /// Sets the factory of what people sign in with, for `serve --oidc-issuer` and `serve --proxy-issuer`. There is none by default;
    /// `sym_integrations::all` adds one with the feature `oidc`.
    pub fn sign_in_factory(mut self, factory: impl SignInFactory) -> Self {
        self.sign_in_factory = Some(Arc::new(factory));
        self
    }

    /// Returns the factory of what people sign in with.
    #[cfg(all(feature = "console", feature = "cli"))]
    pub(crate) fn factory_of_sign_in(&self) -> Option<Arc<dyn SignInFactory>> {
        self.sign_in_factory.clone()
    }

    /// Returns whether people can sign in.
    #[cfg(all(feature = "console", feature = "cli"))]
    pub(crate) fn signs_people_in(&self) -> bool {
        self.sign_in.is_some()
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
        self.engine = Some(Box::new(engine));
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

    /// Keeps Runs here, and users and the values of handlers in memory. People get ids that are the same in each run.
    pub(crate) fn in_memory(mut self, store: Arc<MemoryStore>) -> Self {
        self.users = Arc::new(MemoryDirectory::new());
        self.values = Arc::new(MemoryKeyValue::new());
        self.reproducible_ids = true;
        self.store(store)
    }

    /// Keeps users here, in memory. The settings of the directory are the builder's.
    #[cfg(all(feature = "cli", feature = "sqlite"))]
    pub(crate) fn users(mut self, users: MemoryDirectory) -> Self {
        self.users = Arc::new(users);
        self.reproducible_ids = true;
        self
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

    /// Sets the interval of [reconciliation](super::Runtime::reconcile), of at least one second, and the repairs that it may make. While workers
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

    /// Adds a destination of audit entries, for those of all flows. They are shipped while workers run: see [`Runtime::start`](super::Runtime::start).
    pub fn audit_destination(mut self, destination: impl AuditDestination) -> Self {
        self.destinations.push(Arc::new(destination));
        self
    }

    /// Has the workers write anchors of the audit log, which show later that it was not rewritten. A simulation writes none.
    pub fn audit_anchors(mut self, anchors: AuditAnchors) -> Self {
        self.audit_anchors = Some(anchors);
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

    /// Sets whether e-mail addresses that differ only by a tag, such as `ana+test@example.com`, count as those of one person. They do by
    /// default. A [directory](Self::directory) that is set has a setting of its own; see [`Directory::with_plus_aliases`].
    pub fn plus_aliases(mut self, plus_aliases: bool) -> Self {
        self.plus_aliases = plus_aliases;
        self
    }

    /// Adds a key for the [secrets](crate::model::SecretOutput) in outputs of steps. The first key encrypts what is stored, and all keys
    /// decrypt, so that a key can be replaced. Without a key such secrets are not stored, and a restart before the `after_` hook of the step
    /// loses them.
    pub fn output_key(mut self, key: OutputKey) -> Self {
        self.output_keys.push(key);
        self
    }

    /// Sets how long finished Runs, and forms that were not submitted, are retained while workers run. The default is forever. The
    /// audit log is not affected. See also [`Runtime::prune`](super::Runtime::prune).
    pub fn keep_finished_runs_for(mut self, age: Duration) -> Self {
        self.retention = Some(age);
        self
    }

    /// Removes everything registered so far that reaches outside: clients, strategies, front ends, readers of secrets and
    /// destinations of the audit log.
    #[cfg(feature = "cli")]
    pub(crate) fn cut_off(mut self) -> Self {
        self.services = self.services.without_clients();
        self.fakes.clear();
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

    /// Says that the store is only read: what is in it stays as it is, and its program goes on with it.
    #[cfg(all(feature = "api", feature = "cli", feature = "remote", feature = "sqlite"))]
    pub(crate) fn read_only(mut self) -> Self {
        self.is_read_only = true;
        self
    }

    /// Says that people whom the directory does not know will decide, so that their number is not known.
    #[cfg(feature = "cli")]
    pub(crate) fn unknown_approvers(mut self) -> Self {
        self.has_unknown_approvers = true;
        self
    }

    /// Sets the scripted outcomes of strategies, for simulations.
    #[cfg(feature = "cli")]
    pub(crate) fn scripted_outcomes(mut self, outcomes: ScriptedOutcomes) -> Self {
        self.scripted_outcomes = Some(outcomes);
        self
    }

    /// Sets the destinations to which nothing can be delivered, for simulations.
    #[cfg(feature = "cli")]
    pub(crate) fn undeliverable(mut self, destinations: Undeliverable) -> Self {
        self.undeliverable = Some(destinations);
        self
    }

    /// Sets the outbox in which simulated clients record what they would have sent. A
    /// [`Simulation`](crate::simulation::Simulation) sets its own.
    pub fn outbox(mut self, outbox: Outbox) -> Self {
        self.outbox = outbox;
        self
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("registry", &self.registry)
            .field("simulated", &self.simulated)
            .finish_non_exhaustive()
    }
}
