//! Failures of Jira.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sym_integrations::http::BaseUrl;
use sym_integrations::jira::Jira;
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::{Error, ErrorKind};
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};
use sym_sdk::model::Integration;

use crate::vendor_support::code;

pub(super) const SITE: &str = "acme.atlassian.net";
pub(super) const TOKEN: &str = "ATATT-S3CRET";

pub(super) fn jira(replay: &Replay) -> Jira {
    Jira::builder(SITE).email("sym@example.com").token(TOKEN).connection(replay.connection()).build().unwrap()
}

/// Returns the error of a lookup that gets this response, and the time that the client waited.
async fn answered(reply: Reply) -> (Error, Duration) {
    let replay = Replay::new();
    replay.get("/rest/api/3/issue/OPS-1").always().reply(reply);
    let error = jira(&replay).get_issue("OPS-1").await.unwrap_err();
    replay.check().unwrap();
    (error, replay.elapsed())
}

#[tokio::test]
async fn classifies_responses() {
    let problem = |status| Reply::json(json!({ "errorMessages": ["No."], "errors": {} })).with_status(status);
    let html = |status| Reply::text("<html>Sign in</html>").header("content-type", "text/html").with_status(status);
    for (reply, kind, name) in [
        (problem(400), ErrorKind::InvalidInput, "INVALID_REQUEST"),
        (problem(401), ErrorKind::Unauthorized, "AUTH_FAILED"),
        (problem(403), ErrorKind::Forbidden, "FORBIDDEN"),
        (problem(404), ErrorKind::NotFound, "ISSUE_NOT_FOUND"),
        (problem(409), ErrorKind::Conflict, "CONFLICT"),
        (problem(410), ErrorKind::NotFound, "ISSUE_NOT_FOUND"),
        (problem(413), ErrorKind::InvalidInput, "INVALID_REQUEST"),
        (problem(422), ErrorKind::InvalidInput, "INVALID_REQUEST"),
        (problem(500), ErrorKind::Unavailable, "UNAVAILABLE"),
        (problem(503), ErrorKind::Unavailable, "UNAVAILABLE"),
        (html(200), ErrorKind::Decode, "INVALID_RESPONSE"),
        (html(500), ErrorKind::Unavailable, "UNAVAILABLE"),
        (Reply::text("{\"id\": \"1\", \"ke"), ErrorKind::Decode, "INVALID_RESPONSE"),
        (Reply::json(json!({ "id": null, "key": "OPS-1" })), ErrorKind::Decode, "INVALID_RESPONSE"),
        (Reply::text("x".repeat(17 << 20)), ErrorKind::Decode, "TOO_LARGE"),
        (Reply::connection_lost(), ErrorKind::Unavailable, "CONNECTION_LOST"),
        (Reply::status(302).header("location", "https://id.atlassian.com/login"), ErrorKind::Configuration, "REDIRECTED"),
        // The answer to a stranger.
        (
            Reply::json(json!({ "id": "1" })).header("X-Seraph-LoginReason", "AUTHENTICATED_FAILED"),
            ErrorKind::Unauthorized,
            "AUTH_FAILED",
        ),
        (
            problem(404).header("x-seraph-loginreason", "AUTHENTICATION_DENIED,OK"),
            ErrorKind::Unauthorized,
            "AUTH_FAILED",
        ),
    ] {
        let (error, _) = answered(reply).await;
        assert_eq!((error.kind(), code(&error)), (kind, format!("Jira:{name}")), "{error}");
    }
}

/// JI02: the reasons may stand in `errors` alone.
#[tokio::test]
async fn collects_all_reasons() {
    for (body, expected) in [
        (
            json!({ "errorMessages": [], "errors": { "assignee": "User 'x' does not exist.", "customfield_10040": "Required" } }),
            "assignee: User 'x' does not exist; customfield_10040: Required",
        ),
        (json!({ "errorMessages": ["Bad.", null], "errors": { "duedate": { "a": 1 } } }), "Bad; duedate: {\"a\":1}"),
        (json!({ "errorMessages": null, "errors": null, "message": "Unauthorized; scope" }), "Unauthorized; scope"),
        (json!({ "ErrorMessages": "One" }), "One"),
        (json!({ "error": "nope" }), "nope"),
    ] {
        let (error, _) = answered(Reply::json(&body).with_status(400)).await;
        assert_eq!((error.kind(), error.message()), (ErrorKind::InvalidInput, &*format!("GET issue/{{issue}}: {expected}")));
    }
}

/// JI07: the status decides before the body is read, and Jira's times are understood.
#[tokio::test]
async fn understands_throttling() {
    let page = || {
        Reply::text("<html>Rate limited</html>")
            .header("content-type", "text/html")
            .header("date", "Thu, 29 Feb 2024 12:00:00 GMT")
            .with_status(429)
    };
    for (reply, delay) in [
        (page().header("retry-after", "45"), 45),
        (page().header("x-ratelimit-reset", "2024-02-29T12:01Z"), 61),
        (page().header("x-ratelimit-reset", "2024-02-29T12:01:30Z"), 91),
        (page().header("x-ratelimit-reset", "2024-02-29T12:01:30Z").header("retry-after", "50"), 50),
    ] {
        let (error, waited) = answered(reply).await;
        assert_eq!((error.kind(), error.retry_after()), (ErrorKind::RateLimited, Some(Duration::from_secs(delay))), "{error}");
        assert_eq!(waited, Duration::ZERO);
    }
    let replay = Replay::new();
    replay.get("/rest/api/3/issue/OPS-1").times(2).reply(page());
    replay.get("/rest/api/3/issue/OPS-1").reply(Reply::json(json!({ "id": "1" })));
    jira(&replay).get_issue("OPS-1").await.unwrap();
    assert!((10.0..12.0).contains(&replay.elapsed().as_secs_f64()), "{:?}", replay.elapsed());
    replay.check().unwrap();
}

/// JI08: scoped tokens work through the gateway only, whose path is kept.
#[tokio::test]
async fn calls_the_site_or_the_gateway() {
    let authorization = format!("Basic {}", STANDARD.encode(format!("sym@example.com:{TOKEN}")));
    let replay = Replay::new();
    replay.get("/rest/api/3/issue/OPS-1").header("authorization", &authorization).reply(Reply::json(json!({ "id": "1" })));
    jira(&replay).get_issue("OPS-1").await.unwrap();
    assert_eq!(replay.calls()[0].host, SITE);

    let id = "11223344-a1b2-3b33-c444-def123456789";
    let path = format!("/ex/jira/{id}/rest/api/3/issue/OPS-1");
    let scoped = Jira::builder(SITE).email("sym@example.com").token(TOKEN).connection(replay.connection());
    replay.get(&path).header("authorization", &authorization).reply(Reply::json(json!({ "id": "1" })));
    scoped.clone().cloud_id(id).build().unwrap().get_issue("OPS-1").await.unwrap();
    assert_eq!(replay.calls()[1].host, "api.atlassian.com");

    let oauth = Jira::builder(SITE).token(TOKEN).connection(replay.connection());
    let bearer = format!("Bearer {TOKEN}");
    for slash in ["", "/"] {
        let base = BaseUrl::parse(&format!("https://proxy.example.com/ex/jira/{id}/rest/api/3{slash}")).unwrap();
        replay.get(&path).header("authorization", &bearer).reply(Reply::json(json!({ "id": "1" })));
        oauth.clone().base_url(base).build().unwrap().get_issue("OPS-1").await.unwrap();
    }
    for id in ["a/b", "..", "https://evil.example", "a?b"] {
        assert_eq!(scoped.clone().cloud_id(id).build().unwrap_err().kind(), ErrorKind::Configuration, "{id}");
    }
    replay.check().unwrap();
    let (error, _) = answered(Reply::status(401)).await;
    assert!(error.hint().unwrap().contains("`cloud_id`"), "{error}");
}

#[tokio::test]
async fn builds_the_client_from_its_configuration() {
    let integration = |settings: &[(&str, &str)]| {
        let integration = Integration::new("main".parse().unwrap(), "jira", SITE);
        settings.iter().fold(integration, |integration, (name, value)| integration.with_setting(*name, *value))
    };
    let secrets = [("api_token_secret".to_owned(), TOKEN.into())].into();
    for (settings, expected) in [
        (&[("email", "sym@example.com")][..], "https://acme.atlassian.net/rest/api/3"),
        (&[("cloud_id", "a-1")], "https://api.atlassian.com/ex/jira/a-1/rest/api/3"),
        (&[("cloud_id", "a-1"), ("base_url", "http://127.0.0.1:9/x")], "http://127.0.0.1:9/x"),
    ] {
        let integration = integration(settings);
        let jira = Jira::from_config(&IntegrationConfig::new(&integration, &secrets)).unwrap();
        assert_eq!(jira.site(), SITE);
        let shown = format!("{jira:?}");
        assert!(shown.contains(expected) && !shown.contains("S3CRET"), "{shown}");
    }
    let error = Jira::from_config(&IntegrationConfig::new(&integration(&[]), &Default::default())).unwrap_err();
    assert!(error.message().contains("`api_token_secret`"), "{error}");
    assert!(Jira::from_config(&IntegrationConfig::new(&integration(&[("cloud_id", "a/b")]), &secrets)).is_err());
    assert!(Jira::builder("https://acme.atlassian.net").token(TOKEN).build().is_err());
}
