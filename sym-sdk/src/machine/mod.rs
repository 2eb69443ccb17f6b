//! The approval template as a pure function: [`step`] takes a flow's rules, a Run's state and one input, and gives the new state
//! with everything that must now happen.
//!
//! Nothing here reads a clock, calls a handler or touches the world. What must be done outside is asked for as an [`Effect`];
//! its [`Outcome`] comes back as the next [`Input`]. The same state and input always give the same [`Transition`], so a Run
//! can be replayed, explored by a model checker, and stepped again after a crash.

mod access;
mod admit;
mod audit_entry;
mod clock;
mod decide;
mod effect;
mod effect_error;
mod input;
mod notice;
mod notify;
mod redirect;
mod repair;
mod request;
mod retry;
mod state;
mod stepper;
mod timer;
mod transition;

pub use audit_entry::{AuditEntry, AuditKind, HandlerResult};
pub use effect::{
    Bulkhead, DeliveryResult, Effect, EffectKey, EffectKind, EntitlementKey, FormRef, HookResult, Lane, MessageRef,
    Outcome, Revocation, RevocationCheck, Routing,
};
pub use effect_error::EffectError;
pub use input::{Action, Input, InputBody, Removal, RequestInput};
pub use notice::Notice;
pub use retry::{IGNORED_EXPIRY_RETRY_DELAY, MAX_GRANT_ATTEMPTS, MAX_REVOKE_DELAY, revoke_delay};
pub use state::{
    Access, ActiveEvent, DeliveredMessage, EventRecord, Grant, PendingExpiry, QueuedInput, RequestData, RunError,
    RunState, Stage,
};
pub use timer::{TimerChange, TimerKind};
pub use transition::{EntitlementChange, InputReply, Transition};

use crate::model::{Flow, Hooks};

/// What the machine must know of a flow.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The flow as it is configured now.
    pub flow: &'a Flow,
    /// The hooks that the flow has. A hook that is absent costs no effect.
    pub hooks: Hooks,
}

/// Carries out one input on a Run.
///
/// `state` is `None` for a Run that does not exist yet. The transition's state is `None` if nothing is to be stored for the
/// Run: a first input that was refused leaves its audit entry and no Run.
pub fn step(rules: &Rules<'_>, state: Option<&RunState>, input: &Input) -> Transition {
    stepper::Stepper::new(rules, state, input).run(input)
}
