//! The diagnostics for files that can be parsed, and whose contents are wrong.

use expect_test::expect;
use sym_sdk::config::TerraformReader;

use super::{Dir, check};

/// Errors that `check` finds are reported too, except those that follow from an error in the files.
#[test]
fn reports_errors_of_the_check_with_those_of_the_files() {
    check(
        r#"
resource "sym_environment" "main" {
  name = uper("main")
}
resource "sym_flow" "broken" {
  name           = "broken"
  environment_id = sym_environment.main.id
  params {
    strategy_id = sym_strategy.gone.id
    prompt_field {
      name           = "duration"
      type           = "duration"
      allowed_values = ["1h"]
    }
  }
}
resource "sym_environment" "other" {
  name = "other"
}
resource "sym_flow" "sound" {
  name           = "sound"
  environment_id = sym_environment.other.id
  params {
    prompt_field {
      name = "reason"
      type = "text"
    }
  }
}
resource "sym_flow" "twice" {
  name           = "Sound"
  environment_id = sym_environment.other.id
}
"#,
        expect![[r#"
            main.tf:3:10: function `uper` is not supported
              help: did you mean `upper`?
            main.tf:9:19: `sym_strategy.gone` is not declared
            main.tf:24:5: field `reason` of flow `sound`: `text` is not a field type
              help: did you mean `string`? the field types are `string`, `int`, `bool`, `duration`, `slack_user`, `slack_user_list`, `str_list`, `int_list`
            main.tf:30:1: flow `Sound` is declared twice
              help: the first declaration is at main.tf:20:1; names must be unique, ignoring case
        "#]],
    );
}

#[test]
fn reports_undeclared_references() {
    check(
        r#"
resource "sym_target" "admin" {
  type = "okta_group"
  name = "admin"
}
resource "sym_strategy" "s" {
  type    = "okta"
  name    = "s"
  targets = [sym_target.adnim.id, sym_target.admin, sym_traget.admin.id, sym_target.admin.idd, each.key, self.x, foo]
}
resource "sym_flow" "f" {
  name           = var.nmae
  environment_id = local.environment
  vars           = { a = module.m.x, b = data.aws_x.y.z, c = path.here, d = [1][2], e = { k = 1 }.kk }
}
variable "name" {}
"#,
        expect![[r#"
            main.tf:9:13: `targets` of sym_strategy.s refers to a whole resource, expected its id
              help: append `.id`
            main.tf:9:14: `sym_target.adnim` is not declared
              help: did you mean `sym_target.admin`?
            main.tf:9:53: `sym_traget.admin` is not declared
              help: did you mean `sym_target.admin`?
            main.tf:9:74: `sym_target.admin` has no attribute `idd`
              help: did you mean `id`?
            main.tf:9:96: `each.key` is available only in a block with `for_each`
            main.tf:9:106: `self.x` is not declared
            main.tf:9:114: `foo` is not declared
              help: enclose strings in quotes
            main.tf:12:20: `var.nmae` is not declared
              help: did you mean `var.name`?
            main.tf:13:20: `local.environment` is not declared
            main.tf:14:26: `module.m` is not declared
            main.tf:14:42: `data.aws_x.y` is not declared
            main.tf:14:62: `path.here` does not exist
              help: write `path.module` or `path.root` or `path.cwd`
            main.tf:14:81: the list has no element 2: its length is 1
            main.tf:14:89: the map has no key "kk"
        "#]],
    );
}

#[test]
fn reports_cycles() {
    check(
        r#"
locals {
  a = local.b
  b = "${local.c}"
  c = [local.a]
}
resource "sym_target" "t" {
  type = "x"
  name = sym_target.t.label
  label = sym_target.t.name
}
resource "sym_target" "u" {
  count = length(sym_target.u)
  type  = "x"
  name  = "u"
}
resource "sym_target" "v" {
  type = "x"
  name = local.a[0]
}
"#,
        expect![[r#"
            main.tf:3:3: `local.a` depends on itself
            main.tf:7:1: `sym_target.t.name` depends on itself
            main.tf:12:1: `sym_target.u` depends on itself
        "#]],
    );
}

#[test]
fn reports_errors_of_functions() {
    check(
        r#"
locals {
  a = uuid()
  b = upper()
  c = upper("a", "b")
  d = join(",", "a")
  e = tonumber("x")
  f = element([], 0)
  g = file("missing.txt")
  h = format("%d", "x")
  i = format("%s")
  j = regex("(a", "aa")
  k = provider::aws::arn_parse("x")
  l = lookup({ name = 1 }, "nmae")
  m = jsondecode("{")
  n = upper([1])
  o = one([1, 2])
}
resource "sym_flow" "f" {
  name           = "f"
  environment_id = "e"
  vars           = { for letter in split("", "abcdefghijklmno") : letter => lookup({
    a = local.a, b = local.b, c = local.c, d = local.d, e = local.e, f = local.f, g = local.g, h = local.h
    i = local.i, j = local.j, k = local.k, l = local.l, m = local.m, n = local.n, o = local.o
  }, letter) }
}
"#,
        expect![[r#"
            main.tf:3:7: function `uuid` is not supported: its result is another one each time
              help: write `uuidv5(…)` for an id that stays the same
            main.tf:4:7: arguments of function `upper`: expected 1, got 0
            main.tf:5:7: arguments of function `upper`: expected 1, got 2
            main.tf:6:17: function `join`: expected a list, got a string
            main.tf:7:16: function `tonumber`: expected a number, got a string
            main.tf:8:15: function `element`: the list is empty
            main.tf:9:12: function `file`: `missing.txt` cannot be read: there is no such file
              help: a path is relative to the root directory; `${path.module}` is the directory of this module
            main.tf:10:20: function `format`: `%d`: expected a number, got a string
            main.tf:11:14: function `format`: the format has no value 1: there are 0
            main.tf:12:7: function `regex`: the pattern is not a regular expression: unclosed group
            main.tf:13:7: function `arn_parse` of a provider is not supported
            main.tf:14:28: function `lookup`: the map has no key "nmae"
              help: did you mean `name`?
            main.tf:15:18: function `jsondecode`: the string is not JSON: EOF while parsing an object at line 1 column 1
            main.tf:16:13: function `upper`: expected a string, got a list
            main.tf:17:11: function `one`: expected at most one element, got 2
        "#]],
    );
}

#[test]
fn reports_type_mismatches() {
    check(
        r#"
variable "number" {
  type    = number
  default = "many"
}
variable "object" {
  type    = object({ name = string, sizes = list(number) })
  default = { name = "a", sizes = [1, "big"] }
}
variable "missing" {
  type    = object({ name = string })
  default = {}
}
variable "bad" {
  type    = strng
  default = "a"
}
variable "none" {
  type = string
}
resource "sym_flow" "f" {
  name           = var.none
  environment_id = ["e"]
  label          = var.number
  vars           = var.object
  implementation = var.missing
  params {
    allow_revoke    = 5
    allowed_sources = "slack"
    strategy_id     = var.bad
  }
  params {}
}
"#,
        expect![[r#"
            main.tf:4:13: value of variable `number`: expected a number, got a string
            main.tf:8:13: value of variable `object`: at .sizes[1]: expected a number, got a string
            main.tf:12:13: value of variable `missing`: attribute `name` is missing
            main.tf:15:13: `type`: `strng` is not a type
              help: did you mean `string`?
            main.tf:18:1: variable `none` has no value
              help: add a default, or set it in `terraform.tfvars` or in the environment variable `TF_VAR_none`
            main.tf:23:20: `environment_id` of sym_flow.f: expected the id of a resource, got a list
            main.tf:28:23: `allow_revoke` of `params` of sym_flow.f: expected a boolean, got a number
            main.tf:29:23: `allowed_sources` of `params` of sym_flow.f: expected a list of strings, got a string
            main.tf:32:3: sym_flow.f has more than one `params` block
        "#]],
    );
}

#[test]
fn reports_errors_of_resources() {
    check(
        r#"
resource "sym_flow" "f" {
  labl = "x"
  settings {
    a = 1
  }
  prompt_field {}
  params {
    strategy = "x"
    prompt_feild {}
    dynamic "prompt_field" {
      for_each = ["a"]
    }
    dynamic "other" {
      for_each = []
      content {}
    }
  }
}
resource "sym_target" "t" {
  settings {
    group_id = "x"
  }
}
resource "sym_secret" "s" {
  path      = "P"
  source_id = sym_target.t.id
  settings  = { key = "x" }
}
resource "sym_integration" "i" {
  for_each = ["a"]
  type     = "slack"
  name     = each.key
}
resource "sym_integration" "j" {
  count = -1
  type  = "slack"
  name  = "j"
}
resource "sym_integration" "k" {
  count    = 1
  for_each = {}
  type     = "slack"
  name     = "k"
}
resource "sym_flows_filter" "one" {}
resource "sym_flows_filter" "two" {}
resource "sym_flows_filter" "one" {}
"#,
        expect![[r#"
            main.tf:2:1: sym_flow.f needs `environment_id`
            main.tf:2:1: sym_flow.f needs `name`
            main.tf:3:3: sym_flow.f has no `labl`
              help: did you mean `label`?
            main.tf:4:3: sym_flow.f has no `settings`
            main.tf:7:3: sym_flow.f has no `prompt_field`
            main.tf:9:5: `params` of sym_flow.f has no `strategy`
              help: did you mean `strategy_id`?
            main.tf:10:5: `params` of sym_flow.f has no `prompt_feild`
              help: did you mean `prompt_field`?
            main.tf:11:5: `dynamic "prompt_field"` needs `for_each` and `content`
            main.tf:14:5: `params` of sym_flow.f has no `other`
            main.tf:20:1: sym_target.t needs `name`
            main.tf:20:1: sym_target.t needs `type`
            main.tf:21:3: sym_target.t has no `settings`
              help: it is an attribute: write `settings = …`
            main.tf:28:15: `settings` of sym_secret.s has no `key`
            main.tf:31:14: `for_each`: expected a map or a set of strings, got a list
              help: make it a set: `toset(…)`
            main.tf:36:11: `count`: expected a non-negative whole number, got -1
            main.tf:42:3: `sym_integration.k` has both `count` and `for_each`
            main.tf:47:1: an organization can have only one `sym_flows_filter`
              help: the first one is at main.tf:46:1
            main.tf:48:1: `sym_flows_filter.one` is declared twice
              help: the first one is at main.tf:46:1
        "#]],
    );
}

#[test]
fn reports_invalid_implementations() {
    check(
        r#"
resource "sym_flow" "path" {
  name           = "path"
  environment_id = "e"
  implementation = "${path.module}/impl.py"
  params {
    prompt_field {
      name      = "urgency"
      type      = "string"
      on_change = "on_change.py"
    }
  }
}
resource "sym_flow" "list" {
  name           = "list"
  environment_id = "e"
  implementation = ["a"]
}
resource "sym_flow" "missing" {
  name           = "missing"
  environment_id = "e"
  implementation = file("impl.txt")
}
"#,
        expect![[r#"
            main.tf:5:20: `implementation` of sym_flow.path is the path "./impl.py"
              help: write the path of a Rust module, such as "my_flows::prod", or Python source with `file("impl.py")`
            main.tf:10:19: `on_change` of `prompt_field` of sym_flow.path is the path "on_change.py", expected a boolean
              help: write `true`, and a handler `#[on_change(field = "urgency")]`
            main.tf:17:20: `implementation` of sym_flow.list: expected a string, got a list
            main.tf:22:25: function `file`: `impl.txt` cannot be read: there is no such file
              help: a path is relative to the root directory; `${path.module}` is the directory of this module
        "#]],
    );
}

#[test]
fn reports_errors_of_modules() {
    let dir = Dir::new(&[
        (
            "main.tf",
            r#"
module "a" {
  source = "./a"
  nmae   = "x"
}
module "gone" {
  source = "./gone"
}
module "loop" {
  source = "./loop"
}
module "nowhere" {}
resource "sym_flow" "f" {
  name           = module.a.flow_nmae
  environment_id = module.a.environment
  label          = module.b.x
}
"#,
        ),
        (
            "a/main.tf",
            "variable \"name\" {}\noutput \"flow_name\" {\n  value = var.name\n}\noutput \"environment\" {\n  value = upper(var.name, 1)\n}\n",
        ),
        ("loop/main.tf", "module \"again\" {\n  source = \"../loop\"\n}\n"),
    ]);
    expect![[r#"
        loop/main.tf:1:1: modules are nested more than 16 levels deep at `module.again`
          help: a module must not call itself, directly or indirectly
        main.tf:2:1: module `a` needs a value for its variable `name`
          help: the variable is declared at a/main.tf:1:1
        main.tf:4:3: module `a` has no variable `nmae`
          help: did you mean `name`?
        main.tf:7:12: the directory gone of module `gone` does not exist
          help: the path is relative to the directory of this file
        main.tf:12:1: module `nowhere` needs `source`
        main.tf:14:20: `module.a` has no output `flow_nmae`
          help: did you mean `flow_name`?
        main.tf:16:20: `module.b` is not declared
    "#]]
    .assert_eq(&dir.errors(&TerraformReader::new()));
}

#[test]
fn reports_directories_without_files() {
    let errors = sym_sdk::config::Config::from_terraform_dir("tests/fixtures/nothing").unwrap_err();
    expect![[r#"
        tests/fixtures/nothing: there is no such directory
          help: a relative path starts at the current directory; use `env!("CARGO_MANIFEST_DIR")` for the directory of the crate"#]]
    .assert_eq(&errors.to_string());
    let errors = sym_sdk::config::Config::from_terraform_dir("tests/fixtures").unwrap_err();
    expect!["tests/fixtures: there are no Terraform files (`*.tf`) in this directory"].assert_eq(&errors.to_string());
}

#[test]
fn try_does_not_hide_undeclared_names_and_unsupported_functions() {
    check(
        r#"
locals {
  a = can(bcrypt("prod")) ? "prod" : "other"
  b = try(bcrypt("prod"), "other")
  c = try(var.chanel, local.nothing, "fallback")
  d = can([for x in ["a"] : rsadecrypt(x, "key")])
  e = try(tonumber("x"), can(try(formt("%s", "x"), "y")), 1)
}
resource "sym_flow" "f" {
  name           = "f"
  environment_id = "e"
  vars           = { a = local.a, b = local.b, c = local.c, d = local.d, e = local.e }
}
variable "channel" {}
"#,
        expect![[r#"
            main.tf:3:11: function `bcrypt` is not supported: its result is another one each time
              help: write the value, or pass it as a variable
            main.tf:4:11: function `bcrypt` is not supported: its result is another one each time
              help: write the value, or pass it as a variable
            main.tf:5:11: `var.chanel` is not declared
              help: did you mean `var.channel`?
            main.tf:6:29: function `rsadecrypt` is not supported: a private key does not belong into the configuration
              help: read the secret with `sym_secret`
            main.tf:7:34: function `formt` is not supported
              help: did you mean `format`?
        "#]],
    );
}

#[test]
fn does_not_take_a_mistyped_module_path_for_python() {
    check(
        r#"
resource "sym_flow" "f" {
  name           = "f"
  environment_id = "e"
  implementation = "my-flows::prod"
}
"#,
        expect![[r#"
            main.tf:5:20: `implementation` of sym_flow.f is "my-flows::prod", which is not a Rust module
              help: a path consists of identifiers, as in "my_flows::prod"
        "#]],
    );
}

#[test]
fn validates_variables() {
    let text = r##"
variable "channel" {
  default = "access"
  validation {
    condition     = startswith(var.channel, "#")
    error_message = "The channel ${var.channel} must begin with #."
  }
}
variable "good" {
  default = 3
  validation {
    condition     = var.good < 5
    error_message = "Too many."
  }
}
variable "unset" {
  validation {
    condition     = var.unset != ""
    error_message = "Empty."
  }
}
variable "matched" {
  default = "x"
  validation {
    condition     = can(bcrypt(var.matched))
    error_message = "Not x."
  }
}
resource "sym_environment" "e" {
  name = "e"
}
"##;
    check(
        text,
        expect![[r#"
        main.tf:5:21: value of variable `channel`: The channel access must begin with #.
    "#]],
    );
    let dir = Dir::new(&[("main.tf", text)]);
    let read = TerraformReader::new().variable("channel", "#access").read(&dir.0).unwrap();
    let notes: Vec<&str> = read.warnings.iter().map(|note| note.message.as_str()).collect();
    assert_eq!(
        notes,
        [
            "value of variable `matched` is not checked: function `bcrypt` is not supported: its result is another one each time"
        ]
    );
}

#[test]
fn errors_in_json_have_places() {
    let text = r#"{ "resource": { "sym_environment": { "e": { "name": "environment ${var.nmae}" } } } }"#;
    let dir = Dir::new(&[("main.tf.json", text)]);
    expect![[r#"
        main.tf.json:1:53: `var.nmae` is not declared
          help: declare it: `variable "nmae" {}`
    "#]]
    .assert_eq(&dir.errors(&TerraformReader::new()));
}
