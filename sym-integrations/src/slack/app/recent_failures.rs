//! Look-ups that have failed a short while ago. A message can do without what they look for, so they are not repeated for each message.

use std::hash::Hash;
use std::time::Duration;

use jiff::Timestamp;

use crate::bounded_cache::BoundedCache;

/// The time for which a look-up that has failed is not repeated.
const FAILURE_TTL: Duration = Duration::from_secs(300);

/// The maximum number of failures that are remembered.
const FAILURES_CAPACITY: usize = 10_000;

/// The times at which look-ups have failed last, by what was looked up.
pub(super) struct RecentFailures<K>(BoundedCache<K, Timestamp>);

impl<K: Eq + Hash> Default for RecentFailures<K> {
    fn default() -> Self {
        Self(BoundedCache::new(FAILURES_CAPACITY))
    }
}

impl<K: Eq + Hash> RecentFailures<K> {
    pub(super) fn contains(&self, key: &K, now: Timestamp) -> bool {
        self.0.get(key).is_some_and(|failed_at| is_recent(failed_at, now))
    }

    pub(super) fn insert(&self, key: K, now: Timestamp) {
        self.0.insert(key, now, |failed_at| !is_recent(*failed_at, now));
    }
}

/// Whether a failure is younger than its TTL. One ahead of a clock that was set back lasts no longer either.
fn is_recent(failed_at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(failed_at).unsigned_abs() < FAILURE_TTL
}
