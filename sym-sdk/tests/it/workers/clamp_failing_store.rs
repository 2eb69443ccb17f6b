//! A memory store whose calls to clamp due times fail a number of times, or take until the clock has gone back again, and whose commits
//! can take until due times were clamped.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use sym_sdk::BoxFuture;
use sym_sdk::audit::{AuditEntry, AuditHead, AuditRecord};
use sym_sdk::clock::VirtualClock;
use sym_sdk::directory::EventQuery;
use sym_sdk::engine::*;
use sym_sdk::machine::{EffectKey, EntitlementKey, InputReply};
use sym_sdk::model::RunId;
use tokio::sync::Notify;

type StoreFuture<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

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

    fn load(&self, run: RunId) -> StoreFuture<'_, Option<StoredRun>> {
        self.store.load(run)
    }

    fn recorded_reply(&self, key: &InputKey) -> StoreFuture<'_, Option<InputReply>> {
        self.store.recorded_reply(key)
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

    fn claim(&self, claim: Claim) -> StoreFuture<'_, Vec<Claimed>> {
        self.store.claim(claim)
    }

    fn release(&self, key: EffectKey, claims: u32, not_before: Timestamp) -> StoreFuture<'_, ()> {
        self.store.release(key, claims, not_before)
    }

    fn due_timers(&self, now: Timestamp, limit: usize) -> StoreFuture<'_, Vec<DueTimer>> {
        self.store.due_timers(now, limit)
    }

    fn next_due(&self) -> StoreFuture<'_, Option<Timestamp>> {
        self.store.next_due()
    }

    fn backlog(&self, now: Timestamp, late: Timestamp) -> StoreFuture<'_, Backlog> {
        self.store.backlog(now, late)
    }

    fn holders(&self, key: &EntitlementKey) -> StoreFuture<'_, Vec<RunId>> {
        self.store.holders(key)
    }

    fn runs(&self, filter: RunFilter, limit: usize) -> StoreFuture<'_, Vec<StoredRun>> {
        self.store.runs(filter, limit)
    }

    fn prune(&self, before: Timestamp, limit: usize) -> StoreFuture<'_, usize> {
        self.store.prune(before, limit)
    }

    fn runs_missing_expiry(&self, limit: usize) -> StoreFuture<'_, Vec<StoredRun>> {
        self.store.runs_missing_expiry(limit)
    }

    fn access_health(&self, late: Timestamp) -> StoreFuture<'_, AccessHealth> {
        self.store.access_health(late)
    }

    fn audit(&self, run: Option<RunId>, limit: usize) -> StoreFuture<'_, Vec<AuditEntry>> {
        self.store.audit(run, limit)
    }

    fn count_events<'a>(&'a self, count: &'a EventQuery) -> StoreFuture<'a, u64> {
        self.store.count_events(count)
    }

    fn audit_after(&self, seq: u64, limit: usize) -> StoreFuture<'_, Vec<AuditRecord>> {
        self.store.audit_after(seq, limit)
    }

    fn audit_before(&self, run: RunId, seq: u64) -> StoreFuture<'_, Vec<AuditRecord>> {
        self.store.audit_before(run, seq)
    }

    fn audit_head(&self) -> StoreFuture<'_, AuditHead> {
        self.store.audit_head()
    }

    fn audit_cursor(&self, destination: &str) -> StoreFuture<'_, u64> {
        self.store.audit_cursor(destination)
    }

    fn set_audit_cursor(&self, destination: &str, seq: u64) -> StoreFuture<'_, ()> {
        self.store.set_audit_cursor(destination, seq)
    }
}
