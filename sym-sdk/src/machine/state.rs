//! What is kept of a Run.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::effect::{EffectKind, EntitlementKey, FormRef, MessageRef, Routing};
use super::input::Action;
use super::timer::TimerKind;
use crate::error::ErrorCode;
use crate::forms::FieldMap;
use crate::model::{
    AccessTarget, Channel, DeescalateType, EventId, Integration, Payload, Run, RunStatus, Srn, Step, Strategy, User,
};

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
    pub delivered: Vec<DeliveredMessage>,
    /// Where the form is shown, if the front end has said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<FormRef>,
    /// Who decided, and how.
    pub decision: Option<Arc<EventRecord>>,
    /// The access that the Run gives.
    pub access: Access,
    /// The event in hand: it waits for the outcome of an effect.
    #[serde(alias = "cycle")]
    pub active_event: Option<ActiveEvent>,
    /// What came in meanwhile.
    pub queue: VecDeque<QueuedInput>,
    /// Effects without an outcome.
    pub pending: BTreeMap<u64, Pending>,
    /// Live timers, and their generations.
    pub timers: BTreeMap<TimerKind, LiveTimer>,
    /// `after_request` is called once the first notification is delivered.
    #[serde(alias = "after_request_due")]
    pub deferred_after_request: Option<Arc<EventRecord>>,
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

    /// Whether the Run waits for its form to be sent.
    pub fn is_form_open(&self) -> bool {
        self.run.status() == RunStatus::Prompted && self.request.is_none() && !self.closed && !self.is_busy()
    }

    /// Whether an event is in hand, or waits for the one that is.
    pub fn is_busy(&self) -> bool {
        self.active_event.is_some() || !self.queue.is_empty()
    }

    /// Whether the Run gives access, or may: from the moment the strategy is asked until it confirms the revocation.
    pub fn may_hold_access(&self) -> bool {
        matches!(self.access, Access::Granting(_) | Access::Held(_) | Access::Revoking { .. })
    }

    /// Until when the access lasts that the Run may hold; `None` if it holds none, or it lasts until it is revoked.
    pub fn access_until(&self) -> Option<Timestamp> {
        self.access.grant().filter(|_| self.may_hold_access())?.until
    }

    /// Whether a revocation has failed and is not confirmed yet.
    pub fn is_stuck(&self) -> bool {
        matches!(self.access, Access::Revoking { .. })
            && self.revocation().is_some_and(|(_, pending)| pending.attempt > 1)
    }

    /// What ends the access that the Run may hold; `None` if nothing would. A Run without access needs nothing, nor does one
    /// whose access lasts until it is revoked.
    ///
    /// What it names must be in the store as well: see [`Store::runs_missing_expiry`](crate::engine::Store::runs_missing_expiry).
    pub fn pending_expiry(&self) -> Option<PendingExpiry> {
        let in_hand = self.active_event.as_ref();
        let effect = in_hand.map(|active| active.seq);
        let grant = match &self.access {
            Access::None | Access::Ended | Access::WrittenOff(_) => return Some(PendingExpiry::default()),
            Access::Revoking { .. } => {
                let (seq, _) = self.revocation()?;
                return Some(PendingExpiry { timer: None, effect: Some(seq) });
            }
            // The end of a grant under way waits for its outcome.
            Access::Granting(_) if effect.is_none() => return None,
            Access::Granting(grant) | Access::Held(grant) => grant,
        };
        if effect.is_some_and(|seq| !self.pending.contains_key(&seq)) {
            return None;
        }
        let timer = self.timers.get(&TimerKind::Expire).copied();
        let under_way = in_hand.is_some_and(|active| active.event.name == Step::Deescalate)
            || self.queue.contains(&QueuedInput::Timer(TimerKind::Expire));
        (timer.is_some() || under_way || grant.until.is_none()).then_some(PendingExpiry { timer, effect })
    }

    /// The revocation that is asked for, and the number of its effect.
    pub(super) fn revocation(&self) -> Option<(u64, &Pending)> {
        let mut pending = self.pending.iter().map(|(seq, pending)| (*seq, pending));
        pending.find(|(_, pending)| matches!(pending.kind, EffectKind::Revoke { .. }))
    }

    /// Whether nothing more can happen to the Run, apart from messages under way.
    pub fn is_finished(&self) -> bool {
        !self.is_busy()
            && !self.may_hold_access()
            && (self.closed || self.run.status().is_terminal() || self.run.status() == RunStatus::Approved)
    }

    /// Whether nothing waits for the Run, and nothing is under way: it is finished and everybody was told, or it is a form that
    /// was shown and not sent.
    pub fn is_prunable(&self) -> bool {
        let form = self.run.status() == RunStatus::Prompted && self.active_event.is_none() && self.queue.is_empty();
        self.pending.is_empty() && (form || self.is_finished())
    }
}

/// What ends the access of a Run. All that is named here must come, or the access outlives its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PendingExpiry {
    /// The timer of its end.
    pub timer: Option<LiveTimer>,
    /// The number of the effect that the end waits for: a revocation, or what the event in hand waits for.
    pub effect: Option<u64>,
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
    #[serde(alias = "by_code")]
    pub decided_by_hook: bool,
}

impl EventRecord {
    /// What handlers see of it as the event's payload.
    pub(crate) fn payload(&self) -> Payload {
        Payload {
            timestamp: self.at,
            fields: self.fields.clone(),
            target: self.target.clone(),
            duration: self.duration,
            reason: self.reason.clone(),
            decision_message: self.decision_message.clone(),
            deescalate_type: self.deescalate_type,
            extra: self.extra.clone(),
        }
    }
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
    /// An admin wrote it off: the strategy has not confirmed that it is gone, and is asked no more.
    WrittenOff(Grant),
}

impl Access {
    /// The grant that this is about.
    pub fn grant(&self) -> Option<&Grant> {
        match self {
            Self::None | Self::Ended => None,
            Self::Granting(grant) | Self::Held(grant) | Self::Revoking { grant, .. } | Self::WrittenOff(grant) => {
                Some(grant)
            }
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
    /// For how long, as it was when `until` was set.
    pub duration: Option<Duration>,
    /// The piece of access that Runs share.
    pub entitlement: EntitlementKey,
    /// The type of the strategy that granted it; with the name, if each strategy of the type has something of its own behind it.
    pub strategy: String,
    /// The account that the strategy reached, if it had an integration.
    pub account: Option<String>,
}

impl Grant {
    /// Whether `strategy` reaches what the access was granted in: only there can it be taken away.
    pub fn is_reached_by(&self, strategy: &Strategy) -> bool {
        let account = strategy.integration().map(Integration::external_id);
        self.strategy == strategy.service() && self.account.as_deref() == account
    }
}

/// A message that was delivered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeliveredMessage {
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
pub struct ActiveEvent {
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
    /// The strategy's grant of what the Run holds already.
    Regrant,
}

/// An input that waits for the event in hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum QueuedInput {
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
    /// Not before this time.
    pub not_before: Option<Timestamp>,
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
