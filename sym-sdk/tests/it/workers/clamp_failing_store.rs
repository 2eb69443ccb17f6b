//! A memory store whose calls to clamp due times fail a number of times, or take until the clock has gone back again, and whose commits
//! can take until due times were clamped.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use sym_sdk::clock::VirtualClock;
use sym_sdk::engine::*;
use tokio::sync::Notify;

use crate::store_forwarding::{StoreFuture, forward_to_store};

/// A memory store that fails a number of calls to [`Store::clamp_future_due_times`].
#[derive(Default)]
pub(super) struct ClampFailingStore {
    store: Arc<MemoryStore>,
    failures: AtomicUsize,
    /// A clock that goes back during the next call, and the time to which it does.
    going_back: Mutex<Option<(Arc<VirtualClock>, Timestamp)>>,
    /// The number of commits before the one that takes until due times were clamped.
    until_slow: Mutex<Option<usize>>,
    clamped: Notify,
}

impl ClampFailingStore {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(super) fn fail(&self, times: usize) {
        self.failures.store(times, Ordering::SeqCst);
    }

    /// Sets the clock back during the next call.
    pub(super) fn set_back_meanwhile(&self, clock: &Arc<VirtualClock>, to: Timestamp) {
        *self.going_back.lock().unwrap() = Some((clock.clone(), to));
    }

    /// Has the commit after the next `commits` take effect once due times were clamped.
    pub(super) fn delay_commit(&self, commits: usize) {
        *self.until_slow.lock().unwrap() = Some(commits);
    }

    /// Returns whether a commit was delayed, or is.
    pub(super) fn has_delayed_commit(&self) -> bool {
        self.until_slow.lock().unwrap().is_none()
    }

    /// Returns whether the commit that begins now is to be delayed.
    fn delays(&self) -> bool {
        let mut until_slow = self.until_slow.lock().unwrap();
        match *until_slow {
            Some(0) => {
                *until_slow = None;
                true
            }
            Some(left) => {
                *until_slow = Some(left - 1);
                false
            }
            None => false,
        }
    }

    pub(super) fn failures_left(&self) -> usize {
        self.failures.load(Ordering::SeqCst)
    }
}

impl Store for ClampFailingStore {
    fn clamp_future_due_times(&self, latest: Timestamp) -> StoreFuture<'_, usize> {
        let failing = self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match failing {
            Ok(_) => Box::pin(async { Err(StoreError::Unavailable("the disk is full".into())) }),
            Err(_) => {
                let clamped = self.store.clamp_future_due_times(latest);
                self.clamped.notify_waiters();
                if let Some((clock, to)) = self.going_back.lock().unwrap().take() {
                    clock.set(to);
                }
                clamped
            }
        }
    }

    fn commit(&self, commit: Commit) -> StoreFuture<'_, Committed> {
        if !self.delays() {
            return self.store.commit(commit);
        }
        Box::pin(async move {
            self.clamped.notified().await;
            self.store.commit(commit).await
        })
    }

    fn runs(&self, filter: RunFilter, limit: usize) -> StoreFuture<'_, Vec<StoredRun>> {
        self.store.runs(filter, limit)
    }

    forward_to_store!();
}
