//! Durable execution of Runs.
//!
//! A Run lives for hours or days, and in the end access must be taken away, whatever crashed in between. So nothing about a Run is
//! kept in a task or on a stack. A Run is a row of data, [`RunState`](crate::machine::RunState), and it changes in one way only: an
//! *input* arrives (a submission, the outcome of an effect, a timer), the pure [`machine`](crate::machine) computes the next state
//! and the *effects* to execute, and all of it is written in one [`Commit`]: state, reply, effects, timers, audit entries.
//! Executing an effect gives an outcome, which is the next input. A process that dies at any point leaves a committed
//! state behind, and the next one continues from there: recovery is not a special case, it is the only way in which
//! work is ever picked up.
//!
//! # The parts
//!
//! - A [`Store`] holds Runs and commits atomically. [`MemoryStore`] is for tests, [`SqliteStore`] for programs; `testing::check_store`
//!   holds any other to the same contract.
//! - An [`Engine`] accepts inputs and lets them be looked up; [`EngineRecords`] is its read side. The runtime is built on these
//!   traits alone. [`Drive`] is for engines whose work is done in this process.
//! - [`local`](fn@local) gives the engine that runs here, on a store. Its [`Workers`] claim due effects, lane by lane, and fire due
//!   timers.
//! - An [`EffectHandler`] is the program that an engine runs. The runtime implements it; the engine knows nothing of handlers,
//!   strategies or front ends.
//!
//! # Guarantees
//!
//! - **An acknowledged input is durable**, together with everything that follows from it: `submit` returns after the commit.
//! - **One input at a time per Run.** Each commit names the version that its step started from, and a store refuses any other. The
//!   loser steps again from the new state. No locks are held while the machine or an effect runs.
//! - **An input counts once.** Its [`InputKey`] and its reply are part of the commit. The same key again gives the same reply.
//! - **Effects are executed at least once, and their outcomes are recorded once.** An effect stays in the store until a commit
//!   settles it. A retry has the same [`EffectKey`](crate::machine::EffectKey), which a target can use as an idempotency key. Exactly
//!   once is not on offer: no engine can give it to a target that does not know repeated calls.
//! - **Revocations are never lost and never starve.** They have a lane, worker threads and, in SQLite, a write queue of their own.
//!   Every other effect may fail for good; a revocation is retried until it succeeds or an operator writes it off.
//! - **Time may jump.** Due times are absolute, and those written while the clock was ahead are clamped when it goes back.
//!
//! # Trade-offs
//!
//! Leases are an optimization, not a guarantee. They keep two workers from executing the same effect, as long as clocks and
//! calls behave; correctness rests on the version check and on keys. That is why a lease may simply expire after a crash, without
//! heartbeats or fencing, and why effects are at-least-once.
//!
//! Waking is advisory as well. A commit wakes the workers that it concerns, and they look into the store; a missed wake-up costs a
//! poll interval and nothing else. The store is the only queue: an effect that its commit has leased to the workers of this process
//! reaches them without a claim, and is in the store all the same. If the process ends, its leases end with it, or expire.
//!
//! The state is stored whole with each commit rather than as a log of events. Runs are small and histories short, reading one
//! is a single look-up, and the audit log, which *is* a log of events, need not be replayable.
//!
//! A commit waits for the disk. [`SqliteStore`] groups concurrent commits so that they share one `fsync`, which makes
//! throughput grow with load at the price of a few milliseconds for each.
//!
//! # Left to others
//!
//! Which effects follow from an input, how often each is attempted, and when access ends is decided by the machine. Time
//! limits of handlers and services are the runtime's: an [`EffectHandler`] always returns, and never fails. The engine does not
//! interpret audit entries; it appends them to the hash chain, and [`audit`](crate::audit) verifies and delivers them.

mod commit_leases;
mod health;
mod in_flight;
mod leases;
mod local;
mod memory;
mod notifier;
pub mod observability;
mod poison;
mod run_cache;
#[cfg(feature = "sqlite")]
mod sqlite;
mod steady_clock;
mod store;
mod store_condition;
mod traits;
mod unwritten;
mod workers;

pub use health::{AccessHealth, Backlog};
pub use local::{LocalEngine, local};
pub use memory::MemoryStore;
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub use sqlite::{BackupProgress, SqliteOptions, SqliteStore};
pub use store::{
    AuditOrder, AuditPage, AuditQuery, Change, Claim, Claimed, Commit, Committed, DueTimer, InputFingerprint, InputKey,
    Relation, RunCursor, RunFilter, RunOrder, RunPage, RunQuery, Store, StoreError, StoredRun, TimerKey, Viewer,
};
pub use traits::{Drive, EffectHandler, Engine, EngineContext, EngineFactory, EngineRecords};
#[cfg(feature = "server")]
pub(crate) use workers::Liveness;
pub use workers::{StopSignal, WorkerLimits, Workers};
