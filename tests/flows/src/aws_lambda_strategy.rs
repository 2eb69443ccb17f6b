//! A function grants and revokes access. The requester receives the message in its response.

use sym_sdk::BoxFuture;
use sym_sdk::prelude::*;
use sym_sdk::strategy::{AccessRequest, AccessStrategy, Escalation, RevocationReach};

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
    fn fetch_remote_identity<'a>(&'a self, user: &'a User) -> BoxFuture<'a, Result<Option<String>>> {
        Box::pin(async move { Ok(Some(user.username().to_owned())) })
    }

    fn escalate<'a>(&'a self, request: &'a AccessRequest<'_>) -> BoxFuture<'a, Result<Escalation>> {
        Box::pin(async move {
            if request.identity().starts_with("glados@") {
                let output = Self::respond(request, "There is no cake in");
                return Ok(Escalation::rejected(["no access for her".to_owned()]).with_output(output));
            }
            Ok(Escalation::granted().with_output(Self::respond(request, "Welcome to")))
        })
    }

    fn deescalate<'a>(&'a self, request: &'a AccessRequest<'_>) -> BoxFuture<'a, Result<Option<StepOutput>>> {
        Box::pin(async move { Ok(Some(Self::respond(request, "Goodbye from"))) })
    }

    fn reach(&self) -> RevocationReach {
        RevocationReach::Unknown
    }
}
