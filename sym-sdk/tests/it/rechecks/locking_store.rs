//! A memory store in which somebody is locked while a grant looks at other Runs.

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use sym_sdk::BoxFuture;
use sym_sdk::audit::{AuditEntry, AuditHead, AuditRecord};
use sym_sdk::directory::{EventQuery, UserChange};
use sym_sdk::engine::*;
use sym_sdk::machine::{EffectKey, EntitlementKey, InputReply};

use super::*;

type StoreFuture<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// A memory store that locks somebody in the directory during a look at the Runs with access at another level. A request looks twice: when
/// its requester is identified, and before the grant.
pub(super) struct LockingStore {
    store: MemoryStore,
    users: Arc<dyn DirectoryStore>,
    locked: UserId,
    looks: AtomicUsize,
}

impl LockingStore {
    /// Creates a store that locks a user during the look before the grant.
    pub(super) fn new(users: Arc<dyn DirectoryStore>, locked: UserId) -> Arc<Self> {
        Arc::new(Self { store: MemoryStore::new(), users, locked, looks: AtomicUsize::new(0) })
    }

    /// Returns the number of looks so far.
    pub(super) fn looks(&self) -> usize {
        self.looks.load(Ordering::SeqCst)
    }
}

impl Store for LockingStore {
    fn runs(&self, filter: RunFilter, limit: usize) -> StoreFuture<'_, Vec<StoredRun>> {
        let locks = filter.other_level_than.is_some() && self.looks.fetch_add(1, Ordering::SeqCst) == 1;
        Box::pin(async move {
            if locks {
                self.users.change_user(self.locked, UserChange::Locked(true)).await.unwrap().unwrap();
            }
            self.store.runs(filter, limit).await
        })
    }

    fn load(&self, run: RunId) -> StoreFuture<'_, Option<StoredRun>> {
        self.store.load(run)
    }

    fn recorded_reply(&self, key: &InputKey) -> StoreFuture<'_, Option<InputReply>> {
        self.store.recorded_reply(key)
    }

    fn clamp_future_due_times(&self, latest: Timestamp) -> StoreFuture<'_, usize> {
        self.store.clamp_future_due_times(latest)
    }

    fn commit(&self, commit: Commit) -> StoreFuture<'_, Committed> {
        self.store.commit(commit)
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
