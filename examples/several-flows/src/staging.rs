//! Staging takes nobody but the requester: a click more than none, and a record of it.

use sym_sdk::prelude::*;

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).allow_self_approval(true)
}

#[reducer]
fn get_request_notifications(flow: &Flow) -> Result<Vec<Notification>> {
    crate::request_channel(flow)
}
