//! Limits of a runtime: how long handlers and services may take, and how large inputs may be.

use std::time::Duration;

/// The limits of a runtime. A handler that exceeds its limit fails its event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Timeout of a reducer. Default: 10 s.
    pub reducer: Duration,
    /// Timeout of a hook. Default: 30 s.
    pub hook: Duration,
    /// Timeout of a prefetch reducer. Default: 10 s.
    pub prefetch: Duration,
    /// Timeout of an `on_change` handler. Default: 2 s.
    pub on_change: Duration,
    /// Timeout of one call to a strategy. Default: 60 s.
    pub strategy: Duration,
    /// Timeout of one call to a delivery. Default: 15 s.
    pub delivery: Duration,
    /// Timeout of one call to the directory. Default: 10 s.
    pub directory: Duration,
    /// Timeout of one call to the store, except for listings. A submission that times out may have been accepted: repeated with the
    /// same key, it returns its receipt. Default: 30 s.
    pub store: Duration,
    /// Maximum size of the fields of a request as JSON, and of the message of a decision, in bytes. Default: 64 KiB.
    pub fields_bytes: usize,
    /// Maximum size of the `context` of a request as JSON, in bytes. Default: 1 MiB.
    pub context_bytes: usize,
    /// Maximum number of requests and forms that one user may begin within a minute. Further ones are refused. Default: 60.
    pub requests_per_minute: usize,
    /// The same within an hour. Default: 600.
    pub requests_per_hour: usize,
    /// Maximum number of requests of one user that wait for a decision at the same time. Further ones are refused. Default: 20.
    pub open_requests: usize,
    /// Maximum number of options that a prefetch reducer may return. Default: 1,000.
    pub prefetch_options: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            reducer: Duration::from_secs(10),
            hook: Duration::from_secs(30),
            prefetch: Duration::from_secs(10),
            on_change: Duration::from_secs(2),
            strategy: Duration::from_secs(60),
            delivery: Duration::from_secs(15),
            directory: Duration::from_secs(10),
            store: Duration::from_secs(30),
            fields_bytes: 64 * 1024,
            context_bytes: 1024 * 1024,
            requests_per_minute: 60,
            requests_per_hour: 600,
            open_requests: 20,
            prefetch_options: 1_000,
        }
    }
}

impl Limits {
    /// Returns the maximum duration of one effect: the sum of the calls that it makes one after the other.
    pub(super) fn longest_effect(&self) -> Duration {
        let reducers = self.reducer.saturating_mul(2);
        let form = self.prefetch.saturating_add(self.delivery);
        // The requester, their identity, the users who have it, those who had it, and the identity to store.
        let asked_and_told = self.directory.saturating_mul(5);
        // The strategy looks the identity up, names the resource, and reads whether the access exists already.
        let identity = reducers.saturating_add(self.strategy.saturating_mul(3)).saturating_add(asked_and_told);
        // The approvers are counted in the directory, and earlier requests are listed by the store.
        let routing = reducers.saturating_add(self.directory).saturating_add(self.store);
        // The strategy may have to be built first, and a revocation is verified against the list of the target.
        let revocation = self.strategy.saturating_mul(3);
        // The people whom a decision depends on are read first.
        let hook = self.hook.saturating_add(self.directory);
        let routing = routing.saturating_add(self.directory);
        let grant = self.strategy.saturating_add(self.directory);
        let longest = [routing, form, identity, grant, revocation, hook].into_iter().max().unwrap_or_default();
        // The Run and the holders of its access are read first, and the outcome is stored at the end.
        longest.saturating_add(self.store.saturating_mul(4))
    }
}
