//! The app manifest for the linked handlers and the configuration.

use expect_test::expect_file;
use serde_json::Value;
use sym_integrations::slack::{self, Slack};
use sym_sdk::App;
use sym_sdk::app::Exit;
use sym_sdk::config::{self, Config};
use sym_sdk::handler::{ExtractError, Registry};
use sym_sdk::prelude::*;

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

#[reducer]
fn get_request_notifications() -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(slack::channel("#access")?)])
}

#[hook]
async fn after_approve(slack: Result<&Slack, ExtractError>) -> Result<()> {
    match slack {
        Ok(slack) => slack.send_message(slack::channel("#audit")?, "approved").await.map(drop),
        Err(_) => Ok(()),
    }
}

fn config() -> Config {
    Config {
        integrations: vec![config::Integration {
            name: "slack".into(),
            kind: "slack".into(),
            external_id: "T012AB3CD".into(),
            ..config::Integration::default()
        }],
        environments: vec![config::Environment {
            name: "main".into(),
            integrations: [("slack_id".into(), "slack".into())].into(),
            ..config::Environment::default()
        }],
        flows: vec![config::Flow { name: "prod".into(), environment: "main".into(), ..config::Flow::default() }],
        ..Config::default()
    }
}

async fn manifest(registry: Registry, config: Config, args: &[&str]) -> Value {
    let app = App::new().registry(registry).config(config).domain("example.com").with(sym_integrations::all());
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = app.run_from(["program", "slack", "manifest"].iter().chain(args), &mut out, &mut err).await;
    assert_eq!((exit, String::from_utf8(err).unwrap()), (Exit::Success, String::new()));
    serde_json::from_slice(&out).unwrap()
}

async fn scopes(registry: Registry, config: Config) -> Vec<String> {
    let manifest = manifest(registry, config, &[]).await;
    serde_json::from_value(manifest["oauth_config"]["scopes"]["bot"].clone()).unwrap()
}

const BASE_SCOPES: [&str; 4] = ["chat:write", "commands", "users:read", "users:read.email"];

#[tokio::test]
async fn the_manifest_has_only_scopes_that_are_needed() {
    assert_eq!(scopes(sym_sdk::handlers![get_permissions], config()).await, BASE_SCOPES);

    let mut reported = config();
    reported.environments[0].error_logger = Some("errors".into());
    reported.error_loggers = vec![config::ErrorLogger {
        name: "errors".into(),
        integration: Some("slack".into()),
        destination: "#errors".into(),
        ..config::ErrorLogger::default()
    }];
    let scopes_of_it = scopes(sym_sdk::handlers![get_permissions], reported).await;
    assert_eq!(scopes_of_it, ["chat:write", "chat:write.public", "commands", "users:read", "users:read.email"]);

    let routed = scopes(sym_sdk::handlers![get_permissions, get_request_notifications], config()).await;
    assert_eq!(
        routed,
        [&BASE_SCOPES[..1], &["chat:write.public", "commands", "im:write", "mpim:write"], &BASE_SCOPES[2..]].concat()
    );
}

#[tokio::test]
async fn a_handler_that_takes_the_client_adds_the_scopes_of_all_its_methods() {
    let registry = || sym_sdk::handlers![get_permissions, get_request_notifications, after_approve];
    let address = ["--url", "https://sym.example.com", "--name", "Zugänge"];
    let of_url = manifest(registry(), config(), &address).await;
    let pretty = |manifest: &Value| format!("{}\n", serde_json::to_string_pretty(manifest).unwrap());
    expect_file!["slack_manifest/manifest.json"].assert_eq(&pretty(&of_url));
    let of_socket = manifest(registry(), config(), &[]).await;
    expect_file!["slack_manifest/manifest-socket.json"].assert_eq(&pretty(&of_socket));
}
