//! The actions of operators: retry or write off a failing revocation, grant again what a target has lost, and remove access
//! that no Run accounts for.
//!
//! They repair what went wrong outside the flow, so the flow's hooks are not called for them.

use std::sync::Arc;

use super::access::{Access, Grant, grant_error};
use super::audit_entry::AuditKind;
use super::effect::EffectKind;
use super::effect_error::EffectError;
use super::event_record::EventRecord;
use super::input::Removal;
use super::outcome::Outcome;
use super::state::Stage;
use super::stepper::Stepper;
use crate::error::{ErrorKind, codes};
use crate::model::Step;

impl Stepper<'_> {
    /// Retries a failing revocation now instead of at its next scheduled attempt.
    pub(super) fn retry_revocation(&mut self, event: EventRecord) {
        let Access::Revoking { grant, .. } = self.state.access.clone() else { return };
        let event = Arc::new(event);
        let (cause, attempt) = match self.cancel_pending_revocation() {
            Some(pending) => (pending.event, pending.attempt),
            None => (event.clone(), 1),
        };
        self.audit(&event, AuditKind::RevokeRetried { target: grant.target.title(), attempt });
        self.request_revocation(&cause, &grant, attempt, None);
    }

    /// Gives up a failing revocation. The event that was to revoke the access fails, and the Run with it.
    pub(super) fn write_off(&mut self, event: EventRecord) {
        let Access::Revoking { grant, revoked_at, .. } = self.state.access.clone() else { return };
        let event = Arc::new(event);
        let reason = event.reason.clone().unwrap_or_default();
        let cancelled = self.cancel_pending_revocation();
        let target = grant.target.title();
        let (actor, identity) = (event.actor.username(), &grant.identity);
        let message = match revoked_at {
            None => format!(
                "{actor} wrote off the revocation of {target} from {identity}, who may still have the access: {reason}"
            ),
            Some(_) => {
                let risk = "who may get the access from a grant whose outcome is unknown";
                format!("{actor} wrote off further revocations of {target} from {identity}, {risk}: {reason}")
            }
        };
        let error = EffectError::new(ErrorKind::Strategy, codes::REVOCATION_WRITTEN_OFF, message);
        self.audit(&event, AuditKind::WrittenOff { target, identity: grant.identity.clone(), reason });
        self.state.access = Access::WrittenOff(grant);
        let cause = cancelled.map_or(event, |pending| pending.event);
        self.fail(&cause, error);
    }

    /// Grants again what the Run holds. The grant is an active event, so the end of access waits for its outcome.
    pub(super) fn regrant(&mut self, event: EventRecord) {
        let Access::Held(held) = &mut self.state.access else { return };
        // What the requester had before is gone: from now on the access is the request's, and ends with it.
        let was_standing = std::mem::take(&mut held.is_standing);
        held.prior = None;
        let grant = held.clone();
        if was_standing {
            self.hold(&grant);
        }
        let event = Arc::new(event);
        let (target, identity) = (grant.target.title(), grant.identity.clone());
        self.audit(&event, AuditKind::RegrantBegun { target, identity });
        self.request_grant(event, &grant, Stage::Regrant);
    }

    /// Records the outcome. A failure leaves the Run as it is: whether or not the target has the access, it is revoked at its
    /// end.
    pub(super) fn regrant_done(&mut self, event: &Arc<EventRecord>, outcome: &Outcome) {
        self.note_unknown_outcome(outcome);
        let Access::Held(grant) = self.state.access.clone() else { return };
        let (target, identity) = (grant.target.title(), grant.identity);
        if let Outcome::Granted { output } = outcome {
            self.store_output(Step::Escalate, output.clone());
            return self.audit(event, AuditKind::Regranted { target, identity });
        }
        let error = grant_error(outcome);
        self.audit(event, AuditKind::RegrantFailed { target, identity, error: error.clone() });
        self.effect(event, EffectKind::Alert { error });
    }

    /// Revokes access that no Run accounts for. It stays if another Run needs it by the time the revocation executes.
    pub(super) fn remove(&mut self, event: EventRecord, removal: &Removal) {
        let Some(strategy) = self.rules.flow.strategy() else { return };
        let event = Arc::new(event);
        self.audit(&event, AuditKind::Received);
        let grant = Grant::new(strategy, removal.target.clone(), &removal.resource, &removal.identity);
        // The Run exists for the removal alone: nothing can be requested in it.
        self.state.closed = true;
        self.begin_revocation(&event, grant);
    }
}
