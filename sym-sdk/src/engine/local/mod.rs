//! The engine that runs within one process, on a [`Store`].

mod clock;
mod effects;
mod inputs;
mod kept_inputs;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{Either, select};
use jiff::Timestamp;

use super::commit_leases::{CommitLeases, LaneLimits};
use super::health::{AccessHealth, Backlog};
use super::in_flight::InFlight;
use super::leases::{DEFAULT_LEASE, lease_for};
use super::notifier::WorkerNotifier;
use super::observability;
use super::run_cache::RunCache;
use super::steady_clock::{Reading, SteadyClock};
use super::store::{
    AuditPage, AuditQuery, Change, InputKey, RunFilter, RunPage, RunQuery, Store, StoreError, StoredRun,
};
use super::store_condition::StoreCondition;
use super::traits::{Drive, EffectHandler, Engine, EngineContext, EngineFactory, EngineRecords};
use super::unwritten::Unwritten;
use super::workers::{self, WorkerLimits, Workers};
use crate::audit::{AuditEntry, AuditHead, AuditLog, AuditRecord};
use crate::clock::Clock;
use crate::directory::{EventQuery, EventSource};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::future::BoxFuture;
use crate::machine::{Input, InputReply, Lane};
use crate::model::{EventId, RunId};
use crate::time::TimestampExt;
use clock::StoreTime;
pub(super) use effects::{DueEffect, EffectOrigin};
use kept_inputs::WriteSchedule;

/// The time limit of one call to the store, unless one is set.
const DEFAULT_STORE_TIMEOUT: Duration = Duration::from_secs(30);

/// The number of Runs that one write prunes. Other writes wait for it, so it is small.
const PRUNE_BATCH: usize = 64;

/// Runs the machine on a [`Store`], within the process.
///
/// A runtime is given one with [`local`].
pub struct LocalEngine {
    store: Arc<dyn Store>,
    handler: Arc<dyn EffectHandler>,
    clock: Arc<dyn Clock>,
    lease: Duration,
    store_timeout: Duration,
    steady_clock: SteadyClock,
    created_at: Timestamp,
    must_clamp_again: AtomicBool,
    store_time: StoreTime,
    pub(super) in_flight: Arc<InFlight>,
    pub(super) commit_leases: CommitLeases,
    run_cache: RunCache,
    condition: StoreCondition,
    unwritten: Unwritten,
    write_schedule: WriteSchedule,
    pub(super) notifier: WorkerNotifier,
}

impl LocalEngine {
    /// Creates an engine that runs this program on this store.
    pub fn new(store: Arc<dyn Store>, handler: Arc<dyn EffectHandler>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            handler,
            steady_clock: SteadyClock::new(&*clock),
            created_at: clock.now(),
            must_clamp_again: AtomicBool::new(false),
            store_time: StoreTime::new(&*clock),
            clock,
            lease: DEFAULT_LEASE,
            store_timeout: DEFAULT_STORE_TIMEOUT,
            in_flight: Arc::default(),
            commit_leases: CommitLeases::default(),
            run_cache: RunCache::default(),
            condition: StoreCondition::default(),
            unwritten: Unwritten::default(),
            write_schedule: WriteSchedule::default(),
            notifier: WorkerNotifier::default(),
        }
    }

    /// Sets how long a claimed effect is leased. It must be longer than any effect takes: an effect whose lease has expired is
    /// executed again.
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Sets the time limit of one call to the store. Listings are exempt: they take as long as there is to list. A commit that
    /// overruns the limit may have been written all the same: the same input again then gets its reply.
    #[must_use]
    pub fn with_store_timeout(mut self, timeout: Duration) -> Self {
        self.store_timeout = timeout;
        self
    }

    /// Returns the clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Returns the time of creation, by the clock as it was then.
    pub(super) fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// Returns when the next thing falls due, in the store or in memory.
    pub(super) async fn earliest_due(&self) -> Result<Option<Timestamp>> {
        let now = Reading::of(&*self.clock);
        let in_memory = self.unwritten.next_due(now, |key| self.in_flight.contains(key));
        let held = self.in_flight.next_held().map(|elapsed| now.time_at(elapsed));
        let in_memory = [in_memory, held, self.write_schedule.next()].into_iter().flatten().min();
        match self.await_store(self.store.next_due()).await {
            Ok(stored) => Ok(stored.into_iter().chain(in_memory).min()),
            Err(error) => in_memory.map_or(Err(error), |at| Ok(Some(at))),
        }
    }

    /// Awaits a call to the store, up to its time limit: a disk that never answers must not hang its caller.
    async fn await_store<T>(&self, mut call: BoxFuture<'_, Result<T, StoreError>>) -> Result<T> {
        // A store in memory responds at once, and needs no timer.
        if let Some(result) = (&mut call).now_or_never() {
            return Ok(result?);
        }
        match select(call, self.clock.sleep(self.store_timeout)).await {
            Either::Left((result, _)) => Ok(result?),
            Either::Right(((), _)) => {
                let message = format!("the store did not respond within {:?}", self.store_timeout);
                Err(Error::new(ErrorKind::Timeout, codes::STORE, message))
            }
        }
    }

    /// Checks that a recorded input had the same content, if both keys have a fingerprint.
    async fn check_fingerprint(&self, key: &InputKey) -> Result<()> {
        let Some(own) = key.fingerprint() else { return Ok(()) };
        let recorded = self.await_store(self.store.recorded_fingerprint(key)).await?;
        if recorded.is_none_or(|recorded| recorded == own) {
            return Ok(());
        }
        let message = "this idempotency key was used for another request";
        let error = Error::new(ErrorKind::Conflict, codes::IDEMPOTENCY_KEY_REUSED, message);
        Err(error.with_hint("repeat a request as it was, or use a new key for a new one"))
    }

    /// Reads a Run, and caches it for the next step.
    async fn load(&self, run: RunId) -> Result<Option<StoredRun>> {
        let stored = self.await_store(self.store.load(run)).await?;
        match &stored {
            Some(stored) => self.run_cache.insert(run, stored.clone()),
            None => self.run_cache.remove(run),
        }
        Ok(stored)
    }
}

impl Engine for LocalEngine {
    fn submit(&self, key: InputKey, input: Input) -> BoxFuture<'_, Result<InputReply>> {
        Box::pin(async move {
            // Most repeated inputs are recognized here, before the machine is asked.
            if let Some(reply) = Engine::recorded_reply(self, &key).await? {
                return Ok(reply);
            }
            self.write_kept_of(input.run).await?;
            let reply = self.deliver(key.clone(), input, None, None).await?;
            // Another input may have come first meanwhile.
            self.check_fingerprint(&key).await?;
            Ok(reply)
        })
    }

    fn recorded_reply<'a>(&'a self, key: &'a InputKey) -> BoxFuture<'a, Result<Option<InputReply>>> {
        Box::pin(async move {
            let reply = self.await_store(self.store.recorded_reply(key)).await?;
            if reply.is_some() {
                self.check_fingerprint(key).await?;
            }
            Ok(reply)
        })
    }

    /// Reads the Run from the store, and caches it: an action on it often follows.
    fn run(&self, run: RunId) -> BoxFuture<'_, Result<Option<StoredRun>>> {
        Box::pin(self.load(run))
    }

    fn check_writable(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.await_store(self.store.check_writable()))
    }

    fn failure(&self) -> BoxFuture<'_, Error> {
        Box::pin(async move { self.store.failure().await.into() })
    }

    fn drive(self: Arc<Self>) -> Option<Arc<dyn Drive>> {
        Some(self)
    }
}

impl EngineRecords for LocalEngine {
    fn runs(&self, filter: RunFilter, limit: usize) -> BoxFuture<'_, Result<Vec<StoredRun>>> {
        Box::pin(async move { Ok(self.store.runs(filter, limit).await?) })
    }

    fn find_runs<'a>(&'a self, query: &'a RunQuery) -> BoxFuture<'a, Result<RunPage>> {
        Box::pin(async move { Ok(self.store.find_runs(query).await?) })
    }

    fn count_runs<'a>(&'a self, query: &'a RunQuery) -> BoxFuture<'a, Result<usize>> {
        Box::pin(async move { Ok(self.store.count_runs(query).await?) })
    }

    fn run_of_event(&self, event: EventId) -> BoxFuture<'_, Result<Option<RunId>>> {
        Box::pin(self.await_store(self.store.run_of_event(event)))
    }

    fn find_audit<'a>(&'a self, query: &'a AuditQuery) -> BoxFuture<'a, Result<AuditPage>> {
        Box::pin(async move { Ok(self.store.find_audit(query).await?) })
    }

    fn changes_after(&self, seq: u64, limit: usize) -> BoxFuture<'_, Result<Vec<Change>>> {
        Box::pin(self.await_store(self.store.changes_after(seq, limit)))
    }

    fn audit(&self, run: Option<RunId>, limit: usize) -> BoxFuture<'_, Result<Vec<AuditEntry>>> {
        let entries = self.store.audit(run, limit);
        // Front ends ask for those of one Run, and there are never many.
        Box::pin(async move { if run.is_some() { self.await_store(entries).await } else { Ok(entries.await?) } })
    }

    fn access_health(&self, late: Timestamp) -> BoxFuture<'_, Result<AccessHealth>> {
        Box::pin(async move { Ok(self.store.access_health(late).await?) })
    }

    fn runs_missing_expiry(&self, limit: usize) -> BoxFuture<'_, Result<Vec<StoredRun>>> {
        Box::pin(async move { Ok(self.store.runs_missing_expiry(limit).await?) })
    }

    fn prune(&self, older_than: Duration) -> BoxFuture<'_, Result<usize>> {
        Box::pin(async move {
            let before = self.clock.now().minus(older_than);
            let mut pruned = 0;
            loop {
                match self.await_store(self.store.prune(before, PRUNE_BATCH)).await? {
                    0 => return Ok(pruned),
                    count => pruned += count,
                }
            }
        })
    }

    fn audit_cursor<'a>(&'a self, destination: &'a str) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move { Ok(self.store.audit_cursor(destination).await?) })
    }

    fn set_audit_cursor<'a>(&'a self, destination: &'a str, seq: u64) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { Ok(self.store.set_audit_cursor(destination, seq).await?) })
    }

    fn next_commit(&self) -> BoxFuture<'_, ()> {
        // Registered here, not when it is first polled.
        Box::pin(self.notifier.commits())
    }
}

impl AuditLog for LocalEngine {
    fn records_after(&self, seq: u64, limit: usize) -> BoxFuture<'_, Result<Vec<AuditRecord>>> {
        AuditLog::records_after(&*self.store, seq, limit)
    }

    fn run_records_before(&self, run: RunId, seq: u64) -> BoxFuture<'_, Result<Vec<AuditRecord>>> {
        AuditLog::run_records_before(&*self.store, run, seq)
    }

    fn head(&self) -> BoxFuture<'_, Result<AuditHead>> {
        AuditLog::head(&*self.store)
    }
}

impl Drive for LocalEngine {
    fn start_workers(self: Arc<Self>, limits: WorkerLimits) -> Workers {
        workers::start(&self, limits)
    }

    fn run_one(&self) -> BoxFuture<'_, Result<bool>> {
        Box::pin(self.execute_or_fire_one())
    }

    fn run_until_idle(&self) -> BoxFuture<'_, Result<usize>> {
        // One future for all, rather than a boxed one for each.
        Box::pin(async move {
            let limits = LaneLimits { in_flight: usize::MAX, per_bulkhead: usize::MAX, in_order: true };
            let _open = Lane::ALL.map(|lane| self.commit_leases.open(lane, limits));
            let mut done = 0;
            loop {
                while self.execute_or_fire_one().await? {
                    done += 1;
                }
                // Time may have passed meanwhile.
                Lane::ALL.into_iter().for_each(|lane| self.commit_leases.look_again(lane));
                if !self.execute_or_fire_one().await? {
                    return Ok(done);
                }
                done += 1;
            }
        })
    }

    fn next_due(&self) -> BoxFuture<'_, Result<Option<Timestamp>>> {
        Box::pin(self.earliest_due())
    }

    fn clamp_future_due_times(&self) -> BoxFuture<'_, Result<usize>> {
        Box::pin(self.clamp_due_times())
    }

    fn measure_backlog(&self) -> BoxFuture<'_, Result<Backlog>> {
        Box::pin(async move {
            let now = self.clock.now();
            // Known even while the store cannot be read.
            observability::unwritten(self.unwritten.len());
            observability::store_writable(self.condition.is_writable());
            let backlog = self.await_store(self.store.backlog(now, now.minus(observability::LATE_AFTER))).await?;
            observability::backlog(&backlog, now);
            Ok(backlog)
        })
    }
}

impl fmt::Debug for LocalEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalEngine").field("clock", &self.clock).finish_non_exhaustive()
    }
}

/// Returns a factory for the engine that runs within the process, on this store.
pub fn local(store: Arc<dyn Store>) -> impl EngineFactory {
    LocalFactory(store)
}

struct LocalFactory(Arc<dyn Store>);

impl EngineFactory for LocalFactory {
    fn event_source(&self) -> Arc<dyn EventSource> {
        Arc::new(StoreEvents(self.0.clone()))
    }

    fn create(self: Box<Self>, context: EngineContext) -> BoxFuture<'static, Result<Arc<dyn Engine>>> {
        Box::pin(async move {
            let EngineContext { handler, clock, max_effect_duration, store_timeout } = context;
            let engine = LocalEngine::new(self.0, handler, clock)
                .with_lease(lease_for(max_effect_duration))
                .with_store_timeout(store_timeout);
            Ok(Arc::new(engine) as Arc<dyn Engine>)
        })
    }
}

/// The events of the Runs in a store.
struct StoreEvents(Arc<dyn Store>);

impl EventSource for StoreEvents {
    fn count_events<'a>(&'a self, count: &'a EventQuery) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move { Ok(self.0.count_events(count).await?) })
    }
}
