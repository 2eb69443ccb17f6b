//! How long an effect waits whose outcome could not be stored.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::machine::EffectKey;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// The pause after claim number `claims` (from 1): 1 s, doubling, up to a minute, less up to a half of it. Effects that failed
/// together are thus not tried together again. The same claim gives the same pause, so that a simulation can be replayed.
pub(super) fn redelivery_delay(key: EffectKey, claims: u32) -> Duration {
    let longest = FIRST.saturating_mul(1 << claims.saturating_sub(1).min(6)).min(LONGEST);
    let mut hasher = DefaultHasher::new();
    (key, claims).hash(&mut hasher);
    let part = u32::try_from(hasher.finish() % 1_000).unwrap_or_default();
    longest - longest / 2 * part / 1_000
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
    fn pauses_grow_up_to_a_minute_and_are_spread() {
        for (claims, longest) in [(1, 1), (2, 2), (4, 8), (7, 60), (u32::MAX, 60)] {
            let (delays, longest) = (delays(claims), Duration::from_secs(longest));
            assert!(delays.iter().all(|delay| *delay > longest / 2 && *delay <= longest), "{claims}: {delays:?}");
            let different: std::collections::HashSet<_> = delays.iter().collect();
            assert!(different.len() > 80, "{claims}: {delays:?}");
        }
    }
}
