//! The nouns of the platform: events, Runs, flows, users, and the types they refer to.
//!
//! These are plain values without behavior of their own. Handlers read them, the machine computes with them, and the store
//! persists them, so their JSON form is stable. Text from outside is validated when a value is created: an [`Srn`], a [`Slug`]
//! or the address of a [`User`] is always well formed.

#[macro_use]
mod accessors;

mod channel;
mod environment;
mod event;
mod extension;
mod flow;
mod handler_ref;
mod hook;
mod ids;
mod integration;
mod log_destination;
mod look_up;
mod payload;
#[cfg(feature = "runtime")]
mod payload_json;
mod run;
mod schema;
mod secret;
mod secret_output;
mod slug;
mod srn;
mod step;
mod step_output;
mod strategy;
mod target;
mod user;

#[cfg(feature = "runtime")]
pub(crate) use accessors::expect_settings;
pub use channel::{Channel, ChannelType};
pub use environment::Environment;
pub use event::{Event, EventBuilder};
pub use extension::ExtensionInfo;
pub use flow::{Flow, FlowBuilder, FlowParams, Flows, Source};
pub use handler_ref::HandlerRef;
pub use hook::{Hook, Hooks};
pub use ids::{EventId, RunId, SessionId, TargetId, TokenId, TrustId, UserId};
pub use integration::Integration;
pub use log_destination::LogDestination;
pub use look_up::{LookUp, LookUpAnswer};
pub use payload::{DeescalateType, Payload};
#[cfg(feature = "runtime")]
pub(crate) use payload_json::PayloadJson;
pub use run::{Run, RunStatus};
pub use schema::{LoggedActor, LoggedIdentity};
#[cfg(feature = "runtime")]
pub(crate) use schema::{LoggedEvent, Parts as LoggedParts, State as LoggedState, actor as logged_actor};
pub use secret::{Secret, SecretSource};
pub(crate) use secret_output::OpenedOutput;
pub use secret_output::SecretOutput;
#[cfg(feature = "runtime")]
pub(crate) use secret_output::{SecretState, UnavailableSecret, replace_secrets};
pub use slug::Slug;
pub use srn::{Srn, SrnVersion};
pub use step::Step;
pub use step_output::StepOutput;
pub use strategy::Strategy;
pub use target::AccessTarget;
pub use user::{AgentOwner, User, UserIdentity, UserRole, UserType};
