//! One set of handlers for several environments, which differ in their vars: who approves, and which channel is told.

use sym_sdk::prelude::*;

/// The environment's vars.
#[derive(Debug, Deserialize)]
pub struct Settings {
    /// E-mail addresses, with commas between them.
    approvers: String,
    request_channel: String,
}

impl Settings {
    fn names(&self, user: &User) -> bool {
        self.approvers.split(',').any(|email| email.trim() == user.username())
    }
}

/// Members decide, as far as the hooks let them.
#[reducer]
pub fn get_permissions() -> RequestPermission {
    RequestPermission::new(PermissionLevel::Admin, PermissionLevel::Member)
}

/// The environment's channel is told.
#[reducer]
pub fn get_request_notifications(settings: Vars<Settings>) -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(SlackChannelName::new(&settings.request_channel)?)])
}

/// Only approvers approve.
#[hook]
pub fn on_approve(approver: &User, settings: Vars<Settings>) -> Option<NextEvent> {
    let may = settings.names(approver);
    (!may).then(|| ApprovalTemplate::ignore().message("You are not authorized to approve this request."))
}

/// Only approvers deny, and requesters their own.
#[hook]
pub fn on_deny(event: &Event, settings: Vars<Settings>) -> Option<NextEvent> {
    let may = settings.names(event.user()) || event.requester() == Some(event.user());
    (!may).then(|| ApprovalTemplate::ignore().message("You are not authorized to deny this request."))
}
