//! Access to repositories: urgent requests from the on-call engineer are auto-approved, all others need a member's approval.

mod fakes;
mod flow_types;

use std::process::ExitCode;

use sym_integrations::pagerduty::PagerDuty;
use sym_integrations::slack::{self, Slack};
use sym_sdk::App;
use sym_sdk::prelude::*;
use sym_sdk::runtime::Builder;
use sym_sdk::strategy::SimulatedStrategy;

use fakes::CodeHost;
use flow_types::repository_access::FlowVars;

/// The fields of the form that the handlers use.
#[derive(Deserialize)]
struct Form {
    urgency: Urgency,
}

#[derive(Deserialize, PartialEq)]
enum Urgency {
    Normal,
    Urgent,
}

/// Lets members approve, but not their own requests.
#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member)
}

/// Notifies the channel. Urgent requests go to the on-call engineers first, and to the channel after ten minutes.
#[reducer]
async fn get_request_notifications(
    form: Fields<Form>,
    vars: Vars<FlowVars>,
    pagerduty: &PagerDuty,
) -> Result<Vec<Notification>> {
    let channel = Notification::to(slack::channel(&vars.request_channel)?);
    if form.urgency == Urgency::Normal {
        return Ok(vec![channel]);
    }
    let on_call = pagerduty.users_on_call().schedule_name(&vars.schedule).await?;
    let on_call = Notification::to(slack::group(&on_call)?).timeout(Duration::from_secs(600));
    Ok(vec![on_call, channel])
}

/// Lists the organization's repositories.
#[prefetch(field = "repo_name")]
async fn repositories(host: &CodeHost) -> Result<Vec<FieldOption>> {
    host.list_repos().await?.iter().map(|repo| FieldOption::try_from(*repo)).collect()
}

/// Auto-approves urgent requests from the on-call engineer.
#[hook]
async fn on_request(event: &Event, form: Fields<Form>, pagerduty: &PagerDuty) -> Result<Option<NextEvent>> {
    let schedule = event.flow().var("schedule")?;
    if form.urgency == Urgency::Urgent && pagerduty.is_on_call(event.user()).schedule_name(schedule).await? {
        return Ok(Some(ApprovalTemplate::approve().reason("urgent, and the requester is on call")));
    }
    Ok(None)
}

/// Posts the granted access to the audit channel.
#[hook]
async fn after_approve(event: &Event, vars: Vars<FlowVars>, slack: &Slack) -> Result<()> {
    let requester = event.requester().map_or("somebody", User::username);
    let (repo, approver) = (event.fields().text("repo_name")?, event.user().username());
    let text = slack::escape(&format!("{requester} may use {repo}, says {approver}"));
    slack.send_message(slack::channel(&vars.audit_channel)?, text).await?;
    Ok(())
}

/// Says who is asked, while the form is filled in.
#[on_change]
fn on_change_urgency(form: &mut PromptForm) -> Result<()> {
    let is_urgent = form.field("urgency")?.is("Urgent");
    form.additional_header_text = is_urgent
        .then(|| "Urgent requests go to the on-call engineers first, and to the channel after ten minutes.".to_owned());
    Ok(())
}

fn main() -> ExitCode {
    App::new()
        .config_dir(env!("CARGO_MANIFEST_DIR"))
        .domain("example.com")
        .with(sym_integrations::all())
        // The code host is made up, so access to its repositories is simulated.
        .strategy("code-host", |_| Ok(SimulatedStrategy::new()))
        // Who is on call in simulations.
        .fake(fakes::pagerduty())
        // And in a real Slack workspace too, so that this program needs no account at PagerDuty. Yours would leave this out.
        .with(|builder: Builder| builder.fake(fakes::pagerduty()))
        .users(fakes::people())
        .demo("requests/urgent.json", include_str!("../requests/urgent.json"))
        .demo("requests/normal.json", include_str!("../requests/normal.json"))
        .main()
}
