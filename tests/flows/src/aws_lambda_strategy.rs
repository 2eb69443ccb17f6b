//! A function grants access and takes it away, and says in words what it did. The requester is told.

use sym_sdk::prelude::*;
use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult, RevocationScope};

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
    async fn fetch_remote_identity(&self, user: &User) -> Result<Option<String>> {
        Ok(Some(user.username().to_owned()))
    }

    async fn escalate(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        if request.identity().starts_with("glados@") {
            let output = Self::say(request, "There is no cake in");
            return Ok(GrantResult::rejected(["no access for her".to_owned()]).with_output(output));
        }
        Ok(GrantResult::granted().with_output(Self::say(request, "Welcome to")))
    }

    async fn deescalate(&self, request: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
        Ok(Some(Self::say(request, "Goodbye from")))
    }

    fn revocation_scope(&self) -> RevocationScope {
        RevocationScope::Unknown
    }
}
