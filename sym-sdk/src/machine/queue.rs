//! Admission to the queue of a Run: the actions that may wait while an event is active.
//!
//! The state may still change until a queued action has its turn, so whether it applies is decided then. Whether its actor may ever take
//! it does not change, and is decided before: otherwise a crowd of people without permission could fill the queue, and keep out those
//! who want to stop the request. For the same reason everybody has one place for each kind of action, and some places are kept for
//! actions that take something away.

use super::effect_error::EffectError;
use super::input::ActionKind;
use super::permissions;
use super::state::{QueuedInput, RunState};
use crate::error::{ErrorKind, codes};
use crate::model::{Flow, User};

/// The maximum number of inputs that wait for the active event. Further ones are refused, so that a Run cannot grow without
/// bound.
const MAX_QUEUED_INPUTS: usize = 64;

/// The number of these places that are kept for denials, revocations and write-offs by people who are permitted to make them.
const RESERVED_INPUTS: usize = 16;

/// Checks whether an action of this kind may wait for the active event.
pub(super) fn check(flow: &Flow, state: &RunState, actor: &User, kind: ActionKind) -> Result<(), EffectError> {
    let is_certain = permissions::check_actor(flow, state, actor, kind)?;
    let refused = |message| Err(EffectError::new(ErrorKind::Forbidden, codes::NOT_PERMITTED, message));
    let is_repeated = state.queue.iter().any(|queued| match queued {
        QueuedInput::Action { actor: other, action, .. } => other.id() == actor.id() && action.kind() == kind,
        _ => false,
    });
    if is_repeated {
        return refused("you have done this already, and it is in progress");
    }
    let ends_something =
        matches!(kind, ActionKind::Deny | ActionKind::DenyExtension | ActionKind::Revoke | ActionKind::WriteOff);
    let places = if ends_something && is_certain { MAX_QUEUED_INPUTS } else { MAX_QUEUED_INPUTS - RESERVED_INPUTS };
    if state.queue.len() < places {
        return Ok(());
    }
    refused("too many actions on this request are in progress; try again shortly")
}
