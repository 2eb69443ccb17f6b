//! Handlers for flows whose requests take a review, except for those of the team that owns the target.

use sym_integrations::slack::{self, Slack};
use sym_sdk::handler::ExtractError;
use sym_sdk::prelude::*;

use crate::team::Team;

/// Lets members decide.
#[reducer]
pub fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member)
}

/// Posts requests to the flow's channel.
///
/// # Errors
/// If the flow has no var `request_channel`, or it is no channel.
#[reducer]
pub fn get_request_notifications(flow: &Flow) -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(slack::channel(flow.var("request_channel")?)?)])
}

/// Approves requests of the team that the flow's var `team_domain` names.
///
/// # Errors
/// If the flow has no such var.
#[hook]
pub fn on_request(flow: &Flow, team: Team<'_>) -> Result<Option<NextEvent>> {
    let is_owner = flow.var("team_domain")? == team.0;
    Ok(is_owner.then(|| ApprovalTemplate::approve().reason("requested by the team that owns it")))
}

/// Tells the requester who has approved, in programs that have Slack: without it, the argument is an error, and the hook is called all
/// the same. Taken as `&Slack`, the client would be required of every program that links this crate.
///
/// # Errors
/// If Slack does not take the message.
#[hook]
pub async fn after_approve(event: &Event, slack: Result<&Slack, ExtractError>) -> Result<()> {
    if let (Ok(slack), Some(requester)) = (slack, event.requester()) {
        slack.send_message(requester, format!("{} has approved your request.", event.user().username())).await?;
    }
    Ok(())
}

/// Remembers how many requests were denied.
///
/// # Errors
/// If the store does not take the number.
#[hook]
pub async fn after_deny(context: &Context) -> Result<()> {
    count(context, "denied").await
}

/// Counts something by flow. A function that handlers share takes the whole context, and what it needs of it.
async fn count(context: &Context, what: &str) -> Result<()> {
    let (Some(flow), Some(values)) = (context.flow(), context.key_value()) else { return Ok(()) };
    let key = format!("{what}.{}", flow.name());
    let before = values.fetch(&key).await?.and_then(|count| count.as_u64()).unwrap_or_default();
    values.put(&key, before + 1).await
}
