//! Time, injected.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard};
use std::task::{Poll, Waker};
use std::time::Duration;

use jiff::Timestamp;

use crate::future::BoxFuture;
use crate::sync::lock;
use crate::time::TimestampExt;

/// Where the time comes from. Nothing else in the SDK reads a clock.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time now, in UTC.
    fn now(&self) -> Timestamp;

    /// Returns once the clock shows `at` or later.
    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()>;

    /// Returns after `time` has passed, whatever the clock is set to meanwhile.
    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()>;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where the wall clock is read")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        /// The clock can be set while we sleep: look again at least this often.
        const LOOK_AGAIN: Duration = Duration::from_secs(30);

        Box::pin(async move {
            while let Ok(left) = Duration::try_from(at.duration_since(self.now())) {
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(LOOK_AGAIN)).await;
            }
        })
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}

/// A clock that stands still until it is moved.
///
/// ```
/// use std::time::Duration;
/// use sym_sdk::clock::{Clock, VirtualClock};
///
/// let clock = VirtualClock::at("2024-02-29T12:00:00Z".parse()?);
/// clock.advance(Duration::from_secs(3600));
/// assert_eq!(clock.now().to_string(), "2024-02-29T13:00:00Z");
/// # Ok::<(), jiff::Error>(())
/// ```
#[derive(Debug)]
pub struct VirtualClock {
    time: Mutex<Time>,
}

#[derive(Debug)]
struct Time {
    now: Timestamp,
    sleepers: BTreeMap<(Timestamp, u64), Waker>,
    next_sleeper: u64,
    /// How far the clock was set back so far, all in all.
    set_back: Duration,
}

impl VirtualClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        Self { time: Mutex::new(Time { now, sleepers: BTreeMap::new(), next_sleeper: 0, set_back: Duration::ZERO }) }
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        let to = self.now().plus(by);
        self.advance_to(to);
    }

    /// Moves the clock on to `to`, and never back.
    pub fn advance_to(&self, to: Timestamp) {
        let mut time = self.time();
        time.now = time.now.max(to);
        let due = time.now;
        let still_asleep = time.sleepers.split_off(&(due, u64::MAX));
        let woken = std::mem::replace(&mut time.sleepers, still_asleep);
        drop(time);
        woken.into_values().for_each(Waker::wake);
    }

    /// Sets the clock, also back. Those who sleep until a time stay asleep until the clock is moved past it; for those who sleep
    /// for some time, no time has passed if it was set back.
    pub fn set(&self, now: Timestamp) {
        let mut time = self.time();
        let back = Duration::try_from(time.now.duration_since(now)).unwrap_or_default();
        time.set_back = time.set_back.saturating_add(back);
        time.now = now;
        // They go to sleep again, each until its own time.
        let sleepers = std::mem::take(&mut time.sleepers);
        drop(time);
        sleepers.into_values().for_each(Waker::wake);
    }

    /// When the first sleeper wakes up.
    pub fn next_sleeper(&self) -> Option<Timestamp> {
        self.time().sleepers.keys().next().map(|(at, _)| *at)
    }

    fn time(&self) -> MutexGuard<'_, Time> {
        lock(&self.time)
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.time().now
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        Sleeper { clock: self, at, since: None, place: None }.sleep()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        let (now, set_back) = {
            let time = self.time();
            (time.now, time.set_back)
        };
        let at = now.plus(time);
        Sleeper { clock: self, at, since: Some(set_back), place: None }.sleep()
    }
}

/// A place in the list of sleepers, given up when it is no longer awaited.
struct Sleeper<'a> {
    clock: &'a VirtualClock,
    at: Timestamp,
    /// For one who sleeps for some time: how far the clock had been set back when it fell asleep.
    since: Option<Duration>,
    place: Option<(Timestamp, u64)>,
}

impl<'a> Sleeper<'a> {
    fn sleep(mut self) -> BoxFuture<'a, ()> {
        Box::pin(std::future::poll_fn(move |cx| self.poll(cx.waker())))
    }

    fn poll(&mut self, waker: &Waker) -> Poll<()> {
        let mut time = self.clock.time();
        let set_back = self.since.map_or(Duration::ZERO, |since| time.set_back.saturating_sub(since));
        let at = self.at.minus(set_back);
        if time.now >= at {
            return Poll::Ready(());
        }
        let number = match self.place {
            Some((_, number)) => number,
            None => {
                time.next_sleeper += 1;
                time.next_sleeper
            }
        };
        self.place = Some((at, number));
        time.sleepers.insert((at, number), waker.clone());
        Poll::Pending
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.clock.time().sleepers.remove(&place);
        }
    }
}
