//! Secrets in AWS Secrets Manager.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sym_integrations::aws::SecretsManager;
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::config::{self, Config};
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::model::{Secret, SecretSource, Slug};
use sym_sdk::runtime::SecretReader;

use super::support::{assert_silent, code, context, in_role, session};

fn secret_of(path: &str, context: Option<&str>) -> Secret {
    let source = SecretSource::AwsSecretsManager { context: context.map(str::to_owned) };
    Secret::new(Slug::parse("okta-token").unwrap(), source, path)
}

fn secret() -> Secret {
    secret_of("prod/okta", Some("main"))
}

fn asked_for(path: &str) -> Value {
    json!({ "SecretId": path, "VersionStage": "AWSCURRENT" })
}

async fn read(replay: &Replay, secret: &Secret) -> Result<String> {
    let reader = SecretsManager::new().context("main", context(replay));
    assert!(reader.reads(secret.source()));
    reader.read(secret).await.map(|value| value.expose_secret().to_owned())
}

/// Reads a secret, with this response.
async fn read_from(reply: Reply) -> Result<String> {
    let replay = Replay::new();
    replay.post("/").reply(reply);
    let read = read(&replay, &secret()).await;
    replay.check().unwrap();
    read
}

fn refusal(status: u16, kind: &str, message: &str) -> Reply {
    Reply::json(json!({ "__type": kind, "Message": message })).with_status(status).header("x-amzn-requestid", "r-1")
}

#[tokio::test]
async fn reads_secrets_with_the_role_of_their_source() {
    let replay = Replay::new();
    replay.post("/").form("Action", "AssumeRole").reply(session(1, "2024-02-29T13:00:00Z"));
    replay
        .post("/")
        .header("x-amz-target", "secretsmanager.GetSecretValue")
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-security-token", "role-TOKEN1")
        .json(asked_for("prod/okta"))
        .reply(Reply::json(json!({
            "ARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/okta-AbCdEf",
            "Name": "prod/okta",
            "SecretString": "{\"token\":\"00xyz\"}",
            "VersionStages": ["AWSCURRENT"],
            "CreatedDate": 1.7e9,
        })));
    let reader = SecretsManager::new().context("Main", in_role(&replay));
    assert_eq!(reader.read(&secret()).await.unwrap().expose_secret(), "{\"token\":\"00xyz\"}");
    replay.check().unwrap();
}

#[tokio::test]
async fn reads_binary_secrets_as_text() {
    let binary = |bytes: &[u8]| Reply::json(json!({ "SecretBinary": STANDARD.encode(bytes) }));
    assert_eq!(read_from(binary("größe".as_bytes())).await.unwrap(), "größe");
    for (reply, what) in [
        (binary(b"\xff\xfe"), "is not text"),
        (Reply::json(json!({ "SecretBinary": "own/S3CRET!" })), "is not in base64"),
        (Reply::json(json!({ "Name": "prod/okta" })), "has no value"),
    ] {
        let error = read_from(reply).await.unwrap_err();
        assert_eq!(code(&error), "AWS:INVALID_RESPONSE");
        assert_eq!(error.message(), format!("POST /: secret `okta-token` {what}"));
    }
}

#[tokio::test]
async fn errors_do_not_contain_the_value() {
    for (reply, expected, kind) in [
        (
            refusal(400, "ResourceNotFoundException", "Secrets Manager can't find the specified secret."),
            "AWS:RESOURCE_NOT_FOUND",
            ErrorKind::NotFound,
        ),
        (
            refusal(400, "AccessDeniedException", "User: arn:aws:sts::1 is not authorized to perform: x"),
            "AWS:ACCESS_DENIED",
            ErrorKind::Forbidden,
        ),
        (refusal(400, "DecryptionFailure", "cannot decrypt"), "AWS:DECRYPTION_FAILURE", ErrorKind::Forbidden),
        (
            refusal(400, "com.amazonaws.secretsmanager#InvalidRequestException", "it is marked for deletion"),
            "AWS:INVALID_REQUEST",
            ErrorKind::InvalidInput,
        ),
        (Reply::text("own/S3CRET").with_status(400), "AWS:INVALID_REQUEST", ErrorKind::InvalidInput),
        (Reply::text("{\"SecretString\":\"own/S3CRET"), "AWS:INVALID_RESPONSE", ErrorKind::Decode),
        (Reply::json(json!({ "SecretString": ["own/S3CRET"] })), "AWS:INVALID_RESPONSE", ErrorKind::Decode),
        (Reply::text("<html>own/S3CRET</html>"), "AWS:INVALID_RESPONSE", ErrorKind::Decode),
    ] {
        let error = read_from(reply).await.unwrap_err();
        assert_eq!((code(&error).as_str(), error.kind()), (expected, kind), "{error}");
        assert_eq!(error.service(), Some("secretsmanager"));
    }
    let error = read_from(refusal(400, "DecryptionFailure", "cannot decrypt")).await.unwrap_err();
    assert_eq!(error.message(), "POST /: cannot read secret `okta-token` at `prod/okta`: cannot decrypt");
    assert!(error.hint().unwrap().contains("kms:Decrypt"));
    assert_eq!(error.request_id(), Some("r-1"));
}

#[tokio::test]
async fn retries_throttled_reads() {
    let replay = Replay::new();
    replay.post("/").reply(refusal(400, "ThrottlingException", "Rate exceeded"));
    replay.post("/").reply(Reply::connection_lost());
    replay.post("/").reply(Reply::json(json!({ "SecretString": "00xyz" })));
    assert_eq!(read(&replay, &secret()).await.unwrap(), "00xyz");
    replay.check().unwrap();
}

#[tokio::test]
async fn reads_secrets_in_the_region_of_their_arn() {
    let arn = "arn:aws:secretsmanager:us-west-2:123456789012:secret:prod/okta-AbCdEf";
    let replay = Replay::at("2024-02-29T12:00:00Z".parse().unwrap());
    replay.post("/").json(asked_for(arn)).reply(Reply::json(json!({ "SecretString": "00xyz" })));
    assert_eq!(read(&replay, &secret_of(arn, Some("main"))).await.unwrap(), "00xyz");
    replay.check().unwrap();

    let error = read(&replay, &secret_of("arn:aws:secretsmanager:x.example.com/:1:secret:y", None)).await.unwrap_err();
    assert_eq!(error.message(), "`x.example.com/` is not an AWS region");
}

#[tokio::test]
async fn rejects_unclear_contexts() {
    let replay = Replay::new();
    let reader = || SecretsManager::new().context("main", context(&replay));
    let error = reader().read(&secret_of("prod/okta", Some("other"))).await.unwrap_err();
    assert_eq!(code(&error), "SymSDK:UNKNOWN_INTEGRATION");
    let expected = "secret `okta-token` is read with the role of integration `other`, which does not exist";
    assert_eq!(error.message(), expected);

    let two = reader().context("other", context(&replay));
    let error = two.read(&secret_of("prod/okta", None)).await.unwrap_err();
    assert_eq!(error.message(), "secret `okta-token` does not say which role reads it");

    replay.post("/").reply(Reply::json(json!({ "SecretString": "00xyz" })));
    reader().read(&secret_of("prod/okta", None)).await.unwrap();
    replay.check().unwrap();
}

#[tokio::test]
async fn uses_the_integrations_of_the_configuration() {
    let integration = |kind: &str, name: &str, settings: &[(&str, &str)]| config::Integration {
        kind: kind.into(),
        name: name.into(),
        settings: settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..Default::default()
    };
    let config = Config {
        integrations: vec![
            integration("okta", "people", &[]),
            integration("permission_context", "Main", &[("role_arn", "arn:aws:iam::123456789012:role/sym")]),
        ],
        ..Config::default()
    };
    let reader = SecretsManager::from_config(&config);
    let error = reader.read(&secret()).await.unwrap_err();
    assert_eq!(error.message(), "integration `main` has no setting `region`");
    assert!(reader.read(&secret_of("prod/okta", Some("people"))).await.is_err());
    assert_silent(&format!("{reader:?}"));
}
