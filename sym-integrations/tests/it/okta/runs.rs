//! Runs that grant membership in an Okta group.

use serde_json::json;
use sym_integrations::okta::{Okta, OktaStrategy};
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::config::{self, Config};
use sym_sdk::model::RunStatus;
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

use super::fake::{DOMAIN, FakeOkta};
use crate::GRACE;
use crate::vendor_support::{Declared, get_permissions};

#[hook]
fn after_escalate(event: &Event, output: StepOutput<serde_json::Value>) {
    assert_eq!(output["group_name"], "prod-admins", "{event:?}");
}

/// A flow that grants access to group `00g1`.
const ADMINS: Declared<'_> = Declared {
    kind: "okta",
    external_id: DOMAIN,
    integration: &[("api_token_secret", "secret")],
    strategy: &[],
    target_kind: "okta_group",
    target: &[("group_id", "00g1")],
};

fn with_error_channel(config: &mut Config) {
    config.error_loggers.push(config::ErrorLogger {
        name: "errors".into(),
        destination: "#errors".into(),
        ..config::ErrorLogger::default()
    });
    for environment in &mut config.environments {
        environment.error_logger = Some("errors".into());
    }
}

/// Builds a harness whose strategy uses this client.
async fn harness(okta: Okta) -> Harness {
    Harness::builder()
        .declare(|config| ADMINS.add_to(config))
        .flow(ADMINS.flow())
        .declare(with_error_channel)
        .strategy("okta", OktaStrategy::new(okta))
        .handlers(sym_sdk::handlers![get_permissions, after_escalate])
        .idle_timeout(GRACE)
        .build()
        .await
        .unwrap()
}

#[tokio::test]
async fn revokes_expired_access() {
    let fake = FakeOkta::start().await;
    let mut harness = harness(fake.client()).await;
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Escalated);
    assert!(fake.state().is_member("00g1", "00u1"));

    harness.run_to_end().await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    assert!(!fake.state().is_member("00g1", "00u1"));
    assert!(harness.delivery().alerts().is_empty());
}

/// W7. The hook takes the output of a grant, and there is none.
#[tokio::test]
async fn leaves_a_membership_that_existed_before_the_request() {
    let fake = FakeOkta::start().await;
    fake.state().join("00g1", "00u1");
    let mut harness = harness(fake.client()).await;
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Escalated);

    harness.run_to_end().await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    assert!(fake.state().is_member("00g1", "00u1"));
    assert!(harness.delivery().alerts().is_empty());
}

#[tokio::test]
async fn alerts_about_group_rules() {
    let replay = Replay::new();
    let okta = Okta::builder(DOMAIN).token("00token").connection(replay.connection()).build().unwrap();
    let user = json!({ "id": "00u1", "status": "ACTIVE", "profile": { "login": "ana@example.com", "email": "ana@example.com" } });
    let group = json!({ "id": "00g1", "type": "OKTA_GROUP", "profile": { "name": "prod-admins" } });
    let membership = "/api/v1/groups/00g1/users/00u1";
    replay.get("/api/v1/users/ana@example.com").reply(Reply::json(&user));
    replay.get("/api/v1/users/00u1").reply(Reply::json(&user));
    replay.get("/api/v1/groups/00g1").always().reply(Reply::json(&group));
    replay.put(membership).reply(Reply::status(204));
    // Whether she is a member already is read before the grant.
    replay.get("/api/v1/users/00u1/groups").reply(Reply::json(json!([])));
    let mut harness = harness(okta).await;
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();

    replay.delete(membership).times(2).reply(Reply::status(204));
    replay.get("/api/v1/users/00u1/groups").times(4).reply(Reply::json([&group]));
    replay.get("/api/v1/users/00u1/groups").reply(Reply::json(json!([])));
    replay.get("/api/v1/groups/00g1/users").query("limit", 200).reply(Reply::json(json!([])));
    harness.run_to_end().await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    let alerts = harness.delivery().alerts();
    assert_eq!(alerts[0].code, sym_integrations::okta::codes::STILL_MEMBER);
    replay.check().unwrap();
}

#[tokio::test]
async fn all_includes_the_strategy() {
    assert_eq!(ADMINS.errors().await, None);
}
