//! The declarations from Sym's resources, beyond those of the fixtures.

use expect_test::expect;
use sym_sdk::config::{Implementation, Reference};

use super::{Dir, read};

#[test]
fn accepts_python_with_a_warning() {
    let dir = Dir::new(&[
        (
            "main.tf",
            r#"
resource "sym_flow" "a" {
  name           = "a"
  environment_id = "e"
  implementation = file("impl.py")
}
resource "sym_flow" "b" {
  name           = "b"
  environment_id = "e"
  implementation = (file("${path.module}/missing.py"))
}
resource "sym_flow" "c" {
  name           = "c"
  environment_id = "e"
  implementation = <<-PY
    from sym.sdk.annotations import reducer
  PY
  params {
    prompt_field {
      name      = "urgency"
      type      = "string"
      on_change = file("missing.py")
    }
    prompt_field {
      name      = "reason"
      type      = "string"
      on_change = true
    }
  }
}
resource "sym_flow" "d" {
  name           = "d"
  environment_id = "e"
  implementation = "acme_flows::d"
}
resource "sym_flow" "e" {
  name           = "e"
  environment_id = "e"
}
resource "sym_strategy" "s" {
  type           = "custom"
  name           = "s"
  targets        = []
  implementation = "strategy.py"
}
"#,
        ),
        ("impl.py", "from sym.sdk.annotations import reducer\n"),
    ]);
    let read = dir.read().unwrap();
    let taken: Vec<_> = read.config.flows.iter().map(|flow| flow.implementation.clone()).collect();
    let named = Implementation::Module("acme_flows::d".into());
    let by_name = Implementation::ByName;
    assert_eq!(taken, [by_name.clone(), by_name.clone(), by_name, named, Implementation::All]);
    assert!(read.config.flows[2].params.prompt_fields.iter().all(|field| field.on_change));
    let warnings: Vec<_> =
        read.warnings.iter().map(|warning| (warning.location.line, warning.message.as_str())).collect();
    expect![[r#"
        [
            (
                5,
                "`implementation` of sym_flow.a is Python and is not run: the flow takes the Rust handlers of the module with its name, or all",
            ),
            (
                10,
                "`implementation` of sym_flow.b is Python and is not run: the flow takes the Rust handlers of the module with its name, or all",
            ),
            (
                15,
                "`implementation` of sym_flow.c is Python and is not run: the flow takes the Rust handlers of the module with its name, or all",
            ),
            (
                22,
                "`on_change` of `prompt_field` of sym_flow.c is Python and is not run: write a handler `#[on_change(field = \"urgency\")]`",
            ),
            (
                44,
                "`implementation` of sym_strategy.s is ignored: register the strategy's type in Rust",
            ),
        ]
    "#]].assert_debug_eq(&warnings);
}

#[test]
fn uses_placeholders_for_integrations_of_modules_from_elsewhere() {
    let read = read(
        r#"
module "gcp_connector" {
  source = "symopsio/gcp-connector/google"
}
resource "sym_target" "group" {
  type = "google_group"
  name = "group"
}
resource "sym_strategy" "groups" {
  type           = "google_group"
  name           = "groups"
  integration_id = module.gcp_connector.sym_integration.id
  targets        = [sym_target.group.id]
}
resource "sym_environment" "main" {
  name         = "main"
  integrations = { google_id = module.gcp_connector.sym_integration.id }
}
resource "sym_flow" "f" {
  name           = "f"
  environment_id = sym_environment.main.id
  params {
    strategy_id = sym_strategy.groups.id
  }
}
"#,
    );
    let checked = read.config.check().unwrap_or_else(|errors| panic!("{errors}"));
    let strategy = checked.flows[0].strategy().unwrap();
    assert_eq!(strategy.integration(), checked.flows[0].environment().integration("google").ok());
    assert_eq!(strategy.integration().unwrap().name(), &"gcp_connector");
    let warnings: Vec<_> =
        read.warnings.iter().map(|warning| (warning.location.line, warning.message.as_str())).collect();
    expect![[r#"
        [
            (
                2,
                "module `gcp_connector` is not local, so it is not read: its resources and outputs are unknown",
            ),
            (
                12,
                "`integration_id` of sym_strategy.groups: `module.gcp_connector.sym_integration.id` is known only after `terraform apply`; a placeholder `module.gcp_connector` is used",
            ),
            (
                17,
                "`integrations.google_id` of sym_environment.main: `module.gcp_connector.sym_integration.id` is known only after `terraform apply`; a placeholder `module.gcp_connector` is used",
            ),
        ]
    "#]].assert_debug_eq(&warnings);
}

#[test]
fn resolves_data_sources_by_name() {
    let read = read(
        r#"
data "sym_integration" "slack" {
  type = "slack"
  name = "shared"
}
resource "sym_environment" "main" {
  name         = "main"
  integrations = { slack_id = data.sym_integration.slack.id }
}
"#,
    );
    assert_eq!(read.config.environments[0].integrations["slack"], Reference::typed("slack", "shared"));
    let errors = read.config.check().unwrap_err().to_string();
    assert!(errors.contains("environment `main` names integration `slack.shared`, which is not declared"), "{errors}");
}

#[test]
fn derives_names_of_resources_without_one() {
    let dir = Dir::new(&[
        ("main.tf", "module \"tenant\" {\n  source = \"./tenant\"\n  for_each = toset([\"blue team\"])\n}\n"),
        (
            "tenant/main.tf",
            r#"
resource "sym_secret" "token" {
  count     = 2
  path      = "TOKEN_${count.index}"
  source_id = "env"
}
"#,
        ),
    ]);
    let read = dir.read().unwrap();
    let names: Vec<_> = read.config.secrets.iter().map(|secret| secret.name.as_str()).collect();
    assert_eq!(names, ["tenant-blue-team-token-0", "tenant-blue-team-token-1"]);
}

#[test]
fn reads_parameters_of_version_2() {
    let read = read(
        r#"
resource "sym_flow" "f" {
  name           = "f"
  template       = "sym:template:approval:1.0.0"
  environment_id = "e"
  params = {
    allow_revoke = false
    prompt_fields_json = jsonencode([
      { name = "reason", type = "string" },
      { name = "urgency", type = "string", allowed_values = ["Low", "High"], required = false },
    ])
  }
}
"#,
    );
    let params = &read.config.flows[0].params;
    assert!(!params.allow_revoke);
    assert_eq!(params.prompt_fields[1].allowed_values, Some(vec!["Low".to_owned(), "High".to_owned()]));
    assert!(read.warnings[0].message.contains("is deprecated: write `prompt_field` blocks"), "{:?}", read.warnings);
}

#[test]
fn reads_parameters_that_sym_does_not_have() {
    let read = read(
        r#"
resource "sym_flow" "f" {
  name           = "f"
  environment_id = "e"
  params {
    allow_extension       = false
    expiry_warnings       = ["2h", "10m"]
    request_lifetime      = "7d"
    require_denial_reason = true
  }
}
"#,
    );
    let params = &read.config.flows[0].params;
    assert!(!params.allow_extension && params.require_denial_reason);
    assert_eq!(params.expiry_warnings, Some(vec!["2h".to_owned(), "10m".to_owned()]));
    assert_eq!(params.request_lifetime.as_deref(), Some("7d"));
}

#[test]
fn reads_dynamic_blocks() {
    let read = read(
        r#"
resource "sym_flow" "f" {
  name           = "f"
  environment_id = "e"
  params {
    dynamic "prompt_field" {
      for_each = { reason = "string", size = "int" }
      iterator = field
      content {
        name = field.key
        type = field.value
      }
    }
    prompt_field {
      name = "last"
      type = "bool"
    }
  }
}
"#,
    );
    let fields = &read.config.flows[0].params.prompt_fields;
    let fields: Vec<_> = fields.iter().map(|field| (field.name.as_str(), field.field_type.as_str())).collect();
    assert_eq!(fields, [("reason", "string"), ("size", "int"), ("last", "bool")]);
}

#[test]
fn warns_about_flows_of_an_organization_without_a_name() {
    let flow = "resource \"sym_environment\" \"e\" {\n  name = \"e\"\n}\nresource \"sym_flow\" \"f\" {\n  name = \"f\"\n  \
                environment_id = sym_environment.e.id\n}\n";
    let warning = |provider: &str| {
        let dir = Dir::new(&[("main.tf", &format!("{provider}{flow}"))]);
        let terraform = dir.read().unwrap();
        let warning = terraform.unnamed_organization.map(|warning| warning.to_string()).unwrap_or_default();
        warning.replace(&format!("{}/", dir.0.display()), "")
    };
    expect![[r#"
        main.tf:1:1: provider `sym` has no `org`, so the organization is `sym`
          help: name it, because the SRNs of flows and targets start with it: `provider "sym" { org = "acme" }`"#]]
    .assert_eq(&warning("provider \"sym\" {}\n"));
    expect![[r#"
        configuration: no provider `sym` names the organization, so it is `sym`
          help: name it, because the SRNs of flows and targets start with it: `provider "sym" { org = "acme" }`"#]]
    .assert_eq(&warning(""));
    assert_eq!(warning("provider \"sym\" {\n  org = \"acme\"\n}\n"), "");
    assert_eq!(read("locals {}\n").unnamed_organization, None);
}
