//! Granting access and taking it away. Whatever may have been granted is taken away again.

use std::sync::Arc;

use super::audit_entry::AuditKind;
use super::effect::{EffectKind, EntitlementKey, Outcome, RevocationCheck};
use super::effect_error::EffectError;
use super::notice::Notice;
use super::retry::{MAX_GRANT_ATTEMPTS, REVOCATION_ALERT_INTERVAL, retry_delay, revoke_delay};
use super::state::{Access, EventRecord, Grant, Pending, Stage};
use super::stepper::Stepper;
use super::timer::TimerKind;
use super::transition::EntitlementChange;
use crate::error::{ErrorKind, codes};
use crate::model::{AccessTarget, ChannelType, DeescalateType, RunStatus, Step, StepOutput};

impl Stepper<'_> {
    pub(super) fn escalate(&mut self, event: Arc<EventRecord>) {
        match event.target.clone() {
            Some(target) => self.wait_for(event, Stage::Identify, Default::default(), EffectKind::Identify { target }),
            None => {
                let error = EffectError::new(
                    ErrorKind::InvalidInput,
                    codes::UNKNOWN_TARGET,
                    "the request names no target to give access to",
                );
                self.fail(&event, error);
            }
        }
    }

    /// The requester's identity is known: have access granted, with its end durable before the strategy is asked.
    pub(super) fn identified(&mut self, event: Arc<EventRecord>, kind: &EffectKind, identity: &str, resource: &str) {
        let (EffectKind::Identify { target }, Some(strategy)) = (kind, self.rules.flow.strategy()) else {
            let error = EffectError::new(
                ErrorKind::Configuration,
                codes::ACCESS_STRATEGY_NOT_FOUND,
                "the flow has no strategy any more",
            );
            return self.fail(&event, error);
        };
        self.audit(&event, AuditKind::Identified { identity: identity.to_owned() });
        let until = match (self.rules.flow.params().schedule_deescalation, event.duration) {
            (false, _) => None,
            (true, Some(duration)) => Some(self.after_now(duration)),
            (true, None) => {
                let error = EffectError::new(
                    ErrorKind::InvalidInput,
                    codes::INVALID_DURATION,
                    "the request has no duration, so its access would never end",
                );
                return self.fail(&event, error);
            }
        };
        let entitlement = EntitlementKey::new(strategy, resource, identity);
        if let Some(until) = until {
            self.set_timer(TimerKind::Expire, until);
        }
        self.holds.push(EntitlementChange::Hold(entitlement.clone()));
        let account = strategy.integration().map(|integration| integration.external_id().to_owned());
        let grant = Grant {
            target: target.clone(),
            identity: identity.to_owned(),
            until,
            duration: event.duration,
            entitlement,
            strategy: strategy.service(),
            account,
        };
        self.state.access = Access::Granting(grant.clone());
        self.ask_for_grant(event, &grant, 1, None);
    }

    fn ask_for_grant(
        &mut self,
        event: Arc<EventRecord>,
        grant: &Grant,
        attempt: u32,
        not_before: Option<jiff::Timestamp>,
    ) {
        let kind =
            EffectKind::Grant { target: grant.target.clone(), identity: grant.identity.clone(), deadline: grant.until };
        let seq = self.effect_at(&event, kind, attempt, not_before, Some(grant.entitlement.clone()));
        self.state.active_event =
            Some(super::state::ActiveEvent { event, stage: Stage::Grant, seq, repeated: Default::default() });
    }

    pub(super) fn grant_done(&mut self, event: Arc<EventRecord>, pending: &Pending, outcome: &Outcome) {
        let Access::Granting(grant) = self.state.access.clone() else { return };
        let target = grant.target.title();
        match outcome {
            Outcome::Granted { output } => {
                self.keep_output(Step::Escalate, output.clone());
                self.state.access = Access::Held(grant.clone());
                let (identity, until) = (grant.identity, grant.until);
                self.audit(&event, AuditKind::Granted { target: target.clone(), identity, until });
                self.complete(&event, RunStatus::Escalated);
                self.update_messages(&event);
                self.message_requester(&event, Notice::Granted { target, until });
                self.after(&event);
            }
            Outcome::Rejected { output, errors } => {
                self.keep_output(Step::Escalate, output.clone());
                let message = format!("the strategy reported: {}", errors.join("; "));
                let error = EffectError::new(ErrorKind::Strategy, codes::STRATEGY_REPORTED_ERRORS, message);
                let attempt = pending.attempt;
                self.audit(&event, AuditKind::GrantFailed { target, attempt, error: error.clone(), retry_at: None });
                // Handlers look at the errors in the step's output.
                self.after(&event);
                self.fail(&event, error);
            }
            outcome => {
                let error = match outcome {
                    Outcome::Failed(error) => error.clone(),
                    other => EffectError::new(
                        ErrorKind::Internal,
                        codes::INVALID_EVENT,
                        format!("unexpected outcome of a grant: {}", other.name()),
                    ),
                };
                let attempt = pending.attempt;
                let at = self.after_now(retry_delay(attempt));
                let in_time = grant.until.is_none_or(|until| at < until);
                let retry_at = (error.retryable && attempt < MAX_GRANT_ATTEMPTS && in_time).then_some(at);
                self.audit(&event, AuditKind::GrantFailed { target, attempt, error: error.clone(), retry_at });
                match retry_at {
                    Some(at) => self.ask_for_grant(event, &grant, attempt + 1, Some(at)),
                    None => self.fail(&event, error),
                }
            }
        }
    }

    /// The access has reached its end.
    pub(super) fn access_expired(&mut self) {
        if !matches!(self.state.access, Access::Held(_)) {
            return;
        }
        // A Run that holds access was approved.
        let Some(cause) = self.state.decision.clone() else { return };
        let mut event = self.follow_up(&cause, Step::Deescalate, ChannelType::Scheduler);
        event.deescalate_type = Some(DeescalateType::Scheduled);
        self.begin(event, Default::default());
    }

    pub(super) fn deescalate(&mut self, event: Arc<EventRecord>) {
        if let Access::Held(grant) = self.state.access.clone() {
            self.revoke(&event, grant);
        }
    }

    /// After a failure nothing may be left behind, whether or not the strategy says that it granted anything.
    pub(super) fn revoke_what_may_be_held(&mut self, cause: &Arc<EventRecord>) {
        if let Access::Granting(grant) | Access::Held(grant) = self.state.access.clone() {
            let mut event = self.follow_up(cause, Step::Deescalate, ChannelType::Scheduler);
            event.deescalate_type = Some(DeescalateType::Scheduled);
            let event = Arc::new(event);
            self.audit(&event, AuditKind::Received);
            self.revoke(&event, grant);
        }
    }

    fn revoke(&mut self, event: &Arc<EventRecord>, grant: Grant) {
        self.cancel_timer(TimerKind::Expire);
        self.holds.push(EntitlementChange::Release(grant.entitlement.clone()));
        self.begin_revocation(event, grant);
    }

    pub(super) fn begin_revocation(&mut self, event: &Arc<EventRecord>, grant: Grant) {
        // First, because it says what the revocation shares its workers with.
        self.state.access = Access::Revoking { grant: grant.clone(), alerted_at: None };
        self.ask_for_revocation(event, &grant, 1, None);
    }

    /// Somebody does not want to wait for the next attempt. The one that waits is dropped: two must not follow each other, or
    /// the second could come when the Run has long ended.
    pub(super) fn retry_revocation(&mut self, event: EventRecord) {
        let Access::Revoking { grant, .. } = self.state.access.clone() else { return };
        let event = Arc::new(event);
        let (cause, attempt) = match self.cancel_pending_revocation() {
            Some(pending) => (pending.event, pending.attempt),
            None => (event.clone(), 1),
        };
        self.audit(&event, AuditKind::RevokeRetried { target: grant.target.title(), attempt });
        self.ask_for_revocation(&cause, &grant, attempt, None);
    }

    /// An admin takes it on themselves. The event that was to take the access away has failed.
    pub(super) fn write_off(&mut self, event: EventRecord) {
        let Access::Revoking { grant, .. } = self.state.access.clone() else { return };
        let event = Arc::new(event);
        let reason = event.reason.clone().unwrap_or_default();
        let withdrawn = self.cancel_pending_revocation();
        let target = grant.target.title();
        let message = format!(
            "{} wrote off the revocation of {target} from {}, who may still have the access: {reason}",
            event.actor.username(),
            grant.identity,
        );
        let error = EffectError::new(ErrorKind::Strategy, codes::REVOCATION_WRITTEN_OFF, message);
        self.audit(&event, AuditKind::WrittenOff { target, identity: grant.identity.clone(), reason });
        self.state.access = Access::WrittenOff(grant);
        let cause = withdrawn.map_or(event, |pending| pending.event);
        self.fail(&cause, error);
    }

    /// What a Run no longer waits for is not carried out.
    pub(super) fn cancel_pending_revocation(&mut self) -> Option<Pending> {
        let (seq, _) = self.state.revocation()?;
        self.state.pending.remove(&seq)
    }

    pub(super) fn ask_for_revocation(
        &mut self,
        event: &Arc<EventRecord>,
        grant: &Grant,
        attempt: u32,
        not_before: Option<jiff::Timestamp>,
    ) {
        let kind = EffectKind::Revoke { target: grant.target.clone(), identity: grant.identity.clone() };
        self.effect_at(event, kind, attempt, not_before, Some(grant.entitlement.clone()));
    }

    pub(super) fn revoke_done(&mut self, pending: &Pending, target: &AccessTarget, identity: &str, outcome: &Outcome) {
        let Access::Revoking { grant, alerted_at } = self.state.access.clone() else { return };
        let event = &pending.event;
        let target = target.title();
        match outcome {
            Outcome::Revoked(revocation) => {
                // What no request gave ends without a word to a requester, and without the flow's hooks.
                let was_escalated = self.state.run.status() != RunStatus::Errored && self.state.decision.is_some();
                self.keep_output(Step::Deescalate, revocation.output.clone());
                self.state.access = Access::Ended;
                self.audit(
                    event,
                    AuditKind::Revoked {
                        target: target.clone(),
                        identity: identity.to_owned(),
                        still_needed_by: revocation.still_needed_by,
                        confirmed: revocation.check == RevocationCheck::Gone,
                    },
                );
                self.complete(event, RunStatus::Deescalated);
                self.update_messages(event);
                if was_escalated {
                    let held_by_other_run = revocation.still_needed_by > 0;
                    self.message_requester(event, Notice::Ended { target, held_by_other_run });
                    self.after(event);
                }
                // The strategy has said that it is done, so asking it again would tell no more.
                if let RevocationCheck::Failed(error) = &revocation.check {
                    self.report(event, error.clone());
                }
            }
            outcome => {
                let error = match outcome {
                    Outcome::Failed(error) => error.clone(),
                    other => EffectError::new(
                        ErrorKind::Internal,
                        codes::INVALID_EVENT,
                        format!("unexpected outcome of a revocation: {}", other.name()),
                    ),
                };
                let attempt = pending.attempt;
                let retry_at = self.after_now(revoke_delay(attempt));
                self.audit(event, AuditKind::RevokeFailed { target, attempt, error: error.clone(), retry_at });
                let due = alerted_at
                    .is_none_or(|last| self.clock.duration_since(last).unsigned_abs() >= REVOCATION_ALERT_INTERVAL);
                if due {
                    self.effect(event, EffectKind::Alert { error });
                }
                let alerted_at = if due { Some(self.clock) } else { alerted_at };
                self.ask_for_revocation(event, &grant, attempt.saturating_add(1), Some(retry_at));
                self.state.access = Access::Revoking { grant, alerted_at };
            }
        }
    }

    /// The error destination has not heard of a failing revocation, so the next failure is to be told.
    pub(super) fn alert_failed(&mut self) {
        if let Access::Revoking { alerted_at, .. } = &mut self.state.access {
            *alerted_at = None;
        }
    }

    pub(super) fn keep_output(&mut self, step: Step, output: Option<StepOutput>) {
        if let Some(output) = output {
            self.state.run.set_output(step, output);
        }
    }
}
