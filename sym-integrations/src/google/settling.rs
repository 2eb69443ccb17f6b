//! Members who are not found when their access ends.
//!
//! A member that the strategy added shows in Google's answers after some time, and one who is not found cannot be removed. So it does not
//! prove that the access has ended: it would appear later, and stay.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use sym_sdk::strategy::AccessRequest;

use crate::bounded_cache::BoundedCache;

/// The time after a grant during which a member may exist who is not found.
const SETTLE_WINDOW: Duration = Duration::from_secs(10 * 60);

/// The time between two attempts that prove together that somebody is not a member.
const CONFIRMATION_DELAY: Duration = Duration::from_secs(60);

/// Number of revocations that are remembered.
const CAPACITY: usize = 10_000;

/// When the members of ending access were first not found. It is lost with the process, which only costs another minute.
pub(super) struct Settling(BoundedCache<(String, String), Timestamp>);

impl Default for Settling {
    fn default() -> Self {
        Self(BoundedCache::new(CAPACITY))
    }
}

impl Settling {
    /// Returns whether a member who was not found just now is none. Without the time of a grant, nothing was granted as far as is known,
    /// or the runtime revokes again when the grant has settled.
    pub(super) fn is_absent(&self, request: &AccessRequest<'_>, granted_at: Option<&str>, now: Timestamp) -> bool {
        let Some(granted_at) = granted_at.and_then(|at| at.parse::<Timestamp>().ok()) else { return true };
        if now.duration_since(granted_at).unsigned_abs() >= SETTLE_WINDOW {
            return true;
        }
        match self.0.get(&key(request)) {
            Some(first) => now.duration_since(first).unsigned_abs() >= CONFIRMATION_DELAY,
            None => {
                self.0.insert(key(request), now, |first| now.duration_since(*first).unsigned_abs() >= SETTLE_WINDOW);
                false
            }
        }
    }

    /// Forgets a member who was found.
    pub(super) fn forget(&self, request: &AccessRequest<'_>) {
        let found = key(request);
        self.0.retain(|key| *key != found);
    }
}

impl fmt::Debug for Settling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settling").finish_non_exhaustive()
    }
}

fn key(request: &AccessRequest<'_>) -> (String, String) {
    (request.idempotency_key().run.to_string(), request.identity().to_owned())
}
