//! What happens when a hook fires an event in place of the one it was called for.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::audit_entry::AuditKind;
use super::effect_error::EffectError;
use super::notice::Notice;
use super::retry::IGNORED_EXPIRY_RETRY_DELAY;
use super::state::{Access, EventRecord};
use super::stepper::Stepper;
use super::timer::TimerKind;
use crate::error::{ErrorKind, codes};
use crate::model::{AccessTarget, ChannelType, DeescalateType, HandlerRef, RunStatus, Step};
use crate::template::{NextEvent, TargetRef};

impl Stepper<'_> {
    pub(super) fn redirect(
        &mut self,
        event: Arc<EventRecord>,
        handler: &HandlerRef,
        next: &NextEvent,
        repeated: BTreeSet<Step>,
    ) {
        let Some(step) = next.step() else { return self.ignore(&event, next.message.as_deref()) };
        match self.fired(&event, step, next, repeated) {
            Ok((fired, repeated)) => self.begin(fired, repeated),
            Err(error) => self.hook_failed(event, error.in_handler(handler.clone())),
        }
    }

    /// Cancels the event. The Run stays as it is.
    fn ignore(&mut self, event: &Arc<EventRecord>, message: Option<&str>) {
        let message = message.map(str::to_owned);
        self.audit(event, AuditKind::Ignored { message: message.clone() });
        let scheduled = event.deescalate_type == Some(DeescalateType::Scheduled);
        if scheduled && matches!(self.state.access, Access::Held(_)) {
            let at = self.after_now(IGNORED_EXPIRY_RETRY_DELAY);
            self.set_timer(TimerKind::Expire, at);
            let text = format!("a hook put off the end of an access until {at:.0}");
            self.report(event, EffectError::new(ErrorKind::Handler, codes::DEESCALATE_PUT_OFF, text));
            return;
        }
        // A form can be submitted again after its request was ignored; what was never shown as a form, or is answered
        // by code, cannot.
        let status = self.state.run.status();
        let undecidable = status == RunStatus::Prompted && self.state.request.is_some();
        self.state.closed |= status == RunStatus::Pending || undecidable;
        // Nobody did what follows by itself; but what the hook has to say is for whoever set it off.
        if event.channel.kind() != ChannelType::Scheduler || message.is_some() {
            self.message(event, &event.actor, Notice::Ignored { event: event.name, message });
        }
    }

    /// The event that the hook fires, if it may.
    fn fired(
        &mut self,
        event: &Arc<EventRecord>,
        step: Step,
        next: &NextEvent,
        mut repeated: BTreeSet<Step>,
    ) -> Result<(EventRecord, BTreeSet<Step>), EffectError> {
        let refused = |message: String| EffectError::new(ErrorKind::InvalidInput, codes::INVALID_EVENT, message);
        if step == event.name {
            if !repeated.insert(step) {
                return Err(refused(format!(
                    "`on_{step}` fired `{step}` a second time; only the first time is processed"
                )));
            }
        } else if step.rank() <= event.name.rank() {
            let from = event.name;
            return Err(refused(format!("`on_{from}` must not fire `{step}`: a request only goes forward")));
        }
        if step == Step::Escalate && self.state.run.status() != RunStatus::Approved {
            return Err(self.not_applicable(step));
        }
        if step == Step::Deescalate && !matches!(self.state.access, Access::Held(_)) {
            return Err(self.not_applicable(step));
        }
        let mut fired = EventRecord {
            channel: crate::model::Channel::new(ChannelType::Sdk),
            reason: next.reason.as_ref().cloned(),
            target: event.target.clone(),
            duration: event.duration,
            fields: event.fields.clone(),
            decision_message: event.decision_message.clone(),
            deescalate_type: event.deescalate_type,
            extra: next.extra.clone(),
            context: event.context.clone(),
            // An approver whose approval a hook fires again, with another reason say, has still cast one vote.
            decided_by_hook: event.decided_by_hook || step != event.name,
            ..self.follow_up(event, step, ChannelType::Sdk)
        };
        if let Some(target) = &next.target {
            fired.target = Some(self.resolve(target, &fired)?);
        }
        if let Some(duration) = next.duration {
            fired.duration = Some(duration);
        }
        self.require_what_escalation_needs(step, &fired)?;
        if event.name == Step::Request && step != Step::Request {
            self.keep_request(event);
        }
        Ok((fired, repeated))
    }

    fn not_applicable(&self, step: Step) -> EffectError {
        let status = self.state.run.status();
        EffectError::new(
            ErrorKind::Conflict,
            codes::DEESCALATE_INVALID_RUN,
            format!("`{step}` does not apply to a request that is {status}"),
        )
    }

    /// A request or an approval that a hook fires must say all that a form would have asked for.
    fn require_what_escalation_needs(&self, step: Step, fired: &EventRecord) -> Result<(), EffectError> {
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
        let mut error = EffectError::new(
            ErrorKind::InvalidInput,
            codes::INVALID_EVENT,
            format!("`{step}` of flow `{}` needs {missing}, and the request has none", flow.name()),
        );
        error.hint = Some(format!("ApprovalTemplate::{step}().target(…).duration(…)"));
        Err(error)
    }

    fn resolve(&self, target: &TargetRef, event: &EventRecord) -> Result<AccessTarget, EffectError> {
        let flow = self.rules.flow;
        let found = flow.strategy().and_then(|strategy| match target {
            TargetRef::Id(id) => strategy.target_by_id(*id),
            TargetRef::Srn(srn) => strategy.target_by_srn(srn),
        });
        let Some(found) = found else {
            return Err(EffectError::new(
                ErrorKind::InvalidInput,
                codes::UNKNOWN_TARGET,
                format!("`{target}` is not a target of flow `{}`", flow.name()),
            ));
        };
        found.bind(&event.fields).map_err(|error| EffectError::from(&error))
    }
}
