//! Users who passed a training get access immediately. Others wait for a decision.

use sym_sdk::prelude::*;

use crate::clients::{KnowBe4, Slack};

/// The flow's vars.
#[derive(Debug, Deserialize)]
pub struct Settings {
    training_id: i64,
    error_channel: String,
}

/// Approves the requests of users who passed. If the service is unavailable, the error channel is notified and a person
/// decides.
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
