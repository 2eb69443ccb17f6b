//! The state of a Run.
//!
//! It is stored as a whole at every commit, so all of it is bounded: nothing that can be repeated makes it grow.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::access::{Access, EntitlementKey, Grant};
use super::effect::EffectKind;
use super::event_record::EventRecord;
use super::extension::Extension;
use super::fingerprint::Fingerprint;
use super::input::{Action, FormRef};
use super::message_status::{DeliveredMessage, MessageRef};
use super::outcome::Routing;
use super::reminders::Reminders;
use super::timer::{LiveTimer, TimerKind};
use crate::error::ErrorCode;
use crate::forms::{FieldMap, OptionLabels};
use crate::model::{AccessTarget, Channel, DeescalateType, EventId, Run, RunStatus, Srn, Step, User, UserId};
use crate::routing::RequestPermission;

/// The state of a Run, stored as a whole at every commit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunState {
    /// The Run as handlers see it.
    pub run: Run,
    /// The channel through which each step came whose actor the Run names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub actor_channels: BTreeMap<Step, Channel>,
    /// The flow.
    pub flow: Srn,
    /// The time of the first event.
    pub created_at: Timestamp,
    /// The time of the last change. It never decreases, even if the clock goes back.
    pub updated_at: Timestamp,
    /// The user who has begun the Run, until the first step has an actor: an `on_` hook may come before that, or fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_by: Option<UserId>,
    /// The fingerprint of the flow under which a request was submitted that is not stored yet: its `on_request` hook comes first, and
    /// may be called by a program with another configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted_under: Option<Fingerprint>,
    /// The content of the request.
    pub request: Option<RequestData>,
    /// The permissions and notifications of the request.
    pub routing: Option<Routing>,
    /// The index of the current notification.
    pub current_notification: usize,
    /// The messages that were delivered.
    pub delivered: Vec<DeliveredMessage>,
    /// The message in which the requester follows the request, once it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<MessageRef>,
    /// The number of messages that were sent again because they were gone.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub resent: u32,
    /// The view that shows the form, if the front end has named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<FormRef>,
    /// The shortest duration for which the request was approved so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_duration: Option<Duration>,
    /// The event that decided the request.
    pub decision: Option<Arc<EventRecord>>,
    /// The access that the Run gives.
    pub access: Access,
    /// The extension of the access that is in progress, or the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<Box<Extension>>,
    /// The access that the Run gave, once it has ended. Reconciliation compares its target for some time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former_grant: Option<Grant>,
    /// The time at which the requester was told that the access has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The trigger of the end of the access, once it has ended. `None` for Runs that ended under an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deescalate_type: Option<DeescalateType>,
    /// The event that waits for the outcome of an effect.
    #[serde(alias = "cycle")]
    pub active_event: Option<ActiveEvent>,
    /// The inputs that wait for the active event.
    pub queue: VecDeque<QueuedInput>,
    /// The effects without an outcome, by their numbers.
    pub pending: BTreeMap<u64, PendingEffect>,
    /// The timers that are set.
    pub timers: BTreeMap<TimerKind, LiveTimer>,
    /// The request whose `after_request` hook is called once the first notification is delivered.
    #[serde(alias = "after_request_due")]
    pub deferred_after_request: Option<Arc<EventRecord>>,
    /// The reminders of those who can decide the request.
    #[serde(default, skip_serializing_if = "Reminders::is_default")]
    pub reminders: Reminders,
    /// The error that failed the Run.
    pub error: Option<RunError>,
    /// The number of times in a row that hooks have ignored the end of access, or the forward or expiry of the request.
    #[serde(default)]
    pub deferrals: u32,
    /// The time at which people were last told that the access which the Run holds cannot be revoked as things are; `None` if it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_blocked: Option<Timestamp>,
    /// Whether the Run accepts no request any more, although none was submitted: its first event was ignored.
    pub closed: bool,
    /// The number of the next effect.
    pub next_seq: u64,
    /// The generation of the next timer.
    pub next_generation: u64,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl RunState {
    /// Returns whether the request can be decided now.
    pub fn is_open(&self) -> bool {
        matches!(self.run.status(), RunStatus::Requested | RunStatus::Forwarded)
    }

    /// Returns the id of the user who made the request, also while its `on_request` hook has not returned yet.
    pub fn requester_id(&self) -> Option<UserId> {
        self.run.requester().map(User::id).or(self.begun_by)
    }

    /// Returns the name and the username of the requester in lower case, in which people are searched.
    pub(crate) fn requester_names(&self) -> Option<String> {
        let requester = self.run.requester()?;
        Some(format!("{} {}", requester.full_name(), requester.username()).to_lowercase())
    }

    /// Returns the id of the person who answers for the agent that made the request, if one did.
    pub fn owner_id(&self) -> Option<UserId> {
        self.run.requester().and_then(|requester| requester.owner()).map(|owner| owner.id())
    }

    /// Returns the id of the user who opened the form, as long as no request was made with it.
    pub fn opener_id(&self) -> Option<UserId> {
        self.run.actor(Step::Prompt).filter(|_| self.requester_id().is_none()).map(User::id)
    }

    /// Returns the name of the requested target.
    pub(crate) fn target_name(&self) -> Option<&str> {
        let target = self.request.as_ref().and_then(|request| request.target.as_ref());
        target.map(|target| target.name().as_str())
    }

    /// Returns the permissions of what waits for a decision: the open extension, or the open request.
    pub(crate) fn open_permission(&self) -> Option<&RequestPermission> {
        let routing = match self.open_extension() {
            Some(extension) => extension.routing.as_ref(),
            None => self.routing.as_ref().filter(|_| self.is_open()),
        };
        routing.map(|routing| &routing.permission)
    }

    /// Returns the users who have approved or denied the request or an extension, some of them more than once.
    pub(crate) fn deciders(&self) -> impl Iterator<Item = UserId> {
        let extension = self.extension.as_deref();
        let approvals =
            self.run.approvals().iter().chain(extension.into_iter().flat_map(|extension| &extension.approvals));
        let decisions = self.decision.iter().chain(extension.and_then(|extension| extension.decision.as_ref()));
        let decisions = decisions.filter(|decision| !decision.decided_by_hook).map(|decision| decision.actor.id());
        approvals.map(|user| user.id()).chain(decisions)
    }

    /// Returns whether the Run waits for its form to be submitted.
    pub fn is_form_open(&self) -> bool {
        self.run.status() == RunStatus::Prompted && self.request.is_none() && !self.closed && !self.is_busy()
    }

    /// Returns whether an event is active or an input is queued.
    pub fn is_busy(&self) -> bool {
        self.active_event.is_some() || !self.queue.is_empty()
    }

    /// Returns whether the Run gives access, or may give it: from the request of a grant to the confirmed revocation.
    pub fn may_hold_access(&self) -> bool {
        matches!(self.access, Access::Granting(_) | Access::Held(_) | Access::Revoking { .. })
    }

    /// Returns the access that the Run gives or may give, or that it gave last.
    pub fn last_grant(&self) -> Option<&Grant> {
        self.access.grant().or(self.former_grant.as_ref())
    }

    /// Returns whether the Run gives this access, or gave it last. One whose access ended under a version that did not keep it may have
    /// given any.
    pub(crate) fn may_have_given(&self, entitlement: &EntitlementKey) -> bool {
        match self.last_grant() {
            Some(grant) => grant.entitlement == *entitlement,
            None => self.access == Access::Ended,
        }
    }

    /// Returns the level of the access that the Run gives, or gave last.
    pub(crate) fn last_level(&self) -> Option<&str> {
        self.last_grant()?.level.as_deref()
    }

    /// Returns whether a request gave access. Access that no request gave has no requester to notify, and its end calls no hooks.
    pub(crate) fn was_escalated(&self) -> bool {
        self.run.status() != RunStatus::Errored && self.decision.is_some()
    }

    /// Returns whether the access has not ended when it was to, or cannot: a revocation has failed and is not confirmed yet, a hook has
    /// deferred the end, or the strategy is gone or could not be built.
    pub fn is_stuck(&self) -> bool {
        match &self.access {
            Access::Held(_) => self.deferrals > 0 || self.revocation_blocked.is_some(),
            Access::Revoking { .. } => self.pending_revocation().is_some_and(|(_, pending)| pending.attempt > 1),
            _ => false,
        }
    }

    /// Returns whether nothing more can happen to the Run, apart from messages in flight.
    pub fn is_finished(&self) -> bool {
        !self.is_busy()
            && !self.may_hold_access()
            && (self.closed || self.run.status().is_terminal() || self.run.status() == RunStatus::Approved)
    }

    /// Returns whether the Run may be deleted: it is finished and every message was sent, or its form was shown and never
    /// submitted. A Run whose revocation was written off is kept: its access may still be there, and nothing else says that it is not
    /// [standing access](Grant::is_standing).
    pub fn is_prunable(&self) -> bool {
        let unsent_form = self.run.status() == RunStatus::Prompted && !self.is_busy();
        let may_be_left = matches!(self.access, Access::WrittenOff(_));
        self.pending.is_empty() && !may_be_left && (unsent_form || self.is_finished())
    }
}

/// The content of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RequestData {
    /// The target of the access.
    pub target: Option<AccessTarget>,
    /// The duration of the access.
    pub duration: Option<Duration>,
    /// Whether a hook has chosen the duration, rather than the requester. It need not be one that the flow offers then.
    #[serde(default)]
    pub duration_set_by_hook: bool,
    /// The fields of the form.
    pub fields: Arc<FieldMap>,
    /// The labels of the options that the requester chose.
    #[serde(default, skip_serializing_if = "OptionLabels::is_empty")]
    pub labels: OptionLabels,
    /// The reason to show in place of the field `reason`.
    pub reason: Option<String>,
    /// The strategy and account that the flow had when this was requested; `None` in requests of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
}

/// An event that waits for the outcome of an effect. A Run has at most one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ActiveEvent {
    /// The event.
    pub event: Arc<EventRecord>,
    /// The kind of effect that it waits for.
    pub stage: Stage,
    /// The number of the effect that it waits for.
    pub seq: u64,
    /// The steps that hooks have fired in place of themselves. Each may be fired once.
    pub repeated: BTreeSet<Step>,
}

/// The kind of effect that an event waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stage {
    /// The event's `on_` hook.
    Hook,
    /// The reducers.
    Route,
    /// The requester's identity.
    Identify,
    /// The strategy's grant.
    Grant,
    /// The strategy's grant of access that the Run already holds.
    Regrant,
    /// The strategy's grant of access until the new end of an approved extension.
    Extend,
}

/// An input that waits for the active event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum QueuedInput {
    /// An action of a person or a bot. It is checked when its turn comes.
    Action {
        /// The id of the event that it becomes.
        event: EventId,
        /// The person or bot.
        actor: Arc<User>,
        /// The channel through which it came.
        channel: Channel,
        /// The action.
        action: Action,
    },
    /// A timer that was set when it fired.
    Timer(TimerKind),
    /// A notification that could not be delivered.
    DeliveryFailed {
        /// The index of the notification.
        entry: usize,
        /// The event that sent it.
        event: Arc<EventRecord>,
    },
}

/// An effect without an outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PendingEffect {
    /// The event that requested it.
    pub event: Arc<EventRecord>,
    /// The work to do.
    pub kind: EffectKind,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// The earliest time of execution.
    pub not_before: Option<Timestamp>,
    /// The time of the request. `None` in records of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<Timestamp>,
}

impl PendingEffect {
    /// Returns a time before which the effect was not executed, if there is one on record.
    pub(super) fn earliest(&self) -> Option<Timestamp> {
        self.not_before.max(self.requested_at)
    }
}

/// The error that failed a Run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunError {
    /// The event that failed.
    pub event: Step,
    /// The code, for programs.
    pub code: ErrorCode,
    /// The message, for people. It names the handler that failed.
    pub message: String,
    /// The suggested action.
    pub hint: Option<String>,
}
