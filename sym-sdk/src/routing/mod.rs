//! Routing: who may decide a request, and where it is delivered.
//!
//! These are the results of reducers. They are plain data that is stored with the Run, so the permissions that apply are those that
//! were returned when the request was made.

mod approvers;
mod destination;
mod fallback;
mod forward_context;
mod notification;
mod permission;
mod slack_destination;
mod user_ids;

pub use approvers::Approvers;
pub use destination::{Destination, RequestDestination, UserRef};
pub use fallback::Fallback;
pub use forward_context::RequestForwardContext;
pub use notification::Notification;
pub use permission::{IntoPermissionScope, PermissionLevel, PermissionScope, RequestPermission};
pub use slack_destination::{LegacyDestination, SlackChannelId, SlackChannelName, SlackUser, SlackUserGroup};
pub use user_ids::{NonEmptyUserIds, UserIds, user_ids};
