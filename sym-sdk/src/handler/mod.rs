//! How a function becomes a handler, what it is given and what it may return.

pub(crate) mod argument;
mod context;
mod error;
mod extract;
mod integration;
mod kind;
pub(crate) mod output;
mod query;
pub(crate) mod record;
mod registry;
mod requires;
mod scope;
mod services;

pub use context::{Context, ContextBuilder};
pub use error::HandlerError;
pub use extract::{ExtractError, Fields, FromContext, State, Vars};
pub use integration::{IntegrationClient, IntegrationConfig};
pub use kind::HandlerKind;
pub use output::HandlerOutput;
pub use query::{FlowsQuery, IdentityQuery};
pub use record::HandlerRecord;
pub use registry::Registry;
pub use requires::{IntegrationRequirement, Requires, StateRequirement};
pub use scope::Scope;
pub use services::{Services, ServicesBuilder};
