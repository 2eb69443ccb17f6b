//! The strategy `okta`.

use serde_json::json;
use sym_integrations::okta::{Okta, OktaStrategy};
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::ErrorKind;
use sym_sdk::model::{AccessTarget, StepOutput, UserIdentity};
use sym_sdk::strategy::{AccessStrategy, GrantResult, RevocationScope};
use wiremock::matchers::method;
use wiremock::{Mock, ResponseTemplate};

use super::fake::{DOMAIN, FakeOkta, fault};
use crate::vendor_support::{Asked, code, person};


fn target(group: &str) -> AccessTarget {
    AccessTarget::new("acme", "okta_group", "admins".parse().unwrap()).with_setting("group_id", group)
}

fn replayed(replay: &Replay) -> OktaStrategy {
    OktaStrategy::new(Okta::builder(DOMAIN).token("00token").connection(replay.connection()).build().unwrap())
}

#[tokio::test]
async fn grants_and_revocations_are_idempotent() {
    let fake = FakeOkta::start().await;
    let strategy = OktaStrategy::new(fake.client());
    let asked = Asked::new(&strategy, target("00g1"), "00u1");
    let output = json!({ "group_id": "00g1", "group_name": "prod-admins", "user_id": "00u1" });
    for _ in 0..2 {
        let granted = GrantResult::granted().with_output(StepOutput::new(&output).unwrap());
        assert_eq!(asked.grant().await.unwrap(), granted);
        assert_eq!(strategy.list_current(&target("00g1")).await.unwrap().unwrap(), ["00u1"]);
    }
    for _ in 0..2 {
        assert_eq!(asked.revoke().await.unwrap().unwrap().0, output);
        assert!(strategy.list_current(&target("00g1")).await.unwrap().unwrap().is_empty());
    }
    assert_eq!(strategy.revocation_scope(), RevocationScope::NewSessions);
}

#[tokio::test]
async fn rejects_groups_that_are_managed_elsewhere() {
    let fake = FakeOkta::start().await;
    fake.state().add_group("00g4", "NEW_KIND", "new");
    let strategy = OktaStrategy::new(fake.client());
    for (group, expected) in [
        (
            "00g2",
            "Okta group `prod-ad` (`00g2`) is of type APP_GROUP: its members are managed by the app it is imported from",
        ),
        ("00g3", "Okta group `Everyone` (`00g3`) is of type BUILT_IN: its members are managed by Okta"),
        ("00g4", "Okta group `new` (`00g4`) is of unknown type NEW_KIND: its members may be managed elsewhere"),
    ] {
        for error in [
            Asked::new(&strategy, target(group), "00u1").grant().await.unwrap_err(),
            strategy.check(&target(group)).await.unwrap_err(),
        ] {
            assert_eq!((code(&error), error.message()), ("Okta:GROUP_NOT_NATIVE".to_owned(), expected));
            assert!(error.hint().unwrap().contains("`group_id`"));
            assert!(!error.is_retryable());
        }
    }
    assert!(fake.calls().iter().all(|call| !call.starts_with("PUT")));
}

#[tokio::test]
async fn reports_what_is_missing() {
    let fake = FakeOkta::start().await;
    fake.state().add_user("00u4", "dora@example.com", "dora@example.com", "DEPROVISIONED");
    let strategy = OktaStrategy::new(fake.client());
    let grant =
        async |group: &str, user: &str| code(&Asked::new(&strategy, target(group), user).grant().await.unwrap_err());
    assert_eq!(grant("00g9", "00u1").await, "Okta:GROUP_NOT_FOUND");
    assert_eq!(grant("00g1", "00u9").await, "Okta:USER_NOT_FOUND");
    assert_eq!(grant("00g1", "00u4").await, "Okta:USER_DEPROVISIONED");
    // Members added under a login would not be found in the list when the access ends.
    assert_eq!(grant("00g1", "ana@example.com").await, "Okta:NOT_A_USER_ID");
    assert_eq!(grant("00g1", "ana").await, "Okta:NOT_A_USER_ID");
    assert!(fake.calls().iter().all(|call| !call.starts_with("PUT")));

    let revoke = async |group: &str, user: &str| Asked::new(&strategy, target(group), user).revoke().await;
    let error = revoke("00g9", "00u1").await.unwrap_err();
    assert_eq!(code(&error), "Okta:GROUP_NOT_FOUND");
    assert!(error.hint().unwrap().contains("written off"));
    assert_eq!(revoke("00g1", "00u9").await.unwrap().unwrap().0["group_name"], "prod-admins");
    let error = strategy.list_current(&target("00g9")).await.unwrap_err();
    assert_eq!(code(&error), "Okta:GROUP_NOT_FOUND");

    let other = AccessTarget::new("acme", "okta_app", "app".parse().unwrap()).with_setting("group_id", "00g1");
    let error = Asked::new(&strategy, other, "00u1").grant().await.unwrap_err();
    assert_eq!((error.kind(), code(&error)), (ErrorKind::Configuration, "SymSDK:CONFIGURATION".to_owned()));
    let error = strategy.check(&AccessTarget::new("acme", "okta_group", "x".parse().unwrap())).await.unwrap_err();
    assert_eq!(code(&error), "SymSDK:UNKNOWN_SETTING");
}

#[tokio::test]
async fn reports_users_who_are_added_again() {
    let replay = Replay::new();
    let strategy = replayed(&replay);
    let group = json!({ "id": "00g1", "type": "OKTA_GROUP", "profile": { "name": "prod-admins" } });
    replay.delete("/api/v1/groups/00g1/users/00u1").reply(Reply::status(204));
    replay.get("/api/v1/groups/00g1").reply(Reply::json(&group));
    replay.get("/api/v1/users/00u1/groups").times(4).reply(Reply::json([&group]));
    let error = Asked::new(&strategy, target("00g1"), "00u1").revoke().await.unwrap_err();
    assert_eq!(code(&error), "Okta:STILL_MEMBER");
    let expected = "Okta removed user `00u1` from group `prod-admins` (`00g1`), and still lists them in it";
    assert_eq!(error.message(), expected);
    assert!(error.hint().unwrap().contains("group rule"));
    replay.check().unwrap();
}

#[tokio::test]
async fn waits_for_lagging_lists() {
    let replay = Replay::new();
    let strategy = replayed(&replay);
    let group = json!({ "id": "00g1", "type": "OKTA_GROUP", "profile": { "name": "prod-admins" } });
    replay.delete("/api/v1/groups/00g1/users/00u1").reply(Reply::status(204));
    replay.get("/api/v1/groups/00g1").reply(Reply::json(&group));
    replay.get("/api/v1/users/00u1/groups").times(2).reply(Reply::json([&group]));
    replay.get("/api/v1/users/00u1/groups").reply(Reply::json(json!([])));
    Asked::new(&strategy, target("00g1"), "00u1").revoke().await.unwrap();
    assert_eq!(replay.elapsed().as_secs(), 3);
    replay.check().unwrap();
}

#[tokio::test]
async fn failures_after_the_removal_do_not_matter() {
    let fake = FakeOkta::start().await;
    let strategy = OktaStrategy::new(fake.client());
    fake.state().join("00g1", "00u1");
    let denied = fault(403, "E0000006", "You do not have permission to perform the requested action");
    Mock::given(method("GET")).respond_with(denied).with_priority(1).mount(fake.server()).await;
    let output = Asked::new(&strategy, target("00g1"), "00u1").revoke().await.unwrap().unwrap();
    assert_eq!(output.0, json!({ "group_id": "00g1", "user_id": "00u1" }));
    assert!(!fake.state().is_member("00g1", "00u1"));
}

#[tokio::test]
async fn unconfirmed_removals_fail() {
    let fake = FakeOkta::start().await;
    let strategy = OktaStrategy::new(fake.client());
    fake.state().join("00g1", "00u1");
    let asked = Asked::new(&strategy, target("00g1"), "00u1");
    for (answer, expected) in [
        (ResponseTemplate::new(500).set_body_string("oops"), "Okta:UNAVAILABLE"),
        (ResponseTemplate::new(404).set_body_string("<html>"), "Okta:INVALID_RESPONSE"),
        (ResponseTemplate::new(200).set_body_string("<html>Sign in"), "Okta:INVALID_RESPONSE"),
        (fault(403, "E0000006", "no"), "Okta:FORBIDDEN"),
        (fault(401, "E0000011", "no"), "Okta:AUTH_FAILED"),
    ] {
        fake.state().refusal = Some(answer);
        assert_eq!(code(&asked.revoke().await.unwrap_err()), expected);
    }
    assert!(fake.state().is_member("00g1", "00u1"));
}

#[tokio::test]
async fn targets_of_one_group_are_one_resource() {
    let replay = Replay::new();
    let strategy = replayed(&replay);
    let labelled = AccessTarget::new("acme", "okta_group", "others".parse().unwrap())
        .with_label("Others")
        .with_setting("group_id", "00g1")
        .with_setting("owner", "platform");
    assert_eq!(strategy.resource(&labelled), strategy.resource(&target("00g1")));
    assert_ne!(strategy.resource(&target("00g2")), strategy.resource(&target("00g1")));
}

#[tokio::test]
async fn check_finds_missing_groups_and_wrong_tokens() {
    let fake = FakeOkta::start().await;
    let strategy = OktaStrategy::new(fake.client());
    strategy.check(&target("00g1")).await.unwrap();
    let picked = AccessTarget::new("acme", "okta_group", "any".parse().unwrap()).with_field_binding("group_id");
    strategy.check(&picked).await.unwrap();
    assert_eq!(code(&strategy.check(&target("00g9")).await.unwrap_err()), "Okta:GROUP_NOT_FOUND");
    let strategy = OktaStrategy::new(fake.builder().token("00S3CRET-wrong").build().unwrap());
    for target in [target("00g1"), picked] {
        assert_eq!(code(&strategy.check(&target).await.unwrap_err()), "Okta:AUTH_FAILED");
    }
}

#[tokio::test]
async fn finds_identities_by_address() {
    let fake = FakeOkta::start().await;
    let strategy = OktaStrategy::new(fake.client());
    let found = strategy.fetch_remote_identity(&person("ben@example.com")).await.unwrap();
    assert_eq!(found.as_deref(), Some("00u2"));
    assert_eq!(strategy.fetch_remote_identity(&person("eve@example.com")).await.unwrap(), None);
    // The runtime has looked in the directory before.
    let known = person("ben@example.com").with_identity(UserIdentity::new("okta", DOMAIN, "00u1"));
    assert_eq!(strategy.fetch_remote_identity(&known).await.unwrap().as_deref(), Some("00u2"));
}
