//! The values of the expressions in `expressions/*.txt`, each group of rules in a file of its own.
//!
//! An expression is followed by `=> ` and its value as JSON, or by `!! ` and the message of its error. `tests/conformance/terraform/expressions` compares
//! the same files with HashiCorp's own implementation of the language. `UPDATE_EXPECT=1` rewrites them.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use sym_sdk::config::Config;

use super::Dir;

/// Returns the folder of the expressions, and of the files that they read.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/terraform/expressions")
}

fn copy_files(from: &Path, to: &Dir, prefix: &str) {
    for entry in from.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            copy_files(&path, to, &format!("{name}/"));
        } else {
            to.write(&name, &std::fs::read(path).unwrap());
        }
    }
}

/// Returns the line that belongs below an expression.
fn result(dir: &Dir, expression: &str) -> String {
    let main = format!(
        "resource \"sym_flow\" \"f\" {{\n  name = \"f\"\n  environment_id = \"e\"\n  vars = {{ x = jsonencode(\n{expression}\n) }}\n}}\n"
    );
    dir.write("main.tf", main.as_bytes());
    match Config::from_terraform_dir(&dir.0) {
        Ok(read) => match read.config.flows[0].vars.get("x") {
            Some(json) => format!("=> {json}"),
            None => "!! unknown".to_owned(),
        },
        Err(diagnostics) => {
            let messages: Vec<String> = diagnostics.into_iter().map(|diagnostic| diagnostic.message).collect();
            format!("!! {}", messages.join("; ").replace('\n', " "))
        }
    }
}

/// Returns the file with the results as they are now.
fn actual(dir: &Dir, text: &str) -> String {
    let (mut actual, mut expression) = (String::new(), Vec::new());
    for line in text.lines() {
        if line.starts_with("=> ") || line.starts_with("!! ") {
            writeln!(actual, "{}\n{}", expression.join("\n"), result(dir, &expression.join("\n"))).unwrap();
            expression.clear();
        } else if expression.is_empty() && (line.is_empty() || line.starts_with("# ")) {
            writeln!(actual, "{line}").unwrap();
        } else {
            expression.push(line);
        }
    }
    assert!(expression.is_empty(), "the last expression has no result: {expression:?}");
    actual
}

#[track_caller]
fn check(group: &str) {
    let path = folder().join(format!("{group}.txt"));
    let expected = std::fs::read_to_string(&path).unwrap();
    let dir = Dir::new(&[]);
    copy_files(&folder().join("files"), &dir, "");
    let actual = actual(&dir, &expected);
    expect_test::expect_file![path].assert_eq(&actual);
}

#[test]
fn evaluates_collection_functions() {
    check("collection_functions");
}

#[test]
fn evaluates_collections() {
    check("collections");
}

#[test]
fn evaluates_conditionals() {
    check("conditionals");
}

#[test]
fn evaluates_conversions() {
    check("conversions");
}

#[test]
fn evaluates_dates_and_networks() {
    check("dates_and_networks");
}

#[test]
fn evaluates_encoding() {
    check("encoding");
}

#[test]
fn evaluates_files() {
    check("files");
}

#[test]
fn evaluates_for() {
    check("for");
}

#[test]
fn evaluates_format() {
    check("format");
}

#[test]
fn evaluates_heredocs() {
    check("heredocs");
}

#[test]
fn evaluates_numbers() {
    check("numbers");
}

#[test]
fn evaluates_operators() {
    check("operators");
}

#[test]
fn evaluates_splats() {
    check("splats");
}

#[test]
fn evaluates_strings() {
    check("strings");
}

#[test]
fn evaluates_templates() {
    check("templates");
}

#[test]
fn evaluates_yaml() {
    check("yaml");
}
