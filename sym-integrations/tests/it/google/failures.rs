//! Failures of Google.

use std::time::Duration;

use serde_json::json;
use sym_integrations::http::RateLimit;
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::{Error, ErrorKind};

use super::support::{ANA, GROUP, at, builder, fault, google, group};
use crate::vendor_support::code;

/// Returns the error of a lookup that gets this response.
async fn answered(reply: Reply) -> Error {
    let replay = Replay::new();
    replay.get(at("groups/admins@example.com")).always().reply(reply);
    google(&replay).get_group(GROUP).await.unwrap_err()
}

/// GG09
#[tokio::test]
async fn maps_googles_reasons() {
    for (status, reason, kind, name) in [
        (401, "authError", ErrorKind::Unauthorized, "AUTH_FAILED"),
        (403, "forbidden", ErrorKind::Forbidden, "FORBIDDEN"),
        (403, "insufficientPermissions", ErrorKind::Forbidden, "MISSING_SCOPE"),
        (403, "accessNotConfigured", ErrorKind::Configuration, "API_DISABLED"),
        (403, "userRateLimitExceeded", ErrorKind::RateLimited, "RATE_LIMITED"),
        (403, "quotaExceeded", ErrorKind::RateLimited, "RATE_LIMITED"),
        (403, "rateLimitExceeded", ErrorKind::RateLimited, "RATE_LIMITED"),
        (403, "dailyLimitExceeded", ErrorKind::Forbidden, "DAILY_LIMIT"),
        (429, "rateLimitExceeded", ErrorKind::RateLimited, "RATE_LIMITED"),
        (404, "notFound", ErrorKind::NotFound, "GROUP_NOT_FOUND"),
        (412, "conditionNotMet", ErrorKind::Conflict, "CONFLICT"),
        (400, "invalid", ErrorKind::InvalidInput, "INVALID_REQUEST"),
        (500, "backendError", ErrorKind::Unavailable, "UNAVAILABLE"),
        (503, "backendError", ErrorKind::Unavailable, "UNAVAILABLE"),
        (403, "somethingNew", ErrorKind::Forbidden, "FORBIDDEN"),
        // The status says success, and the body does not.
        (200, "forbidden", ErrorKind::Forbidden, "FORBIDDEN"),
        (200, "somethingNew", ErrorKind::Decode, "ERROR_RESPONSE"),
    ] {
        let error = answered(fault(status, reason, "It did not work.")).await;
        assert_eq!((error.kind(), error.code().name()), (kind, name), "{status} {reason}");
        assert_eq!((error.status(), error.service()), (Some(status), Some("google")));
        if name != "GROUP_NOT_FOUND" {
            assert_eq!(error.message(), format!("GET groups/{{group}}: It did not work ({reason})"));
        }
    }
}

#[tokio::test]
async fn reads_errors_of_any_form() {
    let scope = json!([{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT" }]);
    for (error, expected) in [
        (json!({ "code": 403, "status": "PERMISSION_DENIED", "message": "No", "details": scope }), "Google:MISSING_SCOPE"),
        (json!({ "code": 403, "status": "PERMISSION_DENIED", "message": null, "errors": null }), "Google:FORBIDDEN"),
        (json!({ "code": 403, "errors": { "reason": "quotaExceeded" } }), "Google:RATE_LIMITED"),
        (json!({ "code": 403, "errors": [null, {}, { "reason": 7 }], "details": "odd" }), "Google:FORBIDDEN"),
        (json!({ "Message": "No", "Errors": [{ "reason": "accessNotConfigured" }] }), "Google:API_DISABLED"),
    ] {
        let reply = Reply::json(json!({ "error": error })).with_status(403);
        assert_eq!(code(&answered(reply).await), expected, "{error}");
    }
}

#[tokio::test]
async fn rejects_responses_that_are_not_from_google() {
    let html = |status| Reply::text("<html>Sign in</html>").with_status(status).header("content-type", "text/html");
    // It does not show that the group does not exist.
    let error = answered(html(404)).await;
    assert_eq!((error.kind(), code(&error)), (ErrorKind::Configuration, "Google:INVALID_RESPONSE".to_owned()));
    for reply in [html(200), Reply::text("{\"id\": \"01g\", \"em"), Reply::json(json!({ "name": "Admins" }))] {
        assert_eq!(code(&answered(reply).await), "Google:INVALID_RESPONSE");
    }
    let replay = Replay::new();
    let ana = at("groups/01g/members/ana@example.com");
    for reply in [html(200), html(404), Reply::status(404)] {
        replay.delete(&ana).reply(reply);
        let error = google(&replay).remove_group_member("01g", ANA).await.unwrap_err();
        assert_eq!(code(&error), "Google:INVALID_RESPONSE");
    }
    // A 404 that does not say what is missing.
    replay.delete(&ana).reply(fault(404, "notFound", "Resource Not Found: userKey"));
    let error = google(&replay).remove_group_member("01g", ANA).await.unwrap_err();
    assert_eq!(code(&error), "Google:NOT_FOUND");
    replay.check().unwrap();
}

/// GG09
#[tokio::test]
async fn short_limits_are_waited_for_and_the_daily_one_is_not() {
    for reason in ["quotaExceeded", "userRateLimitExceeded"] {
        let replay = Replay::new();
        let members = at("groups/01g/members");
        replay.post(&members).times(2).reply(fault(403, reason, "Quota exceeded"));
        replay.post(&members).reply(super::support::member("MEMBER"));
        google(&replay).add_group_member("01g", ANA, &sym_integrations::google::Role::Member).await.unwrap();
        assert!(replay.elapsed() > Duration::ZERO);
        replay.check().unwrap();
    }
    let replay = Replay::new();
    replay.post(at("groups/01g/members")).reply(fault(403, "dailyLimitExceeded", "Daily limit exceeded"));
    let error = google(&replay).add_group_member("01g", ANA, &sym_integrations::google::Role::Member).await.unwrap_err();
    assert_eq!(code(&error), "Google:DAILY_LIMIT");
    assert!(!error.is_retryable() && error.hint().unwrap().contains("24 hours"), "{error}");
    assert_eq!(replay.elapsed(), Duration::ZERO);
    replay.check().unwrap();
}

#[tokio::test]
async fn changes_are_retried() {
    let replay = Replay::new();
    let google = google(&replay);
    let ana = at("groups/01g/members/ana@example.com");
    replay.delete(&ana).reply(Reply::connection_lost());
    replay.delete(&ana).reply(Reply::status(503));
    replay.delete(&ana).reply(fault(412, "conditionNotMet", "Precondition Failed"));
    replay.delete(&ana).reply(Reply::status(204));
    assert!(google.remove_group_member("01g", ANA).await.unwrap());
    replay.delete(&ana).times(4).reply(Reply::timed_out());
    let error = google.remove_group_member("01g", ANA).await.unwrap_err();
    assert!(error.is_retryable() && error.is_outcome_unknown());
    replay.check().unwrap();
}

#[tokio::test]
async fn listings_do_not_delay_revocations() {
    let replay = Replay::new();
    let google = builder(&replay).rate_limit(RateLimit::new(2, Duration::from_secs(3_600))).build().unwrap();
    replay.get(at("groups/admins@example.com")).reply(group());
    google.get_group(GROUP).await.unwrap();
    assert_eq!(google.get_group(GROUP).await.unwrap_err().kind(), ErrorKind::RateLimited);
    replay.delete(at("groups/01g/members/ana@example.com")).times(20).reply(Reply::status(204));
    for _ in 0..20 {
        google.remove_group_member("01g", ANA).await.unwrap();
    }
    assert_eq!(replay.elapsed(), Duration::ZERO);
    replay.check().unwrap();
}

#[tokio::test]
async fn endless_and_foreign_lists_are_errors() {
    let replay = Replay::new();
    let page = json!({ "groups": [], "nextPageToken": "again" });
    replay.get(at("groups")).times(2).reply(Reply::json(page));
    assert_eq!(code(&google(&replay).list_groups(None).await.unwrap_err()), "Google:BAD_PAGING");
    let elsewhere = Reply::status(302).header("location", "https://evil.example/groups");
    replay.get(at("groups")).reply(elsewhere);
    assert_eq!(code(&google(&replay).list_groups(None).await.unwrap_err()), "Google:REDIRECTED");
    replay.check().unwrap();
}
