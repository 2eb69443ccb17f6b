//! Members decide, also on their own requests, and one channel is notified. Thirteen of the known flows do no more than this,
//! each with a strategy of its own.

use sym_sdk::prelude::*;

/// Lets members decide.
#[reducer]
pub fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin).allow_self_approval(true)
}

/// Notifies one channel.
#[reducer]
pub fn get_request_notifications() -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(SlackChannelName::new("#access-requests")?)])
}
