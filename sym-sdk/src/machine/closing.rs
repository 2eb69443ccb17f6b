//! Closing a request that must not be granted any more, because it fails a check that it once passed.
//!
//! The same happens to the open requests of a flow that is no longer configured, when the program starts without it.
//!
//! The Run fails, and everybody who counts on it is told why: the requester, whoever just approved, and the error destination. The
//! approver of a click is told in the reply to it.

use std::sync::Arc;

use super::access::Access;
use super::audit_entry::AuditKind;
use super::effect::EffectKind;
use super::effect_error::EffectError;
use super::event_record::EventRecord;
use super::notice::Notice;
use super::people::check_requester;
use super::recheck::{check_extension, check_request};
use super::state::RunState;
use super::stepper::Stepper;
use super::transition::InputReply;
use crate::error::{ErrorKind, codes};
use crate::model::{ChannelType, EventId, Step, User};

impl RunState {
    /// Returns whether the Run has a request that was neither finished nor granted.
    pub fn can_be_closed(&self) -> bool {
        let is_requested = self.request.is_some() || self.run.requester().is_some();
        is_requested && !self.may_hold_access() && (self.is_busy() || !self.is_finished())
    }
}

impl Stepper<'_> {
    /// Checks again whether the request may be granted to its requester, with the target and duration of `event`.
    pub(super) fn recheck(&self, event: &EventRecord) -> Result<(), EffectError> {
        if let Some(requester) = self.state.run.requester() {
            check_requester(self.people.current(requester))?;
        }
        match &self.state.request {
            Some(request) if event.extension.is_some() => {
                check_extension(self.rules.flow, request, event.duration, event.duration_set_by_hook)
            }
            Some(request) => check_request(self.rules.flow, request, event.target.as_ref(), event.duration),
            None => Ok(()),
        }
    }

    /// Closes the request during `event`, which would have decided it or granted access.
    pub(super) fn close(&mut self, event: &Arc<EventRecord>, error: EffectError) {
        if event.extension.is_some() {
            return self.close_extension(event, error);
        }
        self.record_failure(event, &error);
        let reason = error.message.clone();
        let was_granting = self.state.access != Access::None;
        // Whoever is no longer a user is sent nothing.
        let requester = self.state.run.requester_arc().filter(|user| self.people.current(user).is_some());
        if let Some(requester) = &requester {
            self.message(event, requester, Notice::Closed { code: error.code.clone(), reason: reason.clone() });
        }
        let actor = event.actor.clone();
        let is_told = requester.is_some_and(|requester| requester.id() == actor.id());
        if !is_told && actor.id() != User::system().id() {
            let outcome = if was_granting { "the request has failed" } else { "no access is granted" };
            let told =
                EffectError { message: format!("this request is closed, and {outcome}: {reason}"), ..error.clone() };
            if self.replies_to == Some(event.id) {
                self.refusal = Some(told);
            } else {
                self.message(event, &actor, Notice::Refused { code: told.code, message: told.message });
            }
        }
        self.effect(event, EffectKind::Alert { error });
        self.update_messages(event);
        self.revoke_after_failure(event);
    }

    /// Closes the request of a Run whose flow is no longer configured. Nobody could decide it, and nothing could be granted.
    pub(super) fn flow_removed(&mut self) -> InputReply {
        if !self.state.can_be_closed() {
            return InputReply::Stale;
        }
        let reason = format!("flow `{}` is no longer configured", self.rules.flow.name());
        let error = EffectError::new(ErrorKind::Conflict, codes::UNKNOWN_FLOW, reason);
        if let Some(active) = self.state.active_event.take() {
            self.state.pending.remove(&active.seq);
            self.audit(&active.event, AuditKind::Failed { error: error.clone() });
        }
        let (cause, system) = (EventId::from_uuid(*self.state.run.id().as_uuid()), Arc::new(User::system()));
        let event = Arc::new(self.follow_up_of(cause, &system, Step::RequestExpire, ChannelType::Scheduler));
        self.audit(&event, AuditKind::Received);
        self.close(&event, error);
        InputReply::Accepted { event: None }
    }

    /// Handles an event whose people could not be looked up. A person can decide again; everything else fails.
    pub(super) fn people_unknown(&mut self, event: &Arc<EventRecord>, error: &EffectError) {
        if !matches!(event.name, Step::Approve | Step::Deny) || event.decided_by_hook {
            return self.fail(event, error.clone());
        }
        let message = format!("nothing was decided, because people could not be looked up: {}", error.message);
        let error = EffectError { message, ..error.clone() };
        self.refuse_decision(event, error.with_hint("decide again"));
    }

    /// Records a decision that does not count, and tells whoever made it. The request stays as it is.
    pub(super) fn refuse_decision(&mut self, event: &Arc<EventRecord>, error: EffectError) {
        self.audit(event, AuditKind::Refused { error: error.clone() });
        if self.replies_to == Some(event.id) {
            self.refusal = Some(error);
        } else {
            let notice = Notice::Refused { code: error.code, message: error.message };
            self.message(event, &event.actor.clone(), notice);
        }
    }
}
