//! The report of a reconciliation.

use std::sync::Arc;

use serde::Serialize;

use crate::machine::EffectError;
use crate::model::{AccessTarget, RunId, User};

/// The differences that a reconciliation found, and its repairs.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Reconciliation {
    /// The number of compared targets.
    pub compared: usize,
    /// The compared targets.
    pub targets: Vec<ComparedTarget>,
    /// Access that a Run grants and its target does not list.
    pub missing: Vec<MissingAccess>,
    /// Access that a target lists and no Run grants.
    pub extra: Vec<ExtraAccess>,
    /// Targets that could not be compared.
    pub unknown: Vec<UnknownAccess>,
}

impl Reconciliation {
    /// Returns whether all targets were compared and list exactly what Runs grant.
    pub fn is_clean(&self) -> bool {
        self.missing.is_empty() && self.extra.is_empty() && self.unknown.is_empty()
    }
}

/// A target that was compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ComparedTarget {
    /// The name of a flow that grants access to the target.
    pub flow: String,
    /// The target.
    pub target: AccessTarget,
    /// The number of identities that the target lists.
    pub identities: usize,
}

/// Access that a Run grants and its target does not list.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MissingAccess {
    /// The Run.
    pub run: RunId,
    /// The name of its flow.
    pub flow: String,
    /// The target.
    pub target: AccessTarget,
    /// The id of its owner in the service.
    pub identity: String,
    /// The repair.
    pub repair: Repair,
}

/// Access that a target lists and no Run grants.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ExtraAccess {
    /// The name of a flow that grants access to the target.
    pub flow: String,
    /// The target.
    pub target: AccessTarget,
    /// The id of its owner in the service.
    pub identity: String,
    /// The user, if the directory knows the identity as that of exactly one.
    pub user: Option<Arc<User>>,
    /// The repair.
    pub repair: Repair,
}

/// A target that could not be compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct UnknownAccess {
    /// The name of a flow that grants access to the target.
    pub flow: String,
    /// The target.
    pub target: AccessTarget,
    /// The reason. `None` if the strategy cannot list access.
    pub error: Option<EffectError>,
}

/// The repair of a difference.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Repair {
    /// None, because the options do not allow it.
    #[default]
    None,
    /// In progress in this Run.
    Begun(RunId),
    /// Refused: the difference was gone by then, or the repair is not possible.
    Refused(EffectError),
}
