//! Reads Sym's Terraform resources: `resource "sym_flow"` and its kin, from a directory of `.tf` files.
//!
//! Nothing is planned or applied and nothing is asked of any provider. Variables, locals, references, templates, the
//! common functions, `count`, `for_each` and local modules are evaluated; what only another provider could tell is an
//! unknown value, and a fault only if a Sym resource cannot do without it.

mod declarations;
mod eval;
mod functions;
mod instances;
mod json;
mod module;
mod number;
mod refer;
mod resource;
mod schema;
mod scope;
mod source;
mod table;
mod template;
mod types;
mod value;
mod variables;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{Config, Diagnostic, Diagnostics, SourceLocation};
use world::World;

/// What was read from Terraform files.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Terraform {
    /// The declarations. Their references are not checked yet: see [`Config::check`].
    pub config: Config,
    /// What was accepted, but is worth a look.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a directory of Terraform files with the variables it is given.
///
/// ```no_run
/// # fn main() -> Result<(), sym_sdk::config::Diagnostics> {
/// use sym_sdk::config::TerraformReader;
///
/// let read = TerraformReader::new().variable("request_channel", "#access").read("infra/sym")?;
/// for note in &read.warnings {
///     println!("note: {note}");
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
    /// A reader that knows no variables but those of the directory itself.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives a variable of the root module, as `-var` does: the value stands above every `.tfvars` file.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Gives environment variables, of which those named `TF_VAR_…` are variables of the root module.
    #[must_use]
    pub fn environment<K: Into<String>, V: Into<String>>(mut self, vars: impl IntoIterator<Item = (K, V)>) -> Self {
        self.environment.extend(vars.into_iter().map(|(key, value)| (key.into(), value.into())));
        self
    }

    /// What `terraform.workspace` is. Default: `default`.
    #[must_use]
    pub fn workspace(mut self, name: impl Into<String>) -> Self {
        self.workspace = Some(name.into());
        self
    }

    /// Reads every Terraform file of the directory.
    ///
    /// If something is wrong with the files, what [`Config::check`] finds in the declarations that could be read is
    /// reported with it, so that all of it can be put right at once.
    pub fn read(&self, dir: impl AsRef<Path>) -> Result<Terraform, Diagnostics> {
        let world = World::new(dir.as_ref(), self.workspace.as_deref().unwrap_or("default"));
        let root = world.add_root();
        variables::give(&world, &root, self);
        let mut config = Config::default();
        world.declare(&root, &mut config);
        let mut stand_ins = world.stand_ins.take();
        config.integrations.iter().for_each(|known| drop(stand_ins.remove(&(known.kind.clone(), known.name.clone()))));
        config.integrations.extend(stand_ins.into_values());
        let mut diagnostics = world.diagnostics.take();
        if !diagnostics.is_empty() {
            diagnostics.extend(unspoilt(&config, &world.spoilt.take()));
        }
        Diagnostics::check(diagnostics)?;
        let mut warnings = world.warnings.take();
        warnings.sort();
        warnings.dedup();
        Ok(Terraform { config, warnings })
    }
}

impl Config {
    /// Reads every Terraform file of a directory, with the variables that its own `.tfvars` files give.
    ///
    /// [`TerraformReader`] takes variables from elsewhere too.
    pub fn from_terraform_dir(dir: impl AsRef<Path>) -> Result<Terraform, Diagnostics> {
        TerraformReader::new().read(dir)
    }
}

/// What is wrong with declarations that have no fault of their own in the files.
fn unspoilt(config: &Config, spoilt: &BTreeSet<SourceLocation>) -> Vec<Diagnostic> {
    let Err(diagnostics) = config.check() else { return Vec::new() };
    let flows = config.flows.iter().filter(|flow| spoilt.contains(&flow.location));
    let fields: BTreeSet<&SourceLocation> =
        flows.flat_map(|flow| &flow.params.prompt_fields).map(|field| &field.location).collect();
    diagnostics
        .into_iter()
        .filter(|diagnostic| !spoilt.contains(&diagnostic.location) && !fields.contains(&diagnostic.location))
        .collect()
}
