//! Failures of Okta.

use std::time::Duration;

use serde_json::json;
use sym_integrations::okta::Okta;
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::{Error, ErrorKind};

use super::fake::{DOMAIN, FakeOkta};
use crate::vendor_support::code;

/// Returns the error of a lookup that gets this response.
async fn answered(reply: Reply) -> Error {
    let replay = Replay::new();
    replay.get("/api/v1/groups/00g1").always().reply(reply);
    let okta = Okta::builder(DOMAIN).token("00S3CRET-token").connection(replay.connection()).build().unwrap();
    let error = okta.get_group("00g1").await.unwrap_err();
    replay.check().unwrap();
    error
}

fn fault(status: u16, code: &str) -> Reply {
    let body = json!({ "errorCode": code, "errorSummary": "Summary.", "errorCauses": [{ "errorSummary": "first" }, { "errorSummary": "second." }, {}] });
    Reply::json(body).with_status(status).header("x-okta-request-id", "Zab1")
}

#[tokio::test]
async fn maps_okta_error_codes() {
    for (status, errorcode, kind, name) in [
        (400, "E0000001", ErrorKind::InvalidInput, "Okta:INVALID_REQUEST"),
        (401, "E0000004", ErrorKind::Unauthorized, "Okta:AUTH_FAILED"),
        (401, "E0000011", ErrorKind::Unauthorized, "Okta:AUTH_FAILED"),
        (403, "E0000005", ErrorKind::Unauthorized, "Okta:AUTH_FAILED"),
        (403, "E0000006", ErrorKind::Forbidden, "Okta:FORBIDDEN"),
        (401, "E0000015", ErrorKind::Forbidden, "Okta:FORBIDDEN"),
        (404, "E0000007", ErrorKind::NotFound, "Okta:GROUP_NOT_FOUND"),
        (500, "E0000009", ErrorKind::Unavailable, "Okta:UNAVAILABLE"),
        (405, "E0000022", ErrorKind::Configuration, "Okta:UNSUPPORTED"),
        (403, "E0000038", ErrorKind::Conflict, "Okta:CONFLICT"),
        (403, "E9999999", ErrorKind::Forbidden, "Okta:FORBIDDEN"),
        // The status says success, and the body does not.
        (200, "E0000006", ErrorKind::Forbidden, "Okta:FORBIDDEN"),
        (200, "E9999999", ErrorKind::Decode, "Okta:ERROR_RESPONSE"),
    ] {
        let error = answered(fault(status, errorcode)).await;
        assert_eq!((error.kind(), code(&error)), (kind, name.to_owned()), "{status} {errorcode}");
        assert_eq!((error.status(), error.request_id()), (Some(status), Some("Zab1")));
        if errorcode != "E0000007" {
            let expected = format!("GET groups/{{group}}: Summary: first: second ({errorcode})");
            assert_eq!(error.message(), expected);
        }
    }
}

#[tokio::test]
async fn accepts_causes_of_any_form() {
    for (causes, expected) in [
        (json!({}), "GET groups/{group}: Denied (E0000006)"),
        (json!({ "errorSummary": "no role" }), "GET groups/{group}: Denied: no role (E0000006)"),
        (json!(null), "GET groups/{group}: Denied (E0000006)"),
        (json!("odd"), "GET groups/{group}: Denied (E0000006)"),
    ] {
        let body = json!({ "errorCode": "E0000006", "errorSummary": "Denied", "errorCauses": causes });
        assert_eq!(answered(Reply::json(body).with_status(403)).await.message(), expected);
    }
}

#[tokio::test]
async fn rejects_responses_that_are_not_from_okta() {
    let html = || Reply::text("<html>Sign in</html>").header("content-type", "text/html");
    let error = answered(html().with_status(404)).await;
    // It does not show that the group does not exist.
    assert_eq!((error.kind(), code(&error)), (ErrorKind::Configuration, "Okta:INVALID_RESPONSE".to_owned()));
    assert!(error.hint().unwrap().contains("proxy"));
    assert_eq!(code(&answered(html()).await), "Okta:INVALID_RESPONSE");
    let truncated = Reply::text("{\"id\": \"00g1\", \"prof").header("content-type", "application/json");
    let error = answered(truncated).await;
    assert_eq!((error.kind(), code(&error)), (ErrorKind::Decode, "Okta:INVALID_RESPONSE".to_owned()));
    assert_eq!(code(&answered(Reply::json(json!({ "type": "OKTA_GROUP" }))).await), "Okta:INVALID_RESPONSE");
}

#[tokio::test]
async fn changes_are_idempotent_and_report_what_is_missing() {
    let fake = FakeOkta::start().await;
    let okta = fake.client();
    okta.add_group_member("00g1", "00u1").await.unwrap();
    okta.add_group_member("00g1", "00u1").await.unwrap();
    assert!(fake.state().is_member("00g1", "00u1"));
    okta.remove_group_member("00g1", "00u1").await.unwrap();
    okta.remove_group_member("00g1", "00u1").await.unwrap();
    assert!(!fake.state().is_member("00g1", "00u1"));
    // A user who does not exist is in no group.
    okta.remove_group_member("00g1", "00u9").await.unwrap();

    let error = okta.add_group_member("00g9", "00u1").await.unwrap_err();
    assert_eq!(code(&error), "Okta:GROUP_NOT_FOUND");
    let error = okta.add_group_member("00g1", "00u9").await.unwrap_err();
    assert_eq!(code(&error), "Okta:USER_NOT_FOUND");
    assert_eq!(code(&okta.remove_group_member("00g9", "00u1").await.unwrap_err()), "Okta:GROUP_NOT_FOUND");
    for error in [
        okta.add_group_member("00g2", "00u1").await.unwrap_err(),
        okta.remove_group_member("00g3", "00u1").await.unwrap_err(),
    ] {
        assert_eq!(code(&error), "Okta:FORBIDDEN");
        assert!(error.hint().unwrap().contains("OKTA_GROUP"), "{error}");
    }
    // An id cannot change the path.
    for id in ["", "..", "../00g2"] {
        assert!(okta.add_group_member("00g1", id).await.is_err());
        assert!(okta.remove_group_member(id, "00u1").await.is_err());
    }
}

#[tokio::test]
async fn a_sign_in_page_is_not_a_confirmation() {
    let replay = Replay::new();
    let path = "/api/v1/groups/00g1/users/00u1";
    let page = || Reply::text("<html>Sign in</html>").header("content-type", "text/html");
    let okta = Okta::builder(DOMAIN).token("00token").connection(replay.connection()).build().unwrap();
    replay.put(path).reply(page());
    assert_eq!(code(&okta.add_group_member("00g1", "00u1").await.unwrap_err()), "Okta:INVALID_RESPONSE");
    replay.delete(path).reply(page());
    assert_eq!(code(&okta.remove_group_member("00g1", "00u1").await.unwrap_err()), "Okta:INVALID_RESPONSE");
    // A 404 that is not Okta's shows nothing about a member.
    replay.delete(path).reply(page().with_status(404));
    assert_eq!(code(&okta.remove_group_member("00g1", "00u1").await.unwrap_err()), "Okta:INVALID_RESPONSE");
    // An error with status 200.
    replay.delete(path).reply(fault(200, "E0000009"));
    assert_eq!(code(&okta.remove_group_member("00g1", "00u1").await.unwrap_err()), "Okta:UNAVAILABLE");
    replay.check().unwrap();
}

#[tokio::test]
async fn changes_are_retried() {
    let replay = Replay::new();
    let path = "/api/v1/groups/00g1/users/00u1";
    let okta = Okta::builder(DOMAIN).token("00token").connection(replay.connection()).build().unwrap();
    replay.put(path).reply(Reply::connection_lost());
    replay.put(path).reply(Reply::status(503));
    replay.put(path).reply(Reply::status(204));
    okta.add_group_member("00g1", "00u1").await.unwrap();
    replay.delete(path).reply(Reply::timed_out());
    replay.delete(path).reply(Reply::status(204));
    okta.remove_group_member("00g1", "00u1").await.unwrap();
    replay.delete(path).times(4).reply(Reply::status(503));
    let error = okta.remove_group_member("00g1", "00u1").await.unwrap_err();
    assert!(error.is_retryable());
    assert!(replay.elapsed() < Duration::from_secs(60));
    replay.check().unwrap();
}

#[tokio::test]
async fn errors_do_not_contain_the_token() {
    let fake = FakeOkta::start().await;
    let okta = fake.builder().token("00S3CRET-wrong").build().unwrap();
    let error = okta.list_groups().await.unwrap_err();
    assert_eq!(code(&error), "Okta:AUTH_FAILED");
    assert!(error.hint().unwrap().contains("API token"));
    assert_eq!(
        error.to_string(),
        "GET groups: Invalid token provided (E0000011) (Okta:AUTH_FAILED, service okta, status 401, request Zab1)"
    );
}
