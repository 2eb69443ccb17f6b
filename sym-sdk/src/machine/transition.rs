//! Transitions: the result of one step, and the methods that collect it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::access::EntitlementKey;
use super::audit_entry::{AuditEntry, AuditKind, HandlerResult};
use super::effect::{Bulkhead, Effect, EffectKey, EffectKind};
use super::effect_error::EffectError;
use super::event_record::EventRecord;
use super::notice::Notice;
use super::state::{ActiveEvent, PendingEffect, QueuedInput, RunState, Stage};
use super::stepper::{Stepper, handler_called};
use super::timer::{LiveTimer, TimerChange, TimerKind};
use crate::model::{Channel, ChannelType, EventId, LoggedActor, Step, User, logged_actor};
use crate::time::TimestampExt;

/// The result of one step, to be committed atomically.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Transition {
    /// The new state; `None` if nothing is to be stored.
    pub state: Option<RunState>,
    /// The effects to execute after the commit.
    pub effects: Vec<Effect>,
    /// The changes of the Run's timers.
    pub timers: Vec<TimerChange>,
    /// The changes of the entitlements that the Run holds.
    pub holds: Vec<EntitlementChange>,
    /// The audit entries.
    pub audit: Vec<AuditEntry>,
    /// The reply to the sender of the input.
    pub reply: InputReply,
}

/// The actors that the last audit entry names.
pub(super) struct LoggedActors {
    event: Arc<EventRecord>,
    is_refused: bool,
    actors: Arc<BTreeMap<Step, LoggedActor>>,
}

/// A change of the Runs that need an entitlement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum EntitlementChange {
    /// The Run needs it from now on.
    Hold(EntitlementKey),
    /// The Run no longer needs it.
    Release(EntitlementKey),
}

/// The reply to an input. It is stored under the input's key, so that a repeated input gets the same reply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum InputReply {
    /// The input was accepted.
    Accepted {
        /// The event that it became; `None` for inputs of the engine.
        event: Option<EventId>,
    },
    /// The input was refused, and nothing has changed, except that a request which nobody can approve any more is closed.
    Refused {
        /// The event that it would have become, by which its status can be looked up.
        event: EventId,
        /// The reason.
        error: EffectError,
    },
    /// The Run does not wait for such an input, or no longer.
    Stale,
}

// Effects and timers.

impl Stepper<'_> {
    /// Requests an effect and has the event wait for it.
    pub(super) fn wait_for(
        &mut self,
        event: Arc<EventRecord>,
        stage: Stage,
        repeated: BTreeSet<Step>,
        kind: EffectKind,
    ) {
        let seq = self.effect(&event, kind);
        self.state.active_event = Some(ActiveEvent { event, stage, seq, repeated });
    }

    /// Requests an effect, and returns its number.
    pub(super) fn effect(&mut self, event: &Arc<EventRecord>, kind: EffectKind) -> u64 {
        self.effect_at(event, kind, 1, None, None)
    }

    pub(super) fn effect_at(
        &mut self,
        event: &Arc<EventRecord>,
        kind: EffectKind,
        attempt: u32,
        not_before: Option<Timestamp>,
        exclusive: Option<EntitlementKey>,
    ) -> u64 {
        let seq = self.state.next_seq;
        self.state.next_seq = self.state.next_seq.saturating_add(1);
        let requested_at = Some(self.clock);
        let pending = PendingEffect { event: event.clone(), kind: kind.clone(), attempt, not_before, requested_at };
        self.state.pending.insert(seq, pending);
        let key = EffectKey { run: self.state.run.id(), seq };
        let bulkhead = self.bulkhead(&kind);
        self.effects.push(Effect { key, event: event.clone(), kind, attempt, not_before, exclusive, bulkhead });
        seq
    }

    fn bulkhead(&self, kind: &EffectKind) -> Bulkhead {
        match (kind, self.state.access.grant()) {
            (EffectKind::Grant { .. } | EffectKind::Revoke { .. }, Some(grant)) => {
                Bulkhead::service(&grant.strategy, grant.account.as_deref())
            }
            _ => Bulkhead::flow(&self.state.flow),
        }
    }

    pub(super) fn message(&mut self, event: &Arc<EventRecord>, to: &Arc<User>, notice: Notice) {
        self.effect(event, EffectKind::Message { to: to.clone(), notice });
    }

    pub(super) fn message_requester(&mut self, event: &Arc<EventRecord>, notice: Notice) {
        let requester = self.state.run.requester_arc().unwrap_or_else(|| event.actor.clone());
        self.message(event, &requester, notice);
    }

    pub(super) fn update_messages(&mut self, event: &Arc<EventRecord>) {
        let of_extension = self.state.extension.as_ref().is_some_and(|extension| !extension.delivered.is_empty());
        if of_extension || !self.state.delivered.is_empty() || self.state.receipt.is_some() {
            self.effect(event, EffectKind::UpdateMessages);
        }
        self.request_receipt(event);
    }

    pub(super) fn set_timer(&mut self, kind: TimerKind, at: Timestamp) {
        let generation = self.state.next_generation;
        self.state.next_generation = self.state.next_generation.saturating_add(1);
        self.state.timers.insert(kind, LiveTimer { at, generation });
        self.timers.push(TimerChange::Set { kind, at, generation });
    }

    /// Cancels a timer, also if it has fired and its event is still queued.
    pub(super) fn cancel_timer(&mut self, kind: TimerKind) {
        if self.state.timers.remove(&kind).is_some() {
            self.timers.push(TimerChange::Cancel { kind });
        }
        self.state.queue.retain(|queued| *queued != QueuedInput::Timer(kind));
    }

    pub(super) fn after_now(&self, delay: Duration) -> Timestamp {
        self.clock.plus(delay)
    }
}

// Events and audit entries.

impl Stepper<'_> {
    pub(super) fn audit(&mut self, event: &Arc<EventRecord>, kind: AuditKind) {
        let actors = self.logged_actors(event, &kind);
        self.audit.push(AuditEntry {
            run: self.state.run.id(),
            flow: self.state.flow.clone(),
            parent: self.state.run.parent(),
            at: self.now,
            event: event.clone(),
            actors,
            status: self.state.run.status(),
            kind,
        });
    }

    /// Returns the users who triggered the steps of the Run so far. Entries of one event have the same ones.
    fn logged_actors(&mut self, event: &Arc<EventRecord>, kind: &AuditKind) -> Arc<BTreeMap<Step, LoggedActor>> {
        let is_refused = matches!(kind, AuditKind::Refused { .. } | AuditKind::SubmissionRefused { .. });
        let last = self.logged.as_ref();
        if let Some(last) = last.filter(|last| Arc::ptr_eq(&last.event, event) && last.is_refused == is_refused) {
            return last.actors.clone();
        }
        let actors = Arc::new(self.actors_of(event, is_refused));
        self.logged = Some(LoggedActors { event: event.clone(), is_refused, actors: actors.clone() });
        actors
    }

    fn actors_of(&self, event: &EventRecord, is_refused: bool) -> BTreeMap<Step, LoggedActor> {
        let organization = self.state.flow.organization();
        // Runs that began under an earlier version have stored no channels.
        let unknown = Channel::new(ChannelType::Api);
        let steps = self.state.run.actors().iter();
        let mut actors: BTreeMap<_, _> = steps
            .map(|(step, user)| {
                let channel = self.state.actor_channels.get(step).unwrap_or(&unknown);
                (*step, logged_actor(user, channel, organization))
            })
            .collect();
        if !is_refused {
            let actor = || logged_actor(&event.actor, &event.channel, organization);
            if event.extension.is_some() {
                // The Run keeps who triggered the step of the request; here it is that of the extension.
                actors.insert(event.name, actor());
            } else {
                actors.entry(event.name).or_insert_with(actor);
            }
        }
        actors
    }

    /// Records who triggered a step.
    pub(super) fn set_actor(&mut self, step: Step, event: &EventRecord) {
        self.logged = None;
        self.state.run.set_actor(step, event.actor.clone());
        self.state.begun_by = None;
        self.state.actor_channels.insert(step, event.channel.clone());
    }

    /// Records the handler that raised the error, if one did.
    pub(super) fn audit_handler_failure(&mut self, event: &Arc<EventRecord>, error: &EffectError) {
        if let Some(handler) = &error.handler {
            self.audit(event, handler_called(handler, HandlerResult::Failed { error: error.clone() }));
        }
    }

    /// Creates an event that follows from another one, with the same actor.
    pub(super) fn follow_up(&self, cause: &EventRecord, name: Step, channel: ChannelType) -> EventRecord {
        self.follow_up_of(cause.id, &cause.actor, name, channel)
    }

    /// Creates an event that follows from `cause`.
    pub(super) fn follow_up_of(
        &self,
        cause: EventId,
        actor: &Arc<User>,
        name: Step,
        channel: ChannelType,
    ) -> EventRecord {
        // A step has no source of randomness, so the id is derived. The next effect's number and the name make it unique.
        let seed = format!("{name}:{}:{}:{cause}", self.state.next_seq, self.state.next_generation);
        let id = EventId::from_uuid(Uuid::new_v5(self.state.run.id().as_uuid(), seed.as_bytes()));
        self.record(id, name, actor, Channel::new(channel))
    }

    /// Creates an event with the content of the Run's request.
    pub(super) fn record(&self, id: EventId, name: Step, actor: &Arc<User>, channel: Channel) -> EventRecord {
        EventRecord::new(&self.state, self.now, id, name, actor, channel)
    }
}
