//! The return types that handlers of each kind can have.
//!
//! Every kind has one output type, such as `Option<NextEvent>` for `on_` hooks, and a trait for the types that convert into
//! it, plain or in a `Result`. There is one trait for each kind, because the compiler's message for a wrong return type is
//! attached to the trait.

use std::sync::Arc;

use super::HandlerError;
use super::handler_fn::CallResult;
use crate::forms::FieldOption;
use crate::model::Flow;
use crate::routing::{
    Approvers, Fallback, Notification, RequestDestination, RequestPermission, SlackChannelId, SlackChannelName,
    SlackUser, SlackUserGroup,
};
use crate::template::NextEvent;

/// Declares the result of a kind's calls, the trait of its return types, and the types that implement the trait.
macro_rules! returns {
    (
        $(#[$meta:meta])*
        $name:ident -> $result:ident<$output:ty> { $($plain:ty => |$value:pat_param| $convert:expr;)* }
    ) => {
        /// The result of a call.
        pub type $result = CallResult<$output>;

        $(#[$meta])*
        pub trait $name {
            /// Converts the returned value into the output of the kind.
            fn into_output(self) -> $result;
        }

        $(
            #[diagnostic::do_not_recommend]
            impl $name for $plain {
                fn into_output(self) -> $result {
                    let $value = self;
                    Ok($convert)
                }
            }

            #[diagnostic::do_not_recommend]
            impl<E: Into<HandlerError>> $name for Result<$plain, E> {
                fn into_output(self) -> $result {
                    self.map_err(Into::into).and_then(<$plain as $name>::into_output)
                }
            }
        )*
    };
}

returns! {
    /// A return type of `get_permissions`.
    #[diagnostic::on_unimplemented(
        message = "this handler must return `RequestPermission` or `Result<RequestPermission, E>`, but returns `{Self}`",
        label = "not a return type of `get_permissions`",
        note = "`E` is any error that converts into a boxed `std::error::Error`"
    )]
    ReturnsPermissions -> PermissionsResult<RequestPermission> {
        RequestPermission => |permission| permission;
    }
}

returns! {
    /// A return type of `get_request_notifications`.
    #[diagnostic::on_unimplemented(
        message = "this handler must return `Vec<Notification>` or `Result<Vec<Notification>, E>`, but returns `{Self}`",
        label = "not a return type of `get_request_notifications`",
        note = "a destination becomes a notification with `Notification::to(destination)`",
        note = "`E` is any error that converts into a boxed `std::error::Error`"
    )]
    ReturnsNotifications -> NotificationsResult<Vec<Notification>> {
        Vec<Notification> => |notifications| notifications;
    }
}

returns! {
    /// A return type of `get_approvers`.
    #[diagnostic::on_unimplemented(
        message = "this handler must return `Approvers`, `RequestDestination`, `Fallback` or a `Result` of one of them, \
                   but returns `{Self}`",
        label = "not a return type of `get_approvers`",
        note = "the error is any that converts into a boxed `std::error::Error`"
    )]
    ReturnsApprovers -> ApproversResult<Approvers> {
        Approvers => |approvers| approvers;
        RequestDestination => |destination| destination.into();
        SlackChannelId => |destination| RequestDestination::from(destination).into();
        SlackChannelName => |destination| RequestDestination::from(destination).into();
        SlackUser => |destination| RequestDestination::from(destination).into();
        SlackUserGroup => |destination| RequestDestination::from(destination).into();
        Fallback => |fallback| fallback.into();
        Vec<RequestDestination> => |destinations| destinations.into();
    }
}

returns! {
    /// A return type of `get_identity` and `get_identity_lookup`.
    #[diagnostic::on_unimplemented(
        message = "this handler must return `Option<String>` or `Result<Option<String>, E>`, but returns `{Self}`",
        label = "not a return type of an identity reducer",
        note = "`E` is any error that converts into a boxed `std::error::Error`"
    )]
    ReturnsIdentity -> IdentityResult<Option<String>> {
        Option<String> => |identity| identity;
    }
}

returns! {
    /// A return type of `get_flows`.
    #[diagnostic::on_unimplemented(
        message = "this handler must return `Vec<Arc<Flow>>` or `Result<Vec<Arc<Flow>>, E>`, but returns `{Self}`",
        label = "not a return type of `get_flows`",
        note = "`E` is any error that converts into a boxed `std::error::Error`"
    )]
    ReturnsFlows -> FlowsResult<Vec<Arc<Flow>>> {
        Vec<Arc<Flow>> => |flows| flows;
    }
}

returns! {
    /// A return type of `on_` hooks.
    #[diagnostic::on_unimplemented(
        message = "this handler must return `()`, `NextEvent`, `Option<NextEvent>` or a `Result` of one of them, \
                   but returns `{Self}`",
        label = "not a return type of an `on_` hook",
        note = "the error is any that converts into a boxed `std::error::Error`"
    )]
    ReturnsNext -> NextResult<Option<NextEvent>> {
        () => |()| None;
        NextEvent => |event| Some(event);
        Option<NextEvent> => |event| event;
    }
}

returns! {
    /// A return type of `after_` hooks.
    #[diagnostic::on_unimplemented(
        message = "this handler must return `()` or `Result<(), E>`, but returns `{Self}`",
        label = "not a return type of an `after_` hook",
        note = "the step has completed when an `after_` hook runs; to fire another event instead, use the `on_` hook",
        note = "`E` is any error that converts into a boxed `std::error::Error`"
    )]
    ReturnsNothing -> NothingResult<()> {
        () => |()| ();
    }
}

returns! {
    /// A return type of `#[prefetch]` handlers.
    #[diagnostic::on_unimplemented(
        message = "this handler must return `Vec<FieldOption>` or `Result<Vec<FieldOption>, E>`, but returns `{Self}`",
        label = "not a return type of a `#[prefetch]` handler",
        note = "`E` is any error that converts into a boxed `std::error::Error`"
    )]
    ReturnsOptions -> OptionsResult<Vec<FieldOption>> {
        Vec<FieldOption> => |options| options;
    }
}

returns! {
    /// A return type of `#[on_change]` handlers.
    #[diagnostic::on_unimplemented(
        message = "this handler must return `()` or `Result<(), E>`, but returns `{Self}`",
        label = "not a return type of an `#[on_change]` handler",
        note = "the form is changed in place",
        note = "`E` is any error that converts into a boxed `std::error::Error`"
    )]
    ReturnsForm -> FormResult<()> {
        () => |()| ();
    }
}
