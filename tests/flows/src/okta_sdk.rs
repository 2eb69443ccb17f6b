//! The requester's department in Okta determines the approvers and the channel.

use sym_sdk::prelude::*;

use crate::clients::Okta;

const ENGINEERING: &str = "Engineering";

/// Lets the department's group decide, or admins if the group is empty.
#[reducer]
pub async fn get_permissions(event: &Event, okta: &Okta, directory: &Directory) -> Result<RequestPermission> {
    let group = match okta.department(event.user()).await?.as_str() {
        ENGINEERING => event.flow().var("engineering_group")?,
        _ => event.flow().var("fallback_group")?,
    };
    let emails = okta.users_in_group(group).await?;
    let approvers = directory.get_or_create_users_by_emails(emails.iter().map(String::as_str)).await?;
    let approvers = user_ids(approvers.iter().map(|user| &**user)).or(PermissionLevel::Admin);
    Ok(RequestPermission::decided_by(approvers).seen_by(PermissionLevel::Member))
}

/// Notifies the department's channel.
#[reducer]
pub async fn get_request_notifications(event: &Event, okta: &Okta) -> Result<Vec<Notification>> {
    let channel = match okta.department(event.user()).await?.as_str() {
        ENGINEERING => "#engineering-access",
        _ => "#general-access",
    };
    Ok(vec![Notification::to(SlackChannelName::new(channel)?)])
}

/// Checks that the approver is still in the group of approvers.
#[hook]
pub async fn on_approve(event: &Event, okta: &Okta) -> Result<Option<NextEvent>> {
    let may = okta.is_user_in_group(event.user(), event.flow().var("approver_group")?).await?;
    Ok((!may).then(|| ApprovalTemplate::ignore().message("You are not authorized to approve this request.")))
}
