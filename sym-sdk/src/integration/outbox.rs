//! The record of what simulated clients would have sent.

use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use crate::sync::lock;

/// A record of what simulated clients and fakes would have sent. Clones share the record, so that a client can write to it while
/// the simulation reads it.
///
/// ```
/// use sym_sdk::integration::Outbox;
///
/// let outbox = Outbox::new();
/// let fake = outbox.clone();
/// fake.record("slack", "#audit", "ben approved");
/// assert_eq!(outbox.sent()[0].to, "#audit");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Outbox(Arc<Mutex<Vec<Sent>>>);

/// Something that a simulated client would have sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Sent {
    /// The service, such as `slack`.
    pub service: String,
    /// The recipient.
    pub to: String,
    /// The text.
    pub text: String,
}

impl Outbox {
    /// Creates an empty outbox.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records a message.
    pub fn record(&self, service: &str, to: impl Into<String>, text: impl Into<String>) {
        lock(&self.0).push(Sent { service: service.to_owned(), to: to.into(), text: text.into() });
    }

    /// Returns everything recorded, in order.
    pub fn sent(&self) -> Vec<Sent> {
        lock(&self.0).clone()
    }

    /// Returns what was recorded after the first `count` messages.
    #[cfg(feature = "runtime")]
    pub(crate) fn sent_after(&self, count: usize) -> Vec<Sent> {
        lock(&self.0).get(count..).unwrap_or_default().to_vec()
    }

    /// Forgets everything recorded.
    #[cfg(all(feature = "cli", feature = "sqlite"))]
    pub(crate) fn clear(&self) {
        lock(&self.0).clear();
    }
}
