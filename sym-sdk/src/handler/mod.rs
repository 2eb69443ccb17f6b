//! How a function becomes a handler, what it is given and what it may return.
//!
//! - [`#[reducer]`](macro@crate::reducer), [`#[hook]`](macro@crate::hook), [`#[prefetch]`](macro@crate::prefetch) and
//!   [`#[on_change]`](macro@crate::on_change) leave the function as it is and write a [`HandlerRecord`] for it.
//! - A [`Registry`] is a set of records, a [`HandlerSet`] those of one flow.
//! - A [`Context`] says what one call is about. Arguments are taken from it by [`FromContext`]; what they need is in the
//!   record, as [`Requires`], so that a lack of it is found at start.
//! - [`Services`] are what all calls share: clients of integrations, state, directory and key-value store.
//!
//! A handler needs no runtime to be called:
//!
//! ```
//! use sym_sdk::model::Environment;
//! use sym_sdk::prelude::*;
//!
//! #[hook]
//! fn on_request(user: &User) -> Option<NextEvent> {
//!     user.is_admin().then(ApprovalTemplate::approve)
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let flow = Flow::builder("prod".parse()?, "sym").environment(Environment::new("main".parse()?)).build();
//! let event = Event::builder(flow, Step::Request, User::system()).build();
//!
//! // As the function that it is …
//! assert_eq!(on_request(event.user()), None);
//!
//! // … or as the runtime does.
//! let context = Context::builder().event(event).build();
//! let handlers = sym_sdk::handlers![on_request].select(None).unwrap();
//! let future = handlers.on(Step::Request).unwrap().call(&context);
//! # Ok(())
//! # }
//! ```

pub(crate) mod argument;
mod context;
mod error;
mod extract;
pub(crate) mod handler_fn;
mod handler_set;
mod kind;
mod query;
pub(crate) mod record;
mod registry;
mod requires;
pub(crate) mod return_types;
mod services;

pub use context::{Context, ContextBuilder};
pub use error::HandlerError;
pub use extract::{ExtractError, Fields, FromContext, State, Vars};
pub use handler_fn::{HandlerFn, OnChangeFn};
pub use handler_set::HandlerSet;
pub use kind::HandlerKind;
pub use query::{FlowsQuery, IdentityQuery};
pub use record::HandlerRecord;
pub use registry::Registry;
pub use requires::{IntegrationRequirement, Requires, StateRequirement};
pub use services::{Services, ServicesBuilder};
