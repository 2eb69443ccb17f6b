//! Time: a wall clock that can be set, and monotonic time.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sym_sdk::BoxFuture;
use sym_sdk::clock::{Clock, VirtualClock};

/// The clock of the runtime: a wall clock that can be set, and sleeps that are not affected by it. A [`VirtualClock`] alone would not
/// distinguish them.
#[derive(Clone, Debug)]
pub(crate) struct WorldClock {
    wall: Arc<VirtualClock>,
    steady: Arc<VirtualClock>,
}

impl WorldClock {
    pub(crate) fn new() -> Self {
        let noon = Timestamp::from_second(1_709_208_000).unwrap();
        Self { wall: Arc::new(VirtualClock::at(noon)), steady: Arc::new(VirtualClock::at(noon)) }
    }

    /// Advances time.
    pub(crate) fn pass(&self, time: Duration) {
        self.steady.advance(time);
        self.wall.advance(time);
    }

    /// Sets the wall clock.
    pub(crate) fn set(&self, now: Timestamp) {
        self.wall.set(now);
    }

    /// Returns the time that no setting of the wall clock affects.
    pub(crate) fn steady_now(&self) -> Timestamp {
        self.steady.now()
    }

    /// Returns the time until the next deadline.
    pub(crate) fn until_somebody_wakes(&self) -> Option<Duration> {
        let clocks = [&self.wall, &self.steady].into_iter();
        let pauses = clocks.filter_map(|clock| Some(clock.next_sleeper()?.duration_since(clock.now())));
        pauses.min().map(|pause| pause.try_into().unwrap_or_default())
    }
}

impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        self.wall.now()
    }

    fn elapsed(&self) -> Duration {
        self.steady.elapsed()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        self.wall.sleep_until(at)
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.steady.sleep(time)
    }
}
