//! The grant of an extension, for a target that ends access by itself.
//!
//! Such a target has to be told the new end, so the access is granted once more, with that end. Until the strategy has confirmed it the old
//! end stands, and with it the expiry timer: a grant that fails, or whose outcome is unknown, costs the extension and nothing else.

use std::sync::Arc;

use jiff::Timestamp;

use super::ExtensionStatus;
use crate::machine::access::{Access, Grant, grant_error};
use crate::machine::audit_entry::AuditKind;
use crate::machine::effect::EffectKind;
use crate::machine::effect_error::EffectError;
use crate::machine::event_record::EventRecord;
use crate::machine::outcome::Outcome;
use crate::machine::recheck::longest_duration;
use crate::machine::retry::{MAX_GRANT_ATTEMPTS, retry_delay};
use crate::machine::state::{ActiveEvent, PendingEffect, Stage};
use crate::machine::stepper::Stepper;
use crate::model::Step;
use crate::time::TimestampExt;

impl Stepper<'_> {
    /// Asks the strategy to grant the access until a later end, and has the approval wait for it.
    pub(super) fn request_extension_grant(&mut self, event: Arc<EventRecord>, grant: &Grant, until: Timestamp) {
        let operation = Some(self.state.next_seq);
        let (target, identity) = (grant.target.clone(), grant.identity.clone());
        let kind = EffectKind::Grant { target, identity, deadline: Some(until), operation };
        self.attempt_extension_grant(event, kind, grant, 1, None);
    }

    fn attempt_extension_grant(
        &mut self,
        event: Arc<EventRecord>,
        kind: EffectKind,
        grant: &Grant,
        attempt: u32,
        not_before: Option<Timestamp>,
    ) {
        let seq = self.effect_at(&event, kind, attempt, not_before, Some(grant.entitlement.clone()));
        self.state.active_event = Some(ActiveEvent { event, stage: Stage::Extend, seq, repeated: Default::default() });
    }

    pub(in crate::machine) fn extension_grant_done(
        &mut self,
        event: Arc<EventRecord>,
        pending: &PendingEffect,
        outcome: &Outcome,
    ) {
        self.note_unknown_outcome(outcome);
        let Access::Held(grant) = self.state.access.clone() else { return };
        let (Some(former), EffectKind::Grant { deadline: Some(until), .. }) = (grant.until, &pending.kind) else {
            return;
        };
        if let Outcome::Granted { output } = outcome {
            self.store_output(Step::Escalate, output.clone());
            // The clock may have been ahead when the extension was approved.
            let latest = self.clock.plus(longest_duration(self.rules.flow));
            return self.extend_access(&event, (*until).min(latest).max(former));
        }
        let error = grant_error(outcome);
        let is_final = matches!(outcome, Outcome::Rejected { .. } | Outcome::NoLongerValid(_));
        let at = self.after_now(retry_delay(pending.attempt));
        let is_retried = !is_final && error.retryable && pending.attempt < MAX_GRANT_ATTEMPTS && at < former;
        self.audit_extension_failed(&event, error.clone(), is_retried.then_some(at));
        if is_retried {
            let attempt = pending.attempt.saturating_add(1);
            return self.attempt_extension_grant(event, pending.kind.clone(), &grant, attempt, Some(at));
        }
        if let Some(extension) = self.extension_mut(&event) {
            extension.status = ExtensionStatus::Closed;
        }
        let reason = match outcome {
            Outcome::NoLongerValid(error) => error.message.clone(),
            _ => format!("something went wrong ({}), and the operators have been notified", error.code),
        };
        self.notify_not_extended(&event, &reason);
        self.effect(&event, EffectKind::Alert { error });
        self.update_messages(&event);
    }

    pub(super) fn audit_extension_failed(
        &mut self,
        event: &Arc<EventRecord>,
        error: EffectError,
        retry_at: Option<Timestamp>,
    ) {
        let Some(grant) = self.state.access.grant() else { return };
        let (target, identity, until) = (grant.target.title(), grant.identity.clone(), grant.until);
        self.audit(event, AuditKind::ExtensionFailed { target, identity, until, error, retry_at });
    }
}
