//! Putting right what went wrong outside: access that a target has lost, access that no Run accounts for, and what a store
//! has lost.

use std::sync::Arc;

use super::audit_entry::AuditKind;
use super::effect::{EffectKind, EntitlementKey, Outcome};
use super::effect_error::EffectError;
use super::input::Removal;
use super::state::{Access, ActiveEvent, EventRecord, Grant, QueuedInput, Stage};
use super::stepper::Stepper;
use super::timer::TimerKind;
use super::transition::InputReply;
use crate::error::{ErrorKind, codes};
use crate::model::{ChannelType, DeescalateType, EventId, Step, User};

impl Stepper<'_> {
    /// Grants again what the Run holds. The end of the access waits for the outcome, so that it cannot be overtaken.
    pub(super) fn regrant(&mut self, event: EventRecord) {
        let Access::Held(grant) = self.state.access.clone() else { return };
        let event = Arc::new(event);
        let Grant { target, identity, until, entitlement, .. } = grant;
        self.audit(&event, AuditKind::RegrantBegun { target: target.title(), identity: identity.clone() });
        let kind = EffectKind::Grant { target, identity, deadline: until };
        let seq = self.effect_at(&event, kind, 1, None, Some(entitlement));
        self.state.active_event = Some(ActiveEvent { event, stage: Stage::Regrant, seq, repeated: Default::default() });
    }

    /// A failure leaves the Run as it is: the access may be there or not, and is taken away at its end.
    pub(super) fn regrant_done(&mut self, event: &Arc<EventRecord>, outcome: &Outcome) {
        let Access::Held(grant) = self.state.access.clone() else { return };
        let (target, identity) = (grant.target.title(), grant.identity);
        let error = match outcome {
            Outcome::Granted { output } => {
                self.keep_output(Step::Escalate, output.clone());
                return self.audit(event, AuditKind::Regranted { target, identity });
            }
            Outcome::Rejected { errors, .. } => {
                let message = format!("the strategy reported: {}", errors.join("; "));
                EffectError::new(ErrorKind::Strategy, codes::STRATEGY_REPORTED_ERRORS, message)
            }
            Outcome::Failed(error) => error.clone(),
            other => EffectError::new(
                ErrorKind::Internal,
                codes::INVALID_EVENT,
                format!("unexpected outcome of a grant: {}", other.name()),
            ),
        };
        self.audit(event, AuditKind::RegrantFailed { target, identity, error: error.clone() });
        self.effect(event, EffectKind::Alert { error });
    }

    /// Takes away what no Run accounts for. Should one need it by then, it stays.
    pub(super) fn remove(&mut self, event: EventRecord, removal: &Removal) {
        let Some(strategy) = self.rules.flow.strategy() else { return };
        let event = Arc::new(event);
        self.audit(&event, AuditKind::Received);
        let grant = Grant {
            target: removal.target.clone(),
            identity: removal.identity.clone(),
            until: None,
            duration: None,
            entitlement: EntitlementKey::new(strategy, &removal.resource, &removal.identity),
            strategy: strategy.service(),
            account: strategy.integration().map(|integration| integration.external_id().to_owned()),
        };
        // Nothing can be requested in it.
        self.state.closed = true;
        self.begin_revocation(&event, grant);
    }

    /// Asks anew for what is to end the access. What the store may have kept of it is stale from now on.
    pub(super) fn rearm(&mut self) -> InputReply {
        match self.state.access.clone() {
            Access::None | Access::Ended | Access::WrittenOff(_) => return InputReply::Stale,
            Access::Revoking { grant, .. } => self.rearm_revocation(&grant),
            Access::Granting(grant) | Access::Held(grant) => {
                self.rearm_event(&grant);
                self.rearm_expiry();
            }
        }
        InputReply::Accepted { event: None }
    }

    fn rearm_revocation(&mut self, grant: &Grant) {
        let (event, attempt) = match self.cancel_pending_revocation() {
            Some(pending) => (pending.event, pending.attempt),
            None => (self.deescalation(), 1),
        };
        self.audit(&event, AuditKind::Rearmed);
        self.ask_for_revocation(&event, grant, attempt, None);
    }

    /// An event in hand holds up all that comes after it, the end of the access too.
    fn rearm_event(&mut self, grant: &Grant) {
        let granting = matches!(self.state.access, Access::Granting(_));
        let Some(active) = self.state.active_event.take() else {
            if granting {
                let event = self.deescalation();
                self.fail(&event, lost());
            }
            return;
        };
        match self.state.pending.remove(&active.seq) {
            Some(pending) => {
                self.audit(&active.event, AuditKind::Rearmed);
                let exclusive = matches!(pending.kind, EffectKind::Grant { .. }).then(|| grant.entitlement.clone());
                let seq = self.effect_at(&active.event, pending.kind, pending.attempt, None, exclusive);
                self.state.active_event = Some(ActiveEvent { seq, ..active });
            }
            // Nobody knows what the event waited for.
            None => self.fail(&active.event, lost()),
        }
    }

    fn rearm_expiry(&mut self) {
        let (Access::Granting(grant) | Access::Held(grant)) = &self.state.access else { return };
        let ending = self.state.active_event.as_ref().is_some_and(|active| active.event.name == Step::Deescalate)
            || self.state.queue.contains(&QueuedInput::Timer(TimerKind::Expire));
        let at = match self.state.timers.get(&TimerKind::Expire) {
            Some(timer) => timer.at,
            None if ending => return,
            None => match grant.until {
                Some(until) => until,
                None => return,
            },
        };
        if let Some(decision) = self.state.decision.clone() {
            self.audit(&decision, AuditKind::Rearmed);
        }
        self.set_timer(TimerKind::Expire, at);
    }

    /// A de-escalation that the platform itself sets off.
    fn deescalation(&mut self) -> Arc<EventRecord> {
        let cause = EventId::from_uuid(*self.state.run.id().as_uuid());
        let system = Arc::new(User::system());
        let mut event = self.follow_up_of(cause, &system, Step::Deescalate, ChannelType::Scheduler);
        event.deescalate_type = Some(DeescalateType::Scheduled);
        let event = Arc::new(event);
        self.audit(&event, AuditKind::Received);
        event
    }
}

fn lost() -> EffectError {
    EffectError::new(ErrorKind::Internal, codes::STORE, "the store has lost what the request waited for")
}
