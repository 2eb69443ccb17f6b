use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use sym_integrations::http::{BaseUrl, Connection, SecretString};
use sym_integrations::pagerduty::{PagerDuty, SimulatedPagerDuty};
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::{Error, ErrorKind};
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};
use sym_sdk::model::{Integration, Slug};

use super::vendor::{KEY, Vendor, client_of, code, directory, emails, entry, named, person, replayed, user};

async fn failure(reply: Reply) -> Error {
    let replay = Replay::new();
    replay.get("/services").reply(reply);
    let error = replayed(&replay).services().await.unwrap_err();
    replay.check().unwrap();
    code(&error);
    error
}

fn fault(status: u16, error: Value) -> Reply {
    Reply::json(json!({ "error": error })).with_status(status).header("x-request-id", "r-1")
}

#[tokio::test]
async fn quotes_the_message_of_pagerduty() {
    for (reply, kind, expected) in [
        (
            fault(
                400,
                json!({ "message": "Invalid Input Provided", "code": 2001, "errors": ["Since is bad", "Until too"] }),
            ),
            ErrorKind::InvalidInput,
            "GET services: Invalid Input Provided (2001): Since is bad, Until too (PagerDuty:INVALID_REQUEST, service pagerduty, status 400, request r-1)",
        ),
        (
            fault(400, json!({ "message": "Invalid Input Provided", "code": 2001, "errors": "Since is bad" })),
            ErrorKind::InvalidInput,
            "GET services: Invalid Input Provided (2001): Since is bad (PagerDuty:INVALID_REQUEST, service pagerduty, status 400, request r-1)",
        ),
        (
            fault(404, json!({ "message": "Not Found", "code": 2100 })),
            ErrorKind::NotFound,
            "GET services: Not Found (2100) (PagerDuty:NOT_FOUND, service pagerduty, status 404, request r-1)",
        ),
        (
            fault(
                402,
                json!({ "message": "Account does not have the abilities to perform the action", "code": 2012, "errors": [] }),
            ),
            ErrorKind::Forbidden,
            "GET services: Account does not have the abilities to perform the action (2012) (PagerDuty:MISSING_ABILITY, service pagerduty, status 402, request r-1)",
        ),
        (
            fault(403, json!({ "message": "Access Denied", "code": 2010, "errors": null })),
            ErrorKind::Forbidden,
            "GET services: Access Denied (2010) (PagerDuty:FORBIDDEN, service pagerduty, status 403, request r-1)",
        ),
        (
            fault(401, json!({ "code": 2006 })),
            ErrorKind::Unauthorized,
            "GET services: the credentials were rejected: {\"error\":{\"code\":2006}} (PagerDuty:AUTH_FAILED, service pagerduty, status 401, request r-1)",
        ),
        (
            Reply::json(json!({ "error": "invalid_token", "error_description": "it expired" })).with_status(401),
            ErrorKind::Unauthorized,
            "GET services: the credentials were rejected: {\"error\":\"invalid_token\",\"error_description\":\"it expired\"} (PagerDuty:AUTH_FAILED, service pagerduty, status 401)",
        ),
        (
            Reply::text("HTTP Token: Access denied.\n").with_status(401),
            ErrorKind::Unauthorized,
            "GET services: the credentials were rejected: HTTP Token: Access denied. (PagerDuty:AUTH_FAILED, service pagerduty, status 401)",
        ),
        (
            Reply::status(401),
            ErrorKind::Unauthorized,
            "GET services: the credentials were rejected (PagerDuty:AUTH_FAILED, service pagerduty, status 401)",
        ),
        (
            Reply::status(500),
            ErrorKind::Unavailable,
            "GET services: the service is unavailable (PagerDuty:UNKNOWN, service pagerduty, status 500)",
        ),
        (
            fault(500, json!({ "message": "Internal Server Error", "code": 2000 })),
            ErrorKind::Unavailable,
            "GET services: Internal Server Error (2000) (PagerDuty:UNAVAILABLE, service pagerduty, status 500, request r-1)",
        ),
    ] {
        let error = failure(reply).await;
        assert_eq!((error.to_string().as_str(), error.kind()), (expected, kind));
    }
}

#[tokio::test]
async fn errors_have_hints() {
    let hint = async |status| failure(fault(status, json!({ "message": "no" }))).await.hint().unwrap().to_owned();
    assert!(hint(401).await.contains("https://api.eu.pagerduty.com"));
    assert!(hint(402).await.contains("any_urgency()"));
    assert!(hint(403).await.contains("`oncalls.read`"));
}

#[tokio::test]
async fn redacts_echoed_keys() {
    for reply in [
        fault(401, json!({ "message": format!("bad key {KEY}"), "errors": [KEY] })),
        Reply::text(format!("HTTP Token: {KEY}")).with_status(401),
        Reply::text(format!("[\"{KEY}\"]")),
    ] {
        failure(reply).await;
    }
    let replay = Replay::new();
    let builder = PagerDuty::builder("example").token(KEY).connection(replay.connection());
    let mut shown = format!("{builder:?}");
    shown.push_str(&format!("{:?}", builder.oauth_token(KEY).build().unwrap()));
    assert!(!shown.contains("S3CRET") && shown.contains("https://api.pagerduty.com"), "{shown}");
    let pagerduty = replayed(&replay);
    let ana = person("ana@example.com");
    let shown = format!(
        "{:?} {:?} {:?}",
        pagerduty.is_on_call(&ana),
        pagerduty.get_incidents(),
        pagerduty.users_for_schedule()
    );
    assert!(!shown.contains("S3CRET"), "{shown}");
}

#[tokio::test]
async fn keeps_the_requested_delay() {
    let replay = Replay::new();
    let services =
        || Reply::json(json!({ "services": [named("S1", "one")], "more": false, "offset": 0, "limit": 100 }));
    let busy =
        || fault(429, json!({ "message": "Rate Limit Exceeded", "code": 2020 })).header("ratelimit-limit", "960");
    replay.get("/services").reply(busy().header("ratelimit-reset", "7").header("ratelimit-remaining", "0"));
    replay.get("/services").reply(services());
    replayed(&replay).services().await.unwrap();
    assert_eq!(replay.elapsed().as_secs(), 7);

    // Without it, delays grow. On success, and on other failures, the header does not count.
    replay.get("/services").times(2).reply(busy());
    replay.get("/services").reply(Reply::status(503).header("ratelimit-reset", "29"));
    replay.get("/services").reply(services().header("ratelimit-reset", "29"));
    let before = replay.elapsed();
    replayed(&replay).services().await.unwrap();
    let waited = replay.elapsed() - before;
    assert!((Duration::from_secs(3)..Duration::from_secs(8)).contains(&waited), "{waited:?}");

    replay.get("/services").reply(busy().header("ratelimit-reset", "45"));
    let before = replay.elapsed();
    let error = replayed(&replay).services().await.unwrap_err();
    assert_eq!((error.kind(), replay.elapsed()), (ErrorKind::RateLimited, before));
    assert_eq!(error.message(), "GET services: Rate Limit Exceeded (2020)");
    assert!(error.hint().unwrap().starts_with("the service asks to retry after 45s"), "{:?}", error.hint());
    replay.check().unwrap();
}

#[tokio::test]
async fn stays_below_the_rate_limit() {
    let replay = Replay::new();
    let empty = json!({ "services": [], "more": false, "offset": 0, "limit": 100 });
    replay.get("/services").always().reply(Reply::json(empty));
    let pagerduty = replayed(&replay);
    for _ in 0..960 {
        pagerduty.clone().services().await.unwrap();
    }
    let waited = replay.elapsed().as_secs_f64();
    assert!((55.0..=60.0).contains(&waited), "{waited} s for 960 calls at 960 a minute");
}

fn integration(settings: &[(&str, &str)]) -> Integration {
    let integration = Integration::new(Slug::parse("pagerduty").unwrap(), "pagerduty", "example");
    settings.iter().fold(integration, |integration, (name, value)| integration.with_setting(*name, *value))
}

#[tokio::test]
async fn builds_the_client_from_its_configuration() {
    let vendor = Vendor {
        users: vec![user("PANA", "ana@example.com")],
        oncalls: vec![entry("PANA", "EP1", 1, None)],
        ..Vendor::default()
    };
    let server = vendor.start().await;
    let secrets = BTreeMap::from([("api_token_secret".to_owned(), SecretString::from(KEY))]);
    let directory = directory();
    let uri = server.uri();
    let integration = integration(&[("base_url", &uri)]);
    let config = IntegrationConfig::new(&integration, &secrets).with_directory(&directory);
    let users = PagerDuty::from_config(&config).unwrap().users_on_call().await.unwrap();
    assert_eq!(emails(&users), ["ana@example.com"]);
    let known = directory.user_by_identity("pagerduty", "example", "PANA").await.unwrap().unwrap();
    assert_eq!(known.email(), Some("ana@example.com"));
    // Users are resolved without a directory too.
    let users = PagerDuty::from_config(&IntegrationConfig::new(&integration, &secrets)).unwrap().users_on_call().await;
    assert_eq!(emails(&users.unwrap()), ["ana@example.com"]);
}

#[test]
fn rejects_unsafe_or_incomplete_configurations() {
    let secrets = BTreeMap::from([("api_token_secret".to_owned(), SecretString::from(KEY))]);
    let with = |settings: &[(&str, &str)], secrets: &BTreeMap<String, SecretString>| {
        PagerDuty::from_config(&IntegrationConfig::new(&integration(settings), secrets))
            .map(|pagerduty| format!("{pagerduty:?}"))
    };
    assert!(with(&[], &secrets).unwrap().contains("https://api.pagerduty.com"));
    assert!(with(&[("base_url", PagerDuty::EU)], &secrets).unwrap().contains("https://api.eu.pagerduty.com"));
    let error = with(&[("base_url", "http://api.pagerduty.com")], &secrets).unwrap_err();
    assert_eq!(error.message(), "the base URL of host `api.pagerduty.com` must use https");
    let error = with(&[], &BTreeMap::new()).unwrap_err();
    assert_eq!(error.message(), "integration `pagerduty` has no secret `api_token_secret`");
    for empty in ["", "two\nlines"] {
        let secrets = BTreeMap::from([("api_token_secret".to_owned(), SecretString::from(empty))]);
        assert_eq!(with(&[], &secrets).unwrap_err().kind(), ErrorKind::Configuration);
    }
}

#[tokio::test]
async fn a_wrong_key_is_an_error() {
    let server = Vendor::default().start().await;
    let builder = PagerDuty::builder("example").token("other").base_url(BaseUrl::parse(&server.uri()).unwrap());
    let pagerduty = builder.connection(Connection::default()).build().unwrap();
    let error = pagerduty.is_on_call(&person("ana@example.com")).await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.status()), ("PagerDuty:AUTH_FAILED", Some(401)));
    let oauth = PagerDuty::builder("example")
        .oauth_token(KEY)
        .base_url(BaseUrl::parse(&server.uri()).unwrap())
        .build()
        .unwrap();
    assert_eq!(code(&oauth.users_on_call().await.unwrap_err()), "PagerDuty:AUTH_FAILED");
    let sent = server.received_requests().await.unwrap();
    assert_eq!(sent[1].headers["authorization"], format!("Bearer {KEY}"));
    assert!(client_of(&server, &directory()).users_on_call().await.unwrap().is_empty());
}

#[tokio::test]
async fn simulates_an_account() {
    let integration = integration(&[("base_url", "http://127.0.0.1:1")]);
    let secrets = BTreeMap::new();
    let pagerduty = PagerDuty::simulated(&IntegrationConfig::new(&integration, &secrets)).unwrap().unwrap();
    let ana = person("ana@example.com");
    assert!(!pagerduty.is_on_call(&ana).schedule_name("prod").await.unwrap());
    assert!(pagerduty.users_on_call().await.unwrap().is_empty());
    assert!(pagerduty.users_for_schedule().schedule_name("prod").await.unwrap().is_empty());
    assert!(!pagerduty.has_incident().assignees([&ana]).await.unwrap());
    assert!(pagerduty.get_incidents().await.unwrap().is_empty());
    assert!(pagerduty.schedules().await.unwrap().is_empty());
    assert!(pagerduty.escalation_policies().await.unwrap().is_empty());
    assert!(pagerduty.services().await.unwrap().is_empty());
    assert!(format!("{pagerduty:?}").contains("simulated"));

    let pagerduty = SimulatedPagerDuty::new().on_call("ana@example.com").build().unwrap();
    assert!(pagerduty.is_on_call(&ana).schedule_name("prod").escalation_policy_id("P1").await.unwrap());
    assert!(!pagerduty.is_on_call(&person("ben@example.com")).await.unwrap());
    assert_eq!(emails(&pagerduty.users_on_call().await.unwrap()), ["ana@example.com"]);
    assert_eq!(emails(&pagerduty.users_for_schedule().schedule_id("S1").await.unwrap()), ["ana@example.com"]);
}
