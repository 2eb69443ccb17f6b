//! The requirements of handler arguments, known before any call.

use std::any::{Any, TypeId, type_name};
use std::sync::Arc;

use crate::config::IntegrationSchema;
use crate::error::Result;
use crate::integration::{IntegrationClient, IntegrationConfig};

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
    simulated: fn(&IntegrationConfig<'_>) -> Option<AnyClient>,
}

impl IntegrationRequirement {
    /// Returns the requirement of the argument `&T`.
    pub const fn of<T: IntegrationClient>() -> Self {
        fn build<T: IntegrationClient>(config: &IntegrationConfig<'_>) -> Result<AnyClient> {
            Ok(Arc::new(T::from_config(config)?))
        }
        fn simulated<T: IntegrationClient>(config: &IntegrationConfig<'_>) -> Option<AnyClient> {
            Some(Arc::new(T::simulated(config)?))
        }
        Self {
            kind: T::TYPE,
            key: T::KEY,
            schema: IntegrationSchema::new(T::TYPE, T::SETTINGS).with_key(T::KEY),
            type_id: TypeId::of::<T>(),
            type_name: type_name::<T>,
            build: build::<T>,
            simulated: simulated::<T>,
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

    /// Builds the simulated client, if the type has one.
    pub fn simulated(&self, config: &IntegrationConfig<'_>) -> Option<Arc<dyn Any + Send + Sync>> {
        (self.simulated)(config)
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
