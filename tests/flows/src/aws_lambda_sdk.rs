//! One function decides about requests, and another one records them.

use serde_json::json;
use sym_integrations::aws_lambda::AwsLambda;
use sym_sdk::prelude::*;

/// Approves the request if the function does.
#[hook]
pub async fn on_request(event: &Event, lambda: &AwsLambda) -> Result<Option<NextEvent>> {
    let answer = lambda.invoke(event.flow().var("decide_arn")?, &request(event)).await?;
    let approved = answer.get("approved").and_then(|approved| approved.as_bool()).unwrap_or_default();
    Ok(approved.then(|| ApprovalTemplate::approve().reason("approved by the function")))
}

/// Records the request.
#[hook]
pub async fn after_request(event: &Event, lambda: &AwsLambda) -> Result<()> {
    lambda.invoke_async(event.flow().var("file_arn")?, &request(event)).await?;
    Ok(())
}

fn request(event: &Event) -> serde_json::Value {
    json!({ "requester": event.user().username(), "reason": event.fields().text("reason").ok() })
}
