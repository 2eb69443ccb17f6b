//! Values have types, and templates are trimmed: the rules of HCL that most configurations meet.

use sym_sdk::config::TerraformReader;

use super::{Dir, errors, eval, eval_with, read};

/// C6.
#[test]
fn a_set_of_several_types_has_one_type_and_an_order() {
    let desks = r#"toset([for i in range(25) : i % 2 == 0 ? "${i}z" : i])"#;
    let joined = eval_with(&format!("locals {{ desks = {desks} }}"), r#"join(",", local.desks)"#);
    assert_eq!(joined, "0z,1,10z,11,12z,13,14z,15,16z,17,18z,19,20z,21,22z,23,24z,2z,3,4z,5,6z,7,8z,9");
}

/// C6.
#[test]
fn a_set_of_objects_has_no_duplicates() {
    let read = read(
        r#"
        variable "fields" {
          type    = set(object({ name = string }))
          default = [{ name = "b" }, { name = "a" }, { name = "b" }]
        }
        resource "sym_flow" "f" {
          name           = "f"
          environment_id = "e"
          params {
            dynamic "prompt_field" {
              for_each = var.fields
              content {
                name = prompt_field.value.name
                type = "string"
              }
            }
          }
        }
        "#,
    );
    let names: Vec<_> = read.config.flows[0].params.prompt_fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
}

/// C7.
#[test]
fn a_list_does_not_equal_a_tuple() {
    let list = "variable \"list\" {\n  type = list(string)\n  default = []\n}\n";
    assert_eq!(eval_with(list, "var.list == []"), "false");
    assert_eq!(eval_with(list, "var.list == tolist([])"), "false");
    assert_eq!(eval_with(list, "length(var.list) == 0"), "true");
    assert_eq!(eval("[] == []"), "true");
    assert_eq!(eval(r#"tolist(["a"]) == tolist(["a"])"#), "true");
}

/// C24.
#[test]
fn numbers_are_exact() {
    assert_eq!(eval("112233445566778899001"), "112233445566778899001");
    assert_eq!(eval("0.1 + 0.2"), "0.3");
    assert_eq!(eval("-112233445566778899001"), "-112233445566778899001");
    let main = "variable \"account\" {}\nresource \"sym_flow\" \"f\" {\n  name = \"f\"\n  environment_id = \"e\"\n  vars = { account = var.account }\n}\n";
    let files = [("main.tf", main), ("terraform.tfvars.json", r#"{ "account": 112233445566778899001 }"#)];
    let read = Dir::new(&files).read().unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(read.config.flows[0].vars["account"], "112233445566778899001");
}

/// C25.
#[test]
fn results_and_elements_get_one_type() {
    assert_eq!(eval(r#"jsonencode(true ? 1 : "a")"#), r#""1""#);
    assert_eq!(eval(r#"jsonencode(tolist([1, "a"]))"#), r#"["1","a"]"#);
    let any = "variable \"any\" {\n  type = list(any)\n  default = [1, \"a\"]\n}\n";
    assert_eq!(eval_with(any, "jsonencode(var.any)"), r#"["1","a"]"#);
    let found = errors("resource \"sym_flow\" \"f\" {\n  name = true ? [1] : \"a\"\n  environment_id = \"e\"\n}\n");
    expect_test::expect![[r#"
        main.tf:2:10: the results of `? :` have no type in common: a list and a string
          help: give both the same type, or the same attributes
    "#]]
    .assert_eq(&found);
}

/// C25. The value that is not chosen counts for the type, also if its text is known only after apply.
#[test]
fn an_unknown_text_makes_the_other_result_text() {
    let declarations = "resource \"aws_iam_role\" \"sym\" {}\n";
    assert_eq!(eval_with(declarations, r#"jsonencode(false ? "role ${aws_iam_role.sym.arn}" : 5)"#), r#""5""#);
    assert_eq!(eval_with(declarations, "jsonencode(false ? aws_iam_role.sym.arn : 5)"), "5");
}

/// C30.
#[test]
fn characters_are_what_readers_see() {
    assert_eq!(eval(r#""e\u0301" == "\u00e9""#), "true");
    assert_eq!(eval(r#"length("e\u0301")"#), "1");
    assert_eq!(eval(r#"length("👨‍👩‍👧")"#), "1");
    assert_eq!(eval(r#"substr("👨‍👩‍👧x", 1, 1)"#), "x");
}

/// C4.
#[test]
fn the_margin_of_a_heredoc_spans_directives() {
    let heredoc = "<<-EOT\n      *Before you ask*\n      %{ for line in [\"Open a ticket\", \"Name it below\"] }\n      - ${line}\n      %{ endfor }\n    EOT\n";
    assert_eq!(eval(heredoc), "*Before you ask*\n\n- Open a ticket\n\n- Name it below\n\n");
}

/// C5.
#[test]
fn a_line_of_spaces_is_no_part_of_the_margin() {
    assert_eq!(eval("<<-EOT\n    a\n  \n    b\n    EOT\n"), "a\n  \nb\n");
}

/// C31.
#[test]
fn a_tilde_removes_all_whitespace_of_a_string() {
    assert_eq!(eval(r#""x\n\n ${~ "y" ~} \n\nz""#), "xyz");
}

/// C12, C32.
#[test]
fn splats_follow_what_comes_after_them() {
    assert_eq!(eval(r#"jsonencode([["a", "1"], ["b", "2"]].*.1)"#), r#"["1","2"]"#);
    assert_eq!(eval("jsonencode({ a = 1 }[*].a)"), "[1]");
    assert_eq!(eval("jsonencode(null[*].a)"), "[]");
}

/// Sensitive is what refers to something sensitive.
#[test]
fn finds_sensitive_values() {
    let declarations = r#"
    variable "token" {
      sensitive = true
      default   = "t"
    }
    locals { header = "token ${var.token}" }
    "#;
    for (expression, expected) in [
        ("issensitive(var.token)", "true"),
        ("issensitive(upper(local.header))", "true"),
        ("issensitive(nonsensitive(var.token))", "false"),
        (r#"issensitive("a")"#, "false"),
        (r#"issensitive([sensitive("a")])"#, "true"),
    ] {
        assert_eq!(eval_with(declarations, expression), expected, "{expression}");
    }
}

#[test]
fn evaluates_templates_of_other_values() {
    let declarations = "locals { template = \"Hello $${name}%%{ if loud }!%%{ endif }\" }\n";
    assert_eq!(
        eval_with(declarations, r#"templatestring(local.template, { name = "you", loud = true })"#),
        "Hello you!"
    );
}

/// A value of another type than the constraint's is an error with the path to the part that does not fit.
#[test]
fn reports_what_does_not_fit_a_type() {
    let dir = Dir::new(&[(
        "main.tf",
        "variable \"v\" {\n  type = map(list(number))\n  default = { a = [1, \"x\"] }\n}\nresource \"sym_flow\" \"f\" {\n  name = jsonencode(var.v)\n  environment_id = \"e\"\n}\n",
    )]);
    expect_test::expect![[r#"
        main.tf:3:13: value of variable `v`: at ["a"][1]: expected a number, got a string
    "#]]
    .assert_eq(&dir.errors(&TerraformReader::new()));
}
