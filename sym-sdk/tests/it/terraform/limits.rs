//! Malicious files: the limits reject them, without panics, stack overflows or endless loops.

use proptest::prelude::*;
use sym_sdk::config::{Config, TerraformReader};

use super::{Dir, errors, eval, eval_with};

/// The errors of a flow whose name is an expression.
fn errors_of(declarations: &str, expression: &str) -> String {
    errors(&format!(
        "{declarations}\nresource \"sym_flow\" \"f\" {{\n  name = {expression}\n  environment_id = \"e\"\n}}\n"
    ))
}

#[track_caller]
fn assert_rejected(declarations: &str, expression: &str, why: &str) {
    let errors = errors_of(declarations, expression);
    assert!(errors.contains(why), "{errors}");
}

/// Checks locals that build upon each other, evaluated one by one so that no chain becomes long.
#[track_caller]
fn assert_growth_rejected(start: &str, links: usize, link: fn(&str) -> String, why: &str) {
    let locals: String = (1..=links).map(|i| format!("  l{i} = {}\n", link(&format!("local.l{}", i - 1)))).collect();
    let vars: String = (0..=links).map(|i| format!("    v{i} = length(jsonencode(local.l{i}))\n")).collect();
    let found = errors(&format!(
        "locals {{\n  l0 = {start}\n{locals}}}\nresource \"sym_flow\" \"f\" {{\n  name = \"f\"\n  environment_id = \"e\"\n  vars = {{\n{vars}  }}\n}}\n"
    ));
    assert!(found.contains(why), "{found}");
}

#[test]
fn rejects_deep_nesting() {
    let nested = |depth: usize| format!("jsonencode({}1{})", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(eval(&nested(60)).len(), 121);
    assert_rejected("", &nested(100), "at most 64 nested levels");
    assert_rejected("", &nested(10_000), "at most 64 nested levels");
    assert_rejected("", &format!("{}1{}", "(".repeat(5_000), ")".repeat(5_000)), "at most 64 nested levels");
    assert_rejected("", &"!".repeat(5_000), "at most 64 nested levels");
    assert_rejected("", &vec!["1"; 5_000].join(" + "), "at most 128 chained binary operators");
    assert_eq!(eval(&vec!["1"; 128].join(" + ")), "128");
}

/// Patterns with many quoted parts, and replacements that refer to the match again and again.
#[test]
fn patterns_neither_overflow_the_stack_nor_fill_the_memory() {
    let quoted = "\\\\Q\\\\E".repeat(30_000);
    assert_eq!(eval(&format!("can(regex(\"{quoted}\", \"a\"))")), "true");
    let grow = "$0".repeat(1_024);
    let text = format!("locals {{\n  t = \"{}\"\n}}\n", "x".repeat(200_000));
    assert_rejected(&text, &format!("replace(local.t, \"/.+/\", \"{}\")", grow.replace('$', "$$")), "too large");
}

#[test]
fn rejects_long_chains_of_locals() {
    let chain = |links: usize| {
        let locals: String = (1..=links).map(|i| format!("  l{i} = \"${{local.l{}}}\"\n", i - 1)).collect();
        format!("locals {{\n  l0 = \"x\"\n{locals}}}\n")
    };
    assert_eq!(eval_with(&chain(60), "local.l60"), "x");
    assert_rejected(&chain(5_000), "local.l5000", "nested too deeply");
    assert_growth_rejected("1", 2_000, |l| format!("[[{l}]]"), "nested more than 128 levels deep");
}

#[test]
fn rejects_large_values() {
    assert_growth_rejected("\"0123456789\"", 60, |l| format!("\"${{{l}}}${{{l}}}\""), "too large");
    assert_growth_rejected("[1, 2, 3]", 60, |l| format!("concat({l}, {l})"), "too large");
    assert_growth_rejected("1", 60, |l| format!("[{l}, {l}]"), "too large");
    assert_growth_rejected("1", 60, |l| format!("{{ a = {l}, b = {l} }}"), "too large");
    assert_growth_rejected("\"aa\"", 60, |l| format!("replace({l}, \"a\", {l})"), "too large");
    assert_growth_rejected("\"ab\"", 60, |l| format!("join({l}, [{l}, {l}, {l}])"), "too large");
    assert_growth_rejected("\"ab\"", 60, |l| format!("format(\"%s%s%s\", {l}, {l}, {l})"), "too large");
    let twelve = ["range(1000)"; 12].join(", ");
    assert_rejected("", &format!("jsonencode(setproduct({twelve}))"), "too large");
    assert_rejected("", "format(\"%999999999d\", 1)", "a width or precision exceeds 1000");
    assert_rejected("", "indent(999999999, \"a\\nb\")", "too large");
    assert_rejected("", "jsonencode(range(1000000000))", "more than 1024 elements");
    assert_rejected("", "pow(10, 400)", "the result is out of range");
    assert_rejected("", "9223372036854775807 * 9223372036854775807 / 0", "has no result");
}

#[test]
fn rejects_long_loops() {
    let loops = "length([for a in range(1000) : [for b in range(1000) : [for c in range(1000) : a + b + c if false]]])";
    assert_rejected("", loops, "too many steps");
    // `try` does not hide it.
    assert_rejected("", &format!("try({loops}, 1)"), "too many steps");
}

#[test]
fn rejects_many_instances() {
    let many = |meta: &str| {
        errors(&format!(
            "locals {{\n  r = range(1000)\n}}\nresource \"sym_target\" \"t\" {{\n  {meta}\n  type = \"x\"\n  name = \"x\"\n}}\n"
        ))
    };
    assert!(many("count = 1000000000").contains("at most 10000 instances are supported"));
    assert!(many("count = 1e300").contains("expected a non-negative whole number"));
    let found = many("for_each = toset([for p in setproduct(local.r, range(20)) : \"${p[0]}-${p[1]}\"])");
    assert!(found.contains("`for_each` has 20000 entries, but at most 10000 instances are supported"), "{found}");

    let dir = Dir::new(&[
        ("main.tf", "module \"a\" {\n  source = \"./a\"\n  count = 1000\n}\n"),
        ("a/main.tf", "module \"b\" {\n  source = \"../b\"\n  count = 1000\n}\n"),
        ("b/main.tf", "resource \"sym_target\" \"t\" {\n  count = 1000\n  type = \"x\"\n  name = \"x\"\n}\n"),
    ]);
    assert!(dir.errors(&TerraformReader::new()).contains("too many instances"));
}

#[test]
fn rejects_recursive_modules() {
    let dir = Dir::new(&[("main.tf", "module \"me\" {\n  source = \".\"\n  count = 2\n}\n")]);
    assert!(dir.errors(&TerraformReader::new()).contains("modules are nested more than 16 levels deep"));
}

#[test]
fn rejects_irregular_files() {
    assert_rejected("", "file(\"/dev/zero\")", "it is not a regular file");
    assert_rejected("", "file(\".\")", "it is not a regular file");
    assert_rejected("", "file(\"nothing.txt\")", "there is no such file");
    let dir = Dir::new(&[
        (
            "main.tf",
            "resource \"sym_flow\" \"f\" {\n  name = file(\"big.txt\")\n  environment_id = templatefile(\"t.txt\", {})\n}\n",
        ),
        ("big.txt", &"x".repeat((4 << 20) + 1)),
        ("t.txt", "${templatefile(\"t.txt\", {})}"),
    ]);
    let errors = dir.errors(&TerraformReader::new());
    assert!(errors.contains("it is larger than 4 MiB"), "{errors}");
    assert!(errors.contains("a template file cannot read another one"), "{errors}");
}

/// The native files of the fixtures, to be corrupted.
const FIXTURES: [&str; 4] = [
    include_str!("../../fixtures/terraform/okta/flow.tf"),
    include_str!("../../fixtures/terraform/okta/connectors.tf"),
    include_str!("../../fixtures/terraform/tenants/main.tf"),
    include_str!("../../fixtures/terraform/broken/flow.tf"),
];

/// Tokens with a meaning to the parser or the evaluator.
const TOKENS: [&str; 24] = [
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "\"",
    "${",
    "%{ for x in ",
    "<<EOT\n",
    "=",
    "?",
    ":",
    "...",
    "[*]",
    ".",
    ",",
    "*",
    "-",
    "null",
    "sym_target.group",
    "local.groups",
    "each.value",
    "\u{1f980}",
];

/// Texts with some parts removed, duplicated or replaced.
fn corrupted() -> impl Strategy<Value = String> {
    let edit = (any::<prop::sample::Index>(), 0..40_usize, 0..3_u8, prop::sample::select(&TOKENS[..]));
    (prop::sample::select(&FIXTURES[..]), prop::collection::vec(edit, 1..8)).prop_map(|(text, edits)| {
        let mut text: Vec<char> = text.chars().collect();
        for (at, length, kind, token) in edits {
            let start = at.index(text.len().max(1));
            let end = (start + length).min(text.len());
            let part: Vec<char> = text.get(start..end).unwrap_or_default().to_vec();
            let put: Vec<char> = match kind {
                0 => Vec::new(),
                1 => part.iter().chain(&part).copied().collect(),
                _ => token.chars().collect(),
            };
            text.splice(start..end, put);
        }
        text.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn corrupted_files_do_not_panic(text in corrupted()) {
        let dir = Dir::new(&[("main.tf", text.as_str()), ("variables.tf", "variable \"slack_workspace\" { default = \"T0\" }\n")]);
        if let Ok(read) = Config::from_terraform_dir(&dir.0) {
            let _ = read.config.check();
        }
    }

    #[test]
    fn random_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), json in any::<bool>()) {
        let dir = Dir::new(&[("other.tf", "")]);
        dir.write(if json { "main.tf.json" } else { "main.tf" }, &bytes);
        let _ = Config::from_terraform_dir(&dir.0);
    }

    #[test]
    fn random_expressions_do_not_panic(parts in prop::collection::vec(prop::sample::select(&TOKENS[..]), 0..12)) {
        let dir = Dir::new(&[]);
        dir.write("main.tf", format!("resource \"sym_flow\" \"f\" {{\n  name = {}\n  environment_id = \"e\"\n}}\n", parts.join(" ")).as_bytes());
        let _ = Config::from_terraform_dir(&dir.0);
    }
}
