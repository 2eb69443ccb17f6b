//! One delivery of several requests: its timeout, and how much of it counts.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sym_sdk::error::Result;

use super::delivery_error;

/// Timeout for all requests of one delivery.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(30);

/// The number of entries of a delivery that the service has kept.
#[derive(Debug, Default)]
pub(crate) struct Delivered(AtomicUsize);

impl Delivered {
    /// Adds entries that the service has kept.
    pub(crate) fn add(&self, entries: usize) {
        self.0.fetch_add(entries, Ordering::Relaxed);
    }
}

/// Runs a delivery, and returns how many entries count as kept. The rest is delivered again: it was rejected, or the time was up.
///
/// # Errors
/// If none was kept.
pub(crate) async fn deliver(host: &str, delivery: impl AsyncFnOnce(&Delivered) -> Result<()>) -> Result<usize> {
    let delivered = Delivered::default();
    let done = tokio::time::timeout(DELIVERY_TIMEOUT, delivery(&delivered)).await;
    match (delivered.0.load(Ordering::Relaxed), done) {
        (delivered @ 1.., _) | (delivered @ 0, Ok(Ok(()))) => Ok(delivered),
        (0, Ok(Err(error))) => Err(error),
        (0, Err(_)) => Err(delivery_error::timed_out(host)),
    }
}
