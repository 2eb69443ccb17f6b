//! Extensions: more time for access that a Run gives already.
//!
//! An extension is a request of its own kind in the same Run. It is routed by the same reducers, passes through the same hooks and is decided
//! under the same rules as the request that gave the access, and it has no effect until it is approved. Then the end of the access moves,
//! in the commit of the approval, so that there is neither a gap nor a moment without an expiry timer.
//!
//! Whatever becomes of an extension, the access that the Run gives stays under the rules of `access` and `expiry`:
//!
//! - An extension that is denied, ignored, fails or expires leaves the access as it was. It never fails the Run.
//! - It cannot hold up the end of access. A revocation and the expiry of the access do not wait for its hooks, its reducers or its
//!   grant: they close it. See [`Stepper::preempt_extension`](super::stepper::Stepper::preempt_extension).
//! - It never reaches beyond the longest duration that the flow offers, counted from the decision.
//! - A Run has one extension at a time. Its approvals, messages and routing are its own: nobody approves by mistake what is about something
//!   else, because a decision names the extension.
//!
//! `round` has the view of a request and of an extension that the rules of both share, `decision` the approval and every other end of an
//! extension, and `grant` the grant that a target needs which ends access by itself.

mod decision;
mod grant;
mod round;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(super) use self::round::Round;
use super::access::Access;
use super::audit_entry::{AuditKind, HandlerResult};
use super::effect::EffectKind;
use super::effect_error::EffectError;
use super::event_record::EventRecord;
use super::input::{Action, ExtensionInput};
use super::message_status::DeliveredMessage;
use super::outcome::Routing;
use super::recheck::longest_duration;
use super::reminders::Reminders;
use super::state::{RunState, Stage};
use super::stepper::{Stepper, handler_called};
use crate::error::{ErrorKind, codes};
use crate::model::{Channel, EventId, ExtensionInfo, Flow, HandlerRef, Hook, Step, User};
use crate::routing::Notification;
use crate::time::TimestampExt;

/// An extension of the access that a Run gives: the current one, or the last one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Extension {
    /// The id, which is that of the event that requested it.
    pub id: EventId,
    /// The status.
    pub status: ExtensionStatus,
    /// The time of the request.
    pub requested_at: Timestamp,
    /// The time by which the access is to be extended. A hook may have changed it.
    pub duration: Duration,
    /// Whether a hook has chosen the duration, rather than the requester.
    #[serde(default)]
    pub duration_set_by_hook: bool,
    /// The reason that the requester gave.
    pub reason: Option<String>,
    /// The end of the access when the extension was requested.
    pub access_until: Timestamp,
    /// The new end of the access, once the extension is approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The permissions and notifications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing: Option<Routing>,
    /// The index of the current notification.
    #[serde(default)]
    pub current_notification: usize,
    /// The messages that were delivered.
    #[serde(default)]
    pub delivered: Vec<DeliveredMessage>,
    /// The people who have approved it so far.
    #[serde(default)]
    pub approvals: Vec<Arc<User>>,
    /// The shortest duration for which it was approved so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_duration: Option<Duration>,
    /// The event that decided it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Arc<EventRecord>>,
    /// The request whose `after_request` hook is called once the first notification is delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deferred_after_request: Option<Arc<EventRecord>>,
    /// The number of times in a row that hooks have ignored its forward or its expiry.
    #[serde(default)]
    pub deferrals: u32,
    /// The reminders of those who can decide it.
    #[serde(default, skip_serializing_if = "Reminders::is_default")]
    pub reminders: Reminders,
}

/// The status of an [`Extension`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ExtensionStatus {
    /// It waits for its hook or for the reducers.
    Pending,
    /// It waits for a decision.
    Open,
    /// It was approved, and its target is asked to grant the access until the new end.
    Approved,
    /// It has moved the end of the access.
    Granted,
    /// It was denied, or withdrawn by the requester.
    Denied,
    /// Nobody decided it in time.
    Expired,
    /// It ended otherwise: it failed, a hook ignored it, its target did not grant it, or the access ended before.
    Closed,
}

impl ExtensionStatus {
    /// Returns whether the extension can still move the end of the access.
    pub const fn is_unsettled(self) -> bool {
        matches!(self, Self::Pending | Self::Open | Self::Approved)
    }

    /// Returns the status in words, as in "the extension was approved".
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Open => "open",
            Self::Approved | Self::Granted => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Closed => "closed",
        }
    }
}

impl Extension {
    /// Returns whether the extension waits for a decision.
    pub fn is_open(&self) -> bool {
        self.status == ExtensionStatus::Open
    }

    /// Returns the extension as events refer to it.
    pub fn info(&self) -> ExtensionInfo {
        ExtensionInfo::new(self.id, self.access_until)
    }
}

impl RunState {
    /// Returns the extension that waits for a decision.
    pub fn open_extension(&self) -> Option<&Extension> {
        self.extension.as_deref().filter(|extension| extension.is_open())
    }

    /// Returns the extension that can still move the end of the access.
    pub(super) fn unsettled_extension(&self) -> Option<&Extension> {
        self.extension.as_deref().filter(|extension| extension.status.is_unsettled())
    }
}

/// Returns the end of access that is extended by `duration` in a decision made `now`: never beyond the longest duration that the flow
/// offers. `None` if that is no later than the present end.
pub(super) fn extended_end(flow: &Flow, until: Timestamp, duration: Duration, now: Timestamp) -> Option<Timestamp> {
    let extended = until.plus(duration).min(now.plus(longest_duration(flow)));
    (extended > until).then_some(extended)
}

/// Checks that the Run gives access that can be extended now.
pub(super) fn check_extendable(flow: &Flow, state: &RunState, clock: Timestamp) -> Result<(), EffectError> {
    let refused = |message: &str| Err(EffectError::new(ErrorKind::Conflict, codes::NOT_EXTENDABLE, message));
    let until = match &state.access {
        Access::Held(grant) => grant.until,
        Access::None if state.decision.is_none() => return refused("this request does not give access yet"),
        Access::None | Access::Granting(_) => return refused("the access has not been granted yet"),
        Access::Revoking { .. } | Access::Ended | Access::WrittenOff(_) => {
            return refused("the access has ended; make a new request");
        }
    };
    let Some(until) = until else { return refused("the access lasts until it is revoked; there is no end to extend") };
    if !flow.params().allow_extension {
        let message = format!("flow `{}` does not allow extensions", flow.name());
        return Err(EffectError::new(ErrorKind::Forbidden, codes::NOT_EXTENDABLE, message)
            .with_hint("make a new request before the access ends"));
    }
    if clock >= until {
        return refused("the access has reached its end; make a new request");
    }
    if state.unsettled_extension().is_some() {
        return refused("an extension of this access is in progress already");
    }
    if clock.plus(longest_duration(flow)) <= until {
        return refused("the access lasts as long as the flow allows already; ask again when it is closer to its end");
    }
    Ok(())
}

// Requesting an extension.

impl Stepper<'_> {
    /// Returns the record of the event that an action becomes.
    pub(super) fn action_record(
        &self,
        id: EventId,
        action: &Action,
        actor: &Arc<User>,
        channel: Channel,
    ) -> EventRecord {
        let record = self.record(id, action.step(), actor, channel).with_action(action);
        let record = match (action, action.extension()) {
            (Action::Extend(_), _) => {
                let until = self.state.access.grant().and_then(|grant| grant.until);
                EventRecord { extension: Some(ExtensionInfo::new(id, until)), ..record }
            }
            (_, Some(id)) => self.in_round(record, Round::Extension(id)),
            (_, None) => record,
        };
        match action {
            Action::Approve { duration: Some(duration), .. } => EventRecord {
                duration: Some(*duration),
                // The approver's own choice, unless it is what the hook chose.
                duration_set_by_hook: record.duration_set_by_hook && record.duration == Some(*duration),
                ..record
            },
            _ => record,
        }
    }

    /// Returns an event with the content of the request or the extension that it belongs to.
    pub(super) fn in_round(&self, event: EventRecord, round: Round) -> EventRecord {
        match (round, self.state.extension.as_deref()) {
            (Round::Extension(id), Some(extension)) if extension.id == id => EventRecord {
                extension: Some(extension.info()),
                duration: Some(extension.duration),
                duration_set_by_hook: extension.duration_set_by_hook,
                reason: event.reason.or_else(|| extension.reason.clone()),
                ..event
            },
            (Round::Extension(id), _) => EventRecord { extension: Some(ExtensionInfo::new(id, None)), ..event },
            (Round::Request, _) => event,
        }
    }

    /// Begins an extension with the event of its request.
    pub(super) fn begin_extension(&mut self, event: EventRecord, input: &ExtensionInput) {
        let Some(access_until) = event.extension.and_then(|extension| extension.access_until) else { return };
        self.state.extension = Some(Box::new(Extension {
            id: event.id,
            status: ExtensionStatus::Pending,
            requested_at: self.now,
            duration: input.duration,
            duration_set_by_hook: false,
            reason: input.reason.clone(),
            access_until,
            until: None,
            routing: None,
            current_notification: 0,
            delivered: Vec::new(),
            approvals: Vec::new(),
            approved_duration: None,
            decision: None,
            deferred_after_request: None,
            deferrals: 0,
            reminders: Reminders::default(),
        }));
        self.begin(event, Default::default());
    }

    /// Asks who may decide an extension.
    pub(super) fn request_extension(&mut self, event: Arc<EventRecord>) {
        if let (Some(extension), Some(duration)) = (self.extension_mut(&event), event.duration) {
            extension.duration = duration;
            extension.duration_set_by_hook = event.duration_set_by_hook;
        }
        self.wait_for(event, Stage::Route, Default::default(), EffectKind::Route);
    }

    /// Opens an extension to those who may decide it.
    pub(super) fn extension_routed(&mut self, event: Arc<EventRecord>, handlers: &[HandlerRef], routing: &Routing) {
        for handler in handlers {
            self.audit(&event, handler_called(handler, HandlerResult::Returned));
        }
        let notifications = routing.notifications.iter().map(Notification::label).collect();
        self.audit(&event, AuditKind::Routed { permission: routing.permission.clone(), notifications });
        let has_hook = self.rules.hooks.has(Hook::After(Step::Request));
        let Some(extension) = self.extension_mut(&event) else { return };
        extension.routing = Some(routing.clone());
        extension.status = ExtensionStatus::Open;
        if has_hook && !routing.notifications.is_empty() {
            extension.deferred_after_request = Some(event.clone());
        }
        self.complete_extension_event(&event);
        self.update_receipt(&event);
        self.start_lifetime();
        self.report_dead_end(&event, routing);
        if routing.notifications.is_empty() {
            self.after(&event);
        } else {
            self.deliver_current(&event);
        }
    }

    /// Records that an event of an extension was processed. The status of the Run stays that of the access, and so do the users who
    /// triggered its steps.
    pub(super) fn complete_extension_event(&mut self, event: &Arc<EventRecord>) {
        if let Some(extension) = self.extension_mut(event) {
            extension.deferrals = 0;
        }
        self.audit(event, AuditKind::Completed);
    }

    /// Returns the extension that an event belongs to, unless another one has begun since.
    pub(super) fn extension_mut(&mut self, event: &EventRecord) -> Option<&mut Extension> {
        let id = event.extension?.id;
        self.state.extension.as_deref_mut().filter(|extension| extension.id == id)
    }
}
