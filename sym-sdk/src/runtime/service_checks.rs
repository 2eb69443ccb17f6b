//! Checks of clients and targets in their services, before anybody requests access.
//!
//! Only methods are called that change nothing. A [`Builder`] builds the clients and strategies for them, with their secrets, and needs
//! neither an engine nor a store, so this works beside a program that runs. A [`Runtime`] checks those that it has.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use futures_util::{StreamExt, stream};
use serde::Serialize;

use super::Runtime;
use super::bounded_call::call_bounded;
use super::builder::{Builder, BuiltClient, RuntimeAssembler};
use crate::clock::Clock;
use crate::config::{Diagnostic, Diagnostics};
use crate::error::{Error, ErrorKind, codes};
use crate::forms::format_duration;
use crate::machine::EffectError;
use crate::model::{AccessTarget, Flow, Strategy};
use crate::strategy::DynAccessStrategy;

/// The number of checks at once, of a program that does nothing else.
const CONCURRENCY: usize = 8;

/// The checks of all clients and targets of a configuration, in the order of their names and of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ServiceChecks {
    /// The clients that handlers take, and that are built from the configuration.
    pub clients: Vec<ClientCheck>,
    /// The targets of the strategies.
    pub targets: Vec<TargetCheck>,
}

impl ServiceChecks {
    /// Returns whether nothing is wrong.
    pub fn is_ok(&self) -> bool {
        self.clients.iter().all(|checked| checked.error.is_none())
            && self.targets.iter().all(|checked| checked.error.is_none())
    }
}

/// The check of the client of an integration.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ClientCheck {
    /// The type of the integration.
    pub integration_type: String,
    /// The name of the integration.
    pub integration: String,
    /// The key of the client in an environment, which differs from the type where several clients share one.
    pub key: String,
    /// The identity that the service takes the program for, or else the configured account; `None` if nothing was checked.
    pub identity: Option<String>,
    /// The reason why the client cannot be used; `None` if nothing is wrong, or nothing was checked.
    pub error: Option<EffectError>,
}

/// The check of one target of a strategy.
#[derive(Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TargetCheck {
    /// The type of the strategy.
    pub strategy_type: String,
    /// The name of the strategy.
    pub strategy: String,
    /// The target.
    pub target: AccessTarget,
    /// Whether the service itself ends the access; `None` if the strategy could not be built.
    pub enforces_end: Option<bool>,
    /// The reason why access to the target could not be granted; `None` if nothing is wrong.
    pub error: Option<EffectError>,
    /// A URL at which an operator can resolve the error, for a short time: [`Error::temporary_url`]. It is not serialized.
    #[serde(skip)]
    pub temporary_url: Option<String>,
    /// Warnings about what keeps nobody from access.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<TargetWarning>,
}

impl fmt::Debug for TargetCheck {
    /// Leaves out the URL, since debug output ends up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TargetCheck")
            .field("strategy", &self.strategy)
            .field("target", &self.target)
            .field("enforces_end", &self.enforces_end)
            .field("error", &self.error)
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}

/// A warning about a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TargetWarning {
    /// The warning, on one line.
    pub message: String,
    /// The way to resolve it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Builder {
    /// Checks all clients with [`IntegrationClient::check`](crate::integration::IntegrationClient::check), and all targets of all strategies
    /// with [`AccessStrategy::check`](crate::strategy::AccessStrategy::check): several at once, and each with the time limit of a strategy.
    ///
    /// # Errors
    /// Returns all errors of the configuration and the handlers. Nothing is called then.
    pub async fn check_services(self) -> Result<ServiceChecks, Diagnostics> {
        let (flows, strategies) = self.sound_parts()?;
        let (directory, (clock, limit)) = (self.directory_of_store(), self.strategy_limit());
        let mut assembler = RuntimeAssembler::new(&self, &directory);
        for flow in &flows {
            assembler.build_clients(flow).await;
        }
        let mut subjects = Subjects::default();
        subjects.add_clients(assembler.clients().cloned());
        for (declared, location) in &strategies {
            let built = assembler.strategy(declared, location).await;
            let faults = assembler.take_diagnostics();
            subjects.strategies.push((declared.clone(), built.ok_or_else(|| not_built(declared, &faults))));
        }
        subjects.flows = flows.into_iter().map(|planned| planned.flow).collect();
        Ok(subjects.check(&*clock, limit, CONCURRENCY).await)
    }
}

impl Runtime {
    /// Checks all clients that are built from the configuration, and all targets of the flows' strategies, as [`Builder::check_services`]
    /// does, but one after the other. Those that could not be built are left out: [`Runtime::unavailable`] tells about them.
    pub async fn check_services(&self) -> ServiceChecks {
        let mut subjects = Subjects::default();
        for entry in self.executor.flows.iter() {
            subjects.add_clients(entry.clients().into_iter().filter(|built| built.client.is_ok()));
            subjects.flows.push(entry.flow.clone());
            let (Some(declared), Some(built)) = (entry.flow.strategy(), entry.strategy()) else { continue };
            if subjects.strategies.iter().all(|(known, _)| known != declared) {
                subjects.strategies.push((declared.clone(), Ok(built)));
            }
        }
        // One by one, because revocations call the same services.
        subjects.check(&**self.clock(), self.executor.limits.strategy, 1).await
    }
}

/// A strategy, or the reason why it could not be built.
type BuiltStrategy = Result<Arc<dyn DynAccessStrategy>, EffectError>;

/// The clients and strategies to check.
#[derive(Default)]
struct Subjects {
    clients: Vec<BuiltClient>,
    strategies: Vec<(Strategy, BuiltStrategy)>,
    flows: Vec<Arc<Flow>>,
}

impl Subjects {
    /// Adds clients that are not among the subjects yet.
    fn add_clients(&mut self, clients: impl IntoIterator<Item = BuiltClient>) {
        for client in clients {
            if self.clients.iter().all(|known| known.id() != client.id()) {
                self.clients.push(client);
            }
        }
    }

    async fn check(mut self, clock: &dyn Clock, limit: Duration, concurrency: usize) -> ServiceChecks {
        self.clients.sort_by(|one, other| one.id().cmp(&other.id()));
        let clients = self.clients.iter().map(|client| check_client(client, clock, limit));
        let flows = &self.flows;
        let targets = self.strategies.iter().flat_map(|(declared, built)| {
            declared.targets().iter().map(move |target| Check { clock, limit, declared, target, flows, built }.make())
        });
        // Collected first: the checks of both kinds are made at the same time.
        let (clients, targets): (Vec<_>, Vec<_>) = (clients.collect(), targets.collect());
        let (clients, targets) = join(
            stream::iter(clients).buffered(concurrency).collect::<Vec<_>>(),
            stream::iter(targets).buffered(concurrency).collect::<Vec<_>>(),
        )
        .await;
        ServiceChecks { clients, targets }
    }
}

async fn check_client(built: &BuiltClient, clock: &dyn Clock, limit: Duration) -> ClientCheck {
    let checked = match &built.client {
        Ok(client) => {
            // The client is called inside of the future: it can panic before it returns one.
            let check = async { built.requirement.check(client).await };
            let checked = call_bounded(clock, limit, || "the check".to_owned(), check).await;
            checked.and_then(|checked| checked).map_err(|error| EffectError::from(&error))
        }
        Err(faults) => {
            let message = format!("the client could not be built: {}", messages(faults));
            Err(EffectError::new(ErrorKind::Configuration, codes::UNKNOWN_INTEGRATION, message))
        }
    };
    let (identity, error) = match checked {
        Ok(identity) => (identity, None),
        Err(error) => (None, Some(error)),
    };
    ClientCheck {
        integration_type: built.integration_type.clone(),
        integration: built.integration.clone(),
        key: built.requirement.key().to_owned(),
        identity,
        error,
    }
}

fn not_built(strategy: &Strategy, faults: &[Diagnostic]) -> EffectError {
    let message = format!("strategy `{}` could not be built: {}", strategy.name(), messages(faults));
    EffectError::new(ErrorKind::Configuration, codes::ACCESS_STRATEGY_NOT_FOUND, message)
}

fn messages(faults: &[Diagnostic]) -> String {
    let faults: Vec<_> = faults.iter().map(|fault| fault.message.as_str()).collect();
    faults.join("; ")
}

/// A check of a target that is to be made.
struct Check<'a> {
    clock: &'a dyn Clock,
    limit: Duration,
    declared: &'a Strategy,
    target: &'a AccessTarget,
    flows: &'a [Arc<Flow>],
    built: &'a BuiltStrategy,
}

impl Check<'_> {
    async fn make(self) -> TargetCheck {
        let mut checked = TargetCheck {
            strategy_type: self.declared.kind().to_owned(),
            strategy: self.declared.name().to_string(),
            target: self.target.clone(),
            enforces_end: self.built.as_ref().ok().map(|strategy| strategy.enforces_end()),
            error: None,
            temporary_url: None,
            warnings: Vec::new(),
        };
        match self.built {
            Err(error) => checked.error = Some(error.clone()),
            Ok(strategy) => match self.bounded("the check", async { strategy.check(self.target).await }).await {
                Ok(()) => checked.warnings.extend(self.warn_of_sessions(strategy).await),
                Err(error) => {
                    checked.temporary_url = error.temporary_url().map(str::to_owned);
                    checked.error = Some(EffectError::from(&error));
                }
            },
        }
        checked
    }

    /// Makes a call of the strategy, inside of the future: it can panic before it returns one.
    async fn bounded<T>(
        &self,
        what: &'static str,
        call: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        call_bounded(self.clock, self.limit, || what.to_owned(), call).await.and_then(|result| result)
    }

    /// Warns if sessions may last longer than any access: then ending the access ends little.
    async fn warn_of_sessions(&self, strategy: &Arc<dyn DynAccessStrategy>) -> Option<TargetWarning> {
        let call = async { strategy.session_duration(self.target).await };
        let sessions = match self.bounded("the look at sessions", call).await {
            Ok(sessions) => sessions?,
            Err(error) => {
                let message = format!("it is unknown how long sessions may last: {}", error.message());
                return Some(TargetWarning { message, hint: error.hint().map(str::to_owned) });
            }
        };
        let longest = |flow: &Flow| flow.params().durations.iter().max().copied();
        let shorter = |flow: &Arc<Flow>| {
            longest(flow).filter(|longest| *longest < sessions).map(|longest| (flow.name().clone(), longest))
        };
        let own = |flow: &&Arc<Flow>| flow.strategy().is_some_and(|own| own == self.declared);
        let shorter: Vec<_> = self.flows.iter().filter(own).filter_map(shorter).collect();
        if shorter.is_empty() {
            return None;
        }
        let shorter: Vec<_> = shorter
            .iter()
            .map(|(flow, longest)| format!("flow `{flow}` gives it for {} at most", format_duration(*longest)))
            .collect();
        let sessions = format_duration(sessions);
        let message = format!("sessions may last for {sessions}, longer than the access: {}", shorter.join(", "));
        let hint = "shorten the sessions in the service, or expect people to keep what they have open";
        Some(TargetWarning { message, hint: Some(hint.to_owned()) })
    }
}
