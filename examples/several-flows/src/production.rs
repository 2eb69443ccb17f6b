//! Production takes two administrators.

use sym_sdk::prelude::*;

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Admin).seen_by(PermissionLevel::Member).approvals(2)
}

#[reducer]
fn get_request_notifications(flow: &Flow) -> Result<Vec<Notification>> {
    crate::request_channel(flow)
}
