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

use super::{Config, Fault, Faults, Place};
use world::World;

/// What was read from Terraform files.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Terraform {
    /// The declarations. Their references are not checked yet: see [`Config::check`].
    pub config: Config,
    /// What was accepted, but is worth a look.
    pub notes: Vec<Fault>,
}

/// Reads a directory of Terraform files with the variables it is given.
///
/// ```no_run
/// # fn main() -> Result<(), sym_sdk::config::Faults> {
/// use sym_sdk::config::TerraformReader;
///
/// let read = TerraformReader::new().variable("request_channel", "#access").read("infra/sym")?;
/// for note in &read.notes {
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
    pub fn read(&self, dir: impl AsRef<Path>) -> Result<Terraform, Faults> {
        let world = World::new(dir.as_ref(), self.workspace.as_deref().unwrap_or("default"));
        let root = world.add_root();
        variables::give(&world, &root, self);
        let mut config = Config::default();
        world.declare(&root, &mut config);
        let mut stand_ins = world.stand_ins.take();
        config.integrations.iter().for_each(|known| drop(stand_ins.remove(&(known.kind.clone(), known.name.clone()))));
        config.integrations.extend(stand_ins.into_values());
        let mut faults = world.faults.take();
        if !faults.is_empty() {
            faults.extend(unspoilt(&config, &world.spoilt.take()));
        }
        Faults::check(faults)?;
        let mut notes = world.notes.take();
        notes.sort();
        notes.dedup();
        Ok(Terraform { config, notes })
    }
}

impl Config {
    /// Reads every Terraform file of a directory, with the variables that its own `.tfvars` files give.
    ///
    /// [`TerraformReader`] takes variables from elsewhere too.
    pub fn from_terraform_dir(dir: impl AsRef<Path>) -> Result<Terraform, Faults> {
        TerraformReader::new().read(dir)
    }
}

/// What is wrong with declarations that have no fault of their own in the files.
fn unspoilt(config: &Config, spoilt: &BTreeSet<Place>) -> Vec<Fault> {
    let Err(faults) = config.check() else { return Vec::new() };
    let flows = config.flows.iter().filter(|flow| spoilt.contains(&flow.place));
    let fields: BTreeSet<&Place> =
        flows.flat_map(|flow| &flow.params.prompt_fields).map(|field| &field.place).collect();
    faults.into_iter().filter(|fault| !spoilt.contains(&fault.place) && !fields.contains(&fault.place)).collect()
}
