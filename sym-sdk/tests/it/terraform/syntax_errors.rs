//! The diagnostics for files that cannot be parsed, and what is reported of the others beside them.

use expect_test::expect;
use sym_sdk::config::TerraformReader;

use super::{Dir, check};

#[test]
fn reports_syntax_errors() {
    check(
        "resource \"sym_flow\" \"f\" {\n  name = \n}\n",
        expect![[r#"
        main.tf:2:10: syntax error: invalid expression; expected `"`, `[`, `{`, `-`, `!`, `(`, `_`, `<`, letter or digit
    "#]],
    );
    check(
        "resource \"sym_flow\" {\n}\nresorce \"a\" \"b\" {}\nx = 1\n",
        expect![[r#"
            main.tf:1:1: labels of `resource`: expected 2, got 1
              help: write `resource "type" "name" { … }`
            main.tf:3:1: `resorce` is not a Terraform block
              help: did you mean `resource`?
            main.tf:4:1: `x` is outside of any block
        "#]],
    );
    check(
        "locals {\n  a = \"${1 +}\"\n}\n",
        expect![[r#"
        main.tf:2:13: syntax error: invalid expression; expected `"`, `[`, `{`, `-`, `!`, `(`, `_`, `<`, letter or digit
    "#]],
    );
    check(
        "locals {\n  a = \"\\q\"\n}\n",
        expect![[r#"
        main.tf:2:10: syntax error: invalid escape sequence; expected `n`, `r`, `t`, `u`, `U`, `\` or `"`
    "#]],
    );
    check(
        "locals {\n  a = [1, 2\n}\n",
        expect![[r#"
            main.tf:2:7: syntax error: this `[` is not closed
              help: end it with `]`
        "#]],
    );
    check(
        "locals {\n  é = 1\n  b = 1 b\n}\n",
        expect![[r#"
        main.tf:3:9: syntax error: expected newline or eof
    "#]],
    );
}

#[test]
fn reports_what_is_not_closed_where_it_is_opened() {
    for (text, expected) in [
        (
            "locals {\n  a = \"b\n  c = \"d\"\n}\n",
            expect![[r#"
            main.tf:2:7: syntax error: the string that starts here is not closed
              help: end it with `"` on the same line; a text of several lines is a heredoc: `<<EOT`
        "#]],
        ),
        (
            "locals {\n  a = \"${upper(\"b\")\"\n}\n",
            expect![[r#"
            main.tf:2:8: syntax error: the template that starts here is not closed
              help: end it with `}`; to write it as text, double its first character
        "#]],
        ),
        (
            "locals {\n  a = <<EOT\n  b\n}\n",
            expect![[r#"
            main.tf:2:7: syntax error: the heredoc `EOT` that starts here is not closed
              help: end it with a line that contains `EOT` and nothing else
        "#]],
        ),
        (
            "locals {\n  a = 1\n}\n/* b\n",
            expect![[r#"
            main.tf:4:1: syntax error: the comment that starts here is not closed
              help: end it with `*/`
        "#]],
        ),
        (
            "locals {\n  a = upper(\"b\"\n}\n",
            expect![[r#"
            main.tf:2:12: syntax error: this `(` is not closed
              help: end it with `)`
        "#]],
        ),
        (
            "locals {\n  a = {\n    b = 1\n}\nvariable \"c\" {}\n",
            expect![[r#"
                main.tf:2:7: syntax error: this `{` is not closed
                  help: end it with `}`
            "#]],
        ),
        // Another mistake before it is the first one to mend.
        (
            "locals {\n  a = \n  b = \"c\n}\n",
            expect![[r#"
            main.tf:2:7: syntax error: invalid expression; expected `"`, `[`, `{`, `-`, `!`, `(`, `_`, `<`, letter or digit
        "#]],
        ),
    ] {
        check(text, expected);
    }
}

#[test]
fn reports_the_errors_of_all_files() {
    let dir = Dir::new(&[
        ("a.tf", "locals {\n"),
        ("b.tf", "resource \"sym_flow\" \"f\" {\n  name = shout(var.x)\n  environment_id = sym_environment.e.id\n}\n"),
        ("c.tf.json", "{ \"locals\": 1 }"),
        ("d.tf.json", "{ \"locals\": "),
        ("terraform.tfvars", "x = \n"),
    ]);
    expect![[r#"
        a.tf:1:8: syntax error: this `{` is not closed
          help: end it with `}`
        b.tf:2:10: function `shout` is not supported
          help: did you mean `sort`?
        b.tf:2:16: `var.x` is not declared
          help: declare it: `variable "x" {}`
        b.tf:3:20: `sym_environment.e` is not declared
        c.tf.json:1:13: syntax error: `locals` must be an object
        d.tf.json:1:13: syntax error: expected value after colon in object property
        terraform.tfvars:1:5: syntax error: invalid expression; expected `"`, `[`, `{`, `-`, `!`, `(`, `_`, `<`, letter or digit
    "#]].assert_eq(&dir.errors(&TerraformReader::new()));
}

#[test]
fn does_not_report_names_that_unreadable_files_may_declare() {
    let dir = Dir::new(&[
        ("a.tf", "resource \"sym_environment\" \"known\" {\n"),
        ("b.tf", "locals {\n  a = sym_environment.known.id\n}\n"),
        ("c.tf", "resource \"sym_flow\" \"f\" {\n  name = \"f\"\n  environment_id = local.a\n  label = local.b\n}\n"),
    ]);
    expect![[r#"
        a.tf:1:36: syntax error: this `{` is not closed
          help: end it with `}`
        c.tf:4:11: `local.b` is not declared
    "#]]
    .assert_eq(&dir.errors(&TerraformReader::new()));
    dir.write("d.tf", b"locals {\n a = \"\xff\" \n}");
    expect![[r#"
        a.tf:1:36: syntax error: this `{` is not closed
          help: end it with `}`
        d.tf: the file cannot be read: it is not UTF-8 text
    "#]]
    .assert_eq(&dir.errors(&TerraformReader::new()));
}
