//! One set of handlers for several environments, whose vars set the approvers and the channel.

use sym_sdk::prelude::*;

/// The environment's vars.
#[derive(Debug, Deserialize)]
pub struct Settings {
    /// The e-mail addresses, separated by commas.
    approvers: String,
    request_channel: String,
}

impl Settings {
    fn names(&self, user: &User) -> bool {
        self.approvers.split(',').any(|email| email.trim() == user.username())
    }
}

/// Members decide, subject to the hooks.
#[reducer]
pub fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

/// Notifies the environment's channel.
#[reducer]
pub fn get_request_notifications(settings: Vars<Settings>) -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(SlackChannelName::new(&settings.request_channel)?)])
}

/// Ignores approvals of users who are not approvers.
#[hook]
pub fn on_approve(approver: &User, settings: Vars<Settings>) -> Option<NextEvent> {
    let may = settings.names(approver);
    (!may).then(|| ApprovalTemplate::ignore().message("You are not authorized to approve this request."))
}

/// Ignores denials of users who are neither approvers nor the requester.
#[hook]
pub fn on_deny(event: &Event, settings: Vars<Settings>) -> Option<NextEvent> {
    let may = settings.names(event.user()) || event.requester() == Some(event.user());
    (!may).then(|| ApprovalTemplate::ignore().message("You are not authorized to deny this request."))
}
