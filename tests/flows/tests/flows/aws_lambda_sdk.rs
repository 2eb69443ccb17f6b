use flows::{aws_lambda_sdk, plain};
use serde_json::json;
use sym_integrations::aws_lambda::SimulatedLambda;
use sym_sdk::handlers;
use sym_sdk::integration::Outbox;
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

use super::{flow, sent};

async fn harness(outbox: &Outbox, lambda: SimulatedLambda) -> Harness {
    let handlers = handlers![
        plain::get_permissions,
        plain::get_request_notifications,
        aws_lambda_sdk::on_request,
        aws_lambda_sdk::after_request,
    ];
    flow("aws_lambda_sdk", outbox).handlers(handlers).fake(lambda).build().await.unwrap()
}

#[tokio::test]
async fn approves_if_the_function_does() {
    let outbox = Outbox::new();
    let mut harness = harness(&outbox, SimulatedLambda::new().returns("decide", json!({ "approved": true }))).await;
    let run = harness.request("review").by("ana@example.com").field("reason", "typo").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Approved);
    let payload = r#"{"reason":"typo","requester":"ana@example.com"}"#;
    let call = format!("aws_lambda to decide: invoked with {payload}");
    assert_eq!(sent(&outbox), [call], "a request approved by the function is not recorded");
}

#[tokio::test]
async fn records_other_requests_which_wait() {
    let outbox = Outbox::new();
    let mut harness = harness(&outbox, SimulatedLambda::new().returns("decide", json!({ "approved": false }))).await;
    let run = harness.request("review").by("ana@example.com").field("reason", "typo").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Requested);
    let calls: Vec<_> = outbox.sent().into_iter().map(|sent| sent.to).collect();
    assert_eq!(calls, ["decide", "file"]);
}

#[tokio::test]
async fn a_missing_function_fails_the_request() {
    let mut harness = harness(&Outbox::new(), SimulatedLambda::new().missing("decide")).await;
    let run = harness.request("review").by("ana@example.com").field("reason", "typo").await.unwrap();
    let state = harness.run(run).await.unwrap();
    assert_eq!(state.run.status(), RunStatus::Errored);
    assert_eq!(state.error.as_ref().unwrap().code.to_string(), "AWSLambda:FUNCTION_NOT_FOUND");
}
