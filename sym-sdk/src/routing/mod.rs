//! What reducers return: who may decide, and who is told.

mod destination;
mod fallback;
mod forward;
mod notification;
mod permission;

pub use destination::{
    LegacyDestination, RequestDestination, SlackChannelId, SlackChannelName, SlackUser, SlackUserGroup,
};
pub use fallback::{Approvers, Fallback};
pub use forward::RequestForwardContext;
pub use notification::{Destination, Notification, UserRef};
pub use permission::{NonEmptyUserIds, PermissionLevel, PermissionScope, RequestPermission, UserIds, user_ids};
