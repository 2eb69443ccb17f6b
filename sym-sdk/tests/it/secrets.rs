//! Secrets on their way from where they are kept to the clients that need them.

use std::sync::{Arc, Mutex};

use expect_test::{Expect, expect};
use secrecy::{ExposeSecret, SecretString};
use sym_sdk::config::{self, Config};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{LocalSecrets, Runtime};

use crate::support::{flows, integration, settings};

static TOKENS: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct PagerDuty {
    _token: SecretString,
}

impl IntegrationClient for PagerDuty {
    const TYPE: &'static str = "pagerduty";

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        let token = config.secret("api_token_secret")?.clone();
        TOKENS.lock().unwrap().push(token.expose_secret().to_owned());
        Ok(Self { _token: token })
    }
}

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::admins_only()
}

#[hook]
fn on_request(_pagerduty: &PagerDuty) {}

fn config(source: &str, path: &str, json_key: Option<&str>) -> Config {
    let mut config = Config {
        integrations: vec![config::Integration {
            settings: settings(&[("api_token_secret", "token")]),
            ..integration("pagerduty", "pagerduty", "acme.pagerduty.com")
        }],
        secret_sources: vec![config::SecretSource { kind: source.into(), name: source.into(), ..Default::default() }],
        secrets: vec![config::Secret {
            name: "token".into(),
            path: path.into(),
            source: source.into(),
            json_key: json_key.map(str::to_owned),
            ..Default::default()
        }],
        ..flows(&["prod"])
    };
    config.environments[0].integrations.insert("pagerduty".to_owned(), "pagerduty".into());
    config
}

async fn build(config: Config, variables: &[(&str, &str)]) -> Result<Runtime, sym_sdk::config::Diagnostics> {
    let variables = LocalSecrets::with_variables(variables.iter().copied());
    let handlers = sym_sdk::handlers![get_permissions, on_request];
    Runtime::builder(config).registry(handlers).secrets(variables).build().await
}

async fn reaches(config: Config, variables: &[(&str, &str)], token: &str) {
    let runtime = build(config, variables).await.unwrap();
    assert!(TOKENS.lock().unwrap().contains(&token.to_owned()));
    assert!(!format!("{runtime:?}").contains(token), "no `Debug` shows it");
}

/// Checks the builder's errors, without handlers' locations. They never contain the secret.
async fn refuses(config: Config, variables: &[(&str, &str)], expected: Expect) {
    let faults = build(config, variables).await.unwrap_err();
    assert!(!format!("{faults} {faults:?}").contains("hunter2"));
    let told = faults.iter().map(|fault| match &fault.hint {
        Some(hint) => format!("{}\n  help: {hint}", fault.message),
        None => fault.message.clone(),
    });
    expected.assert_eq(&told.collect::<Vec<_>>().join("\n"));
}

#[tokio::test]
async fn reads_secrets_from_the_environment() {
    reaches(config("environment", "PD_TOKEN", None), &[("PD_TOKEN", "hunter2-variable")], "hunter2-variable").await;
}

#[tokio::test]
async fn reads_entries_of_json_secrets() {
    let json = r#"{"pagerduty": "hunter2-entry"}"#;
    reaches(config("environment", "ALL", Some("pagerduty")), &[("ALL", json)], "hunter2-entry").await;
}

/// A04: a token that consists of digits may be a number in JSON. It is read as it is written.
#[tokio::test]
async fn reads_entries_that_are_numbers_as_they_are_written() {
    for (json, token) in [
        (r#"{"pagerduty": 12345678}"#, "12345678"),
        (r#"{"pagerduty": 123456789012345678901234567890}"#, "123456789012345678901234567890"),
        (r#"{"pagerduty": 1, "pagerduty": 90210.50}"#, "90210.50"),
    ] {
        reaches(config("environment", "ALL", Some("pagerduty")), &[("ALL", json)], token).await;
    }
}

/// A05: some editors write a byte order mark, which is part of neither JSON nor a token.
#[tokio::test]
async fn a_byte_order_mark_is_not_part_of_a_secret() {
    let json = "\u{feff}{\"pagerduty\": \"hunter2-marked\"}";
    reaches(config("environment", "ALL", Some("pagerduty")), &[("ALL", json)], "hunter2-marked").await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    std::fs::write(&path, "\u{feff}hunter2-bom\n").unwrap();
    reaches(config("file", path.to_str().unwrap(), None), &[], "hunter2-bom").await;
}

#[tokio::test]
async fn reads_secrets_from_files_without_the_final_line_break() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    std::fs::write(&path, "hunter2-file\n").unwrap();
    reaches(config("file", path.to_str().unwrap(), None), &[], "hunter2-file").await;
}

#[tokio::test]
async fn reports_unreadable_secrets_without_showing_them() {
    let variables = [
        ("TEXT", "hunter2"),
        ("NUMBER", r#"{"pagerduty": ["1"], "other": "hunter2", "nothing": null}"#),
        ("EMPTY", ""),
    ];
    refuses(
        config("environment", "MISSING", None),
        &variables,
        expect!["secret `token` is to be in environment variable `MISSING`, which is not set (SymSDK:UNKNOWN_SECRET)"],
    )
    .await;
    refuses(
        config("environment", "EMPTY", None),
        &variables,
        expect!["secret `token` is to be in environment variable `EMPTY`, which is not set (SymSDK:UNKNOWN_SECRET)"],
    )
    .await;
    refuses(
        config("environment", "TEXT", Some("pagerduty")),
        &variables,
        expect!["secret `token` has a JSON key, but is not JSON (SymSDK:UNKNOWN_SECRET)"],
    )
    .await;
    refuses(
        config("environment", "NUMBER", Some("pagerduty")),
        &variables,
        expect!["secret `token` has an entry `pagerduty` that is neither text nor a number (SymSDK:UNKNOWN_SECRET)"],
    )
    .await;
    refuses(
        config("environment", "NUMBER", Some("nothing")),
        &variables,
        expect!["secret `token` has an entry `nothing` that is `null` (SymSDK:UNKNOWN_SECRET)"],
    )
    .await;
    refuses(
        config("environment", "NUMBER", Some("okta")),
        &variables,
        expect!["secret `token` has no entry `okta` (SymSDK:UNKNOWN_SECRET)"],
    )
    .await;
    refuses(config("file", "no-such-file", None), &variables, expect!["secret `token` cannot be read from file `no-such-file`: No such file or directory (os error 2) (SymSDK:UNKNOWN_SECRET)"]).await;
    refuses(
        config("aws_secrets_manager", "prod/token", None),
        &variables,
        expect![[r#"
            nothing reads secret `token` from a source of type `aws_secrets_manager` (SymSDK:UNKNOWN_SECRET)
              help: hand a `SecretReader` for it over with `Builder::secrets`"#]],
    )
    .await;
}

#[tokio::test]
async fn does_not_read_oversized_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    std::fs::write(&path, "hunter2".repeat(200_000)).unwrap();
    let faults = build(config("file", path.to_str().unwrap(), None), &[]).await.unwrap_err().to_string();
    assert!(faults.contains("it is larger than 1048576 bytes"), "{faults}");
    assert!(!faults.contains("hunter2"));
}

#[test]
fn debug_output_contains_no_secrets() {
    let reader = Arc::new(LocalSecrets::with_variables([("TOKEN", "hunter2")]));
    assert_eq!(format!("{reader:?}"), "LocalSecrets { .. }");
}

/// S10: it is mended where the secret is declared, not where a flow needs it.
#[tokio::test]
async fn an_unreadable_secret_points_at_its_declaration() {
    let mut config = config("environment", "MISSING", None);
    config.flows.push(config::Flow { name: "other".into(), ..config.flows[0].clone() });
    let declared = |file: &str, line| config::SourceLocation { file: Some(Arc::new(file.into())), line, column: 1 };
    config.secrets[0].location = declared("secrets.tf", 7);
    config.flows[0].location = declared("flows.tf", 1);
    let faults = build(config, &[]).await.unwrap_err();
    let locations: Vec<_> = faults.iter().map(|fault| fault.location.to_string()).collect();
    assert_eq!(locations, ["secrets.tf:7:1"], "once, for both flows");
}
