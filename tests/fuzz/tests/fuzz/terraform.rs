//! Terraform files: syntax, evaluation, and the check of what they declare.

use std::path::{Path, PathBuf};

use sym_sdk::config::TerraformReader;

use crate::target::{fuzz, fuzz_with, with_text};

/// The maximum number of files in a directory.
const MAX_FILES: usize = 8;

/// Reads a directory, and checks what it declares.
fn read(dir: &Path) {
    let environment = [("TF_VAR_v", "[1,")];
    let reader = TerraformReader::new().environment(environment).placeholders();
    match reader.read(dir) {
        Ok(read) => drop(read.config.check()),
        Err(diagnostics) => assert!(!diagnostics.to_string().trim().is_empty()),
    }
}

/// Returns `true` for the name of a file in the directory itself.
fn is_name(name: &str) -> bool {
    name.len() < 64
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

/// Returns the configurations of the flows that `tests/flows` checks.
fn samples() -> Vec<PathBuf> {
    let flows = Path::new(env!("CARGO_MANIFEST_DIR")).join("../flows/terraform");
    let samples: Vec<_> = flows.read_dir().unwrap().map(|flow| flow.unwrap().path().join("main.tf")).collect();
    assert!(!samples.is_empty(), "{} has no flows", flows.display());
    samples
}

#[test]
fn terraform_files_give_a_configuration_or_diagnostics() {
    let dir = tempfile::tempdir().unwrap();
    fuzz_with("terraform", samples(), |input| {
        with_text(input, |text| {
            std::fs::write(dir.path().join("main.tf"), text).unwrap();
            read(dir.path());
        });
    });
}

#[test]
fn json_syntax_gives_a_configuration_or_diagnostics() {
    let dir = tempfile::tempdir().unwrap();
    fuzz("terraform_json", |input| {
        with_text(input, |text| {
            std::fs::write(dir.path().join("main.tf.json"), text).unwrap();
            read(dir.path());
        });
    });
}

/// An input is several files, each after a line with its name: `=== main.tf`.
#[test]
fn directories_give_a_configuration_or_diagnostics() {
    fuzz("terraform_directory", |input| {
        with_text(input, |text| {
            let dir = tempfile::tempdir().unwrap();
            for file in text.split("=== ").skip(1).take(MAX_FILES) {
                let (name, content) = file.split_once('\n').unwrap_or((file, ""));
                if is_name(name) {
                    std::fs::write(dir.path().join(name), content).unwrap();
                }
            }
            read(dir.path());
        });
    });
}
