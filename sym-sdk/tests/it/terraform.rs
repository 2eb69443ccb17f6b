//! Reads Sym's Terraform resources.

mod cases;
mod diagnostics;
mod directories;
mod evaluation;
mod expressions;
mod fixtures;
mod limits;
mod resources;
mod syntax_errors;
mod values;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use expect_test::Expect;
use sym_sdk::config::{Config, Diagnostics, Terraform, TerraformReader};

/// A temporary directory of Terraform files.
struct Dir(PathBuf);

impl Dir {
    fn new(files: &[(&str, &str)]) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("terraform-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let dir = Self(dir);
        for (name, text) in files {
            dir.write(name, text.as_bytes());
        }
        dir
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn read(&self) -> Result<Terraform, Diagnostics> {
        Config::from_terraform_dir(&self.0)
    }

    /// Returns the errors, with paths relative to the directory.
    fn errors(&self, reader: &TerraformReader) -> String {
        let errors = reader.read(&self.0).expect_err("the files have errors").to_string();
        format!("{}\n", errors.replace(&format!("{}/", self.0.display()), ""))
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        // A failure leaves the directory to the next `cargo clean`.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Reads one valid file.
fn read(text: &str) -> Terraform {
    Dir::new(&[("main.tf", text)]).read().unwrap_or_else(|errors| panic!("{errors}"))
}

/// Returns the errors of one file.
fn errors(text: &str) -> String {
    Dir::new(&[("main.tf", text)]).errors(&TerraformReader::new())
}

#[track_caller]
fn check(text: &str, expected: Expect) {
    expected.assert_eq(&errors(text));
}

/// Evaluates an expression as the var of a flow.
fn eval(expression: &str) -> String {
    eval_with("", expression)
}

fn eval_with(declarations: &str, expression: &str) -> String {
    let read = read(&format!(
        "{declarations}\nresource \"sym_flow\" \"f\" {{\n name = \"f\"\n environment_id = \"e\"\n vars = {{ x = {expression} }}\n}}\n"
    ));
    read.config.flows[0].vars.get("x").cloned().unwrap_or_else(|| panic!("unset: {:?}", read.warnings))
}
