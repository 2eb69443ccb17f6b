//! One step under way: the state being changed and what has been asked for so far.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::audit_entry::{AuditEntry, AuditKind, HandlerResult};
use super::effect::{Bulkhead, Effect, EffectKey, EffectKind, EntitlementKey, HookResult, Outcome};
use super::effect_error::EffectError;
use super::input::{Action, Input, InputBody};
use super::notice::Notice;
use super::state::{Access, ActiveEvent, EventRecord, LiveTimer, Pending, QueuedInput, RunError, RunState, Stage};
use super::timer::{TimerChange, TimerKind};
use super::transition::{EntitlementChange, InputReply, Transition};
use super::{Rules, admit};
use crate::error::{ErrorKind, codes};
use crate::model::{
    Channel, ChannelType, DeescalateType, EventId, HandlerRef, Hook, Run, RunId, RunStatus, Step, User,
};
use crate::time::TimestampExt;

/// How many inputs may wait for the event in hand. One more is refused, so that nobody can grow a Run without bound.
const MAX_QUEUED_INPUTS: usize = 64;

pub(super) struct Stepper<'a> {
    pub(super) rules: Rules<'a>,
    /// The time on the record, which never runs backwards within a Run.
    pub(super) now: Timestamp,
    /// The time by which timers fire. Counting from `now` would hold up the end of an access for as long as the clock was
    /// ahead before it was put right.
    pub(super) clock: Timestamp,
    pub(super) state: RunState,
    /// Whether the Run existed, or an event has been admitted.
    stored: bool,
    effects: Vec<Effect>,
    timers: Vec<TimerChange>,
    pub(super) holds: Vec<EntitlementChange>,
    audit: Vec<AuditEntry>,
}

impl<'a> Stepper<'a> {
    pub(super) fn new(rules: &Rules<'a>, state: Option<&RunState>, input: &Input) -> Self {
        let now = state.map_or(input.at, |state| input.at.max(state.updated_at));
        let stored = state.is_some();
        let mut state = state.cloned().unwrap_or_else(|| RunState {
            run: Run::begin(input.run, rules.flow, parent_of(input), source_of(input)),
            flow: input.flow.clone(),
            created_at: now,
            updated_at: now,
            request: None,
            routing: None,
            current_notification: 0,
            delivered: Vec::new(),
            form: input.form.clone(),
            decision: None,
            access: Access::None,
            active_event: None,
            queue: Default::default(),
            pending: Default::default(),
            timers: Default::default(),
            deferred_after_request: None,
            error: None,
            closed: false,
            next_seq: 1,
            next_generation: 1,
        });
        state.updated_at = now;
        Self {
            rules: *rules,
            now,
            clock: input.at,
            state,
            stored,
            effects: vec![],
            timers: vec![],
            holds: vec![],
            audit: vec![],
        }
    }

    pub(super) fn run(mut self, input: &Input) -> Transition {
        let reply = match &input.body {
            InputBody::Submitted { event, actor, channel, action } => self.submitted(*event, actor, channel, action),
            InputBody::EffectDone { seq, outcome } => self.effect_done(*seq, outcome),
            InputBody::TimerFired { kind, generation } => self.timer_fired(*kind, *generation),
            InputBody::Rearm => self.rearm(),
            InputBody::ClockWentBack => self.clock_went_back(),
        };
        self.drain_queue();
        let stored = self.stored && reply != InputReply::Stale;
        Transition {
            state: stored.then_some(self.state),
            effects: self.effects,
            timers: self.timers,
            holds: self.holds,
            audit: self.audit,
            reply,
        }
    }

    // What comes in.

    fn submitted(&mut self, event: EventId, actor: &Arc<User>, channel: &Channel, action: &Action) -> InputReply {
        if self.state.active_event.is_some() {
            let record = self.record_action(event, actor, channel, action);
            if self.state.queue.len() >= MAX_QUEUED_INPUTS {
                let error = EffectError::new(
                    ErrorKind::Forbidden,
                    codes::NOT_PERMITTED,
                    "too much is going on in this request; try again shortly",
                );
                return self.refuse(record, error);
            }
            let (actor, channel, action) = (actor.clone(), channel.clone(), action.clone());
            self.state.queue.push_back(QueuedInput::Action { event, actor, channel, action });
            return InputReply::Accepted { event: Some(event) };
        }
        let record = self.record_action(event, actor, channel, action);
        match admit::admit(&self.rules, &self.state, self.clock, &record, action) {
            Err(error) => self.refuse(record, error),
            Ok(()) => {
                self.stored = true;
                self.start_action(record, action);
                InputReply::Accepted { event: Some(event) }
            }
        }
    }

    fn effect_done(&mut self, seq: u64, outcome: &Outcome) -> InputReply {
        let Some(pending) = self.state.pending.remove(&seq) else { return InputReply::Stale };
        let active = self.state.active_event.take_if(|active| active.seq == seq);
        match active {
            Some(active) => self.active_event_done(active, &pending, outcome),
            None => self.side_effect_done(&pending, outcome),
        }
        InputReply::Accepted { event: None }
    }

    fn timer_fired(&mut self, kind: TimerKind, generation: u64) -> InputReply {
        match self.state.timers.get(&kind) {
            Some(timer) if timer.generation == generation => {
                self.state.timers.remove(&kind);
                self.state.queue.push_back(QueuedInput::Timer(kind));
                InputReply::Accepted { event: None }
            }
            _ => InputReply::Stale,
        }
    }

    fn drain_queue(&mut self) {
        while self.state.active_event.is_none() {
            match self.state.queue.pop_front() {
                None => return,
                Some(QueuedInput::Timer(TimerKind::Forward)) => self.notification_timed_out(),
                Some(QueuedInput::Timer(TimerKind::Expire)) => self.access_expired(),
                Some(QueuedInput::DeliveryFailed { entry, event }) => self.notification_failed(entry, &event),
                Some(QueuedInput::Action { event, actor, channel, action }) => {
                    let record = self.record_action(event, &actor, &channel, &action);
                    match admit::admit(&self.rules, &self.state, self.clock, &record, &action) {
                        Ok(()) => self.start_action(record, &action),
                        Err(error) => {
                            let notice = Notice::Refused { code: error.code.clone(), message: error.message.clone() };
                            let record = Arc::new(record);
                            self.audit(&record, AuditKind::Refused { error });
                            self.message(&record, &actor, notice);
                        }
                    }
                }
            }
        }
    }

    /// What operators do is none of the flow's business: its hooks are not asked.
    fn start_action(&mut self, event: EventRecord, action: &Action) {
        match action {
            Action::Revoke if matches!(self.state.access, Access::Revoking { .. }) => self.retry_revocation(event),
            Action::WriteOff { .. } => self.write_off(event),
            Action::Regrant => self.regrant(event),
            Action::Remove(removal) => self.remove(event, removal),
            _ => self.begin(event, BTreeSet::new()),
        }
    }

    fn refuse(&mut self, record: EventRecord, error: EffectError) -> InputReply {
        let event = record.id;
        self.audit(&Arc::new(record), AuditKind::Refused { error: error.clone() });
        InputReply::Refused { event, error }
    }

    // The active of one event: hook, default implementation, follow-up.

    /// Begins an admitted event: first its hook.
    pub(super) fn begin(&mut self, event: EventRecord, repeated: BTreeSet<Step>) {
        let event = Arc::new(event);
        self.audit(&event, AuditKind::Received);
        let hook = Hook::On(event.name);
        if self.rules.hooks.has(hook) {
            let forward = (event.name == Step::RequestForward).then(|| self.forward_context());
            let kind = EffectKind::Hook { hook, forward };
            self.wait_for(event, Stage::Hook, repeated, kind);
        } else {
            self.default_implementation(event);
        }
    }

    fn default_implementation(&mut self, event: Arc<EventRecord>) {
        match event.name {
            Step::Prompt => self.prompt(event),
            Step::Request => self.request(event),
            Step::RequestForward => self.request_forward(event),
            Step::RequestExpire => self.request_expire(event),
            Step::Approve => self.approve(event),
            Step::Deny => self.deny(event),
            Step::Escalate => self.escalate(event),
            Step::Deescalate => self.deescalate(event),
        }
    }

    fn active_event_done(&mut self, active: ActiveEvent, pending: &Pending, outcome: &Outcome) {
        let event = active.event;
        match (active.stage, outcome) {
            (Stage::Hook, Outcome::Hook { handler, result }) => {
                self.audit_hook_result(&event, handler, result);
                match result {
                    HookResult::Continue => self.default_implementation(event),
                    HookResult::Fire(next) => self.redirect(event, handler, next, active.repeated),
                }
            }
            // The hook is gone since the event began: a new version of the program has none.
            (Stage::Hook, Outcome::Done) => self.default_implementation(event),
            (Stage::Hook, Outcome::Failed(error)) => {
                self.audit_failure(&event, error);
                self.hook_failed(event, error.clone());
            }
            (Stage::Route, Outcome::Routed { handlers, routing }) => self.routed(event, handlers, routing),
            (Stage::Identify, Outcome::Identified { identity, resource, handler }) => {
                if let Some(handler) = handler {
                    self.audit(&event, handler_called(handler, HandlerResult::Returned));
                }
                self.identified(event, &pending.kind, identity, resource);
            }
            (Stage::Route | Stage::Identify, Outcome::Failed(error)) => {
                self.audit_failure(&event, error);
                self.fail(&event, error.clone());
            }
            (Stage::Grant, outcome) => self.grant_done(event, pending, outcome),
            (Stage::Regrant, outcome) => self.regrant_done(&event, outcome),
            (_, outcome) => {
                let error = EffectError::new(
                    ErrorKind::Internal,
                    codes::INVALID_EVENT,
                    format!("unexpected outcome of an effect: {}", outcome.name()),
                );
                self.fail(&event, error);
            }
        }
    }

    /// A hook before the event failed. That fails the Run, except where access must end all the same.
    pub(super) fn hook_failed(&mut self, event: Arc<EventRecord>, error: EffectError) {
        if event.name == Step::Deescalate {
            self.report(&event, error);
            self.deescalate(event);
        } else {
            self.fail(&event, error);
        }
    }

    fn side_effect_done(&mut self, pending: &Pending, outcome: &Outcome) {
        let event = &pending.event;
        match (&pending.kind, outcome) {
            (EffectKind::Hook { .. }, Outcome::Hook { handler, .. }) => {
                self.audit(event, handler_called(handler, HandlerResult::Continued));
            }
            (EffectKind::Hook { .. }, Outcome::Failed(error)) => {
                self.audit_failure(event, error);
                self.report(event, error.clone());
            }
            (EffectKind::OpenForm, Outcome::Failed(error)) => {
                self.report(event, error.clone());
                self.message(event, &event.actor, Notice::Failed { code: error.code.clone(), event: event.name });
            }
            (EffectKind::OpenForm, _) => {
                self.audit(event, AuditKind::FormOpened);
                self.after(event);
            }
            (EffectKind::Deliver { entry, notification }, outcome) => {
                self.delivery_done(pending, *entry, notification, outcome);
            }
            (EffectKind::Revoke { target, identity }, outcome) => {
                self.revoke_done(pending, target, identity, outcome);
            }
            (EffectKind::Message { to, notice }, Outcome::Done) => {
                let text = notice.text(self.rules.flow.label());
                self.audit(event, AuditKind::Messaged { to: to.username().to_owned(), text });
            }
            (EffectKind::Alert { error }, Outcome::Done) => {
                self.audit(event, AuditKind::Alerted { error: error.clone() });
            }
            // An alert that cannot be sent must not raise another one.
            (
                EffectKind::Alert { .. } | EffectKind::UpdateMessages | EffectKind::Message { .. },
                Outcome::Failed(error),
            ) => {
                self.audit(event, AuditKind::Reported { error: error.clone() });
                if matches!(pending.kind, EffectKind::Alert { .. }) {
                    self.alert_failed();
                }
            }
            _ => {}
        }
    }

    // What may be asked for.

    /// Asks for an effect and has the event wait for it.
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
        self.state.next_seq += 1;
        self.state.pending.insert(seq, Pending { event: event.clone(), kind: kind.clone(), attempt, not_before });
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

    /// Calls the event's `after_` hook, if there is one.
    pub(super) fn after(&mut self, event: &Arc<EventRecord>) {
        let hook = Hook::After(event.name);
        if self.rules.hooks.has(hook) {
            let forward = (event.name == Step::RequestForward).then(|| self.forward_context());
            self.effect(event, EffectKind::Hook { hook, forward });
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
        if !self.state.delivered.is_empty() {
            self.effect(event, EffectKind::UpdateMessages);
        }
    }

    pub(super) fn set_timer(&mut self, kind: TimerKind, at: Timestamp) {
        let generation = self.state.next_generation;
        self.state.next_generation += 1;
        self.state.timers.insert(kind, LiveTimer { at, generation });
        self.timers.push(TimerChange::Set { kind, at, generation });
    }

    pub(super) fn cancel_timer(&mut self, kind: TimerKind) {
        if self.state.timers.remove(&kind).is_some() {
            self.timers.push(TimerChange::Cancel { kind });
        }
        self.state.queue.retain(|queued| *queued != QueuedInput::Timer(kind));
    }

    pub(super) fn after_now(&self, delay: Duration) -> Timestamp {
        self.clock.plus(delay)
    }

    // What is recorded.

    pub(super) fn audit(&mut self, event: &Arc<EventRecord>, kind: AuditKind) {
        self.audit.push(AuditEntry {
            run: self.state.run.id(),
            flow: self.state.flow.clone(),
            parent: self.state.run.parent(),
            at: self.now,
            event: event.clone(),
            status: self.state.run.status(),
            kind,
        });
    }

    fn audit_hook_result(&mut self, event: &Arc<EventRecord>, handler: &HandlerRef, result: &HookResult) {
        let result = match result {
            HookResult::Continue => HandlerResult::Continued,
            HookResult::Fire(next) => match next.step() {
                Some(step) => HandlerResult::Fired { event: step, reason: next.reason.clone() },
                None => HandlerResult::Ignored,
            },
        };
        self.audit(event, handler_called(handler, result));
    }

    pub(super) fn audit_failure(&mut self, event: &Arc<EventRecord>, error: &EffectError) {
        if let Some(handler) = &error.handler {
            self.audit(event, handler_called(handler, HandlerResult::Failed { error: error.clone() }));
        }
    }

    /// The event was processed: the Run takes its status.
    pub(super) fn complete(&mut self, event: &Arc<EventRecord>, status: RunStatus) {
        self.state.run.set_actor(event.name, event.actor.clone());
        // A failed Run stays failed, also when the clean-up after it succeeds.
        if self.state.run.status() != RunStatus::Errored {
            self.state.run.set_status(status);
        }
        self.audit(event, AuditKind::Completed);
    }

    /// The event failed, and the Run with it.
    pub(super) fn fail(&mut self, event: &Arc<EventRecord>, error: EffectError) {
        self.state.run.set_status(RunStatus::Errored);
        self.state.error = Some(RunError {
            event: event.name,
            code: error.code.clone(),
            message: match &error.handler {
                Some(handler) => format!("{handler} failed: {}", error.message),
                None => error.message.clone(),
            },
            hint: error.hint.clone(),
        });
        self.cancel_timer(TimerKind::Forward);
        self.audit(event, AuditKind::Failed { error: error.clone() });
        self.message(event, &event.actor, Notice::Failed { code: error.code.clone(), event: event.name });
        self.effect(event, EffectKind::Alert { error });
        self.update_messages(event);
        self.revoke_what_may_be_held(event);
    }

    /// Something failed beside the event: the error destination is told, and the Run goes on.
    pub(super) fn report(&mut self, event: &Arc<EventRecord>, error: EffectError) {
        self.audit(event, AuditKind::Reported { error: error.clone() });
        self.effect(event, EffectKind::Alert { error });
    }

    /// An event that follows from another one, with the same actor.
    pub(super) fn follow_up(&self, cause: &EventRecord, name: Step, channel: ChannelType) -> EventRecord {
        self.follow_up_of(cause.id, &cause.actor, name, channel)
    }

    /// An event that follows from `cause`.
    pub(super) fn follow_up_of(
        &self,
        cause: EventId,
        actor: &Arc<User>,
        name: Step,
        channel: ChannelType,
    ) -> EventRecord {
        // Steps are pure, so the id is derived: unique by the next effect's number and the name.
        let seed = format!("{name}:{}:{}:{cause}", self.state.next_seq, self.state.next_generation);
        let id = EventId::from_uuid(Uuid::new_v5(self.state.run.id().as_uuid(), seed.as_bytes()));
        self.record(id, name, actor, Channel::new(channel))
    }

    /// An event as the Run stands now: it carries what was requested.
    fn record(&self, id: EventId, name: Step, actor: &Arc<User>, channel: Channel) -> EventRecord {
        let request = self.state.request.as_ref();
        EventRecord {
            id,
            name,
            actor: actor.clone(),
            channel,
            at: self.now,
            target: request.and_then(|request| request.target.clone()),
            duration: request.and_then(|request| request.duration),
            fields: request.map(|request| request.fields.clone()).unwrap_or_default(),
            reason: None,
            decision_message: None,
            deescalate_type: None,
            extra: Default::default(),
            context: None,
            decided_by_hook: false,
        }
    }

    fn record_action(&self, id: EventId, actor: &Arc<User>, channel: &Channel, action: &Action) -> EventRecord {
        let mut record = self.record(id, action.step(), actor, channel.clone());
        match action {
            Action::Prompt => {}
            Action::Request(request) => {
                record.target = request.target.clone();
                record.duration = request.duration;
                record.fields = Arc::new(request.fields.clone());
                record.context = request.context.clone().map(Arc::new);
            }
            Action::Approve { decision_message } | Action::Deny { decision_message } => {
                record.decision_message = decision_message.clone();
            }
            Action::Revoke => record.deescalate_type = Some(DeescalateType::Revoked),
            Action::WriteOff { reason } => {
                record.deescalate_type = Some(DeescalateType::Revoked);
                record.reason = Some(reason.clone());
            }
            Action::Regrant => {}
            Action::Remove(removal) => {
                record.deescalate_type = Some(DeescalateType::Revoked);
                record.target = Some(removal.target.clone());
            }
        }
        record
    }
}

fn source_of(input: &Input) -> Channel {
    match &input.body {
        InputBody::Submitted { channel, .. } => channel.clone(),
        InputBody::EffectDone { .. } | InputBody::TimerFired { .. } | InputBody::Rearm | InputBody::ClockWentBack => {
            Channel::new(ChannelType::Scheduler)
        }
    }
}

fn parent_of(input: &Input) -> Option<RunId> {
    match &input.body {
        InputBody::Submitted { action: Action::Request(request), .. } => request.parent,
        _ => None,
    }
}

pub(super) fn handler_called(handler: &HandlerRef, result: HandlerResult) -> AuditKind {
    AuditKind::HandlerCalled { handler: handler.clone(), result }
}
