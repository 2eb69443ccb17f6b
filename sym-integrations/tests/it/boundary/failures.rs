//! Failures of Boundary.

use serde_json::json;
use sym_integrations::boundary::Boundary;
use sym_integrations::http::Auth;
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::{Error, ErrorKind};

use super::fake::CLUSTER;
use crate::vendor_support::code;

fn replayed(replay: &Replay) -> Boundary {
    let auth = Auth::bearer("S3CRET-token".into());
    Boundary::builder(CLUSTER).auth(auth).connection(replay.connection()).build().unwrap()
}

/// Returns the error of a lookup that gets this response.
async fn answered(reply: Reply) -> Error {
    let replay = Replay::new();
    replay.get("/v1/groups/g_1").always().reply(reply);
    let error = replayed(&replay).get_group("g_1").await.unwrap_err();
    replay.check().unwrap();
    error
}

#[tokio::test]
async fn maps_kinds_of_errors() {
    for (status, kind, expected, name) in [
        (400, "InvalidArgument", ErrorKind::InvalidInput, "Boundary:INVALID_REQUEST"),
        (401, "Unauthenticated", ErrorKind::Unauthorized, "Boundary:AUTH_FAILED"),
        (403, "PermissionDenied", ErrorKind::Forbidden, "Boundary:FORBIDDEN"),
        (404, "NotFound", ErrorKind::NotFound, "Boundary:GROUP_NOT_FOUND"),
        (500, "Internal", ErrorKind::Unavailable, "Boundary:UNAVAILABLE"),
        (409, "Aborted", ErrorKind::Conflict, "Boundary:CONFLICT"),
        (405, "Novel", ErrorKind::InvalidInput, "Boundary:INVALID_REQUEST"),
        // The status says success, and the body does not.
        (200, "PermissionDenied", ErrorKind::Forbidden, "Boundary:FORBIDDEN"),
        (200, "Novel", ErrorKind::Decode, "Boundary:ERROR_RESPONSE"),
    ] {
        let fields = json!([{ "name": "version", "description": "Existing resource version is required." }, {}]);
        for details in [json!({ "request_fields": fields }), json!(null), json!("odd")] {
            let body = json!({ "Kind": kind, "message": "No.", "op": null, "details": details });
            let error = answered(Reply::json(body).with_status(status).header("x-request-id", "r1")).await;
            assert_eq!((error.kind(), code(&error)), (expected, name.to_owned()), "{status} {kind}");
            assert_eq!((error.status(), error.request_id()), (Some(status), Some("r1")));
            if kind == "InvalidArgument" && details.is_object() {
                let message = "GET v1/groups/{group}: No: `version`: Existing resource version is required (InvalidArgument)";
                assert_eq!(error.message(), message);
            }
        }
    }
}

#[tokio::test]
async fn rejects_responses_that_are_not_from_boundary() {
    let html = || Reply::text("<html>Sign in</html>").header("content-type", "text/html");
    let error = answered(html().with_status(404)).await;
    // It does not show that the group does not exist.
    assert_eq!((error.kind(), code(&error)), (ErrorKind::Configuration, "Boundary:INVALID_RESPONSE".to_owned()));
    assert_eq!(answered(Reply::status(404)).await.kind(), ErrorKind::Configuration);
    for reply in [html(), Reply::text("{\"id\": \"g_1\", \"na"), Reply::json(json!({ "name": "x" })), Reply::status(204)] {
        assert_eq!(code(&answered(reply).await), "Boundary:INVALID_RESPONSE");
    }
}

#[tokio::test]
async fn waits_as_long_as_boundary_asks_for_without_a_body() {
    for status in [429, 503] {
        let replay = Replay::new();
        let boundary = replayed(&replay);
        replay.get("/v1/groups/g_1").reply(Reply::status(status).header("retry-after", "9").header("ratelimit", "x"));
        replay.get("/v1/groups/g_1").reply(Reply::json(json!({ "id": "g_1", "version": null, "member_ids": null })));
        assert!(boundary.get_group("g_1").await.unwrap().member_ids.is_empty());
        assert!((9..12).contains(&replay.elapsed().as_secs()), "{status}: {:?}", replay.elapsed());
        replay.check().unwrap();
    }
}

/// A repeated change has the version that it had, and then applies to nothing.
#[tokio::test]
async fn a_change_whose_answer_is_lost_is_sent_again_and_then_looked_up() {
    let replay = Replay::new();
    let boundary = replayed(&replay);
    let group = |version: u64, members: &[&str]| Reply::json(json!({ "id": "g_1", "version": version, "member_ids": members }));
    replay.get("/v1/groups/g_1").reply(group(7, &[]));
    let body = json!({ "version": 7, "member_ids": ["u_1"] });
    replay.post("/v1/groups/g_1:add-members").json(&body).reply(Reply::connection_lost());
    let internal = json!({ "kind": "Internal", "message": "Unable to add members to group: no rows." });
    replay.post("/v1/groups/g_1:add-members").json(&body).reply(Reply::json(internal).with_status(500));
    replay.get("/v1/groups/g_1").reply(group(8, &["u_1"]));
    boundary.add_group_member("g_1", "u_1").await.unwrap();
    replay.check().unwrap();
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
        assert_eq!((error.kind(), code(&error)), (kind, format!("Boundary:{name}")));
    }
    let replay = Replay::new();
    replay.get("/v1/groups/g_1").reply(Reply::text(r#"{"id":"g_1","name":"cut \ud83d"}"#));
    assert_eq!(replayed(&replay).get_group("g_1").await.unwrap().name(), "cut \u{fffd}");
    replay.check().unwrap();
}

#[tokio::test]
async fn a_sign_in_page_is_not_a_confirmation() {
    let replay = Replay::new();
    let boundary = replayed(&replay);
    let page = || Reply::text("<html>Sign in</html>").header("content-type", "text/html");
    for (path, members) in [("/v1/groups/g_1:add-members", json!([])), ("/v1/groups/g_1:remove-members", json!(["u_1"]))] {
        let group = json!({ "id": "g_1", "version": 7, "member_ids": members });
        for (answer, expected) in [
            (page(), "Boundary:INVALID_RESPONSE"),
            (Reply::status(204), "Boundary:INVALID_RESPONSE"),
            (page().with_status(404), "Boundary:INVALID_RESPONSE"),
        ] {
            replay.get("/v1/groups/g_1").reply(Reply::json(&group));
            replay.post(path).reply(answer);
            let error = match path.contains("add") {
                true => boundary.add_group_member("g_1", "u_1").await.unwrap_err(),
                false => boundary.remove_group_member("g_1", "u_1").await.unwrap_err(),
            };
            assert_eq!(code(&error), expected);
        }
    }
    // A group that does not show the change.
    let group = json!({ "id": "g_1", "version": 7, "member_ids": ["u_1"] });
    replay.get("/v1/groups/g_1").reply(Reply::json(&group));
    replay.post("/v1/groups/g_1:remove-members").reply(Reply::json(&group));
    assert_eq!(code(&boundary.remove_group_member("g_1", "u_1").await.unwrap_err()), "Boundary:STILL_MEMBER");
    replay.check().unwrap();
}
