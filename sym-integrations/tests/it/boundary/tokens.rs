//! Auth tokens.

use std::time::Duration;

use serde_json::json;
use sym_integrations::boundary::Boundary;
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::ErrorKind;

use super::fake::{CLUSTER, FakeBoundary, PASSWORD};
use crate::vendor_support::code;

const LOGIN: &str = "/v1/auth-methods/ampw_1:authenticate";

fn replayed(replay: &Replay) -> Boundary {
    let builder = Boundary::builder(CLUSTER).login("sym", PASSWORD).auth_method_id("ampw_1");
    builder.connection(replay.connection()).build().unwrap()
}

fn token(number: u32, expiration_time: &str) -> Reply {
    let attributes = json!({ "token": format!("at_S3CRET_{number}"), "expiration_time": expiration_time });
    Reply::json(json!({ "attributes": attributes, "command": "login" }))
}

fn group() -> Reply {
    Reply::json(json!({ "id": "g_1", "version": 1 }))
}

/// The primary method of type `password`, or else the only one.
#[tokio::test]
async fn the_auth_method_is_found() {
    let fake = FakeBoundary::start().await;
    let boundary = fake.builder().build().unwrap();
    futures_util::future::try_join(boundary.get_group("g_1"), boundary.get_user("u_1")).await.unwrap();
    assert_eq!(fake.calls()[..2], ["GET /v1/auth-methods", "POST /v1/auth-methods/ampw_1:authenticate"]);
    assert_eq!(fake.state().issued, 1);

    fake.state().methods.push(json!({ "id": "ampw_2", "type": "password", "is_primary": null }));
    let error = fake.builder().build().unwrap().get_group("g_1").await.unwrap_err();
    assert_eq!((error.kind(), code(&error)), (ErrorKind::Configuration, "SymSDK:CONFIGURATION".to_owned()));
    assert!(error.hint().unwrap().contains("`auth_method_id`"));
    fake.state().methods[1]["is_primary"] = true.into();
    fake.builder().build().unwrap().get_group("g_1").await.unwrap();
    // One that is set is not looked for.
    fake.calls();
    fake.builder().auth_method_id("ampw_1").build().unwrap().get_group("g_1").await.unwrap();
    assert_eq!(fake.calls(), ["POST /v1/auth-methods/ampw_1:authenticate", "GET /v1/groups/g_1"]);
}

#[tokio::test]
async fn a_token_is_replaced_before_it_expires() {
    let replay = Replay::new();
    let boundary = replayed(&replay);
    let attributes = json!({ "login_name": "sym", "password": PASSWORD });
    let body = json!({ "command": "login", "type": "token", "attributes": attributes });
    // The clock starts at the beginning of 29 February.
    replay.post(LOGIN).json(&body).reply(token(1, "2024-03-07T00:00:00Z"));
    replay.get("/v1/groups/g_1").header("authorization", "Bearer at_S3CRET_1").reply(group());
    boundary.get_group("g_1").await.unwrap();
    replay.connection().clock().sleep(Duration::from_secs(8 * 24 * 60 * 60)).await;
    replay.post(LOGIN).json(&body).reply(token(2, "2024-03-20T00:00:00Z"));
    replay.get("/v1/groups/g_1").header("authorization", "Bearer at_S3CRET_2").reply(group());
    boundary.get_group("g_1").await.unwrap();
    replay.check().unwrap();
}

/// A token goes stale after a day without calls, before its time.
#[tokio::test]
async fn a_rejected_token_is_replaced_once() {
    let fake = FakeBoundary::start().await;
    let boundary = fake.builder().auth_method_id("ampw_1").build().unwrap();
    boundary.get_group("g_1").await.unwrap();
    fake.state().tokens.clear();
    fake.calls();
    boundary.get_group("g_1").await.unwrap();
    assert_eq!(fake.calls(), ["GET /v1/groups/g_1", "POST /v1/auth-methods/ampw_1:authenticate", "GET /v1/groups/g_1"]);
}

#[tokio::test]
async fn a_refused_login_is_not_repeated_for_some_minutes() {
    let fake = FakeBoundary::start().await;
    let boundary = fake.builder().login("sym", "S3CRET-wrong").auth_method_id("ampw_1").build().unwrap();
    for _ in 0..2 {
        let error = boundary.get_group("g_1").await.unwrap_err();
        assert_eq!(code(&error), "Boundary:AUTH_FAILED");
        assert!(error.hint().unwrap().contains("login name"));
    }
    assert_eq!(fake.calls(), ["POST /v1/auth-methods/ampw_1:authenticate"]);
    let boundary = fake.builder().auth_method_id("ampw_9").build().unwrap();
    let error = boundary.get_group("g_1").await.unwrap_err();
    assert_eq!((error.kind(), code(&error)), (ErrorKind::Configuration, "Boundary:NOT_FOUND".to_owned()));
    assert!(error.message().starts_with("could not sign in: ") && error.hint().unwrap().contains("auth method"), "{error}");
}

#[tokio::test]
async fn a_response_without_a_token_is_not_quoted() {
    for body in [json!({ "attributes": { "tokens": "S3CRET" } }), json!({ "attributes": { "token": null } }), json!("S3CRET")] {
        let replay = Replay::new();
        replay.post(LOGIN).reply(Reply::json(body));
        assert_eq!(code(&replayed(&replay).get_group("g_1").await.unwrap_err()), "Boundary:INVALID_RESPONSE");
        replay.check().unwrap();
    }
}

#[test]
fn a_client_needs_a_login_and_a_url() {
    let error = Boundary::builder(CLUSTER).build().unwrap_err();
    assert!(error.message().contains("`login_name`"), "{error}");
    for url in ["boundary.example.com", "http://boundary.example.com", "https://user:pw@boundary.example.com"] {
        assert!(Boundary::builder(url).login("sym", PASSWORD).build().is_err(), "{url}");
    }
}
