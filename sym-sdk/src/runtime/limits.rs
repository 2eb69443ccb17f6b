//! How long handlers and services may take, and how much may be sent.

use std::time::Duration;

/// Limits of a runtime. The defaults are generous; a handler that overruns one fails its event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For a reducer. Default: 10 s.
    pub reducer: Duration,
    /// For a hook. Default: 30 s.
    pub hook: Duration,
    /// For a prefetch reducer. Default: 10 s.
    pub prefetch: Duration,
    /// For an `on_change` handler. Default: 2 s.
    pub on_change: Duration,
    /// For one call of a strategy. Default: 60 s.
    pub strategy: Duration,
    /// For one call of a front end. Default: 15 s.
    pub delivery: Duration,
    /// For one call of the directory. Default: 10 s.
    pub directory: Duration,
    /// For one call of the store, apart from listings. A submission that runs into it may have been taken all the same: sent again
    /// with the same key, it gets its receipt. Default: 30 s.
    pub store: Duration,
    /// For the fields of a request, as JSON, and for the message of a decision. Default: 64 KiB.
    pub fields_bytes: usize,
    /// For the `context` of a request, as JSON. Default: 1 MiB.
    pub context_bytes: usize,
    /// Options that a prefetch reducer may return. Default: 1,000.
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
            prefetch_options: 1_000,
        }
    }
}

impl Limits {
    /// How long one effect may take: as long as all that it calls one after the other.
    pub(super) fn longest_effect(&self) -> Duration {
        let reducers = self.reducer.saturating_mul(2);
        let form = self.prefetch.saturating_add(self.delivery);
        let asked_and_told = self.directory.saturating_mul(2);
        let identity = reducers.saturating_add(self.strategy.saturating_mul(2)).saturating_add(asked_and_told);
        // A revocation is read back.
        let revocation = self.strategy.saturating_mul(2);
        let longest = [reducers, form, identity, revocation, self.hook].into_iter().max().unwrap_or_default();
        // The Run and the holders of its access are read before, and the outcome is stored.
        longest.saturating_add(self.store.saturating_mul(4))
    }
}
