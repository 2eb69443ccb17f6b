use flows::custom_strategy::{self, Door};
use sym_sdk::handlers;
use sym_sdk::integration::Outbox;
use sym_sdk::prelude::*;

use super::{HOUR, flow};

#[tokio::test]
async fn access_lasts_until_it_is_revoked() {
    let door = Door::default();
    let handlers = handlers![custom_strategy::get_permissions, custom_strategy::get_request_notifications];
    let builder = flow("custom_strategy", &Outbox::new()).handlers(handlers).strategy("custom", door.clone());
    let mut harness = builder.build().await.unwrap();
    let run = harness.request("doors").by("ana@example.com").field("reason", "a disk").await.unwrap();
    harness.approve_as(run, "ana@example.com").await.unwrap_err();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    assert_eq!(door.open_for(), ["ana: 7"]);
    harness.advance(1_000 * HOUR).await.unwrap();
    assert_eq!(door.open_for(), ["ana: 7"], "this access has no end of its own");
    harness.revoke_as(run, "ana@example.com").await.unwrap();
    assert!(door.open_for().is_empty());
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
}
