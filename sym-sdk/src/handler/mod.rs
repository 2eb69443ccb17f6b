//! Handlers: functions with an attribute macro that a flow calls.
//!
//! - [`#[reducer]`](macro@crate::reducer), [`#[hook]`](macro@crate::hook), [`#[prefetch]`](macro@crate::prefetch) and
//!   [`#[on_change]`](macro@crate::on_change) leave the function as it is and register a [`HandlerRecord`] for it.
//! - A [`Registry`] is a collection of records. [`Registry::select`] returns the [`HandlerSet`] of one flow, which holds each
//!   handler as a [`HandlerFn`], typed by the value that handlers of its kind return.
//! - A [`Context`] is the input of one call. Arguments are extracted from it by [`FromContext`]. The record lists the
//!   [`Requires`] of each argument, so a missing integration is reported when the program starts and not by the first request.
//! - [`Services`] are shared by all calls: integration clients, state, directory and key-value store.
//!
//! Function names and signatures are checked at compile time; that a flow has the handlers it needs, and that handlers have
//! the services, fields and vars they need, is checked at startup. This module calls handlers, but leaves time limits, panics and the
//! conversion of errors to the runtime.
//!
//! A handler can be called without a runtime:
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
//! // As a plain function …
//! assert_eq!(on_request(event.user()), None);
//!
//! // … or as the runtime does it.
//! let context = Context::builder().event(event).build();
//! let handlers = sym_sdk::handlers![on_request].select(None).unwrap();
//! let future = handlers.on(Step::Request).unwrap().call(&context);
//! # Ok(())
//! # }
//! ```

pub(crate) mod argument;
mod context;
mod error;
pub(crate) mod extract;
pub(crate) mod fired_event;
pub(crate) mod generated;
pub(crate) mod handler_fn;
mod handler_set;
mod kind;
pub(crate) mod literal;
#[cfg(feature = "runtime")]
pub(crate) mod probe;
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
pub(crate) use requires::AnyClient;
pub use requires::{DataRequirement, IntegrationRequirement, Requires, StateRequirement};
pub use services::{Services, ServicesBuilder};
