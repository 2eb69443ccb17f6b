//! Failures of OneLogin.

use std::time::Duration;

use serde_json::{Value, json};
use sym_integrations::http::Auth;
use sym_integrations::onelogin::OneLogin;
use sym_integrations::onelogin::Privilege::Member;
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::{Error, ErrorKind};

use super::fake::DOMAIN;
use crate::vendor_support::code;

fn replayed(replay: &Replay) -> OneLogin {
    let auth = Auth::bearer("S3CRET-token".into());
    OneLogin::builder(DOMAIN).auth(auth).connection(replay.connection()).build().unwrap()
}

/// Returns the error of a lookup that gets this response.
async fn answered(reply: Reply) -> Error {
    let replay = Replay::new();
    replay.get("/api/2/roles/70").always().reply(reply);
    let error = replayed(&replay).get_role(70).await.unwrap_err();
    replay.check().unwrap();
    error
}

/// OL03.
#[tokio::test]
async fn all_forms_of_errors_give_a_code_and_a_text() {
    for (body, message) in [
        (
            json!({ "status": 401, "error": "UnauthorizedError", "description": "Bad token." }),
            "Bad token (UnauthorizedError)",
        ),
        (
            json!({ "message": "Bad token", "statusCode": 401, "name": "UnauthorizedError" }),
            "Bad token (UnauthorizedError)",
        ),
        (
            json!({ "status": { "error": true, "code": 401, "type": "Unauthorized", "message": "Bad token" } }),
            "Bad token (Unauthorized)",
        ),
        (json!({ "code": 401, "message": "Bad token", "errors": [] }), "Bad token"),
        (json!({ "Message": "Bad token", "StatusCode": 401, "Name": null }), "Bad token"),
        (json!({ "status": 401, "error": "unauthorized", "description": null }), "unauthorized"),
        (json!({ "fault": "odd" }), "the credentials were rejected: {\"fault\":\"odd\"}"),
        (json!({ "status": { "code": null }, "x": 1 }), "the credentials were rejected: {\"status\":{\"code\":null},\"x\":1}"),
    ] {
        for status in [401, 200] {
            // Of an unknown form with status 200 nothing can be said.
            if status == 200 && message.contains('{') {
                continue;
            }
            let error = answered(Reply::json(&body).with_status(status)).await;
            assert_eq!((error.kind(), code(&error)), (ErrorKind::Unauthorized, "OneLogin:AUTH_FAILED".to_owned()), "{body}");
            assert_eq!(error.message(), format!("GET api/2/roles/{{role}}: {message}"));
            assert!(error.hint().unwrap().contains("client id"), "{error:?}");
        }
    }
    let fields = json!({ "code": 422, "message": "Validation Failed", "errors": [{ "field": "id", "message": ["Field is not allowed"] }, {}] });
    let error = answered(Reply::json(fields).with_status(422)).await;
    assert_eq!(error.message(), "GET api/2/roles/{role}: Validation Failed: `id`: Field is not allowed");
}

#[tokio::test]
async fn maps_statuses_to_kinds() {
    for (status, kind, name) in [
        (400, ErrorKind::InvalidInput, "OneLogin:INVALID_REQUEST"),
        (403, ErrorKind::Forbidden, "OneLogin:FORBIDDEN"),
        (404, ErrorKind::NotFound, "OneLogin:ROLE_NOT_FOUND"),
        (409, ErrorKind::Conflict, "OneLogin:CONFLICT"),
        (422, ErrorKind::InvalidInput, "OneLogin:INVALID_REQUEST"),
        (500, ErrorKind::Unavailable, "OneLogin:UNAVAILABLE"),
        (502, ErrorKind::Unavailable, "OneLogin:UNAVAILABLE"),
    ] {
        for body in [
            json!({ "message": "no", "statusCode": status, "name": "Error" }),
            json!({ "status": status, "error": "Error", "description": "no" }),
            json!({ "status": { "error": true, "code": status, "type": "Error", "message": "no" } }),
        ] {
            let error = answered(Reply::json(body).with_status(status).header("x-request-id", "r1")).await;
            assert_eq!((error.kind(), code(&error)), (kind, name.to_owned()), "{status}");
            assert_eq!((error.status(), error.request_id()), (Some(status), Some("r1")));
        }
    }
    let error = answered(Reply::json(json!({ "statusCode": 403, "message": "no" })).with_status(403)).await;
    assert!(error.hint().unwrap().contains("`Manage All`"));
}

#[tokio::test]
async fn a_user_is_not_an_error_because_it_has_a_status() {
    let replay = Replay::new();
    replay.get("/api/2/users/1").reply(Reply::json(json!({ "id": 1, "status": 1, "state": 1, "name": "Ana", "message": "hi" })));
    assert_eq!(replayed(&replay).get_user(1).await.unwrap().id, 1);
    replay.check().unwrap();
}

#[tokio::test]
async fn rejects_responses_that_are_not_from_onelogin() {
    let html = || Reply::text("<html>Sign in</html>").header("content-type", "text/html");
    let error = answered(html().with_status(404)).await;
    // It does not show that the role does not exist.
    assert_eq!((error.kind(), code(&error)), (ErrorKind::Configuration, "OneLogin:INVALID_RESPONSE".to_owned()));
    assert_eq!(answered(Reply::json(json!({ "error": "x" })).with_status(404)).await.kind(), ErrorKind::Configuration);
    for reply in [
        html(),
        Reply::text("{\"id\": 70, \"na").header("content-type", "application/json"),
        Reply::json(json!({ "name": "Prod" })),
        Reply::json(json!([])),
        Reply::status(204),
    ] {
        assert_eq!(code(&answered(reply).await), "OneLogin:INVALID_RESPONSE");
    }
}

/// The responses that all services may give, by the codes of this one.
#[tokio::test]
async fn answers_that_are_none_are_errors() {
    for (reply, kind, name) in [
        (Reply::unreachable(), ErrorKind::Unavailable, "UNREACHABLE"),
        (Reply::connection_lost(), ErrorKind::Unavailable, "CONNECTION_LOST"),
        (Reply::timed_out(), ErrorKind::Timeout, "TIMED_OUT"),
        (Reply::status(302).header("location", "https://evil.example.com/"), ErrorKind::Configuration, "REDIRECTED"),
        (Reply::text("x".repeat(17 << 20)), ErrorKind::Decode, "TOO_LARGE"),
        (Reply::status(429), ErrorKind::RateLimited, "RATE_LIMITED"),
        (Reply::status(429).header("retry-after", "3600"), ErrorKind::RateLimited, "RATE_LIMITED"),
        (Reply::status(500), ErrorKind::Unavailable, "UNAVAILABLE"),
        (Reply::text("{\"id\": \u{0}}"), ErrorKind::Decode, "INVALID_RESPONSE"),
    ] {
        let error = answered(reply).await;
        assert_eq!((error.kind(), code(&error)), (kind, format!("OneLogin:{name}")));
    }
    let replay = Replay::new();
    replay.get("/api/2/roles/70").reply(Reply::text(r#"{"id":70,"name":"cut \ud83d"}"#));
    assert_eq!(replayed(&replay).get_role(70).await.unwrap().name(), "cut \u{fffd}");
    replay.check().unwrap();
}

#[tokio::test]
async fn a_sign_in_page_is_not_a_confirmation() {
    let replay = Replay::new();
    let onelogin = replayed(&replay);
    let page = || Reply::text("<html>Sign in</html>").header("content-type", "text/html");
    replay.post("/api/2/roles/70/users").reply(page());
    assert_eq!(code(&onelogin.add_to_role(70, 1, Member).await.unwrap_err()), "OneLogin:INVALID_RESPONSE");
    replay.post("/api/2/roles/70/users").reply(Reply::status(204));
    assert_eq!(code(&onelogin.add_to_role(70, 1, Member).await.unwrap_err()), "OneLogin:INVALID_RESPONSE");
    replay.delete("/api/2/roles/70/users").reply(page());
    assert_eq!(code(&onelogin.remove_from_role(70, 1, Member).await.unwrap_err()), "OneLogin:INVALID_RESPONSE");
    replay.delete("/api/2/roles/70/users").reply(page().with_status(404));
    assert_eq!(code(&onelogin.remove_from_role(70, 1, Member).await.unwrap_err()), "OneLogin:INVALID_RESPONSE");
    // An error with status 200.
    let error = json!({ "status": { "error": true, "code": 403, "type": "Forbidden", "message": "no" } });
    replay.delete("/api/2/roles/70/users").reply(Reply::json(error));
    assert_eq!(code(&onelogin.remove_from_role(70, 1, Member).await.unwrap_err()), "OneLogin:FORBIDDEN");
    replay.check().unwrap();
}

/// OL05. Changes of roles may be repeated too, since they are idempotent.
#[tokio::test]
async fn calls_are_retried_after_502_and_after_the_delay_of_429() {
    let replay = Replay::new();
    let onelogin = replayed(&replay);
    replay.post("/api/2/roles/70/users").json([1]).reply(Reply::connection_lost());
    replay.post("/api/2/roles/70/users").json([1]).reply(Reply::status(502));
    replay.post("/api/2/roles/70/users").json([1]).reply(Reply::json(json!([{ "id": 1 }])));
    onelogin.add_to_role(70, 1, Member).await.unwrap();
    let begun = replay.elapsed();
    // Seconds that are left, not a point in time.
    let limited = json!({ "message": "rate limit", "statusCode": 429, "name": "TooManyRequestsError" });
    replay.delete("/api/2/roles/70/users").json([1]).reply(
        Reply::json(limited).with_status(429).header("X-RateLimit-Reset", "9").header("X-RateLimit-Remaining", "0"),
    );
    replay.delete("/api/2/roles/70/users").json([1]).reply(Reply::status(204));
    onelogin.remove_from_role(70, 1, Member).await.unwrap();
    assert!((9..12).contains(&(replay.elapsed() - begun).as_secs()), "{:?}", replay.elapsed());
    replay.get("/api/2/roles/70").times(4).reply(Reply::json(Value::Null).with_status(503));
    assert!(onelogin.get_role(70).await.unwrap_err().is_retryable());
    assert!(replay.elapsed() < Duration::from_secs(60));
    replay.check().unwrap();
}
