//! A clock that does not wait, and lets a test act in between.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use sym_sdk::BoxFuture;
use sym_sdk::clock::Clock;

type Act = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

/// A clock that advances by each sleep at once. What a test has set happens during the first sleeps.
pub(crate) struct SteppingClock {
    now: Mutex<Timestamp>,
    acts: Mutex<VecDeque<Act>>,
}

impl SteppingClock {
    pub(crate) fn new() -> Arc<Self> {
        let now = Mutex::new("2026-12-01T12:00:00Z".parse().unwrap());
        Arc::new(Self { now, acts: Mutex::default() })
    }

    /// Sets what happens during the next sleep that nothing is set for.
    pub(crate) fn then<F: Future<Output = ()> + Send + 'static>(&self, act: impl FnOnce() -> F + Send + 'static) {
        self.acts.lock().unwrap().push_back(Box::new(|| Box::pin(act())));
    }

    /// Whether everything that was set has happened.
    pub(crate) fn is_done(&self) -> bool {
        self.acts.lock().unwrap().is_empty()
    }
}

impl Clock for SteppingClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        self.sleep(Duration::try_from(at.duration_since(self.now())).unwrap_or_default())
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let act = self.acts.lock().unwrap().pop_front();
            match act {
                Some(act) => act().await,
                None => tokio::task::yield_now().await,
            }
            let mut now = self.now.lock().unwrap();
            *now = now.checked_add(duration).unwrap();
        })
    }
}

impl fmt::Debug for SteppingClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SteppingClock")
    }
}
