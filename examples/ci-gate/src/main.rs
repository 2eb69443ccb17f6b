//! A pipeline asks for its deployment and waits. Changes of documentation go by themselves, all others take a colleague.

mod ci;

use std::process::ExitCode;

use sym_integrations::slack;
use sym_sdk::App;
use sym_sdk::prelude::*;

use ci::Ci;

#[derive(Deserialize)]
struct Form {
    job: String,
}

/// The change to deploy, which the pipeline sends beside the form, in the `context` of its request.
#[derive(Deserialize)]
struct Change {
    files: Vec<String>,
}

/// Approves changes that touch documentation alone.
#[hook]
fn on_request(event: &Event) -> Result<Option<NextEvent>> {
    let context = event.context(Step::Request).cloned().unwrap_or_default();
    let change: Change = serde_json::from_value(context.into()).map_err(|error| {
        Error::handler("the request does not list the changed files")
            .with_hint("send the output of `git diff --name-only` as `files` in the `context` of the request")
            .with_source(error)
    })?;
    // Nothing changed is no reason to approve.
    let is_harmless = !change.files.is_empty() && change.files.iter().all(|file| file.ends_with(".md"));
    Ok(is_harmless.then(|| ApprovalTemplate::approve().reason("documentation only")))
}

/// Lets members decide. A bot makes the request in the name of whoever has pushed, who cannot approve it.
#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member)
}

#[reducer]
fn get_request_notifications(flow: &Flow) -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(slack::channel(flow.var("request_channel")?)?)])
}

/// Resumes the job before the approval counts: if the CI service refuses, the Run fails and whoever approved is told.
#[hook]
async fn on_approve(form: Fields<Form>, ci: &Ci) -> Result<()> {
    ci.resume(&form.job).await
}

/// Cancels the job, with the reason in its log.
#[hook]
async fn after_deny(event: &Event, form: Fields<Form>, ci: &Ci) -> Result<()> {
    ci.cancel(&form.job, event.payload().decision_message().unwrap_or("denied")).await
}

/// Cancels the job if nobody decides in time, so that it does not wait for ever.
#[hook]
async fn after_request_expire(form: Fields<Form>, ci: &Ci) -> Result<()> {
    ci.cancel(&form.job, "nobody has decided").await
}

fn app() -> App {
    App::new().config_dir(env!("CARGO_MANIFEST_DIR")).domain("example.com").with(sym_integrations::all())
}

fn main() -> ExitCode {
    app().main()
}

#[cfg(test)]
mod tests;
