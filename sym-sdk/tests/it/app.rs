//! The commands of an `App` that need no store: `check`, `handlers` and `simulate`.

use std::fs;
use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};
use sym_sdk::App;
use sym_sdk::app::Exit;
use sym_sdk::config;
use sym_sdk::handler::Registry;
use sym_sdk::handlers;
use sym_sdk::integration::IntegrationConfig;
use sym_sdk::integration::Outbox;
use sym_sdk::prelude::*;
use sym_sdk::strategy::StrategyType;

/// Members decide.
#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

/// Notifies the access channel.
///
/// The channel is a var.
#[reducer]
fn get_request_notifications(event: &Event) -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(SlackChannelName::new(event.flow().var("channel")?)?)])
}

/// Gibt es: 名前
#[prefetch(field = "repo")]
fn repos() -> Result<Vec<FieldOption>> {
    ["web", "api"].into_iter().map(FieldOption::try_from).collect()
}

#[hook]
async fn after_approve(event: &Event, pager: &Pager) -> Result<()> {
    pager.page(event.user().username());
    Ok(())
}

mod failing {
    use sym_sdk::prelude::*;

    #[hook]
    pub(super) fn on_request() -> Result<()> {
        Err(Error::handler("no luck"))
    }

    #[hook]
    pub(super) fn after_request() -> Result<()> {
        Err(Error::handler("no luck afterwards"))
    }
}

/// A client that panics unless it is a fake: a simulation must not use the real one.
struct Pager {
    outbox: Option<Outbox>,
}

impl Pager {
    fn page(&self, who: &str) {
        self.outbox.as_ref().expect("a simulation reached the real pager").record("pager", who, "approved");
    }
}

impl IntegrationClient for Pager {
    const TYPE: &'static str = "pager";

    fn from_config(_: &IntegrationConfig<'_>) -> Result<Self> {
        Ok(Self { outbox: None })
    }
}

const FLOW: &str = r##"
provider "sym" {
  org = "acme"
}

resource "sym_environment" "main" {
  name         = "main"
  integrations = { slack_id = sym_integration.slack.id, pager_id = sym_integration.pager.id }
}

resource "sym_integration" "slack" {
  type        = "slack"
  name        = "slack"
  external_id = "T1"
}

resource "sym_integration" "pager" {
  type        = "pager"
  name        = "pager"
  external_id = "P1"
}

resource "sym_target" "db" {
  type = "custom"
  name = "db"
}

resource "sym_strategy" "db" {
  type           = "custom"
  name           = "db"
  integration_id = sym_integration.pager.id
  targets        = [sym_target.db.id]
}

variable "channel" {
  type    = string
  default = "#access"
}

resource "sym_flow" "prod" {
  name           = "prod"
  environment_id = sym_environment.main.id
  vars           = { channel = var.channel }

  params {
    strategy_id = sym_strategy.db.id

    prompt_field {
      name     = "repo"
      type     = "string"
      prefetch = true
    }

    prompt_field {
      name           = "duration"
      type           = "duration"
      allowed_values = ["30m", "1h"]
    }
  }
}
"##;

/// Creates a directory for one test, with these files.
pub(crate) fn directory(test: &str, files: &[(&str, &str)]) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("app").join(test);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    for (name, text) in files {
        fs::write(dir.join(name), text).unwrap();
    }
    dir
}

fn registry() -> Registry {
    handlers![get_permissions, get_request_notifications, repos, after_approve]
}

/// Returns an app with the configuration in `dir`.
fn app(dir: &Path) -> App {
    let outbox = Outbox::new();
    App::new()
        .registry(registry())
        .config_dir(dir)
        .domain("example.com")
        .strategy_type(StrategyType::new("custom", |_| -> sym_sdk::Result<sym_sdk::strategy::SimulatedStrategy> {
            panic!("a simulation built a real strategy")
        }))
        .client(Pager { outbox: None })
        .fake(Pager { outbox: Some(outbox.clone()) })
        .outbox(outbox)
}

/// The result of a command.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) exit: Exit,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) async fn run(app: App, args: &[&str]) -> Done {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let args = std::iter::once("program").chain(args.iter().copied());
    let exit = app.run_from(args, &mut out, &mut err).await;
    Done { exit, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
}

impl Done {
    pub(crate) fn is(&self, exit: Exit, out: Expect, err: Expect) {
        let tidy = |text: &str| {
            let text = text.replace(&format!("{}/app/", env!("CARGO_TARGET_TMPDIR")), "");
            text.lines().map(|line| format!("{}\n", line.trim_end())).collect::<String>()
        };
        out.assert_eq(&tidy(&self.out));
        err.assert_eq(&tidy(&self.err));
        assert_eq!(self.exit, exit);
    }
}

#[tokio::test]
async fn check_counts_what_it_checked() {
    let dir = directory("right", &[("main.tf", FLOW)]);
    let done = run(app(&dir), &["check"]).await;
    done.is(
        Exit::Success,
        expect![[r#"
            warning: right/main.tf:6:1: environment `main` has no error logger, so nobody is notified if access that flow `prod` gives cannot be revoked
              help: declare a `sym_error_logger`, and name it in the environment as `error_logger_id`
            1 flow, 4 handlers, 2 integrations: no errors, 1 warning
        "#]],
        expect![[""]],
    );

    let done = run(app(&dir), &["check", "--json"]).await;
    let json: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(json["ok"], true);
    assert_eq!((&json["flows"], &json["handlers"], &json["integrations"]), (&1.into(), &4.into(), &2.into()));
}

#[tokio::test]
async fn check_reports_all_errors_with_their_locations() {
    let flow = FLOW.replace("name     = \"repo\"", "name     = \"repos\"").replace("strategy.db.id", "strategy.dp.id");
    let dir = directory("wrong-reference", &[("main.tf", &flow)]);
    run(app(&dir), &["check"]).await.is(
        Exit::Failure,
        expect![[r#"
            error: wrong-reference/main.tf:46:19: `sym_strategy.dp` is not declared
              help: did you mean `sym_strategy.db`?
            1 error
        "#]],
        expect![[""]],
    );

    let flow = FLOW.replace("name     = \"repo\"", "name     = \"repos\"");
    let dir = directory("wrong-field", &[("main.tf", &flow)]);
    let done = run(app(&dir).registry(handlers![get_request_notifications, repos]), &["check"]).await;
    done.is(
        Exit::Failure,
        expect![[r#"
            error: wrong-field/main.tf:40:1: flow `prod` has no reducer `get_permissions`
              help: write `#[reducer] fn get_permissions(event: &Event) -> RequestPermission`
            error: wrong-field/main.tf:48:5: field `repos` of flow `prod` has `prefetch = true`, and no handler gives it
              help: write a handler with `#[prefetch(field = "repos")]`
            warning: wrong-field/main.tf:6:1: environment `main` has no error logger, so nobody is notified if access that flow `prod` gives cannot be revoked
              help: declare a `sym_error_logger`, and name it in the environment as `error_logger_id`
            warning: sym-sdk/tests/it/app.rs:32:1: prefetch `repos` is for field `repo`, which no flow has
              help: did you mean `repos`? the fields are `duration`, `repos`
            1 flow, 2 handlers, 2 integrations: 2 errors, 2 warnings
        "#]],
        expect![[""]],
    );
}

#[tokio::test]
async fn check_reports_warnings_without_failing() {
    let flow = FLOW.replace("vars  ", "implementation = file(\"impl.py\")\n  vars  ");
    let dir = directory("python", &[("main.tf", &flow), ("impl.py", "from sym.sdk.annotations import reducer\n")]);
    run(app(&dir), &["check"]).await.is(Exit::Success, expect![[r#"
        warning: python/main.tf:43:20: `implementation` of sym_flow.prod is Python and is not run: the flow takes the Rust handlers of the module with its name, or all
        warning: python/main.tf:6:1: environment `main` has no error logger, so nobody is notified if access that flow `prod` gives cannot be revoked
          help: declare a `sym_error_logger`, and name it in the environment as `error_logger_id`
        1 flow, 4 handlers, 2 integrations: no errors, 2 warnings
    "#]], expect![[""]]);
}

/// Warnings of the check itself, as opposed to those of the reader.
#[tokio::test]
async fn check_warns_of_declarations_without_effect() {
    let field = "prompt_field {\n      name           = \"target_id\"\n      type           = \"string\"\n      \
        allowed_values = [\"db\"]\n    }\n\n    prompt_field {\n      name     = \"repo\"";
    let flow = FLOW.replace("prompt_field {\n      name     = \"repo\"", field);
    let dir = directory("no_effect", &[("main.tf", &flow)]);
    run(app(&dir), &["check"]).await.is(Exit::Success, expect![[r#"
        warning: no_effect/main.tf:48:5: allowed values of field `target_id` of flow `prod` are ignored: its options are the targets of the strategy
        warning: no_effect/main.tf:6:1: environment `main` has no error logger, so nobody is notified if access that flow `prod` gives cannot be revoked
          help: declare a `sym_error_logger`, and name it in the environment as `error_logger_id`
        1 flow, 4 handlers, 2 integrations: no errors, 2 warnings
    "#]], expect![[""]]);
    let done = run(app(&dir), &["check", "--json"]).await;
    let found: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((&found["ok"], &found["warnings"][0]["severity"]), (&true.into(), &"warning".into()));
}

#[tokio::test]
async fn a_missing_configuration_is_a_usage_error() {
    let done = run(App::new().registry(registry()), &["check"]).await;
    done.is(
        Exit::Usage,
        expect![[""]],
        expect![[r#"
            error: no configuration
              help: pass a directory of Terraform files with `--config DIR`, or set a default with `App::config_dir`
        "#]],
    );
}

#[tokio::test]
async fn syntax_errors_are_reported_for_all_files() {
    let dir = directory("syntax", &[("main.tf", "resource \"sym_flow\" {\n"), ("more.tf", "x = = 1\n")]);
    run(app(&dir), &["check"]).await.is(Exit::Failure, expect![[r#"
        error: syntax/main.tf:1:21: syntax error: this `{` is not closed
          help: end it with `}`
        error: syntax/more.tf:1:5: syntax error: invalid expression; expected `"`, `[`, `{`, `-`, `!`, `(`, `_`, `<`, letter or digit
        2 errors
    "#]], expect![[""]]);
    let request = dir.join("request.json");
    fs::write(&request, r#"{"flow_srn": "prod", "flow_inputs": {}, "user_email": "ana@example.com"}"#).unwrap();
    let done = run(app(&dir), &["simulate", request.to_str().unwrap()]).await;
    done.is(Exit::Failure, expect![[""]], expect![[r#"
        error: syntax/main.tf:1:21: syntax error: this `{` is not closed
          help: end it with `}`
        error: syntax/more.tf:1:5: syntax error: invalid expression; expected `"`, `[`, `{`, `-`, `!`, `(`, `_`, `<`, letter or digit
    "#]]);
}

#[tokio::test]
async fn terraform_variables_can_be_set() {
    let dir = directory("variables", &[("main.tf", &FLOW.replace("default = \"#access\"", "")), ("r.json", REQUEST)]);
    let done = run(app(&dir), &["check"]).await;
    assert_eq!(done.exit, Exit::Failure, "{done:?}");
    let done = run(app(&dir), &["check", "--var", "channel=#a=b"]).await;
    assert_eq!(done.exit, Exit::Success, "{done:?}");
    let done = run(app(&dir), &["check", "--var", "channel"]).await;
    assert_eq!(done.exit, Exit::Usage, "{done:?}");
    assert!(done.err.contains("expected a name and a value"), "{done:?}");
}

/// C13: of `--var` and `--var-file`, the last one counts, and `--workspace` sets the workspace.
#[tokio::test]
async fn terraform_files_of_variables_and_a_workspace_can_be_named() {
    let shown = "variable \"shown\" {\n  validation {\n    condition     = var.shown == \"\"\n    \
        error_message = \"${var.shown} in ${terraform.workspace}\"\n  }\n}\n";
    let files = [("main.tf", &*format!("{FLOW}{shown}")), ("prod.tfvars", "shown = \"file\"\n")];
    let dir = directory("variable-files", &files);
    let file = dir.join("prod.tfvars");
    let (file, variable) = (["--var-file", file.to_str().unwrap()], ["--var", "shown=argument"]);
    for (args, shown) in [
        ([&["check"][..], &file, &variable].concat(), "argument in default"),
        ([&["check"][..], &variable, &file].concat(), "file in default"),
        ([&variable[..], &file, &["check", "--workspace", "eu"]].concat(), "file in eu"),
    ] {
        let done = run(app(&dir), &args).await;
        assert!(done.out.contains(&format!("value of variable `shown`: {shown}")), "{args:?}: {done:?}");
    }
    let done = run(app(&dir), &["check", "--var-file", "nowhere.tfvars"]).await;
    assert!(done.out.contains("nowhere.tfvars: the file cannot be read: there is no such file"), "{done:?}");
}

/// S7: a simulation uses a placeholder for what only `terraform apply` knows, names it, and says how to give it.
#[tokio::test]
async fn a_simulation_names_unknown_values() {
    let target = "resource \"sym_target\" \"db\" {\n";
    let unknown = format!("{target}  settings = {{ group = module.okta.group_id }}\n");
    let flow = FLOW.replace(target, &unknown) + "module \"okta\" {\n  source = \"acme/okta/local\"\n}\n";
    let known = r#"{"module.okta.group_id": "00g1"}"#;
    let dir = directory("unknown", &[("main.tf", &flow), ("r.json", REQUEST), ("known.json", known)]);
    let request = dir.join("r.json");
    let args = ["simulate", request.to_str().unwrap()];
    let done = run(app(&dir), &args).await;
    assert_eq!(done.exit, Exit::Success, "{done:?}");
    assert!(
        done.err.contains("`settings.group` of sym_target.db: `module.okta.group_id` is known only after"),
        "{done:?}"
    );
    assert!(done.err.contains("--known-values FILE"), "{done:?}");
    let known = dir.join("known.json");
    let done = run(app(&dir), &[&args[..], &["--known-values", known.to_str().unwrap()]].concat()).await;
    assert_eq!((done.exit, done.err.as_str()), (Exit::Success, ""), "{done:?}");
}

#[tokio::test]
async fn handlers_lists_handlers_with_their_flows() {
    let dir = directory("handlers", &[("main.tf", FLOW)]);
    run(app(&dir), &["handlers"]).await.is(
        Exit::Success,
        expect![[r#"
            HANDLER                    MODULE   FLOWS  LOCATION                    DESCRIPTION
            get_permissions            it::app  prod   sym-sdk/tests/it/app.rs:18  Members decide.
            get_request_notifications  it::app  prod   sym-sdk/tests/it/app.rs:26  Notifies the access channel.
            prefetch repo              it::app  prod   sym-sdk/tests/it/app.rs:32  Gibt es: 名前
            after_approve              it::app  prod   sym-sdk/tests/it/app.rs:37
        "#]],
        expect![[""]],
    );

    let done = run(app(&dir), &["handlers", "--json"]).await;
    let json: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(json[2]["field"], "repo");
    assert_eq!(json[2]["flows"], serde_json::json!(["prod"]));
    assert_eq!(json[1]["doc"], "Notifies the access channel.\n\nThe channel is a var.");
}

#[tokio::test]
async fn handlers_works_with_an_invalid_configuration() {
    let dir = directory("handlers-only", &[("main.tf", "resource")]);
    let done = run(app(&dir), &["handlers"]).await;
    assert_eq!(done.exit, Exit::Success);
    assert!(done.out.contains("get_permissions"));
    assert!(done.err.contains("no flow uses any of these handlers"), "{done:?}");

    let done = run(App::new().registry(registry()), &["handlers"]).await;
    assert_eq!((done.exit, done.err.as_str()), (Exit::Success, ""));
}

#[tokio::test]
async fn a_program_without_handlers_gets_a_hint_about_linking() {
    let done = run(App::new().registry(Registry::new()), &["handlers"]).await;
    done.is(Exit::Failure, expect![[""]], expect![[r#"
        error: the registry contains no handlers
          help: the linker drops handler crates that nothing refers to: add `sym_sdk::link!(my_handlers);` next to `main` (short for `use my_handlers as _;`), or list the handlers with `sym_sdk::handlers![…]`
    "#]]);
}

const REQUEST: &str = r#"{
  "flow_srn": "acme:flow:prod:latest",
  "flow_inputs": {"repo": "web", "duration": 1800},
  "user_email": "ana@example.com"
}"#;

/// Simulates a request, with additional arguments.
async fn simulate(test: &str, request: &str, args: &[&str]) -> Done {
    let dir = directory(test, &[("main.tf", FLOW), ("r.json", request)]);
    let file = dir.join("r.json");
    run(app(&dir), &[&["simulate", file.to_str().unwrap()], args].concat()).await
}

#[tokio::test]
async fn simulate_runs_a_request_to_its_end_without_real_services() {
    let done = simulate("whole", REQUEST, &[]).await;
    done.is(
        Exit::Success,
        expect![[r#"
            Form:
            FIELD      LABEL     TYPE      OPTIONS
            target_id  Target    string    db
            repo       repo      string    web, api; prefetched by repos (sym-sdk/tests/it/app.rs:32)
            duration   duration  duration  30m, 1h

            note: no decision given: approved by the simulated admin admin@example.com

            2024-02-29 UTC
            09:00:00  prompt           by           ana@example.com in Slack
                                       status       prompted
                                       form         shown to ana@example.com
            09:00:00  request          by           ana@example.com in Slack
                                       inputs       db for 30m; repo: web
                                       handler      get_permissions (sym-sdk/tests/it/app.rs:18) returned
                                       handler      get_request_notifications (sym-sdk/tests/it/app.rs:26) returned
                                       routed       approvers: members; viewers: admins; notify: #access
                                       status       requested
                                       notified     #access
            09:01:00  approve          by           admin@example.com in Slack
                                       status       approved
            09:01:00  escalate         by           admin@example.com (automatic)
                                       identity     ana@example.com
                                       granted      db to ana@example.com until 09:31:00
                                       status       escalated
            09:01:00  approve          messaged     ana@example.com: “admin@example.com approved your request for prod”
                                       handler      after_approve (sym-sdk/tests/it/app.rs:37) continued
                                       sent         pager to admin@example.com: “approved”
            09:01:00  escalate         messaged     ana@example.com: “You have access to db until 2024-02-29 09:31:00 UTC”
            09:16:00  approve          messaged     ana@example.com: “Your access to db ends at 2024-02-29 09:31:00 UTC. If you need it for longer, a…”
            09:31:00  deescalate       by           admin@example.com (expired)
                                       revoked      db from ana@example.com
                                       status       deescalated
                                       messaged     ana@example.com: “Your access to db has ended”

            prod: deescalated
        "#]],
        expect![[""]],
    );
}

#[tokio::test]
async fn simulate_prints_json() {
    let done = simulate("json", REQUEST, &["--json", "--approve-as", "ben@example.com", "--source", "api"]).await;
    assert_eq!((done.exit, done.err.as_str()), (Exit::Success, ""));
    let json: serde_json::Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(json["status"], "deescalated");
    assert_eq!(json["form"], serde_json::Value::Null);
    assert_eq!(json["error"], serde_json::Value::Null);
    assert_eq!(json["notes"], serde_json::json!([]));
    assert!(json["timeline"].as_array().unwrap().iter().any(|entry| entry["kind"] == "sent"));
}

#[tokio::test]
async fn decisions_can_be_set_by_flags() {
    let denied = simulate("denied", REQUEST, &["--deny-as", "ben@example.com"]).await;
    assert_eq!(denied.exit, Exit::Success);
    assert!(denied.out.ends_with("prod: denied\n"), "{}", denied.out);

    let open = simulate("open", REQUEST, &["--no-decision"]).await;
    assert_eq!(open.exit, Exit::Success);
    assert!(open.out.ends_with("prod: expired\n"), "undecided requests have a lifetime: {}", open.out);

    let both = simulate("both", REQUEST, &["--no-decision", "--deny-as", "ben@example.com"]).await;
    assert_eq!(both.exit, Exit::Usage);
}

#[tokio::test]
async fn a_refused_decision_fails_the_simulation() {
    let done = simulate("refused", REQUEST, &["--approve-as", "ana@example.com"]).await;
    assert_eq!(done.exit, Exit::Failure);
    assert!(done.out.contains("refused"), "{}", done.out);
    assert_eq!(done.err, "");
}

#[tokio::test]
async fn the_simulated_time_can_be_limited() {
    let done = simulate("short", REQUEST, &["--for", "5m", "--at", "2030-01-01T00:00:00Z"]).await;
    assert!(done.out.contains("note: stopped after 5m, with work still scheduled"), "{}", done.out);
    assert!(done.out.contains("2030-01-01"), "{}", done.out);
    assert!(done.out.ends_with("prod: escalated\n"), "{}", done.out);
}

#[tokio::test]
async fn invalid_requests_are_reported_with_hints() {
    let cases = [
        ("unknown-flow", REQUEST.replace("flow:prod:", "flow:pord:"), Exit::Failure, "did you mean `prod`?"),
        ("unknown-field", REQUEST.replace("repo\"", "rpeo\""), Exit::Failure, "did you mean `repo`?"),
        ("foreign", REQUEST.replace("ana@example.com", "ana@evil.com"), Exit::Failure, "not a known user"),
        ("duration", REQUEST.replace("1800", "\"2h\""), Exit::Failure, "`30m`, `1h`"),
        ("no-json", REQUEST.replace("\"flow_inputs\"", "flow_inputs"), Exit::Usage, "line 3 column 3"),
        ("unknown-key", REQUEST.replace("user_email", "user_mail"), Exit::Usage, "did you mean `user_email`?"),
    ];
    for (test, request, exit, expected) in cases {
        let done = simulate(test, &request, &[]).await;
        assert_eq!(done.exit, exit, "{done:?}");
        assert!(done.err.starts_with("error: ") && done.err.contains(expected), "{done:?}");
        assert_eq!(done.err.matches("error: ").count(), 1, "{done:?}");

        let json = simulate(test, &request, &["--json"]).await;
        assert_eq!((json.exit, json.err.as_str()), (exit, ""), "{json:?}");
        let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
        assert!(json["error"]["message"].is_string(), "{json}");
    }
    let done = run(App::new(), &["simulate", "no-such-file.json"]).await;
    assert_eq!(done.exit, Exit::Usage);
    assert!(done.err.starts_with("error: cannot read `no-such-file.json`"), "{}", done.err);
}

#[tokio::test]
async fn a_failing_handler_fails_the_simulation() {
    for (test, handlers, expected) in [
        ("failing", handlers![failing::on_request], "no luck"),
        ("failing-after", handlers![failing::after_request], "no luck afterwards"),
    ] {
        let dir = directory(test, &[("main.tf", FLOW), ("r.json", REQUEST)]);
        let app = app(&dir).registry(registry().merge(handlers));
        let done = run(app, &["simulate", dir.join("r.json").to_str().unwrap()]).await;
        assert_eq!(done.exit, Exit::Failure, "{}", done.out);
        assert!(done.out.contains(expected), "{}", done.out);
    }
}

#[tokio::test]
async fn a_client_without_a_fake_is_an_error() {
    let dir = directory("no-fake", &[("main.tf", FLOW), ("r.json", REQUEST)]);
    let app = App::new().registry(registry()).config_dir(&dir).domain("example.com").client(Pager { outbox: None });
    let done = run(app, &["simulate", dir.join("r.json").to_str().unwrap()]).await;
    assert_eq!(done.exit, Exit::Failure);
    assert!(done.err.contains("has no fake for simulations"), "{}", done.err);
}

#[tokio::test]
async fn without_a_command_the_demo_or_the_help_is_shown() {
    let dir = directory("demo", &[("main.tf", FLOW)]);
    let done = run(app(&dir).demo("first", REQUEST).demo("second", REQUEST), &[]).await;
    assert_eq!((done.exit, done.err.as_str()), (Exit::Success, ""));
    assert!(done.out.contains("== first\n") && done.out.contains("\n== second\n"), "{}", done.out);
    assert_eq!(done.out.matches("prod: deescalated").count(), 2, "{}", done.out);

    let done = run(app(&dir).demo("bad", "{}"), &[]).await;
    assert_eq!((done.exit, done.out.as_str()), (Exit::Usage, ""));
    assert!(done.err.starts_with("error: `bad` has 3 errors"), "{}", done.err);

    let done = run(app(&dir), &[]).await;
    assert_eq!((done.exit, done.out.as_str()), (Exit::Usage, ""));
    assert!(done.err.contains("Usage: program"), "{}", done.err);
    let done = run(app(&dir), &["--help"]).await;
    assert_eq!((done.exit, done.err.as_str()), (Exit::Success, ""));
    assert!(done.out.contains("program simulate request.json"), "{}", done.out);
}

#[tokio::test]
async fn the_configuration_can_be_declared_in_rust() {
    let config = config::Config {
        environments: vec![config::Environment { name: "main".into(), ..Default::default() }],
        flows: vec![config::Flow { name: "ask".into(), environment: "main".into(), ..Default::default() }],
        ..config::Config::default()
    };
    let app = || App::new().registry(handlers![get_permissions]).config(config.clone());
    let done = run(app().domain("example.com"), &["check"]).await;
    assert_eq!((done.exit, done.out.as_str()), (Exit::Success, "1 flow, 1 handler, 0 integrations: no errors\n"));

    let done = run(app(), &["check"]).await;
    done.is(
        Exit::Success,
        expect![[r#"
            warning: configuration: the organization has no e-mail domains, so no one becomes a member on first contact
              help: set its domains with `App::domain` or `--domain`
            1 flow, 1 handler, 0 integrations: no errors, 1 warning
        "#]],
        expect![[""]],
    );
}

#[tokio::test]
async fn a_closed_pipe_is_not_an_error() {
    /// A closed pipe.
    struct Closed;

    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let mut err = Vec::new();
    let exit = App::new().registry(registry()).run_from(["program", "handlers"], &mut Closed, &mut err).await;
    assert_eq!((exit, err.len()), (Exit::Success, 0));
}

/// S5: without the command, the command line would suggest one that has a similar name and does something else.
#[tokio::test]
async fn a_command_that_a_feature_adds_names_the_feature() {
    for args in [&["slack", "manifest", "--url", "https://sym.example.com"][..], &["slack"], &["slack", "--help"]] {
        let done = run(App::new(), args).await;
        assert_eq!(done.exit, Exit::Usage, "{args:?}");
        let expected =
            "this program has no command `slack`: it needs the feature `slack-app` of the crate `sym-integrations`";
        assert!(done.err.contains(expected), "{}", done.err);
        assert!(
            done.err.contains("help: add it to `Cargo.toml`, and `.with(sym_integrations::all())`"),
            "{}",
            done.err
        );
    }
    let help = run(App::new(), &["--help"]).await;
    assert!(!help.out.contains("slack"), "{}", help.out);
}

#[cfg(all(feature = "server", feature = "sqlite"))]
#[tokio::test]
async fn the_flag_of_a_fake_names_its_feature() {
    for flag in ["--fake-slack", "--fake-slack=127.0.0.1:0"] {
        let done = run(App::new(), &["serve", flag]).await;
        assert_eq!(done.exit, Exit::Usage);
        let expected =
            "this program has no `--fake-slack`: it needs the feature `slack-fake` of the crate `sym-integrations`";
        assert!(done.err.contains(expected), "{}", done.err);
    }
}

/// S5.
#[cfg(not(feature = "server"))]
#[tokio::test]
async fn serve_names_the_feature_server() {
    let done = run(App::new(), &["serve"]).await;
    assert_eq!(done.exit, Exit::Usage);
    let expected = "this program has no command `serve`: it needs the feature `server` of the crate `sym-sdk`";
    assert!(done.err.contains(expected), "{}", done.err);
}
