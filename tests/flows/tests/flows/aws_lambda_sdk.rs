use flows::clients::AwsLambda;
use flows::{aws_lambda_sdk, plain};
use serde_json::{Value, json};
use sym_sdk::handlers;
use sym_sdk::integration::Outbox;
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

use super::{flow, sent};

async fn harness(outbox: &Outbox, answer: Option<Value>) -> Harness {
    let handlers = handlers![
        plain::get_permissions,
        plain::get_request_notifications,
        aws_lambda_sdk::on_request,
        aws_lambda_sdk::after_request,
    ];
    let arn = "arn:aws:lambda:eu-central-1:123456789012:function:decide";
    let responses = answer.map(|answer| (arn.to_owned(), answer)).into_iter().collect();
    let lambda = AwsLambda { responses, outbox: outbox.clone() };
    flow("aws_lambda_sdk", outbox).handlers(handlers).client(lambda).build().await.unwrap()
}

#[tokio::test]
async fn approves_if_the_function_does() {
    let outbox = Outbox::new();
    let mut harness = harness(&outbox, Some(json!({ "approved": true }))).await;
    let run = harness.request("review").by("ana@example.com").field("reason", "typo").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Approved);
    let payload = r#"{"reason":"typo","requester":"ana@example.com"}"#;
    let call = format!("lambda to arn:aws:lambda:eu-central-1:123456789012:function:decide: {payload}");
    assert_eq!(sent(&outbox), [call], "a request approved by the function is not recorded");
}

#[tokio::test]
async fn records_other_requests_which_wait() {
    let outbox = Outbox::new();
    let mut harness = harness(&outbox, Some(json!({ "approved": false }))).await;
    let run = harness.request("review").by("ana@example.com").field("reason", "typo").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Requested);
    let calls: Vec<_> = outbox.sent().into_iter().map(|sent| sent.service).collect();
    assert_eq!(calls, ["lambda", "lambda (async)"]);
}

#[tokio::test]
async fn a_missing_function_fails_the_request() {
    let mut harness = harness(&Outbox::new(), None).await;
    let run = harness.request("review").by("ana@example.com").field("reason", "typo").await.unwrap();
    let state = harness.run(run).await.unwrap();
    assert_eq!(state.run.status(), RunStatus::Errored);
    assert_eq!(state.error.as_ref().unwrap().code.to_string(), "AWSLambda:FATAL_FUNCTION_ERROR");
}
