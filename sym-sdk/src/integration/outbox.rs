//! What fakes have sent.

use crate::sync::lock;
use std::sync::{Arc, Mutex, MutexGuard};

use serde::{Deserialize, Serialize};

/// Where fakes note what they would have sent. Clones share it, so a fake keeps one and the simulation another.
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

/// Something that a fake would have sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Sent {
    /// Through which service, such as `slack`.
    pub service: String,
    /// To whom or what.
    pub to: String,
    /// What.
    pub text: String,
}

impl Outbox {
    /// An empty outbox.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that something was sent.
    pub fn record(&self, service: &str, to: impl Into<String>, text: impl Into<String>) {
        self.lock().push(Sent { service: service.to_owned(), to: to.into(), text: text.into() });
    }

    /// All that was sent, in order.
    pub fn sent(&self) -> Vec<Sent> {
        self.lock().clone()
    }

    /// What was sent after the first `count` things.
    #[cfg(feature = "runtime")]
    pub(crate) fn sent_after(&self, count: usize) -> Vec<Sent> {
        self.lock().get(count..).unwrap_or_default().to_vec()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Sent>> {
        lock(&self.0)
    }
}
