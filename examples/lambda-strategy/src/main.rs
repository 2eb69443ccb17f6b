//! A Lambda function makes a temporary user of the data warehouse. What it returns is passed on to the requester.

use std::process::ExitCode;

use sym_integrations::slack::{self, Slack};
use sym_sdk::App;
use sym_sdk::prelude::*;

/// The output of the function. It has a list of errors beside it, which the strategy reads.
#[derive(Deserialize)]
struct Output<T> {
    body: T,
}

#[derive(Deserialize)]
struct Login {
    host: String,
    username: String,
}

#[derive(Deserialize)]
struct Summary {
    queries: u64,
}

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member)
}

#[reducer]
fn get_request_notifications(flow: &Flow) -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(slack::channel(flow.var("request_channel")?)?)])
}

/// Tells the requester how to log in. The event's user is whoever approved.
#[hook]
async fn after_escalate(event: &Event, output: StepOutput<Output<Login>>, slack: &Slack) -> Result<()> {
    let Some(requester) = event.requester() else { return Ok(()) };
    let Login { host, username } = &output.body;
    // The text comes from a function, so whatever Slack would read as markup is escaped.
    let text = slack::escape(&format!("Log in to {host} as {username}, with your key."));
    slack.send_message(requester, text).await?;
    Ok(())
}

/// Tells the channel what the access was used for, in numbers.
#[hook]
async fn after_deescalate(event: &Event, output: StepOutput<Output<Summary>>, slack: &Slack) -> Result<()> {
    let channel = slack::channel(event.flow().var("request_channel")?)?;
    let requester = event.requester().map_or("somebody", User::username);
    slack
        .send_message(channel, format!("The access of {requester} has ended, after {} queries.", output.body.queries))
        .await?;
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
