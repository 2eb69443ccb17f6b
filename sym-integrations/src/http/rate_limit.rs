//! Client-side rate limits, and pauses that a service asks for.
//!
//! Calls are limited by group, and within a group by key, such as a channel or a function. A service that throttles one call pauses
//! the calls of its group and key: the others would be refused as well, and would count against the limit.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{NotUntil, Quota, RateLimiter};
use jiff::Timestamp;
use sym_sdk::clock::Clock;

/// A rate limit: a number of calls in any period of a given length. Half of them may be made in a burst, the others are spread over the
/// period.
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
    /// A limit of calls per second. 0 is treated as 1.
    pub const fn per_second(calls: u32) -> Self {
        Self::new(calls, Duration::from_secs(1))
    }

    /// A limit of calls per minute. 0 is treated as 1.
    pub const fn per_minute(calls: u32) -> Self {
        Self::new(calls, Duration::from_secs(60))
    }

    /// A limit of calls per period. 0 calls are treated as 1, and an empty period as one second.
    pub const fn new(calls: u32, period: Duration) -> Self {
        let calls = match NonZeroU32::new(calls) {
            Some(calls) => calls,
            None => NonZeroU32::MIN,
        };
        Self { calls, period: if period.is_zero() { Duration::from_secs(1) } else { period } }
    }

    /// A token bucket admits its capacity plus what is refilled during a period. Services count in windows whose start is unknown to
    /// the client, so both together must stay within the limit.
    fn quota(self) -> Option<Quota> {
        let burst = NonZeroU32::new(self.calls.get() / 2).unwrap_or(NonZeroU32::MIN);
        let refilled = self.calls.get() - burst.get() + 1;
        Some(Quota::with_period(self.period / refilled)?.allow_burst(burst))
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} calls in {:?}", self.calls, self.period)
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, MonotonicClock, NoOpMiddleware<Duration>>;
type KeyedLimiter = RateLimiter<String, HashMapStateStore<String>, MonotonicClock, NoOpMiddleware<Duration>>;

/// Number of keys from which on those without recent calls are evicted.
const KEY_CAPACITY: usize = 1_000;

/// Longest time for which a group of calls is paused because the service throttled one of them. A service that asks for a day by
/// mistake must not delay revocations by a day.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// The rate limits of a client, by group.
pub(super) struct RateLimits {
    monotonic: MonotonicClock,
    limiters: Vec<(&'static str, RateLimit, Limiter)>,
    keyed: Vec<(&'static str, RateLimit, KeyedLimiter)>,
    /// The calls that the service throttled, by group and key, and until when.
    pauses: Mutex<Vec<Pause>>,
}

/// A pause of the calls of a group with one key, or of those without a key.
struct Pause {
    group: &'static str,
    key: Option<String>,
    until: Duration,
}

/// The reason why a call cannot be made in time, and the delay that it would need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Throttled {
    /// The client's own rate limit.
    ByLimit(RateLimit, Duration),
    /// The service throttled another call of the group.
    ByService(Duration),
}

impl RateLimits {
    pub(super) fn new(limits: &[(&'static str, RateLimit)], clock: &Arc<dyn Clock>) -> Self {
        let monotonic = MonotonicClock::new(Arc::clone(clock));
        let limiters = limits.iter().filter_map(|(group, limit)| {
            Some((*group, *limit, RateLimiter::direct_with_clock(limit.quota()?, monotonic.clone())))
        });
        Self { limiters: limiters.collect(), keyed: Vec::new(), monotonic, pauses: Mutex::default() }
    }

    /// Adds limits per key.
    pub(super) fn with_keyed(mut self, limits: &[(&'static str, RateLimit)]) -> Self {
        let keyed = limits.iter().filter_map(|(group, limit)| {
            Some((*group, *limit, RateLimiter::hashmap_with_clock(limit.quota()?, self.monotonic.clone())))
        });
        self.keyed = keyed.collect();
        self
    }

    /// Waits until a call may be made, or fails if that is later than the time left.
    pub(super) async fn acquire(
        &self,
        group: &str,
        key: Option<&String>,
        left: impl Fn() -> Duration,
    ) -> Result<(), Throttled> {
        loop {
            while let Some(wait) = self.paused(group, key) {
                if wait > left() {
                    return Err(Throttled::ByService(wait));
                }
                self.monotonic.clock.sleep(wait.saturating_add(jitter())).await;
            }
            for (_, limit, limiter) in self.limiters.iter().filter(|(of, _, _)| *of == group) {
                self.wait_for(*limit, &left, || limiter.check()).await?;
            }
            if let Some(key) = key {
                for (_, limit, limiter) in self.keyed.iter().filter(|(of, _, _)| *of == group) {
                    if limiter.len() >= KEY_CAPACITY {
                        limiter.retain_recent();
                    }
                    self.wait_for(*limit, &left, || limiter.check_key(key)).await?;
                }
            }
            // The service may have throttled another call in the meantime.
            if self.paused(group, key).is_none() {
                return Ok(());
            }
        }
    }

    async fn wait_for(
        &self,
        limit: RateLimit,
        left: &impl Fn() -> Duration,
        check: impl Fn() -> Result<(), NotUntil<Duration>>,
    ) -> Result<(), Throttled> {
        while let Err(not_until) = check() {
            let wait = not_until.wait_time_from(self.monotonic.now());
            if wait > left() {
                return Err(Throttled::ByLimit(limit, wait));
            }
            self.monotonic.clock.sleep(wait).await;
        }
        Ok(())
    }

    /// Pauses the calls of a group and key for the delay that the service asked one of them for.
    pub(super) fn pause(&self, group: &'static str, key: Option<&String>, wait: Duration) {
        let now = self.monotonic.now();
        let until = now.saturating_add(wait.min(MAX_PAUSE));
        let mut pauses = self.pauses();
        pauses.retain(|pause| pause.until > now);
        match pauses.iter_mut().find(|pause| pause.group == group && pause.key.as_ref() == key) {
            Some(pause) => pause.until = until.max(pause.until),
            None => pauses.push(Pause { group, key: key.cloned(), until }),
        }
    }

    /// Returns the remaining pause of a group and key.
    fn paused(&self, group: &str, key: Option<&String>) -> Option<Duration> {
        let pauses = self.pauses();
        let pause = pauses.iter().find(|pause| pause.group == group && pause.key.as_ref() == key)?;
        Some(pause.until.saturating_sub(self.monotonic.now())).filter(|left| !left.is_zero())
    }

    fn pauses(&self) -> MutexGuard<'_, Vec<Pause>> {
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Calls that were throttled together are retried spread over this time.
const MAX_JITTER: Duration = Duration::from_millis(500);

/// Returns a random delay of up to [`MAX_JITTER`].
pub(super) fn jitter() -> Duration {
    MAX_JITTER.mul_f64(fastrand::f64())
}

/// A monotonic clock on top of one that can be set. Without it, a clock that is set back by hours would delay calls by hours.
#[derive(Clone)]
struct MonotonicClock {
    clock: Arc<dyn Clock>,
    last: Arc<Mutex<(Timestamp, Duration)>>,
}

impl MonotonicClock {
    fn new(clock: Arc<dyn Clock>) -> Self {
        let last = Arc::new(Mutex::new((clock.now(), Duration::ZERO)));
        Self { clock, last }
    }
}

impl GovernorClock for MonotonicClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let passed = Duration::try_from(now.duration_since(last.0)).unwrap_or_default();
        *last = (now, last.1.saturating_add(passed));
        last.1
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use sym_sdk::clock::VirtualClock;

    use super::*;

    #[test]
    fn a_call_that_waits_for_its_turn_hears_that_the_service_wants_to_be_left_alone() {
        let clock = Arc::new(VirtualClock::at(Timestamp::UNIX_EPOCH));
        let shared: Arc<dyn Clock> = clock.clone();
        let rates = RateLimits::new(&[("", RateLimit::new(1, Duration::from_secs(5)))], &shared);
        let (_, _, limiter) = &rates.limiters[0];
        assert!(limiter.check().is_ok(), "the first has its turn");

        let mut second = pin!(rates.acquire("", None, || Duration::from_secs(60)));
        let mut is_acquired = || second.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        assert!(!is_acquired());
        rates.pause("", None, Duration::from_secs(20));
        rates.pause("", None, Duration::from_secs(1));
        for _ in 0..19 {
            clock.advance(Duration::from_secs(1));
            assert!(!is_acquired(), "at {}", clock.now());
        }
        clock.advance(Duration::from_secs(2));
        assert!(is_acquired());
    }

    #[test]
    fn no_period_sees_more_calls_than_the_limit() {
        for calls in [1, 2, 3, 4, 7, 50] {
            let clock = Arc::new(VirtualClock::at(Timestamp::UNIX_EPOCH));
            let shared: Arc<dyn Clock> = clock.clone();
            let rates = RateLimits::new(&[("", RateLimit::per_second(calls))], &shared);
            let (_, _, limiter) = &rates.limiters[0];
            let mut acquired = Vec::new();
            for _ in 0..3_000 {
                while limiter.check().is_ok() {
                    acquired.push(clock.now());
                }
                clock.advance(Duration::from_millis(1));
            }
            let most = |from: Timestamp| {
                acquired.iter().filter(|at| (from..from + Duration::from_secs(1)).contains(at)).count()
            };
            assert!(acquired.iter().all(|from| most(*from) <= calls as usize), "{calls} a second");
            assert!(acquired.len() >= 2 * calls as usize, "{calls} a second: {} in three", acquired.len());
        }
    }

    #[test]
    fn a_clock_set_back_does_not_delay_calls() {
        let clock = Arc::new(VirtualClock::at(Timestamp::UNIX_EPOCH + Duration::from_secs(86_400)));
        let shared: Arc<dyn Clock> = clock.clone();
        let rates = RateLimits::new(&[("", RateLimit::per_second(1))], &shared);
        let (_, _, limiter) = &rates.limiters[0];
        assert!(limiter.check().is_ok());
        clock.set(Timestamp::UNIX_EPOCH);
        assert!(limiter.check().is_err());
        clock.advance(Duration::from_secs(1));
        assert!(limiter.check().is_ok());
    }
}
