use flows::google_group;
use sym_sdk::handlers;
use sym_sdk::integration::Outbox;
use sym_sdk::prelude::*;

use super::{HOUR, flow};

#[tokio::test]
async fn users_who_see_the_request_decide_it() {
    let handlers = handlers![google_group::get_approvers];
    let mut harness =
        flow("google_group", &Outbox::new()).handlers(handlers).guest("gus@partner.test").build().await.unwrap();
    let run = harness.request("groups").by("ana@example.com").field("reason", "audit").duration("1h").await.unwrap();
    assert_eq!(harness.delivery().delivered(), [(run, "#access-requests".to_owned())]);
    harness.approve_as(run, "gus@partner.test").await.unwrap_err();
    // The channel allows self-approval.
    harness.approve_as(run, "ana@example.com").await.unwrap();
    assert_eq!(harness.granted(), ["Finance: ana@example.com"]);
    harness.advance(HOUR).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
}
