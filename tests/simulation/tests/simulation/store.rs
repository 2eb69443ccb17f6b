//! A store whose calls interleave and can fail.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use sym_sdk::BoxFuture;
use sym_sdk::audit::{AuditEntry, AuditHead, AuditRecord};
use sym_sdk::directory::EventQuery;
use sym_sdk::engine::{
    AccessHealth, Backlog, Claim, Claimed, Commit, Committed, DueTimer, InputKey, RunFilter, Store, StoreError,
    StoredRun,
};
use sym_sdk::machine::{Effect, EffectKey, EntitlementKey, InputReply, Lane};
use sym_sdk::model::RunId;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::disk::at_once;
use crate::fault::{Fault, Place};
use crate::world::World;

/// The store as one process sees it. A call waits for the scheduler before it takes effect, and takes effect even if its caller is
/// gone; a commit waits again before it returns. A process that crashes in between has written a commit without knowing it.
pub(crate) struct UnreliableStore {
    world: World,
    store: Arc<dyn Store>,
    /// The calls in flight. They end with the process.
    calls: Mutex<JoinSet<()>>,
}

/// The calls that write.
const WRITES: [&str; 7] = [
    "store.commit",
    "store.claim",
    "store.release",
    "store.set_audit_cursor",
    "store.clamp_future_due_times",
    "store.prune",
    "store.check_writable",
];

type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

impl UnreliableStore {
    pub(crate) fn new(world: World, store: Arc<dyn Store>) -> Self {
        Self { world, store, calls: Mutex::default() }
    }

    /// Makes a call once it is released.
    fn through<T, C>(
        &self,
        point: &'static str,
        call: impl FnOnce(Arc<dyn Store>) -> C + Send + 'static,
    ) -> Answer<'_, T>
    where
        T: Send + 'static,
        C: Future<Output = Result<T, StoreError>> + Send,
    {
        let (world, store) = (self.world.clone(), self.store.clone());
        let (answer, answered) = oneshot::channel();
        let (is_write, is_noted) = (WRITES.contains(&point), point == "store.claim");
        let call = async move {
            let waiting = Waiting { world: world.clone(), since: world.clock.steady_now() };
            world.schedule.pass(point).await;
            drop(waiting);
            // A caller that has given up has noted that then, and learns nothing more.
            let is_noted = is_noted && !answer.is_closed();
            if let Some(error) = world.outage.refuse(is_write, is_noted, world.clock.steady_now()) {
                world.count("call refused in an outage");
                world.log(format_args!("{point}: {error}"));
                let _ = answer.send(Err(error));
                return;
            }
            let fault = world.fault(Place::Store);
            if fault.is_some() {
                world.log(format_args!("{point}: {fault:?}"));
            }
            let result = match fault {
                Some(Fault::Fails) => Err(unavailable()),
                Some(_) => at_once(call(store)).and(Err(unavailable())),
                None => at_once(call(store)),
            };
            let _ = answer.send(result);
        };
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        while calls.try_join_next().is_some() {}
        calls.spawn(call);
        Box::pin(async move { answered.await.unwrap_or_else(|_| Err(unavailable())) })
    }
}

/// A call that waits for the store. How long it did counts also if its process crashes meanwhile.
struct Waiting {
    world: World,
    since: Timestamp,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.world.store_took(self.world.clock.steady_now().duration_since(self.since).unsigned_abs());
    }
}

/// Forwards a call to the store.
macro_rules! through {
    ($self:ident.$method:ident($($argument:expr),*)) => {
        $self.through(concat!("store.", stringify!($method)), move |store| async move { store.$method($($argument),*).await })
    };
}

fn unavailable() -> StoreError {
    StoreError::Unavailable("the disk is asleep".into())
}

impl Store for UnreliableStore {
    fn load(&self, run: RunId) -> Answer<'_, Option<StoredRun>> {
        through!(self.load(run))
    }

    fn check_writable(&self) -> Answer<'_, ()> {
        through!(self.check_writable())
    }

    fn recorded_reply(&self, key: &InputKey) -> Answer<'_, Option<InputReply>> {
        let key = key.clone();
        through!(self.recorded_reply(&key))
    }

    fn commit(&self, commit: Commit) -> Answer<'_, Committed> {
        // The ids of events that never became part of a Run are random, and the trace is the same for the same seed.
        let input = if commit.input.as_str().starts_with("event:") { "event" } else { commit.input.as_str() };
        let (world, input, settles) = (self.world.clone(), input.to_owned(), commit.settles);
        let effects = commit.effects.clone();
        let reported = effects.clone();
        let call = self.through("store.commit", move |store| async move {
            let committed = store.commit(commit).await?;
            world.changed();
            if let Committed::Written { .. } = &committed {
                settles.into_iter().for_each(|key| world.settled(key));
                world.asked_for(&effects);
            }
            let what = match &committed {
                Committed::Written { .. } => "written",
                Committed::Duplicate(_) => "duplicate",
                Committed::Conflict => "conflict",
                _ => "other",
            };
            world.count(format!("commit {what}"));
            world.log(format_args!("commit {input}: {what}"));
            Ok(committed)
        });
        Box::pin(async move {
            let committed = call.await;
            self.world.schedule.pass("committed").await;
            if matches!(committed, Ok(Committed::Written { .. })) {
                // It may have been written before an outage began.
                self.world.outage.write_reported();
                self.world.reported(&reported);
            }
            committed
        })
    }

    fn claim(&self, claim: Claim) -> Answer<'_, Vec<Claimed>> {
        through!(self.claim(claim))
    }

    fn due_effects(&self, lane: Lane, now: Timestamp, limit: usize) -> Answer<'_, Vec<Effect>> {
        through!(self.due_effects(lane, now, limit))
    }

    fn release(&self, key: EffectKey, claims: u32, not_before: Timestamp) -> Answer<'_, ()> {
        through!(self.release(key, claims, not_before))
    }

    fn due_timers(&self, now: Timestamp, limit: usize) -> Answer<'_, Vec<DueTimer>> {
        through!(self.due_timers(now, limit))
    }

    fn next_due(&self) -> Answer<'_, Option<Timestamp>> {
        through!(self.next_due())
    }

    fn holders(&self, key: &EntitlementKey) -> Answer<'_, Vec<RunId>> {
        let key = key.clone();
        through!(self.holders(&key))
    }

    fn runs(&self, filter: RunFilter, limit: usize) -> Answer<'_, Vec<StoredRun>> {
        through!(self.runs(filter, limit))
    }

    fn audit(&self, run: Option<RunId>, limit: usize) -> Answer<'_, Vec<AuditEntry>> {
        through!(self.audit(run, limit))
    }

    fn count_events<'a>(&'a self, count: &'a EventQuery) -> Answer<'a, u64> {
        let count = count.clone();
        through!(self.count_events(&count))
    }

    fn audit_after(&self, seq: u64, limit: usize) -> Answer<'_, Vec<AuditRecord>> {
        through!(self.audit_after(seq, limit))
    }

    fn audit_before(&self, run: RunId, seq: u64) -> Answer<'_, Vec<AuditRecord>> {
        through!(self.audit_before(run, seq))
    }

    fn audit_head(&self) -> Answer<'_, AuditHead> {
        through!(self.audit_head())
    }

    fn audit_cursor(&self, destination: &str) -> Answer<'_, u64> {
        let destination = destination.to_owned();
        through!(self.audit_cursor(&destination))
    }

    fn set_audit_cursor(&self, destination: &str, seq: u64) -> Answer<'_, ()> {
        let destination = destination.to_owned();
        through!(self.set_audit_cursor(&destination, seq))
    }

    fn clamp_future_due_times(&self, latest: Timestamp) -> Answer<'_, usize> {
        through!(self.clamp_future_due_times(latest))
    }

    fn runs_missing_expiry(&self, limit: usize) -> Answer<'_, Vec<StoredRun>> {
        through!(self.runs_missing_expiry(limit))
    }

    fn access_health(&self, late: Timestamp) -> Answer<'_, AccessHealth> {
        through!(self.access_health(late))
    }

    fn backlog(&self, now: Timestamp, late: Timestamp) -> Answer<'_, Backlog> {
        through!(self.backlog(now, late))
    }

    fn prune(&self, before: Timestamp, limit: usize) -> Answer<'_, usize> {
        through!(self.prune(before, limit))
    }
}
