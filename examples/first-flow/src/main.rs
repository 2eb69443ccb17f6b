//! Access to the staging database: a colleague approves, except for half an hour of reading.

use std::process::ExitCode;

use sym_sdk::App;
use sym_sdk::prelude::*;
use sym_sdk::strategy::SimulatedStrategy;

#[derive(Deserialize)]
struct Settings {
    request_channel: String,
}

/// Lets members decide, but not about their own requests.
#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member)
}

/// Posts requests to the flow's channel.
#[reducer]
fn get_request_notifications(settings: Vars<Settings>) -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(SlackChannelName::new(&settings.request_channel)?)])
}

/// Approves half an hour of reading without asking anybody.
#[hook]
fn on_request(event: &Event) -> Option<NextEvent> {
    let is_reading = event.target().is_some_and(|target| target.name().as_str() == "reader");
    let is_short = event.duration().is_some_and(|duration| duration <= Duration::from_secs(30 * 60));
    (is_reading && is_short).then(|| ApprovalTemplate::approve().reason("short read access needs no approval"))
}

fn main() -> ExitCode {
    App::new()
        .config_dir(env!("CARGO_MANIFEST_DIR"))
        .domain("example.com")
        .with(sym_integrations::all())
        .strategy("staging-database", |_| Ok(SimulatedStrategy::new()))
        .main()
}

#[cfg(test)]
mod tests;
