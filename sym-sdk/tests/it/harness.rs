//! `testing::Harness`, used as in a user's test, and the timeline that it prints.

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
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

#[reducer]
fn get_request_notifications() -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(SlackChannelName::new("#requests")?)])
}

#[hook]
fn on_approve(pager: &Pager) {
    pager.0.record("pager", "#incident", "approved\nby somebody");
}

#[tokio::test]
async fn runs_a_request_from_submission_to_deescalation() {
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
        12:00:00  request          by           ana@example.com via the API
                                   inputs       admins for 1h
                                   handler      get_permissions (sym-sdk/tests/it/harness.rs) returned
                                   handler      get_request_notifications (sym-sdk/tests/it/harness.rs) returned
                                   routed       approvers: members; viewers: admins; notify: #requests
                                   status       requested
                                   notified     #requests
        12:05:00  approve          by           ben@example.com via the API: “go ahead”
                                   handler      on_approve (sym-sdk/tests/it/harness.rs) continued
                                   sent         pager to #incident: “approved by somebody”
                                   status       approved
        12:05:00  escalate         by           ben@example.com (automatic)
                                   identity     ana@example.com
                                   granted      admins to ana@example.com until 13:05:00
                                   status       escalated
        12:05:00  approve          messaged     ana@example.com: “ben@example.com approved your request for prod”
        12:05:00  escalate         messaged     ana@example.com: “You have access to admins until 2024-02-29 13:05:00 UTC”
        12:50:00  approve          messaged     ana@example.com: “Your access to admins ends at 2024-02-29 13:05:00 UTC. If you need it for longe…”
        13:05:00  deescalate       by           ben@example.com (expired)
                                   revoked      admins from ana@example.com
                                   status       deescalated
                                   messaged     ana@example.com: “Your access to admins has ended”

        prod: deescalated
    "#]]
    .assert_eq(&harness.golden(run));
}
