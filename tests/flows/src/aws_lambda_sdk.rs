//! Asks a function whether a request is fine, and has another one file it.

use serde_json::json;
use sym_sdk::prelude::*;

use crate::clients::AwsLambda;

/// Approves what the function approves.
#[hook]
pub async fn on_request(event: &Event, lambda: &AwsLambda) -> Result<Option<NextEvent>> {
    let answer = lambda.invoke(event.flow().var("decide_arn")?, &request(event)).await?;
    let approved = answer.get("approved").and_then(|approved| approved.as_bool()).unwrap_or_default();
    Ok(approved.then(|| ApprovalTemplate::approve().reason("the function approves")))
}

/// Has the request filed.
#[hook]
pub async fn after_request(event: &Event, lambda: &AwsLambda) -> Result<()> {
    lambda.invoke_async(event.flow().var("file_arn")?, &request(event)).await;
    Ok(())
}

fn request(event: &Event) -> serde_json::Value {
    json!({ "requester": event.user().username(), "reason": event.fields().text("reason").ok() })
}
