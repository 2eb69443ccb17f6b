//! A clock that advances instead of waiting.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use sym_sdk::BoxFuture;
use sym_sdk::clock::Clock;

/// A clock whose sleeps return immediately and advance its time instead.
#[derive(Debug)]
pub(super) struct AutoAdvanceClock {
    now: Mutex<Timestamp>,
    start: Timestamp,
}

impl AutoAdvanceClock {
    pub(super) fn at(now: Timestamp) -> Self {
        Self { now: Mutex::new(now), start: now }
    }

    pub(super) fn elapsed(&self) -> Duration {
        Duration::try_from(self.now().duration_since(self.start)).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Timestamp> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for AutoAdvanceClock {
    fn now(&self) -> Timestamp {
        *self.lock()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let mut now = self.lock();
            *now = at.max(*now);
        })
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let mut now = self.lock();
            *now = now.saturating_add(time).unwrap_or(Timestamp::MAX);
        })
    }
}
