//! Granting and revoking access.
//!
//! Everything that may have been granted is revoked: from the moment the strategy is asked for a grant until it confirms the revocation, a
//! Run counts as holding access. This is why a failed Run still revokes, and why the expiry timer is set before the grant is
//! requested.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::audit_entry::AuditKind;
use super::effect::EffectKind;
use super::effect_error::EffectError;
use super::event_record::EventRecord;
use super::notice::Notice;
use super::outcome::{Outcome, Revocation, RevocationCheck};
use super::prior_state::PriorState;
use super::retry::{MAX_GRANT_ATTEMPTS, REVOCATION_ALERT_INTERVAL, retry_delay, revoke_delay};
use super::settling::SettleWindow;
use super::state::{ActiveEvent, PendingEffect, RunState, Stage};
use super::stepper::Stepper;
use super::timer::TimerKind;
use super::transition::EntitlementChange;
use crate::error::{ErrorKind, codes};
use crate::model::{AccessTarget, ChannelType, DeescalateType, Integration, RunStatus, Step, StepOutput, Strategy};

/// The access that a Run gives.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Access {
    /// No access so far.
    #[default]
    None,
    /// The strategy has been asked to grant it.
    Granting(Grant),
    /// The strategy has confirmed the grant.
    Held(Grant),
    /// The strategy has been asked to revoke it.
    Revoking {
        /// The access to revoke.
        grant: Grant,
        /// The time of the last alert about failed attempts.
        alerted_at: Option<Timestamp>,
        /// The time of the first confirmed revocation, if the access is revoked again because a grant whose outcome is unknown may
        /// still take effect. See [`RunState::settles_at`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        revoked_at: Option<Timestamp>,
    },
    /// The strategy has confirmed the revocation, and no grant can take effect any more.
    Ended,
    /// An administrator has written off the revocation: it was never confirmed, and is not retried any more.
    WrittenOff(Grant),
}

impl Access {
    /// Returns the grant, in every state that has one.
    pub fn grant(&self) -> Option<&Grant> {
        match self {
            Self::None | Self::Ended => None,
            Self::Granting(grant) | Self::Held(grant) | Self::Revoking { grant, .. } | Self::WrittenOff(grant) => {
                Some(grant)
            }
        }
    }
}

/// Access of one identity to one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Grant {
    /// The target.
    pub target: AccessTarget,
    /// The requester's identity in the service at the time of the grant. The same identity loses the access.
    pub identity: String,
    /// The end of the access; `None` for access that lasts until it is revoked.
    pub until: Option<Timestamp>,
    /// The duration of the access, at the time when `until` was set.
    pub duration: Option<Duration>,
    /// The entitlement, which other Runs may share.
    pub entitlement: EntitlementKey,
    /// The type of the strategy that granted it, with the strategy's name if each strategy of the type has its own backend.
    pub strategy: String,
    /// The account that the strategy worked in, for a strategy with an integration.
    pub account: Option<String>,
    /// The time until which a grant whose outcome is unknown may still take effect.
    #[serde(default)]
    pub settle_window: SettleWindow,
    /// Whether the identity had the access before, without any request. The strategy then neither grants nor revokes it.
    #[serde(default)]
    pub is_standing: bool,
    /// The lesser access that the identity had before, without any request. The end of the access restores it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior: Option<PriorState>,
    /// The level at which the target grants the resource, for resources with several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// The last warning before the present end of the access that the requester was given, by its time before that end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warned: Option<Duration>,
    /// Whether the service [ends the access by itself](crate::strategy::AccessStrategy::enforces_end), and has to be told of a later end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub enforces_end: bool,
}

impl Grant {
    /// Creates a grant of `target` without an end. `resource` is the strategy's own name for the target.
    pub(super) fn new(strategy: &Strategy, target: AccessTarget, resource: &str, identity: &str) -> Self {
        Self {
            target,
            identity: identity.to_owned(),
            until: None,
            duration: None,
            entitlement: EntitlementKey::new(strategy, resource, identity),
            strategy: strategy.service(),
            account: strategy.integration().map(|integration| integration.external_id().to_owned()),
            settle_window: SettleWindow::default(),
            is_standing: false,
            prior: None,
            level: None,
            warned: None,
            enforces_end: false,
        }
    }

    /// Returns whether `strategy` works in the account in which the access was granted, and can therefore revoke it.
    pub fn is_reached_by(&self, strategy: &Strategy) -> bool {
        let account = strategy.integration().map(Integration::external_id);
        self.strategy == strategy.service() && self.account.as_deref() == account
    }

    /// Returns whether a revocation has put back the lesser access that the identity had before.
    pub(super) fn is_restored_by(&self, revocation: &Revocation) -> bool {
        self.prior.is_some() && revocation.still_needed_by == 0
    }
}

/// The identity of an entitlement: a resource that a strategy grants to one identity in one account.
///
/// Runs that need the same entitlement share it. It is revoked when the last of them ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntitlementKey(String);

impl EntitlementKey {
    /// `resource` is the strategy's own name for the target; see
    /// [`AccessStrategy::resource`](crate::strategy::AccessStrategy::resource).
    pub(crate) fn new(strategy: &Strategy, resource: &str, identity: &str) -> Self {
        let account = strategy.integration().map_or("", Integration::external_id);
        let parts = (strategy.service(), account, resource, identity);
        // Strings always serialize.
        Self(serde_json::to_string(&parts).unwrap_or_default())
    }

    /// Returns the key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the strategy's own name for the target.
    pub(crate) fn resource(&self) -> Option<String> {
        let (_, _, resource, _): (String, String, String, String) = serde_json::from_str(&self.0).ok()?;
        Some(resource)
    }
}

impl RunState {
    /// Returns the revocation in progress and the number of its effect.
    pub(super) fn pending_revocation(&self) -> Option<(u64, &PendingEffect)> {
        let mut pending = self.pending.iter().map(|(seq, pending)| (*seq, pending));
        pending.find(|(_, pending)| matches!(pending.kind, EffectKind::Revoke { .. }))
    }
}

/// The properties of the access that a request is about to get.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entitlement<'a> {
    pub(super) identity: &'a str,
    pub(super) resource: &'a str,
    pub(super) level: Option<&'a str>,
    pub(super) settle_time: Duration,
    pub(super) is_standing: bool,
    pub(super) prior: Option<&'a PriorState>,
    pub(super) enforces_end: bool,
}

// Granting.

impl Stepper<'_> {
    pub(super) fn escalate(&mut self, event: Arc<EventRecord>) {
        match event.target.clone() {
            Some(target) => self.wait_for(event, Stage::Identify, Default::default(), EffectKind::Identify { target }),
            None => {
                let message = "the request has no target to grant access to";
                let error = EffectError::new(ErrorKind::InvalidInput, codes::UNKNOWN_TARGET, message);
                self.fail(&event, error);
            }
        }
    }

    /// Requests the grant, once the requester's identity is known. The expiry timer is set in the same transition.
    pub(super) fn identified(&mut self, event: Arc<EventRecord>, kind: &EffectKind, found: Entitlement<'_>) {
        let Entitlement { identity, resource, level, settle_time, is_standing, prior, enforces_end } = found;
        let (EffectKind::Identify { target }, Some(strategy)) = (kind, self.rules.flow.strategy()) else {
            let message = "the flow no longer has an access strategy";
            let error = EffectError::new(ErrorKind::Configuration, codes::ACCESS_STRATEGY_NOT_FOUND, message);
            return self.fail(&event, error);
        };
        self.audit(&event, AuditKind::Identified { identity: identity.to_owned() });
        if let Err(error) = self.recheck(&event) {
            return self.close(&event, error);
        }
        let until = match (self.rules.flow.params().schedule_deescalation, event.duration) {
            (false, _) => None,
            (true, Some(duration)) => Some(self.after_now(duration)),
            (true, None) => {
                let message = "the request has no duration, so its access would never end";
                let error = EffectError::new(ErrorKind::InvalidInput, codes::INVALID_DURATION, message);
                return self.fail(&event, error);
            }
        };
        if let Some(until) = until {
            self.set_timer(TimerKind::Expire, until);
        }
        let grant = Grant {
            until,
            duration: event.duration,
            settle_window: SettleWindow::new(settle_time),
            is_standing,
            prior: prior.filter(|_| !is_standing).cloned(),
            level: level.map(str::to_owned),
            enforces_end,
            ..Grant::new(strategy, target.clone(), resource, identity)
        };
        let (title, identity) = (grant.target.title(), identity.to_owned());
        if is_standing {
            self.audit(&event, AuditKind::StandingAccess { target: title, identity });
        } else if let Some(prior) = grant.prior.clone() {
            self.audit(&event, AuditKind::LesserAccess { target: title, identity, prior });
        }
        self.hold(&grant);
        self.state.access = Access::Granting(grant.clone());
        self.request_grant(event, &grant, Stage::Grant);
    }

    /// Has the access stay for as long as the Run gives it, whatever other Runs do. Standing access is not the Run's to give: what
    /// another Run has granted meanwhile ends with that Run.
    pub(super) fn hold(&mut self, grant: &Grant) {
        if !grant.is_standing {
            self.holds.push(EntitlementChange::Hold(grant.entitlement.clone()));
        }
    }

    /// Asks the strategy for a grant, and has the event wait for it.
    pub(super) fn request_grant(&mut self, event: Arc<EventRecord>, grant: &Grant, stage: Stage) {
        let operation = Some(self.state.next_seq);
        self.attempt_grant(event, grant, stage, operation, 1, None);
    }

    /// Requests an attempt at a grant.
    ///
    /// It may begin while the service still works on an earlier attempt whose caller has given up. That is safe: all attempts have the
    /// same idempotency key, granting access that exists changes nothing, and what lands late is revoked after the settle window. Waiting
    /// for the earlier one instead would cost whoever is on call the whole window.
    fn attempt_grant(
        &mut self,
        event: Arc<EventRecord>,
        grant: &Grant,
        stage: Stage,
        operation: Option<u64>,
        attempt: u32,
        not_before: Option<Timestamp>,
    ) {
        let kind = EffectKind::Grant {
            target: grant.target.clone(),
            identity: grant.identity.clone(),
            deadline: grant.until,
            operation,
        };
        let seq = self.effect_at(&event, kind, attempt, not_before, Some(grant.entitlement.clone()));
        self.state.active_event = Some(ActiveEvent { event, stage, seq, repeated: Default::default() });
    }

    pub(super) fn grant_done(&mut self, event: Arc<EventRecord>, pending: &PendingEffect, outcome: &Outcome) {
        self.note_unknown_outcome(outcome);
        let Access::Granting(grant) = self.state.access.clone() else { return };
        let target = grant.target.title();
        let attempt = pending.attempt;
        match outcome {
            Outcome::Granted { output } => {
                self.store_output(Step::Escalate, output.clone());
                self.state.access = Access::Held(grant.clone());
                let (identity, until) = (grant.identity.clone(), grant.until);
                self.audit(&event, AuditKind::Granted { target: target.clone(), identity, until });
                self.complete(&event, RunStatus::Escalated);
                self.update_messages(&event);
                let notice = match grant.is_standing {
                    true => Notice::AlreadyGranted { target, until },
                    false => Notice::Granted { target, until },
                };
                self.message_requester(&event, notice);
                self.schedule_warning();
                self.after(&event);
            }
            Outcome::Rejected { output, .. } => {
                self.store_output(Step::Escalate, output.clone());
                let error = grant_error(outcome);
                self.audit(&event, AuditKind::GrantFailed { target, attempt, error: error.clone(), retry_at: None });
                // The `after_` hook is called all the same, because handlers read the errors in the step's output.
                self.after(&event);
                self.fail(&event, error);
            }
            Outcome::NoLongerValid(error) => {
                self.audit(&event, AuditKind::GrantFailed { target, attempt, error: error.clone(), retry_at: None });
                self.close(&event, error.clone());
            }
            outcome => {
                let error = grant_error(outcome);
                let at = self.after_now(retry_delay(attempt));
                let before_expiry = grant.until.is_none_or(|until| at < until);
                let retry_at = (error.retryable && attempt < MAX_GRANT_ATTEMPTS && before_expiry).then_some(at);
                self.audit(&event, AuditKind::GrantFailed { target, attempt, error: error.clone(), retry_at });
                match retry_at {
                    Some(at) => {
                        let operation = pending.kind.operation();
                        self.attempt_grant(event, &grant, Stage::Grant, operation, attempt + 1, Some(at));
                    }
                    None => self.fail(&event, error),
                }
            }
        }
    }

    pub(super) fn store_output(&mut self, step: Step, output: Option<StepOutput>) {
        if let Some(output) = output {
            self.state.run.set_output(step, output);
        }
    }
}

/// The error of a grant that did not succeed.
pub(super) fn grant_error(outcome: &Outcome) -> EffectError {
    match outcome {
        Outcome::Failed(error) | Outcome::NoLongerValid(error) => error.clone(),
        Outcome::Rejected { errors, .. } => {
            let message = format!("the strategy reported: {}", errors.join("; "));
            EffectError::new(ErrorKind::Strategy, codes::STRATEGY_REPORTED_ERRORS, message)
        }
        other => other.unexpected("a grant"),
    }
}

// Revoking.

impl Stepper<'_> {
    pub(super) fn deescalate(&mut self, event: Arc<EventRecord>) {
        if let Access::Held(grant) = self.state.access.clone() {
            self.revoke(&event, grant);
        }
    }

    /// Revokes whatever may have been granted before the Run failed, whether or not the strategy has confirmed it.
    pub(super) fn revoke_after_failure(&mut self, cause: &Arc<EventRecord>) {
        if let Access::Granting(grant) | Access::Held(grant) = self.state.access.clone() {
            let mut event = self.follow_up(cause, Step::Deescalate, ChannelType::Scheduler);
            event.deescalate_type = Some(DeescalateType::Scheduled);
            let event = Arc::new(event);
            self.audit(&event, AuditKind::Received);
            self.revoke(&event, grant);
        }
    }

    fn revoke(&mut self, event: &Arc<EventRecord>, grant: Grant) {
        self.end_extension(event);
        self.cancel_timer(TimerKind::Expire);
        self.cancel_timer(TimerKind::Warn);
        if !grant.is_standing {
            self.holds.push(EntitlementChange::Release(grant.entitlement.clone()));
        }
        self.begin_revocation(event, grant);
    }

    pub(super) fn begin_revocation(&mut self, event: &Arc<EventRecord>, grant: Grant) {
        // The access comes first: it determines the bulkhead of the effect.
        self.state.access = Access::Revoking { grant: grant.clone(), alerted_at: None, revoked_at: None };
        self.request_revocation(event, &grant, 1, None);
    }

    pub(super) fn request_revocation(
        &mut self,
        event: &Arc<EventRecord>,
        grant: &Grant,
        attempt: u32,
        not_before: Option<Timestamp>,
    ) {
        let kind = EffectKind::Revoke { target: grant.target.clone(), identity: grant.identity.clone() };
        self.effect_at(event, kind, attempt, not_before, Some(grant.entitlement.clone()));
    }

    /// Removes the pending revocation from the Run, so that its outcome is stale. Two revocations must not follow each other:
    /// the second could execute long after the Run has ended.
    pub(super) fn cancel_pending_revocation(&mut self) -> Option<PendingEffect> {
        let (seq, _) = self.state.pending_revocation()?;
        self.state.pending.remove(&seq)
    }

    pub(super) fn revoke_done(
        &mut self,
        pending: &PendingEffect,
        target: &AccessTarget,
        identity: &str,
        outcome: &Outcome,
    ) {
        match outcome {
            Outcome::Revoked(revocation) => {
                if !self.revoked_within_window(pending, revocation) {
                    self.revoked(&pending.event, target, identity, revocation);
                }
            }
            Outcome::Failed(error) => self.revocation_failed(pending, error.clone()),
            other => self.revocation_failed(pending, other.unexpected("a revocation")),
        }
    }

    fn revoked(&mut self, event: &Arc<EventRecord>, target: &AccessTarget, identity: &str, revocation: &Revocation) {
        let target = target.title();
        let Access::Revoking { grant, revoked_at, .. } = self.state.access.clone() else { return };
        let is_standing = grant.is_standing;
        let restored_prior = grant.is_restored_by(revocation);
        self.state.former_grant = Some(grant);
        let was_escalated = self.state.was_escalated();
        self.store_output(Step::Deescalate, revocation.output.clone());
        self.state.access = Access::Ended;
        let (audited, identity) = (target.clone(), identity.to_owned());
        let entry = match is_standing {
            true => AuditKind::StandingAccessKept { target: audited, identity },
            false => AuditKind::Revoked {
                target: audited,
                identity,
                still_needed_by: revocation.still_needed_by,
                confirmed: revocation.check == RevocationCheck::Gone,
                restored_prior,
            },
        };
        self.audit(event, entry);
        self.complete(event, RunStatus::Deescalated);
        self.update_messages(event);
        if revoked_at.is_none() {
            self.notify_ended(event, target, revocation);
        }
        if was_escalated {
            self.after(event);
        }
        // The strategy has reported success, so repeating the call would tell no more.
        if let RevocationCheck::Failed(error) = &revocation.check {
            self.report(event, error.clone());
        }
    }

    /// Schedules the next attempt. The error destination is alerted about the first failure, and once per interval after that.
    fn revocation_failed(&mut self, pending: &PendingEffect, error: EffectError) {
        let Access::Revoking { grant, alerted_at, revoked_at } = self.state.access.clone() else { return };
        let event = &pending.event;
        let attempt = pending.attempt;
        let retry_at = self.after_now(revoke_delay(attempt));
        let target = grant.target.title();
        self.audit(event, AuditKind::RevokeFailed { target, attempt, error: error.clone(), retry_at });
        let due =
            alerted_at.is_none_or(|last| self.clock.duration_since(last).unsigned_abs() >= REVOCATION_ALERT_INTERVAL);
        if due {
            self.effect(event, EffectKind::Alert { error });
        }
        let alerted_at = if due { Some(self.clock) } else { alerted_at };
        self.request_revocation(event, &grant, attempt.saturating_add(1), Some(retry_at));
        self.state.access = Access::Revoking { grant, alerted_at, revoked_at };
    }

    /// Has the next failed attempt raise an alert, because the last alert reached nobody.
    pub(super) fn alert_failed(&mut self) {
        if let Access::Revoking { alerted_at, .. } = &mut self.state.access {
            *alerted_at = None;
        }
    }
}
