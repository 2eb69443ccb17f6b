//! The key of the service account, and the tokens that it is exchanged for.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sym_integrations::google::{Google, GoogleBuilder, Role};
use sym_integrations::http::SecretString;
use sym_integrations::testing::{ReceivedCall, Replay, Reply};
use sym_sdk::error::ErrorKind;
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};
use sym_sdk::model::Integration;

use super::support::{ANA, DOMAIN, GROUP, at, fault, group, member};
use crate::vendor_support::code;

/// The private key of a service account, made once: it takes a while.
static PEM: LazyLock<String> = LazyLock::new(|| {
    let der = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap().serialize_der();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der))
});

fn key() -> Value {
    json!({
        "type": "service_account",
        "project_id": "sym",
        "private_key_id": "k1",
        "private_key": *PEM,
        "client_email": "sym@project.iam.gserviceaccount.com",
        "client_id": "1234567890",
        "token_uri": "https://oauth2.googleapis.com/token",
        "universe_domain": "googleapis.com",
    })
}

fn builder(replay: &Replay) -> GoogleBuilder {
    Google::builder(DOMAIN).service_account_key(key().to_string()).connection(replay.connection())
}

fn token(name: &str) -> Reply {
    Reply::json(json!({ "access_token": name, "token_type": "Bearer", "expires_in": 3_599 }))
}

/// The claims of an exchange.
fn claims(call: &ReceivedCall) -> Value {
    let assertion = call.form().into_iter().find(|(name, _)| name == "assertion").unwrap().1;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(assertion.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

/// GG06
#[tokio::test]
async fn acts_as_the_subject_with_the_scopes_of_the_call() {
    let replay = Replay::new();
    let google = builder(&replay).subject("admin@example.com").build().unwrap();
    replay.post("/token").reply(token("ya29.reader"));
    replay.get(at("groups/01g")).header("authorization", "Bearer ya29.reader").reply(group());
    replay.post("/token").reply(token("ya29.writer"));
    replay.post(at("groups/01g/members")).header("authorization", "Bearer ya29.writer").reply(member("MEMBER"));
    google.get_group("01g").await.unwrap();
    google.add_group_member("01g", ANA, &Role::Member).await.unwrap();
    let calls = replay.calls();
    replay.check().unwrap();
    let exchanges: Vec<_> = calls.iter().filter(|call| call.path == "/token").map(claims).collect();
    assert!(calls.iter().filter(|call| call.path == "/token").all(|call| call.host == "oauth2.googleapis.com"));
    for (exchange, scopes) in exchanges.iter().zip([
        "https://www.googleapis.com/auth/admin.directory.group.readonly \
         https://www.googleapis.com/auth/admin.directory.group.member.readonly",
        "https://www.googleapis.com/auth/admin.directory.group.member",
    ]) {
        assert_eq!(exchange["iss"], "sym@project.iam.gserviceaccount.com");
        assert_eq!(exchange["sub"], "admin@example.com");
        assert_eq!(exchange["aud"], "https://oauth2.googleapis.com/token");
        assert_eq!(exchange["scope"], scopes);
    }
}

/// GG06
#[tokio::test]
async fn a_missing_delegation_is_told_with_client_subject_and_scopes() {
    let replay = Replay::new();
    let google = builder(&replay).subject("admin@example.com").build().unwrap();
    let refusal = json!({ "error": "unauthorized_client", "error_description": "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested." });
    replay.post("/token").reply(Reply::json(refusal).with_status(401));
    let error = google.get_group(GROUP).await.unwrap_err();
    assert_eq!((error.kind(), code(&error)), (ErrorKind::Unauthorized, "Google:AUTH_FAILED".to_owned()));
    for part in ["client id 1234567890", "as `admin@example.com`", "admin.directory.group.readonly"] {
        assert!(error.message().contains(part), "{part}: {error}");
    }
    assert!(error.hint().unwrap().contains("Domain-wide delegation"), "{error}");
    // There was one exchange.
    assert_eq!(replay.calls().len(), 1);
    replay.check().unwrap();
}

/// GG07
#[tokio::test]
async fn a_token_that_may_do_nothing_is_explained() {
    let replay = Replay::new();
    let google = builder(&replay).build().unwrap();
    replay.post("/token").reply(token("ya29.idle"));
    let message = "Not Authorized to access this resource/api";
    replay.get(at("groups/admins@example.com")).reply(fault(403, "forbidden", message));
    let error = google.get_group(GROUP).await.unwrap_err();
    assert_eq!((error.kind(), code(&error)), (ErrorKind::Forbidden, "Google:FORBIDDEN".to_owned()));
    let hint = error.hint().unwrap();
    assert!(hint.contains("`subject`") && hint.contains("role"), "{hint}");
    assert!(claims(&replay.calls()[0]).get("sub").is_none());
    replay.check().unwrap();
}

#[tokio::test]
async fn builds_the_client_from_its_configuration() {
    let replay = Replay::new();
    let integration = Integration::new("main".parse().unwrap(), "google", DOMAIN)
        .with_setting("subject", "admin@example.com")
        .with_setting("domains", "example.org, alias.example")
        .with_setting("customer_id", "C0123");
    let secrets = [("service_account_key_secret".to_owned(), SecretString::from(key().to_string()))].into();
    let config = IntegrationConfig::new(&integration, &secrets);
    let google = Google::from_config(&config).unwrap();
    assert_eq!(google.domain(), DOMAIN);
    for internal in [ANA, "ana@EXAMPLE.org", " ana@alias.example "] {
        assert!(google.is_internal(internal), "{internal}");
    }
    for external in ["ana@example.net", "ana@sub.example.com", "example.com", "ana@", "ana@example.com.evil.example"] {
        assert!(!google.is_internal(external), "{external}");
    }
    let shown = format!("{google:#?} {:#?}", builder(&replay));
    assert!(!shown.contains(PEM.lines().nth(1).unwrap()), "{shown}");

    let error = Google::from_config(&IntegrationConfig::new(&integration, &Default::default())).unwrap_err();
    assert!(error.message().contains("service_account_key_secret"), "{error}");
    for domain in ["", "example", "ana@example.com", "https://example.com", "a.example, b.example"] {
        assert!(Google::builder(domain).service_account_key(key().to_string()).build().is_err(), "{domain}");
    }
}

#[test]
fn rejects_keys_of_another_kind_without_quoting_them() {
    let with = |name: &str, value: Value| {
        let mut key = key();
        key[name] = value;
        key.to_string()
    };
    let keys = [
        "S3CRET".to_owned(),
        "{}".to_owned(),
        with("type", json!("authorized_user")),
        with("private_key", json!(null)),
        with("private_key", json!("S3CRET")),
        with("client_email", json!(null)),
        with("token_uri", json!("http://oauth2.example.com/token")),
        with("token_uri", json!("S3CRET")),
    ];
    for key in keys {
        let error = Google::builder(DOMAIN).service_account_key(key.as_str()).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{key}");
        let shown = format!("{error:#?}");
        assert!(!shown.contains("S3CRET") && !shown.contains(PEM.lines().nth(1).unwrap()), "{shown}");
    }
}
