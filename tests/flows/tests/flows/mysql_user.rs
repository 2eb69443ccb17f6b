use flows::clients::Slack;
use flows::{mysql_user, plain};
use serde_json::json;
use sym_sdk::handlers;
use sym_sdk::integration::Outbox;
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

use super::{HOUR, flow, sent};

async fn harness(outbox: &Outbox) -> Harness {
    let handlers = handlers![plain::get_permissions, plain::get_request_notifications, mysql_user::after_escalate];
    let slack = Slack { outbox: outbox.clone() };
    flow("mysql_user", outbox).handlers(handlers).client(slack).build().await.unwrap()
}

#[tokio::test]
async fn sends_the_location_of_the_password_to_the_requester() {
    let outbox = Outbox::new();
    let mut harness = harness(&outbox).await;
    let answer = StepOutput(json!({ "body": { "secret_name": "mysql/ana" }, "errors": [] }));
    harness.strategy("aws_lambda").unwrap().set_output(answer);
    let run =
        harness.request("mysql").by("ana@example.com").field("reason", "slow query").duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    let text = "slack to ana@example.com: Your database password is in the secret `mysql/ana`.";
    assert_eq!(sent(&outbox), [text]);
    harness.advance(HOUR).await.unwrap();
    assert!(harness.granted().is_empty());
}

#[tokio::test]
async fn sends_nothing_after_an_error() {
    let outbox = Outbox::new();
    let mut harness = harness(&outbox).await;
    let strategy = harness.strategy("aws_lambda").unwrap().clone();
    strategy.set_output(StepOutput(json!({ "body": {}, "errors": ["the database is full"] })));
    strategy.reject_grant(["the database is full"]);
    let run =
        harness.request("mysql").by("ana@example.com").field("reason", "slow query").duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Errored);
    assert!(outbox.sent().is_empty());
}
