//! A function grants access and takes it away, and says in words what it did. The requester is told.

use sym_sdk::BoxFuture;
use sym_sdk::prelude::*;
use sym_sdk::strategy::{AccessRequest, AccessStrategy, Escalation, RevocationReach};

use crate::clients::Slack;

/// What the function answers.
#[derive(Debug, Deserialize)]
pub struct Answer {
    body: Body,
}

#[derive(Debug, Deserialize)]
struct Body {
    message: String,
}

/// Says what the function did.
#[hook]
pub async fn after_escalate(event: &Event, answer: StepOutput<Answer>, slack: &Slack) {
    tell(event, &answer, slack).await;
}

/// Says what the function did.
#[hook]
pub async fn after_deescalate(event: &Event, answer: StepOutput<Answer>, slack: &Slack) {
    tell(event, &answer, slack).await;
}

async fn tell(event: &Event, answer: &Answer, slack: &Slack) {
    if let Some(requester) = event.requester() {
        slack.send_message(requester.username(), &answer.body.message).await;
    }
}

/// The function: it knows everybody, and has nothing for one of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Function;

impl Function {
    fn say(request: &AccessRequest<'_>, text: &str) -> StepOutput {
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
                let output = Self::say(request, "There is no cake in");
                return Ok(Escalation::rejected(["no access for her".to_owned()]).with_output(output));
            }
            Ok(Escalation::granted().with_output(Self::say(request, "Welcome to")))
        })
    }

    fn deescalate<'a>(&'a self, request: &'a AccessRequest<'_>) -> BoxFuture<'a, Result<Option<StepOutput>>> {
        Box::pin(async move { Ok(Some(Self::say(request, "Goodbye from"))) })
    }

    fn reach(&self) -> RevocationReach {
        RevocationReach::Unknown
    }
}
