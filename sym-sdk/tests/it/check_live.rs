//! `check --live`: every client and target is checked in its service.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use expect_test::expect;
use sym_sdk::App;
use sym_sdk::app::Exit;
use sym_sdk::clock::VirtualClock;
use sym_sdk::error::{Error, ErrorKind, codes};
use sym_sdk::handlers;
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};
use sym_sdk::model::AccessTarget;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Builder, Limits, LocalSecrets, Plugin};
use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult, RevocationScope, StrategyType};
use tokio::sync::Barrier;

use crate::app::{directory, run};

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::admins_only()
}

const CONFIG: &str = r#"
provider "sym" {
  org = "acme"
}

resource "sym_environment" "main" {
  name = "main"
}

resource "sym_integration" "wiki" {
  type        = "custom"
  name        = "wiki"
  external_id = "wiki.example.com"
}

resource "sym_secrets" "env" {
  type = "environment"
  name = "env"
}

resource "sym_secret" "token" {
  path      = "TOKEN"
  source_id = sym_secrets.env.id
}

resource "sym_target" "ops" {
  type = "custom"
  name = "ops"
}

resource "sym_target" "gone" {
  type = "custom"
  name = "gone"
}

resource "sym_target" "stuck" {
  type = "custom"
  name = "stuck"
}

resource "sym_strategy" "spaces" {
  type           = "custom"
  name           = "spaces"
  integration_id = sym_integration.wiki.id
  targets        = [sym_target.ops.id, sym_target.gone.id, sym_target.stuck.id]
  settings       = { token_secret = sym_secret.token.id }
}

resource "sym_flow" "wiki" {
  name           = "wiki"
  environment_id = sym_environment.main.id
  params {
    strategy_id = sym_strategy.spaces.id
    prompt_field {
      name           = "duration"
      type           = "duration"
      allowed_values = ["1h"]
    }
  }
}
"#;

/// A service that ends access by itself.
struct Spaces {
    calls: Arc<AtomicUsize>,
    /// The checks wait for each other: they would hang if they were made one by one.
    together: Arc<Barrier>,
}

impl AccessStrategy for Spaces {
    async fn fetch_remote_identity(&self, _: &User) -> Result<Option<String>> {
        panic!("a check looks nobody up")
    }

    async fn escalate(&self, _: &AccessRequest<'_>) -> Result<GrantResult> {
        panic!("a check grants nothing")
    }

    async fn deescalate(&self, _: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
        panic!("a check revokes nothing")
    }

    fn revocation_scope(&self) -> RevocationScope {
        RevocationScope::AllSessions
    }

    fn enforces_end(&self) -> bool {
        true
    }

    async fn check(&self, target: &AccessTarget) -> Result<()> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.together.wait().await;
        match target.name().as_str() {
            "gone" => Err(Error::new(ErrorKind::NotFound, codes::HTTP_ERROR_RESPONSE, "there is no space `gone`")
                .with_hint("create it, or name another")
                .with_temporary_url("https://wiki.example.com/spaces?restore=S3CRET")),
            "stuck" => std::future::pending().await,
            _ => Ok(()),
        }
    }

    async fn session_duration(&self, target: &AccessTarget) -> Result<Option<Duration>> {
        match target.name().as_str() {
            "ops" => Ok(Some(Duration::from_secs(8 * 3_600))),
            other => panic!("target `{other}` cannot be granted, and has no sessions"),
        }
    }
}

/// Moves the clock of the runtime to each time limit when nothing else happens.
async fn with_time<T>(clock: &VirtualClock, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = tokio::task::yield_now() => {}
        }
        if let Some(at) = clock.next_sleeper() {
            clock.advance_to(at);
        }
    }
}

/// Sets the clock, and where secrets are.
struct Test {
    clock: Arc<VirtualClock>,
    has_secret: bool,
}

impl Plugin for Test {
    fn install(self, builder: Builder) -> Builder {
        let secrets = self.has_secret.then_some(("TOKEN", "t0ken"));
        let limits = Limits { strategy: Duration::from_secs(60), ..Limits::default() };
        builder.clock(self.clock).limits(limits).secrets(LocalSecrets::with_variables(secrets))
    }
}

struct World {
    app: App,
    clock: Arc<VirtualClock>,
    calls: Arc<AtomicUsize>,
}

fn world(test: &str, config: &str, has_secret: bool) -> World {
    let clock = Arc::new(VirtualClock::at("2024-02-29T12:00:00Z".parse().unwrap()));
    let (calls, together) = (Arc::<AtomicUsize>::default(), Arc::new(Barrier::new(3)));
    let spaces = {
        let (calls, together) = (calls.clone(), together.clone());
        StrategyType::custom("spaces", move |config| {
            assert!(config.secret("token_secret").is_some(), "the secret was read");
            Ok(Spaces { calls: calls.clone(), together: together.clone() })
        })
    };
    let app = App::new()
        .registry(handlers![get_permissions])
        .config_dir(directory(test, &[("main.tf", config)]))
        .domain("example.com")
        .strategy_type(spaces)
        .with(Test { clock: clock.clone(), has_secret });
    World { app, clock, calls }
}

/// IC10: a warning says that sessions outlast the access. GH10: a URL that resolves an error for a short time is shown to the operator.
#[tokio::test]
async fn each_target_is_checked_in_its_service() {
    let World { app, clock, calls } = world("live", CONFIG, true);
    let done = with_time(&clock, run(app, &["check", "--live"])).await;
    done.is(Exit::Failure, expect![[r#"
        warning: live/main.tf:6:1: environment `main` has no error logger, so nobody is notified if access that flow `wiki` gives cannot be revoked
          help: declare a `sym_error_logger`, and name it in the environment as `error_logger_id`
        1 flow, 1 handler, 1 integration: no errors, 1 warning

        STRATEGY         TARGET  ENDED BY          STATUS
        spaces (custom)  ops     program, service  ok
        spaces (custom)  gone    program, service  HTTP:ERROR_RESPONSE
        spaces (custom)  stuck   program, service  SymSDK:HANDLER_TIMED_OUT

        warning: target `ops` of strategy `spaces`: sessions may last for 8h, longer than the access: flow `wiki` gives it for 1h at most
          help: shorten the sessions in the service, or expect people to keep what they have open
        error: target `gone` of strategy `spaces`: there is no space `gone`
          help: create it, or name another
          open: https://wiki.example.com/spaces?restore=S3CRET
        error: target `stuck` of strategy `spaces`: the check took longer than its limit of 60s
        3 targets checked: 2 errors, 1 warning
    "#]], expect![[""]]);
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn nothing_is_called_without_the_option() {
    let World { app, calls, .. } = world("not-live", CONFIG, true);
    assert_eq!(run(app, &["check"]).await.exit, Exit::Success);
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn nothing_is_called_if_the_configuration_has_errors() {
    let wrong = CONFIG.replace("strategy_id = sym_strategy.spaces.id", "strategy_id = sym_strategy.none.id");
    let World { app, calls, .. } = world("live-wrong", &wrong, true);
    assert_eq!(run(app, &["check", "--live"]).await.exit, Exit::Failure);
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_missing_secret_is_reported_for_each_target() {
    let World { app, calls, .. } = world("live-secret", CONFIG, false);
    let done = run(app, &["check", "--live", "--json"]).await;
    assert_eq!((done.exit, calls.load(Ordering::SeqCst)), (Exit::Failure, 0));
    let found: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(found["ok"], false);
    let targets = found["targets"].as_array().unwrap();
    assert_eq!(targets.len(), 3);
    for target in targets {
        let message = target["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("strategy `spaces` could not be built: "), "{message}");
        assert_eq!(target["enforces_end"], serde_json::Value::Null);
    }
}

/// A client of the integration `wiki`, whose token is looked at by the service.
struct Wiki;

impl IntegrationClient for Wiki {
    const TYPE: &'static str = "custom";
    const KEY: &'static str = "wiki";

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        match config.external_id() {
            "broken.example.com" => {
                Err(Error::new(ErrorKind::Configuration, codes::CONFIGURATION, "there is no such wiki"))
            }
            _ => Ok(Self),
        }
    }

    async fn check(&self) -> Result<Option<String>> {
        Ok(Some("bot `sym`".to_owned()))
    }
}

/// One whose check fails.
struct Refused;

impl IntegrationClient for Refused {
    const TYPE: &'static str = "custom";
    const KEY: &'static str = "refused";

    fn from_config(_: &IntegrationConfig<'_>) -> Result<Self> {
        Ok(Self)
    }

    async fn check(&self) -> Result<Option<String>> {
        let message = "the service does not accept the token";
        Err(Error::new(ErrorKind::Unauthorized, codes::HTTP_ERROR_RESPONSE, message).with_hint("make a new one"))
    }
}

/// One without a check.
struct Plain;

impl IntegrationClient for Plain {
    const TYPE: &'static str = "custom";
    const KEY: &'static str = "plain";

    fn from_config(_: &IntegrationConfig<'_>) -> Result<Self> {
        Ok(Self)
    }
}

#[hook]
async fn on_approve(_wiki: &Wiki, _refused: &Refused, _plain: &Plain) {}

/// The configuration with integrations for all three clients.
fn with_clients() -> String {
    let integration = |name: &str| {
        format!(
            "resource \"sym_integration\" \"{name}\" {{\n  type = \"custom\"\n  name = \"{name}\"\n  external_id = \"{name}\"\n}}\n"
        )
    };
    let keys = "integrations = {\n    wiki_id = sym_integration.wiki.id\n    refused_id = sym_integration.refused.id\n    plain_id = sym_integration.plain.id\n  }";
    let environment = format!("  name = \"main\"\n  {keys}\n}}\n");
    let config = CONFIG.replacen("  name = \"main\"\n}\n", &environment, 1);
    format!("{config}{}{}", integration("refused"), integration("plain"))
}

#[tokio::test]
async fn each_client_that_handlers_take_is_checked() {
    let World { app, clock, .. } = world("live-clients", &with_clients(), true);
    let app = app.registry(handlers![get_permissions, on_approve]);
    let done = with_time(&clock, run(app, &["check", "--live"])).await;
    assert_eq!(done.exit, Exit::Failure);
    let table = done.out.split_once("CLIENT").map(|(_, table)| table.split_once("STRATEGY").unwrap().0).unwrap();
    expect![[r#"
           INTEGRATION       IDENTITY   STATUS
        plain    plain (custom)    -          no check
        refused  refused (custom)  -          HTTP:ERROR_RESPONSE
        wiki     wiki (custom)     bot `sym`  ok

        error: integration `refused` (custom), for `refused`: the service does not accept the token
          help: make a new one
        3 clients checked: 1 error

    "#]]
    .assert_eq(table);
}

/// One of them cannot be built.
#[tokio::test]
async fn a_client_that_cannot_be_built_is_reported() {
    let config = with_clients().replace("wiki.example.com", "broken.example.com");
    let World { app, clock, .. } = world("live-broken", &config, true);
    let app = app.registry(handlers![get_permissions, on_approve]);
    let done = with_time(&clock, run(app, &["check", "--live", "--json"])).await;
    let found: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    let wiki = found["clients"].as_array().unwrap().iter().find(|client| client["key"] == "wiki").unwrap();
    let message = wiki["error"]["message"].as_str().unwrap();
    assert!(message.contains("could not be built") && message.contains("there is no such wiki"), "{message}");
}

/// IC10: access that is given for as long as sessions last is nothing to warn of.
#[tokio::test]
async fn sessions_are_compared_with_the_longest_access() {
    for (durations, expected) in
        [(r#"["1h", "8h"]"#, None), (r#"["1h", "2h"]"#, Some("flow `wiki` gives it for 2h at most"))]
    {
        let config = CONFIG.replace(r#"["1h"]"#, durations);
        let World { app, clock, .. } = world("live-sessions", &config, true);
        let done = with_time(&clock, run(app, &["check", "--live", "--json"])).await;
        let found: serde_json::Value = serde_json::from_str(&done.out).unwrap();
        let warning = found["targets"][0]["warnings"][0]["message"].as_str();
        assert_eq!(warning.is_some(), expected.is_some(), "{found}");
        assert!(expected.is_none_or(|text| warning.unwrap().ends_with(text)), "{found}");
        assert!(!done.out.contains("S3CRET"), "the URL is for people");
    }
}

#[tokio::test]
async fn the_help_says_what_is_called() {
    let World { app, .. } = world("live-help", CONFIG, true);
    let help = run(app, &["check", "--help"]).await;
    assert_eq!(help.exit, Exit::Success);
    for text in ["--live", "Also check every client and target in its service"] {
        assert!(help.out.contains(text), "{text}: {}", help.out);
    }
}
