//! Reads Sym's Terraform resources (`sym_flow` and the others) from a directory of `.tf` and `.tf.json` files.
//!
//! Sym's users already have their flows in Terraform, so these files must mean here exactly what they mean there. That is
//! guaranteed for the language: variables, locals, references, templates, types, the functions, `count`, `for_each`, `dynamic`
//! blocks and local modules are evaluated as Terraform does. Nothing is planned or applied, no provider is called, and nothing
//! is downloaded. A value that only another provider, or a module from a registry, could supply is unknown, as "(known after
//! apply)" is in a plan. An unknown value becomes an error only where a Sym resource cannot do without it; elsewhere it is left
//! unset with a warning.
//!
//! Reading has four steps, each in files of its own:
//!
//! 1. `files` finds the files of a directory; `parsing`, `json_syntax` and `source_file` parse them, in either syntax; `module` sorts their
//!    blocks, and `overrides` merges those of override files. Nothing is evaluated yet.
//! 2. `evaluator` holds the state of one reading; `module_eval` and `variables` evaluate variables, locals, outputs and instances on
//!    demand, at most once each; `conditions` checks what the files demand of them; `expressions`, `references`, `template` and
//!    `functions` evaluate expressions in a `scope`. Their results are a `value` of one of the `types`; `conversion`, `comparison` and
//!    `number` have the rules of cty, Terraform's library of values.
//! 3. `decoded_block` checks the blocks of a resource against `resource_schema` and converts attributes to plain values.
//! 4. `resources` turns decoded blocks into the declarations of [`Config`].
//!
//! Evaluation never stops at an error. It reports a diagnostic, continues with an invalid value, and reports nothing that
//! follows from it: an author sees every mistake once, where it is. The price is that all code has to carry invalid values
//! through, and that `Config::check` is run on the rest of the declarations even if some were invalid.
//!
//! The files are trusted no more than other input: the size of files and values, the depth of nesting, the number of steps and
//! of instances are all limited, so that a mistake (or a malicious file) ends with an error and not in exhausted memory.

mod big_float;
mod comparison;
mod conditions;
mod conversion;
mod decimal;
mod decoded_block;
mod evaluator;
mod expressions;
mod files;
mod functions;
mod json_syntax;
mod known_values;
mod module;
mod module_eval;
mod number;
mod overrides;
mod parsing;
mod references;
mod resource_schema;
mod resources;
mod scope;
mod source_file;
mod template;
mod type_constraint;
mod types;
mod unclosed;
mod value;
mod variables;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

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
    /// The warning about flows of an organization that no provider names: it is then called `sym` in every SRN.
    pub unnamed_organization: Option<Diagnostic>,
    /// The unknown values for which a placeholder stands: see [`TerraformReader::placeholders`].
    pub placeholders: Vec<Diagnostic>,
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
    /// In the order in which they were given, which is ascending precedence.
    assignments: Vec<Assignment>,
    environment: BTreeMap<String, String>,
    workspace: Option<String>,
    known_values: Option<PathBuf>,
    has_placeholders: bool,
}

/// An assignment of variables by the caller.
#[derive(Clone, Debug)]
enum Assignment {
    Variable(String, String),
    File(PathBuf),
}

impl TerraformReader {
    /// Creates a reader with no variables besides those of the directory's own files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a variable of the root module, as `-var` does. The value takes precedence over the environment, over the files that Terraform
    /// reads by itself, and over what was set before.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.assignments.push(Assignment::Variable(name.into(), value.into()));
        self
    }

    /// Sets the variables of a file, as `-var-file` does, with the precedence of [`variable`](Self::variable). A file whose name ends in
    /// `.json` is JSON.
    #[must_use]
    pub fn variable_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.assignments.push(Assignment::File(path.into()));
        self
    }

    /// Sets environment variables. Those named `TF_VAR_…` set variables of the root module, and `TF_WORKSPACE` the workspace.
    #[must_use]
    pub fn environment<K: Into<String>, V: Into<String>>(mut self, vars: impl IntoIterator<Item = (K, V)>) -> Self {
        self.environment.extend(vars.into_iter().map(|(key, value)| (key.into(), value.into())));
        self
    }

    /// Sets the value of `terraform.workspace`. Without it, the value is that of `TF_WORKSPACE`, or the workspace that
    /// `terraform workspace select` has chosen in the directory, or `default`.
    #[must_use]
    pub fn workspace(mut self, name: impl Into<String>) -> Self {
        self.workspace = Some(name.into());
        self
    }

    /// Reads values that only `terraform apply` knows from a JSON file: outputs of modules from elsewhere, and attributes of resources of
    /// other providers. Its keys are references, as in `{"module.okta.group_id": "00g1"}`; the value of `module.okta` is an object of
    /// outputs.
    #[must_use]
    pub fn known_values_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.known_values = Some(path.into());
        self
    }

    /// Replaces text that only `terraform apply` knows by placeholders, instead of leaving it unset. A simulation can then run, but nothing
    /// else should.
    #[must_use]
    pub fn placeholders(mut self) -> Self {
        self.has_placeholders = true;
        self
    }

    /// Reads every Terraform file of a directory.
    ///
    /// # Errors
    /// All errors in the files. The errors that [`Config::check`] finds in the other declarations are reported with them, so
    /// that the author can fix everything in one pass.
    pub fn read(&self, dir: impl AsRef<Path>) -> Result<Terraform, Diagnostics> {
        let mut evaluator = Evaluator::new(dir.as_ref(), &self.workspace_in(dir.as_ref()));
        evaluator.has_placeholders = self.has_placeholders;
        if let Some(path) = &self.known_values {
            match known_values::read(path) {
                Ok(known) => evaluator.known_values = known,
                Err(diagnostic) => evaluator.report(diagnostic),
            }
        }
        let root = evaluator.add_root();
        variables::assign(&evaluator, &root, self);
        let mut config = Config::default();
        evaluator.declare(&root, &mut config);
        config.integrations.extend(evaluator.placeholders.take().into_values());
        config.unknown_settings = evaluator.unknown_settings.take();
        let mut diagnostics = evaluator.diagnostics.take();
        if !diagnostics.is_empty() {
            diagnostics.extend(without_cascades(&config, &evaluator.invalid_locations.take()));
        }
        Diagnostics::check(diagnostics)?;
        let in_order = |mut found: Vec<Diagnostic>| {
            found.sort();
            found.dedup();
            found
        };
        let warnings = in_order(evaluator.warnings.take());
        let placeholders = in_order(evaluator.placeholder_notes.take());
        let unnamed_organization = evaluator.unnamed_organization(&root, &config);
        Ok(Terraform { config, warnings, unnamed_organization, placeholders })
    }

    /// Returns the workspace, as Terraform chooses it.
    fn workspace_in(&self, dir: &Path) -> String {
        let named = self.workspace.as_ref().or_else(|| self.environment.get("TF_WORKSPACE"));
        if let Some(name) = named.filter(|name| !name.is_empty()) {
            return name.clone();
        }
        let data_dir = self.environment.get("TF_DATA_DIR").filter(|dir| !dir.is_empty());
        let selected = dir.join(data_dir.map_or(".terraform", String::as_str)).join("environment");
        let selected = source_file::read_text(&selected).unwrap_or_default();
        let selected = selected.trim();
        if selected.is_empty() { "default".to_owned() } else { selected.to_owned() }
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
