//! The traits between the runtime and an engine.
//!
//! The runtime is built on these alone, so a second engine needs no change there: it implements [`Engine`], and
//! [`Drive`] if its work is done in this process, and a [`EngineFactory`] hands it to
//! [`Builder::engine`](crate::runtime::Builder::engine).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::health::{AccessHealth, Backlog};
use super::store::{AuditPage, AuditQuery, Change, InputKey, RunFilter, RunPage, RunQuery, StoredRun};
use super::workers::{WorkerLimits, Workers};
use crate::audit::{AuditEntry, AuditLog};
use crate::clock::Clock;
use crate::directory::EventSource;
use crate::error::{Error, Result};
use crate::future::BoxFuture;
use crate::machine::{Effect, Input, InputReply, Outcome, People, RunState, Transition};
use crate::model::{EventId, RunId};

/// The program that an engine runs: a pure transition function, and the execution of the effects that it asks for.
pub trait EffectHandler: Send + Sync + 'static {
    /// Steps a Run. Pure: no I/O, no clock, no randomness.
    ///
    /// # Errors
    /// If the Run's flow is not configured.
    fn step(&self, state: Option<&RunState>, input: &Input) -> Result<Transition>;

    /// Reads the users whom the event that waits for the effect depends on, before the effect is executed. They become
    /// [`Input::people`] of the input with its outcome. By default there are none.
    ///
    /// # Errors
    /// If they cannot be read. The effect is not executed then, and its outcome is [`Outcome::PeopleUnknown`].
    fn look_up_people<'a>(&'a self, effect: &'a Effect, state: &'a RunState) -> BoxFuture<'a, Result<People>> {
        let _ = (effect, state);
        Box::pin(std::future::ready(Ok(People::default())))
    }

    /// Executes an effect. Infallible: a failure is an [`Outcome`] too.
    ///
    /// The same effect may be executed more than once, after a crash or when its lease has expired. An effect that `state` no
    /// longer waits for was withdrawn: it must not touch the world, and its outcome is ignored.
    ///
    /// `holders` are the other Runs that need the access which the effect is about.
    fn execute(&self, effect: Effect, state: Arc<RunState>, holders: Vec<RunId>) -> BoxFuture<'_, Outcome>;
}

/// Delivers inputs to Runs: one at a time per Run, each at least once, in the order in which they were accepted.
pub trait Engine: EngineRecords {
    /// Delivers an input to its Run. Once this returns, the input and everything that follows from it is durable.
    ///
    /// Submitting the same key again returns the first reply and changes nothing.
    ///
    /// # Errors
    /// If the key has the fingerprint of another content than before, or what the engine works on fails.
    fn submit(&self, key: InputKey, input: Input) -> BoxFuture<'_, Result<InputReply>>;

    /// Returns the reply to the input with this key, if such an input was accepted.
    fn recorded_reply<'a>(&'a self, key: &'a InputKey) -> BoxFuture<'a, Result<Option<InputReply>>>;

    /// Returns a Run in its current state.
    fn run(&self, run: RunId) -> BoxFuture<'_, Result<Option<StoredRun>>>;

    /// Checks that what the engine works on takes writes, by writing something. The default only reads.
    ///
    /// # Errors
    /// If it does not.
    fn check_writable(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { self.head().await.map(drop) })
    }

    /// Waits until the engine has failed for good, and returns the reason: the program has to be restarted. The default waits forever.
    fn failure(&self) -> BoxFuture<'_, Error> {
        Box::pin(std::future::pending())
    }

    /// Returns the handle that drives the engine from this process; `None` if something else does, such as a server.
    fn drive(self: Arc<Self>) -> Option<Arc<dyn Drive>> {
        None
    }
}

/// The records that an engine keeps: Runs, the audit log and the cursors of its destinations.
pub trait EngineRecords: AuditLog + fmt::Debug + Send + Sync + 'static {
    /// Lists Runs, newest first.
    fn runs(&self, filter: RunFilter, limit: usize) -> BoxFuture<'_, Result<Vec<StoredRun>>>;

    /// Finds a page of Runs, newest first. The default reads all Runs.
    fn find_runs<'a>(&'a self, query: &'a RunQuery) -> BoxFuture<'a, Result<RunPage>> {
        Box::pin(async move { Ok(query.page_of_all(self.runs(query.filter().clone(), usize::MAX).await?)) })
    }

    /// Counts the Runs that a query finds, up to its limit. The default finds them.
    fn count_runs<'a>(&'a self, query: &'a RunQuery) -> BoxFuture<'a, Result<usize>> {
        Box::pin(async move { Ok(self.find_runs(query).await?.runs.len()) })
    }

    /// Returns the Run to which an event was admitted: see [`Store::run_of_event`](super::Store::run_of_event).
    fn run_of_event(&self, event: EventId) -> BoxFuture<'_, Result<Option<RunId>>>;

    /// Searches the audit log.
    fn find_audit<'a>(&'a self, query: &'a AuditQuery) -> BoxFuture<'a, Result<AuditPage>>;

    /// Lists the changes that the audit records after the one with number `seq` report, one for each record.
    fn changes_after(&self, seq: u64, limit: usize) -> BoxFuture<'_, Result<Vec<Change>>>;

    /// Lists audit entries in commit order, of one Run or of all.
    fn audit(&self, run: Option<RunId>, limit: usize) -> BoxFuture<'_, Result<Vec<AuditEntry>>>;

    /// Counts the Runs that may hold access. Those whose access was to end before `late` count as late.
    fn access_health(&self, late: Timestamp) -> BoxFuture<'_, Result<AccessHealth>>;

    /// Lists Runs that may hold access which nothing would end, newest first: see
    /// [`Store::runs_missing_expiry`](super::Store::runs_missing_expiry).
    fn runs_missing_expiry(&self, limit: usize) -> BoxFuture<'_, Result<Vec<StoredRun>>>;

    /// Deletes finished Runs that have not changed for `older_than`, and replies to inputs of that age that began no Run. Returns
    /// the number of both. Audit entries and event counts stay.
    ///
    /// # Errors
    /// If the store fails. What was deleted until then stays deleted.
    fn prune(&self, older_than: Duration) -> BoxFuture<'_, Result<usize>>;

    /// Returns the number of the last audit record that a destination has; 0 for one that has none.
    fn audit_cursor<'a>(&'a self, destination: &'a str) -> BoxFuture<'a, Result<u64>>;

    /// Sets the number of the last audit record that a destination has. Durable when this returns.
    fn set_audit_cursor<'a>(&'a self, destination: &'a str, seq: u64) -> BoxFuture<'a, Result<()>>;

    /// Waits for the next commit, counted from this call and not from when the future is first polled.
    ///
    /// Call this first, then look at the records, then await it: a commit in between is not missed. A commit that timed out and was
    /// written later wakes nobody, so look again from time to time.
    fn next_commit(&self) -> BoxFuture<'_, ()>;
}

/// An engine whose work is done in this process.
pub trait Drive: fmt::Debug + Send + Sync + 'static {
    /// Starts workers that execute due effects and fire due timers, on the current tokio runtime.
    fn start_workers(self: Arc<Self>, limits: WorkerLimits) -> Workers;

    /// Does one thing that is due, most urgent first: executes an effect or fires a timer. Returns whether there was one.
    ///
    /// Tests and simulations drive an engine with this, in a deterministic order.
    ///
    /// # Errors
    /// If the store fails, or a Run's flow is not configured.
    fn run_one(&self) -> BoxFuture<'_, Result<bool>>;

    /// Does everything that is due now, in a deterministic order. Returns the number of effects and timers.
    ///
    /// # Errors
    /// If the store fails, or a Run's flow is not configured.
    fn run_until_idle(&self) -> BoxFuture<'_, Result<usize>> {
        Box::pin(async move {
            let mut done = 0;
            while self.run_one().await? {
                done += 1;
            }
            Ok(done)
        })
    }

    /// Returns when the next effect or timer falls due. A leased effect counts from the end of its lease.
    fn next_due(&self) -> BoxFuture<'_, Result<Option<Timestamp>>>;

    /// Clamps due times that were written while the clock was ahead: retries would wait, and access would last, for as much
    /// longer. Returns the number of effects and Runs that were changed.
    ///
    /// Workers do this when the clock goes back, but cannot notice what happened before they were started.
    ///
    /// # Errors
    /// If the store fails, for one Run or for all. The other Runs have been handled.
    fn clamp_future_due_times(&self) -> BoxFuture<'_, Result<usize>>;

    /// Counts what is due and not in progress, and sets the gauges of [`observability`](super::observability).
    fn measure_backlog(&self) -> BoxFuture<'_, Result<Backlog>>;
}

/// Creates the engine of a runtime.
pub trait EngineFactory: Send + Sync + 'static {
    /// Returns the counts of events of all Runs.
    ///
    /// Handlers may ask for them, and the engine calls handlers, so they have to be available before the engine is.
    fn event_source(&self) -> Arc<dyn EventSource>;

    /// Creates the engine.
    ///
    /// # Errors
    /// If what the engine works on cannot be reached.
    fn create(self: Box<Self>, context: EngineContext) -> BoxFuture<'static, Result<Arc<dyn Engine>>>;
}

/// The values that a runtime gives its engine.
#[derive(Clone)]
#[non_exhaustive]
pub struct EngineContext {
    /// The program to run.
    pub handler: Arc<dyn EffectHandler>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// An upper bound on how long one effect takes, from its first look-up to its stored outcome.
    pub max_effect_duration: Duration,
    /// The time limit of one call to the store, except for listings.
    pub store_timeout: Duration,
}

impl EngineContext {
    pub(crate) fn new(
        handler: Arc<dyn EffectHandler>,
        clock: Arc<dyn Clock>,
        max_effect_duration: Duration,
        store_timeout: Duration,
    ) -> Self {
        Self { handler, clock, max_effect_duration, store_timeout }
    }
}

impl fmt::Debug for EngineContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineContext")
            .field("clock", &self.clock)
            .field("max_effect_duration", &self.max_effect_duration)
            .field("store_timeout", &self.store_timeout)
            .finish_non_exhaustive()
    }
}
