//! What comes in.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::effect::{FormRef, Outcome};
use super::timer::TimerKind;
use crate::forms::FieldMap;
use crate::model::{AccessTarget, Channel, EventId, RunId, Srn, User};

/// One input of a Run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Input {
    /// The Run.
    pub run: RunId,
    /// The flow, for an input that begins a Run.
    pub flow: Srn,
    /// When it came, by the engine's clock.
    pub at: Timestamp,
    /// What it is.
    pub body: InputBody,
    /// Where the form is to be shown, for an input that begins a Run with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<FormRef>,
}

impl Input {
    /// An input.
    pub fn new(run: RunId, flow: Srn, at: Timestamp, body: InputBody) -> Self {
        Self { run, flow, at, body, form: None }
    }

    /// Says where the form is to be shown.
    #[must_use]
    pub fn shown_in(mut self, form: Option<FormRef>) -> Self {
        self.form = form;
        self
    }
}

/// What an input is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum InputBody {
    /// A person or a bot did something.
    Submitted {
        /// The id of the event that this becomes.
        event: EventId,
        /// Who.
        actor: Arc<User>,
        /// Through what.
        channel: Channel,
        /// What.
        action: Action,
    },
    /// An effect was carried out.
    EffectDone {
        /// The number of the effect within the Run.
        seq: u64,
        /// What came of it.
        outcome: Outcome,
    },
    /// A timer fell due.
    TimerFired {
        /// Which timer.
        kind: TimerKind,
        /// The generation it was set with.
        generation: u64,
    },
    /// The store has lost what was to end the Run's access, so it must be asked for anew.
    Rearm,
    /// The clock shows a time well before that of the Run's last change: it was ahead then, or it is behind now.
    #[serde(alias = "ClockWentBack")]
    ClockWentBack,
}

/// What a person or a bot can do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Action {
    /// Ask for the form.
    Prompt,
    /// Submit the form, or send a request.
    Request(Box<RequestInput>),
    /// Approve the request.
    Approve {
        /// The text that was entered with the decision.
        decision_message: Option<String>,
    },
    /// Deny the request. The requester cancels with it.
    Deny {
        /// The text that was entered with the decision.
        decision_message: Option<String>,
    },
    /// Take the access away before its time. While a revocation fails: try again now.
    Revoke,
    /// Give up a revocation that does not succeed. Only admins may; whether the access is still there is theirs to see to.
    WriteOff {
        /// Why, for the record.
        reason: String,
    },
    /// Grant again what the Run holds and its target no longer has.
    Regrant,
    /// Take away access that no Run accounts for. It begins a Run of its own.
    Remove(Box<Removal>),
}

/// Access that no Run accounts for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Removal {
    /// To what.
    pub target: AccessTarget,
    /// Who has it, by the service's id.
    pub identity: String,
    /// What the strategy grants, in its own words.
    pub resource: String,
}

impl Removal {
    /// What is to be taken away; `resource` is what the strategy calls the target.
    pub fn new(target: AccessTarget, identity: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { target, identity: identity.into(), resource: resource.into() }
    }
}

/// A request's content. Its fields, target and duration have been checked against the flow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RequestInput {
    /// What access is wanted to; `None` for a flow that only approves.
    pub target: Option<AccessTarget>,
    /// For how long.
    pub duration: Option<Duration>,
    /// The form's fields.
    pub fields: FieldMap,
    /// The API's `context` object.
    pub context: Option<Map<String, Value>>,
    /// The Run that led to this one.
    pub parent: Option<RunId>,
}
