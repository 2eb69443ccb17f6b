//! Rates: how fast a caller may read and write, and how often an address may fail to authenticate.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use governor::clock::Clock as GovernorClock;
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use super::problem::Problem;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, codes};
use crate::sync::lock;

/// Number of keys from which on those without recent calls are evicted.
const KEY_CAPACITY: usize = 10_000;

/// A rate: a number of calls at once, and the time after which each of them is available again.
///
/// ```
/// use sym_sdk::server::Rate;
///
/// let reads = Rate::per_second(20).with_burst(60);
/// # let _ = reads;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    burst: NonZeroU32,
    interval: Duration,
}

impl Rate {
    /// A rate of calls per second. 0 is treated as 1.
    pub const fn per_second(calls: u32) -> Self {
        Self::new(calls, Duration::from_secs(1))
    }

    /// A rate of calls per minute. 0 is treated as 1.
    pub const fn per_minute(calls: u32) -> Self {
        Self::new(calls, Duration::from_secs(60))
    }

    const fn new(calls: u32, period: Duration) -> Self {
        let calls = match NonZeroU32::new(calls) {
            Some(calls) => calls,
            None => NonZeroU32::MIN,
        };
        let interval = match period.checked_div(calls.get()) {
            Some(interval) => interval,
            None => period,
        };
        Self { burst: calls, interval }
    }

    /// Sets the number of calls that may be made at once. 0 is treated as 1.
    #[must_use]
    pub const fn with_burst(self, burst: u32) -> Self {
        let burst = match NonZeroU32::new(burst) {
            Some(burst) => burst,
            None => NonZeroU32::MIN,
        };
        Self { burst, interval: self.interval }
    }

    fn quota(self) -> Quota {
        let interval = self.interval.max(Duration::from_nanos(1));
        Quota::with_period(interval).unwrap_or(Quota::per_second(self.burst)).allow_burst(self.burst)
    }

    /// The time after which all calls are available again.
    fn window(self) -> Duration {
        self.interval.saturating_mul(self.burst.get())
    }
}

type Limiter<K> = RateLimiter<K, HashMapStateStore<K>, InjectedClock, StateInformationMiddleware>;

/// A limit of the calls with each key.
pub(crate) struct RateLimit<K: Hash + Eq + Clone> {
    name: &'static str,
    rate: Rate,
    limiter: Limiter<K>,
    clock: InjectedClock,
    /// The number of keys from which on they are looked through again.
    evict_at: AtomicUsize,
}

impl<K: Hash + Eq + Clone> RateLimit<K> {
    pub(crate) fn new(name: &'static str, rate: Rate, clock: &Arc<dyn Clock>) -> Self {
        let clock = InjectedClock::new(clock.clone());
        let store = HashMapStateStore::default();
        let limiter = Limiter::<K>::new(rate.quota(), store, clock.clone());
        Self { name, rate, limiter, clock, evict_at: AtomicUsize::new(KEY_CAPACITY) }
    }

    /// Counts a call. Returns what is left, for the headers of the response.
    pub(crate) fn check(&self, key: &K) -> Result<RateState, Problem> {
        if self.limiter.len() >= self.evict_at.load(Ordering::Relaxed) {
            self.limiter.retain_recent();
            // Whoever makes up keys could otherwise have all of them looked through at each call.
            let next = self.limiter.len().saturating_mul(2).max(KEY_CAPACITY);
            self.evict_at.store(next, Ordering::Relaxed);
        }
        let state = RateState { name: self.name, rate: self.rate, left: 0 };
        match self.limiter.check_key(key) {
            Ok(snapshot) => Ok(RateState { left: snapshot.remaining_burst_capacity(), ..state }),
            Err(not_until) => {
                let wait = not_until.wait_time_from(self.clock.now());
                let message = format!(
                    "too many {}: at most {} at once, and then one in {:?}",
                    self.name, self.rate.burst, self.rate.interval
                );
                let error = Error::new(ErrorKind::RateLimited, codes::TOO_MANY_CALLS, message)
                    .with_hint("wait as long as the header `Retry-After` says")
                    .with_retry_after(wait);
                let mut problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, error);
                for (name, value) in state.headers() {
                    problem = problem.with_header(name, &value);
                }
                Err(problem)
            }
        }
    }
}

/// The state of a rate limit after a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RateState {
    name: &'static str,
    rate: Rate,
    left: u32,
}

impl RateState {
    fn headers(self) -> [(axum::http::HeaderName, String); 2] {
        let window = self.rate.window().as_secs().max(1);
        let refill = self.rate.interval.saturating_mul(self.rate.burst.get().saturating_sub(self.left));
        let refill = refill.as_secs().saturating_add(u64::from(refill.subsec_nanos() > 0));
        [
            (
                axum::http::HeaderName::from_static("ratelimit-policy"),
                format!("\"{}\";q={};w={window}", self.name, self.rate.burst),
            ),
            (axum::http::HeaderName::from_static("ratelimit"), format!("\"{}\";r={};t={refill}", self.name, self.left)),
        ]
    }

    /// Adds the headers `RateLimit` and `RateLimit-Policy`.
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        for (name, value) in self.headers() {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
    }
}

/// The injected clock, as the time that has passed: a clock that is set back must not lock callers out.
#[derive(Clone)]
struct InjectedClock {
    clock: Arc<dyn Clock>,
    /// A clock's time that has passed never decreases, but a clock of others may not keep that.
    last: Arc<Mutex<Duration>>,
}

impl InjectedClock {
    fn new(clock: Arc<dyn Clock>) -> Self {
        Self { last: Arc::new(Mutex::new(clock.elapsed())), clock }
    }
}

impl GovernorClock for InjectedClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        let mut last = lock(&self.last);
        *last = self.clock.elapsed().max(*last);
        *last
    }
}
