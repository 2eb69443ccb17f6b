//! Leases of effects: how long they last, and when an effect is claimed again.
//!
//! A lease keeps a second worker from executing an effect that a first one has in hand. It only saves work: that an effect is
//! executed at the wrong time, or twice, is ruled out by its key and by the version check of the commit. An effect that keeps losing
//! its lease is [given up](super::poison).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::machine::EffectKey;

/// The lease of an engine that is told nothing about its effects: longer than the default limits of what an effect calls.
pub(super) const DEFAULT_LEASE: Duration = Duration::from_secs(10 * 60);

/// A lease outlasts the longest effect by at least this much.
const LEASE_MARGIN: Duration = Duration::from_secs(60);

/// The delay of an effect that must wait for a call that has outlived its lease.
pub(super) const IN_FLIGHT_RETRY_DELAY: Duration = Duration::from_secs(1);

const MIN_REDELIVERY_DELAY: Duration = Duration::from_secs(1);
const MAX_REDELIVERY_DELAY: Duration = Duration::from_secs(60);

/// Returns the lease for effects that take up to `max_effect_duration`.
pub(super) fn lease_for(max_effect_duration: Duration) -> Duration {
    max_effect_duration.saturating_mul(2).saturating_add(LEASE_MARGIN)
}

/// Returns the delay before an effect is tried again that could not be begun.
///
/// It is 1 s after the first claim (`claims` counts from 1) and doubles up to a minute, less a jitter of up to half of it, so that
/// effects that failed together are not retried together. The jitter is a hash of the claim: simulations can be replayed.
pub(super) fn redelivery_delay(key: EffectKey, claims: u32) -> Duration {
    let exponent = claims.saturating_sub(1).min(6);
    let longest = MIN_REDELIVERY_DELAY.saturating_mul(1 << exponent).min(MAX_REDELIVERY_DELAY);
    let mut hasher = DefaultHasher::new();
    (key, claims).hash(&mut hasher);
    let permille = u32::try_from(hasher.finish() % 1_000).unwrap_or_default();
    longest - longest / 2 * permille / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RunId;

    fn delays(claims: u32) -> Vec<Duration> {
        let keys = (0..100).map(|seq| EffectKey { run: RunId::from_uuid(uuid::Uuid::from_u128(1)), seq });
        keys.map(|key| redelivery_delay(key, claims)).collect()
    }

    #[test]
    fn redelivery_delays_double_up_to_a_minute_with_jitter() {
        for (claims, longest) in [(1, 1), (2, 2), (4, 8), (7, 60), (u32::MAX, 60)] {
            let (delays, longest) = (delays(claims), Duration::from_secs(longest));
            assert!(delays.iter().all(|delay| *delay > longest / 2 && *delay <= longest), "{claims}: {delays:?}");
            let different: std::collections::HashSet<_> = delays.iter().collect();
            assert!(different.len() > 80, "{claims}: {delays:?}");
        }
    }

    #[test]
    fn lease_outlasts_the_longest_effect() {
        assert_eq!(lease_for(Duration::from_secs(100)), Duration::from_secs(260));
        assert_eq!(lease_for(Duration::MAX), Duration::MAX);
    }
}
