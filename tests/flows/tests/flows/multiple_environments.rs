use flows::multiple_environments;
use sym_sdk::handlers;
use sym_sdk::integration::Outbox;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

use super::flow;

async fn harness() -> Harness {
    let handlers = handlers![
        multiple_environments::get_permissions,
        multiple_environments::get_request_notifications,
        multiple_environments::on_approve,
        multiple_environments::on_deny,
    ];
    flow("multiple_environments", &Outbox::new()).handlers(handlers).build().await.unwrap()
}

async fn request(harness: &mut Harness, flow: &str) -> RunId {
    harness.request(flow).by("ana@example.com").field("reason", "release").await.unwrap()
}

#[tokio::test]
async fn each_environment_has_its_channel_and_approvers() {
    let mut harness = harness().await;
    let staging = request(&mut harness, "approval-staging").await;
    let prod = request(&mut harness, "approval-prod").await;
    let notified = [(staging, "#staging-requests".to_owned()), (prod, "#prod-requests".to_owned())];
    assert_eq!(harness.delivery().delivered(), notified);

    harness.approve_as(staging, "ben@example.com").await.unwrap();
    assert_eq!(harness.status(staging).await.unwrap(), RunStatus::Approved);

    // Accepted, and then ignored by the hook, which tells ben the reason.
    harness.approve_as(prod, "ben@example.com").await.unwrap();
    assert_eq!(harness.status(prod).await.unwrap(), RunStatus::Requested);
    let (to, text) = harness.delivery().messages().pop().unwrap();
    assert_eq!((&*to, &*text), ("ben@example.com", "You are not authorized to approve this request."));
    harness.approve_as(prod, "cho@example.com").await.unwrap();
    assert_eq!(harness.status(prod).await.unwrap(), RunStatus::Approved);
}

#[tokio::test]
async fn requesters_but_no_other_members_may_deny() {
    let mut harness = harness().await;
    let run = request(&mut harness, "approval-prod").await;
    harness.deny_as(run, "dee@example.com").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Requested);
    harness.deny_as(run, "ana@example.com").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Denied);
}
