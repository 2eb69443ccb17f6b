//! The decision about an extension, and every other way in which it ends.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{ExtensionStatus, Round, extended_end};
use crate::error::{ErrorKind, codes};
use crate::machine::access::Access;
use crate::machine::audit_entry::AuditKind;
use crate::machine::effect::EffectKind;
use crate::machine::effect_error::EffectError;
use crate::machine::event_record::EventRecord;
use crate::machine::input::Action;
use crate::machine::notice::Notice;
use crate::machine::permissions::{self, Sender};
use crate::machine::state::{ActiveEvent, QueuedInput, Stage};
use crate::machine::stepper::Stepper;
use crate::machine::timer::TimerKind;
use crate::model::User;

// The decision.

impl Stepper<'_> {
    /// Approves an extension. The end of the access moves at once, unless the target ends it by itself and has to be asked first.
    pub(in crate::machine) fn approve_extension(&mut self, event: Arc<EventRecord>) {
        let round = Round::of(&event);
        let Access::Held(grant) = self.state.access.clone() else { return };
        let Some(former) = grant.until else { return };
        // Checked again, because a hook can take its time and decide by itself.
        if self.state.is_overdue(self.clock) || self.clock >= former {
            let error = permissions::extension_expired();
            return match self.state.is_open_in(round) && !event.decided_by_hook {
                true => self.refuse_decision(&event, error),
                // Nothing else would settle it: it was never opened, or the hook decides in place of its expiry.
                false => self.close_extension(&event, error),
            };
        }
        if !self.admits_approval(&event) {
            return;
        }
        let event = self.with_shortest_duration(event);
        let duration = event.duration.unwrap_or_default();
        let Some(until) = extended_end(self.rules.flow, former, duration, self.clock) else {
            let message = "the access lasts as long as the flow allows already";
            return self.close_extension(&event, EffectError::new(ErrorKind::Conflict, codes::NOT_EXTENDABLE, message));
        };
        self.cancel_request_timers();
        if let Some(extension) = self.extension_mut(&event) {
            extension.status = ExtensionStatus::Approved;
            extension.duration = duration;
            extension.duration_set_by_hook = event.duration_set_by_hook;
            extension.until = Some(until);
            extension.decision = Some(event.clone());
        }
        self.complete_extension_event(&event);
        if grant.enforces_end && !grant.is_standing {
            self.update_messages(&event);
            self.request_extension_grant(event, &grant, until);
        } else {
            self.extend_access(&event, until);
        }
    }

    /// Moves the end of the access, and the timer with it.
    pub(in crate::machine) fn extend_access(&mut self, event: &Arc<EventRecord>, until: Timestamp) {
        let now = self.clock;
        let Access::Held(grant) = &mut self.state.access else { return };
        let Some(from) = grant.until.replace(until) else { return };
        grant.duration = Some(Duration::try_from(until.duration_since(now)).unwrap_or_default());
        let (target, identity) = (grant.target.title(), grant.identity.clone());
        grant.warned = None;
        self.set_timer(TimerKind::Expire, until);
        self.schedule_warning();
        if let Some(extension) = self.extension_mut(event) {
            extension.status = ExtensionStatus::Granted;
            extension.until = Some(until);
        }
        self.audit(event, AuditKind::Extended { target: target.clone(), identity, from, until });
        let by = (!event.decided_by_hook).then(|| event.actor.username().to_owned());
        self.message_requester(event, Notice::Extended { target, until, by });
        self.update_messages(event);
        self.after(event);
    }

    /// Denies an extension, or withdraws it for the requester.
    pub(in crate::machine) fn deny_extension(&mut self, event: Arc<EventRecord>) {
        self.cancel_request_timers();
        self.settle_extension(&event, ExtensionStatus::Denied);
        if let Some(extension) = self.extension_mut(&event) {
            extension.decision = Some(event.clone());
        }
        self.complete_extension_event(&event);
        self.update_messages(&event);
        let (target, until) = self.access_in_words();
        let is_requester = self.state.run.requester().is_some_and(|requester| requester.is_same(&event.actor));
        let notice = if is_requester && !event.decided_by_hook {
            Notice::ExtensionWithdrawn { target, until }
        } else {
            let by = (!event.decided_by_hook).then(|| event.actor.username().to_owned());
            // The reason of an event that people submit is that of the requester.
            let reason = event.decision_message.clone().or_else(|| event.reason.clone().filter(|_| by.is_none()));
            Notice::ExtensionDenied { target, until, by, reason }
        };
        self.message_requester(&event, notice);
        self.after(&event);
    }

    /// Lets an extension expire that nobody has decided.
    pub(in crate::machine) fn expire_extension(&mut self, event: Arc<EventRecord>, is_undeliverable: bool) {
        self.cancel_request_timers();
        self.settle_extension(&event, ExtensionStatus::Expired);
        self.complete_extension_event(&event);
        let reason = match is_undeliverable {
            true => "nobody could be notified of your request",
            false => "nobody acted on your request in time",
        };
        self.notify_not_extended(&event, reason);
        self.update_messages(&event);
        self.after(&event);
    }

    fn settle_extension(&mut self, event: &EventRecord, status: ExtensionStatus) {
        if let Some(extension) = self.extension_mut(event) {
            extension.status = status;
            extension.deferred_after_request = None;
        }
    }

    /// Returns the target of the access and its end, for notices.
    fn access_in_words(&self) -> (String, Option<Timestamp>) {
        let grant = self.state.last_grant();
        let target = grant.map_or_else(|| self.rules.flow.label().to_owned(), |grant| grant.target.title());
        (target, grant.and_then(|grant| grant.until))
    }
}

// Ends without a decision.

impl Stepper<'_> {
    /// Closes an extension that must not be approved any more. The reason is for everybody who counts on it.
    pub(in crate::machine) fn close_extension(&mut self, event: &Arc<EventRecord>, error: EffectError) {
        let reason = error.message.clone();
        self.end_failed_extension(event, &error);
        // Whoever decided by a click is told in the reply to it.
        if self.replies_to == Some(event.id) {
            self.notify_requester_not_extended(event, &reason);
            let message = format!("this extension is closed, and the access ends as before: {reason}");
            self.refusal = Some(EffectError { message, ..error.clone() });
        } else {
            self.notify_not_extended(event, &reason);
        }
        self.effect(event, EffectKind::Alert { error });
        self.update_messages(event);
    }

    /// Ends an extension whose handlers, or whose event, failed. The access stays as it was.
    pub(in crate::machine) fn fail_extension(&mut self, event: &Arc<EventRecord>, error: EffectError) {
        self.end_failed_extension(event, &error);
        let reason = format!("something went wrong ({}), and the operators have been notified", error.code);
        self.notify_not_extended(event, &reason);
        self.effect(event, EffectKind::Alert { error });
        self.update_messages(event);
    }

    /// Ends an extension that a hook ignored before it was opened to anybody.
    pub(in crate::machine) fn drop_ignored_extension(&mut self, event: &EventRecord) {
        self.settle_extension(event, ExtensionStatus::Closed);
    }

    fn end_failed_extension(&mut self, event: &Arc<EventRecord>, error: &EffectError) {
        self.cancel_request_timers();
        self.settle_extension(event, ExtensionStatus::Closed);
        self.audit(event, AuditKind::Failed { error: error.clone() });
    }

    /// Tells the requester that the access was not extended, and whoever acted if that is somebody else.
    pub(in crate::machine) fn notify_not_extended(&mut self, event: &Arc<EventRecord>, reason: &str) {
        self.notify_requester_not_extended(event, reason);
        let requester = self.state.run.requester_arc();
        let actor = event.actor.clone();
        let is_other = requester.as_ref().is_none_or(|requester| requester.id() != actor.id());
        if is_other && actor.id() != User::system().id() {
            let (target, until) = self.access_in_words();
            let requester = requester.map(|requester| requester.username().to_owned());
            let reason = reason.to_owned();
            self.message(event, &actor, Notice::NotExtended { requester, target, until, reason });
        }
    }

    fn notify_requester_not_extended(&mut self, event: &Arc<EventRecord>, reason: &str) {
        // Whoever is no longer a user is sent nothing.
        let requester = self.state.run.requester_arc().filter(|user| self.people.current(user).is_some());
        if let Some(requester) = requester {
            let (target, until) = self.access_in_words();
            let notice = Notice::NotExtended { requester: None, target, until, reason: reason.to_owned() };
            self.message(event, &requester, notice);
        }
    }
}

// The end of the access.

impl Stepper<'_> {
    /// Ends the active event of an extension if the end of the access waits for it, and returns whether it did.
    ///
    /// Handlers and grants of extensions can take long, and whoever has the access can ask for one at any time, so the end of the access
    /// must not wait for them. What a grant has done at the target by then is unknown: the access is revoked again after the settle window.
    pub(in crate::machine) fn preempt_extension(&mut self) -> bool {
        let is_extension = |active: &ActiveEvent| active.event.extension.is_some();
        if !self.state.active_event.as_ref().is_some_and(is_extension) || !self.is_end_queued() {
            return false;
        }
        let Some(active) = self.state.active_event.take() else { return false };
        self.state.pending.remove(&active.seq);
        let event = active.event;
        if active.stage == Stage::Extend {
            self.begin_settle_window();
            self.audit_extension_failed(&event, access_ended(), None);
        } else {
            self.audit(&event, AuditKind::Failed { error: access_ended() });
        }
        self.cancel_request_timers();
        self.settle_extension(&event, ExtensionStatus::Closed);
        self.update_messages(&event);
        true
    }

    /// Returns whether the expiry of the access, or a revocation by somebody who may revoke it, waits for the active event.
    fn is_end_queued(&self) -> bool {
        self.state.queue.iter().any(|queued| match queued {
            QueuedInput::Timer(kind) => *kind == TimerKind::Expire,
            QueuedInput::Action { actor, channel, action: action @ Action::Revoke, .. } => {
                let sender = Sender { actor, channel: channel.kind() };
                permissions::check(&self.rules, &self.state, self.clock, sender, action).is_ok()
            }
            _ => false,
        })
    }

    /// Closes the extension of access that ends with `event`. Whoever has the access is told of the end itself.
    pub(in crate::machine) fn end_extension(&mut self, event: &Arc<EventRecord>) {
        let Some(extension) = self.state.extension.as_deref_mut().filter(|extension| extension.status.is_unsettled())
        else {
            return;
        };
        extension.status = ExtensionStatus::Closed;
        extension.deferred_after_request = None;
        let id = extension.id;
        self.cancel_request_timers();
        self.audit(event, AuditKind::ExtensionClosed { extension: id });
        self.update_messages(event);
    }
}

fn access_ended() -> EffectError {
    EffectError::new(ErrorKind::Conflict, codes::NOT_EXTENDABLE, "the access ended before it was extended")
}
