//! What one step gives.

use serde::{Deserialize, Serialize};

use super::audit_entry::AuditEntry;
use super::effect::{Effect, EntitlementKey};
use super::effect_error::EffectError;
use super::state::RunState;
use super::timer::TimerChange;
use crate::model::EventId;

/// What one step gives. All of it is committed at once, or none.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Transition {
    /// The new state; `None` if the input changes nothing that is stored.
    pub state: Option<RunState>,
    /// What is to be carried out after the commit.
    pub effects: Vec<Effect>,
    /// Changes of timers.
    pub timers: Vec<TimerChange>,
    /// Changes of who needs which access.
    pub holds: Vec<EntitlementChange>,
    /// What happened.
    pub audit: Vec<AuditEntry>,
    /// The answer to whoever sent the input.
    pub reply: InputReply,
}

/// A change of who needs a piece of access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum EntitlementChange {
    /// The Run needs it from now on.
    Hold(EntitlementKey),
    /// The Run needs it no longer.
    Release(EntitlementKey),
}

/// The answer to an input. It is stored with the input's key: the same input again gets the same answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum InputReply {
    /// It was taken, and will be carried out.
    Accepted {
        /// The event that it became; `None` for the engine's own inputs.
        event: Option<EventId>,
    },
    /// It was refused, and nothing has changed.
    Refused {
        /// The event, for its status.
        event: EventId,
        /// Why.
        error: EffectError,
    },
    /// It concerns nothing that is still going on.
    Stale,
}
