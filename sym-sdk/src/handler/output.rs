use std::sync::Arc;

use super::HandlerError;
use crate::forms::FieldOption;
use crate::model::Flow;
use crate::routing::{
    Approvers, Fallback, Notification, RequestDestination, RequestPermission, SlackChannelId, SlackChannelName,
    SlackUser, SlackUserGroup,
};
use crate::template::NextEvent;

/// What a handler returned.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum HandlerOutput {
    /// Of `get_permissions`.
    Permissions(RequestPermission),
    /// Of `get_request_notifications`.
    Notifications(Vec<Notification>),
    /// Of `get_approvers`.
    Approvers(Approvers),
    /// Of `get_identity` and `get_identity_lookup`.
    Identity(Option<String>),
    /// Of `get_flows`.
    Flows(Vec<Arc<Flow>>),
    /// Of an `on_` hook: the event to fire instead, if any.
    Next(Option<NextEvent>),
    /// Of an `after_` hook.
    Done,
    /// Of a `#[prefetch]` handler.
    Options(Vec<FieldOption>),
}

/// What calling a handler gives.
pub type CallResult = Result<HandlerOutput, HandlerError>;

/// What calling an `#[on_change]` handler gives; the form was changed in place.
pub type FormResult = Result<(), HandlerError>;

/// A trait that the return types of some handlers meet, plain or in a `Result`.
macro_rules! returns {
    ($(#[$meta:meta])* $name:ident -> $result:ty { $($plain:ty => |$value:pat_param| $output:expr;)* }) => {
        $(#[$meta])*
        pub trait $name {
            /// Brings the value into its common form.
            fn into_output(self) -> $result;
        }

        $(
            #[diagnostic::do_not_recommend]
            impl $name for $plain {
                fn into_output(self) -> $result {
                    let $value = self;
                    Ok($output)
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
    /// Of `get_permissions`.
    #[diagnostic::on_unimplemented(
        message = "this handler must return `RequestPermission` or `Result<RequestPermission, E>`, but returns `{Self}`",
        label = "not a return type of `get_permissions`",
        note = "`E` is any error that converts into a boxed `std::error::Error`"
    )]
    ReturnsPermissions -> CallResult {
        RequestPermission => |permission| HandlerOutput::Permissions(permission);
    }
}

returns! {
    /// Of `get_request_notifications`.
    #[diagnostic::on_unimplemented(
        message = "this handler must return `Vec<Notification>` or `Result<Vec<Notification>, E>`, but returns `{Self}`",
        label = "not a return type of `get_request_notifications`",
        note = "`E` is any error that converts into a boxed `std::error::Error`"
    )]
    ReturnsNotifications -> CallResult {
        Vec<Notification> => |notifications| HandlerOutput::Notifications(notifications);
    }
}

returns! {
    /// Of `get_approvers`.
    #[diagnostic::on_unimplemented(
        message = "this handler must return `Approvers`, `RequestDestination`, `Fallback` or a `Result` of one of them, \
                   but returns `{Self}`",
        label = "not a return type of `get_approvers`",
        note = "the error is any that converts into a boxed `std::error::Error`"
    )]
    ReturnsApprovers -> CallResult {
        Approvers => |approvers| HandlerOutput::Approvers(approvers);
        RequestDestination => |destination| HandlerOutput::Approvers(destination.into());
        SlackChannelId => |destination| HandlerOutput::Approvers(RequestDestination::from(destination).into());
        SlackChannelName => |destination| HandlerOutput::Approvers(RequestDestination::from(destination).into());
        SlackUser => |destination| HandlerOutput::Approvers(RequestDestination::from(destination).into());
        SlackUserGroup => |destination| HandlerOutput::Approvers(RequestDestination::from(destination).into());
        Fallback => |fallback| HandlerOutput::Approvers(fallback.into());
        Vec<RequestDestination> => |destinations| HandlerOutput::Approvers(destinations.into());
    }
}

returns! {
    /// Of `get_identity` and `get_identity_lookup`.
    #[diagnostic::on_unimplemented(
        message = "this handler must return `Option<String>` or `Result<Option<String>, E>`, but returns `{Self}`",
        label = "not a return type of an identity reducer",
        note = "`E` is any error that converts into a boxed `std::error::Error`"
    )]
    ReturnsIdentity -> CallResult {
        Option<String> => |identity| HandlerOutput::Identity(identity);
    }
}

returns! {
    /// Of `get_flows`.
    #[diagnostic::on_unimplemented(
        message = "this handler must return `Vec<Arc<Flow>>` or `Result<Vec<Arc<Flow>>, E>`, but returns `{Self}`",
        label = "not a return type of `get_flows`",
        note = "`E` is any error that converts into a boxed `std::error::Error`"
    )]
    ReturnsFlows -> CallResult {
        Vec<Arc<Flow>> => |flows| HandlerOutput::Flows(flows);
    }
}

returns! {
    /// Of `on_` hooks.
    #[diagnostic::on_unimplemented(
        message = "this handler must return `()`, `NextEvent`, `Option<NextEvent>` or a `Result` of one of them, \
                   but returns `{Self}`",
        label = "not a return type of an `on_` hook",
        note = "the error is any that converts into a boxed `std::error::Error`"
    )]
    ReturnsNext -> CallResult {
        () => |()| HandlerOutput::Next(None);
        NextEvent => |event| HandlerOutput::Next(Some(event));
        Option<NextEvent> => |event| HandlerOutput::Next(event);
    }
}

returns! {
    /// Of `after_` hooks.
    #[diagnostic::on_unimplemented(
        message = "this handler must return `()` or `Result<(), E>`, but returns `{Self}`",
        label = "not a return type of an `after_` hook",
        note = "when an `after_` hook runs the step is done: to ask for another event, use the `on_` hook",
        note = "`E` is any error that converts into a boxed `std::error::Error`"
    )]
    ReturnsNothing -> CallResult {
        () => |()| HandlerOutput::Done;
    }
}

returns! {
    /// Of `#[prefetch]` handlers.
    #[diagnostic::on_unimplemented(
        message = "this handler must return `Vec<FieldOption>` or `Result<Vec<FieldOption>, E>`, but returns `{Self}`",
        label = "not a return type of a `#[prefetch]` handler",
        note = "`E` is any error that converts into a boxed `std::error::Error`"
    )]
    ReturnsOptions -> CallResult {
        Vec<FieldOption> => |options| HandlerOutput::Options(options);
    }
}

returns! {
    /// Of `#[on_change]` handlers.
    #[diagnostic::on_unimplemented(
        message = "this handler must return `()` or `Result<(), E>`, but returns `{Self}`",
        label = "not a return type of an `#[on_change]` handler",
        note = "the form is changed in place",
        note = "`E` is any error that converts into a boxed `std::error::Error`"
    )]
    ReturnsForm -> FormResult {
        () => |()| ();
    }
}
