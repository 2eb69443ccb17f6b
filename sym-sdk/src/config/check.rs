//! Resolves declarations into the model, or says everything that is wrong with them.

use super::{Config, Faults};

/// A configuration without faults, its references resolved.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Checked {}

impl Config {
    /// Resolves every reference and checks every rule, all faults at once.
    pub fn check(&self) -> Result<Checked, Faults> {
        Ok(Checked {})
    }
}
