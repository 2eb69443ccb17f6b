use flows::aws_lambda_strategy::{self, Function};
use flows::clients::Slack;
use flows::plain;
use sym_sdk::handlers;
use sym_sdk::integration::Outbox;
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

use super::{HOUR, flow, sent};

async fn harness(outbox: &Outbox) -> Harness {
    let handlers = handlers![
        plain::get_permissions,
        plain::get_request_notifications,
        aws_lambda_strategy::after_escalate,
        aws_lambda_strategy::after_deescalate,
    ];
    let builder = flow("aws_lambda_strategy", outbox).handlers(handlers).client(Slack { outbox: outbox.clone() });
    builder.strategy("aws_lambda", Function).build().await.unwrap()
}

#[tokio::test]
async fn sends_the_message_of_the_function_to_the_requester() {
    let outbox = Outbox::new();
    let mut harness = harness(&outbox).await;
    let request = harness.request("laboratory").by("chell@example.com").field("reason", "tests").target("chamber");
    let run = request.duration("30m").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    harness.advance(HOUR).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    assert_eq!(
        sent(&outbox),
        [
            "slack to chell@example.com: Welcome to chamber, chell@example.com.",
            "slack to chell@example.com: Goodbye from chamber, chell@example.com.",
        ]
    );
}

#[tokio::test]
async fn reports_the_rejection_of_the_function() {
    let outbox = Outbox::new();
    let mut harness = harness(&outbox).await;
    let request = harness.request("laboratory").by("glados@example.com").field("reason", "science").target("library");
    let run = request.duration("30m").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    let state = harness.run(run).await.unwrap();
    assert_eq!(state.run.status(), RunStatus::Errored);
    assert_eq!(state.error.as_ref().unwrap().message, "the strategy reported: no access for her");
    assert_eq!(sent(&outbox), ["slack to glados@example.com: There is no cake in library, glados@example.com."]);
}
