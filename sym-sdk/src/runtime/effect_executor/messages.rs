//! Everything that people are told: forms, deliveries, messages and alerts.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{EffectExecution, EffectExecutor};
use crate::delivery::{DeliveryReceipt, DynDelivery, RequestView};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::machine::{DeliveredMessage, DeliveryResult, EffectError, MessageRef, Notice, Outcome};
use crate::model::User;
use crate::routing::{Destination, Notification};
use crate::runtime::forms::build_form;

impl EffectExecutor {
    /// Returns the front end that sends a user receipts, if the one that reaches them does.
    pub(super) fn receipt_sender(&self, user: &User) -> Option<&Arc<dyn DynDelivery>> {
        let front_end = self.deliveries.iter().find(|delivery| delivery.reaches_user(user))?;
        front_end.sends_receipts().then_some(front_end)
    }
}

impl EffectExecution<'_> {
    pub(super) async fn open_form(&self) -> Result<Outcome, EffectError> {
        let channel = self.effect.event.channel.kind();
        let Some(front_end) = self.executor.deliveries.iter().find(|delivery| delivery.opens_forms_for(channel)) else {
            return Err(unreachable_by(&format!("a form asked for through {channel}")));
        };
        let form = build_form(self.executor, self.entry, self.event()).await?;
        let view = self.view();
        self.contained("opening the form", self.executor.limits.delivery, async {
            front_end.open_form(&view, &form).await
        })
        .await?;
        Ok(Outcome::Done)
    }

    /// Delivers to every destination of the notification. A destination that an earlier, interrupted attempt reached is delivered to
    /// again: a duplicate message is better than none.
    pub(super) async fn deliver(&self, notification: &Notification) -> Outcome {
        let view = self.view();
        let told = notification.destinations().iter().map(|destination| self.tell(&view, destination));
        Outcome::Delivered(futures_util::future::join_all(told).await)
    }

    async fn tell(&self, view: &RequestView, destination: &Destination) -> DeliveryResult {
        let name = destination.label();
        let Some(front_end) = self.executor.deliveries.iter().find(|delivery| delivery.reaches(destination)) else {
            return DeliveryResult::Failed { error: unreachable_by(&name), destination: name };
        };
        let limit = self.executor.limits.delivery;
        match self.contained("the delivery", limit, async { front_end.deliver(view, destination).await }).await {
            Ok(DeliveryReceipt::Delivered(message)) => DeliveryResult::Delivered { destination: name, message },
            Ok(DeliveryReceipt::OptedOut) => DeliveryResult::OptedOut { destination: name },
            Err(error) => DeliveryResult::Failed { destination: name, error },
        }
    }

    pub(super) async fn update_messages(&self) -> Result<Outcome, EffectError> {
        let view = self.view();
        let (request, extension) = (view.clone().of_request(), view.of_extension());
        let of_request = self.state.delivered.iter().map(|delivered| (&request, &delivered.message));
        let of_extension = extension
            .iter()
            .zip(&self.state.extension)
            .flat_map(|(view, extension)| extension.delivered.iter().map(move |delivered| (view, &delivered.message)));
        let messages: Vec<_> = of_request.chain(of_extension).collect();
        let updates = messages.iter().map(|(view, message)| self.update(view, message));
        let receipt = async {
            match &self.state.receipt {
                Some(message) => self.update_receipt(&request, message).await,
                None => Ok(()),
            }
        };
        let (updated, receipt_updated) =
            futures_util::future::join(futures_util::future::join_all(updates), receipt).await;
        let messages = messages.iter().map(|(_, message)| *message).zip(updated);
        let results = messages.chain(self.state.receipt.iter().zip([receipt_updated]));
        let (mut gone, mut failed): (Vec<MessageRef>, Option<EffectError>) = Default::default();
        for (message, result) in results {
            match result {
                Ok(()) => {}
                Err(error) if error.code == codes::MESSAGE_GONE => gone.push(message.clone()),
                // One that is worth another attempt stands for all.
                Err(error) if failed.as_ref().is_some_and(|failed| failed.retryable || !error.retryable) => {}
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            _ if !gone.is_empty() => Ok(Outcome::Updated { gone, error: failed }),
            Some(error) => Err(error),
            None => Ok(Outcome::Done),
        }
    }

    /// Reminds those to whom a notification was delivered, unless it was decided or followed by another one since.
    pub(super) async fn remind(&self, entry: usize) -> Outcome {
        let view = self.view();
        if !view.can_decide() || !view.is_current_notification(entry) {
            return Outcome::Delivered(Vec::new());
        }
        let delivered = view.delivered().iter().filter(|delivered| delivered.entry == entry);
        let reminded = delivered.map(|delivered| self.remind_in(&view, delivered));
        Outcome::Delivered(futures_util::future::join_all(reminded).await)
    }

    async fn remind_in(&self, view: &RequestView, delivered: &DeliveredMessage) -> DeliveryResult {
        let (destination, message) = (delivered.destination.clone(), &delivered.message);
        let Some(front_end) = self.named(&message.front_end) else {
            return DeliveryResult::Failed { error: unreachable_by(&destination), destination };
        };
        let limit = self.executor.limits.delivery;
        match self.contained("the reminder", limit, async { front_end.remind(view, message).await }).await {
            Ok(()) => DeliveryResult::Delivered { destination, message: message.clone() },
            Err(error) => DeliveryResult::Failed { destination, error },
        }
    }

    async fn update_receipt(&self, view: &RequestView, message: &MessageRef) -> Result<(), EffectError> {
        let Some(front_end) = self.named(&message.front_end) else { return Ok(()) };
        let update = async { front_end.update_receipt(view, message).await };
        self.contained("updating a receipt", self.executor.limits.delivery, update).await
    }

    /// Returns a front end by its name. One that is no longer configured cannot update its messages.
    fn named(&self, name: &str) -> Option<&Arc<dyn DynDelivery>> {
        self.executor.deliveries.iter().find(|delivery| delivery.name() == name)
    }

    /// Sends the requester a receipt.
    pub(super) async fn send_receipt(&self) -> Result<Outcome, EffectError> {
        let Some(requester) = self.state.run.requester() else { return Ok(Outcome::Done) };
        let Some(front_end) = self.executor.receipt_sender(requester) else { return Ok(Outcome::Done) };
        let view = self.view().of_request();
        let limit = self.executor.limits.delivery;
        let sent = self.contained("the receipt", limit, async { front_end.send_receipt(&view, requester).await });
        Ok(Outcome::ReceiptSent(sent.await?))
    }

    async fn update(&self, view: &RequestView, message: &MessageRef) -> Result<(), EffectError> {
        match self.named(&message.front_end) {
            Some(front_end) => {
                let update = async { front_end.update(view, message).await };
                self.contained("updating a message", self.executor.limits.delivery, update).await
            }
            None => Ok(()),
        }
    }

    pub(super) async fn message(&self, to: &User, notice: &Notice) -> Result<Outcome, EffectError> {
        let Some(front_end) = self.executor.deliveries.iter().find(|delivery| delivery.reaches_user(to)) else {
            return Err(unreachable_by(to.username()));
        };
        let view = self.view();
        let limit = self.executor.limits.delivery;
        self.contained("the message", limit, async { front_end.message(&view, to, notice).await }).await?;
        Ok(Outcome::Done)
    }

    /// Logs the error, and sends it to the error destination through every front end that can reach it. One that confirms it is
    /// enough. If nobody can be told, the log is all that is left.
    pub(super) async fn alert(&self, error: &EffectError) -> Result<Outcome, EffectError> {
        let (flow, run) = (self.entry.flow.name(), self.state.run.id());
        if self.effect.attempt == 1 {
            tracing::error!(%flow, %run, event = %self.effect.event.name, code = %error.code, "{error}");
        }
        let destinations = self.error_destinations();
        if destinations.is_empty() {
            let message = format!("environment `{}` has no error logger", self.entry.flow.environment().name());
            return Ok(self.alert_undelivered(&message, "declare a `sym_error_logger` and name it in the environment"));
        }
        let view = self.view();
        let alerts = destinations.iter().flat_map(|destination| {
            let reaching = self.executor.deliveries.iter();
            let reaching = reaching.filter(|front_end| front_end.reaches_error_destination(destination));
            let (view, limit) = (&view, self.executor.limits.delivery);
            reaching.map(move |front_end| {
                self.contained("the alert", limit, async move { front_end.alert(view, destination, error).await })
            })
        });
        let results = futures_util::future::join_all(alerts).await;
        let is_delivered = results.iter().any(Result::is_ok);
        // One that may yet be delivered is sent again, whatever else failed for good.
        match results.into_iter().filter_map(Result::err).max_by_key(|failure| failure.retryable) {
            None if is_delivered => Ok(Outcome::Done),
            None => {
                let destinations = destinations.into_iter().collect::<Vec<_>>().join(", ");
                let message = format!("no front end can reach the error destination {destinations}");
                Ok(self.alert_undelivered(&message, "add the front end to the app with `App::delivery`"))
            }
            Some(failure) if is_delivered => {
                tracing::warn!(%flow, %run, %failure, "a front end could not deliver an alert that another one delivered");
                Ok(Outcome::Done)
            }
            Some(failure) => Err(failure),
        }
    }

    /// Returns the error destination of the flow's environment. Nobody knows the environment that a removed flow had, so its errors go
    /// to those of all.
    fn error_destinations(&self) -> BTreeSet<&str> {
        if self.entry.is_removed() {
            let all = self.executor.flows.iter();
            return all.filter_map(|entry| entry.flow.environment().error_logger()).collect();
        }
        self.entry.flow.environment().error_logger().into_iter().collect()
    }

    fn alert_undelivered(&self, message: &str, hint: &str) -> Outcome {
        let (flow, run) = (self.entry.flow.name(), self.state.run.id());
        tracing::error!(%flow, %run, hint, "an alert was delivered to nobody: {message}");
        let reason = Error::new(ErrorKind::Configuration, codes::INVALID_DESTINATION, message).with_hint(hint);
        Outcome::AlertUndelivered { reason: EffectError::from(&reason) }
    }
}

fn unreachable_by(destination: &str) -> EffectError {
    let message = format!("no front end can reach {destination}");
    let error = Error::new(ErrorKind::Configuration, codes::INVALID_DESTINATION, message);
    EffectError::from(&error.with_hint("add the front end to the app with `App::delivery`"))
}
