//! Only people who have passed the training in KnowBe4 get access to patient records, however they ask for it.

use std::process::ExitCode;

use sym_integrations::knowbe4::KnowBe4;
use sym_integrations::slack;
use sym_sdk::App;
use sym_sdk::prelude::*;

const NOT_TRAINED: &str = "Please pass the training “Handling patient records” first.";

#[derive(Deserialize)]
struct Settings {
    request_channel: String,
    campaign_id: u64,
}

/// Returns whether the user's latest enrollment is complete: whoever is enrolled again has to pass again.
async fn is_trained(user: &User, settings: &Settings, knowbe4: &KnowBe4) -> Result<bool> {
    let enrollments = knowbe4.get_training_enrollments_for_user(user).campaign_id(settings.campaign_id).await;
    match enrollments {
        Ok(newest_first) => Ok(newest_first.first().is_some_and(|enrollment| enrollment.is_complete())),
        // Somebody whom KnowBe4 does not know has passed nothing.
        Err(error) if error.kind() == ErrorKind::Identity => Ok(false),
        Err(error) => Err(error),
    }
}

/// Says so before anybody fills in the form.
#[hook]
async fn on_prompt(user: &User, settings: Vars<Settings>, knowbe4: &KnowBe4) -> Result<Option<NextEvent>> {
    let may_ask = is_trained(user, &settings, knowbe4).await?;
    Ok((!may_ask).then(|| ApprovalTemplate::ignore().message(NOT_TRAINED)))
}

/// Checks it for every request, since those of the API and of the console open no form. If KnowBe4 does not answer, the request fails:
/// a gate that opens because of an error is none.
#[hook]
async fn on_request(user: &User, settings: Vars<Settings>, knowbe4: &KnowBe4) -> Result<Option<NextEvent>> {
    let may_ask = is_trained(user, &settings, knowbe4).await?;
    Ok((!may_ask).then(|| ApprovalTemplate::deny().reason(NOT_TRAINED)))
}

/// Those who decide are not trained necessarily. They see requests, and no records.
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
