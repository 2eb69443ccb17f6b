//! A store with switchable faults.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use jiff::Timestamp;
use sym_sdk::BoxFuture;
use sym_sdk::audit::{AuditEntry, AuditHead, AuditRecord};
use sym_sdk::directory::EventQuery;
use sym_sdk::engine::*;
use sym_sdk::machine::{Effect, EffectKey, EntitlementKey, InputReply, Lane};
use sym_sdk::model::RunId;
use tokio::task::unconstrained;

/// The behavior of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behavior {
    /// Calls work.
    Works,
    /// Calls have no effect and never return.
    Hangs,
    /// Calls take effect and never return.
    NeverReturns,
    /// Effects can be claimed; writes of their outcomes fail.
    RefusesOutcomes,
    /// Outcomes are written, and reported as failed.
    WritesOutcomesAndFails,
    /// Outcomes are written, and whatever else is claimed meanwhile is returned first.
    ReportsOutcomesLast,
    /// All writes fail, and reads work.
    RefusesWrites,
    /// The same, and the holders of access cannot be read.
    RefusesWritesAndHolders,
    /// The same, and Runs cannot be read one by one.
    RefusesWritesAndLoads,
    /// Effects can be claimed, and their leases not be released; nor can the holders of access be read.
    RefusesReleasesAndHolders,
    /// Timers are read only once the behavior is another one.
    ReadsTimersLater,
    /// Claims wait, other writes fail, and the holders of access cannot be read.
    ClaimsWait,
    /// The same, but due times are clamped, and then the claims that wait take effect, although nobody waits for them any more.
    ClaimsLateAfterClamping,
    /// Claims panic.
    Panics,
}

pub(super) struct FaultyStore {
    store: Arc<dyn Store>,
    behavior: Mutex<Behavior>,
    calls: Mutex<Vec<&'static str>>,
    waiting_claims: Mutex<Vec<Claim>>,
    refused: AtomicUsize,
    is_on_disk: bool,
}

type StoreFuture<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

impl Behavior {
    fn refuses_writes(self) -> bool {
        self.claims_wait()
            || matches!(self, Self::RefusesWrites | Self::RefusesWritesAndHolders | Self::RefusesWritesAndLoads)
    }

    fn claims_wait(self) -> bool {
        matches!(self, Self::ClaimsWait | Self::ClaimsLateAfterClamping)
    }
}

impl FaultyStore {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            behavior: Mutex::new(Behavior::Works),
            calls: Mutex::default(),
            waiting_claims: Mutex::default(),
            refused: AtomicUsize::new(0),
            is_on_disk: false,
        }
    }

    /// Wraps a store with threads of its own. Virtual time would race ahead of them, so it stands still while they work.
    pub(super) fn on_disk(store: Arc<dyn Store>) -> Self {
        Self { is_on_disk: true, ..Self::new(store) }
    }

    pub(super) fn set_behavior(&self, behavior: Behavior) {
        *self.behavior.lock().unwrap() = behavior;
    }

    /// Returns the names of the calls since the last time this was called, in order.
    pub(super) fn take_calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    /// Returns the number of refused outcomes.
    pub(super) fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }

    fn behavior(&self) -> Behavior {
        *self.behavior.lock().unwrap()
    }

    /// Calls the store only if the call is to take effect: a memory store has done its work as soon as it is called.
    fn call<'a, T: Send + 'a>(
        &'a self,
        name: &'static str,
        work: impl FnOnce() -> StoreFuture<'a, T> + Send + 'a,
    ) -> StoreFuture<'a, T> {
        Box::pin(async move {
            self.calls.lock().unwrap().push(name);
            if self.behavior() == Behavior::Hangs {
                std::future::pending::<()>().await;
            }
            let result = if self.is_on_disk { wait_for(work()) } else { work().await };
            if self.behavior() == Behavior::NeverReturns {
                std::future::pending::<()>().await;
            }
            result
        })
    }

    /// Handles a call that writes something other than an outcome.
    fn write<'a, T: Send + 'a>(
        &'a self,
        name: &'static str,
        work: impl FnOnce() -> StoreFuture<'a, T> + Send + 'a,
    ) -> StoreFuture<'a, T> {
        if self.behavior().refuses_writes() {
            self.calls.lock().unwrap().push(name);
            return Box::pin(async { Err(disk_full()) });
        }
        self.call(name, work)
    }

    /// Handles a call that reports the outcome of work.
    fn report_outcome<'a, T: Send + 'a>(
        &'a self,
        name: &'static str,
        work: impl FnOnce() -> StoreFuture<'a, T> + Send + 'a,
    ) -> StoreFuture<'a, T> {
        Box::pin(async move {
            let result = match self.behavior() {
                Behavior::RefusesOutcomes => Err(disk_full()),
                behavior if behavior.refuses_writes() => {
                    self.calls.lock().unwrap().push(name);
                    Err(disk_full())
                }
                Behavior::WritesOutcomesAndFails => self.call(name, work).await.and(Err(disk_full())),
                Behavior::ReportsOutcomesLast => {
                    let written = self.call(name, work).await;
                    for _ in 0..100 {
                        tokio::task::yield_now().await;
                    }
                    written
                }
                _ => self.call(name, work).await,
            };
            self.refused.fetch_add(usize::from(result.is_err()), Ordering::SeqCst);
            result
        })
    }
}

/// Waits on the current thread, the only one that advances the clock.
fn wait_for<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(unconstrained(future));
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
        std::thread::yield_now();
    }
}

fn disk_full() -> StoreError {
    StoreError::Unavailable("the disk is full".into())
}

impl Store for FaultyStore {
    fn load(&self, run: RunId) -> StoreFuture<'_, Option<StoredRun>> {
        match self.behavior() {
            Behavior::RefusesWritesAndLoads => self.call("load", || Box::pin(async { Err(disk_full()) })),
            _ => self.call("load", move || self.store.load(run)),
        }
    }

    fn recorded_reply(&self, key: &InputKey) -> StoreFuture<'_, Option<InputReply>> {
        let key = key.clone();
        self.call("recorded_reply", move || self.store.recorded_reply(&key))
    }

    fn commit(&self, commit: Commit) -> StoreFuture<'_, Committed> {
        self.report_outcome("commit", move || self.store.commit(commit))
    }

    fn claim(&self, claim: Claim) -> StoreFuture<'_, Vec<Claimed>> {
        assert!(self.behavior() != Behavior::Panics, "a bug in the store");
        if self.behavior().claims_wait() {
            self.waiting_claims.lock().unwrap().push(claim);
            return Box::pin(std::future::pending());
        }
        self.write("claim", move || self.store.claim(claim))
    }

    fn due_effects(&self, lane: Lane, now: Timestamp, limit: usize) -> StoreFuture<'_, Vec<Effect>> {
        self.call("due_effects", move || self.store.due_effects(lane, now, limit))
    }

    fn release(&self, key: EffectKey, claims: u32, not_before: Timestamp) -> StoreFuture<'_, ()> {
        match self.behavior() {
            Behavior::RefusesReleasesAndHolders => self.call("release", || Box::pin(async { Err(disk_full()) })),
            _ => self.report_outcome("release", move || self.store.release(key, claims, not_before)),
        }
    }

    fn clamp_future_due_times(&self, latest: Timestamp) -> StoreFuture<'_, usize> {
        if self.behavior() == Behavior::ClaimsLateAfterClamping {
            return Box::pin(async move {
                let clamped = self.store.clamp_future_due_times(latest).await;
                let waiting = std::mem::take(&mut *self.waiting_claims.lock().unwrap());
                for claim in waiting {
                    self.store.claim(claim).await?;
                }
                clamped
            });
        }
        self.write("clamp_future_due_times", move || self.store.clamp_future_due_times(latest))
    }

    fn due_timers(&self, now: Timestamp, limit: usize) -> StoreFuture<'_, Vec<DueTimer>> {
        Box::pin(async move {
            while self.behavior() == Behavior::ReadsTimersLater {
                tokio::task::yield_now().await;
            }
            self.call("due_timers", move || self.store.due_timers(now, limit)).await
        })
    }

    fn next_due(&self) -> StoreFuture<'_, Option<Timestamp>> {
        self.call("next_due", move || self.store.next_due())
    }

    fn backlog(&self, now: Timestamp, late: Timestamp) -> StoreFuture<'_, Backlog> {
        self.call("backlog", move || self.store.backlog(now, late))
    }

    fn holders(&self, key: &EntitlementKey) -> StoreFuture<'_, Vec<RunId>> {
        let key = key.clone();
        match self.behavior() {
            behavior if behavior.claims_wait() => self.call("holders", || Box::pin(async { Err(disk_full()) })),
            Behavior::RefusesWritesAndHolders | Behavior::RefusesReleasesAndHolders => {
                self.call("holders", || Box::pin(async { Err(disk_full()) }))
            }
            _ => self.call("holders", move || self.store.holders(&key)),
        }
    }

    fn runs(&self, filter: RunFilter, limit: usize) -> StoreFuture<'_, Vec<StoredRun>> {
        self.call("runs", move || self.store.runs(filter, limit))
    }

    fn prune(&self, before: Timestamp, limit: usize) -> StoreFuture<'_, usize> {
        self.call("prune", move || self.store.prune(before, limit))
    }

    fn runs_missing_expiry(&self, limit: usize) -> StoreFuture<'_, Vec<StoredRun>> {
        self.call("runs_missing_expiry", move || self.store.runs_missing_expiry(limit))
    }

    fn access_health(&self, late: Timestamp) -> StoreFuture<'_, AccessHealth> {
        self.call("access_health", move || self.store.access_health(late))
    }

    fn audit(&self, run: Option<RunId>, limit: usize) -> StoreFuture<'_, Vec<AuditEntry>> {
        self.call("audit", move || self.store.audit(run, limit))
    }

    fn count_events<'a>(&'a self, count: &'a EventQuery) -> StoreFuture<'a, u64> {
        self.call("count_events", move || self.store.count_events(count))
    }

    fn audit_after(&self, seq: u64, limit: usize) -> StoreFuture<'_, Vec<AuditRecord>> {
        self.call("audit_after", move || self.store.audit_after(seq, limit))
    }

    fn audit_before(&self, run: RunId, seq: u64) -> StoreFuture<'_, Vec<AuditRecord>> {
        self.call("audit_before", move || self.store.audit_before(run, seq))
    }

    fn audit_head(&self) -> StoreFuture<'_, AuditHead> {
        self.call("audit_head", move || self.store.audit_head())
    }

    fn audit_cursor(&self, destination: &str) -> StoreFuture<'_, u64> {
        let destination = destination.to_owned();
        self.call("audit_cursor", move || self.store.audit_cursor(&destination))
    }

    fn set_audit_cursor(&self, destination: &str, seq: u64) -> StoreFuture<'_, ()> {
        let destination = destination.to_owned();
        self.call("set_audit_cursor", move || self.store.set_audit_cursor(&destination, seq))
    }
}
