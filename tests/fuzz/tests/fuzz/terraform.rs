//! Terraform files: syntax, evaluation, and the check of what they declare.

use sym_sdk::config::Config;

use crate::target::{fuzz, with_text};

#[test]
fn terraform_files_give_a_configuration_or_diagnostics() {
    let dir = tempfile::tempdir().unwrap();
    fuzz("terraform", |input| {
        with_text(input, |text| {
            std::fs::write(dir.path().join("main.tf"), text).unwrap();
            if let Err(diagnostics) = Config::from_terraform_dir(dir.path()) {
                assert!(!diagnostics.to_string().trim().is_empty());
            }
        });
    });
}
