//! Messages that are sent again: because the front end failed, or because they are gone.
//!
//! A front end can be down for hours, limit the rate, or not admit the program until an operator has seen to it. What it was to show is
//! requested again for about a day, as a notification is, and holds nothing up. Only the last state of a message counts, so of several
//! updates that wait one remains; and what was to be said about access is withdrawn once the access has ended.
//!
//! People delete messages, and archive channels. The message of an open request is delivered again then, so that it can be decided; the
//! requester's receipt is sent again whatever became of the request. If that fails too, the operators and the requester are told. What is
//! known of the former message is kept until there is another one: the channel may come back.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::audit_entry::AuditKind;
use super::effect::EffectKind;
use super::effect_error::EffectError;
use super::event_record::EventRecord;
use super::extension::Round;
use super::message_status::MessageRef;
use super::notice::Notice;
use super::outcome::DeliveryResult;
use super::retry::{MAX_FORM_ATTEMPTS, MAX_MESSAGE_ATTEMPTS, MAX_RESENT, retry_delay};
use super::state::PendingEffect;
use super::stepper::Stepper;
use crate::error::codes;
use crate::routing::Notification;

impl EffectKind {
    /// Returns how often the effect is attempted, for what people are shown or told.
    const fn max_message_attempts(&self) -> u32 {
        match self {
            Self::OpenForm => MAX_FORM_ATTEMPTS,
            _ => MAX_MESSAGE_ATTEMPTS,
        }
    }
}

impl Stepper<'_> {
    /// Requests again later what could not be shown or sent, and records the failure. Returns whether it is given up.
    pub(super) fn message_failed(&mut self, pending: &PendingEffect, error: &EffectError) -> bool {
        let is_given_up = !self.send_again_later(pending, error);
        // Not of every attempt, of which there can be hundreds.
        if is_given_up || pending.attempt == 1 {
            self.audit(&pending.event, AuditKind::Reported { error: error.clone() });
        }
        is_given_up
    }

    /// Requests again later what could not be shown or sent, if that may help. Returns whether it is still to come.
    pub(super) fn send_again_later(&mut self, pending: &PendingEffect, error: &EffectError) -> bool {
        if !error.retryable || pending.attempt >= pending.kind.max_message_attempts() {
            return false;
        }
        let is_update = |kind: &EffectKind| matches!(kind, EffectKind::UpdateMessages);
        if is_update(&pending.kind) && self.state.pending.values().any(|other| is_update(&other.kind)) {
            // It shows the present state.
            return true;
        }
        let at = self.after_now(retry_delay(pending.attempt));
        self.effect_at(&pending.event, pending.kind.clone(), pending.attempt.saturating_add(1), Some(at), None);
        true
    }

    /// Withdraws what is late and does not hold any more, because the access has ended.
    pub(super) fn withdraw_late_notices(&mut self) {
        self.withdraw_late(|kind| {
            let EffectKind::Message { notice, .. } = kind else { return false };
            matches!(
                notice,
                Notice::Granted { .. }
                    | Notice::AlreadyGranted { .. }
                    | Notice::EndsSoon { .. }
                    | Notice::Extended { .. }
            )
        });
    }

    /// Withdraws late reminders, because another one is sent.
    pub(super) fn withdraw_late_reminders(&mut self) {
        self.withdraw_late(|kind| matches!(kind, EffectKind::Remind { .. }));
    }

    /// Withdraws effects that have failed before. The first attempt may be in progress, and says what is so.
    fn withdraw_late(&mut self, is_meant: impl Fn(&EffectKind) -> bool) {
        self.state.pending.retain(|_, pending| pending.attempt == 1 || !is_meant(&pending.kind));
    }
}

// Messages that are gone.

impl DeliveryResult {
    /// Returns the destination whose message is gone.
    pub(super) fn gone(&self) -> Option<&str> {
        match self {
            Self::Failed { destination, error } if error.code == codes::MESSAGE_GONE => Some(destination),
            _ => None,
        }
    }
}

impl Stepper<'_> {
    /// Sends again what front ends did not find any more.
    pub(super) fn messages_gone(&mut self, event: &Arc<EventRecord>, gone: &[MessageRef]) {
        if self.state.receipt.as_ref().is_some_and(|receipt| gone.contains(receipt)) && self.may_resend() {
            self.state.receipt = None;
            self.request_receipt(event);
        }
        let round = Round::of(event);
        let current = self.state.current_in(round);
        let lost = self.state.delivered_in(round).iter();
        let lost = lost.filter(|delivered| delivered.entry == current && gone.contains(&delivered.message));
        let lost = lost.map(|delivered| delivered.destination.clone()).collect();
        self.deliver_again(event, &lost);
    }

    /// Delivers the current notification again to the destinations that have lost its message, if it still waits for a decision.
    pub(super) fn deliver_again(&mut self, event: &Arc<EventRecord>, lost: &BTreeSet<String>) {
        let round = Round::of(event);
        let entry = self.state.current_in(round);
        let is_delivering =
            self.state.pending.values().any(|pending| {
                matches!(pending.kind, EffectKind::Deliver { .. }) && Round::of(&pending.event) == round
            });
        if !self.state.is_open_in(round) || is_delivering {
            return;
        }
        let Some(notification) = self.notification(round, entry) else { return };
        let destinations = notification.destinations().iter().filter(|destination| lost.contains(&destination.label()));
        // Fails if there is none.
        if let Ok(notification) = Notification::new(destinations.cloned())
            && self.may_resend()
        {
            self.effect(event, EffectKind::Deliver { entry, notification });
        }
    }

    /// Counts a message that is sent again. Returns whether it may be.
    fn may_resend(&mut self) -> bool {
        let may = self.state.resent < MAX_RESENT;
        self.state.resent = self.state.resent.saturating_add(u32::from(may));
        may
    }
}
