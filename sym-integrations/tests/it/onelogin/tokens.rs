//! Access tokens.

use std::time::Duration;

use serde_json::json;
use sym_integrations::onelogin::OneLogin;
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::ErrorKind;

use super::fake::{CLIENT_ID, DOMAIN, FakeOneLogin, SECRET, fault};
use crate::vendor_support::code;

const TOKENS: &str = "/auth/oauth2/v2/token";

fn replayed(replay: &Replay) -> OneLogin {
    OneLogin::builder(DOMAIN).credentials(CLIENT_ID, SECRET).connection(replay.connection()).build().unwrap()
}

fn token(number: u32) -> Reply {
    Reply::json(json!({ "access_token": format!("S3CRET-{number}"), "expires_in": 36000, "token_type": "bearer" }))
}

fn unauthorized() -> Reply {
    Reply::json(json!({ "statusCode": 401, "name": "UnauthorizedError", "message": "Unauthorized" })).with_status(401)
}

#[tokio::test]
async fn concurrent_calls_share_one_login() {
    let fake = FakeOneLogin::start().await;
    let onelogin = fake.builder().build().unwrap();
    futures_util::future::try_join3(onelogin.get_role(70), onelogin.get_role(71), onelogin.get_user(1)).await.unwrap();
    onelogin.clone().remove_from_role(70, 1, Default::default()).await.unwrap();
    assert_eq!(fake.state().issued, 1);
    assert!(!format!("{onelogin:?}").contains("S3CRET"));
}

/// As over a virtual 10 hours.
#[tokio::test]
async fn a_token_is_replaced_before_it_expires() {
    let replay = Replay::new();
    let onelogin = replayed(&replay);
    let basic = "Basic NmY2YTpTM0NSRVQtY2xpZW50";
    let login = || replay.post(TOKENS).header("authorization", basic).json(json!({ "grant_type": "client_credentials" }));
    login().reply(token(1));
    let role = || Reply::json(json!({ "id": 70 }));
    replay.get("/api/2/roles/70").header("authorization", "Bearer S3CRET-1").times(2).reply(role());
    onelogin.get_role(70).await.unwrap();
    replay.connection().clock().sleep(Duration::from_secs(36000 - 61)).await;
    onelogin.get_role(70).await.unwrap();
    replay.check().unwrap();

    replay.connection().clock().sleep(Duration::from_secs(2)).await;
    login().reply(token(2));
    replay.get("/api/2/roles/70").header("authorization", "Bearer S3CRET-2").reply(role());
    onelogin.get_role(70).await.unwrap();
    replay.check().unwrap();
}

#[tokio::test]
async fn a_rejected_token_is_replaced_once() {
    let fake = FakeOneLogin::start().await;
    let onelogin = fake.builder().build().unwrap();
    onelogin.get_role(70).await.unwrap();
    fake.state().tokens.clear();
    fake.calls();
    onelogin.get_role(70).await.unwrap();
    assert_eq!(fake.calls(), ["GET /api/2/roles/70", "POST /auth/oauth2/v2/token", "GET /api/2/roles/70"]);

    let replay = Replay::new();
    let onelogin = replayed(&replay);
    replay.post(TOKENS).times(2).reply(token(1));
    replay.get("/api/2/roles/70").times(2).reply(unauthorized());
    assert_eq!(code(&onelogin.get_role(70).await.unwrap_err()), "OneLogin:AUTH_FAILED");
    replay.check().unwrap();
}

#[tokio::test]
async fn a_refused_login_is_not_repeated_for_a_minute() {
    let replay = Replay::new();
    let onelogin = replayed(&replay);
    let refused = json!({ "status": { "error": true, "code": 401, "type": "Unauthorized", "message": "Authentication Failure" } });
    replay.post(TOKENS).reply(Reply::json(refused).with_status(401));
    for _ in 0..3 {
        let error = onelogin.get_role(70).await.unwrap_err();
        assert_eq!((error.kind(), code(&error)), (ErrorKind::Unauthorized, "OneLogin:AUTH_FAILED".to_owned()));
        assert_eq!(error.message(), "POST auth/oauth2/v2/token: Authentication Failure (Unauthorized)");
        assert!(error.hint().unwrap().contains("client id"));
        replay.connection().clock().sleep(Duration::from_secs(19)).await;
    }
    replay.check().unwrap();
    replay.connection().clock().sleep(Duration::from_secs(4)).await;
    replay.post(TOKENS).reply(token(1));
    replay.get("/api/2/roles/70").reply(Reply::json(json!({ "id": 70 })));
    onelogin.get_role(70).await.unwrap();
    replay.check().unwrap();
}

/// A service that is down has refused nothing.
#[tokio::test]
async fn a_failed_login_is_repeated() {
    let replay = Replay::new();
    let onelogin = replayed(&replay);
    replay.post(TOKENS).times(4).reply(Reply::status(503));
    assert_eq!(code(&onelogin.get_role(70).await.unwrap_err()), "OneLogin:UNAVAILABLE");
    replay.post(TOKENS).reply(Reply::connection_lost());
    replay.post(TOKENS).reply(token(1));
    replay.get("/api/2/roles/70").reply(Reply::json(json!({ "id": 70 })));
    onelogin.get_role(70).await.unwrap();
    replay.check().unwrap();
}

/// A login that fails says nothing about the role: the access is there, and nobody may be told to write it off.
#[tokio::test]
async fn a_login_that_finds_nothing_is_no_answer_to_the_call() {
    let fake = FakeOneLogin::start().await;
    let onelogin = fake.builder().build().unwrap();
    fake.state().join("users", 70, 1);
    fake.state().refusals = vec![(format!("POST {TOKENS}"), fault(404, "NotFoundError", "no such endpoint"))];
    let error = onelogin.remove_from_role(70, 1, Default::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{} {error}", code(&error));
    assert_eq!(error.message(), "could not sign in: POST auth/oauth2/v2/token: no such endpoint (NotFoundError)");
    assert!(!error.hint().unwrap_or_default().contains("written off"));
    fake.state().refusals.clear();
    onelogin.remove_from_role(70, 1, Default::default()).await.unwrap();
    assert!(!fake.state().is("users", 70, 1));
}

#[tokio::test]
async fn a_response_without_a_token_is_not_quoted() {
    for body in [
        json!({ "token": "S3CRET-1" }),
        json!({ "access_token": null, "refresh_token": "S3CRET-2" }),
        json!("S3CRET-3"),
    ] {
        let replay = Replay::new();
        replay.post(TOKENS).reply(Reply::json(body));
        assert_eq!(code(&replayed(&replay).get_role(70).await.unwrap_err()), "OneLogin:INVALID_RESPONSE");
        replay.check().unwrap();
    }
}

#[test]
fn a_client_needs_both_parts_of_the_credentials() {
    for (builder, missing) in [
        (OneLogin::builder(DOMAIN), "client_id"),
        (OneLogin::builder(DOMAIN).credentials(" ", SECRET), "client_id"),
        (OneLogin::builder(DOMAIN).setting("client_id", CLIENT_ID), "client_secret"),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!(code(&error), "SymSDK:CONFIGURATION");
        assert_eq!(error.message(), format!("the OneLogin client for `{DOMAIN}` has no `{missing}`"));
    }
    assert!(OneLogin::builder("https://example.onelogin.com").credentials(CLIENT_ID, SECRET).build().is_err());
}
