//! Requests of the on-call engineer need no approval, three times a week. All other requests go to whoever is on call.

use std::process::ExitCode;

use sym_integrations::pagerduty::{PagerDuty, SimulatedPagerDuty};
use sym_integrations::slack;
use sym_sdk::App;
use sym_sdk::prelude::*;

const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// An approval that nobody looks at should stay rare, so the fourth one of a week takes a colleague.
const MAX_PER_WEEK: u64 = 3;

#[derive(Deserialize)]
struct Settings {
    request_channel: String,
    schedule: String,
}

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member)
}

/// Asks the engineers on call, and the whole channel after ten minutes.
#[reducer]
async fn get_request_notifications(settings: Vars<Settings>, pagerduty: &PagerDuty) -> Result<Vec<Notification>> {
    let channel = Notification::to(slack::channel(&settings.request_channel)?);
    let on_call = pagerduty.users_on_call().schedule_name(&settings.schedule).await?;
    if on_call.is_empty() {
        return Ok(vec![channel]);
    }
    // People of the directory are reached wherever they have an account, and skipped if they have none.
    Ok(vec![Notification::new(on_call)?.timeout(Duration::from_secs(10 * 60)), channel])
}

/// Approves requests of the on-call engineer.
#[hook]
async fn on_request(
    event: &Event,
    settings: Vars<Settings>,
    pagerduty: &PagerDuty,
    directory: &Directory,
) -> Result<Option<NextEvent>> {
    let is_on_call = match pagerduty.is_on_call(event.user()).schedule_name(&settings.schedule).await {
        Ok(is_on_call) => is_on_call,
        // Never approve because of an error, and do not fail either: a colleague decides. The error is in the program's log.
        Err(error) => {
            tracing::warn!(%error, "PagerDuty does not say who is on call");
            false
        }
    };
    if !is_on_call {
        return Ok(None);
    }
    let approved = directory.event_count(event, Step::Approve).within(WEEK).await?;
    let reason = format!("on call; approval {} of {MAX_PER_WEEK} this week", approved + 1);
    Ok((approved < MAX_PER_WEEK).then(|| ApprovalTemplate::approve().reason(reason)))
}

fn app() -> App {
    App::new()
        .config_dir(env!("CARGO_MANIFEST_DIR"))
        .domain("example.com")
        .with(sym_integrations::all())
        // What PagerDuty answers in `simulate` and in `serve --fake-slack`.
        .fake(SimulatedPagerDuty::new().on_call_for("platform", "ana@example.com"))
}

fn main() -> ExitCode {
    app().main()
}

#[cfg(test)]
mod tests;
