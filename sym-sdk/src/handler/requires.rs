use std::any::{Any, TypeId, type_name};
use std::sync::Arc;

use crate::config::IntegrationSchema;
use crate::error::Result;
use crate::integration::{IntegrationClient, IntegrationConfig};

/// A client of any type.
pub(crate) type AnyClient = Arc<dyn Any + Send + Sync>;

/// What an argument needs in order to be had.
///
/// Every handler carries those of its arguments, so that the lack of one is reported at start and not by a request.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Requires {
    /// Nothing that could be missing.
    Nothing,
    /// An event.
    Event,
    /// A flow.
    Flow,
    /// An integration of some type, and how to build its client.
    Integration(IntegrationRequirement),
    /// A value that was handed over at start.
    State(StateRequirement),
    /// A form that is being filled in.
    Form,
    /// The list of notifications that a request is forwarded along.
    ForwardContext,
    /// The output of the step just run.
    StepOutput,
    /// The question for a user's identity.
    IdentityQuery,
    /// The question for a user's flows.
    FlowsQuery,
    /// This if it is there, but the handler can do without.
    Optional(&'static Requires),
}

/// An integration that a handler takes as `&T`.
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
    /// The requirement of the argument `&T`.
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

    /// The integration's type in the configuration, such as `pagerduty`.
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// The key under which an environment has it, such as `aws_lambda`: the type, unless several clients share it.
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

    /// The type of the client as text.
    pub fn type_name(&self) -> &'static str {
        (self.type_name)()
    }

    /// Builds the client.
    pub fn build(&self, config: &IntegrationConfig<'_>) -> Result<Arc<dyn Any + Send + Sync>> {
        (self.build)(config)
    }

    /// Builds the client's stand-in for simulations, if it has one.
    pub fn simulated(&self, config: &IntegrationConfig<'_>) -> Option<Arc<dyn Any + Send + Sync>> {
        (self.simulated)(config)
    }
}

/// A value that a handler takes as [`State<T>`](super::State).
#[derive(Clone, Copy, Debug)]
pub struct StateRequirement {
    type_id: TypeId,
    type_name: fn() -> &'static str,
}

impl StateRequirement {
    /// The requirement of the argument `State<T>`.
    pub const fn of<T: Send + Sync + 'static>() -> Self {
        Self { type_id: TypeId::of::<T>(), type_name: type_name::<T> }
    }

    /// The type of the value.
    pub const fn type_id(&self) -> TypeId {
        self.type_id
    }

    /// The type of the value as text.
    pub fn type_name(&self) -> &'static str {
        (self.type_name)()
    }
}
