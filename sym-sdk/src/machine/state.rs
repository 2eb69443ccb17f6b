//! What is kept of a Run.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::effect::{EffectKind, EntitlementKey, MessageRef, Routing};
use super::input::Action;
use super::timer::TimerKind;
use crate::error::ErrorCode;
use crate::forms::FieldMap;
use crate::model::{AccessTarget, Channel, DeescalateType, EventId, Integration, Run, RunStatus, Srn, Strategy, User};
use crate::template::Step;

/// The state of a Run. It is stored whole at every commit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunState {
    /// What handlers see.
    pub run: Run,
    /// The flow.
    pub flow: Srn,
    /// When it began.
    pub created_at: Timestamp,
    /// When it changed last. On the record, time never runs backwards within a Run, whatever the clock does.
    pub updated_at: Timestamp,
    /// What was requested.
    pub request: Option<RequestData>,
    /// Who may decide and who is told.
    pub routing: Option<Routing>,
    /// The notification in force.
    pub current_notification: usize,
    /// The messages that were delivered.
    pub delivered: Vec<Delivered>,
    /// Who decided, and how.
    pub decision: Option<Arc<EventRecord>>,
    /// The access that the Run gives.
    pub access: Access,
    /// The event in hand: it waits for the outcome of an effect.
    pub cycle: Option<Cycle>,
    /// What came in meanwhile.
    pub queue: VecDeque<Queued>,
    /// Effects without an outcome.
    pub pending: BTreeMap<u64, Pending>,
    /// Live timers, and their generations.
    pub timers: BTreeMap<TimerKind, LiveTimer>,
    /// `after_request` is called once the first notification is delivered.
    pub after_request_due: Option<Arc<EventRecord>>,
    /// Why the Run failed.
    pub error: Option<RunError>,
    /// Nothing can follow: the first request was ignored.
    pub closed: bool,
    /// The number of the next effect.
    pub next_seq: u64,
    /// The generation of the next timer.
    pub next_generation: u64,
}

impl RunState {
    /// Whether the request can be decided now.
    pub fn is_open(&self) -> bool {
        matches!(self.run.status(), RunStatus::Requested | RunStatus::Forwarded)
    }

    /// Whether an event is in hand, or waits for the one that is.
    pub fn is_busy(&self) -> bool {
        self.cycle.is_some() || !self.queue.is_empty()
    }

    /// Whether the Run gives access, or may: from the moment the strategy is asked until it confirms the revocation.
    pub fn may_hold_access(&self) -> bool {
        matches!(self.access, Access::Granting(_) | Access::Held(_) | Access::Revoking { .. })
    }

    /// Whether nothing more can happen to the Run, apart from messages under way.
    pub fn is_finished(&self) -> bool {
        !self.is_busy()
            && !self.may_hold_access()
            && (self.closed || self.run.status().is_terminal() || self.run.status() == RunStatus::Approved)
    }
}

/// What was requested.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RequestData {
    /// What access is wanted to.
    pub target: Option<AccessTarget>,
    /// For how long.
    pub duration: Option<Duration>,
    /// The form's fields.
    pub fields: Arc<FieldMap>,
    /// Shown in the request message in place of the `reason` field.
    pub reason: Option<String>,
}

/// One event of a Run, as its handlers are to see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EventRecord {
    /// Its id.
    pub id: EventId,
    /// Its name.
    pub name: Step,
    /// Who triggered it.
    pub actor: Arc<User>,
    /// Through what.
    pub channel: Channel,
    /// When.
    pub at: Timestamp,
    /// What access is wanted to.
    pub target: Option<AccessTarget>,
    /// For how long.
    pub duration: Option<Duration>,
    /// The request's fields.
    pub fields: Arc<FieldMap>,
    /// The reason a hook gave.
    pub reason: Option<String>,
    /// What was entered with the decision.
    pub decision_message: Option<String>,
    /// For `deescalate`: what triggered it.
    pub deescalate_type: Option<DeescalateType>,
    /// What a hook passed along.
    pub extra: Map<String, Value>,
    /// The `context` object of a request.
    pub context: Option<Arc<Map<String, Value>>>,
    /// Whether a hook fired it in place of another event: then nobody has voted, code has decided.
    pub by_code: bool,
}

/// The access that a Run gives.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Access {
    /// None so far.
    #[default]
    None,
    /// The strategy is being asked.
    Granting(Grant),
    /// The strategy confirmed.
    Held(Grant),
    /// The strategy is being asked to take it away.
    Revoking {
        /// What.
        grant: Grant,
        /// When the error destination was told last that this fails.
        alerted_at: Option<Timestamp>,
    },
    /// The strategy confirmed that it is gone.
    Ended,
}

impl Access {
    /// The grant that this is about.
    pub fn grant(&self) -> Option<&Grant> {
        match self {
            Self::None | Self::Ended => None,
            Self::Granting(grant) | Self::Held(grant) | Self::Revoking { grant, .. } => Some(grant),
        }
    }
}

/// What is granted to whom, until when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Grant {
    /// To what.
    pub target: AccessTarget,
    /// The requester's identity in the service, as it was when access was granted: the same one loses it.
    pub identity: String,
    /// Until when; `None` for access that lasts until it is revoked.
    pub until: Option<Timestamp>,
    /// The piece of access that Runs share.
    pub entitlement: EntitlementKey,
    /// The type of the strategy that granted it.
    pub strategy: String,
    /// The account that the strategy reached, if it had an integration.
    pub account: Option<String>,
}

impl Grant {
    /// Whether `strategy` reaches what the access was granted in: only there can it be taken away.
    pub fn is_reached_by(&self, strategy: &Strategy) -> bool {
        let account = strategy.integration().map(Integration::external_id);
        self.strategy == strategy.kind() && self.account.as_deref() == account
    }
}

/// A message that was delivered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Delivered {
    /// Which notification it belongs to.
    pub entry: usize,
    /// Which destination, for people.
    pub destination: String,
    /// Where it stands.
    pub message: MessageRef,
}

/// The event in hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Cycle {
    /// The event.
    pub event: Arc<EventRecord>,
    /// What it waits for.
    pub stage: Stage,
    /// The effect it waits for.
    pub seq: u64,
    /// The events that hooks have fired again in this chain. Once each.
    pub repeated: BTreeSet<Step>,
}

/// What an event waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stage {
    /// Its `on_` hook.
    Hook,
    /// The reducers.
    Route,
    /// The requester's identity.
    Identify,
    /// The strategy's grant.
    Grant,
}

/// An input that waits for the event in hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Queued {
    /// Of a person or a bot.
    Action {
        /// The id of the event that this becomes.
        event: EventId,
        /// Who.
        actor: Arc<User>,
        /// Through what.
        channel: Channel,
        /// What.
        action: Action,
    },
    /// Of a timer that was live when it fired.
    Timer(TimerKind),
    /// A notification could not be delivered.
    DeliveryFailed {
        /// Which.
        entry: usize,
        /// The event that sent it.
        event: Arc<EventRecord>,
    },
}

/// An effect without an outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Pending {
    /// The event that asked for it.
    pub event: Arc<EventRecord>,
    /// What was asked.
    pub kind: EffectKind,
    /// Counts from 1.
    pub attempt: u32,
}

/// A live timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LiveTimer {
    /// When it falls due.
    pub at: Timestamp,
    /// Its generation.
    pub generation: u64,
}

/// Why a Run failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunError {
    /// During which event.
    pub event: Step,
    /// For programs.
    pub code: ErrorCode,
    /// For people: what failed, and in which handler.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}
