//! Outcomes: what executing an effect returned.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::effect_error::EffectError;
use super::message_status::MessageRef;
use super::prior_state::PriorState;
use super::state::RunState;
use crate::error::{ErrorKind, codes};
use crate::model::{HandlerRef, LookUp, RunId, StepOutput};
use crate::routing::{Notification, RequestPermission};
use crate::template::NextEvent;

/// The outcome of an effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// A hook returned; see [`EffectKind::Hook`](super::EffectKind::Hook).
    Hook {
        /// The handler that was called.
        handler: HandlerRef,
        /// Its result.
        #[serde(alias = "verdict")]
        result: HookResult,
    },
    /// The reducers returned; see [`EffectKind::Route`](super::EffectKind::Route).
    Routed {
        /// The handlers that were called, in order.
        handlers: Vec<HandlerRef>,
        /// Their result.
        routing: Routing,
    },
    /// Handlers have asked services something before the outcome. It is recorded, and the outcome is the one inside.
    LookedUp {
        /// The questions with their answers, by handler.
        look_ups: Vec<HandlerLookUps>,
        /// The outcome.
        outcome: Box<Outcome>,
    },
    /// A notification was delivered to some or all of its destinations; see [`EffectKind::Deliver`](super::EffectKind::Deliver).
    Delivered(Vec<DeliveryResult>),
    /// Some of the messages to update do not exist any more; see [`EffectKind::UpdateMessages`](super::EffectKind::UpdateMessages).
    Updated {
        /// The messages that are gone.
        gone: Vec<MessageRef>,
        /// The error, if others could not be updated.
        error: Option<EffectError>,
    },
    /// The requester's receipt was sent, and can be updated by this reference; see [`EffectKind::Receipt`](super::EffectKind::Receipt).
    ReceiptSent(MessageRef),
    /// The identity was found; see [`EffectKind::Identify`](super::EffectKind::Identify).
    Identified {
        /// The requester's identity in the service.
        identity: String,
        /// The resource that the strategy would grant. Targets with the same resource are the same entitlement.
        resource: String,
        /// The `get_identity` reducer, if it was called.
        handler: Option<HandlerRef>,
        /// The [settle time](crate::strategy::AccessStrategy::settle_time) of the strategy.
        #[serde(default)]
        settle_time: Duration,
        /// Whether the identity has the access already, without any request.
        #[serde(default)]
        has_standing_access: bool,
        /// The lesser access that the identity has already, without any request. The end of the access restores it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prior: Option<PriorState>,
        /// The level at which the target grants the resource; see [`AccessStrategy::level`](crate::strategy::AccessStrategy::level).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        level: Option<String>,
        /// Whether the service [ends the access by itself](crate::strategy::AccessStrategy::enforces_end).
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        enforces_end: bool,
    },
    /// The strategy granted the access.
    Granted {
        /// The strategy's output.
        output: Option<StepOutput>,
    },
    /// The strategy returned normally and reported errors instead of granting the access.
    Rejected {
        /// The strategy's output.
        output: Option<StepOutput>,
        /// The errors it reported.
        errors: Vec<String>,
    },
    /// The access was revoked.
    Revoked(Revocation),
    /// There is nobody to alert: the environment has no error destination, or no front end reaches it.
    AlertUndelivered {
        /// The reason.
        reason: EffectError,
    },
    /// Any other effect succeeded. For an alert: a front end has confirmed that the error destination has it.
    Done,
    /// The strategy was not called: the access may not be granted any more. See [`check_grant`](super::check_grant).
    NoLongerValid(EffectError),
    /// The effect was not executed: the people whom its event depends on could not be looked up. See
    /// [`EffectHandler::look_up_people`](crate::engine::EffectHandler::look_up_people).
    PeopleUnknown(EffectError),
    /// The effect failed.
    Failed(EffectError),
}

impl Outcome {
    /// Returns the name of the variant, without its content: the output of a step can contain credentials.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hook { .. } => "hook",
            Self::Routed { .. } => "routed",
            Self::LookedUp { outcome, .. } => outcome.name(),
            Self::Delivered(_) => "delivered",
            Self::Updated { .. } => "updated",
            Self::ReceiptSent(_) => "receipt_sent",
            Self::Identified { .. } => "identified",
            Self::Granted { .. } => "granted",
            Self::Rejected { .. } => "rejected",
            Self::Revoked(_) => "revoked",
            Self::AlertUndelivered { .. } => "alert undelivered",
            Self::Done => "done",
            Self::NoLongerValid(_) => "no_longer_valid",
            Self::PeopleUnknown(_) => "people_unknown",
            Self::Failed(_) => "failed",
        }
    }

    /// Returns the handler that was called, or the last one of several.
    pub fn handler(&self) -> Option<&HandlerRef> {
        match self {
            Self::Hook { handler, .. } => Some(handler),
            Self::Routed { handlers, .. } => handlers.last(),
            Self::LookedUp { outcome, .. } => outcome.handler(),
            Self::Identified { handler, .. } => handler.as_ref(),
            Self::Failed(error) => error.handler.as_deref(),
            _ => None,
        }
    }

    /// The error for an outcome that `effect` cannot have.
    pub(super) fn unexpected(&self, effect: &str) -> EffectError {
        let message = format!("unexpected outcome of {effect}: {}", self.name());
        EffectError::new(ErrorKind::Internal, codes::INVALID_EVENT, message)
    }
}

/// The questions that a handler has asked services, with their answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HandlerLookUps {
    /// The handler.
    pub handler: HandlerRef,
    /// The questions with their answers, in order.
    pub answers: Vec<LookUp>,
}

impl HandlerLookUps {
    /// Creates the look-ups of a handler.
    pub fn new(handler: HandlerRef, answers: Vec<LookUp>) -> Self {
        Self { handler, answers }
    }
}

/// The result of a hook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HookResult {
    /// The event continues.
    Continue,
    /// Another event is fired in its place, or the event is ignored.
    Fire(Box<NextEvent>),
}

/// The result of the reducers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Routing {
    /// The permissions: who may see and who may decide the request.
    pub permission: RequestPermission,
    /// The notifications, in order.
    pub notifications: Vec<Notification>,
    /// Whether the next notification is sent if one cannot be delivered.
    pub continue_on_delivery_failure: bool,
    /// Whether the next notification is sent if nobody acts on one within its timeout.
    pub continue_on_timeout: bool,
    /// The number of people who can approve the request, counted up to the number needed. `None` if it is not known: anybody of
    /// the organization may approve, for example.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub possible_approvers: Option<usize>,
    /// An earlier request of the same person for the same, if it is open or gives access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier_request: Option<EarlierRequest>,
    /// Whether the front end that reaches the requester sends receipts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sends_receipt: bool,
}

/// A request that a later one repeats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EarlierRequest {
    /// The Run.
    pub run: RunId,
    /// Whether it gives access. Otherwise it waits for a decision or for its grant.
    pub gives_access: bool,
    /// The end of the access; `None` for access that lasts until it is revoked.
    pub until: Option<Timestamp>,
}

impl EarlierRequest {
    /// Describes `earlier` as the request that a later one repeats.
    pub(crate) fn of(earlier: &RunState) -> Self {
        let grant = earlier.access.grant().filter(|_| earlier.may_hold_access());
        Self { run: earlier.run.id(), gives_access: grant.is_some(), until: grant.and_then(|grant| grant.until) }
    }
}

impl Routing {
    /// Creates a routing that continues with the next notification after a failed delivery and after a timeout.
    pub fn new(permission: RequestPermission, notifications: Vec<Notification>) -> Self {
        Self {
            permission,
            notifications,
            continue_on_delivery_failure: true,
            continue_on_timeout: true,
            possible_approvers: None,
            earlier_request: None,
            sends_receipt: false,
        }
    }
}

/// The result of delivering a notification to one destination.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeliveryResult {
    /// A message was delivered.
    Delivered {
        /// The destination, for people.
        destination: String,
        /// The message.
        message: MessageRef,
    },
    /// The recipient has opted out of notifications. This is not a failure.
    OptedOut {
        /// The destination, for people.
        destination: String,
    },
    /// Delivery failed.
    Failed {
        /// The destination, for people.
        destination: String,
        /// The reason.
        error: EffectError,
    },
}

/// The result of a successful revocation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Revocation {
    /// The strategy's output.
    pub output: Option<StepOutput>,
    /// The number of other Runs that need the same entitlement. If there are any, the strategy was not called and the access
    /// stays.
    pub still_needed_by: usize,
    /// The result of reading the target afterwards.
    #[serde(alias = "read_back")]
    pub check: RevocationCheck,
}

/// The result of reading a target after a revocation, to verify that the access is gone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RevocationCheck {
    /// The target was not read, or cannot tell.
    #[default]
    Unknown,
    /// The identity no longer has the access.
    Gone,
    /// The target could not be read.
    Failed(EffectError),
}
