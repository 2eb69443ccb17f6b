//! Error responses and malformed responses.

use serde_json::json;
use sym_integrations::http::error_names;
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::{Error, ErrorKind};

use super::{TOKEN, code, ok, refused, slack};

async fn failure(reply: Reply) -> Error {
    let replay = Replay::new();
    replay.post("/api/auth.test").always().reply(reply);
    slack(&replay).api().test_auth().await.unwrap_err()
}

#[tokio::test]
async fn slack_errors_have_a_kind() {
    for (kind, names) in [
        (
            ErrorKind::Unauthorized,
            "not_authed invalid_auth account_inactive token_revoked token_expired org_login_required ekm_access_denied",
        ),
        (ErrorKind::Forbidden, "missing_scope no_permission not_allowed_token_type restricted_action"),
        (
            ErrorKind::NotFound,
            "channel_not_found user_not_found users_not_found no_such_subteam message_not_found thread_not_found",
        ),
        (ErrorKind::Conflict, "not_in_channel is_archived user_not_in_channel cant_dm_bot user_disabled"),
        (ErrorKind::Conflict, "expired_trigger_id exchanged_trigger_id trigger_expired hash_conflict"),
        (ErrorKind::Unavailable, "internal_error fatal_error service_unavailable request_timeout team_added_to_org"),
        (ErrorKind::InvalidInput, "invalid_blocks msg_too_long no_text view_too_large limit_required something_new"),
    ] {
        for name in names.split_whitespace() {
            let error = failure(refused(name)).await;
            assert_eq!(code(&error), format!("Slack:{}", name.to_uppercase()));
            assert_eq!(error.kind(), kind, "{name}");
            assert_eq!((error.status(), error.service()), (Some(200), Some("slack")));
            assert_eq!(error.message(), format!("POST auth.test: Slack returned the error `{name}`"));
        }
    }
    for name in ["ratelimited", "rate_limited"] {
        let error = failure(refused(name)).await;
        assert_eq!((code(&error).as_str(), error.kind()), ("Slack:RATE_LIMITED", ErrorKind::RateLimited));
    }
}

#[tokio::test]
async fn names_a_missing_scope() {
    let body = json!({ "ok": false, "error": "missing_scope", "needed": "users:read.email", "provided": "chat:write,users:read" });
    let error = failure(Reply::json(body).header("x-slack-req-id", "req-1")).await;
    assert_eq!(code(&error), "Slack:MISSING_SCOPE");
    let hint = "add the scope `users:read.email` to the app and reinstall it; its scopes are: chat:write,users:read";
    assert_eq!((error.hint(), error.request_id()), (Some(hint), Some("req-1")));
}

#[tokio::test]
async fn the_message_contains_details_but_not_the_token() {
    let details = ["[ERROR] must provide an object [json-pointer:/blocks/0]", TOKEN];
    let body = json!({ "ok": false, "error": "invalid_blocks", "response_metadata": { "messages": details } });
    let error = failure(Reply::json(body)).await;
    assert_eq!(code(&error), "Slack:INVALID_BLOCKS");
    let message = "Slack returned the error `invalid_blocks`: [ERROR] must provide an object [json-pointer:/blocks/0]: [redacted]";
    assert!(error.message().ends_with(message), "{}", error.message());

    let error = failure(refused(TOKEN)).await;
    assert!(code(&error).starts_with("Slack:"));
    assert!(code(&failure(Reply::text(TOKEN)).await).contains(error_names::INVALID_RESPONSE));
    assert!(code(&failure(Reply::text(TOKEN).with_status(400)).await).contains(error_names::INVALID_REQUEST));
}

/// A member that Slack sends as `null` must not hide that a call failed: a response URL has no other sign of it.
#[tokio::test]
async fn a_null_member_does_not_hide_a_failure() {
    let body = json!({ "ok": false, "error": "used_url", "needed": null, "response_metadata": null });
    assert_eq!(code(&failure(Reply::json(&body)).await), "Slack:USED_URL");

    let replay = Replay::new();
    replay.post("/actions/T012AB3CD/39770/secret").reply(Reply::json(&body));
    let url = "https://hooks.slack.com/actions/T012AB3CD/39770/secret".into();
    assert_eq!(code(&slack(&replay).api().respond(&url).text("x").await.unwrap_err()), "Slack:USED_URL");
    replay.check().unwrap();
}

#[tokio::test]
async fn malformed_responses_are_errors() {
    let html = Reply::text("<!DOCTYPE html><title>Server Error</title>").header("content-type", "text/html");
    for (reply, name, kind) in [
        (html.clone(), error_names::INVALID_RESPONSE, ErrorKind::Decode),
        (html.clone().with_status(503), error_names::UNAVAILABLE, ErrorKind::Unavailable),
        (html.with_status(500), error_names::UNAVAILABLE, ErrorKind::Unavailable),
        (Reply::text("{\"ok\":true,\"team_id\":\"T0"), error_names::INVALID_RESPONSE, ErrorKind::Decode),
        (Reply::text(""), error_names::INVALID_RESPONSE, ErrorKind::Decode),
        (Reply::json(json!([])), error_names::INVALID_RESPONSE, ErrorKind::Decode),
        (Reply::json(json!({ "ok": "yes" })), error_names::INVALID_RESPONSE, ErrorKind::Decode),
        (Reply::json(json!({ "ok": false })), error_names::ERROR_RESPONSE, ErrorKind::Decode),
        (Reply::status(429).header("retry-after", "3600"), error_names::RATE_LIMITED, ErrorKind::RateLimited),
        (Reply::status(401), error_names::AUTH_FAILED, ErrorKind::Unauthorized),
    ] {
        let error = failure(reply).await;
        assert_eq!((code(&error), error.kind()), (format!("Slack:{name}"), kind));
    }
}

#[tokio::test]
async fn reads_are_retried() {
    for reply in [
        refused("internal_error"),
        refused("ratelimited"),
        Reply::status(500),
        Reply::status(502),
        Reply::timed_out(),
        Reply::connection_lost(),
    ] {
        let replay = Replay::new();
        replay.post("/api/auth.test").reply(reply);
        replay
            .post("/api/auth.test")
            .without_body()
            .reply(ok(json!({ "team_id": "T1", "user_id": "U1", "user": "sym" })));
        let owner = slack(&replay).api().test_auth().await.unwrap();
        assert_eq!((owner.team_id.as_str(), owner.extra["user"].as_str()), ("T1", Some("sym")));
        replay.check().unwrap();
    }
    let replay = Replay::new();
    replay.post("/api/auth.test").reply(refused("invalid_auth"));
    slack(&replay).api().test_auth().await.unwrap_err();
    replay.check().unwrap();
}

#[tokio::test]
async fn calls_are_rate_limited_per_method() {
    let replay = Replay::new();
    let slack = slack(&replay);
    replay.post("/api/users.list").times(20).reply(ok(json!({ "members": [] })));
    replay.post("/api/users.info").reply(ok(json!({ "user": { "id": "U1" } })));
    for _ in 0..20 {
        slack.list_users().await.unwrap();
    }
    let waited = replay.elapsed().as_secs();
    assert!((50..=60).contains(&waited), "{waited} s for 20 calls at 20 a minute");
    slack.get_user_info("U1").await.unwrap();
    assert_eq!(replay.elapsed().as_secs(), waited);
    replay.check().unwrap();
}
