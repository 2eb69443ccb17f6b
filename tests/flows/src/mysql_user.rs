//! A function creates a temporary database user, and stores the password where only the requester can read it. The requester is
//! sent the location.

use sym_sdk::prelude::*;

use crate::clients::Slack;

/// The response of the function.
#[derive(Debug, Deserialize)]
pub struct Response {
    #[serde(default)]
    body: Body,
    #[serde(default)]
    errors: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Body {
    secret_name: Option<String>,
}

/// Sends the location of the password, unless there was an error.
#[hook]
pub async fn after_escalate(event: &Event, response: StepOutput<Response>, slack: &Slack) {
    let (Some(requester), Some(secret)) = (event.requester(), &response.body.secret_name) else { return };
    if response.errors.is_empty() {
        let text = format!("Your database password is in the secret `{secret}`.");
        slack.send_message(requester.username(), &text).await;
    }
}
