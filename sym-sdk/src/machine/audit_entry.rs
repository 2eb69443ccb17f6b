//! One audit entry.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::effect_error::EffectError;
use super::state::EventRecord;
use crate::model::{HandlerRef, RunId, RunStatus, Srn, Step};
use crate::routing::RequestPermission;

/// One thing that happened in a Run. Entries are committed together with the change they tell of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuditEntry {
    /// The Run.
    pub run: RunId,
    /// Its flow.
    pub flow: Srn,
    /// The Run that set this one off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<RunId>,
    /// When.
    pub at: Timestamp,
    /// During which event.
    pub event: Arc<EventRecord>,
    /// The Run's status then. The entry [`AuditKind::Completed`] is the first with a new one.
    pub status: RunStatus,
    /// What.
    pub kind: AuditKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AuditKind {
    /// The event was admitted and its processing began.
    Received,
    /// The event was not admitted: nothing has changed.
    Refused {
        /// Why.
        error: EffectError,
    },
    /// A handler was called.
    HandlerCalled {
        /// Which.
        handler: HandlerRef,
        /// What it said.
        result: HandlerResult,
    },
    /// A hook ignored the event.
    Ignored {
        /// The hook's message.
        message: Option<String>,
    },
    /// The event was processed.
    Completed,
    /// The event failed, and the Run with it.
    Failed {
        /// Why.
        error: EffectError,
    },
    /// Something failed beside the event; the Run goes on.
    Reported {
        /// What.
        error: EffectError,
    },
    /// The reducers said who may decide and who is told.
    Routed {
        /// Who may see and decide.
        permission: RequestPermission,
        /// Who is told, in order, for people.
        notifications: Vec<String>,
    },
    /// An approval was counted.
    Counted {
        /// How many there are.
        approvals: usize,
        /// How many are needed.
        needed: usize,
    },
    /// The form was shown.
    FormOpened,
    /// A destination was told of the request.
    Delivered {
        /// Which notification, from 0.
        entry: usize,
        /// Which destination.
        destination: String,
    },
    /// A destination wants no notifications.
    OptedOut {
        /// Which notification, from 0.
        entry: usize,
        /// Which destination.
        destination: String,
    },
    /// A destination could not be told of the request.
    DeliveryFailed {
        /// Which notification, from 0.
        entry: usize,
        /// Which destination.
        destination: String,
        /// Why.
        error: EffectError,
    },
    /// A person was told something.
    Messaged {
        /// Whom.
        to: String,
        /// What.
        text: String,
    },
    /// The requester's identity in the service was found.
    Identified {
        /// The identity.
        identity: String,
    },
    /// Access was granted.
    Granted {
        /// To what.
        target: String,
        /// To whom.
        identity: String,
        /// Until when.
        until: Option<Timestamp>,
    },
    /// The strategy did not grant access.
    GrantFailed {
        /// To what.
        target: String,
        /// Which attempt, from 1.
        attempt: u32,
        /// Why.
        error: EffectError,
        /// When it is tried again.
        retry_at: Option<Timestamp>,
    },
    /// The Run gives no access any more.
    Revoked {
        /// To what.
        target: String,
        /// From whom.
        identity: String,
        /// How many other Runs still need the same access, so that it stays.
        still_needed_by: usize,
        /// Whether the target was read afterwards, and the identity has the access no more.
        confirmed: bool,
    },
    /// The strategy did not take access away.
    RevokeFailed {
        /// To what.
        target: String,
        /// Which attempt, from 1.
        attempt: u32,
        /// Why.
        error: EffectError,
        /// When it is tried again.
        retry_at: Timestamp,
    },
    /// Somebody had a revocation that fails tried again at once. This is all that comes of their event; the one that set the
    /// revocation off goes on.
    RevokeRetried {
        /// To what.
        target: String,
        /// Which attempt comes now, from 1.
        attempt: u32,
    },
    /// An admin gave up a revocation that did not succeed: the Run has failed, and the access may still be there. This is all
    /// that comes of their event.
    WrittenOff {
        /// To what.
        target: String,
        /// Who may still have it.
        identity: String,
        /// Why.
        reason: String,
    },
    /// Access that the target had lost is to be granted again.
    RegrantBegun {
        /// To what.
        target: String,
        /// To whom.
        identity: String,
    },
    /// Access that the target had lost was granted again.
    Regranted {
        /// To what.
        target: String,
        /// To whom.
        identity: String,
    },
    /// Access that the target had lost was not granted again; it ends all the same.
    RegrantFailed {
        /// To what.
        target: String,
        /// To whom.
        identity: String,
        /// Why.
        error: EffectError,
    },
    /// The store had lost what was to end the access. It was asked for anew.
    Rearmed,
    /// The end of the access had been set while the clock was ahead. It comes sooner now.
    #[serde(alias = "brought_forward")]
    ExpiryCorrected {
        /// When the access ends.
        until: Timestamp,
    },
    /// The error destination was told.
    Alerted {
        /// What of.
        error: EffectError,
    },
}

/// What a handler said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HandlerResult {
    /// The event goes on.
    Continued,
    /// Another event is fired in its stead.
    Fired {
        /// Which.
        event: Step,
        /// The reason given.
        reason: Option<String>,
    },
    /// The event is ignored.
    Ignored,
    /// It gave a value.
    Returned,
    /// It failed.
    Failed {
        /// Why.
        error: EffectError,
    },
}
