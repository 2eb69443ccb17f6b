use flows::clients::Slack;
use flows::{plain, postgres_role};
use serde_json::json;
use sym_sdk::handlers;
use sym_sdk::integration::Outbox;
use sym_sdk::prelude::*;

use super::{HOUR, flow, sent};

#[tokio::test]
async fn sends_the_login_name_to_the_requester() {
    let outbox = Outbox::new();
    let handlers = handlers![plain::get_permissions, plain::get_request_notifications, postgres_role::after_escalate];
    let builder = flow("postgres_role", &outbox).handlers(handlers).client(Slack { outbox: outbox.clone() });
    let mut harness = builder.build().await.unwrap();
    let answer = StepOutput(json!({ "body": { "user_name": "ana_pg" }, "errors": [] }));
    harness.strategy("aws_lambda").unwrap().set_output(answer);
    // Both roles are granted by one function, but are two resources.
    for role in ["readonly", "readwrite"] {
        let request = harness.request("postgres").by("ana@example.com").field("reason", "report").target(role);
        let run = request.duration(if role == "readonly" { "1h" } else { "30m" }).await.unwrap();
        harness.approve_as(run, "ben@example.com").await.unwrap();
    }
    assert_eq!(sent(&outbox), ["slack to ana@example.com: Log in as `ana_pg`."; 2]);
    harness.advance(HOUR / 2).await.unwrap();
    assert_eq!(harness.granted(), ["Read only: ana@example.com"]);
}
