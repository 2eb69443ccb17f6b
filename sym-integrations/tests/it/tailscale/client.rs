//! The client: credentials, failures, users and groups.

use std::time::Duration;

use sym_integrations::http::{Connection, SecretString};
use sym_integrations::tailscale::{SimulatedTailscale, Tailscale, UserStatus, UserType};
use sym_sdk::error::ErrorKind;
use wiremock::ResponseTemplate;

use super::super::http::support::{at, leap};
use super::fake::{CLIENT_SECRET, FakeTailscale, KEY, POLICY, fault, test_failed};
use crate::vendor_support::{code, person};

/// TS09: empty is absent, and credentials are not mixed.
#[test]
fn credentials_are_either_a_key_or_an_oauth_client() {
    let builder = || Tailscale::builder("example.com");
    builder().api_key(KEY).build().unwrap();
    builder().oauth_client("k123CNTRL", CLIENT_SECRET).build().unwrap();
    builder().api_key(KEY).oauth_client("", "").build().unwrap();
    builder().api_key("  ").oauth_client("k123CNTRL", CLIENT_SECRET).build().unwrap();
    for (builder, problem) in [
        (builder(), "no credentials"),
        (builder().api_key(""), "no credentials"),
        (builder().oauth_client("k123CNTRL", ""), "only a part of an OAuth client"),
        (builder().oauth_client("", CLIENT_SECRET), "only a part of an OAuth client"),
        (builder().api_key(KEY).oauth_client("k123CNTRL", CLIENT_SECRET), "both an API key and an OAuth client"),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!((code(&error).as_str(), error.kind()), ("SymSDK:CONFIGURATION", ErrorKind::Configuration));
        assert_eq!(error.message(), format!("the Tailscale client for `example.com` has {problem}"));
    }
    assert!(Tailscale::builder("example.com/x").api_key(KEY).build().is_err());
}

/// TS09: without a name, it is the tailnet of the credentials.
#[tokio::test]
async fn the_tailnet_of_the_credentials_is_the_default() {
    let fake = FakeTailscale::start().await;
    for tailnet in ["", " ", "-"] {
        let client = Tailscale::builder(tailnet).api_key(KEY).base_url(fake.base_url()).build().unwrap();
        assert_eq!(client.policy_file().await.unwrap().text, POLICY);
        assert_eq!(fake.calls(), ["GET tailnet/-/acl"]);
    }
}

/// TS09: access tokens of an OAuth client are renewed, and a 403 names the scopes.
#[tokio::test]
async fn oauth_clients_get_tokens_and_renew_them() {
    let (fake, clock) = (FakeTailscale::start().await, at("2026-12-01T12:00:00Z"));
    let client = |secret: &str| {
        let builder = Tailscale::builder("example.com").oauth_client("k123CNTRL", SecretString::from(secret));
        let connection = Connection::default().with_clock(clock.clone());
        builder.base_url(fake.base_url()).connection(connection).without_rate_limits().build().unwrap()
    };
    let tailscale = client(CLIENT_SECRET);
    assert!(!format!("{tailscale:?}").contains("S3CRET"));
    tailscale.list_users().await.unwrap();
    tailscale.policy_file().await.unwrap();
    let (token, users, file) = ("POST oauth/token", "GET tailnet/example.com/users", "GET tailnet/example.com/acl");
    assert_eq!(fake.calls(), [token, users, file]);
    clock.advance(Duration::from_secs(3_600));
    tailscale.list_users().await.unwrap();
    assert_eq!(fake.calls(), [token, users]);
    // Revoked in the console.
    fake.state().tokens.clear();
    tailscale.list_users().await.unwrap();
    assert_eq!(fake.calls(), [users, token, users]);

    assert_eq!(code(&client("S3CRET-wrong").list_users().await.unwrap_err()), "Tailscale:AUTH_FAILED");
    fake.state().refusals = vec![("GET".to_owned(), fault(403, "not enough permissions"), 1)];
    let error = tailscale.list_users().await.unwrap_err();
    assert_eq!(code(&error), "Tailscale:FORBIDDEN");
    assert!(["`policy_file`", "`users:read`", "tailnet"].iter().all(|part| error.hint().unwrap().contains(part)));
}

/// TS05: a complaint with status 200 is a failure.
#[tokio::test]
async fn a_validation_that_complains_fails() {
    let fake = FakeTailscale::start().await;
    let client = fake.client();
    client.validate_policy(POLICY).await.unwrap();
    fake.state().tests = |_| Some(test_failed());
    assert_eq!(code(&client.validate_policy(POLICY).await.unwrap_err()), "Tailscale:TESTS_FAILED");
    fake.state().tests = |_| Some(serde_json::json!({ "message": "unknown section `gruops`", "data": null }));
    let error = client.validate_policy(POLICY).await.unwrap_err();
    assert_eq!(code(&error), "Tailscale:REJECTED_POLICY");
    assert!(error.message().ends_with(": Tailscale does not accept the policy file: unknown section `gruops`"), "{error}");
    fake.state().tests = |_| Some(serde_json::json!({ "message": "", "data": [] }));
    client.validate_policy(POLICY).await.unwrap();
}

#[tokio::test]
async fn failures_have_codes() {
    let (fake, clock) = (FakeTailscale::start().await, at("2026-12-01T12:00:00Z"));
    let client = || fake.builder().connection(Connection::default().with_clock(clock.clone())).build().unwrap();
    for (answer, expected) in [
        (fault(401, "API token invalid"), "Tailscale:AUTH_FAILED"),
        (fault(403, "no"), "Tailscale:FORBIDDEN"),
        (fault(404, "tailnet not found"), "Tailscale:NOT_FOUND"),
        (ResponseTemplate::new(404).set_body_string("<html>"), "Tailscale:INVALID_RESPONSE"),
        (fault(429, "slow down"), "Tailscale:RATE_LIMITED"),
        (fault(429, "slow down").insert_header("retry-after", "3600"), "Tailscale:RATE_LIMITED"),
        (fault(500, "oops"), "Tailscale:UNAVAILABLE"),
        (ResponseTemplate::new(200).set_body_string("{\"users\": ["), "Tailscale:INVALID_RESPONSE"),
        (ResponseTemplate::new(200).set_body_string("<html>Sign in"), "Tailscale:INVALID_RESPONSE"),
        (ResponseTemplate::new(302).insert_header("location", "https://elsewhere.example/"), "Tailscale:REDIRECTED"),
    ] {
        fake.state().refusals = vec![("GET".to_owned(), answer, 100)];
        let error = leap(&clock, |wait| wait.as_secs() <= 9, client().list_users()).await.unwrap_err();
        assert_eq!(code(&error), expected, "{error}");
    }
    let client = client();
    fake.state().refusals = vec![("GET".to_owned(), ResponseTemplate::new(200).set_body_string("{\"users\": null}"), 1)];
    assert!(client.list_users().await.unwrap().is_empty());
    // Not UTF-8: the file could not be written back as it was.
    let answer = ResponseTemplate::new(200).set_body_bytes(*b"{\"groups\": \"\xff\"}").insert_header("etag", "\"1\"");
    fake.state().refusals = vec![("GET".to_owned(), answer, 1)];
    assert_eq!(code(&client.policy_file().await.unwrap_err()), "Tailscale:INVALID_RESPONSE");
}

#[tokio::test]
async fn reads_users_and_groups() {
    let fake = FakeTailscale::start().await;
    let client = fake.client();
    let users = client.list_users().await.unwrap();
    assert_eq!((&users[0].kind, &users[0].status), (&Some(UserType::Member), &Some(UserStatus::Active)));
    assert!(users[0].is_member() && !users[3].is_member());
    assert!(client.is_user_in_group(&person("ben@example.com"), "group:ops").await.unwrap());
    assert!(!client.is_user_in_group(&person("ana@example.com"), "group:ops").await.unwrap());
    let error = client.is_user_in_group(&person("ana@example.com"), "group:none").await.unwrap_err();
    assert_eq!(code(&error), "Tailscale:GROUP_NOT_FOUND");
    let options = sym_integrations::field_options(&client.list_groups().await.unwrap()).unwrap();
    assert_eq!(options.len(), 2);
    let file = client.policy_file().await.unwrap();
    assert_eq!((file.etag.as_deref(), file.maintained_in()), (Some("\"00000001\""), None));

    let simulated = SimulatedTailscale::new().group("group:a").member("group:b", "ana@example.com").build().unwrap();
    assert!(simulated.is_user_in_group(&person("ana@example.com"), "group:b").await.unwrap());
    assert!(!simulated.is_user_in_group(&person("ana@example.com"), "group:a").await.unwrap());
}
