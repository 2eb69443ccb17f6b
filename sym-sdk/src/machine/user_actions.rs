//! Actions of administrators on users. They belong to no Run and change none: the machine only turns them into audit entries.
//!
//! Their consequences in Runs, such as the end of access, are submitted to each Run as any other action is.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::audit_entry::AuditKind;
use super::effect_error::EffectError;
use super::input::{Input, InputBody};
use super::outside_of_runs::OutsideEvent;
use super::transition::{InputReply, Transition};
use crate::model::{Channel, EventId, Step, User, UserId};

/// An action of an administrator on a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UserAction {
    /// Lock the user: everything that they submit is refused, and their access ends.
    Lock,
    /// Unlock the user. Access that ended does not come back.
    Unlock,
    /// Delete the user: their access ends, and they are not added again by themselves.
    Delete,
    /// Bring a deleted user back, as they were.
    Restore,
    /// Add a new person, whose address may have been that of a deleted user.
    Admit,
}

impl UserAction {
    /// Returns the step under which the action is recorded. The log has no steps of its own for users.
    const fn step(self) -> Step {
        match self {
            Self::Lock | Self::Delete => Step::Deescalate,
            Self::Unlock | Self::Restore | Self::Admit => Step::Approve,
        }
    }

    /// Returns the past participle, for texts.
    pub const fn past_participle(self) -> &'static str {
        match self {
            Self::Lock => "locked",
            Self::Unlock => "unlocked",
            Self::Delete => "deleted",
            Self::Restore => "restored",
            Self::Admit => "admitted",
        }
    }
}

/// An action on a user, to be recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UserActionInput {
    /// The id of the event.
    pub event: EventId,
    /// The administrator.
    pub actor: Arc<User>,
    /// The channel through which it came.
    pub channel: Channel,
    /// The action.
    pub action: UserAction,
    /// The id of the user.
    pub user: UserId,
    /// The name of the user.
    pub username: String,
    /// The reason that was given.
    pub reason: String,
    /// The reason why the action was refused, if it was.
    pub refusal: Option<EffectError>,
}

/// Returns the transition that records an action on a user. `None` if the input is another one.
pub(super) fn record_user_action(input: &Input) -> Option<Transition> {
    let InputBody::UserAction(action) = &input.body else { return None };
    let UserActionInput { event, actor, channel, action, user, username, reason, refusal } = &**action;
    let kind =
        AuditKind::UserAction { action: *action, user: *user, username: username.clone(), refusal: refusal.clone() };
    let reply = match refusal {
        Some(error) => InputReply::Refused { event: *event, error: error.clone() },
        None => InputReply::Accepted { event: Some(*event) },
    };
    let (reason, names_actor) = (Some(reason.clone()), refusal.is_none());
    let recorded = OutsideEvent { id: *event, step: action.step(), actor, channel, reason, names_actor, kind };
    Some(recorded.record(input, reply))
}
