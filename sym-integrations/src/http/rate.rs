//! Keeps a client below the limits that its service is known to have.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{NotUntil, Quota, RateLimiter};
use jiff::Timestamp;
use sym_sdk::clock::Clock;

/// How often a client may call: so many calls in any period of this length. Half of them may come at once, the others are spread.
///
/// ```
/// use sym_integrations::http::RateLimit;
///
/// let limit = RateLimit::per_minute(50);
/// assert_eq!(limit.to_string(), "50 calls in 60s");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    calls: NonZeroU32,
    period: Duration,
}

impl RateLimit {
    /// So many calls a second. 0 is taken for 1.
    pub const fn per_second(calls: u32) -> Self {
        Self::new(calls, Duration::from_secs(1))
    }

    /// So many calls a minute. 0 is taken for 1.
    pub const fn per_minute(calls: u32) -> Self {
        Self::new(calls, Duration::from_secs(60))
    }

    /// So many calls in a period. 0 is taken for 1, and a period of nothing for a second.
    pub const fn new(calls: u32, period: Duration) -> Self {
        let calls = match NonZeroU32::new(calls) {
            Some(calls) => calls,
            None => NonZeroU32::MIN,
        };
        Self { calls, period: if period.is_zero() { Duration::from_secs(1) } else { period } }
    }

    /// A bucket lets as many calls through in a period as it holds, and those that are refilled meanwhile: together no more than
    /// the limit, which services count in windows that we do not see.
    fn quota(self) -> Option<Quota> {
        let at_once = NonZeroU32::new(self.calls.get() / 2).unwrap_or(NonZeroU32::MIN);
        let spread = self.calls.get() - at_once.get() + 1;
        Some(Quota::with_period(self.period / spread)?.allow_burst(at_once))
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} calls in {:?}", self.calls, self.period)
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, Elapsed, NoOpMiddleware<Duration>>;
type KeyedLimiter = RateLimiter<String, HashMapStateStore<String>, Elapsed, NoOpMiddleware<Duration>>;

/// From so many keys on, those that have had no call for long are forgotten.
const KEYS: usize = 1_000;

/// The limits of a client, by the class of call.
pub(super) struct Rates {
    elapsed: Elapsed,
    limiters: Vec<(&'static str, RateLimit, Limiter)>,
    keyed: Vec<(&'static str, RateLimit, KeyedLimiter)>,
}

impl Rates {
    pub(super) fn new(limits: &[(&'static str, RateLimit)], clock: &Arc<dyn Clock>) -> Self {
        let elapsed = Elapsed::new(Arc::clone(clock));
        let limiters = limits.iter().filter_map(|(class, limit)| {
            Some((*class, *limit, RateLimiter::direct_with_clock(limit.quota()?, elapsed.clone())))
        });
        Self { limiters: limiters.collect(), keyed: Vec::new(), elapsed }
    }

    /// Adds limits that hold for each key on its own.
    pub(super) fn with_keyed(mut self, limits: &[(&'static str, RateLimit)]) -> Self {
        let keyed = limits.iter().filter_map(|(class, limit)| {
            Some((*class, *limit, RateLimiter::hashmap_with_clock(limit.quota()?, self.elapsed.clone())))
        });
        self.keyed = keyed.collect();
        self
    }

    /// Waits for the turn of a call, or says which limit leaves it none in time.
    pub(super) async fn admit(
        &self,
        class: &str,
        key: Option<&String>,
        left: impl Fn() -> Duration,
    ) -> Result<(), (RateLimit, Duration)> {
        for (_, limit, limiter) in self.limiters.iter().filter(|(of, _, _)| *of == class) {
            self.pass(*limit, &left, || limiter.check()).await?;
        }
        let Some(key) = key else { return Ok(()) };
        for (_, limit, limiter) in self.keyed.iter().filter(|(of, _, _)| *of == class) {
            if limiter.len() >= KEYS {
                limiter.retain_recent();
            }
            self.pass(*limit, &left, || limiter.check_key(key)).await?;
        }
        Ok(())
    }

    async fn pass(
        &self,
        limit: RateLimit,
        left: &impl Fn() -> Duration,
        check: impl Fn() -> Result<(), NotUntil<Duration>>,
    ) -> Result<(), (RateLimit, Duration)> {
        while let Err(not_until) = check() {
            let wait = not_until.wait_time_from(self.elapsed.now());
            if wait > left() {
                return Err((limit, wait));
            }
            self.elapsed.clock.sleep(wait).await;
        }
        Ok(())
    }
}

/// The time that has passed on a clock that may be set: a step back counts for nothing, or the calls of hours would be held up.
#[derive(Clone)]
struct Elapsed {
    clock: Arc<dyn Clock>,
    seen: Arc<Mutex<(Timestamp, Duration)>>,
}

impl Elapsed {
    fn new(clock: Arc<dyn Clock>) -> Self {
        let seen = Arc::new(Mutex::new((clock.now(), Duration::ZERO)));
        Self { clock, seen }
    }
}

impl GovernorClock for Elapsed {
    type Instant = Duration;

    fn now(&self) -> Duration {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let passed = Duration::try_from(now.duration_since(seen.0)).unwrap_or_default();
        *seen = (now, seen.1.saturating_add(passed));
        seen.1
    }
}

#[cfg(test)]
mod tests {
    use sym_sdk::clock::VirtualClock;

    use super::*;

    #[test]
    fn no_period_sees_more_calls_than_the_limit() {
        for calls in [1, 2, 3, 4, 7, 50] {
            let clock = Arc::new(VirtualClock::at(Timestamp::UNIX_EPOCH));
            let shared: Arc<dyn Clock> = clock.clone();
            let rates = Rates::new(&[("", RateLimit::per_second(calls))], &shared);
            let (_, _, limiter) = &rates.limiters[0];
            let mut admitted = Vec::new();
            for _ in 0..3_000 {
                while limiter.check().is_ok() {
                    admitted.push(clock.now());
                }
                clock.advance(Duration::from_millis(1));
            }
            let most = |from: Timestamp| {
                admitted.iter().filter(|at| (from..from + Duration::from_secs(1)).contains(at)).count()
            };
            assert!(admitted.iter().all(|from| most(*from) <= calls as usize), "{calls} a second");
            assert!(admitted.len() >= 2 * calls as usize, "{calls} a second: {} in three", admitted.len());
        }
    }

    #[test]
    fn a_clock_that_is_set_back_holds_up_nobody() {
        let clock = Arc::new(VirtualClock::at(Timestamp::UNIX_EPOCH + Duration::from_secs(86_400)));
        let shared: Arc<dyn Clock> = clock.clone();
        let rates = Rates::new(&[("", RateLimit::per_second(1))], &shared);
        let (_, _, limiter) = &rates.limiters[0];
        assert!(limiter.check().is_ok());
        clock.set(Timestamp::UNIX_EPOCH);
        assert!(limiter.check().is_err());
        clock.advance(Duration::from_secs(1));
        assert!(limiter.check().is_ok());
    }
}
