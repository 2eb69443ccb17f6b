//! Reads that wait for a change to show.
//!
//! A service has carried out a change seconds before its lists show it. Whoever reads back what a change has done reads a few times, and
//! takes the first answer that has it.

use std::slice::Iter;
use std::time::Duration;

use super::ServiceClient;

/// The usual delays between reads after a change.
pub const SETTLE_DELAYS: &[Duration] = &[Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// The reads after a change, one more than there are delays between them.
///
/// ```no_run
/// # use sym_integrations::kit::{SETTLE_DELAYS, ServiceClient};
/// # use sym_sdk::error::Result;
/// async fn is_gone(service: &ServiceClient) -> Result<bool> {
///     let mut reads = service.repeat_reads(SETTLE_DELAYS);
///     while reads.next().await {
///         if service.get("members", &[]).await?.text() == "[]" {
///             return Ok(true);
///         }
///     }
///     Ok(false)
/// }
/// ```
#[derive(Debug)]
pub struct RepeatedRead<'a> {
    service: &'a ServiceClient,
    delays: Iter<'a, Duration>,
    is_started: bool,
}

impl RepeatedRead<'_> {
    /// Returns when the next read is due: the first one immediately, and each of the others after its delay. `false` if all were made.
    pub async fn next(&mut self) -> bool {
        if !std::mem::replace(&mut self.is_started, true) {
            return true;
        }
        let Some(delay) = self.delays.next() else { return false };
        self.service.clock().sleep(*delay).await;
        true
    }
}

impl ServiceClient {
    /// Begins the reads after a change, with these delays in between.
    pub fn repeat_reads<'a>(&'a self, delays: &'a [Duration]) -> RepeatedRead<'a> {
        RepeatedRead { service: self, delays: delays.iter(), is_started: false }
    }
}
