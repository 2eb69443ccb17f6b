//! A function grants and revokes access. The requester receives the message in its response.

use sym_sdk::prelude::*;
use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult, RevocationScope};

use crate::clients::Slack;

/// The response of the function.
#[derive(Debug, Deserialize)]
pub struct Response {
    body: Body,
}

#[derive(Debug, Deserialize)]
struct Body {
    message: String,
}

/// Sends the function's message to the requester.
#[hook]
pub async fn after_escalate(event: &Event, response: StepOutput<Response>, slack: &Slack) {
    notify(event, &response, slack).await;
}

/// Sends the function's message to the requester.
#[hook]
pub async fn after_deescalate(event: &Event, response: StepOutput<Response>, slack: &Slack) {
    notify(event, &response, slack).await;
}

async fn notify(event: &Event, response: &Response, slack: &Slack) {
    if let Some(requester) = event.requester() {
        slack.send_message(requester.username(), &response.body.message).await;
    }
}

/// A fake of the function. It grants access to everyone but one user.
#[derive(Clone, Copy, Debug, Default)]
pub struct Function;

impl Function {
    fn respond(request: &AccessRequest<'_>, text: &str) -> StepOutput {
        let message = format!("{text} {}, {}.", request.target().name(), request.identity());
        StepOutput(serde_json::json!({ "body": { "message": message }, "errors": [] }))
    }
}

impl AccessStrategy for Function {
    async fn fetch_remote_identity(&self, user: &User) -> Result<Option<String>> {
        Ok(Some(user.username().to_owned()))
    }

    async fn escalate(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        if request.identity().starts_with("glados@") {
            let output = Self::respond(request, "There is no cake in");
            return Ok(GrantResult::rejected(["no access for her".to_owned()]).with_output(output));
        }
        Ok(GrantResult::granted().with_output(Self::respond(request, "Welcome to")))
    }

    async fn deescalate(&self, request: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
        Ok(Some(Self::respond(request, "Goodbye from")))
    }

    fn revocation_scope(&self) -> RevocationScope {
        RevocationScope::Unknown
    }
}
