use flows::circleci;
use flows::clients::CircleCi;
use serde_json::json;
use sym_sdk::handlers;
use sym_sdk::integration::Outbox;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

use super::{flow, sent};

async fn harness(outbox: &Outbox, is_down: bool) -> Harness {
    let handlers = handlers![
        circleci::get_permissions,
        circleci::get_request_notifications,
        circleci::on_request,
        circleci::on_approve,
    ];
    let client = CircleCi { outbox: outbox.clone(), is_down };
    flow("circleci", outbox).handlers(handlers).client(client).build().await.unwrap()
}

async fn deploy(harness: &mut Harness, context: serde_json::Value) -> RunId {
    let request = harness.request("deploy").field("workflow_id", "w1").field("job_id", "hold");
    request.context(context).await.unwrap()
}

#[tokio::test]
async fn approves_a_change_of_code_immediately() {
    let outbox = Outbox::new();
    let mut harness = harness(&outbox, false).await;
    let run = deploy(&mut harness, json!({ "diff.txt": "src/main.rs\nREADME.md" })).await;
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Approved);
    assert_eq!(sent(&outbox), ["circleci to w1/hold: approved"]);
    assert!(harness.delivery().delivered().is_empty(), "no approver is notified");
}

#[tokio::test]
async fn a_change_of_infrastructure_waits_for_another_member() {
    let outbox = Outbox::new();
    let mut harness = harness(&outbox, false).await;
    let run = deploy(&mut harness, json!({ "diff.txt": "src/main.rs\ninfra/main.tf\n" })).await;
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Requested);
    assert_eq!(harness.delivery().delivered(), [(run, "#platform".to_owned())]);
    harness.approve_as(run, "ana@example.com").await.unwrap_err();
    assert!(outbox.sent().is_empty());
    harness.approve_as(run, "ben@example.com").await.unwrap();
    assert_eq!(sent(&outbox), ["circleci to w1/hold: approved"]);
}

#[tokio::test]
async fn reports_a_missing_list_of_files() {
    let outbox = Outbox::new();
    let mut harness = harness(&outbox, false).await;
    let run = deploy(&mut harness, json!({})).await;
    let state = harness.run(run).await.unwrap();
    assert_eq!(state.run.status(), RunStatus::Errored);
    let error = state.error.as_ref().unwrap();
    assert!(error.message.ends_with("the request has no `diff.txt` in its context"), "{}", error.message);
    assert_eq!(error.hint.as_deref(), Some("have the build send the output of `git diff --name-only`"));
}

#[tokio::test]
async fn does_not_approve_if_the_job_cannot_be_resumed() {
    let outbox = Outbox::new();
    let mut harness = harness(&outbox, true).await;
    let run = deploy(&mut harness, json!({ "diff.txt": "README.md" })).await;
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Errored);
}

#[tokio::test]
async fn accepts_requests_from_the_api_only() {
    let mut harness = harness(&Outbox::new(), false).await;
    let request = harness.request("deploy").field("workflow_id", "w1").field("job_id", "hold");
    request.channel(Channel::new(ChannelType::Slack)).await.unwrap_err();
}
