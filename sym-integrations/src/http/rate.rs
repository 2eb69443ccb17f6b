//! Keeps a client below the limits that its service is known to have.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
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

/// The longest time for which a class of calls is held back because one of them was told to wait. After it one call asks again:
/// what a service says by mistake must not hold up the end of an access for a day.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The limits of a client, by the class of call.
pub(super) struct Rates {
    elapsed: Elapsed,
    limiters: Vec<(&'static str, RateLimit, Limiter)>,
    /// Until when the service asked to be left alone by a class of calls.
    pauses: Mutex<Vec<(&'static str, Duration)>>,
}

/// Why a call has no turn in time, and when it would have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// By a limit of the client's own.
    ByLimit(RateLimit, Duration),
    /// By what the service told another call of the class.
    ByPause(Duration),
}

impl Rates {
    pub(super) fn new(limits: &[(&'static str, RateLimit)], clock: &Arc<dyn Clock>) -> Self {
        let elapsed = Elapsed::new(Arc::clone(clock));
        let limiters = limits.iter().filter_map(|(class, limit)| {
            Some((*class, *limit, RateLimiter::direct_with_clock(limit.quota()?, elapsed.clone())))
        });
        Self { limiters: limiters.collect(), elapsed, pauses: Mutex::default() }
    }

    /// Waits for the turn of a call, or says what leaves it none in time.
    pub(super) async fn admit(&self, class: &str, left: impl Fn() -> Duration) -> Result<(), Held> {
        loop {
            while let Some(wait) = self.paused(class) {
                if wait > left() {
                    return Err(Held::ByPause(wait));
                }
                self.elapsed.clock.sleep(wait.saturating_add(spread())).await;
            }
            for (_, limit, limiter) in self.limiters.iter().filter(|(of, _, _)| *of == class) {
                while let Err(not_until) = limiter.check() {
                    let wait = not_until.wait_time_from(self.elapsed.now());
                    if wait > left() {
                        return Err(Held::ByLimit(*limit, wait));
                    }
                    self.elapsed.clock.sleep(wait).await;
                }
            }
            // The service may have spoken while the call waited for its turn.
            if self.paused(class).is_none() {
                return Ok(());
            }
        }
    }

    /// Holds back the calls of a class for as long as the service asked one of them to wait.
    pub(super) fn pause(&self, class: &'static str, wait: Duration) {
        let until = self.elapsed.now().saturating_add(wait.min(LONGEST_PAUSE));
        let mut pauses = self.pauses();
        match pauses.iter_mut().find(|(of, _)| *of == class) {
            Some((_, known)) => *known = until.max(*known),
            None => pauses.push((class, until)),
        }
    }

    /// How much longer a class of calls is held back.
    fn paused(&self, class: &str) -> Option<Duration> {
        let until = self.pauses().iter().find(|(of, _)| *of == class)?.1;
        Some(until.saturating_sub(self.elapsed.now())).filter(|left| !left.is_zero())
    }

    fn pauses(&self) -> MutexGuard<'_, Vec<(&'static str, Duration)>> {
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Those that were told to wait equally long come back spread over this time.
const SPREAD: Duration = Duration::from_millis(500);

/// A part of it, by chance.
pub(super) fn spread() -> Duration {
    SPREAD.mul_f64(fastrand::f64())
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
    use std::pin::pin;
    use std::task::{Context, Waker};

    use sym_sdk::clock::VirtualClock;

    use super::*;

    #[test]
    fn a_call_that_waits_for_its_turn_hears_that_the_service_wants_to_be_left_alone() {
        let clock = Arc::new(VirtualClock::at(Timestamp::UNIX_EPOCH));
        let shared: Arc<dyn Clock> = clock.clone();
        let rates = Rates::new(&[("", RateLimit::new(1, Duration::from_secs(5)))], &shared);
        let (_, _, limiter) = &rates.limiters[0];
        assert!(limiter.check().is_ok(), "the first has its turn");

        let mut second = pin!(rates.admit("", || Duration::from_secs(60)));
        let mut is_admitted = || second.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        assert!(!is_admitted());
        rates.pause("", Duration::from_secs(20));
        rates.pause("", Duration::from_secs(1));
        for _ in 0..19 {
            clock.advance(Duration::from_secs(1));
            assert!(!is_admitted(), "at {}", clock.now());
        }
        clock.advance(Duration::from_secs(2));
        assert!(is_admitted());
    }

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
