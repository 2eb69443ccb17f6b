//! The values of expressions and functions.

use sym_sdk::config::TerraformReader;

use super::{Dir, errors, eval, eval_with, read};

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (expression, expected) in cases {
        assert_eq!(eval(expression), *expected, "{expression}");
    }
}

#[test]
fn evaluates_operators() {
    check(&[
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("7 / 2", "3.5"),
        ("8 / 2", "4"),
        ("-7 % 3", "-1"),
        ("0.1 + 0.2 == 0.3", "true"),
        ("012345678910", "12345678910"),
        ("9007199254740993", "9007199254740993"),
        ("!(1 == 1.0)", "false"),
        (r#""1" == 1"#, "false"),
        ("true && !false || false", "true"),
        (r#"1 < 2 ? "a" : "b""#, "a"),
        (r#"[1, 2] == [1, 2] ? "same" : "other""#, "same"),
        ("{ a = 1 }.a", "1"),
        (r#"{ "a b" = 1 }["a b"]"#, "1"),
        (r#"[["a"], ["b"]][1][0]"#, "b"),
        (r#"length([{ a = 1 }, { a = 2 }][*].a)"#, "2"),
        (r#"join("", [{ a = 1 }, { a = 2 }].*.a)"#, "12"),
        ("length(null[*])", "0"),
    ]);
}

#[test]
fn evaluates_for_expressions() {
    check(&[
        (r#"join(",", [for x in ["a", "b"] : upper(x)])"#, "A,B"),
        (r#"join(",", [for i, x in ["a", "b"] : "${i}${x}"])"#, "0a,1b"),
        (r#"join(",", [for k, v in { b = 1, a = 2 } : "${k}${v}"])"#, "a2,b1"),
        (r#"join(",", [for x in ["a", "b"] : x if x != "a"])"#, "b"),
        (r#"jsonencode({ for x in ["a", "b"] : x => upper(x) })"#, r#"{"a":"A","b":"B"}"#),
        (r#"jsonencode({ for x in ["a", "b", "a"] : x => 1... })"#, r#"{"a":[1,1],"b":[1]}"#),
        (r#"join(",", [for x in [for y in [1, 2] : y * 2] : x + 1])"#, "3,5"),
    ]);
}

#[test]
fn evaluates_templates() {
    check(&[
        (r#""a${1 + 1}c""#, "a2c"),
        (r#""$${not}${true}""#, "${not}true"),
        (r#""tab\tquote\"u\u00e9""#, "tab\tquote\"ué"),
        (r#""%{ if 1 == 1 }yes%{ else }no%{ endif }""#, "yes"),
        (r#""%{ if 1 == 2 }yes%{ else }no%{ endif }!""#, "no!"),
        (r#""%{ for x in ["a", "b"] }<${x}>%{ endfor }""#, "<a><b>"),
        (r#""%{ for i, x in ["a", "b"] }${i}${x} %{ endfor }""#, "0a 1b "),
        ("\"a ${~ 1 ~} b\"", "a1b"),
        ("<<EOT\n  one\n    two ${1 + 1}\nEOT\n", "  one\n    two 2\n"),
        ("<<-EOT\n      one\n        two\n      EOT\n", "one\n  two\n"),
        ("<<EOT\n%{ for x in [\"a\", \"b\"] ~}\n- ${x}\n%{ endfor ~}\nend\nEOT\n", "- a\n- b\nend\n"),
    ]);
}

#[test]
fn evaluates_string_functions() {
    check(&[
        (r#"upper("a") == "A" && lower("A") == "a""#, "true"),
        (r#"title("hello wide-world")"#, "Hello Wide-World"),
        (r#"trimspace("  a ")"#, "a"),
        (r#"trim("?!a!?", "!?")"#, "a"),
        (r#"trimprefix(trimsuffix("abc", "c"), "a")"#, "b"),
        (r#"chomp("a\n")"#, "a"),
        (r#"replace("a-b-c", "-", "+")"#, "a+b+c"),
        (r#"substr("hällo", 1, 3)"#, "äll"),
        (r#"substr("hello", -2, -1)"#, "lo"),
        (r#"join("/", split(",", "a,b"))"#, "a/b"),
        (r#"startswith("abc", "ab") && endswith("abc", "bc") && strcontains("abc", "b")"#, "true"),
        (
            r#"format("%s is %d, %05.1f, %q, %%, %v, %-4s|%+d|%x", "a", 3, 2.25, "q", true, "l", 5, 255)"#,
            "a is 3, 002.2, \"q\", %, true, l   |+5|ff",
        ),
        (r#"join(";", formatlist("%s-%s", ["a", "b"], "x"))"#, "a-x;b-x"),
        (r#"strrev("abc")"#, "cba"),
        (r#"indent(2, "a\nb")"#, "a\n  b"),
    ]);
}

#[test]
fn evaluates_collection_functions() {
    check(&[
        (r#"length("häß") + length([1]) + length({ a = 1 })"#, "5"),
        (r#"jsonencode(concat([1], ["a"]))"#, r#"[1,"a"]"#),
        (r#"jsonencode(merge({ a = 1, b = 1 }, null, { b = 2 }))"#, r#"{"a":1,"b":2}"#),
        (r#"join(",", keys({ b = 1, a = 2 }))"#, "a,b"),
        (r#"join(",", values({ b = 1, a = 2 }))"#, "2,1"),
        (r#"lookup({ a = 1 }, "a", 5) + lookup({ a = 1 }, "b", 5)"#, "6"),
        (r#"element(["a", "b"], 3)"#, "b"),
        (r#"contains(["a"], "a") && !contains(["a"], "b")"#, "true"),
        (r#"jsonencode(flatten([1, [2, [3]]]))"#, "[1,2,3]"),
        (r#"jsonencode(distinct(["b", "a", "b"]))"#, r#"["b","a"]"#),
        (r#"jsonencode(compact(["a", "", null]))"#, r#"["a"]"#),
        (r#"coalesce(null, "", "x")"#, "x"),
        (r#"jsonencode(coalescelist([], ["x"]))"#, r#"["x"]"#),
        (r#"jsonencode(toset(["b", "a", "b"]))"#, r#"["a","b"]"#),
        (r#"jsonencode(range(3))"#, "[0,1,2]"),
        (r#"jsonencode(range(3, 0))"#, "[3,2,1]"),
        (r#"jsonencode(range(1, 8, 3))"#, "[1,4,7]"),
        (r#"jsonencode(zipmap(["a", "b"], [1, 2]))"#, r#"{"a":1,"b":2}"#),
        (r#"jsonencode(setproduct(["a", "b"], [1, 2]))"#, r#"[["a",1],["a",2],["b",1],["b",2]]"#),
        (r#"jsonencode(setunion(["b"], ["a"]))"#, r#"["a","b"]"#),
        (r#"jsonencode(setintersection(["a", "b"], ["b"]))"#, r#"["b"]"#),
        (r#"jsonencode(setsubtract(["a", "b"], ["b"]))"#, r#"["a"]"#),
        (r#"jsonencode(sort(["b", "a"]))"#, r#"["a","b"]"#),
        (r#"jsonencode(reverse([1, 2]))"#, "[2,1]"),
        (r#"jsonencode(slice([1, 2, 3], 1, 3))"#, "[2,3]"),
        (r#"jsonencode(chunklist([1, 2, 3], 2))"#, "[[1,2],[3]]"),
        (r#"one(["a"])"#, "a"),
        (r#"sum([1, 2.5])"#, "3.5"),
        (r#"index(["a", "b"], "b")"#, "1"),
        (r#"alltrue([true, "true"]) && anytrue([false, true])"#, "true"),
        (r#"max(1, 5, 3) + min([4, 2]...)"#, "7"),
        (r#"abs(-3) + ceil(1.2) + floor(1.8) + parseint("ff", 16) + signum(-2) + pow(2, 3)"#, "268"),
        (r#"tonumber("5") + 1"#, "6"),
        (r#"tobool("true") && tostring(1) == "1""#, "true"),
        (r#"jsonencode(tolist(toset(["a"])))"#, r#"["a"]"#),
    ]);
}

#[test]
fn evaluates_encoding_functions() {
    check(&[
        (r#"jsondecode("{\"a\": [1, true, null]}").a[0]"#, "1"),
        (r#"base64encode("hi there!?")"#, "aGkgdGhlcmUhPw=="),
        (r#"base64decode(base64encode("schön"))"#, "schön"),
        (r#"urlencode("a b&ü")"#, "a+b%26%C3%BC"),
        (r#"basename("a/b.txt")"#, "b.txt"),
        (r#"dirname("a/b.txt")"#, "a"),
        (r#"try(null.x, "fallback")"#, "fallback"),
        (r#"can(tonumber("x"))"#, "false"),
        (r#"can(tonumber("1"))"#, "true"),
        (r#"nonsensitive(sensitive("s"))"#, "s"),
        ("terraform.workspace", "default"),
        ("path.module", "."),
    ]);
}

#[test]
fn evaluates_functions_of_files() {
    let dir = Dir::new(&[
        (
            "main.tf",
            r#"
            resource "sym_flow" "f" {
              name           = trimspace(file("${path.module}/name.txt"))
              environment_id = "e"
              vars = {
                exists = fileexists("name.txt") && !fileexists("nothing.txt")
                greeting = templatefile("${path.module}/greeting.tftpl", { who = "you", times = [1, 2] })
              }
            }
            "#,
        ),
        ("name.txt", "from-a-file\n"),
        ("greeting.tftpl", "%{ for time in times ~}\n${time}: hello ${who}\n%{ endfor ~}\n"),
    ]);
    let read = dir.read().unwrap();
    assert_eq!(read.config.flows[0].name, "from-a-file");
    assert_eq!(read.config.flows[0].vars["exists"], "true");
    assert_eq!(read.config.flows[0].vars["greeting"], "1: hello you\n2: hello you\n");
}

#[test]
fn evaluates_locals_in_any_order() {
    let locals = r#"
    locals {
      c = "${local.b}c"
      a = "a"
    }
    locals {
      b = "${local.a}b"
    }
    "#;
    assert_eq!(eval_with(locals, "local.c"), "abc");
}

#[test]
fn converts_ids_to_names() {
    let declarations = r#"
    resource "sym_secret" "token" {
      path      = "TOKEN"
      source_id = sym_secrets.env.id
    }
    resource "sym_secrets" "env" {
      type = "environment"
      name = "env"
    }
    "#;
    assert_eq!(eval_with(declarations, "sym_secret.token.id"), "token");
    assert_eq!(eval_with(declarations, r#""<${sym_secrets.env.id}>""#), "<env>");
    assert_eq!(eval_with(declarations, "jsonencode([sym_secret.token.id])"), r#"["token"]"#);
    assert_eq!(eval_with(declarations, "sym_secrets.env.type"), "environment");
}

#[test]
fn values_of_other_providers_are_unknown() {
    let declarations = r#"
    resource "aws_iam_role" "sym" {
      name = "sym-${var.suffix}"
      tags = { Team = "access" }
    }
    variable "suffix" { default = "prod" }
    "#;
    assert_eq!(eval_with(declarations, "aws_iam_role.sym.name"), "sym-prod");
    assert_eq!(eval_with(declarations, r#"aws_iam_role.sym.tags["Team"]"#), "access");

    let read = read(&format!(
        r#"{declarations}
        resource "sym_flow" "f" {{
          name           = "f"
          environment_id = "e"
          vars           = {{ arn = "role ${{aws_iam_role.sym.arn}}", kept = "yes" }}
        }}"#
    ));
    assert_eq!(read.config.flows[0].vars.keys().collect::<Vec<_>>(), ["kept"]);
    let note = read.warnings[0].message.as_str();
    assert_eq!(
        note,
        "`vars.arn` of sym_flow.f stays unset: `aws_iam_role.sym.arn` is known only after `terraform apply`"
    );

    let needed = errors(
        r#"
        resource "aws_iam_role" "sym" {}
        resource "sym_flow" "f" {
          name           = aws_iam_role.sym.unique_id
          environment_id = "e"
        }
        "#,
    );
    assert!(needed.contains("`name` of sym_flow.f must be known: `aws_iam_role.sym.unique_id`"), "{needed}");
}

#[test]
fn parses_text_of_variables_by_their_type() {
    let dir = Dir::new(&[(
        "main.tf",
        r#"
variable "any" { type = any }
variable "flag" { type = bool }
variable "number" { type = number }
variable "untyped" {}
resource "sym_flow" "f" {
  name           = "f"
  environment_id = "e"
  vars = {
    any     = var.any == true ? "a boolean" : "something else"
    flag    = var.flag == true ? "on" : "off"
    number  = var.number + 1
    untyped = var.untyped == "true" ? "text" : "something else"
  }
}
"#,
    )]);
    let reader = TerraformReader::new().variable("any", "true").variable("flag", "1").variable("number", "1e3");
    let read = reader.clone().variable("untyped", "true").read(&dir.0).unwrap_or_else(|errors| panic!("{errors}"));
    let vars: Vec<&str> = read.config.flows[0].vars.values().map(String::as_str).collect();
    assert_eq!(vars, ["a boolean", "on", "1001", "text"]);
    let wrong = reader.variable("untyped", "").variable("flag", "!false");
    expect_test::expect![[r#"
        configuration: value of variable `flag`: expected a boolean, got a string
    "#]]
    .assert_eq(&dir.errors(&wrong));
}

#[test]
fn later_sources_of_variables_take_precedence() {
    let variables = r#"
    variable "name" { default = "default" }
    variable "names" { type = list(string) }
    resource "sym_flow" "f" {
      name           = var.name
      environment_id = "e"
      vars           = { names = join(",", var.names) }
    }
    "#;
    let files = [("main.tf", variables), ("terraform.tfvars", "name = \"file\"\nnames = [1, true]\n")];
    let dir = Dir::new(&files);
    let flow = |reader: &TerraformReader| {
        let read = reader.read(&dir.0).unwrap_or_else(|errors| panic!("{errors}"));
        let flow = &read.config.flows[0];
        (flow.name.clone(), flow.vars["names"].clone())
    };
    let pair = |name: &str, names: &str| (name.to_owned(), names.to_owned());

    let from_environment = TerraformReader::new().environment([("TF_VAR_name", "environment"), ("HOME", "/root")]);
    assert_eq!(flow(&from_environment), pair("file", "1,true"));
    dir.write("more.auto.tfvars", b"name = \"auto\"\n");
    assert_eq!(flow(&from_environment), pair("auto", "1,true"));
    let set = from_environment.variable("name", "caller").variable("names", r#"["a", "b"]"#);
    assert_eq!(flow(&set), pair("caller", "a,b"));

    let wrong = TerraformReader::new().variable("nmae", "x").variable("names", "[");
    let errors = dir.errors(&wrong);
    assert!(errors.contains("variable `nmae` is set, but not declared\n  help: did you mean `name`?"), "{errors}");
    assert!(errors.contains("value of variable `names`: syntax error"), "{errors}");
}

#[test]
fn converts_values_to_types() {
    let variable = |kind: &str, default: &str| format!("variable \"v\" {{\n type = {kind}\n default = {default}\n}}\n");
    let cases = [
        ("string", "1.50", "var.v", "1.5"),
        ("number", "\"7\"", "var.v + 1", "8"),
        ("bool", "\"true\"", "!var.v", "false"),
        ("set(string)", "[\"b\", \"a\", \"b\"]", "jsonencode(var.v)", r#"["a","b"]"#),
        ("list(string)", "[1, true]", "jsonencode(var.v)", r#"["1","true"]"#),
        ("map(number)", "{ a = \"1\" }", "jsonencode(var.v)", r#"{"a":1}"#),
        ("tuple([string, number])", "[1, \"2\"]", "jsonencode(var.v)", r#"["1",2]"#),
        (
            "object({ a = string, b = optional(number, 5) })",
            "{ a = 1, c = 2 }",
            "jsonencode(var.v)",
            r#"{"a":"1","b":5}"#,
        ),
        ("map(object({ a = optional(string) }))", "{ k = {} }", "jsonencode(var.v)", r#"{"k":{"a":null}}"#),
        ("\"list(string)\"", "[1]", "jsonencode(var.v)", r#"["1"]"#),
        ("any", "[1, \"a\"]", "jsonencode(var.v)", r#"[1,"a"]"#),
    ];
    for (kind, default, expression, expected) in cases {
        assert_eq!(eval_with(&variable(kind, default), expression), expected, "{kind}");
    }
}

#[test]
fn null_is_a_value_of_nullable_variables() {
    let flow = |variable: &str| {
        let main = "module \"m\" {\n  source = \"./m\"\n  label = null\n}\n";
        let module = format!(
            "{variable}\nresource \"sym_flow\" \"f\" {{\n  name = \"f\"\n  environment_id = \"e\"\n  label = var.label\n}}\n"
        );
        let read = Dir::new(&[("main.tf", main), ("m/main.tf", &module)]).read().unwrap();
        read.config.flows[0].label.clone()
    };
    assert_eq!(flow("variable \"label\" {\n  default = \"x\"\n}"), None);
    assert_eq!(flow("variable \"label\" {\n  default = \"x\"\n  nullable = false\n}"), Some("x".to_owned()));
}

/// A module may take a resource that depends on a resource of the module.
#[test]
fn evaluates_only_the_named_attributes_of_resources() {
    let dir = Dir::new(&[
        (
            "main.tf",
            r#"
resource "sym_environment" "main" {
  name         = "main"
  integrations = { slack_id = module.m.slack }
}
module "m" {
  source      = "./m"
  environment = sym_environment.main
}
"#,
        ),
        (
            "m/main.tf",
            r#"
variable "environment" {
  type = object({ id = string, name = string, label = optional(string, "none") })
}
resource "sym_integration" "slack" {
  type  = "slack"
  name  = "slack-${var.environment.name}"
  label = var.environment.label
}
output "slack" {
  value = sym_integration.slack.id
}
"#,
        ),
    ]);
    let read = dir.read().unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(read.config.integrations[0].name, "slack-main");
    assert_eq!(read.config.integrations[0].label.as_deref(), Some("none"));
    assert_eq!(read.config.environments[0].integrations["slack"].name, "slack-main");
}

#[test]
fn the_caller_sets_the_workspace() {
    let dir = Dir::new(&[(
        "main.tf",
        r#"
        resource "sym_flow" "f" {
          name           = "flow-${terraform.workspace}"
          environment_id = "e"
        }
        "#,
    )]);
    let read = TerraformReader::new().workspace("staging").read(&dir.0).unwrap();
    assert_eq!(read.config.flows[0].name, "flow-staging");
}
