//! The status of a delivered message: current, superseded or unknown. A request is decided only in a current one.
//!
//! A request is delivered to one notification after the other, so several messages of it can be visible at once. A decision
//! counts only if it is made in a message of the current notification: whoever received an earlier one had their chance, and
//! the request has been forwarded to others because they did not use it.

use serde::{Deserialize, Serialize};

use super::effect::EffectKind;
use super::event_record::EventRecord;
use super::state::{PendingEffect, RunState};
use crate::model::EventId;

/// A reference to a delivered message, in the terms of the front end that delivered it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MessageRef {
    /// The name of the front end.
    pub front_end: String,
    /// The front end's own reference, such as a channel and a timestamp.
    pub reference: String,
}

impl MessageRef {
    /// Creates a reference.
    pub fn new(front_end: impl Into<String>, reference: impl Into<String>) -> Self {
        Self { front_end: front_end.into(), reference: reference.into() }
    }
}

/// A delivered message and the notification it belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeliveredMessage {
    /// The index of the notification, from 0.
    pub entry: usize,
    /// The destination, for people.
    pub destination: String,
    /// The message.
    pub message: MessageRef,
}

/// Whether a request may be decided in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageStatus {
    /// The message belongs to the current notification, or to a request that has been decided. An action is submitted and gets
    /// the reply that the Run's state calls for.
    Current,
    /// The message is that of a request or an extension that was settled before, and another extension waits for a decision.
    Settled,
    /// The request was forwarded to another notification because nobody acted on this one in time.
    Superseded,
    /// The Run has no such message.
    Unknown,
}

impl RunState {
    /// Returns whether the request may be decided in `message`.
    pub fn message_status(&self, message: &MessageRef) -> MessageStatus {
        if let Some(extension) = &self.extension
            && let Some(delivered) = extension.delivered.iter().rfind(|delivered| delivered.message == *message)
        {
            let is_current = delivered.entry == extension.current_notification || !extension.is_open();
            return if is_current { MessageStatus::Current } else { MessageStatus::Superseded };
        }
        // A message that is delivered again, as after a retry, counts for the notification that it was delivered for last.
        let delivered = self.delivered.iter().rfind(|delivered| delivered.message == *message);
        match delivered {
            Some(_) if self.open_extension().is_some() => MessageStatus::Settled,
            Some(delivered) if delivered.entry == self.current_notification || !self.is_open() => {
                MessageStatus::Current
            }
            Some(_) => MessageStatus::Superseded,
            // People can click before the outcome of the delivery is recorded.
            None if self.is_delivering() => MessageStatus::Current,
            None => MessageStatus::Unknown,
        }
    }

    /// Returns the extension that is decided in `message`; `None` for a message of the request.
    pub fn extension_in(&self, message: &MessageRef) -> Option<EventId> {
        let extension = self.extension.as_deref()?;
        let is_of_extension = extension.delivered.iter().any(|delivered| delivered.message == *message);
        let is_of_request = self.delivered.iter().any(|delivered| delivered.message == *message);
        // People can click before the outcome of the delivery is recorded. A message that may as well be one of the request is no
        // message of the extension: nobody approves what they were not shown.
        let of_extension = |event: &EventRecord| event.extension.is_some_and(|other| other.id == extension.id);
        let is_delivering = extension.is_open()
            && !is_of_request
            && self.is_delivering()
            && self.deliveries().all(|pending| of_extension(&pending.event));
        (is_of_extension || is_delivering).then_some(extension.id)
    }

    fn is_delivering(&self) -> bool {
        self.deliveries().next().is_some()
    }

    fn deliveries(&self) -> impl Iterator<Item = &PendingEffect> {
        self.pending.values().filter(|pending| matches!(pending.kind, EffectKind::Deliver { .. }))
    }
}
