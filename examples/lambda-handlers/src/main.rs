//! A Lambda function decides about requests for customer data, and another one keeps a record of those that wait.

use std::process::ExitCode;

use sym_integrations::aws_lambda::AwsLambda;
use sym_integrations::slack;
use sym_sdk::App;
use sym_sdk::prelude::*;

#[derive(Deserialize)]
struct Form {
    ticket: u64,
}

#[derive(Deserialize)]
struct Settings {
    request_channel: String,
    triage_arn: String,
    record_arn: String,
}

/// The payload of the functions.
#[derive(Serialize)]
struct Ticket<'a> {
    requester: &'a str,
    ticket: u64,
}

/// The response of the function for triage. Anything else is an error, and not an approval.
#[derive(Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
enum Verdict {
    Approve { reason: String },
    Deny { reason: String },
    AskSomebody,
}

/// Lets the function decide. Like every call that a decision depends on, its answer is in the audit log.
#[hook]
async fn on_request(
    user: &User,
    form: Fields<Form>,
    settings: Vars<Settings>,
    lambda: &AwsLambda,
) -> Result<Option<NextEvent>> {
    let ticket = Ticket { requester: user.username(), ticket: form.ticket };
    // A hook has 30 seconds. A function that is slower than this fails the request, which can be made again.
    let verdict = lambda.invoke_as(&settings.triage_arn, &ticket).timeout(Duration::from_secs(10)).await?;
    Ok(match verdict {
        Verdict::Approve { reason } => Some(ApprovalTemplate::approve().reason(reason)),
        Verdict::Deny { reason } => Some(ApprovalTemplate::deny().reason(reason)),
        Verdict::AskSomebody => None,
    })
}

/// Records a request that waits for somebody. Nobody waits for the function.
#[hook]
async fn after_request(user: &User, form: Fields<Form>, settings: Vars<Settings>, lambda: &AwsLambda) -> Result<()> {
    let ticket = Ticket { requester: user.username(), ticket: form.ticket };
    lambda.invoke_async(&settings.record_arn, &ticket).await?;
    Ok(())
}

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member)
}

#[reducer]
fn get_request_notifications(settings: Vars<Settings>) -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(slack::channel(&settings.request_channel)?)])
}

fn app() -> App {
    App::new().config_dir(env!("CARGO_MANIFEST_DIR")).domain("example.com").with(sym_integrations::all())
}

fn main() -> ExitCode {
    app().main()
}

#[cfg(test)]
mod tests;
