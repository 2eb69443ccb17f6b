//! Events that a hook fires in place of the event it was called for, and events that it ignores.
//!
//! A hook can move a Run forward faster, but never backward and never around a check: it cannot fire an earlier step, escalate
//! what is not approved, or grant what the flow does not offer. Each step may be fired in place of itself once per event, so
//! that hooks cannot loop.
//!
//! Nor can a hook keep a Run from coming to its end. What a timer begins can be ignored [`MAX_DEFERRALS`] times in a row: it is
//! due again after a while, and in the end the hook is not called any more. An administrator's revocation cannot be ignored at
//! all, nor can that of a user's access who is locked or deleted, and approved access that a hook does not let be granted ends the Run.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::access::Access;
use super::audit_entry::AuditKind;
use super::effect_error::EffectError;
use super::event_record::EventRecord;
use super::extension::Round;
use super::notice::Notice;
use super::recheck::check_hook_duration;
use super::retry::MAX_DEFERRALS;
use super::stepper::Stepper;
use crate::error::{ErrorKind, codes};
use crate::model::{AccessTarget, ChannelType, DeescalateType, HandlerRef, RunStatus, Step, User};
use crate::template::{NextEvent, TargetRef};

impl Stepper<'_> {
    /// Replaces `event` by what its hook returned.
    pub(super) fn override_event(
        &mut self,
        event: Arc<EventRecord>,
        handler: &HandlerRef,
        next: &NextEvent,
        repeated: BTreeSet<Step>,
    ) {
        let Some(step) = next.step() else { return self.ignore(&event, handler, next.message.as_deref()) };
        match self.fired_event(&event, step, next, repeated) {
            Ok((fired, repeated)) => self.begin(fired, repeated),
            Err(error) => self.hook_failed(event, error.in_handler(handler.clone())),
        }
    }

    /// Cancels the event. The Run stays as it is, unless that would leave it without an end.
    fn ignore(&mut self, event: &Arc<EventRecord>, handler: &HandlerRef, message: Option<&str>) {
        if self.expire_in_spite_of_hook(event) {
            return;
        }
        if let Some(text) = self.binding_revocation(event) {
            let error = EffectError::new(ErrorKind::Handler, codes::HOOK_OVERRULED, text).in_handler(handler.clone());
            self.audit(event, AuditKind::Reported { error });
            return self.default_implementation(event.clone());
        }
        let message = message.map(str::to_owned);
        if event.name == Step::Escalate {
            return self.stop_grant(event, handler, message);
        }
        self.audit(event, AuditKind::Ignored { message: message.clone() });
        if self.defer_ignored_expiry(event, handler) {
            return;
        }
        self.restart_timeout(event);
        // A form can be submitted again after its request was ignored. A request without a form cannot, and neither can one that
        // a hook has already replaced by another event.
        if event.extension.is_some() && !self.state.is_open_in(Round::of(event)) {
            self.drop_ignored_extension(event);
        }
        let status = self.state.run.status();
        let undecidable = status == RunStatus::Prompted && self.state.request.is_some();
        self.state.closed |= status == RunStatus::Pending || undecidable;
        // Nobody triggered an automatic event, so only an explicit message is worth sending to its actor.
        if event.channel.kind() != ChannelType::Scheduler || message.is_some() {
            // The actor of an event that another hook fired knows only of the request.
            let ignored = if event.decided_by_hook { Step::Request } else { event.name };
            self.message(event, &event.actor, Notice::Ignored { event: ignored, message });
        }
    }

    /// Returns why the event is a revocation that cannot be ignored, if it is one.
    fn binding_revocation(&self, event: &EventRecord) -> Option<String> {
        let is_revocation = event.name == Step::Deescalate
            && event.deescalate_type == Some(DeescalateType::Revoked)
            && matches!(self.state.access, Access::Held(_));
        if is_revocation && event.actor.is_admin() {
            return Some(format!("{} is an administrator, whose revocation cannot be ignored", event.actor.username()));
        }
        // The platform itself revokes the access of users who are locked or deleted, and no other.
        let is_of_platform = event.actor.id() == User::system().id();
        (is_revocation && is_of_platform)
            .then(|| "the requester is locked or deleted, and the end of their access cannot be ignored".to_owned())
    }

    /// Ends the Run because a hook ignored the grant of approved access: nothing would ever grant it.
    fn stop_grant(&mut self, event: &Arc<EventRecord>, handler: &HandlerRef, message: Option<String>) {
        let reason = message.as_deref().unwrap_or("the flow did not allow it").to_owned();
        let text = format!("{handler} did not let the access be granted: {reason}");
        self.set_error(event, &EffectError::new(ErrorKind::Forbidden, codes::GRANT_STOPPED, text));
        self.audit(event, AuditKind::Ignored { message });
        self.notify_not_granted(event, &reason);
        self.update_messages(event);
    }

    /// Returns whether the event's hook may not be called, because hooks have ignored such events as often as they may. Reports
    /// that if so.
    pub(super) fn overrules_hook(&mut self, event: &Arc<EventRecord>) -> bool {
        if event.channel.kind() != ChannelType::Scheduler || self.state.deferrals_in(Round::of(event)) < MAX_DEFERRALS {
            return false;
        }
        let message =
            format!("`{}` was ignored {MAX_DEFERRALS} times; it is processed without `on_{0}` now", event.name);
        self.report(event, EffectError::new(ErrorKind::Handler, codes::HOOK_OVERRULED, message));
        true
    }

    /// Returns the event that the hook fires, and the steps fired again so far.
    ///
    /// # Errors
    /// If the hook may not fire this event.
    fn fired_event(
        &mut self,
        event: &Arc<EventRecord>,
        step: Step,
        next: &NextEvent,
        mut repeated: BTreeSet<Step>,
    ) -> Result<(EventRecord, BTreeSet<Step>), EffectError> {
        self.check_order(event.name, step, &mut repeated)?;
        if event.extension.is_some() {
            check_extension_override(event.name, step, next)?;
        }
        let mut fired = EventRecord {
            reason: next.reason.clone(),
            target: event.target.clone(),
            duration: event.duration,
            fields: event.fields.clone(),
            labels: event.labels.clone(),
            decision_message: event.decision_message.clone(),
            deescalate_type: event.deescalate_type,
            extra: next.extra.clone(),
            context: event.context.clone(),
            duration_set_by_hook: event.duration_set_by_hook,
            // An approval that a hook fires again, with another reason for example, is still the vote of its approver.
            decided_by_hook: event.decided_by_hook || step != event.name,
            extension: event.extension,
            ..self.follow_up(event, step, ChannelType::Sdk)
        };
        if let Some(target) = &next.target {
            fired.target = Some(self.resolve(target, &fired)?);
        }
        if let Some(duration) = next.duration {
            check_hook_duration(self.rules.flow, duration)?;
            fired.duration = Some(duration);
            fired.duration_set_by_hook = true;
        }
        self.check_grantable(step, &fired)?;
        if event.name == Step::Request && step != Step::Request && event.extension.is_none() {
            self.store_request(event);
        }
        Ok((fired, repeated))
    }

    /// Checks that `step` may follow from a hook of `from`.
    fn check_order(&self, from: Step, step: Step, repeated: &mut BTreeSet<Step>) -> Result<(), EffectError> {
        let invalid = |message| Err(EffectError::new(ErrorKind::InvalidInput, codes::INVALID_EVENT, message));
        if step == from {
            if !repeated.insert(step) {
                return invalid(format!("`on_{step}` fired `{step}` a second time; only the first one is processed"));
            }
        } else if step.rank() <= from.rank() {
            return invalid(format!("`on_{from}` must not fire `{step}`: a request only moves forward"));
        }
        let status = self.state.run.status();
        let applies = match step {
            Step::Escalate => status == RunStatus::Approved,
            Step::Deescalate => matches!(self.state.access, Access::Held(_)),
            _ => true,
        };
        if applies {
            return Ok(());
        }
        let message = format!("`{step}` does not apply to a request that is {status}");
        Err(EffectError::new(ErrorKind::Conflict, codes::DEESCALATE_INVALID_RUN, message))
    }

    /// Checks that an event that leads to a grant has all that a form would have asked for.
    fn check_grantable(&self, step: Step, fired: &EventRecord) -> Result<(), EffectError> {
        let flow = self.rules.flow;
        if flow.strategy().is_none() || !matches!(step, Step::Request | Step::Approve | Step::Escalate) {
            return Ok(());
        }
        let missing = if fired.target.is_none() {
            "a target"
        } else if fired.duration.is_none() && flow.params().schedule_deescalation {
            "a duration"
        } else {
            return Ok(());
        };
        let message = format!("`{step}` of flow `{}` needs {missing}, and the request has none", flow.name());
        Err(EffectError::new(ErrorKind::InvalidInput, codes::INVALID_EVENT, message)
            .with_hint(format!("ApprovalTemplate::{step}().target(…).duration(…)")))
    }

    fn resolve(&self, target: &TargetRef, event: &EventRecord) -> Result<AccessTarget, EffectError> {
        let flow = self.rules.flow;
        let found = flow.strategy().and_then(|strategy| match target {
            TargetRef::Id(id) => strategy.target_by_id(*id),
            TargetRef::Srn(srn) => strategy.target_by_srn(srn),
        });
        let Some(found) = found else {
            let message = format!("`{target}` is not a target of flow `{}`", flow.name());
            return Err(EffectError::new(ErrorKind::InvalidInput, codes::UNKNOWN_TARGET, message));
        };
        found.bind(&event.fields).map_err(|error| EffectError::from(&error))
    }
}

/// Checks that a hook called for an event of an extension fires another such event. The access that the Run gives stays as it is: its target
/// is not the extension's to change, and whoever wants it to end revokes it.
fn check_extension_override(from: Step, step: Step, next: &NextEvent) -> Result<(), EffectError> {
    let message = match step {
        Step::Escalate | Step::Deescalate => format!("`on_{from}` must not fire `{step}` for an extension"),
        Step::RequestForward if from == Step::Request => {
            format!("`on_{from}` must not fire `{step}` for an extension that was not delivered yet")
        }
        _ if next.target.is_some() => "an extension has the target of the access that it extends".to_owned(),
        _ => return Ok(()),
    };
    Err(EffectError::new(ErrorKind::InvalidInput, codes::INVALID_EVENT, message)
        .with_hint("ask `event.is_extension()`; a hook may approve, deny or ignore an extension"))
}
