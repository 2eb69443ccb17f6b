//! How often and how soon a failed effect is tried again.

use std::time::Duration;

/// How often the strategy is asked to grant before the Run fails.
pub const MAX_GRANT_ATTEMPTS: u32 = 3;

/// When an `on_deescalate` hook ignores the end of an access, the end is tried again after this time: a hook may delay a
/// revocation, and cannot lose it.
pub const IGNORED_EXPIRY_RETRY_DELAY: Duration = Duration::from_secs(15 * 60);

/// How often a delivery is tried before the next notification is sent in its place.
pub(super) const MAX_DELIVERY_ATTEMPTS: u32 = 3;

/// How often a delivery is tried after which there is no other, before it counts as failed: for about an hour.
pub(super) const MAX_FINAL_DELIVERY_ATTEMPTS: u32 = 18;

/// The error destination is told of a failing revocation once in this time.
pub(super) const REVOCATION_ALERT_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest pause between two attempts at a revocation, and the longest that any effect is put off.
pub const MAX_REVOKE_DELAY: Duration = Duration::from_secs(15 * 60);

/// The pause after a revocation's failed attempt number `attempt` (from 1): 1 s, doubling, up to 15 min.
pub fn revoke_delay(attempt: u32) -> Duration {
    let exponent = attempt.saturating_sub(1).min(10);
    Duration::from_secs(1 << exponent).min(MAX_REVOKE_DELAY)
}

/// The pause after a grant's or a delivery's failed attempt number `attempt` (from 1): 1 s, 4 s, …
pub(super) fn retry_delay(attempt: u32) -> Duration {
    Duration::from_secs(1 << (2 * attempt.saturating_sub(1).min(4)))
}
