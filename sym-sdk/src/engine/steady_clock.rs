//! The time since which the clock is known to be steady.
//!
//! Some waits end too early if the clock is set ahead. Setting it is noticed by comparing it with a clock that cannot be set; what
//! happened while no process was running is unknown.

use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::Clock;
use crate::sync::lock;
use crate::time::TimestampExt;

/// Time synchronization corrects clocks by less than this all the time.
const TOLERANCE: Duration = Duration::from_secs(10);

/// Tells since when the clock was not set.
#[derive(Debug)]
pub(super) struct SteadyClock(Mutex<Reference>);

/// A reading of both clocks: the first one, or the first after the clock was set.
#[derive(Clone, Copy, Debug)]
struct Reference {
    since: Timestamp,
    elapsed: Duration,
}

impl SteadyClock {
    pub(super) fn new(clock: &dyn Clock) -> Self {
        Self(Mutex::new(Reference { since: clock.now(), elapsed: clock.elapsed() }))
    }

    /// Returns the time since which the clock was not set, as it shows now.
    pub(super) fn since(&self, clock: &dyn Clock) -> Timestamp {
        let mut reference = lock(&self.0);
        let read = Reference { since: clock.now(), elapsed: clock.elapsed() };
        let expected = reference.since.plus(read.elapsed.saturating_sub(reference.elapsed));
        if read.since.duration_since(expected).unsigned_abs() > TOLERANCE {
            *reference = read;
        }
        reference.since
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::future::BoxFuture;

    /// A wall clock and the time that has elapsed.
    #[derive(Debug, Default)]
    struct Clocks(Mutex<(Timestamp, Duration)>);

    impl Clocks {
        fn pass(&self, time: Duration) {
            let mut clocks = lock(&self.0);
            *clocks = (clocks.0.plus(time), clocks.1 + time);
        }

        fn set(&self, seconds: i64) {
            lock(&self.0).0 = Timestamp::from_second(seconds).unwrap();
        }
    }

    impl Clock for Clocks {
        fn now(&self) -> Timestamp {
            lock(&self.0).0
        }

        fn elapsed(&self) -> Duration {
            lock(&self.0).1
        }

        fn sleep_until(&self, _: Timestamp) -> BoxFuture<'_, ()> {
            Box::pin(std::future::pending())
        }

        fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
            Box::pin(std::future::pending())
        }
    }

    #[test]
    fn notices_that_the_clock_was_set() {
        let clocks = Clocks::default();
        let steady = SteadyClock::new(&clocks);
        clocks.pass(Duration::from_secs(1_000));
        assert_eq!(steady.since(&clocks).as_second(), 0);
        clocks.set(5_000);
        assert_eq!(steady.since(&clocks).as_second(), 5_000, "ahead");
        clocks.pass(Duration::from_secs(1_000));
        assert_eq!(steady.since(&clocks).as_second(), 5_000);
        clocks.set(10);
        assert_eq!(steady.since(&clocks).as_second(), 10, "back");
    }

    #[test]
    fn tolerates_time_synchronization() {
        let clocks = Clocks::default();
        let steady = SteadyClock::new(&clocks);
        clocks.pass(Duration::from_secs(100));
        clocks.set(105);
        assert_eq!(steady.since(&clocks).as_second(), 0);
    }
}
