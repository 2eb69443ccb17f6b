//! The builder of a [`Harness`].

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Harness, RecordingDelivery, RecordingStrategy};
use crate::config::{Config, Diagnostics, Environment, Flow, Integration, Reference, Strategy, Target};
use crate::delivery::Delivery;
use crate::handler::Registry;
use crate::integration::{Fake, IntegrationClient, Outbox};
use crate::model::{User, UserRole};
use crate::runtime::{Builder, Limits, Runtime};
use crate::simulation::Simulation;
use crate::strategy::{AccessStrategy, StrategyType};

/// The e-mail domain of an organization without any.
const DOMAIN: &str = "example.com";

/// The name and the type of default declarations.
const DEFAULT: &str = "test";

/// The start time by default, in seconds since the Unix epoch: a leap day.
const START: i64 = 1_709_208_000;

type Change = Box<dyn FnOnce(Builder) -> Builder + Send>;

/// A builder of a [`Harness`]. Nothing external is touched: secrets are not read, and everything that was not passed is simulated.
///
/// ```
/// # use sym_sdk::prelude::*;
/// use sym_sdk::config::PromptField;
/// use sym_sdk::testing::Harness;
/// # #[reducer]
/// # fn get_permissions() -> RequestPermission {
/// #     RequestPermission::admins_only()
/// # }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let harness = Harness::builder()
///     .access_flow("prod", ["admins", "readers"])
///     .declare(|config| {
///         config.flows[0].params.prompt_fields.push(PromptField {
///             name: "reason".into(),
///             field_type: "string".into(),
///             ..PromptField::default()
///         });
///     })
///     .handlers(sym_sdk::handlers![get_permissions])
///     .admin("ada@example.com")
///     .at("2024-12-31T23:59:59Z".parse()?)
///     .build()
///     .await?;
/// assert_eq!(harness.runtime().flow("prod")?.fields().len(), 1);
/// # Ok(())
/// # }
/// ```
#[must_use = "a builder does nothing until `build` is called"]
#[derive(Default)]
pub struct HarnessBuilder {
    config: Config,
    diagnostics: Vec<crate::config::Diagnostic>,
    changes: Vec<Change>,
    strategies: Vec<StrategyType>,
    outbox: Outbox,
    people: Vec<Person>,
    domains: Vec<String>,
    at: Option<Timestamp>,
    idle_timeout: Option<Duration>,
}

enum Person {
    User(User),
    Email(String, UserRole),
}

impl HarnessBuilder {
    /// Adds a flow without a strategy.
    pub fn approval_flow(self, name: &str) -> Self {
        self.flow(Flow { name: name.to_owned(), ..Flow::default() })
    }

    /// Adds a flow that grants access to targets of type `test`, with a strategy of type `test`.
    ///
    /// Flows that name the same target share it, and with it the access that is granted.
    pub fn access_flow<T: Into<String>>(mut self, name: &str, targets: impl IntoIterator<Item = T>) -> Self {
        let targets: Vec<String> = targets.into_iter().map(Into::into).collect();
        for name in &targets {
            if !self.config.targets.iter().any(|target| target.kind == DEFAULT && target.name == *name) {
                let target = Target { kind: DEFAULT.to_owned(), name: name.clone(), ..Target::default() };
                self.config.targets.push(target);
            }
        }
        if !self.config.integrations.iter().any(|integration| integration.kind == DEFAULT) {
            self.config.integrations.push(Integration {
                kind: DEFAULT.to_owned(),
                name: DEFAULT.to_owned(),
                external_id: DEFAULT.to_owned(),
                ..Integration::default()
            });
        }
        self.config.strategies.push(Strategy {
            kind: DEFAULT.to_owned(),
            name: name.to_owned(),
            integration: Some(Reference::typed(DEFAULT, DEFAULT)),
            targets: targets.into_iter().map(|name| Reference::typed(DEFAULT, name)).collect(),
            ..Strategy::default()
        });
        let mut flow = Flow { name: name.to_owned(), ..Flow::default() };
        flow.params.strategy = Some(Reference::typed(DEFAULT, name));
        self.flow(flow)
    }

    /// Adds a flow. Without an environment, it gets an empty one.
    pub fn flow(mut self, mut flow: Flow) -> Self {
        if flow.environment.is_empty() {
            flow.environment = DEFAULT.to_owned();
            if !self.config.environments.iter().any(|environment| environment.name == DEFAULT) {
                self.config.environments.push(Environment { name: DEFAULT.to_owned(), ..Environment::default() });
            }
        }
        self.config.flows.push(flow);
        self
    }

    /// Sets the configuration, replacing all earlier declarations.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Reads the configuration from the Terraform files in a directory, replacing all earlier declarations.
    #[cfg(feature = "terraform")]
    #[cfg_attr(docsrs, doc(cfg(feature = "terraform")))]
    pub fn terraform_dir(mut self, dir: impl AsRef<std::path::Path>) -> Self {
        match Config::from_terraform_dir(dir) {
            Ok(read) => self.config = read.config,
            Err(diagnostics) => self.diagnostics.extend(diagnostics),
        }
        self
    }

    /// Changes the configuration declared so far.
    pub fn declare(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Sets the handlers, such as `handlers![get_permissions]`. By default, those that are linked into the test.
    pub fn handlers(self, handlers: Registry) -> Self {
        self.runtime(move |runtime| runtime.registry(handlers))
    }

    /// Adds a client that handlers take as `&T`.
    pub fn client<T: IntegrationClient>(self, client: T) -> Self {
        self.runtime(move |runtime| runtime.client(client))
    }

    /// Adds the fake of a service, from which the client that handlers take as `&T` comes, as `App::fake` does: a client, or a type with
    /// answers that are set, such as the `Simulated…` types of `sym-integrations`. What it records is in [`Harness::outbox`].
    pub fn fake<F: Fake + Send + 'static>(self, fake: F) -> Self {
        self.runtime(move |runtime| runtime.fake(fake))
    }

    /// Adds a value that handlers take as `State<T>`.
    pub fn state<T: Send + Sync + 'static>(self, state: T) -> Self {
        self.runtime(move |runtime| runtime.state(state))
    }

    /// Sets the strategy for one type. Other types get a [`RecordingStrategy`].
    pub fn strategy(mut self, kind: impl Into<String>, strategy: impl AccessStrategy) -> Self {
        let strategy = Arc::new(strategy);
        self.strategies.push(StrategyType::new(kind, move |_| Ok(strategy.clone())));
        self
    }

    /// Sets the strategy of type `custom` with this name in the configuration.
    pub fn custom_strategy(mut self, name: impl Into<String>, strategy: impl AccessStrategy) -> Self {
        let strategy = Arc::new(strategy);
        self.strategies.push(StrategyType::custom(name, move |_| Ok(strategy.clone())));
        self
    }

    /// Adds a delivery. Destinations and users that it does not reach are left to the harness's own.
    pub fn delivery(self, delivery: impl Delivery) -> Self {
        self.runtime(move |runtime| runtime.delivery(delivery))
    }

    /// Sets the time limits of handlers and services.
    pub fn limits(self, limits: Limits) -> Self {
        self.runtime(move |runtime| runtime.limits(limits))
    }

    /// Changes the runtime's builder, for settings without a method of their own.
    pub fn runtime(mut self, change: impl FnOnce(Builder) -> Builder + Send + 'static) -> Self {
        self.changes.push(Box::new(change));
        self
    }

    /// Sets the outbox in which fakes record what they would have sent, for the timeline.
    pub fn outbox(mut self, outbox: Outbox) -> Self {
        self.outbox = outbox;
        self
    }

    /// Adds an e-mail domain of the organization, as `App::domain` does. Without any, it is `example.com`.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domains.push(domain.into());
        self
    }

    /// Adds a user. Members need not be added: people with an e-mail address in one of the organization's domains become members on
    /// first contact. The domain is `example.com` by default.
    pub fn user(mut self, user: User) -> Self {
        self.people.push(Person::User(user));
        self
    }

    /// Adds a user who is an admin.
    pub fn admin(self, email: impl Into<String>) -> Self {
        self.person(email, UserRole::Admin)
    }

    /// Adds a user who is a guest.
    pub fn guest(self, email: impl Into<String>) -> Self {
        self.person(email, UserRole::Guest)
    }

    fn person(mut self, email: impl Into<String>, role: UserRole) -> Self {
        self.people.push(Person::Email(email.into(), role));
        self
    }

    /// Sets the start time. 2024-02-29T12:00:00Z by default.
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = Some(at);
        self
    }

    /// Sets how long a handler or a service may be idle, in real time, before the clock advances to its time limit: see
    /// [`Simulation`]. A test of a handler that hangs takes this long.
    pub fn idle_timeout(mut self, idle_timeout: Duration) -> Self {
        self.idle_timeout = Some(idle_timeout);
        self
    }

    /// Builds the harness.
    ///
    /// # Errors
    /// All errors of the configuration and the handlers.
    pub async fn build(mut self) -> Result<Harness, Diagnostics> {
        Diagnostics::check(std::mem::take(&mut self.diagnostics))?;
        self.config.organization.domains.append(&mut self.domains);
        if self.config.organization.domains.is_empty() {
            self.config.organization.domains.push(DOMAIN.to_owned());
        }
        let delivery = RecordingDelivery::new();
        let strategies: BTreeMap<String, RecordingStrategy> = self
            .config
            .strategies
            .iter()
            .filter(|strategy| !self.strategies.iter().any(|given| given.is_for(&strategy.kind, &strategy.name)))
            .map(|strategy| (strategy.kind.clone(), RecordingStrategy::new()))
            .collect();
        let mut runtime = Runtime::builder(self.config);
        for change in self.changes {
            runtime = change(runtime);
        }
        runtime = runtime.delivery(delivery.clone()).simulated();
        for strategy in self.strategies {
            runtime = runtime.strategy_type(strategy);
        }
        for (kind, strategy) in &strategies {
            let strategy = strategy.clone();
            runtime = runtime.strategy_type(StrategyType::new(kind, move |_| Ok(strategy.clone())));
        }
        let start = self.at.unwrap_or_else(|| Timestamp::from_second(START).unwrap_or_default());
        let mut simulation = Simulation::start(runtime, start, self.outbox).await?;
        if let Some(idle_timeout) = self.idle_timeout {
            simulation = simulation.with_idle_timeout(idle_timeout);
        }
        add_people(&simulation, self.people).await?;
        Ok(Harness::new(simulation, delivery, strategies))
    }
}

async fn add_people(simulation: &Simulation, people: Vec<Person>) -> Result<(), Diagnostics> {
    let mut diagnostics = Vec::new();
    for person in people {
        let user = match person {
            Person::User(user) => Ok(user),
            Person::Email(email, role) => User::from_email(&email).map(|user| user.with_role(role)),
        };
        let added = match user {
            Ok(user) => simulation.runtime().directory().put_user(user).await.map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = added {
            diagnostics.push(
                crate::config::Diagnostic::error(Default::default(), error.to_string()).with_hint_if(error.hint()),
            );
        }
    }
    Diagnostics::check(diagnostics)
}

impl fmt::Debug for HarnessBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HarnessBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}
