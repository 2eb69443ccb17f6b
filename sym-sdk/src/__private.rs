//! The items that expansions of the macros refer to. Not part of the public API: it can change in any release.

pub use core::{column, file, line, module_path};

pub use inventory;
pub use sym_sdk_macros::attach;

pub use crate::forms::PromptForm;
pub use crate::future::BoxFuture;
pub use crate::handler::argument::check_argument;
pub use crate::handler::extract::{ReferenceArgument, ValueArgument};
pub use crate::handler::fired_event::check_fired_event;
pub use crate::handler::generated::GeneratedTypes;
pub use crate::handler::handler_fn::{Thunk, on_any_thread};
pub use crate::handler::literal::{Literal, LiteralKind};
pub use crate::handler::record::Handler;
pub use crate::handler::return_types::{
    ApproversResult, FlowsResult, FormResult, IdentityResult, NextResult, NothingResult, NotificationsResult,
    OptionsResult, PermissionsResult, ReturnsApprovers, ReturnsFlows, ReturnsForm, ReturnsIdentity, ReturnsNext,
    ReturnsNothing, ReturnsNotifications, ReturnsOptions, ReturnsPermissions,
};
pub use crate::handler::{Context, FromContext, HandlerRecord, Registry, Requires};
pub use crate::model::Step;

/// The record of a handler that does not compile.
pub const INVALID: HandlerRecord = HandlerRecord::INVALID;

/// The function that [`handlers!`](crate::handlers) calls.
pub fn registry(records: &'static [&'static HandlerRecord]) -> Registry {
    records.iter().copied().collect()
}
