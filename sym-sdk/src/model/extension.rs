//! Extensions of access, as handlers see them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::EventId;

/// The extension of access that an event is about.
///
/// The requester of access that has not ended yet can ask for more time. That is a request of its own kind in the same Run: the same
/// reducers and hooks are called for it as for the request that gave the access, and
/// [`Event::is_extension`](super::Event::is_extension) tells them apart. The duration of the event is the time that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExtensionInfo {
    /// The id of the extension, which is the id of the event that requested it.
    pub id: EventId,
    /// The end of the access before the extension. `None` for access without an end, which cannot be extended.
    pub access_until: Option<Timestamp>,
}

impl ExtensionInfo {
    /// Creates the description of an extension of access that ends at `access_until`, for tests of handlers.
    pub fn new(id: EventId, access_until: impl Into<Option<Timestamp>>) -> Self {
        Self { id, access_until: access_until.into() }
    }

    /// Returns the extension as it appears in audit entries.
    pub(crate) fn to_json(self) -> Value {
        json!({ "id": self.id, "access_until": self.access_until })
    }
}
