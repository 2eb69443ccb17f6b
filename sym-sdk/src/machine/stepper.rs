//! One step: an input is dispatched, its event proceeds as far as it can, and the transition is collected.
//!
//! The rules of single events are in the modules next to this one, as further methods of [`Stepper`]. This module has what they
//! share: the life cycle of an event, the queue, and the failure of a Run. The methods that add to the transition stand with it, in
//! `transition`.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::access::{Access, Entitlement};
use super::audit_entry::{AuditEntry, AuditKind, HandlerResult};
use super::effect::{Effect, EffectKind};
use super::effect_error::EffectError;
use super::event_record::EventRecord;
use super::extension::Round;
use super::fingerprint::Fingerprint;
use super::input::{Action, Input, InputBody, Refusal};
use super::notice::Notice;
use super::outcome::{HandlerLookUps, HookResult, Outcome};
use super::people::People;
use super::permissions::{Admission, Sender};
use super::reminders::Reminders;
use super::state::{ActiveEvent, PendingEffect, QueuedInput, RunError, RunState, Stage};
use super::timer::{TimerChange, TimerKind};
use super::transition::{EntitlementChange, InputReply, LoggedActors, Transition};
use super::{Rules, permissions};
use crate::model::{Channel, ChannelType, EventId, HandlerRef, Hook, Run, RunStatus, Step, User};

/// A step in progress.
pub(super) struct Stepper<'a> {
    pub(super) rules: Rules<'a>,
    /// The time to record. It never decreases within a Run.
    pub(super) now: Timestamp,
    /// The time by the engine's clock, from which timers are computed. Computing them from `now` would delay the end of access
    /// by as much as the clock was ahead before it was corrected.
    pub(super) clock: Timestamp,
    /// The time since which the clock is known to be steady; `None` if it always was.
    pub(super) steady_since: Option<Timestamp>,
    /// Whether the effect with this outcome was begun before without one.
    pub(super) interrupted: bool,
    pub(super) state: RunState,
    /// The users whom a decision depends on, as the directory has them now.
    pub(super) people: &'a People,
    /// Whether the state is to be stored: the Run existed before, or an event has been admitted.
    stored: bool,
    /// The event that the reply is about: its actor is told of a refusal by the reply, and not by a message.
    pub(super) replies_to: Option<EventId>,
    /// The refusal to reply with.
    pub(super) refusal: Option<EffectError>,
    pub(super) effects: Vec<Effect>,
    pub(super) timers: Vec<TimerChange>,
    pub(super) holds: Vec<EntitlementChange>,
    pub(super) audit: Vec<AuditEntry>,
    pub(super) logged: Option<LoggedActors>,
}

impl<'a> Stepper<'a> {
    pub(super) fn new(rules: &Rules<'a>, state: Option<&RunState>, input: &'a Input) -> Self {
        let now = state.map_or(input.at, |state| input.at.max(state.updated_at));
        let stored = state.is_some();
        let mut state = state.cloned().unwrap_or_else(|| new_run(rules, input));
        state.updated_at = now;
        Self {
            rules: *rules,
            now,
            clock: input.at,
            steady_since: input.steady_since,
            interrupted: input.interrupted,
            state,
            people: &input.people,
            stored,
            replies_to: None,
            refusal: None,
            effects: vec![],
            timers: vec![],
            holds: vec![],
            audit: vec![],
            logged: None,
        }
    }

    pub(super) fn run(mut self, input: &Input) -> Transition {
        let reply = match &input.body {
            InputBody::Submitted { event, actor, channel, action } => self.submitted(*event, actor, channel, action),
            InputBody::SubmissionRefused(refusal) => self.submission_refused(refusal),
            InputBody::EffectDone { seq, outcome } => self.effect_done(*seq, outcome),
            InputBody::TimerFired { kind, generation } => self.timer_fired(*kind, *generation),
            InputBody::Rearm => self.rearm(),
            InputBody::Resumed => self.resumed(),
            InputBody::FlowRemoved => self.flow_removed(),
            InputBody::RevocationBlocked { error } => self.revocation_blocked(error.as_ref()),
            InputBody::ClockWentBack => self.clock_went_back(),
            // Recorded by `record_outside_of_runs`; they belong to no Run.
            InputBody::UserAction(_) | InputBody::AccountEvent(_) => InputReply::Stale,
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
}

/// The state of a Run before its first event.
fn new_run(rules: &Rules<'_>, input: &Input) -> RunState {
    let (source, parent) = match &input.body {
        InputBody::Submitted { channel, action, .. } => {
            let parent = if let Action::Request(request) = action { request.parent } else { None };
            (channel.clone(), parent)
        }
        _ => (Channel::new(ChannelType::Scheduler), None),
    };
    RunState {
        run: Run::begin(input.run, rules.flow, parent, source),
        actor_channels: Default::default(),
        flow: input.flow.clone(),
        created_at: input.at,
        updated_at: input.at,
        begun_by: None,
        submitted_under: None,
        request: None,
        routing: None,
        current_notification: 0,
        delivered: Vec::new(),
        receipt: None,
        resent: 0,
        form: input.form.clone(),
        approved_duration: None,
        decision: None,
        access: Access::None,
        extension: None,
        former_grant: None,
        ended_at: None,
        deescalate_type: None,
        active_event: None,
        queue: Default::default(),
        pending: Default::default(),
        timers: Default::default(),
        deferred_after_request: None,
        reminders: Reminders::default(),
        error: None,
        deferrals: 0,
        revocation_blocked: None,
        closed: false,
        next_seq: 1,
        next_generation: 1,
    }
}

// Inputs.

impl Stepper<'_> {
    fn submitted(&mut self, event: EventId, actor: &Arc<User>, channel: &Channel, action: &Action) -> InputReply {
        let record = self.action_record(event, action, actor, channel.clone());
        let sender = Sender { actor, channel: channel.kind() };
        match permissions::admit(&self.rules, &self.state, self.clock, sender, action) {
            Err(error) => self.refuse(record, error),
            Ok(Admission::Queued) => {
                let (actor, channel, action) = (actor.clone(), channel.clone(), action.clone());
                self.state.queue.push_back(QueuedInput::Action { event, actor, channel, action });
                InputReply::Accepted { event: Some(event) }
            }
            Ok(Admission::Started) => {
                self.stored = true;
                self.replies_to = Some(event);
                self.start_action(record, action);
                self.replies_to = None;
                match self.refusal.take() {
                    Some(error) => InputReply::Refused { event, error },
                    None => InputReply::Accepted { event: Some(event) },
                }
            }
        }
    }

    /// Records a refusal. The Run stays as it is, or absent: not even its time of change moves, on which its retention depends.
    fn submission_refused(&mut self, refusal: &Refusal) -> InputReply {
        let Refusal { event, actor, is_known_actor, channel, action, error, omitted } = refusal;
        let record = Arc::new(self.record(*event, action.step(), actor, channel.clone()));
        let (action, is_known_actor, error, omitted) = (*action, *is_known_actor, error.clone(), *omitted);
        self.audit(&record, AuditKind::SubmissionRefused { action, is_known_actor, error: error.clone(), omitted });
        self.stored = false;
        InputReply::Refused { event: *event, error }
    }

    fn effect_done(&mut self, seq: u64, outcome: &Outcome) -> InputReply {
        let Some(pending) = self.state.pending.remove(&seq) else { return InputReply::Stale };
        let outcome = self.record_look_ups(&pending.event, outcome);
        match self.state.active_event.take_if(|active| active.seq == seq) {
            Some(active) => self.active_event_done(active, &pending, outcome),
            None => self.side_effect_done(&pending, outcome),
        }
        InputReply::Accepted { event: None }
    }

    /// Records what handlers have asked services, and returns the outcome itself.
    fn record_look_ups<'o>(&mut self, event: &Arc<EventRecord>, outcome: &'o Outcome) -> &'o Outcome {
        let Outcome::LookedUp { look_ups, outcome } = outcome else { return outcome };
        for HandlerLookUps { handler, answers } in look_ups {
            self.audit(event, AuditKind::LookedUp { handler: handler.clone(), answers: answers.clone() });
        }
        outcome
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

    /// Processes queued inputs until an event is active or the queue is empty.
    fn drain_queue(&mut self) {
        while self.state.active_event.is_none() || self.preempt_extension() {
            match self.state.queue.pop_front() {
                None => return,
                Some(QueuedInput::Timer(TimerKind::Remind)) => self.reminder_due(),
                Some(QueuedInput::Timer(TimerKind::Warn)) => self.warning_due(),
                Some(QueuedInput::Timer(TimerKind::Lifetime)) => self.lifetime_ended(),
                Some(QueuedInput::Timer(TimerKind::Forward)) => self.notification_timed_out(),
                Some(QueuedInput::Timer(TimerKind::Expire)) => self.access_expired(),
                Some(QueuedInput::DeliveryFailed { entry, event }) => self.notification_failed(entry, &event),
                Some(QueuedInput::Action { event, actor, channel, action }) => {
                    let sender = Sender { actor: &actor, channel: channel.kind() };
                    let checked = permissions::check(&self.rules, &self.state, self.clock, sender, &action);
                    let record = self.action_record(event, &action, &actor, channel);
                    match checked {
                        Ok(()) => self.start_action(record, &action),
                        Err(error) => {
                            // The reply was sent when the action was queued, so the refusal is sent as a message.
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

    fn start_action(&mut self, event: EventRecord, action: &Action) {
        match action {
            Action::Revoke if matches!(self.state.access, Access::Revoking { .. }) => self.retry_revocation(event),
            Action::WriteOff { .. } => self.write_off(event),
            Action::Regrant => self.regrant(event),
            Action::Remove(removal) => self.remove(event, removal),
            Action::Approve { .. } => self.begin_approval(event),
            Action::Remind => self.remind(event),
            Action::Extend(extension) => self.begin_extension(event, extension),
            Action::Request(_) => {
                self.state.submitted_under = Some(Fingerprint::of(self.rules.flow));
                self.begin(event, BTreeSet::new());
            }
            _ => self.begin(event, BTreeSet::new()),
        }
    }

    fn refuse(&mut self, record: EventRecord, error: EffectError) -> InputReply {
        let event = record.id;
        self.audit(&Arc::new(record), AuditKind::Refused { error: error.clone() });
        InputReply::Refused { event, error }
    }
}

// The life cycle of an event: `on_` hook, default implementation, `after_` hook.

impl Stepper<'_> {
    /// Begins an admitted event with its `on_` hook.
    pub(super) fn begin(&mut self, event: EventRecord, repeated: BTreeSet<Step>) {
        let event = Arc::new(event);
        if matches!(event.name, Step::Prompt | Step::Request) && event.extension.is_none() {
            self.state.begun_by = Some(event.actor.id()).filter(|_| self.state.run.actors().is_empty());
        }
        self.audit(&event, AuditKind::Received);
        let hook = Hook::On(event.name);
        if self.rules.hooks.has(hook) && !self.overrules_hook(&event) {
            let kind = self.hook_effect(hook, &event);
            self.wait_for(event, Stage::Hook, repeated, kind);
        } else {
            self.default_implementation(event);
        }
    }

    pub(super) fn default_implementation(&mut self, event: Arc<EventRecord>) {
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

    /// Calls the event's `after_` hook, if there is one.
    pub(super) fn after(&mut self, event: &Arc<EventRecord>) {
        let hook = Hook::After(event.name);
        if self.rules.hooks.has(hook) {
            let kind = self.hook_effect(hook, event);
            self.effect(event, kind);
        }
    }

    fn hook_effect(&self, hook: Hook, event: &EventRecord) -> EffectKind {
        let forward = (hook.step() == Step::RequestForward).then(|| self.forward_context(Round::of(event)));
        EffectKind::Hook { hook, forward }
    }

    fn active_event_done(&mut self, active: ActiveEvent, pending: &PendingEffect, outcome: &Outcome) {
        let event = active.event;
        match (active.stage, outcome) {
            (Stage::Hook, Outcome::Hook { handler, result }) => {
                self.audit(&event, handler_called(handler, hook_result(result)));
                match result {
                    HookResult::Continue => self.default_implementation(event),
                    HookResult::Fire(next) => self.override_event(event, handler, next, active.repeated),
                }
            }
            // The hook was removed after the event began, by a new version of the program.
            (Stage::Hook, Outcome::Done) => self.default_implementation(event),
            (Stage::Hook, Outcome::Failed(error)) => {
                self.audit_handler_failure(&event, error);
                self.hook_failed(event, error.clone());
            }
            (Stage::Route, Outcome::Routed { handlers, routing }) => self.routed(event, handlers, routing),
            (
                Stage::Identify,
                Outcome::Identified {
                    identity,
                    resource,
                    handler,
                    settle_time,
                    has_standing_access,
                    prior,
                    level,
                    enforces_end,
                },
            ) => {
                if let Some(handler) = handler {
                    self.audit(&event, handler_called(handler, HandlerResult::Returned));
                }
                let found = Entitlement {
                    identity,
                    resource,
                    level: level.as_deref(),
                    settle_time: *settle_time,
                    is_standing: *has_standing_access,
                    prior: prior.as_ref(),
                    enforces_end: *enforces_end,
                };
                self.identified(event, &pending.kind, found);
            }
            (Stage::Identify, Outcome::NoLongerValid(error)) => self.close(&event, error.clone()),
            (Stage::Hook | Stage::Route, Outcome::PeopleUnknown(error)) => self.people_unknown(&event, error),
            (Stage::Route | Stage::Identify, Outcome::Failed(error)) => {
                self.audit_handler_failure(&event, error);
                self.fail(&event, error.clone());
            }
            (Stage::Grant, outcome) => self.grant_done(event, pending, outcome),
            (Stage::Regrant, outcome) => self.regrant_done(&event, outcome),
            (Stage::Extend, outcome) => self.extension_grant_done(event, pending, outcome),
            (_, outcome) => self.fail(&event, outcome.unexpected("an effect")),
        }
    }

    /// Handles the failure of an `on_` hook. It fails the Run, except that a failing hook must not keep access from ending.
    pub(super) fn hook_failed(&mut self, event: Arc<EventRecord>, error: EffectError) {
        if event.name == Step::Deescalate {
            self.report(&event, error);
            self.deescalate(event);
        } else {
            self.fail(&event, error);
        }
    }

    /// Handles the outcome of an effect that no event waits for.
    fn side_effect_done(&mut self, pending: &PendingEffect, outcome: &Outcome) {
        let event = &pending.event;
        match (&pending.kind, outcome) {
            (EffectKind::Hook { .. }, Outcome::Hook { handler, .. }) => {
                self.audit(event, handler_called(handler, HandlerResult::Continued));
            }
            (EffectKind::Hook { .. }, Outcome::Failed(error)) => {
                self.audit_handler_failure(event, error);
                self.report(event, error.clone());
            }
            (EffectKind::OpenForm, Outcome::Failed(error)) => {
                let is_given_up = self.message_failed(pending, error);
                if is_given_up {
                    self.effect(event, EffectKind::Alert { error: error.clone() });
                    self.notify_failure(event, error);
                }
            }
            (EffectKind::OpenForm, _) => {
                self.audit(event, AuditKind::FormOpened);
                self.after(event);
            }
            (EffectKind::Deliver { entry, notification }, outcome) => {
                self.delivery_done(pending, *entry, notification, outcome);
            }
            (EffectKind::Remind { entry }, Outcome::Delivered(results)) => self.reminded(pending, *entry, results),
            (EffectKind::UpdateMessages, Outcome::Updated { gone, error }) => {
                self.messages_gone(event, gone);
                if let Some(error) = error {
                    self.message_failed(pending, error);
                }
            }
            (EffectKind::Revoke { target, identity }, outcome) => {
                self.revoke_done(pending, target, identity, outcome);
            }
            (EffectKind::Receipt, Outcome::ReceiptSent(message)) => self.receipt_sent(event, message),
            (EffectKind::Message { to, notice }, Outcome::Done) => {
                let text = notice.text(self.rules.flow.label());
                self.audit(event, AuditKind::Messaged { to: to.username().to_owned(), text });
            }
            (EffectKind::Alert { error }, Outcome::Done) => {
                self.audit(event, AuditKind::Alerted { error: error.clone() });
            }
            // A failed alert must not raise another alert, unless it is given up.
            (EffectKind::Alert { .. }, Outcome::Failed(reason)) if self.send_again_later(pending, reason) => {}
            (EffectKind::Alert { error }, Outcome::AlertUndelivered { reason } | Outcome::Failed(reason)) => {
                self.audit(event, AuditKind::AlertUndelivered { error: error.clone(), reason: reason.clone() });
                self.alert_failed();
            }
            (
                EffectKind::UpdateMessages
                | EffectKind::Receipt
                | EffectKind::Message { .. }
                | EffectKind::Remind { .. },
                Outcome::Failed(error),
            ) => _ = self.message_failed(pending, error),
            _ => {}
        }
    }

    /// Records that the event was processed, and sets the Run's status.
    pub(super) fn complete(&mut self, event: &Arc<EventRecord>, status: RunStatus) {
        if event.extension.is_some() {
            return self.complete_extension_event(event);
        }
        self.set_actor(event.name, event);
        if event.name == Step::Deescalate {
            self.state.deescalate_type = event.deescalate_type;
        }
        self.state.deferrals = 0;
        // A failed Run stays failed, even if the revocation that follows the failure succeeds.
        if self.state.run.status() != RunStatus::Errored {
            self.state.run.set_status(status);
        }
        self.audit(event, AuditKind::Completed);
    }

    /// Fails the event, and the Run with it. The event of an extension fails the extension alone.
    pub(super) fn fail(&mut self, event: &Arc<EventRecord>, error: EffectError) {
        if event.extension.is_some() {
            return self.fail_extension(event, error);
        }
        self.record_failure(event, &error);
        self.notify_failure(event, &error);
        self.effect(event, EffectKind::Alert { error });
        self.update_messages(event);
        self.revoke_after_failure(event);
    }

    /// Records that the event has failed, and the Run with it.
    pub(super) fn record_failure(&mut self, event: &Arc<EventRecord>, error: &EffectError) {
        self.set_error(event, error);
        self.cancel_request_timers();
        self.audit(event, AuditKind::Failed { error: error.clone() });
    }

    /// Sets the Run's status and error.
    pub(super) fn set_error(&mut self, event: &EventRecord, error: &EffectError) {
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
    }

    /// Reports an error to the error destination without failing the event.
    pub(super) fn report(&mut self, event: &Arc<EventRecord>, error: EffectError) {
        self.audit(event, AuditKind::Reported { error: error.clone() });
        self.effect(event, EffectKind::Alert { error });
    }
}

pub(super) fn handler_called(handler: &HandlerRef, result: HandlerResult) -> AuditKind {
    AuditKind::HandlerCalled { handler: handler.clone(), result }
}

fn hook_result(result: &HookResult) -> HandlerResult {
    match result {
        HookResult::Continue => HandlerResult::Continued,
        HookResult::Fire(next) => match next.step() {
            Some(event) => HandlerResult::Fired { event, reason: next.reason.clone() },
            None => HandlerResult::Ignored,
        },
    }
}
