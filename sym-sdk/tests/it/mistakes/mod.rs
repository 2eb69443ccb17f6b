//! Mistakes of authors of flows, and what `check` says about each.
//!
//! Each mistake is one change of a configuration that has none, or of its handlers. `tests/data/mistakes.txt` contains what `check` prints;
//! mistakes that the compiler finds are fixtures of `tests/ui`.

mod handlers;

use std::fmt::Write as _;
use std::path::Path;

use expect_test::expect_file;
use sym_sdk::App;
use sym_sdk::config::{SettingSchema, SettingsSchema, StrategySchema, TargetSchema};
use sym_sdk::handler::Registry;
use sym_sdk::runtime::Builder;
use sym_sdk::strategy::{SimulatedStrategy, StrategyType};

use crate::app::{directory, run};
use handlers::{flow, more};

/// A configuration without mistakes.
const CONFIG: &str = r##"provider "sym" {
  org = "acme"
}

resource "sym_integration" "slack" {
  type        = "slack"
  name        = "slack"
  external_id = "T012AB3CD"
}

resource "sym_integration" "pagerduty" {
  type        = "pagerduty"
  name        = "pagerduty"
  external_id = "acme"
  settings    = { api_token_secret = sym_secret.pagerduty.id }
}

resource "sym_secrets" "env" {
  type = "environment"
  name = "env"
}

resource "sym_secret" "pagerduty" {
  path      = "PAGERDUTY_TOKEN"
  source_id = sym_secrets.env.id
}

resource "sym_error_logger" "slack" {
  integration_id = sym_integration.slack.id
  destination    = "#errors"
}

resource "sym_environment" "main" {
  name            = "main"
  error_logger_id = sym_error_logger.slack.id
  integrations    = { slack_id = sym_integration.slack.id, pagerduty_id = sym_integration.pagerduty.id }
}

resource "sym_target" "ops" {
  type     = "vpn_profile"
  name     = "ops"
  settings = { profile_id = "p1" }
}

resource "sym_strategy" "vpn" {
  type           = "vpn"
  name           = "vpn"
  integration_id = sym_integration.slack.id
  targets        = [sym_target.ops.id]
}

resource "sym_flow" "prod" {
  name           = "prod"
  environment_id = sym_environment.main.id
  vars           = { channel = "#access", mode = "strict" }

  params {
    strategy_id = sym_strategy.vpn.id

    prompt_field {
      name     = "repo"
      type     = "string"
      prefetch = true
    }

    prompt_field {
      name           = "urgency"
      type           = "string"
      allowed_values = ["Low", "High"]
    }

    prompt_field {
      name     = "incident"
      type     = "int"
      required = false
    }

    prompt_field {
      name = "reason"
      type = "string"
    }

    prompt_field {
      name           = "duration"
      type           = "duration"
      allowed_values = ["30m", "1h"]
    }
  }
}
"##;

const VPN: StrategySchema =
    StrategySchema::ANY.with_optional_integration().with_settings(SettingsSchema::closed(&[])).with_targets(&[
        TargetSchema::new("vpn_profile", SettingsSchema::closed(&[SettingSchema::required("profile_id").bindable()])),
    ]);

/// One mistake.
struct Mistake {
    name: &'static str,
    /// A text of the configuration, and its replacement.
    change: (&'static str, &'static str),
    handlers: fn() -> Registry,
    /// Extends the program.
    program: fn(App) -> App,
}

/// Returns a mistake in the configuration.
fn config(name: &'static str, from: &'static str, to: &'static str) -> Mistake {
    Mistake { name, change: (from, to), handlers: sound, program }
}

/// Returns a mistake in the handlers.
fn handlers(name: &'static str, handlers: fn() -> Registry) -> Mistake {
    Mistake { name, change: ("", ""), handlers, program }
}

fn sound() -> Registry {
    sym_sdk::handlers![
        flow::get_permissions,
        flow::get_request_notifications,
        flow::repos,
        flow::on_request,
        flow::after_approve
    ]
}

fn program(app: App) -> App {
    without_state(app).state(handlers::Limits)
}

fn without_state(app: App) -> App {
    without_domain(app).domain("example.com")
}

fn without_domain(app: App) -> App {
    app.strategy_type(StrategyType::new("vpn", |_| Ok(SimulatedStrategy::new())).with_schema(VPN))
        .with(|builder: Builder| builder.available_type("ldap_group", "feature `ldap` of the crate `my-integrations`"))
}

fn mistakes() -> Vec<Mistake> {
    vec![
        config("a provider without `org`", "  org = \"acme\"\n", ""),
        config("no provider", "provider \"sym\" {\n  org = \"acme\"\n}\n", ""),
        config("an unclosed string", "\"ops\"\n", "\"ops\n"),
        config("an unclosed list", "[\"30m\", \"1h\"]", "[\"30m\", \"1h\""),
        config("an unclosed block", "      prefetch = true\n    }\n", "      prefetch = true\n"),
        config("a misspelt type of resources", "\"sym_target\" \"ops\"", "\"sym_tagret\" \"ops\""),
        config("a misspelt attribute", "prefetch = true", "prefetched = true"),
        config("a misspelt reference", "sym_environment.main.id", "sym_environment.mian.id"),
        config("a reference without `.id`", "[sym_target.ops.id]", "[sym_target.ops]"),
        config("a variable without a value", "\"#access\"", "var.channel"),
        config("an unknown function", "\"#access\"", "uper(\"#access\")"),
        config("a misspelt type of integrations", "type        = \"pagerduty\"", "type        = \"pagerdty\""),
        config("an environment without the integration", ", pagerduty_id = sym_integration.pagerduty.id", ""),
        config("a misspelt setting of an integration", "api_token_secret", "api_tokens_secret"),
        config("a secret that is not declared", "sym_secret.pagerduty.id", "\"pagerdty\""),
        config("a misspelt setting of a target", "profile_id", "profil_id"),
        config("a target without its setting", "  settings = { profile_id = \"p1\" }\n", ""),
        config("a type of targets of another strategy", "\"vpn_profile\"", "\"okta_group\""),
        config("a misspelt type of strategies", "type           = \"vpn\"", "type           = \"vpm\""),
        config(
            "a type of strategies whose feature is not enabled",
            "type           = \"vpn\"",
            "type           = \"ldap_group\"",
        ),
        config("a strategy without targets", "[sym_target.ops.id]", "[]"),
        config(
            "a misspelt module of handlers",
            "  vars  ",
            "  implementation = \"it::mistakes::handlers::folw\"\n  vars  ",
        ),
        config("a misspelt var", "channel = \"#access\"", "chanel = \"#access\""),
        config("a var that is no variant", "mode = \"strict\"", "mode = \"stirct\""),
        config("the type of a field from elsewhere", "type     = \"int\"", "type     = \"integer\""),
        config("a misspelt field", "name           = \"urgency\"", "name           = \"urgncy\""),
        config("a misspelt optional field", "name     = \"incident\"", "name     = \"incdent\""),
        config("a field of another type", "type     = \"int\"", "type     = \"bool\""),
        config("allowed values in another case", "[\"Low\", \"High\"]", "[\"low\", \"high\"]"),
        config(
            "an optional field for a required member",
            "allowed_values = [\"Low\", \"High\"]",
            "allowed_values = [\"Low\", \"High\"]\n      required = false",
        ),
        config("an empty list of allowed values", "[\"Low\", \"High\"]", "[]"),
        config("a field that is declared twice", "name     = \"incident\"", "name     = \"repo\""),
        config(
            "a prefetched field without a reducer",
            "name     = \"incident\"\n",
            "name     = \"incident\"\n      prefetch = true\n",
        ),
        config("a reducer for a field that is not prefetched", "      prefetch = true\n", ""),
        config(
            "a prefetched field with allowed values",
            "prefetch = true",
            "prefetch = true\n      allowed_values = [\"web\"]",
        ),
        config(
            "a duration without values",
            "type           = \"duration\"\n      allowed_values = [\"30m\", \"1h\"]",
            "type           = \"duration\"",
        ),
        config("no error logger", "  error_logger_id = sym_error_logger.slack.id\n", ""),
        Mistake { program: |app| without_domain(app).state(handlers::Limits), ..config("no e-mail domain", "", "") },
        Mistake { program: without_state, ..config("a state that is not registered", "", "") },
        handlers("no handlers", Registry::new),
        handlers("no `get_permissions`", || sym_sdk::handlers![flow::get_request_notifications, flow::repos]),
        handlers("two handlers of one kind", || sound().merge(sym_sdk::handlers![more::on_request])),
        handlers("both reducers of approvers", || sound().merge(sym_sdk::handlers![more::get_approvers])),
        handlers("a handler that nothing calls", || sound().merge(sym_sdk::handlers![more::get_flows])),
        handlers("a misspelt name in a body", || sound().merge(sym_sdk::handlers![more::after_request])),
        handlers("an enum for a field without values", || sound().merge(sym_sdk::handlers![more::after_deny])),
    ]
}

/// Runs `check`, and returns the lines about errors and warnings.
async fn check(mistake: &Mistake, number: usize) -> String {
    let (from, to) = mistake.change;
    assert!(CONFIG.contains(from), "{}: the configuration has no {from:?}", mistake.name);
    let dir = directory(&format!("mistake-{number}"), &[("main.tf", &CONFIG.replacen(from, to, 1))]);
    let app = (mistake.program)(App::new().registry((mistake.handlers)()).config_dir(&dir));
    let done = run(app, &["check"]).await;
    tidy(&format!("{}{}", done.out, done.err), &dir)
}

/// Leaves out the directory of the test, the lines of the handlers, and the summary.
fn tidy(printed: &str, dir: &Path) -> String {
    let printed = printed.replace(&format!("{}/", dir.display()), "");
    let mut text = String::new();
    for line in printed.lines().filter(|line| !line.starts_with(|first: char| first.is_ascii_digit())) {
        let mut parts = line.split("sym-sdk/tests/it/mistakes/handlers.rs");
        text += parts.next().unwrap_or_default();
        for part in parts {
            text += "handlers.rs";
            text += part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':');
        }
        text.push('\n');
    }
    text
}

#[tokio::test]
async fn the_configuration_has_no_mistakes() {
    assert_eq!(check(&config("none", "", ""), 0).await, "");
}

/// Every mistake is found before the program starts, and every message about one says what to do.
#[tokio::test]
async fn check_finds_every_mistake() {
    let mut table = String::new();
    let mut without_advice = Vec::new();
    for (number, mistake) in mistakes().iter().enumerate() {
        let found = check(mistake, number + 1).await;
        assert!(found.starts_with("error: ") || found.starts_with("warning: "), "{}: {found}", mistake.name);
        if !found.contains("  help: ") {
            without_advice.push(mistake.name);
        }
        write!(table, "# {}\n{found}\n", mistake.name).unwrap();
    }
    expect_file!["../../data/mistakes.txt"].assert_eq(&table);
    assert_eq!(without_advice, Vec::<&str>::new());
}
