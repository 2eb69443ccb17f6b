use std::time::Duration;

use futures_util::future::{Either, select};
use sym_sdk::clock::Clock;

/// What a client's calls may take. Each call can have limits of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// For a connection to be made. Default: 5 s.
    pub connect: Duration,
    /// For how long the service may be silent while it is waited for. Default: 15 s.
    pub silence: Duration,
    /// For a call with all its tries and waits. Default: 30 s.
    pub call: Duration,
    /// For the calls of a listing with all their tries and waits, without the time in which nobody asks for the next item.
    /// Default: 5 min.
    pub listing: Duration,
    /// Tries of one call. Default: 4.
    pub tries: u32,
    /// Pages of one listing. Default: 1,000.
    pub pages: usize,
    /// Bytes of one answer, once decompressed. Default: 16 MiB.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            silence: Duration::from_secs(15),
            call: Duration::from_secs(30),
            listing: Duration::from_secs(300),
            tries: 4,
            pages: 1_000,
            body: 16 * 1024 * 1024,
        }
    }
}

/// Awaits `work` for `limit` at most. Work that is done at the limit counts.
pub(crate) async fn within<T>(clock: &dyn Clock, limit: Duration, work: impl Future<Output = T> + Send) -> Option<T> {
    match select(std::pin::pin!(work), clock.sleep(limit)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(((), _)) => None,
    }
}
