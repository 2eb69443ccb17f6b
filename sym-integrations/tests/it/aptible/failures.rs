//! Failures of Aptible.

use serde_json::json;
use sym_integrations::aptible::{Aptible, AptibleStrategy};
use sym_integrations::http::Auth;
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::{Error, ErrorKind};
use sym_sdk::model::AccessTarget;
use sym_sdk::strategy::AccessStrategy;

use super::fake::ORGANIZATION;
use crate::vendor_support::code;

fn replayed(replay: &Replay) -> AptibleStrategy {
    let auth = Auth::bearer("S3CRET-token".into());
    AptibleStrategy::new(Aptible::builder(ORGANIZATION).auth(auth).connection(replay.connection()).build().unwrap())
}

fn target() -> AccessTarget {
    AccessTarget::new("acme", "aptible_role", "x".parse().unwrap()).with_setting("role_id", "r1")
}

/// Returns the error of a check that gets this response.
async fn answered(reply: Reply) -> Error {
    let replay = Replay::new();
    replay.get("/roles/r1").always().reply(reply);
    let error = replayed(&replay).check(&target()).await.unwrap_err();
    replay.check().unwrap();
    error
}

#[tokio::test]
async fn maps_names_of_errors() {
    for (status, error, kind, name) in [
        (401, "invalid_credentials", ErrorKind::Unauthorized, "Aptible:AUTH_FAILED"),
        (401, "expired_token", ErrorKind::Unauthorized, "Aptible:AUTH_FAILED"),
        (403, "access_denied", ErrorKind::Forbidden, "Aptible:FORBIDDEN"),
        (400, "invalid_scope", ErrorKind::Forbidden, "Aptible:FORBIDDEN"),
        (404, "not_found", ErrorKind::NotFound, "Aptible:ROLE_NOT_FOUND"),
        (422, "unprocessable_entity", ErrorKind::InvalidInput, "Aptible:INVALID_REQUEST"),
        (500, "internal_server_error", ErrorKind::Unavailable, "Aptible:UNAVAILABLE"),
        // The status says success, and the body does not.
        (200, "access_denied", ErrorKind::Forbidden, "Aptible:FORBIDDEN"),
        (200, "novel", ErrorKind::Decode, "Aptible:ERROR_RESPONSE"),
    ] {
        for body in [
            json!({ "code": status, "error": error, "message": "No." }),
            json!({ "Code": status, "Error": error, "Message": null }),
        ] {
            let found = answered(Reply::json(&body).with_status(status)).await;
            assert_eq!((found.kind(), code(&found)), (kind, name.to_owned()), "{status} {error}");
            if body.get("message").is_some() && kind != ErrorKind::NotFound {
                assert_eq!(found.message(), format!("GET roles/{{role}}: No ({error})"));
            }
        }
    }
}

#[tokio::test]
async fn rejects_responses_that_are_not_from_aptible() {
    let html = || Reply::text("<html>Sign in</html>").header("content-type", "text/html");
    let error = answered(html().with_status(404)).await;
    // It does not show that the role does not exist.
    assert_eq!((error.kind(), code(&error)), (ErrorKind::Configuration, "Aptible:INVALID_RESPONSE".to_owned()));
    for reply in [html(), Reply::text("{\"id\": \"r1\", \"na"), Reply::json(json!({ "name": "x" })), Reply::status(204)] {
        assert_eq!(code(&answered(reply).await), "Aptible:INVALID_RESPONSE");
    }
    // A role of another organization.
    let links = json!({ "organization": { "href": "https://auth.aptible.com/organizations/other" } });
    let error = answered(Reply::json(json!({ "id": "r1", "name": null, "scim_created": null, "_links": links }))).await;
    assert_eq!((error.kind(), code(&error)), (ErrorKind::Configuration, "Aptible:ROLE_NOT_FOUND".to_owned()));
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
        assert_eq!((error.kind(), code(&error)), (kind, format!("Aptible:{name}")));
    }
    let replay = Replay::new();
    replay.get("/roles/r1").reply(Reply::text(r#"{"id":"r1","name":"cut \ud83d"}"#));
    replayed(&replay).check(&target()).await.unwrap();
    replay.check().unwrap();
}

#[tokio::test]
async fn waits_as_long_as_aptible_asks_for() {
    let replay = Replay::new();
    replay.get("/roles/r1").reply(Reply::status(429).header("retry-after", "9"));
    replay.get("/roles/r1").reply(Reply::status(503));
    replay.get("/roles/r1").reply(Reply::json(json!({ "id": "r1" })));
    replayed(&replay).check(&target()).await.unwrap();
    assert!(replay.elapsed().as_secs() >= 9);
    replay.check().unwrap();
}
