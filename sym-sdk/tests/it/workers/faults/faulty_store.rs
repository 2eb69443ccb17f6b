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
use sym_sdk::machine::{EffectKey, EntitlementKey, InputReply};
use sym_sdk::model::RunId;
use tokio::task::unconstrained;

/// The behaviour of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behavior {
    /// Calls work.
    Works,
    /// Calls have no effect and never return.
    Hangs,
    /// Calls take effect and never return.
    SaysNothing,
    /// Effects can be claimed; writes of their outcomes fail.
    ForgetsOutcomes,
    /// Outcomes are written, and reported as failed.
    DeniesOutcomes,
}

pub(super) struct FaultyStore {
    store: Arc<dyn Store>,
    mood: Mutex<Behavior>,
    calls: Mutex<Vec<&'static str>>,
    refused: AtomicUsize,
    is_on_disk: bool,
}

type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

impl FaultyStore {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            mood: Mutex::new(Behavior::Works),
            calls: Mutex::default(),
            refused: AtomicUsize::new(0),
            is_on_disk: false,
        }
    }

    /// Wraps a store with threads of its own. Virtual time would race ahead of them, so it stands still while they work.
    pub(super) fn on_disk(store: Arc<dyn Store>) -> Self {
        Self { is_on_disk: true, ..Self::new(store) }
    }

    pub(super) fn be(&self, mood: Behavior) {
        *self.mood.lock().unwrap() = mood;
    }

    /// Returns the names of the calls since the last time this was called, in order.
    pub(super) fn take_calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    /// Returns the number of refused outcomes.
    pub(super) fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }

    fn mood(&self) -> Behavior {
        *self.mood.lock().unwrap()
    }

    /// Calls the store only if the call is to take effect: a memory store has done its work as soon as it is called.
    fn ask<'a, T: Send + 'a>(
        &'a self,
        name: &'static str,
        call: impl FnOnce() -> Answer<'a, T> + Send + 'a,
    ) -> Answer<'a, T> {
        Box::pin(async move {
            self.calls.lock().unwrap().push(name);
            if self.mood() == Behavior::Hangs {
                std::future::pending::<()>().await;
            }
            let answer = if self.is_on_disk { wait_for(call()) } else { call().await };
            if self.mood() == Behavior::SaysNothing {
                std::future::pending::<()>().await;
            }
            answer
        })
    }

    /// Handles a call that reports the outcome of work.
    fn tell<'a, T: Send + 'a>(
        &'a self,
        name: &'static str,
        call: impl FnOnce() -> Answer<'a, T> + Send + 'a,
    ) -> Answer<'a, T> {
        Box::pin(async move {
            let told = match self.mood() {
                Behavior::ForgetsOutcomes => Err(no_room()),
                Behavior::DeniesOutcomes => self.ask(name, call).await.and(Err(no_room())),
                _ => self.ask(name, call).await,
            };
            self.refused.fetch_add(usize::from(told.is_err()), Ordering::SeqCst);
            told
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

fn no_room() -> StoreError {
    StoreError::Unavailable("it has no room".into())
}

impl Store for FaultyStore {
    fn load(&self, run: RunId) -> Answer<'_, Option<StoredRun>> {
        self.ask("load", move || self.store.load(run))
    }

    fn recorded_reply(&self, key: &InputKey) -> Answer<'_, Option<InputReply>> {
        let key = key.clone();
        self.ask("recorded_reply", move || self.store.recorded_reply(&key))
    }

    fn commit(&self, commit: Commit) -> Answer<'_, Committed> {
        self.tell("commit", move || self.store.commit(commit))
    }

    fn claim(&self, claim: Claim) -> Answer<'_, Vec<Claimed>> {
        self.ask("claim", move || self.store.claim(claim))
    }

    fn release(&self, key: EffectKey, claims: u32, not_before: Timestamp) -> Answer<'_, ()> {
        self.tell("release", move || self.store.release(key, claims, not_before))
    }

    fn clamp_future_due_times(&self, latest: Timestamp) -> Answer<'_, usize> {
        self.ask("clamp_future_due_times", move || self.store.clamp_future_due_times(latest))
    }

    fn due_timers(&self, now: Timestamp, limit: usize) -> Answer<'_, Vec<DueTimer>> {
        self.ask("due_timers", move || self.store.due_timers(now, limit))
    }

    fn next_due(&self) -> Answer<'_, Option<Timestamp>> {
        self.ask("next_due", move || self.store.next_due())
    }

    fn backlog(&self, now: Timestamp, late: Timestamp) -> Answer<'_, Backlog> {
        self.ask("backlog", move || self.store.backlog(now, late))
    }

    fn holders(&self, key: &EntitlementKey) -> Answer<'_, Vec<RunId>> {
        let key = key.clone();
        self.ask("holders", move || self.store.holders(&key))
    }

    fn runs(&self, filter: RunFilter, limit: usize) -> Answer<'_, Vec<StoredRun>> {
        self.ask("runs", move || self.store.runs(filter, limit))
    }

    fn prune(&self, before: Timestamp, limit: usize) -> Answer<'_, usize> {
        self.ask("prune", move || self.store.prune(before, limit))
    }

    fn runs_missing_expiry(&self, limit: usize) -> Answer<'_, Vec<StoredRun>> {
        self.ask("runs_missing_expiry", move || self.store.runs_missing_expiry(limit))
    }

    fn access_health(&self, late: Timestamp) -> Answer<'_, AccessHealth> {
        self.ask("access_health", move || self.store.access_health(late))
    }

    fn audit(&self, run: Option<RunId>, limit: usize) -> Answer<'_, Vec<AuditEntry>> {
        self.ask("audit", move || self.store.audit(run, limit))
    }

    fn count_events<'a>(&'a self, count: &'a EventQuery) -> Answer<'a, u64> {
        self.ask("count_events", move || self.store.count_events(count))
    }

    fn audit_after(&self, seq: u64, limit: usize) -> Answer<'_, Vec<AuditRecord>> {
        self.ask("audit_after", move || self.store.audit_after(seq, limit))
    }

    fn audit_before(&self, run: RunId, seq: u64) -> Answer<'_, Vec<AuditRecord>> {
        self.ask("audit_before", move || self.store.audit_before(run, seq))
    }

    fn audit_head(&self) -> Answer<'_, AuditHead> {
        self.ask("audit_head", move || self.store.audit_head())
    }

    fn audit_cursor(&self, destination: &str) -> Answer<'_, u64> {
        let destination = destination.to_owned();
        self.ask("audit_cursor", move || self.store.audit_cursor(&destination))
    }

    fn set_audit_cursor(&self, destination: &str, seq: u64) -> Answer<'_, ()> {
        let destination = destination.to_owned();
        self.ask("set_audit_cursor", move || self.store.set_audit_cursor(&destination, seq))
    }
}
