//! Expressions of Terraform files: operators, templates and functions.

use sym_sdk::config::Config;

use crate::target::{fuzz, with_text};

#[test]
fn expressions_have_a_value_or_diagnostics() {
    let dir = tempfile::tempdir().unwrap();
    fuzz("terraform_expressions", |input| {
        with_text(input, |text| {
            let main = format!(
                "resource \"sym_flow\" \"f\" {{\n  name = \"f\"\n  environment_id = \"e\"\n  vars = {{ x = jsonencode(\n{text}\n) }}\n}}\n"
            );
            std::fs::write(dir.path().join("main.tf"), main).unwrap();
            if let Err(diagnostics) = Config::from_terraform_dir(dir.path()) {
                assert!(!diagnostics.to_string().trim().is_empty());
            }
        });
    });
}
