//! `testing::Harness` and the timeline, as a user meets them.

use std::time::Duration;

use expect_test::expect;
use sym_sdk::handlers;
use sym_sdk::integration::Outbox;
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

const HOUR: Duration = Duration::from_secs(3600);

struct Pager(Outbox);

impl IntegrationClient for Pager {
    const TYPE: &'static str = "pager";

    fn from_config(_: &sym_sdk::integration::IntegrationConfig<'_>) -> Result<Self> {
        Ok(Self(Outbox::new()))
    }
}

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::new(PermissionLevel::Admin, PermissionLevel::Member)
}

#[reducer]
fn get_request_notifications() -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(SlackChannelName::new("#requests")?)])
}

#[hook]
fn on_approve(pager: &Pager) {
    pager.0.record("pager", "#incident", "somebody\nsays yes");
}

#[tokio::test]
async fn an_access_request_from_request_to_deescalation() {
    let outbox = Outbox::new();
    let mut harness = Harness::builder()
        .access_flow("prod", ["admins", "readers"])
        .handlers(handlers![get_permissions, get_request_notifications, on_approve])
        .client(Pager(outbox.clone()))
        .outbox(outbox)
        .build()
        .await
        .unwrap();
    let run = harness.request("prod").by("ana@example.com").target("admins").duration("1h").await.unwrap();
    harness.advance(HOUR / 12).await.unwrap();
    harness.approve_as(run, "ben@example.com").message("go\u{202e}ahead").await.unwrap();
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);
    harness.run_to_end().await.unwrap();
    assert!(harness.granted().is_empty());
    expect![[r#"
        2024-02-29 UTC
        12:00:00  request          by           ana@example.com through the API
                                   asks         admins for 1h
                                   called       get_permissions (sym-sdk/tests/it/harness.rs) answered
                                   called       get_request_notifications (sym-sdk/tests/it/harness.rs) answered
                                   routed       members may decide; admins may see it; told: #requests
                                   now          requested
                                   told         #requests
        12:05:00  approve          by           ben@example.com through the API: “go ahead”
                                   called       on_approve (sym-sdk/tests/it/harness.rs) went on
                                   sent         pager to #incident: “somebody says yes”
                                   now          approved
        12:05:00  escalate         by           ben@example.com (follows by itself)
                                   identity     ana@example.com
                                   granted      admins to ana@example.com until 13:05:00
                                   now          escalated
        12:05:00  approve          told         ana@example.com: “ben@example.com approved your request for prod”
        12:05:00  escalate         told         ana@example.com: “You have access to admins until 2024-02-29 13:05:00 UTC”
        13:05:00  deescalate       by           ben@example.com (its time is up)
                                   removed      admins from ana@example.com
                                   now          deescalated
                                   told         ana@example.com: “Your access to admins has ended”

        prod is deescalated
    "#]]
    .assert_eq(&harness.golden(run));
}
