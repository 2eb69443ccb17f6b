//! Who has passed the training gets access at once; others wait for a person to decide.

use sym_sdk::prelude::*;

use crate::clients::{KnowBe4, Slack};

/// The flow's vars.
#[derive(Debug, Deserialize)]
pub struct Settings {
    training_id: i64,
    error_channel: String,
}

/// Approves who has passed. If the service cannot be asked, the channel for errors hears of it and a person decides.
#[hook]
pub async fn on_request(
    event: &Event,
    settings: Vars<Settings>,
    knowbe4: &KnowBe4,
    slack: &Slack,
) -> Option<NextEvent> {
    match knowbe4.enrollments(event.user(), settings.training_id).await {
        Ok(enrollments) => {
            let passed = enrollments.first().is_some_and(|latest| latest == "Passed");
            passed.then(|| ApprovalTemplate::approve().reason("the training is passed"))
        }
        Err(error) => {
            slack.send_message(&settings.error_channel, &error.to_string()).await;
            None
        }
    }
}
