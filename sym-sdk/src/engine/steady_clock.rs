//! The clock next to one that cannot be set.
//!
//! Some waits end too early if the clock is set ahead, and others too late if it goes back. Setting it is noticed by comparing both
//! clocks; what happened while no process was running is unknown.

use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::Clock;
use crate::sync::lock;
use crate::time::TimestampExt;

/// Time synchronization corrects clocks by less than this all the time.
const TOLERANCE: Duration = Duration::from_secs(10);

/// A reading of both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// The time that the clock showed.
    pub(super) now: Timestamp,
    /// The [elapsed](Clock::elapsed) time.
    pub(super) elapsed: Duration,
}

impl Reading {
    pub(super) fn of(clock: &dyn Clock) -> Self {
        Self { now: clock.now(), elapsed: clock.elapsed() }
    }

    /// Returns the time that the clock shows at an elapsed time, unless it is set meanwhile. What is past counts as of now.
    pub(super) fn time_at(self, elapsed: Duration) -> Timestamp {
        self.now.plus(elapsed.saturating_sub(self.elapsed))
    }

    /// Returns the elapsed time at which the clock shows a time, unless it is set meanwhile. What is past counts as of now.
    pub(super) fn elapsed_at(self, time: Timestamp) -> Duration {
        self.elapsed.saturating_add(time.duration_since(self.now).try_into().unwrap_or_default())
    }
}

/// Tells since when the clock was not set.
#[derive(Debug)]
pub(super) struct SteadyClock(Mutex<Reading>);

impl SteadyClock {
    pub(super) fn new(clock: &dyn Clock) -> Self {
        Self(Mutex::new(Reading::of(clock)))
    }

    /// Returns the time since which the clock was not set, as it shows now.
    pub(super) fn since(&self, clock: &dyn Clock) -> Timestamp {
        let mut reference = lock(&self.0);
        let read = Reading::of(clock);
        let expected = reference.time_at(read.elapsed);
        if read.now.duration_since(expected).unsigned_abs() > TOLERANCE {
            *reference = read;
        }
        reference.now
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
