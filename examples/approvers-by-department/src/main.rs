//! The requester's department in Okta decides which group approves and which channel is asked.

use std::process::ExitCode;

use sym_integrations::okta::Okta;
use sym_integrations::slack;
use sym_sdk::App;
use sym_sdk::prelude::*;

#[derive(Deserialize)]
struct Settings {
    finance_approvers: String,
    finance_channel: String,
    other_approvers: String,
    other_channel: String,
}

/// The people responsible for somebody's requests.
struct Responsible<'a> {
    group: &'a str,
    channel: &'a str,
}

async fn responsible_for<'a>(user: &User, settings: &'a Settings, okta: &Okta) -> Result<Responsible<'a>> {
    let account = okta.get_user_info(user).await?;
    Ok(match account.profile.attribute("department") {
        Some("Finance") => Responsible { group: &settings.finance_approvers, channel: &settings.finance_channel },
        _ => Responsible { group: &settings.other_approvers, channel: &settings.other_channel },
    })
}

/// Lets the members of the group decide, and administrators if it is empty.
#[reducer]
async fn get_permissions(user: &User, settings: Vars<Settings>, okta: &Okta) -> Result<RequestPermission> {
    let responsible = responsible_for(user, &settings, okta).await?;
    let approvers = okta.users_in_group(responsible.group).await?;
    Ok(RequestPermission::decided_by(user_ids(&approvers).or(PermissionLevel::Admin)).seen_by(PermissionLevel::Member))
}

/// Asks in the channel of the same people. Where a request goes gives nobody the right to decide it.
#[reducer]
async fn get_request_notifications(user: &User, settings: Vars<Settings>, okta: &Okta) -> Result<Vec<Notification>> {
    let responsible = responsible_for(user, &settings, okta).await?;
    Ok(vec![Notification::to(slack::channel(responsible.channel)?)])
}

/// Refuses approvals of people who have left the group since the request was made, whose list of approvers is that of then.
#[hook]
async fn on_approve(event: &Event, settings: Vars<Settings>, okta: &Okta) -> Result<Option<NextEvent>> {
    let Some(requester) = event.requester() else { return Ok(None) };
    let responsible = responsible_for(requester, &settings, okta).await?;
    if event.user().is_admin() || okta.is_user_in_group(event.user(), responsible.group).await? {
        return Ok(None);
    }
    Ok(Some(ApprovalTemplate::ignore().message("You are not in the group of approvers any more.")))
}

/// Contractors have another address in Okta than in Slack.
#[reducer]
fn get_identity_lookup(query: &IdentityQuery) -> Option<String> {
    let (name, domain) = query.user().email()?.split_once('@')?;
    (query.service() == "okta" && domain == "contractors.example.com").then(|| format!("{name}.ext@example.com"))
}

fn app() -> App {
    App::new()
        .config_dir(env!("CARGO_MANIFEST_DIR"))
        .domain("example.com")
        .domain("contractors.example.com")
        .with(sym_integrations::all())
}

fn main() -> ExitCode {
    app().main()
}

#[cfg(test)]
mod tests;
