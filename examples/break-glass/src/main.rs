//! Emergency access: colleagues are asked one channel after the other, and if nobody answers, the glass may be broken. Security sees all
//! of it.

use std::process::ExitCode;

use sym_integrations::slack::{self, Slack};
use sym_sdk::App;
use sym_sdk::prelude::*;

const HALF_AN_HOUR: Duration = Duration::from_secs(30 * 60);

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

#[derive(Deserialize)]
struct Form {
    severity: Severity,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Severity {
    Critical,
    Major,
    Minor,
}

#[derive(Deserialize)]
struct Settings {
    operations_channel: String,
    engineers_channel: String,
    security_channel: String,
}

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member)
}

/// Asks operations for five minutes, with a reminder after three, and then all engineers for ten.
#[reducer]
fn get_request_notifications(settings: Vars<Settings>) -> Result<Vec<Notification>> {
    Ok(vec![
        Notification::to(slack::channel(&settings.operations_channel)?).timeout(minutes(5)).remind(minutes(3), 1),
        Notification::to(slack::channel(&settings.engineers_channel)?).timeout(minutes(10)),
    ])
}

/// Does not ask a second channel while production is down: if the first one stays silent, access is given.
#[hook]
fn on_request_forward(form: Fields<Form>, forward: &RequestForwardContext) -> Option<NextEvent> {
    let is_first = forward.current_destination_index() == 0;
    (form.severity == Severity::Critical && is_first)
        .then(|| ApprovalTemplate::approve().reason("critical, and nobody has answered for five minutes"))
}

/// Tells the requester who is asked now.
#[hook]
async fn after_request_forward(event: &Event, forward: &RequestForwardContext, slack: &Slack) -> Result<()> {
    if let (Some(requester), Some(next)) = (event.requester(), forward.next_notification()) {
        slack.send_message(requester, format!("Nobody has answered yet. {} is asked now.", next.label())).await?;
    }
    Ok(())
}

/// Breaks the glass when nobody at all has answered, for half an hour. What is minor can wait until morning.
#[hook]
fn on_request_expire(form: Fields<Form>) -> Option<NextEvent> {
    match form.severity {
        Severity::Critical | Severity::Major => {
            Some(ApprovalTemplate::approve().duration(HALF_AN_HOUR).reason("nobody has answered for fifteen minutes"))
        }
        Severity::Minor => None,
    }
}

/// Tells operations about a request that nobody has decided.
#[hook]
async fn after_request_expire(user: &User, settings: Vars<Settings>, slack: &Slack) -> Result<()> {
    let text = format!("Nobody has decided the request of {}.", user.username());
    slack.send_message(slack::channel(&settings.operations_channel)?, text).await?;
    Ok(())
}

/// Refuses a denial without a reason: whoever is refused in an emergency has to know what to do instead.
#[hook]
fn on_deny(event: &Event) -> Option<NextEvent> {
    let is_explained = event.payload().decision_message().is_some_and(|message| !message.trim().is_empty());
    (!is_explained).then(|| ApprovalTemplate::ignore().message("Please say why, and what to do instead."))
}

/// Tells security about access that nobody has approved.
#[hook]
async fn after_approve(event: &Event, settings: Vars<Settings>, slack: &Slack) -> Result<()> {
    // An approval that a hook has fired comes through the SDK, and not from a person.
    if event.channel().kind() == ChannelType::Sdk {
        let requester = event.requester().map_or("somebody", User::username);
        let text =
            format!("The glass is broken: {requester} gets emergency access. {}", event.reason().unwrap_or_default());
        slack.send_message(slack::channel(&settings.security_channel)?, slack::escape(&text)).await?;
    }
    Ok(())
}

/// Tells security right before the access is taken, so that they can look at what goes on. If Slack is down, the access ends anyway.
#[hook]
async fn on_deescalate(event: &Event, settings: Vars<Settings>, slack: &Slack) -> Result<()> {
    let requester = event.requester().map_or("somebody", User::username);
    let text = format!("The emergency access of {requester} ends now.");
    slack.send_message(slack::channel(&settings.security_channel)?, text).await?;
    Ok(())
}

fn app() -> App {
    App::new().config_dir(env!("CARGO_MANIFEST_DIR")).domain("example.com").with(sym_integrations::all())
}

fn main() -> ExitCode {
    app().main()
}

#[cfg(test)]
mod tests;
