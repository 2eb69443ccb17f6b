//! Reads Sym's Terraform resources (`sym_flow` and the others) from a directory of `.tf` and `.tf.json` files.
//!
//! Sym's users already have their flows in Terraform, so these files must mean here exactly what they mean there. That is
//! guaranteed for the language: variables, locals, references, templates, the common functions, `count`, `for_each`, `dynamic`
//! blocks and local modules are evaluated as Terraform does. Nothing is planned or applied, no provider is called, and nothing
//! is downloaded. A value that only another provider, or a module from a registry, could supply is unknown, as "(known after
//! apply)" is in a plan. An unknown value becomes an error only where a Sym resource cannot do without it; elsewhere it is left
//! unset with a warning.
//!
//! Reading has four steps, each in files of its own:
//!
//! 1. `module`, `json_syntax` and `source_file` parse a directory into blocks. Nothing is evaluated yet.
//! 2. `evaluator` holds the state of one reading; `module_eval` evaluates variables, locals, outputs and instances on demand, at
//!    most once each; `expressions`, `references`, `template` and `functions` evaluate expressions in a `scope`.
//! 3. `decoded_block` checks the blocks of a resource against `resource_schema` and converts attributes to plain values.
//! 4. `resources` turns decoded blocks into the declarations of [`Config`].
//!
//! Evaluation never stops at an error. It reports a diagnostic, continues with an invalid value, and reports nothing that
//! follows from it: an author sees every mistake once, where it is. The price is that all code has to carry invalid values
//! through, and that `Config::check` is run on the rest of the declarations even if some were invalid.
//!
//! The files are trusted no more than other input: the size of files and values, the depth of nesting, the number of steps and
//! of instances are all limited, so that a mistake (or a malicious file) ends with an error and not in exhausted memory.

mod decoded_block;
mod evaluator;
mod expressions;
mod functions;
mod json_syntax;
mod module;
mod module_eval;
mod number;
mod references;
mod resource_schema;
mod resources;
mod scope;
mod source_file;
mod template;
mod type_constraint;
mod value;
mod variables;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{Config, Diagnostic, Diagnostics, SourceLocation};
use evaluator::Evaluator;

/// The declarations of a directory of Terraform files.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Terraform {
    /// The declarations. Their references are not checked yet: see [`Config::check`].
    pub config: Config,
    /// Attributes that were ignored, left unset or replaced.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a directory of Terraform files, with values for its variables.
///
/// ```no_run
/// # fn main() -> Result<(), sym_sdk::config::Diagnostics> {
/// use sym_sdk::config::TerraformReader;
///
/// let read = TerraformReader::new().variable("request_channel", "#access").read("infra/sym")?;
/// for warning in &read.warnings {
///     println!("warning: {warning}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct TerraformReader {
    variables: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
    workspace: Option<String>,
}

impl TerraformReader {
    /// Creates a reader with no variables besides those of the directory's own files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a variable of the root module, as `-var` does. The value takes precedence over every `.tfvars` file.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Sets environment variables, of which those named `TF_VAR_…` set variables of the root module.
    #[must_use]
    pub fn environment<K: Into<String>, V: Into<String>>(mut self, vars: impl IntoIterator<Item = (K, V)>) -> Self {
        self.environment.extend(vars.into_iter().map(|(key, value)| (key.into(), value.into())));
        self
    }

    /// Sets the value of `terraform.workspace`. Default: `default`.
    #[must_use]
    pub fn workspace(mut self, name: impl Into<String>) -> Self {
        self.workspace = Some(name.into());
        self
    }

    /// Reads every Terraform file of a directory.
    ///
    /// # Errors
    /// All errors in the files. The errors that [`Config::check`] finds in the other declarations are reported with them, so
    /// that the author can fix everything in one pass.
    pub fn read(&self, dir: impl AsRef<Path>) -> Result<Terraform, Diagnostics> {
        let evaluator = Evaluator::new(dir.as_ref(), self.workspace.as_deref().unwrap_or("default"));
        let root = evaluator.add_root();
        variables::assign(&evaluator, &root, self);
        let mut config = Config::default();
        evaluator.declare(&root, &mut config);
        config.integrations.extend(evaluator.placeholders.take().into_values());
        let mut diagnostics = evaluator.diagnostics.take();
        if !diagnostics.is_empty() {
            diagnostics.extend(without_cascades(&config, &evaluator.invalid_locations.take()));
        }
        Diagnostics::check(diagnostics)?;
        let mut warnings = evaluator.warnings.take();
        warnings.sort();
        warnings.dedup();
        Ok(Terraform { config, warnings })
    }
}

impl Config {
    /// Reads every Terraform file of a directory, with the variables that its own `.tfvars` files set.
    ///
    /// [`TerraformReader`] accepts variables from elsewhere too.
    ///
    /// # Errors
    /// See [`TerraformReader::read`].
    pub fn from_terraform_dir(dir: impl AsRef<Path>) -> Result<Terraform, Diagnostics> {
        TerraformReader::new().read(dir)
    }
}

/// Checks the declarations that have no error of their own in the files. Errors in the others may be consequences.
fn without_cascades(config: &Config, invalid_locations: &BTreeSet<SourceLocation>) -> Vec<Diagnostic> {
    let Err(diagnostics) = config.check() else { return Vec::new() };
    let flows = config.flows.iter().filter(|flow| invalid_locations.contains(&flow.location));
    let fields: BTreeSet<&SourceLocation> =
        flows.flat_map(|flow| &flow.params.prompt_fields).map(|field| &field.location).collect();
    diagnostics
        .into_iter()
        .filter(|diagnostic| {
            !invalid_locations.contains(&diagnostic.location) && !fields.contains(&diagnostic.location)
        })
        .collect()
}
