//! Members decide, requesters too about their own, and one channel is told. Thirteen of the flows that are known are no more
//! than this, each with a strategy of its own.

use sym_sdk::prelude::*;

/// Members decide.
#[reducer]
pub fn get_permissions() -> RequestPermission {
    RequestPermission::new(PermissionLevel::Admin, PermissionLevel::Member).allow_self_approval(true)
}

/// One channel is told.
#[reducer]
pub fn get_request_notifications() -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(SlackChannelName::new("#access-requests")?)])
}
