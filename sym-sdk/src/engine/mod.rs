//! What makes Runs durable: a [`Store`] keeps them, an [`Engine`] carries their inputs to the machine and their effects to the
//! world.
//!
//! The engine knows nothing of handlers, strategies or front ends: it drives a [`Process`].

mod backoff;
mod health;
mod local;
mod memory;
mod news;
pub mod observability;
mod process;
mod recent;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
mod under_way;
mod workers;

pub use health::AccessHealth;
pub use local::LocalEngine;
pub use memory::MemoryStore;
pub use process::Process;
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub use sqlite::{BackupProgress, SqliteStore};
pub use store::{
    Backlog, Claim, Claimed, Commit, Committed, DueTimer, InputKey, RunFilter, Store, StoreError, StoredRun, TimerKey,
};
#[cfg(feature = "server")]
pub(crate) use workers::Pulse;
pub(crate) use workers::StopSignal;
pub use workers::{WorkerLimits, Workers};

use crate::error::Result;
use crate::future::BoxFuture;
use crate::machine::{Input, Reply};
use crate::model::RunId;

/// Delivers inputs to Runs: one at a time per Run, each at least once, in the order in which they were accepted.
pub trait Engine: Send + Sync + 'static {
    /// Carries an input to its Run. Once this returns, the input and all that follows from it is durable.
    ///
    /// The same key again returns the first answer and changes nothing.
    fn submit(&self, key: InputKey, input: Input) -> BoxFuture<'_, Result<Reply>>;

    /// The answer that an input with this key got, if one was taken.
    fn replied<'a>(&'a self, key: &'a InputKey) -> BoxFuture<'a, Result<Option<Reply>>>;

    /// The Run as it stands.
    fn run(&self, run: RunId) -> BoxFuture<'_, Result<Option<StoredRun>>>;
}
