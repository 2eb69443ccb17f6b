//! Telling people of a request, one notification after the other, until somebody acts.

use std::sync::Arc;

use super::audit_entry::AuditKind;
use super::effect::{DeliveryResult, EffectKind, Outcome};
use super::effect_error::EffectError;
use super::notice::Notice;
use super::retry::{MAX_DELIVERY_ATTEMPTS, MAX_FINAL_DELIVERY_ATTEMPTS, retry_delay};
use super::state::{DeliveredMessage, EventRecord, Pending, QueuedInput};
use super::stepper::Stepper;
use super::timer::TimerKind;
use crate::error::{ErrorKind, codes};
use crate::model::{ChannelType, EventId, RunStatus, Step};
use crate::routing::{Notification, RequestForwardContext};

/// Why a request expires, in the event's extra fields.
const CAUSE: &str = "cause";
const CAUSE_UNDELIVERABLE: &str = "undeliverable";
const CAUSE_TIMEOUT: &str = "timeout";

impl Stepper<'_> {
    /// Tells the destinations of the current notification, and arms its time-out.
    pub(super) fn deliver_current(&mut self, event: &Arc<EventRecord>) {
        let entry = self.state.current_notification;
        let Some(notification) = self.notification(entry) else { return };
        if let Some(timeout) = notification.timeout_after() {
            let at = self.after_now(timeout);
            self.set_timer(TimerKind::Forward, at);
        }
        self.effect(event, EffectKind::Deliver { entry, notification });
    }

    pub(super) fn delivery_done(
        &mut self,
        pending: &Pending,
        entry: usize,
        notification: &Notification,
        outcome: &Outcome,
    ) {
        let event = &pending.event;
        let failed_whole;
        let results: &[DeliveryResult] = match outcome {
            Outcome::Delivered(results) => results,
            Outcome::Failed(error) => {
                failed_whole = [DeliveryResult::Failed { destination: notification.label(), error: error.clone() }];
                &failed_whole
            }
            _ => &[],
        };
        let mut failures = Vec::new();
        let mut told = false;
        for result in results {
            match result.clone() {
                DeliveryResult::Delivered { destination, message } => {
                    told = true;
                    self.audit(event, AuditKind::Delivered { entry, destination: destination.clone() });
                    self.state.delivered.push(DeliveredMessage { entry, destination, message });
                }
                DeliveryResult::OptedOut { destination } => {
                    told = true;
                    self.audit(event, AuditKind::OptedOut { entry, destination });
                }
                DeliveryResult::Failed { destination, error } => {
                    failures.push(error.clone());
                    self.audit(event, AuditKind::DeliveryFailed { entry, destination, error });
                }
            }
        }
        if !told {
            let worth_a_retry = self.state.is_open() && self.state.current_notification == entry;
            let attempts = if self.goes_on_from(entry) { MAX_DELIVERY_ATTEMPTS } else { MAX_FINAL_DELIVERY_ATTEMPTS };
            if worth_a_retry && pending.attempt < attempts && failures.iter().any(|error| error.retryable) {
                let at = self.after_now(retry_delay(pending.attempt));
                self.effect_at(event, pending.kind.clone(), pending.attempt + 1, Some(at), None);
                return;
            }
        }
        for error in failures {
            self.effect(event, EffectKind::Alert { error });
        }
        if !told {
            self.state.queue.push_back(QueuedInput::DeliveryFailed { entry, event: event.clone() });
            return;
        }
        if let Some(request) = self.state.deferred_after_request.take() {
            self.after(&request);
        }
        if event.name == Step::RequestForward {
            self.after(event);
        }
        if !self.state.is_open() || self.state.current_notification != entry {
            // Decided or forwarded meanwhile: the message that has just gone out shows buttons that no longer work.
            self.update_messages(event);
        }
    }

    /// No destination of the notification could be told.
    pub(super) fn notification_failed(&mut self, entry: usize, event: &Arc<EventRecord>) {
        if !self.state.is_open() || self.state.current_notification != entry {
            return;
        }
        if self.continues_on_delivery_failure() {
            self.forward_or_expire(CAUSE_UNDELIVERABLE);
        } else {
            let message = "the request could not be delivered, and its fallback does not go on after a failed delivery";
            self.report(event, EffectError::new(ErrorKind::Unavailable, codes::INVALID_DESTINATION, message));
        }
    }

    fn continues_on_delivery_failure(&self) -> bool {
        self.state.routing.as_ref().is_some_and(|routing| routing.continue_on_delivery_failure)
    }

    /// Whether another notification is sent if this one cannot be delivered.
    fn goes_on_from(&self, entry: usize) -> bool {
        self.continues_on_delivery_failure() && self.notification(entry + 1).is_some()
    }

    /// Nobody has acted on the notification in its time.
    pub(super) fn notification_timed_out(&mut self) {
        if !self.state.is_open() {
            return;
        }
        let goes_on = self.state.routing.as_ref().is_some_and(|routing| routing.continue_on_timeout);
        if goes_on {
            self.forward_or_expire(CAUSE_TIMEOUT);
        } else {
            self.expire(CAUSE_TIMEOUT);
        }
    }

    fn forward_or_expire(&mut self, cause: &str) {
        if self.notification(self.state.current_notification + 1).is_none() {
            return self.expire(cause);
        }
        self.follow_from_silence(Step::RequestForward, cause);
    }

    fn expire(&mut self, cause: &str) {
        self.follow_from_silence(Step::RequestExpire, cause);
    }

    /// The requester stands as the actor of what follows when nobody acts.
    fn follow_from_silence(&mut self, name: Step, cause: &str) {
        if let Some(requester) = self.state.run.requester_arc() {
            let of_the_run = EventId::from_uuid(*self.state.run.id().as_uuid());
            let mut event = self.follow_up_of(of_the_run, &requester, name, ChannelType::Scheduler);
            event.extra.insert(CAUSE.to_owned(), cause.into());
            self.begin(event, Default::default());
        }
    }

    pub(super) fn request_forward(&mut self, event: Arc<EventRecord>) {
        self.cancel_timer(TimerKind::Forward);
        self.state.current_notification += 1;
        self.complete(&event, RunStatus::Forwarded);
        self.update_messages(&event);
        self.deliver_current(&event);
    }

    pub(super) fn request_expire(&mut self, event: Arc<EventRecord>) {
        self.cancel_timer(TimerKind::Forward);
        self.complete(&event, RunStatus::Expired);
        let undeliverable = event.extra.get(CAUSE).is_some_and(|cause| cause == CAUSE_UNDELIVERABLE);
        let notice = if undeliverable { Notice::Undeliverable } else { Notice::Expired };
        self.message_requester(&event, notice);
        self.update_messages(&event);
        self.after(&event);
    }

    /// What the hooks of `request_forward` are told: where the request goes from here.
    pub(super) fn forward_context(&self) -> RequestForwardContext {
        let all = self.state.routing.as_ref().map(|routing| routing.notifications.clone()).unwrap_or_default();
        RequestForwardContext::new(all, self.state.current_notification)
    }

    pub(super) fn notification(&self, entry: usize) -> Option<Notification> {
        self.state.routing.as_ref()?.notifications.get(entry).cloned()
    }
}
