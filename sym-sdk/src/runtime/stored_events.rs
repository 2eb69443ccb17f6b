//! Lets handlers count the events that the store knows.

use std::sync::Arc;

use crate::directory::{EventCount, EventSource};
use crate::engine::Store;
use crate::error::Result;
use crate::future::BoxFuture;

/// The events of the Runs in a store.
pub(super) struct StoredEvents(pub(super) Arc<dyn Store>);

impl EventSource for StoredEvents {
    fn count_events<'a>(&'a self, count: &'a EventCount) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move { Ok(self.0.count_events(count).await?) })
    }
}
