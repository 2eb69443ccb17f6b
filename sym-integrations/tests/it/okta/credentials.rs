//! API tokens, and service apps with access tokens.

use std::time::Duration;

use serde_json::json;
use sym_integrations::okta::Okta;
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::ErrorKind;

use super::fake::{DOMAIN, TOKEN};
use crate::vendor_support::code;
use crate::oauth::KEY;

fn app(replay: &Replay) -> Okta {
    let builder = Okta::builder(DOMAIN).service_app("0oa1", KEY.as_str()).private_key_id("k1");
    builder.connection(replay.connection()).build().unwrap()
}

fn token(text: &str) -> Reply {
    Reply::json(json!({ "access_token": text, "token_type": "Bearer", "expires_in": 3600, "scope": "okta.groups.read" }))
}

async fn wait(replay: &Replay, minutes: u64) {
    replay.connection().clock().sleep(Duration::from_secs(60 * minutes)).await;
}

fn group() -> Reply {
    Reply::json(json!({ "id": "00g1", "type": "OKTA_GROUP", "profile": { "name": "prod" } }))
}

/// O08, OK02: tokens of a service app are renewed before they end, and reads and writes have scopes of their own.
#[tokio::test]
async fn a_service_app_gets_access_tokens() {
    let replay = Replay::new();
    let okta = app(&replay);
    replay.post("/oauth2/v1/token").reply(token("first"));
    replay.get("/api/v1/groups/00g1").header("authorization", "Bearer first").times(2).reply(group());
    okta.get_group("00g1").await.unwrap();
    wait(&replay, 58).await;
    okta.get_group("00g1").await.unwrap();
    replay.check().unwrap();

    wait(&replay, 3).await;
    replay.post("/oauth2/v1/token").reply(token("second"));
    replay.get("/api/v1/groups/00g1").header("authorization", "Bearer second").reply(group());
    okta.get_group("00g1").await.unwrap();
    replay.post("/oauth2/v1/token").reply(token("writing"));
    replay.put("/api/v1/groups/00g1/users/00u1").header("authorization", "Bearer writing").reply(Reply::status(204));
    okta.add_group_member("00g1", "00u1").await.unwrap();
    replay.check().unwrap();

    let forms: Vec<_> = replay.calls().into_iter().filter(|call| call.path == "/oauth2/v1/token").collect();
    let scopes = forms.iter().map(|call| call.form().into_iter().find(|(name, _)| name == "scope").unwrap().1);
    let scopes: Vec<_> = scopes.collect();
    assert_eq!(scopes, ["okta.groups.read okta.users.read", "okta.groups.read okta.users.read", "okta.groups.manage"]);
}

/// OK01: service apps demand proof of possession unless that is turned off.
#[tokio::test]
async fn proof_of_possession_is_an_error_that_says_what_to_turn_off() {
    let replay = Replay::new();
    let refused = json!({ "error": "invalid_dpop_proof", "error_description": "The DPoP proof JWT header is missing." });
    replay.post("/oauth2/v1/token").reply(Reply::json(refused).with_status(400));
    let error = app(&replay).get_group("00g1").await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("Okta:DPOP_REQUIRED", ErrorKind::Configuration));
    assert!(error.hint().unwrap().contains("DPoP"));
}

/// OK05: the description of a refusal is kept, and it is not repeated.
#[tokio::test]
async fn a_refused_assertion_says_what_to_check() {
    let replay = Replay::new();
    let refused = json!({ "error": "invalid_client", "error_description": "The client_assertion token has an invalid kid." });
    replay.post("/oauth2/v1/token").reply(Reply::json(refused).with_status(401));
    let error = app(&replay).get_group("00g1").await.unwrap_err();
    assert_eq!(code(&error), "Okta:AUTH_FAILED");
    assert!(error.message().contains("invalid kid"), "{error}");
    assert!(error.hint().unwrap().contains("`client_id`"));
    replay.check().unwrap();
}

/// O02: what looks like the domain or the token and is not.
#[test]
fn domains_and_tokens_are_checked() {
    let built = |domain: &str, token: &str| Okta::builder(domain).token(token).build();
    for good in ["example.okta.com", "example.oktapreview.com", "login.example.com", "admin.okta.com"] {
        built(good, TOKEN).unwrap();
    }
    let error = built("example-admin.okta.com", TOKEN).unwrap_err();
    assert_eq!(error.hint(), Some("use `example.okta.com`"));
    let error = built("example", TOKEN).unwrap_err();
    assert_eq!(error.hint(), Some("use the whole domain, such as `example.okta.com`"));
    let error = built(DOMAIN, &format!("SSWS {TOKEN}")).unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("SymSDK:CONFIGURATION", ErrorKind::Configuration));
    assert!(error.message().contains("begins with `SSWS`"));
}

#[test]
fn credentials_are_of_one_kind() {
    let error = Okta::builder(DOMAIN).token(TOKEN).service_app("0oa1", KEY.as_str()).build().unwrap_err();
    assert!(error.message().contains("both `api_token_secret` and `client_id`"), "{error}");
    let error = Okta::builder(DOMAIN).setting("client_id", "0oa1").build().unwrap_err();
    assert!(error.message().contains("has no `private_key_secret`"), "{error}");
    let error = Okta::builder(DOMAIN).service_app("0oa1", "not a key").build().unwrap_err();
    assert!(error.message().contains("PEM") && !format!("{error:?}").contains("not a key"), "{error}");
    assert!(Okta::builder(DOMAIN).build().unwrap_err().message().contains("has no `api_token_secret`"));
}
