//! Access tokens.

use std::time::Duration;

use serde_json::json;
use sym_integrations::aptible::{Aptible, AptibleStrategy};
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::model::AccessTarget;
use sym_sdk::strategy::AccessStrategy;

use super::fake::{ANA, FakeAptible, ORGANIZATION, PASSWORD, ROLE, fault};
use crate::vendor_support::{Asked, code};

async fn check(strategy: &AptibleStrategy) -> Result<()> {
    let target = AccessTarget::new("acme", "aptible_role", "any".parse().unwrap()).with_field_binding("role_id");
    strategy.check(&target).await
}

fn replayed(replay: &Replay) -> AptibleStrategy {
    let builder = Aptible::builder(ORGANIZATION).login("bot@example.com", PASSWORD);
    AptibleStrategy::new(builder.connection(replay.connection()).build().unwrap())
}

/// AP04.
#[tokio::test]
async fn a_token_is_replaced_before_its_time_as_number_or_text() {
    let organization = format!("/organizations/{ORGANIZATION}");
    let now = Replay::new().connection().clock().now();
    let end = now + Duration::from_secs(43_200);
    for expires_at in [json!(end.as_second()), json!(end.to_string())] {
        let replay = Replay::at(now);
        let strategy = replayed(&replay);
        let login = |number: u32, expires_at| {
            let body = json!({ "access_token": format!("S3CRET-{number}"), "expires_at": expires_at });
            replay.post("/tokens").reply(Reply::json(body).with_status(201));
        };
        let call = |number: u32, times| {
            let bearer = format!("Bearer S3CRET-{number}");
            let rule = replay.get(&organization).header("authorization", bearer).times(times);
            rule.reply(Reply::json(json!({ "id": ORGANIZATION })));
        };
        login(1, expires_at);
        call(1, 2);
        check(&strategy).await.unwrap();
        replay.connection().clock().sleep(Duration::from_secs(43_200 - 61)).await;
        check(&strategy).await.unwrap();
        replay.check().unwrap();

        replay.connection().clock().sleep(Duration::from_secs(2)).await;
        // A token without a time is used until it is rejected.
        login(2, json!(null));
        call(2, 2);
        check(&strategy).await.unwrap();
        replay.connection().clock().sleep(Duration::from_secs(1_000_000)).await;
        check(&strategy).await.unwrap();
        replay.check().unwrap();
    }
}

/// AP04. The fake fails if the login sends the old token.
#[tokio::test]
async fn a_rejected_token_leads_to_one_login_without_it() {
    let fake = FakeAptible::start().await;
    let strategy = AptibleStrategy::new(fake.builder().build().unwrap());
    check(&strategy).await.unwrap();
    fake.state().tokens.clear();
    fake.calls();
    check(&strategy).await.unwrap();
    let organization = format!("GET /organizations/{ORGANIZATION}");
    assert_eq!(fake.calls(), [organization.as_str(), "POST /tokens", organization.as_str()]);
    assert_eq!(fake.state().issued, 2);
}

/// AP05.
#[tokio::test]
async fn a_second_factor_is_a_fault_of_the_configuration_after_one_attempt() {
    let replay = Replay::new();
    let strategy = replayed(&replay);
    let body = json!({
        "code": 401, "error": "otp_token_required", "message": "You must enter your 2FA token",
        "exception_context": { "u2f": { "challenge": "x" } },
    });
    replay.post("/tokens").reply(Reply::json(body).with_status(401));
    for _ in 0..3 {
        let error = check(&strategy).await.unwrap_err();
        let expected = (ErrorKind::Configuration, "Aptible:SECOND_FACTOR_REQUIRED".to_owned());
        assert_eq!((error.kind(), code(&error)), expected);
        assert!(error.hint().unwrap().contains("must not need a second factor"));
        assert!(!error.is_retryable());
        replay.connection().clock().sleep(Duration::from_secs(99)).await;
    }
    replay.check().unwrap();
    replay.connection().clock().sleep(Duration::from_secs(4)).await;
    replay.post("/tokens").reply(Reply::json(json!({ "access_token": "S3CRET-1" })));
    replay.get(format!("/organizations/{ORGANIZATION}")).reply(Reply::json(json!({ "id": ORGANIZATION })));
    check(&strategy).await.unwrap();
    replay.check().unwrap();
}

#[tokio::test]
async fn a_wrong_password_is_tried_once() {
    let fake = FakeAptible::start().await;
    let aptible = fake.builder().login("bot@example.com", "S3CRET-wrong").build().unwrap();
    let strategy = AptibleStrategy::new(aptible);
    for _ in 0..3 {
        let error = check(&strategy).await.unwrap_err();
        assert_eq!(code(&error), "Aptible:AUTH_FAILED");
        assert_eq!(error.message(), "POST tokens: Invalid credentials (invalid_credentials)");
    }
    assert_eq!(fake.calls(), ["POST /tokens"]);
}

#[test]
fn a_client_needs_a_login_and_an_organization() {
    assert!(Aptible::builder(ORGANIZATION).build().is_err());
    for organization in ["", "acme/../x", "acme org"] {
        assert!(Aptible::builder(organization).login("bot", PASSWORD).build().is_err(), "{organization}");
    }
    let aptible = Aptible::builder(ORGANIZATION).login("bot@example.com", PASSWORD).build().unwrap();
    assert!(!format!("{aptible:?}").contains("S3CRET"));
}

/// A login that fails says nothing about the role: the access is there, and nobody may be told to write it off.
#[tokio::test]
async fn a_login_that_finds_nothing_is_no_answer_to_the_call() {
    let fake = FakeAptible::start().await;
    let client = fake.builder().without_rate_limits().build().unwrap();
    fake.state().join("m1", ROLE, ANA);
    for (status, text) in [(404, "not_found"), (409, "conflict")] {
        fake.state().refusals = vec![("POST /tokens".to_owned(), fault(status, text, "No."))];
        let error = revoke(&client).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{} {error}", code(&error));
        assert!(error.message().starts_with("could not sign in: "), "{error}");
        assert!(!error.hint().unwrap_or_default().contains("written off"));
        assert_eq!(error.status(), None);
    }
    fake.state().refusals.clear();
    revoke(&client).await.unwrap();
    assert!(!fake.is_member(ROLE, ANA));
}

/// Nobody has judged the password if a proxy answered, so the next call signs in again.
#[tokio::test]
async fn an_accident_of_the_network_does_not_block_the_next_login() {
    let html = || Reply::text("<html>Sign in").header("content-type", "text/html");
    for (answer, expected) in [
        (html().with_status(404), "Aptible:INVALID_RESPONSE"),
        (Reply::status(307).header("location", "https://portal.example.com/"), "Aptible:REDIRECTED"),
    ] {
        let replay = Replay::new();
        let strategy = replayed(&replay);
        replay.post("/tokens").reply(answer);
        assert_eq!(code(&check(&strategy).await.unwrap_err()), expected);
        replay.post("/tokens").reply(Reply::json(json!({ "access_token": "S3CRET-1" })));
        replay.get(format!("/organizations/{ORGANIZATION}")).reply(Reply::json(json!({ "id": ORGANIZATION })));
        check(&strategy).await.unwrap();
        replay.check().unwrap();
    }
}

async fn revoke(client: &Aptible) -> Result<()> {
    let target = AccessTarget::new("acme", "aptible_role", "admins".parse().unwrap()).with_setting("role_id", ROLE);
    Asked::new(&AptibleStrategy::new(client.clone()), target, ANA).revoke().await.map(drop)
}
