//! Maintenance of production is announced on a status page, whose client is part of this program.

mod status_page;

use std::process::ExitCode;

use sym_integrations::slack;
use sym_sdk::App;
use sym_sdk::prelude::*;

use status_page::StatusPage;

#[derive(Deserialize)]
struct Form {
    work: String,
}

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member)
}

#[reducer]
fn get_request_notifications(flow: &Flow) -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(slack::channel(flow.var("request_channel")?)?)])
}

/// Grants nothing while there is an incident: the last check, after the approval.
#[hook]
async fn on_escalate(status_page: &StatusPage) -> Result<Option<NextEvent>> {
    let incidents = status_page.open_incidents().await?;
    Ok(incidents.first().map(|incident| {
        let message = format!("There is an incident: {}. Please ask again when it is resolved.", incident.title);
        ApprovalTemplate::ignore().message(message)
    }))
}

/// Announces the work. A hook can be called twice for one event, so the event's id goes along as the idempotency key.
#[hook]
async fn after_escalate(event: &Event, form: Fields<Form>, status_page: &StatusPage, values: &KeyValue) -> Result<()> {
    let maintenance = status_page.begin_maintenance(&form.work, &event.id().to_string()).await?;
    values.put(&maintenance_of(event.run()), maintenance.id).await
}

/// Ends the announcement, whether the access expired or was revoked.
#[hook]
async fn after_deescalate(run: &Run, status_page: &StatusPage, values: &KeyValue) -> Result<()> {
    let key = maintenance_of(run);
    if let Some(id) = values.fetch(&key).await?.as_ref().and_then(|id| id.as_str()) {
        status_page.end_maintenance(id).await?;
        values.delete(&key).await?;
    }
    Ok(())
}

/// The key under which the maintenance of a Run is remembered.
fn maintenance_of(run: &Run) -> String {
    format!("maintenance.{}", run.id())
}

fn app() -> App {
    App::new().config_dir(env!("CARGO_MANIFEST_DIR")).domain("example.com").with(sym_integrations::all())
}

fn main() -> ExitCode {
    app().main()
}

#[cfg(test)]
mod tests;
