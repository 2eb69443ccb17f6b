//! What a reconciliation found and did.

use std::sync::Arc;

use serde::Serialize;

use crate::machine::EffectError;
use crate::model::{AccessTarget, RunId, User};

/// What a reconciliation found and did.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Reconciliation {
    /// How many targets were compared.
    pub compared: usize,
    /// A Run gives it, and the target does not list it.
    pub missing: Vec<MissingAccess>,
    /// The target lists it, and no Run gives it.
    pub extra: Vec<ExtraAccess>,
    /// Targets that could not be compared.
    pub unknown: Vec<UnknownAccess>,
}

impl Reconciliation {
    /// Whether all targets were compared, and list what Runs give.
    pub fn is_clean(&self) -> bool {
        self.missing.is_empty() && self.extra.is_empty() && self.unknown.is_empty()
    }
}

/// Access that a Run gives and its target does not list.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MissingAccess {
    /// The Run.
    pub run: RunId,
    /// The name of its flow.
    pub flow: String,
    /// To what.
    pub target: AccessTarget,
    /// Whose, by the service's id.
    pub identity: String,
    /// What was done about it.
    pub repair: Repair,
}

/// Access that a target lists and no Run gives.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ExtraAccess {
    /// The name of a flow that gives access to the target.
    pub flow: String,
    /// To what.
    pub target: AccessTarget,
    /// Whose, by the service's id.
    pub identity: String,
    /// The person, if the directory knows the identity, and as that of one person only.
    pub user: Option<Arc<User>>,
    /// What was done about it.
    pub repair: Repair,
}

/// A target that could not be compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct UnknownAccess {
    /// The name of a flow that gives access to the target.
    pub flow: String,
    /// Which.
    pub target: AccessTarget,
    /// Why; `None` if its strategy cannot list.
    pub error: Option<EffectError>,
}

/// What was done about a difference.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Repair {
    /// Nothing: it was not allowed.
    #[default]
    None,
    /// It is under way in this Run.
    Begun(RunId),
    /// By then it was no longer called for, or could not be asked for.
    Refused(EffectError),
}
