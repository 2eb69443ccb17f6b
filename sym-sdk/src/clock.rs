//! Injected time.
//!
//! Everything that depends on the time takes a [`Clock`], so that tests and simulations can run on a [`VirtualClock`]. The wall
//! clock is read in [`SystemClock`] alone.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::future::BoxFuture;
use crate::sync::lock;
use crate::time::TimestampExt;

/// A source of time. Nothing else in the SDK reads a clock.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Returns the current time in UTC.
    fn now(&self) -> Timestamp;

    /// Returns the time that has passed since some moment, whatever the clock is set to meanwhile. It tells whether the clock was set.
    ///
    /// By default, the clock is taken as one that nobody sets.
    fn elapsed(&self) -> Duration {
        self.now().duration_since(Timestamp::UNIX_EPOCH).try_into().unwrap_or_default()
    }

    /// Waits until the clock shows `at` or later.
    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()>;

    /// Waits for a duration, whatever the clock is set to meanwhile.
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()>;
}

/// The system's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where the wall clock is read")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place where clocks are read")]
    fn elapsed(&self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        let now = Instant::now();
        now.saturating_duration_since(*START.get_or_init(|| now))
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        /// The clock can be set during the sleep, so it is read again at least this often.
        const POLL_INTERVAL: Duration = Duration::from_secs(30);

        Box::pin(async move {
            while let Ok(left) = Duration::try_from(at.duration_since(self.now())) {
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(POLL_INTERVAL)).await;
            }
        })
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A clock that stands still until it is advanced.
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
    /// The total duration by which the clock has been set back.
    set_back: Duration,
}

impl VirtualClock {
    /// Creates a clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        Self { time: Mutex::new(Time { now, sleepers: BTreeMap::new(), next_sleeper: 0, set_back: Duration::ZERO }) }
    }

    /// Advances the clock by a duration.
    pub fn advance(&self, by: Duration) {
        self.advance_to(self.now().plus(by));
    }

    /// Advances the clock to `to`, and never sets it back.
    pub fn advance_to(&self, to: Timestamp) {
        let mut time = self.time();
        time.now = time.now.max(to);
        let due = time.now;
        let still_asleep = time.sleepers.split_off(&(due, u64::MAX));
        let woken = std::mem::replace(&mut time.sleepers, still_asleep);
        drop(time);
        woken.into_values().for_each(Waker::wake);
    }

    /// Sets the clock, forward or back. Tasks that sleep until a time wake up when the clock reaches it. For tasks that sleep for a
    /// duration, no time passes when the clock is set back.
    pub fn set(&self, now: Timestamp) {
        let mut time = self.time();
        let back = Duration::try_from(time.now.duration_since(now)).unwrap_or_default();
        time.set_back = time.set_back.saturating_add(back);
        time.now = now;
        // All are woken, and go back to sleep until their own times.
        let sleepers = std::mem::take(&mut time.sleepers);
        drop(time);
        sleepers.into_values().for_each(Waker::wake);
    }

    /// Returns the time at which the first sleeper wakes up.
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

    fn elapsed(&self) -> Duration {
        let time = self.time();
        let shown: Duration = time.now.duration_since(Timestamp::UNIX_EPOCH).try_into().unwrap_or_default();
        shown.saturating_add(time.set_back)
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        Sleeper { clock: self, at, since: None, entry: None }.sleep()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        let (now, set_back) = {
            let time = self.time();
            (time.now, time.set_back)
        };
        let at = now.plus(duration);
        Sleeper { clock: self, at, since: Some(set_back), entry: None }.sleep()
    }
}

/// A sleeping task. Its entry in the list of sleepers is removed on drop.
struct Sleeper<'a> {
    clock: &'a VirtualClock,
    at: Timestamp,
    /// For a sleep of some duration: the total by which the clock had been set back when it started.
    since: Option<Duration>,
    entry: Option<(Timestamp, u64)>,
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
        let number = match self.entry {
            Some((_, number)) => number,
            None => {
                time.next_sleeper += 1;
                time.next_sleeper
            }
        };
        self.entry = Some((at, number));
        time.sleepers.insert((at, number), waker.clone());
        Poll::Pending
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        if let Some(entry) = self.entry {
            self.clock.time().sleepers.remove(&entry);
        }
    }
}
