//! A function makes a database user for the time of the access, and puts the password where only the requester can read it.
//! The requester is told where.

use sym_sdk::prelude::*;

use crate::clients::Slack;

/// What the function answers.
#[derive(Debug, Deserialize)]
pub struct Answer {
    #[serde(default)]
    body: Body,
    #[serde(default)]
    errors: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Body {
    secret_name: Option<String>,
}

/// Says where the password is. After an error there is none.
#[hook]
pub async fn after_escalate(event: &Event, answer: StepOutput<Answer>, slack: &Slack) {
    let (Some(requester), Some(secret)) = (event.requester(), &answer.body.secret_name) else { return };
    if answer.errors.is_empty() {
        let text = format!("Your database password is in the secret `{secret}`.");
        slack.send_message(requester.username(), &text).await;
    }
}
