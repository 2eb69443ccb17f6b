//! Limits of a client's calls: timeouts, attempts, sizes.

use std::time::Duration;

use futures_util::future::{Either, select};
use sym_sdk::clock::Clock;

/// Limits of a client's calls. A call can override its own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Timeout for establishing a connection. Default: 5 s.
    pub connect: Duration,
    /// Timeout for each read: the longest time for which the service may send nothing. Default: 15 s.
    pub read: Duration,
    /// Timeout for a call with all its attempts and delays. Default: 30 s.
    pub call: Duration,
    /// Timeout for all calls of a paginated list, not counting the time until the caller asks for the next item. Default: 5 min.
    pub list: Duration,
    /// Maximum number of attempts of one call. Default: 4.
    pub attempts: u32,
    /// Maximum number of pages of one list. Default: 1,000.
    pub pages: usize,
    /// Maximum size of a response in bytes, after decompression. Default: 16 MiB.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            read: Duration::from_secs(15),
            call: Duration::from_secs(30),
            list: Duration::from_secs(300),
            attempts: 4,
            pages: 1_000,
            body: 16 * 1024 * 1024,
        }
    }
}

/// Awaits `work` for at most `timeout`. Work that completes exactly at the timeout counts as done.
pub(crate) async fn with_timeout<T>(
    clock: &dyn Clock,
    timeout: Duration,
    work: impl Future<Output = T> + Send,
) -> Option<T> {
    match select(std::pin::pin!(work), clock.sleep(timeout)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(((), _)) => None,
    }
}
