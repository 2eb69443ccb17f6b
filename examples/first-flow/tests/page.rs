//! The guide's first page shows this project, and what its commands print.
#![allow(clippy::expect_used, reason = "clippy's exception for tests leaves out their helpers")]

use std::process::Command;

const PAGE: &str = include_str!("../../../sym-sdk/docs/first-flow.md");

fn assert_shown(what: &str, text: &str) {
    assert!(PAGE.contains(text.trim()), "sym-sdk/docs/first-flow.md does not show {what}:\n{text}");
}

/// Returns what the program prints, as from the root of the project.
fn output(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_first-flow"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(args)
        .env_remove("RUST_LOG")
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("the output is text")
}

#[test]
fn the_page_shows_the_files() {
    let program = include_str!("../src/main.rs");
    let (program, _) = program.split_once("\n#[cfg(test)]").expect("a program with tests");
    assert_shown("src/main.rs", program);
    assert_shown("src/tests.rs", include_str!("../src/tests.rs"));
    assert_shown("flow.tf", include_str!("../flow.tf"));
    assert_shown("request.json", include_str!("../request.json"));
}

#[test]
fn the_page_shows_the_output() {
    assert_shown("`check`", &output(&["check"]));
    assert_shown("`simulate`", &output(&["simulate", "request.json"]));
}
