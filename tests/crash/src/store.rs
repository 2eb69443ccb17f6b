//! The store, with a crash point before and after each write, and a count of the calls in flight.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use sym_sdk::BoxFuture;
use sym_sdk::audit::{AuditEntry, AuditHead, AuditRecord};
use sym_sdk::directory::EventQuery;
use sym_sdk::engine::{
    AccessHealth, Backlog, Claim, Claimed, Commit, Committed, DueTimer, InputKey, RunFilter, SqliteStore, Store,
    StoreError, StoredRun,
};
use sym_sdk::machine::{Effect, EffectKey, EntitlementKey, InputReply, Lane};
use sym_sdk::model::RunId;
use tokio::sync::Notify;

use crate::clock::PersistentClock;
use crate::labels;
use crate::points::Points;

/// The length of a chain of tasks that wake one another before all of them wait. No chain is as long.
const MAX_YIELDS: usize = 32;

/// The calls in flight. Nothing in the process waits for anything but the store and the clock.
#[derive(Debug, Default)]
struct Calls {
    begun: AtomicU64,
    ended: AtomicU64,
    end: Notify,
}

/// Counts a call as ended when it is dropped.
struct Call<'a>(&'a Calls);

impl Calls {
    fn begin(&self) -> Call<'_> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        Call(self)
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::SeqCst);
        self.0.end.notify_waiters();
    }
}

/// A [`SqliteStore`] with crash points.
#[derive(Debug)]
pub struct CrashStore {
    store: SqliteStore,
    points: Arc<Points>,
    clock: Arc<PersistentClock>,
    /// The time that passes with each commit.
    tick: Duration,
    calls: Calls,
    /// The names of effects, for those of the commits that settle them.
    kinds: Mutex<HashMap<EffectKey, String>>,
}

impl CrashStore {
    /// Wraps a store.
    pub fn new(store: SqliteStore, points: Arc<Points>, clock: Arc<PersistentClock>, tick: Duration) -> Self {
        Self { store, points, clock, tick, calls: Calls::default(), kinds: Mutex::default() }
    }

    /// Returns the wrapped store.
    pub fn inner(&self) -> &SqliteStore {
        &self.store
    }

    /// Waits until nothing happens before the clock advances: no call is in flight, and none is started. All tasks run on this thread,
    /// so after some yields each of them has run.
    pub async fn idle(&self) {
        loop {
            let begun = self.calls.begun.load(Ordering::SeqCst);
            let end = self.calls.end.notified();
            if self.calls.ended.load(Ordering::SeqCst) < begun {
                end.await;
                continue;
            }
            for _ in 0..MAX_YIELDS {
                tokio::task::yield_now().await;
            }
            if self.calls.begun.load(Ordering::SeqCst) == begun {
                return;
            }
        }
    }

    pub(crate) fn call<'a, T: Send>(&'a self, work: impl Future<Output = T> + Send + 'a) -> BoxFuture<'a, T> {
        Box::pin(async move {
            let _call = self.calls.begin();
            work.await
        })
    }

    /// Executes a write, with a crash point before and after it.
    pub(crate) async fn between<T>(&self, name: &str, write: impl Future<Output = T>) -> T {
        self.points.before(name);
        let written = write.await;
        self.points.after(name);
        written
    }

    fn kind_of(&self, key: EffectKey) -> String {
        let known = self.kinds.lock().unwrap().get(&key).cloned();
        known.expect("an effect is committed or claimed before it is settled or released")
    }
}

impl Store for CrashStore {
    fn load(&self, run: RunId) -> BoxFuture<'_, Result<Option<StoredRun>, StoreError>> {
        self.call(self.store.load(run))
    }

    fn recorded_reply(&self, key: &InputKey) -> BoxFuture<'_, Result<Option<InputReply>, StoreError>> {
        self.call(self.store.recorded_reply(key))
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Committed, StoreError>> {
        self.call(async move {
            let settled = commit.settles.map(|key| self.kind_of(key));
            let name = labels::commit(&commit, settled.as_deref());
            self.points.before(&name);
            // The commit may lease its effects.
            let asked = commit.effects.iter().map(|asked| (asked.key, labels::effect(&asked.kind)));
            self.kinds.lock().unwrap().extend(asked);
            let committed = self.store.commit(commit).await?;
            match committed {
                Committed::Conflict => self.points.retract(&name),
                _ => self.points.after(&name),
            }
            self.clock.pass(self.tick);
            Ok(committed)
        })
    }

    /// There is no crash point before: the claimed effects are not known yet, and the previous write has a point after it.
    fn claim(&self, claim: Claim) -> BoxFuture<'_, Result<Vec<Claimed>, StoreError>> {
        self.call(async move {
            let claimed = self.store.claim(claim).await?;
            for effect in &claimed {
                let kind = labels::effect(&effect.effect.kind);
                self.points.after(&format!("claim of {kind}"));
                self.kinds.lock().unwrap().insert(effect.effect.key, kind);
            }
            Ok(claimed)
        })
    }

    fn due_effects(&self, lane: Lane, now: Timestamp, limit: usize) -> BoxFuture<'_, Result<Vec<Effect>, StoreError>> {
        self.call(async move {
            let due = self.store.due_effects(lane, now, limit).await?;
            for effect in &due {
                self.kinds.lock().unwrap().insert(effect.key, labels::effect(&effect.kind));
            }
            Ok(due)
        })
    }

    fn release(&self, key: EffectKey, claims: u32, not_before: Timestamp) -> BoxFuture<'_, Result<(), StoreError>> {
        self.call(async move {
            let name = format!("release of {}", self.kind_of(key));
            self.between(&name, self.store.release(key, claims, not_before)).await
        })
    }

    fn clamp_future_due_times(&self, latest: Timestamp) -> BoxFuture<'_, Result<usize, StoreError>> {
        self.call(self.between("clamping", self.store.clamp_future_due_times(latest)))
    }

    fn due_timers(&self, now: Timestamp, limit: usize) -> BoxFuture<'_, Result<Vec<DueTimer>, StoreError>> {
        self.call(self.store.due_timers(now, limit))
    }

    fn next_due(&self) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        self.call(self.store.next_due())
    }

    fn backlog(&self, now: Timestamp, late: Timestamp) -> BoxFuture<'_, Result<Backlog, StoreError>> {
        self.call(self.store.backlog(now, late))
    }

    fn holders(&self, key: &EntitlementKey) -> BoxFuture<'_, Result<Vec<RunId>, StoreError>> {
        self.call(self.store.holders(key))
    }

    fn runs(&self, filter: RunFilter, limit: usize) -> BoxFuture<'_, Result<Vec<StoredRun>, StoreError>> {
        self.call(self.store.runs(filter, limit))
    }

    fn prune(&self, before: Timestamp, limit: usize) -> BoxFuture<'_, Result<usize, StoreError>> {
        self.call(self.between("pruning", self.store.prune(before, limit)))
    }

    fn runs_missing_expiry(&self, limit: usize) -> BoxFuture<'_, Result<Vec<StoredRun>, StoreError>> {
        self.call(self.store.runs_missing_expiry(limit))
    }

    fn access_health(&self, late: Timestamp) -> BoxFuture<'_, Result<AccessHealth, StoreError>> {
        self.call(self.store.access_health(late))
    }

    fn audit(&self, run: Option<RunId>, limit: usize) -> BoxFuture<'_, Result<Vec<AuditEntry>, StoreError>> {
        self.call(self.store.audit(run, limit))
    }

    fn count_events<'a>(&'a self, count: &'a EventQuery) -> BoxFuture<'a, Result<u64, StoreError>> {
        self.call(self.store.count_events(count))
    }

    fn audit_after(&self, seq: u64, limit: usize) -> BoxFuture<'_, Result<Vec<AuditRecord>, StoreError>> {
        self.call(self.store.audit_after(seq, limit))
    }

    fn audit_before(&self, run: RunId, seq: u64) -> BoxFuture<'_, Result<Vec<AuditRecord>, StoreError>> {
        self.call(self.store.audit_before(run, seq))
    }

    fn audit_head(&self) -> BoxFuture<'_, Result<AuditHead, StoreError>> {
        self.call(self.store.audit_head())
    }

    fn audit_cursor(&self, destination: &str) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.call(self.store.audit_cursor(destination))
    }

    fn set_audit_cursor(&self, destination: &str, seq: u64) -> BoxFuture<'_, Result<(), StoreError>> {
        let moved = self.store.set_audit_cursor(destination, seq);
        self.call(self.between("audit cursor", moved))
    }
}
