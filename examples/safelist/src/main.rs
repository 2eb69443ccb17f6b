//! Requests of people on the flow's safelist need no approval, nor do those of people whom a colleague has approved lately.

use std::process::ExitCode;

use sym_integrations::slack;
use sym_sdk::App;
use sym_sdk::prelude::*;

/// The time for which the approval of a colleague is remembered.
const TRUST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The vars of the flow.
#[derive(Deserialize)]
struct Settings {
    request_channel: String,
    /// E-mail addresses, separated by commas.
    safelist: String,
}

impl Settings {
    fn lists(&self, user: &User) -> bool {
        self.safelist.split(',').any(|email| email.trim().eq_ignore_ascii_case(user.username()))
    }
}

/// Lets members decide about all other requests.
#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member)
}

/// Posts them to the flow's channel.
#[reducer]
fn get_request_notifications(settings: Vars<Settings>) -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(slack::channel(&settings.request_channel)?)])
}

/// Approves requests of listed and of trusted people.
#[hook]
async fn on_request(event: &Event, settings: Vars<Settings>, values: &KeyValue) -> Result<Option<NextEvent>> {
    if settings.lists(event.user()) {
        return Ok(Some(ApprovalTemplate::approve().reason("on the safelist")));
    }
    let approved_at = values.fetch(&last_approval(event.user())).await?.and_then(|seconds| seconds.as_i64());
    let is_recent = approved_at.is_some_and(|at| event.timestamp().as_second() - at < TRUST.as_secs().cast_signed());
    Ok(is_recent.then(|| ApprovalTemplate::approve().reason("approved by a colleague in the last 30 days")))
}

/// Remembers what colleagues approve. An approval of `on_request` does not count, or trust would renew itself.
#[hook]
async fn after_approve(event: &Event, values: &KeyValue) -> Result<()> {
    match event.requester() {
        Some(requester) if event.channel().kind() != ChannelType::Sdk => {
            values.put(&last_approval(requester), event.timestamp().as_second()).await
        }
        _ => Ok(()),
    }
}

/// Forgets the approval of somebody who is denied.
#[hook]
async fn after_deny(event: &Event, values: &KeyValue) -> Result<()> {
    if let Some(requester) = event.requester() {
        values.delete(&last_approval(requester)).await?;
    }
    Ok(())
}

/// The key of a person's last approval. An e-mail address would not do, because dots separate the parts of a key.
fn last_approval(user: &User) -> String {
    format!("approved.{}", user.id())
}

fn app() -> App {
    App::new().config_dir(env!("CARGO_MANIFEST_DIR")).domain("example.com").with(sym_integrations::all())
}

fn main() -> ExitCode {
    app().main()
}

#[cfg(test)]
mod tests;
