//! Terraform files: syntax, evaluation, and the check of what they declare.

use std::path::{Path, PathBuf};

use sym_sdk::config::Config;

use crate::target::{fuzz_with, with_text};

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
            if let Err(diagnostics) = Config::from_terraform_dir(dir.path()) {
                assert!(!diagnostics.to_string().trim().is_empty());
            }
        });
    });
}
