//! Delivery of a request to its notifications, one after the other, until somebody acts.
//!
//! A notification that cannot be delivered, or that nobody acts on within its timeout, is followed by the next one if the routing
//! says so. The request expires once there is no next one.

use std::sync::Arc;

use super::audit_entry::AuditKind;
use super::effect::EffectKind;
use super::effect_error::EffectError;
use super::event_record::EventRecord;
use super::extension::Round;
use super::message_status::DeliveredMessage;
use super::notice::Notice;
use super::outcome::{DeliveryResult, Outcome};
use super::retry::{IGNORED_EXPIRY_RETRY_DELAY, MAX_DELIVERY_ATTEMPTS, MAX_FINAL_DELIVERY_ATTEMPTS, retry_delay};
use super::state::{PendingEffect, QueuedInput};
use super::stepper::Stepper;
use super::timer::TimerKind;
use crate::error::{ErrorKind, codes};
use crate::model::{ChannelType, EventId, RunStatus, Step};
use crate::routing::{Notification, RequestForwardContext};

/// The extra value of an event that says why the request is forwarded or expires.
const CAUSE: &str = "cause";
const CAUSE_UNDELIVERABLE: &str = "undeliverable";
const CAUSE_TIMEOUT: &str = "timeout";
pub(super) const CAUSE_LIFETIME: &str = "lifetime";

// Delivery.

impl Stepper<'_> {
    /// Delivers the current notification and starts its timeout.
    pub(super) fn deliver_current(&mut self, event: &Arc<EventRecord>) {
        let round = Round::of(event);
        let entry = self.state.current_in(round);
        let Some(notification) = self.notification(round, entry) else { return };
        if let Some(timeout) = notification.timeout_after() {
            let at = self.after_now(timeout);
            self.set_timer(TimerKind::Forward, at);
        }
        self.start_reminders(round);
        self.effect(event, EffectKind::Deliver { entry, notification });
    }

    pub(super) fn delivery_done(
        &mut self,
        pending: &PendingEffect,
        entry: usize,
        notification: &Notification,
        outcome: &Outcome,
    ) {
        let event = &pending.event;
        let round = Round::of(event);
        // Delivered again, because the message is gone.
        let is_repeated = self.state.delivered_in(round).iter().any(|delivered| delivered.entry == entry);
        let failed_as_a_whole;
        let results: &[DeliveryResult] = match outcome {
            Outcome::Delivered(results) => results,
            Outcome::Failed(error) => {
                let destination = notification.label();
                failed_as_a_whole = [DeliveryResult::Failed { destination, error: error.clone() }];
                &failed_as_a_whole
            }
            _ => &[],
        };
        let (delivered, failures) = self.record_delivery(event, entry, results);
        if !delivered {
            let is_current = self.state.is_open_in(round) && self.state.current_in(round) == entry;
            let max_attempts =
                if self.continues_from(round, entry) { MAX_DELIVERY_ATTEMPTS } else { MAX_FINAL_DELIVERY_ATTEMPTS };
            if is_current && pending.attempt < max_attempts && failures.iter().any(|error| error.retryable) {
                if pending.attempt == MAX_DELIVERY_ATTEMPTS {
                    // Operators may have to see to it, while the request waits.
                    for error in failures {
                        self.effect(event, EffectKind::Alert { error });
                    }
                }
                if !is_repeated {
                    self.postpone_timeout(notification);
                    self.start_reminders(round);
                }
                let at = self.after_now(retry_delay(pending.attempt));
                self.effect_at(event, pending.kind.clone(), pending.attempt.saturating_add(1), Some(at), None);
                return;
            }
        }
        for error in failures {
            self.effect(event, EffectKind::Alert { error });
        }
        self.request_receipt(event);
        if !delivered && is_repeated && !self.continues_from(round, entry) {
            // It was seen, and may have been approved in part: it stays open.
            if self.state.is_open_in(round) {
                self.message_requester(event, Notice::NotDelivered);
            }
            return;
        }
        if !delivered {
            self.state.queue.push_back(QueuedInput::DeliveryFailed { entry, event: event.clone() });
            return;
        }
        let now = self.clock;
        self.state.update_reminders_in(round, |reminders| reminders.last_at = Some(now));
        if !is_repeated {
            if let Some(request) = self.state.take_deferred_after_request_in(round) {
                self.after(&request);
            }
            if event.name == Step::RequestForward {
                self.after(event);
            }
        }
        if !self.state.is_open_in(round) || self.state.current_in(round) != entry {
            // The request was decided or forwarded in the meantime, so the new message shows buttons that no longer work.
            self.update_messages(event);
        } else if round == Round::Request {
            // It says where the request was sent.
            self.update_receipt(event);
        }
    }

    /// Starts the timeout of a notification again that nobody has seen yet.
    fn postpone_timeout(&mut self, notification: &Notification) {
        if let Some(timeout) = notification.timeout_after()
            && self.state.timers.contains_key(&TimerKind::Forward)
        {
            let at = self.after_now(timeout);
            self.set_timer(TimerKind::Forward, at);
        }
    }

    /// Records the result for each destination. Returns whether any of them is settled, and the errors of the others. A user who
    /// has opted out counts as settled.
    fn record_delivery(
        &mut self,
        event: &Arc<EventRecord>,
        entry: usize,
        results: &[DeliveryResult],
    ) -> (bool, Vec<EffectError>) {
        let mut failures = Vec::new();
        let mut delivered = false;
        for result in results {
            match result.clone() {
                DeliveryResult::Delivered { destination, message } => {
                    delivered = true;
                    self.audit(event, AuditKind::Delivered { entry, destination: destination.clone() });
                    self.state.add_delivered_in(Round::of(event), DeliveredMessage { entry, destination, message });
                }
                DeliveryResult::OptedOut { destination } => {
                    delivered = true;
                    self.audit(event, AuditKind::OptedOut { entry, destination });
                }
                DeliveryResult::Failed { destination, error } => {
                    failures.push(error.clone());
                    self.audit(event, AuditKind::DeliveryFailed { entry, destination, error });
                }
            }
        }
        (delivered, failures)
    }

    /// Handles a notification that could not be delivered to any destination.
    pub(super) fn notification_failed(&mut self, entry: usize, event: &Arc<EventRecord>) {
        let round = Round::of(event);
        if !self.state.is_open_in(round) || self.state.current_in(round) != entry {
            return;
        }
        if self.continues_on_delivery_failure(round) {
            self.forward_or_expire(round, CAUSE_UNDELIVERABLE);
        } else {
            let message =
                "the request could not be delivered, and its fallback does not continue after a failed delivery";
            self.report(event, EffectError::new(ErrorKind::Unavailable, codes::INVALID_DESTINATION, message));
            self.message_requester(event, Notice::NotDelivered);
        }
    }

    fn continues_on_delivery_failure(&self, round: Round) -> bool {
        self.state.routing_in(round).is_some_and(|routing| routing.continue_on_delivery_failure)
    }

    /// Whether another notification is sent if this one cannot be delivered.
    fn continues_from(&self, round: Round, entry: usize) -> bool {
        self.continues_on_delivery_failure(round) && self.notification(round, entry.saturating_add(1)).is_some()
    }

    pub(super) fn notification(&self, round: Round, entry: usize) -> Option<Notification> {
        self.state.routing_in(round)?.notifications.get(entry).cloned()
    }
}

// Timeouts, forwards and expiry.

impl Stepper<'_> {
    /// Handles the timeout of the current notification.
    pub(super) fn notification_timed_out(&mut self) {
        let round = self.state.open_round();
        if !self.state.is_open_in(round) {
            return;
        }
        if self.state.routing_in(round).is_some_and(|routing| routing.continue_on_timeout) {
            self.forward_or_expire(round, CAUSE_TIMEOUT);
        } else {
            self.follow_inaction(round, Step::RequestExpire, CAUSE_TIMEOUT);
        }
    }

    /// Starts the timeout of the current notification again after a hook has ignored what the timeout began: an open request
    /// without a timer could stay open for ever. A notification without a timeout gets the delay of an ignored expiry.
    pub(super) fn restart_timeout(&mut self, event: &Arc<EventRecord>) {
        let is_automatic = matches!(event.name, Step::RequestForward | Step::RequestExpire) || event.decided_by_hook;
        let is_set = self.state.timers.contains_key(&TimerKind::Forward)
            || self.state.queue.contains(&QueuedInput::Timer(TimerKind::Forward));
        let round = Round::of(event);
        if !is_automatic || is_set || !self.state.is_open_in(round) {
            return;
        }
        self.state.count_deferral_in(round);
        let timeout =
            self.notification(round, self.state.current_in(round)).and_then(|current| current.timeout_after());
        let at = self.after_now(timeout.unwrap_or(IGNORED_EXPIRY_RETRY_DELAY));
        self.set_timer(TimerKind::Forward, at);
    }

    fn forward_or_expire(&mut self, round: Round, cause: &str) {
        let has_next = self.notification(round, self.state.current_in(round).saturating_add(1)).is_some();
        self.follow_inaction(round, if has_next { Step::RequestForward } else { Step::RequestExpire }, cause);
    }

    /// Begins the event that follows because nobody acted. Its actor is the requester.
    pub(super) fn follow_inaction(&mut self, round: Round, name: Step, cause: &str) {
        if let Some(requester) = self.state.run.requester_arc() {
            let run = EventId::from_uuid(*self.state.run.id().as_uuid());
            let event = self.follow_up_of(run, &requester, name, ChannelType::Scheduler);
            let mut event = self.in_round(event, round);
            event.extra.insert(CAUSE.to_owned(), cause.into());
            self.begin(event, Default::default());
        }
    }

    pub(super) fn request_forward(&mut self, event: Arc<EventRecord>) {
        self.cancel_timer(TimerKind::Forward);
        self.cancel_timer(TimerKind::Remind);
        self.state.forward_in(Round::of(&event));
        self.complete(&event, RunStatus::Forwarded);
        self.update_messages(&event);
        self.deliver_current(&event);
    }

    pub(super) fn request_expire(&mut self, event: Arc<EventRecord>) {
        let undeliverable = event.extra.get(CAUSE).is_some_and(|cause| cause == CAUSE_UNDELIVERABLE);
        if event.extension.is_some() {
            return self.expire_extension(event, undeliverable);
        }
        self.cancel_request_timers();
        self.complete(&event, RunStatus::Expired);
        let notice = if undeliverable { Notice::Undeliverable } else { Notice::Expired };
        self.message_requester(&event, notice);
        self.update_messages(&event);
        self.after(&event);
    }

    /// Returns the context that hooks of `request_forward` are called with.
    pub(super) fn forward_context(&self, round: Round) -> RequestForwardContext {
        let all = self.state.routing_in(round).map(|routing| routing.notifications.clone()).unwrap_or_default();
        RequestForwardContext::new(all, self.state.current_in(round))
    }
}
