//! The requester's department in Okta determines the approvers and the channel.

use sym_integrations::okta::Okta;
use sym_sdk::prelude::*;

async fn is_engineer(user: &User, okta: &Okta) -> Result<bool> {
    Ok(okta.get_user_info(user).await?.profile.attribute("department") == Some("Engineering"))
}

/// Lets the department's group decide, or admins if the group is empty.
#[reducer]
pub async fn get_permissions(event: &Event, okta: &Okta) -> Result<RequestPermission> {
    let group = match is_engineer(event.user(), okta).await? {
        true => event.flow().var("engineering_group")?,
        false => event.flow().var("fallback_group")?,
    };
    let approvers = user_ids(&okta.users_in_group(group).await?).or(PermissionLevel::Admin);
    Ok(RequestPermission::decided_by(approvers).seen_by(PermissionLevel::Member))
}

/// Notifies the department's channel.
#[reducer]
pub async fn get_request_notifications(event: &Event, okta: &Okta) -> Result<Vec<Notification>> {
    let channel = match is_engineer(event.user(), okta).await? {
        true => "#engineering-access",
        false => "#general-access",
    };
    Ok(vec![Notification::to(SlackChannelName::new(channel)?)])
}

/// Checks that the approver is still in the group of approvers.
#[hook]
pub async fn on_approve(event: &Event, okta: &Okta) -> Result<Option<NextEvent>> {
    let may = okta.is_user_in_group(event.user(), event.flow().var("approver_group")?).await?;
    Ok((!may).then(|| ApprovalTemplate::ignore().message("You are not authorized to approve this request.")))
}
