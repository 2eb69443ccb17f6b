use flows::plain;
use sym_sdk::handlers;
use sym_sdk::integration::Outbox;
use sym_sdk::prelude::*;

use super::{HOUR, flow};

#[tokio::test]
async fn members_may_approve_their_own_requests() {
    let handlers = handlers![plain::get_permissions, plain::get_request_notifications];
    let mut harness = flow("plain", &Outbox::new()).handlers(handlers).build().await.unwrap();
    harness.strategy("okta").unwrap().set_identity("ana@example.com", "00u1");
    let run = harness.request("on-call-group").field("reason", "incident 42").duration("30m").await.unwrap();
    harness.approve_as(run, "ana@example.com").await.unwrap();
    assert_eq!(harness.granted(), ["On call: 00u1"]);
    harness.advance(HOUR).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    assert!(harness.granted().is_empty());
}
