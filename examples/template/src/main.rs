//! The access flows of {{organization}}.

use std::process::ExitCode;

use sym_integrations::slack;
use sym_sdk::App;
use sym_sdk::prelude::*;
use sym_sdk::strategy::SimulatedStrategy;

/// The vars of the flow.
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
    Ok(vec![Notification::to(slack::channel(&settings.request_channel)?)])
}

/// Approves half an hour of reading without asking anybody.
#[hook]
fn on_request(event: &Event) -> Option<NextEvent> {
    let is_reading = event.target().is_some_and(|target| target.name().as_str() == "reader");
    let is_short = event.duration().is_some_and(|duration| duration <= Duration::from_secs(30 * 60));
    (is_reading && is_short).then(|| ApprovalTemplate::approve().reason("short read access needs no approval"))
}

fn app() -> App {
    App::new()
        // Where `flow.tf` is. A program that is installed elsewhere takes `--config DIR`.
        .config_dir(env!("CARGO_MANIFEST_DIR"))
        .domain("{{domain}}")
        .with(sym_integrations::all())
        // Records access and grants none.
        .strategy("staging-database", |_| Ok(SimulatedStrategy::new()))
}

fn main() -> ExitCode {
    app().main()
}

#[cfg(test)]
mod tests;
