//! Complete configurations in the style of Sym's users.

use std::collections::BTreeMap;
use std::time::Duration;

use expect_test::expect;
use sym_sdk::config::{Config, Implementation, Reference, Terraform};

fn fixture(name: &str) -> Terraform {
    let dir = format!("tests/fixtures/terraform/{name}");
    Config::from_terraform_dir(dir).unwrap_or_else(|errors| panic!("{errors}"))
}

fn warnings(read: &Terraform) -> String {
    read.warnings.iter().map(|note| format!("{note}\n")).collect()
}

#[test]
fn reads_an_okta_configuration() {
    let read = fixture("okta");
    let config = &read.config;
    assert_eq!(config.organization.slug, "Acme");

    let flow = &config.flows[0];
    assert_eq!(flow.name, "okta-groups");
    assert_eq!(flow.label.as_deref(), Some("Okta groups (Staging)"));
    assert_eq!(flow.implementation, Implementation::ByName);
    assert_eq!(flow.environment, "staging");
    assert_eq!(flow.params.strategy, Some(Reference::typed("okta", "staging-okta")));
    assert!(!flow.params.allow_revoke);
    assert_eq!(flow.params.additional_header_text.as_deref(), Some("Ask for *one* group at a time.\n  Thanks.\n"));
    let fields: Vec<_> = flow.params.prompt_fields.iter().map(|field| (field.name.as_str(), field.required)).collect();
    assert_eq!(fields, [("reason", true), ("ticket", false), ("duration", true)]);
    assert_eq!(flow.params.prompt_fields[0].label.as_deref(), Some("REASON"));
    assert_eq!((flow.location.line, flow.location.column), (62, 1));

    let targets: Vec<_> = config.targets.iter().map(|target| (target.name.as_str(), &target.settings)).collect();
    let setting = |id: &str| BTreeMap::from([("group_id".to_owned(), id.to_owned())]);
    assert_eq!(targets, [("group-oncall", &setting("00g1")), ("group-support", &setting("00g2"))]);
    let okta = config.integrations.iter().find(|integration| integration.kind == "okta").unwrap();
    assert_eq!(okta.settings["api_token_secret"], "okta");
    assert_eq!(config.secrets[0].path, "sym/staging/okta");
    assert_eq!(config.secrets[0].json_key.as_deref(), Some("token"));

    expect![[r#"
        tests/fixtures/terraform/okta/connectors.tf:21:1: module `runtime_connector` is not local, so it is not read: its resources and outputs are unknown
        tests/fixtures/terraform/okta/connectors.tf:32:14: `settings.context_id` of sym_secrets.aws stays unset: `module.runtime_connector.sym_integration.id` is known only after `terraform apply`
          help: give it in a file, as {"module.runtime_connector.sym_integration.id":"…"}, with `--known-values FILE`, or make it a variable and use `--var`
        tests/fixtures/terraform/okta/flow.tf:66:20: `implementation` of sym_flow.groups is Python and is not run: the flow takes the Rust handlers of the module with its name, or all
        tests/fixtures/terraform/okta/flow.tf:69:10: var `max_open` of sym_flow.groups looks like an integer: handlers receive the string "3", and `Vars<T>` parses it
    "#]].assert_eq(&warnings(&read));

    let checked = config.check().unwrap();
    let flow = checked.flows.get("OKTA-groups").unwrap();
    assert_eq!(flow.srn().organization(), "acme");
    assert_eq!(flow.params().durations, [1, 2, 3].map(|hours| Duration::from_secs(hours * 3600)));
    let strategy = flow.strategy().unwrap();
    assert_eq!(strategy.targets().len(), 2);
    let integration = strategy.integration().unwrap();
    assert_eq!(integration.secret("api_token_secret").unwrap().path(), "sym/staging/okta");
    assert!(integration.settings().is_empty());
    assert_eq!(flow.environment().integration("slack").unwrap().external_id(), "T0ACME");
    assert_eq!(flow.environment().error_logger(), Some("#access-errors"));
}

#[test]
fn reads_local_modules() {
    let read = fixture("tenants");
    let config = &read.config;
    let flows: Vec<_> = config.flows.iter().map(|flow| flow.name.as_str()).collect();
    assert_eq!(flows, ["overview", "sso-blue", "sso-red"]);
    assert_eq!(config.flow("overview").unwrap().vars["tenants"], "blue=SSO Blue,red=SSO Red");
    assert_eq!(config.flow("sso-red").unwrap().implementation, Implementation::Module("acme_flows::sso".into()));
    let targets: Vec<_> =
        config.targets.iter().map(|target| (&*target.name, &*target.settings["account_id"])).collect();
    assert_eq!(targets, [("blue-0", "111122223333"), ("red-0", "444455556666"), ("red-1", "444455556666")]);

    let checked = config.check().unwrap();
    let red = checked.flows.get("sso-red").unwrap();
    assert_eq!(red.strategy().unwrap().targets().len(), 2);
    assert_eq!(red.strategy().unwrap().integration().unwrap().name(), &"sso-red");
    assert_eq!(red.implementation(), Some("acme_flows::sso"));
}

#[test]
fn reads_json() {
    let read = fixture("json");
    let flow = &read.config.flows[0];
    assert_eq!((flow.name.as_str(), flow.environment.as_str()), ("approval-2", "main"));
    assert_eq!(flow.vars["channel"], "#prod-access");
    assert_eq!(flow.params.allowed_sources, Some(vec!["api".to_owned(), "slack".to_owned()]));
    let fields: Vec<_> = flow.params.prompt_fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(fields, ["reason", "urgency"]);
    assert_eq!(flow.params.prompt_fields[1].allowed_values, Some(vec!["1".to_owned(), "2".to_owned()]));
    let checked = read.config.check().unwrap();
    assert!(checked.flows[0].params().durations.is_empty());
}

#[test]
fn reports_all_errors_of_a_broken_configuration() {
    let errors = Config::from_terraform_dir("tests/fixtures/terraform/broken").unwrap_err();
    expect![[r#"
        broken/environment.tf:5:16: `sym_integration.slcak` is not declared
          help: did you mean `sym_integration.slack`?
        broken/environment.tf:12:17: function `bcrypt` is not supported: its result is another one each time
          help: write the value, or pass it as a variable
        broken/environment.tf:13:3: sym_integration.slack has no `color`
        broken/flow.tf:2:20: function `uper` is not supported
          help: did you mean `upper`?
        broken/flow.tf:3:20: `implementation` of sym_flow.prod is the path "impl.py"
          help: write the path of a Rust module, such as "my_flows::prod", or Python source with `file("impl.py")`
        broken/flow.tf:4:20: `sym_environment.prod` is not declared
          help: declared: `sym_environment.main`
        broken/flow.tf:7:20: `strategy_id` of `params` of sym_flow.prod refers to `sym_integration.slack`, expected a `sym_strategy`
        broken/flow.tf:8:20: `allow_revoke` of `params` of sym_flow.prod: expected a boolean, got a string
        broken/flow.tf:12:7: `prompt_field` of sym_flow.prod has no `lable`
          help: did you mean `label`?
        broken/flow.tf:13:15: `var.field_type` is not declared
          help: declare it: `variable "field_type" {}`
        broken/flow.tf:18:1: `sym_flows` is not a Sym resource
          help: did you mean `sym_flow`?
        broken/flow.tf:21:3: `local.name` depends on itself
        broken/strategy.tf:4:14: syntax error: this `{` is not closed
          help: end it with `}`
    "#]].assert_eq(&format!("{errors}\n").replace("tests/fixtures/terraform/", ""));

    let json = serde_json::to_value(&errors).unwrap();
    assert_eq!(
        json[0],
        serde_json::json!({
            "severity": "error",
            "file": "tests/fixtures/terraform/broken/environment.tf",
            "line": 5,
            "column": 16,
            "message": "`sym_integration.slcak` is not declared",
            "hint": "did you mean `sym_integration.slack`?",
        })
    );
}
