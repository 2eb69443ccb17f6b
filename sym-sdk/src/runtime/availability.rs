//! The parts of a program that are not available, and the access that cannot be revoked because of that.

use jiff::Timestamp;
use serde::Serialize;

use crate::config::Diagnostic;
use crate::machine::EffectError;
use crate::model::RunId;

/// A kind of part of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UnavailablePart {
    /// Everything: no flow accepts requests. Access is still revoked.
    Program,
    /// A flow that accepts no requests. The access that it gave is revoked as far as its strategy is available.
    Flow,
    /// A flow that is no longer configured while Runs of it may hold access.
    RemovedFlow,
    /// A front end that is not served.
    FrontEnd,
    /// A log destination that receives no audit entries. It will receive them once it is available.
    LogDestination,
}

impl UnavailablePart {
    /// Returns the part in words, such as `front end`.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Flow => "flow",
            Self::RemovedFlow => "removed flow",
            Self::FrontEnd => "front end",
            Self::LogDestination => "log destination",
        }
    }
}

/// A part of a program that is not available.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Unavailable {
    /// The kind of part.
    pub part: UnavailablePart,
    /// The name: that of the flow, for example.
    pub name: String,
    /// The time at which the program found out.
    pub since: Timestamp,
    /// Whether the part is tried again while the program runs. Otherwise it takes another configuration, and a restart.
    pub is_retried: bool,
    /// The reasons.
    pub faults: Vec<Diagnostic>,
}

/// Access that a Run may hold and that cannot be revoked as things are.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BlockedAccess {
    /// The Run.
    pub run: RunId,
    /// The name of its flow.
    pub flow: String,
    /// The target.
    pub target: String,
    /// The account with the access, at the service.
    pub identity: String,
    /// The end of the access. `None` for access that lasts until it is revoked.
    pub until: Option<Timestamp>,
    /// The reason.
    pub error: EffectError,
}

impl BlockedAccess {
    /// Returns whether the access should have ended.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until < now)
    }
}

/// The faults of a part that is built once, at start.
#[derive(Clone, Debug)]
pub(super) struct PartFaults {
    pub(super) part: UnavailablePart,
    pub(super) name: String,
    pub(super) faults: Vec<Diagnostic>,
}

impl PartFaults {
    /// Returns `None` if there are no faults.
    pub(super) fn of(part: UnavailablePart, name: &str, faults: Vec<Diagnostic>) -> Option<Self> {
        (!faults.is_empty()).then(|| Self { part, name: name.to_owned(), faults })
    }
}
