//! Audit entries: the record of everything that happens in a Run.
//!
//! They are part of the transition and committed with it, so nothing happens without being recorded and nothing is recorded that
//! did not happen. Chaining, storing and shipping them is the task of [`audit`](crate::audit).

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::account_events::AccountEvent;
use super::effect_error::EffectError;
use super::event_record::EventRecord;
use super::input::ActionKind;
use super::prior_state::PriorState;
use super::user_actions::UserAction;
use crate::model::{EventId, HandlerRef, LoggedActor, LookUp, RunId, RunStatus, Srn, Step, UserId};
use crate::routing::RequestPermission;

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuditEntry {
    /// The Run.
    pub run: RunId,
    /// The flow.
    pub flow: Srn,
    /// The Run that led to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<RunId>,
    /// The time.
    pub at: Timestamp,
    /// The event during which it happened.
    pub event: Arc<EventRecord>,
    /// The users who triggered the steps of the Run, each with their account in the service of the step's channel. They include the
    /// actor of the event, unless it was refused. Entries of schema 1 have none.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub actors: Arc<BTreeMap<Step, LoggedActor>>,
    /// The Run's status. [`AuditKind::Completed`] is the first entry with a new one.
    pub status: RunStatus,
    /// The kind of entry, with its details.
    pub kind: AuditKind,
}

fn is_empty(actors: &Arc<BTreeMap<Step, LoggedActor>>) -> bool {
    actors.is_empty()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// The kinds of audit entries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AuditKind {
    /// The event was admitted, and its processing began.
    Received,
    /// The event was refused; nothing has changed.
    Refused {
        /// The reason.
        error: EffectError,
    },
    /// A submission was refused before it became an event of the Run: the flow is hidden from its actor, the actor is not known, or
    /// an input is invalid. If the Run never began, the entry has an id that belongs to no Run.
    ///
    /// The inputs are not recorded. Many refusals of one actor are recorded in part only.
    SubmissionRefused {
        /// The kind of action. The name of the event is that of the step it would have become.
        action: ActionKind,
        /// Whether the actor is in the directory. Otherwise the actor is what the submission claims.
        is_known_actor: bool,
        /// The reason, without the message that the submitter got.
        error: EffectError,
        /// The number of refusals that were too many to be recorded since the last one that was.
        #[serde(default, skip_serializing_if = "is_zero")]
        omitted: u64,
    },
    /// A handler was called.
    HandlerCalled {
        /// The handler.
        handler: HandlerRef,
        /// The result.
        result: HandlerResult,
    },
    /// A handler has asked services something. The entry of its call follows.
    LookedUp {
        /// The handler.
        handler: HandlerRef,
        /// The questions with their answers, in order.
        answers: Vec<LookUp>,
    },
    /// A hook ignored the event.
    Ignored {
        /// The hook's message.
        message: Option<String>,
    },
    /// The event was processed.
    Completed,
    /// The event failed, and the Run with it. The event of an extension fails the extension alone.
    Failed {
        /// The reason.
        error: EffectError,
    },
    /// Something failed that does not fail the event.
    Reported {
        /// The failure.
        error: EffectError,
    },
    /// The reducers returned who may decide and who is notified.
    Routed {
        /// The permissions: who may see and who may decide the request.
        permission: RequestPermission,
        /// The notifications in order, for people.
        notifications: Vec<String>,
    },
    /// An approval was counted.
    Counted {
        /// The number of approvals so far.
        approvals: usize,
        /// The number of approvals needed.
        needed: usize,
    },
    /// An earlier approval does not count any more: its author may not approve the request now.
    ApprovalWithdrawn {
        /// The username of the approver.
        approver: String,
        /// The reason.
        error: EffectError,
    },
    /// The form was opened.
    FormOpened,
    /// The request was delivered to a destination.
    Delivered {
        /// The index of the notification, from 0.
        entry: usize,
        /// The destination, for people.
        destination: String,
    },
    /// A destination has opted out of notifications.
    OptedOut {
        /// The index of the notification, from 0.
        entry: usize,
        /// The destination, for people.
        destination: String,
    },
    /// The request could not be delivered to a destination.
    DeliveryFailed {
        /// The index of the notification, from 0.
        entry: usize,
        /// The destination, for people.
        destination: String,
        /// The reason.
        error: EffectError,
    },
    /// A message was sent to a person.
    Messaged {
        /// The username of the recipient.
        to: String,
        /// The text.
        text: String,
    },
    /// Those to whom a notification was delivered are about to be reminded, by themselves or because the requester has asked for it. This
    /// settles the event.
    ReminderBegun {
        /// The index of the notification, from 0.
        entry: usize,
    },
    /// A destination was reminded.
    Reminded {
        /// The index of the notification, from 0.
        entry: usize,
        /// The destination, for people.
        destination: String,
    },
    /// The requester's identity in the service was found.
    Identified {
        /// The identity.
        identity: String,
    },
    /// The identity has the access already, without any request. The Run neither grants nor revokes it.
    StandingAccess {
        /// The target.
        target: String,
        /// The identity that has the access.
        identity: String,
    },
    /// The identity has lesser access already, without any request. The end of the Run's access restores it.
    LesserAccess {
        /// The target.
        target: String,
        /// The identity that has the access.
        identity: String,
        /// The access that it has, as the strategy describes it.
        prior: PriorState,
    },
    /// Access was granted.
    Granted {
        /// The target.
        target: String,
        /// The identity that has the access.
        identity: String,
        /// The end of the access.
        until: Option<Timestamp>,
    },
    /// The strategy failed to grant access.
    GrantFailed {
        /// The target.
        target: String,
        /// The number of the attempt, from 1.
        attempt: u32,
        /// The reason.
        error: EffectError,
        /// The time of the next attempt, if there is one.
        retry_at: Option<Timestamp>,
    },
    /// The Run no longer gives access.
    Revoked {
        /// The target.
        target: String,
        /// The identity that had the access.
        identity: String,
        /// The number of other Runs that need the same access. If there are any, it stays.
        still_needed_by: usize,
        /// Whether the target was read afterwards and no longer lists the identity.
        confirmed: bool,
        /// Whether the identity has the lesser access again that it had before.
        #[serde(default, skip_serializing_if = "is_false")]
        restored_prior: bool,
    },
    /// The access was revoked, and a grant whose outcome is unknown may still take effect: it is revoked again.
    RevokedProvisionally {
        /// The target.
        target: String,
        /// The identity that had the access.
        identity: String,
        /// The number of other Runs that need the same access. If there are any, it stays.
        still_needed_by: usize,
        /// Whether the target was read afterwards and did not list the identity.
        confirmed: bool,
        /// The time until which the grant may take effect.
        settles_at: Timestamp,
        /// Whether the identity has the lesser access again that it had before.
        #[serde(default, skip_serializing_if = "is_false")]
        restored_prior: bool,
    },
    /// The Run no longer gives access, which stays because the identity had it before.
    StandingAccessKept {
        /// The target.
        target: String,
        /// The identity that has the access.
        identity: String,
    },
    /// The strategy failed to revoke access.
    RevokeFailed {
        /// The target.
        target: String,
        /// The number of the attempt, from 1.
        attempt: u32,
        /// The reason.
        error: EffectError,
        /// The time of the next attempt.
        retry_at: Timestamp,
    },
    /// A person had a failing revocation retried now. This settles their event; the event that started the revocation goes on.
    RevokeRetried {
        /// The target.
        target: String,
        /// The number of the next attempt, from 1.
        attempt: u32,
    },
    /// An administrator gave up a failing revocation. The Run has failed, and the access may still exist. This settles the
    /// administrator's event.
    WrittenOff {
        /// The target.
        target: String,
        /// The identity that may still have the access.
        identity: String,
        /// The reason.
        reason: String,
    },
    /// Access that the target had lost is about to be granted again.
    RegrantBegun {
        /// The target.
        target: String,
        /// The identity that gets the access.
        identity: String,
    },
    /// Access that the target had lost was granted again.
    Regranted {
        /// The target.
        target: String,
        /// The identity that has the access.
        identity: String,
    },
    /// Access that the target had lost could not be granted again. It is revoked at its end all the same.
    RegrantFailed {
        /// The target.
        target: String,
        /// The identity without the access.
        identity: String,
        /// The reason.
        error: EffectError,
    },
    /// The end of the access has moved, because an extension was approved.
    Extended {
        /// The target.
        target: String,
        /// The identity that has the access.
        identity: String,
        /// The end of the access before.
        from: Timestamp,
        /// The new end of the access.
        until: Timestamp,
    },
    /// The strategy failed to grant the access until the new end. The access ends as before.
    ExtensionFailed {
        /// The target.
        target: String,
        /// The identity that has the access.
        identity: String,
        /// The end of the access.
        until: Option<Timestamp>,
        /// The reason.
        error: EffectError,
        /// The time of the next attempt, if there is one.
        retry_at: Option<Timestamp>,
    },
    /// An extension was closed without a decision, because the access ends.
    ExtensionClosed {
        /// The id of the extension.
        extension: EventId,
    },
    /// The store had lost a timer or an effect that ends the access, and it was requested again.
    Rearmed,
    /// The end of the access had been computed while the clock was ahead, and is now earlier.
    #[serde(alias = "brought_forward")]
    ExpiryCorrected {
        /// The new end of the access.
        until: Timestamp,
    },
    /// An administrator acted on a user. The reason is that of the event.
    UserAction {
        /// The action.
        action: UserAction,
        /// The id of the user.
        user: UserId,
        /// The name of the user.
        username: String,
        /// The reason why the action was refused, if it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refusal: Option<EffectError>,
    },
    /// Somebody has signed in or out, a token was issued or revoked, or a role was changed. It belongs to no Run. Its
    /// [name](Self::name) is that of the event.
    Account(Box<AccountEvent>),
    /// The error destination was notified of an error, as a front end has confirmed.
    ///
    /// Entries that were written before [`AlertUndelivered`](Self::AlertUndelivered) existed say this also when there was nobody to
    /// notify.
    Alerted {
        /// The error.
        error: EffectError,
    },
    /// Nobody was notified of an error: there is no error destination, no front end reaches it, or every attempt at the alert failed. The
    /// error is in the program's log.
    AlertUndelivered {
        /// The error.
        error: EffectError,
        /// The reason why nobody was notified.
        reason: EffectError,
    },
}

impl AuditKind {
    /// Returns the name of the kind, by which entries are searched.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Refused { .. } => "refused",
            Self::SubmissionRefused { .. } => "submission_refused",
            Self::HandlerCalled { .. } => "handler_called",
            Self::LookedUp { .. } => "looked_up",
            Self::Ignored { .. } => "ignored",
            Self::Completed => "completed",
            Self::Failed { .. } => "failed",
            Self::Reported { .. } => "reported",
            Self::Routed { .. } => "routed",
            Self::Counted { .. } => "counted",
            Self::ApprovalWithdrawn { .. } => "approval_withdrawn",
            Self::FormOpened => "form_opened",
            Self::Delivered { .. } => "delivered",
            Self::OptedOut { .. } => "opted_out",
            Self::DeliveryFailed { .. } => "delivery_failed",
            Self::Messaged { .. } => "messaged",
            Self::ReminderBegun { .. } => "reminder_begun",
            Self::Reminded { .. } => "reminded",
            Self::Identified { .. } => "identified",
            Self::StandingAccess { .. } => "standing_access",
            Self::LesserAccess { .. } => "lesser_access",
            Self::Granted { .. } => "granted",
            Self::GrantFailed { .. } => "grant_failed",
            Self::Revoked { .. } => "revoked",
            Self::RevokedProvisionally { .. } => "revoked_provisionally",
            Self::StandingAccessKept { .. } => "standing_access_kept",
            Self::RevokeFailed { .. } => "revoke_failed",
            Self::RevokeRetried { .. } => "revoke_retried",
            Self::WrittenOff { .. } => "written_off",
            Self::RegrantBegun { .. } => "regrant_begun",
            Self::Regranted { .. } => "regranted",
            Self::RegrantFailed { .. } => "regrant_failed",
            Self::Extended { .. } => "extended",
            Self::ExtensionFailed { .. } => "extension_failed",
            Self::ExtensionClosed { .. } => "extension_closed",
            Self::Rearmed => "rearmed",
            Self::ExpiryCorrected { .. } => "expiry_corrected",
            Self::UserAction { .. } => "user_action",
            Self::Account(event) => event.name(),
            Self::Alerted { .. } => "alerted",
            Self::AlertUndelivered { .. } => "alert_undelivered",
        }
    }

    /// Returns whether the entry belongs to a Run. The others are about users and their accounts, and have the id of a Run that never was.
    pub const fn is_of_run(&self) -> bool {
        !matches!(self, Self::UserAction { .. } | Self::Account(_))
    }

    /// Returns the handler that the entry names: it was called, or it has failed.
    pub fn handler(&self) -> Option<&HandlerRef> {
        match self {
            Self::HandlerCalled { handler, .. } => Some(handler),
            Self::Failed { error } | Self::Reported { error } => error.handler.as_deref(),
            _ => None,
        }
    }
}

/// The result of a handler, as it is recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HandlerResult {
    /// The event continues.
    Continued,
    /// Another event is fired in its place.
    Fired {
        /// The event that is fired.
        event: Step,
        /// The reason given.
        reason: Option<String>,
    },
    /// The event is ignored.
    Ignored,
    /// The handler returned a value.
    Returned,
    /// The handler failed.
    Failed {
        /// The reason.
        error: EffectError,
    },
}
