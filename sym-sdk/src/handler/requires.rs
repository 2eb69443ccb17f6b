//! The requirements of handler arguments, known before any call.

use std::any::{Any, TypeId, type_name};
use std::sync::Arc;

use serde::Deserialize;

use crate::config::IntegrationSchema;
use crate::error::Result;
#[cfg(feature = "runtime")]
use crate::future::BoxFuture;
use crate::integration::{IntegrationClient, IntegrationConfig};

#[cfg(feature = "runtime")]
use super::probe::{Trial, trial};

/// A type-erased client.
pub(crate) type AnyClient = Arc<dyn Any + Send + Sync>;

/// The requirement of a handler argument.
///
/// Every handler carries the requirements of its arguments, so that an unmet one is reported at startup and not by a request.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Requires {
    /// The argument is always available.
    Nothing,
    /// An event.
    Event,
    /// A flow.
    Flow,
    /// The fields of the request, and the type that reads them.
    Fields(DataRequirement),
    /// The vars of the flow, and the type that reads them.
    Vars(DataRequirement),
    /// An integration, and how to build its client.
    Integration(IntegrationRequirement),
    /// A value registered at startup.
    State(StateRequirement),
    /// The form, in `#[on_change]` handlers.
    Form,
    /// The notifications of a request that is being forwarded.
    ForwardContext,
    /// The output of the step that has just run.
    StepOutput,
    /// The query of an identity reducer.
    IdentityQuery,
    /// The query of `get_flows`.
    FlowsQuery,
    /// A requirement that the handler can do without.
    Optional(&'static Requires),
}

/// The requirement of an integration client, taken as `&T`.
#[derive(Clone, Copy, Debug)]
pub struct IntegrationRequirement {
    kind: &'static str,
    key: &'static str,
    schema: IntegrationSchema,
    type_id: TypeId,
    type_name: fn() -> &'static str,
    build: fn(&IntegrationConfig<'_>) -> Result<AnyClient>,
    simulated: fn(&IntegrationConfig<'_>) -> Result<Option<AnyClient>>,
    #[cfg(feature = "runtime")]
    check: fn(&AnyClient) -> BoxFuture<'_, Result<Option<String>>>,
}

impl IntegrationRequirement {
    /// Returns the requirement of the argument `&T`.
    pub const fn of<T: IntegrationClient>() -> Self {
        fn build<T: IntegrationClient>(config: &IntegrationConfig<'_>) -> Result<AnyClient> {
            Ok(Arc::new(T::from_config(config)?))
        }
        fn simulated<T: IntegrationClient>(config: &IntegrationConfig<'_>) -> Result<Option<AnyClient>> {
            Ok(T::simulated(config)?.map(|client| Arc::new(client) as AnyClient))
        }
        #[cfg(feature = "runtime")]
        fn check<T: IntegrationClient>(client: &AnyClient) -> BoxFuture<'_, Result<Option<String>>> {
            match client.downcast_ref::<T>() {
                Some(client) => Box::pin(client.check()),
                // A client is checked by the requirement that it was built for.
                None => Box::pin(std::future::ready(Ok(None))),
            }
        }
        Self {
            kind: T::TYPE,
            key: T::KEY,
            schema: IntegrationSchema::new(T::TYPE, T::SETTINGS).with_key(T::KEY),
            type_id: TypeId::of::<T>(),
            type_name: type_name::<T>,
            build: build::<T>,
            simulated: simulated::<T>,
            #[cfg(feature = "runtime")]
            check: check::<T>,
        }
    }

    /// The type of the integration in the configuration, such as `pagerduty`.
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// The key of the integration in an environment, such as `aws_lambda`. The same as the type, unless several clients share
    /// the type.
    pub const fn key(&self) -> &'static str {
        self.key
    }

    /// Returns the schema of the integration.
    pub const fn schema(&self) -> &IntegrationSchema {
        &self.schema
    }

    /// The type of the client.
    pub const fn type_id(&self) -> TypeId {
        self.type_id
    }

    /// The name of the client's type.
    pub fn type_name(&self) -> &'static str {
        (self.type_name)()
    }

    /// Builds the client.
    pub fn build(&self, config: &IntegrationConfig<'_>) -> Result<Arc<dyn Any + Send + Sync>> {
        (self.build)(config)
    }

    /// Checks a client that was built for this requirement; see [`IntegrationClient::check`].
    #[cfg(feature = "runtime")]
    pub(crate) fn check<'a>(&self, client: &'a AnyClient) -> BoxFuture<'a, Result<Option<String>>> {
        (self.check)(client)
    }

    /// Builds the simulated client, if the type has one.
    ///
    /// # Errors
    /// Those of [`IntegrationClient::simulated`].
    pub fn simulated(&self, config: &IntegrationConfig<'_>) -> Result<Option<Arc<dyn Any + Send + Sync>>> {
        (self.simulated)(config)
    }
}

/// The requirement of named values: the type of [`Fields<T>`](super::Fields) or [`Vars<T>`](super::Vars), and what it reads.
#[derive(Clone, Copy, Debug)]
pub struct DataRequirement {
    type_name: fn() -> &'static str,
    #[cfg(feature = "runtime")]
    trial: Trial,
}

impl DataRequirement {
    /// Returns the requirement of the argument `Fields<T>` or `Vars<T>`.
    pub const fn of<'de, T: Deserialize<'de>>() -> Self {
        Self {
            type_name: type_name::<T>,
            #[cfg(feature = "runtime")]
            trial: trial::<T>,
        }
    }

    /// The name of the type that the values are read into.
    pub fn type_name(&self) -> &'static str {
        (self.type_name)()
    }

    /// The function that reads the type from given values.
    #[cfg(feature = "runtime")]
    pub(crate) const fn trial(&self) -> Trial {
        self.trial
    }
}

/// The requirement of a value, taken as [`State<T>`](super::State).
#[derive(Clone, Copy, Debug)]
pub struct StateRequirement {
    type_id: TypeId,
    type_name: fn() -> &'static str,
}

impl StateRequirement {
    /// Returns the requirement of the argument `State<T>`.
    pub const fn of<T: Send + Sync + 'static>() -> Self {
        Self { type_id: TypeId::of::<T>(), type_name: type_name::<T> }
    }

    /// The type of the value.
    pub const fn type_id(&self) -> TypeId {
        self.type_id
    }

    /// The name of the value's type.
    pub fn type_name(&self) -> &'static str {
        (self.type_name)()
    }
}
