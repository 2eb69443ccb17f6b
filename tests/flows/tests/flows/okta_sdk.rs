use flows::okta_sdk;
use sym_integrations::okta::SimulatedOkta;
use sym_sdk::handlers;
use sym_sdk::integration::Outbox;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

use super::flow;

async fn harness() -> Harness {
    let okta = SimulatedOkta::new()
        .attribute("ana@example.com", "department", "Engineering")
        .attribute("bea@example.com", "department", "Finance")
        .member("00g-engineering", "eve@example.com")
        .member("00g-engineering", "emil@example.com")
        .member("00g-approvers", "eve@example.com")
        .member("00g-approvers", "ada@example.com");
    let handlers = handlers![okta_sdk::get_permissions, okta_sdk::get_request_notifications, okta_sdk::on_approve];
    let builder = flow("okta_sdk", &Outbox::new()).handlers(handlers).fake(okta).admin("ada@example.com");
    builder.build().await.unwrap()
}

async fn request(harness: &mut Harness, name: &str) -> RunId {
    harness.request("by-department").by(format!("{name}@example.com")).field("reason", "work").await.unwrap()
}

#[tokio::test]
async fn the_group_of_the_department_decides_and_its_channel_is_notified() {
    let mut harness = harness().await;
    let run = request(&mut harness, "ana").await;
    assert_eq!(harness.delivery().delivered(), [(run, "#engineering-access".to_owned())]);
    harness.approve_as(run, "dan@example.com").await.unwrap_err();

    // In the group of the department, but not in that of approvers.
    harness.approve_as(run, "emil@example.com").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Requested);
    harness.approve_as(run, "eve@example.com").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Approved);
    let routed = harness.timeline().entries().iter().find(|entry| entry.kind == "routed").unwrap();
    assert!(routed.text.contains("eve@example.com"), "the timeline names who may decide: {}", routed.text);
}

#[tokio::test]
async fn admins_decide_if_the_group_is_empty() {
    let mut harness = harness().await;
    let run = request(&mut harness, "bea").await;
    assert_eq!(harness.delivery().delivered(), [(run, "#general-access".to_owned())]);
    harness.approve_as(run, "eve@example.com").await.unwrap_err();
    harness.approve_as(run, "ada@example.com").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Approved);
}
