//! Files that were read differently from Terraform before, each with the outcome that Terraform, or its documentation, gives.

use expect_test::expect;
use sym_sdk::config::{Config, Schemas, SettingSchema, SettingsSchema, StrategySchema, TargetSchema, TerraformReader};

use super::{Dir, errors, read};

fn targets(config: &Config) -> Vec<&str> {
    config.targets.iter().map(|target| target.name.as_str()).collect()
}

const TARGET: &str = "resource \"sym_target\" \"t\" {\n  type = \"custom\"\n  name = \"t\"\n}\n";

/// C1: an override file changes what another file declares.
#[test]
fn override_files_are_merged() {
    let change = "resource \"sym_target\" \"t\" {\n  label = \"changed\"\n}\n";
    for name in ["override.tf", "ours_override.tf"] {
        let read = Dir::new(&[("main.tf", TARGET), (name, change)]).read().unwrap();
        assert_eq!(read.config.targets[0].label.as_deref(), Some("changed"), "{name}");
    }
    let change = r#"{ "resource": { "sym_target": { "t": { "label": "changed" } } } }"#;
    let read = Dir::new(&[("main.tf", TARGET), ("ours_override.tf.json", change)]).read().unwrap();
    assert_eq!(read.config.targets[0].label.as_deref(), Some("changed"));
    let read = Dir::new(&[("main.tf", TARGET), ("notoverride.tf", "")]).read().unwrap();
    assert_eq!(read.config.targets[0].label, None);
}

/// C2: a key that is there twice in JSON names blocks twice.
#[test]
fn repeated_keys_in_json_lose_nothing() {
    let json = r#"{"resource":{"sym_target":{"a":{"type":"custom","name":"a"}}},
   "resource":{"sym_target":{"b":{"type":"custom","name":"b"}}}}"#;
    let read = Dir::new(&[("main.tf.json", json)]).read().unwrap();
    assert_eq!(targets(&read.config), ["a", "b"]);
}

/// C3: `..` leads from the directory to which a symbolic link points.
#[cfg(unix)]
#[test]
fn modules_are_found_from_a_linked_directory() {
    let dir = Dir::new(&[
        ("real/live/main.tf", "module \"m\" {\n  source = \"../mods/m\"\n}\n"),
        (
            "real/mods/m/main.tf",
            "resource \"sym_target\" \"t\" {\n  type = \"custom\"\n  name = trimspace(file(\"${path.module}/n.txt\"))\n}\n",
        ),
        ("real/mods/m/n.txt", "found\n"),
    ]);
    std::os::unix::fs::symlink("real/live", dir.0.join("link")).unwrap();
    let read = TerraformReader::new().read(dir.0.join("link")).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(targets(&read.config), ["found"]);
}

/// C9: a validation is enforced.
#[test]
fn validations_are_enforced() {
    let text = "variable \"v\" {\n  default = \"x\"\n  validation {\n    condition = can(tonumber(var.v))\n    error_message = \"A number.\"\n  }\n}\n";
    assert_eq!(errors(text), "main.tf:4:17: value of variable `v`: A number.\n");
}

/// C9: a message that refers to a sensitive value is not displayed.
#[test]
fn messages_do_not_show_sensitive_values() {
    let text = "variable \"token\" {\n  sensitive = true\n  default = \"hunter2\"\n  validation {\n    condition = startswith(var.token, \"xoxb-\")\n    error_message = \"The token ${var.token} is no bot token.\"\n  }\n}\n";
    let found = errors(text);
    assert!(!found.contains("hunter2") && found.contains("refers to a sensitive value"), "{found}");
}

/// C10: a precondition is enforced, in a resource and in an output.
#[test]
fn preconditions_are_enforced() {
    let condition = "precondition {\n condition = false\n error_message = \"No.\"\n}\n";
    let resource = TARGET.replace("}\n", &format!("lifecycle {{\n{condition}}}\n}}\n"));
    assert_eq!(errors(&resource), "main.tf:6:14: precondition of sym_target.t: No.\n");
    let output = format!("{TARGET}output \"o\" {{\n value = 1\n{condition}}}\n");
    assert_eq!(errors(&output), "main.tf:8:14: precondition of output `o`: No.\n");
}

/// C11: of a key that a map has twice, the last one counts.
#[test]
fn the_last_of_repeated_keys_counts() {
    let text = TARGET.replace(
        "name = \"t\"",
        "name = \"t\"\n  settings = { a = \"1\", a = \"2\", b = \"${join(\",\", keys({ x = 1, x = 2 }))}\" }",
    );
    let settings = &read(&text).config.targets[0].settings;
    assert_eq!((settings["a"].as_str(), settings["b"].as_str()), ("2", "x"));
    let many: String = (0..100).map(|n| format!("a = {n}\n")).collect();
    assert!(errors(&format!("locals {{\n  x = {{\n{many}}}\n}}\n")).contains("more than 64 keys are repeated"));
    // What comes after such a key keeps its place.
    let text = format!(
        "locals {{\n  x = {{ a = 1, a = 2 }}\n  y = {{ a = 1, a = nothing }}\n}}\n{}",
        TARGET.replace("\"t\"\n}", "local.y.a\n}")
    );
    assert!(errors(&text).starts_with("main.tf:3:20: `nothing` is not declared"), "{}", errors(&text));
}

/// C13: variables come from files that the caller names, and the workspace from the environment.
#[test]
fn variable_files_and_the_workspace_are_read() {
    let text = format!("variable \"v\" {{}}\n{}", TARGET.replace("\"t\"\n}", "\"${var.v}-${terraform.workspace}\"\n}"));
    let dir = Dir::new(&[("main.tf", &text), ("prod.tfvars", "v = \"file\"\n")]);
    let reader =
        TerraformReader::new().variable_file(dir.0.join("prod.tfvars")).environment([("TF_WORKSPACE", "prod")]);
    assert_eq!(targets(&reader.read(&dir.0).unwrap().config), ["file-prod"]);
    let reader = reader.variable("v", "later").workspace("dev");
    assert_eq!(targets(&reader.read(&dir.0).unwrap().config), ["later-dev"]);
}

/// C20: `"//"`, `dynamic` and `lifecycle` have their meaning in blocks of JSON.
#[test]
fn json_has_comments_and_meta_blocks_in_blocks() {
    let json = r#"{"resource": {"sym_flow": {"f": {"name": "f", "environment_id": "e", "//": "x", "lifecycle": {"//": "y"},
        "params": {"//": "z", "dynamic": {"prompt_field": {"for_each": ["a", "b"],
            "content": {"name": "${prompt_field.value}", "type": "string"}}}}}}}}"#;
    let read = Dir::new(&[("main.tf.json", json)]).read().unwrap();
    let names: Vec<_> = read.config.flows[0].params.prompt_fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
}

/// C23: the default provider names the organization, not one with an alias.
#[test]
fn the_default_provider_names_the_organization() {
    let default = "provider \"sym\" {\n  org = \"main\"\n}\n";
    let alias = "provider \"sym\" {\n  alias = \"eu\"\n  org = \"other\"\n}\n";
    for text in [format!("{default}{alias}"), format!("{alias}{default}")] {
        assert_eq!(read(&text).config.organization.slug, "main");
    }
}

/// C26: a validation in JSON is enforced.
#[test]
fn validations_in_json_are_enforced() {
    let json = r#"{"variable": {"v": {"default": "x",
        "validation": {"condition": "${var.v == \"y\"}", "error_message": "It must be y."}}}}"#;
    let errors = Dir::new(&[("main.tf.json", json)]).errors(&TerraformReader::new());
    assert_eq!(errors, "main.tf.json:2:37: value of variable `v`: It must be y.\n");
}

/// C27: an input that a module requires is missed even if the module does not use it.
#[test]
fn required_inputs_of_modules_are_missed() {
    let dir =
        Dir::new(&[("main.tf", "module \"m\" {\n  source = \"./m\"\n}\n"), ("m/main.tf", "variable \"unused\" {}\n")]);
    let errors = dir.errors(&TerraformReader::new());
    assert!(errors.starts_with("main.tf:1:1: module `m` needs a value for its variable `unused`"), "{errors}");
}

/// C28: blocks of other versions of Terraform are passed over.
#[test]
fn actions_are_passed_over() {
    let read = read(&format!("{TARGET}action \"aws_lambda_invoke\" \"a\" {{\n  config {{}}\n}}\n"));
    assert_eq!((targets(&read.config), read.warnings.len()), (vec!["t"], 0));
}

/// C29: OpenTofu's files are read, and replace Terraform's of the same name.
#[test]
fn files_of_opentofu_are_read() {
    assert_eq!(targets(&Dir::new(&[("main.tofu", TARGET)]).read().unwrap().config), ["t"]);
    let dir = Dir::new(&[("main.tf", TARGET), ("main.tofu", &TARGET.replace("\"t\"\n}", "\"tofu\"\n}"))]);
    assert_eq!(targets(&dir.read().unwrap().config), ["tofu"]);
}

/// S7: a placeholder stands for an unknown value in a simulation, and a note says which and how to give it.
#[test]
fn placeholders_stand_for_unknown_values() {
    let text = "module \"pd\" {\n  source = \"acme/pd/x\"\n}\nresource \"sym_target\" \"t\" {\n  type = \"custom\"\n  name = \"t\"\n  settings = { service_id = module.pd.service_id }\n}\n";
    let dir = Dir::new(&[("main.tf", text), ("known.json", "{ \"module.pd.service_id\": \"P1\" }")]);
    let unset = dir.read().unwrap();
    assert!(unset.config.targets[0].settings.is_empty());
    let hint = unset.warnings.iter().filter_map(|warning| warning.hint.as_deref()).next().unwrap_or_default();
    assert!(hint.contains(r#"{"module.pd.service_id":"…"}"#) && hint.contains("--known-values"), "{hint}");
    let replaced = TerraformReader::new().placeholders().read(&dir.0).unwrap();
    assert_eq!(replaced.config.targets[0].settings["service_id"], "unknown-module-pd-service_id");
    assert!(replaced.placeholders[0].message.contains("`settings.service_id` of sym_target.t"));
    let known = TerraformReader::new().placeholders().known_values_file(dir.0.join("known.json")).read(&dir.0).unwrap();
    assert_eq!((known.config.targets[0].settings["service_id"].as_str(), known.placeholders.len()), ("P1", 0));
}

/// S7: the error of a required setting whose value is unknown says so, instead of that it is missing.
#[test]
fn errors_tell_unknown_settings_from_missing_ones() {
    const SETTINGS: SettingsSchema = SettingsSchema::closed(&[SettingSchema::required("group_id")]);
    const TARGETS: &[TargetSchema] = &[TargetSchema::new("group", SETTINGS)];
    let text = r#"
module "okta" {
  source = "acme/okta/x"
}
resource "sym_target" "unknown" {
  type     = "group"
  name     = "unknown"
  settings = { group_id = module.okta.id }
}
resource "sym_target" "missing" {
  type = "group"
  name = "missing"
}
resource "sym_strategy" "s" {
  type    = "groups"
  name    = "s"
  targets = [sym_target.unknown.id, sym_target.missing.id]
}
"#;
    let mut schemas = Schemas::new();
    schemas.add_strategy("groups", None, StrategySchema::ANY.with_targets(TARGETS));
    let dir = Dir::new(&[("main.tf", text)]);
    let errors = dir.read().unwrap().config.check_with(&schemas).unwrap_err().to_string();
    let errors = format!("{}\n", errors.replace(&format!("{}/", dir.0.display()), ""));
    expect![[r#"
        main.tf:5:1: target `unknown` needs the setting `group_id`, and only `terraform apply` knows its value `module.okta.id`
          help: give it in a file, as {"module.okta.id":"…"}, with `--known-values FILE`, or make it a variable and use `--var`
        main.tf:10:1: target `missing` needs the setting `group_id`
          help: write `group_id = "…"`
        main.tf:14:1: strategy `s` needs an integration
          help: set its `integration_id` to the id of a `sym_integration`
    "#]].assert_eq(&errors);
}
