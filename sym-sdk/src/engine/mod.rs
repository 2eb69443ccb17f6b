//! What makes Runs durable: a [`Store`] keeps them, an [`Engine`] carries their inputs to the machine and their effects to the
//! world.
//!
//! The engine knows nothing of handlers, strategies or front ends: it drives a [`EffectHandler`].

mod health;
mod in_flight;
mod leases;
mod local;
mod memory;
mod notifier;
pub mod observability;
mod run_cache;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
mod traits;
mod workers;

pub use health::{AccessHealth, Backlog};
pub use local::{LocalEngine, local};
pub use memory::MemoryStore;
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub use sqlite::{BackupProgress, SqliteStore};
pub use store::{
    Claim, Claimed, Commit, Committed, DueTimer, InputKey, RunFilter, Store, StoreError, StoredRun, TimerKey,
};
pub use traits::{Drive, EffectHandler, Engine, EngineContext, EngineFactory, EngineRecords};
#[cfg(feature = "server")]
pub(crate) use workers::Liveness;
pub use workers::{StopSignal, WorkerLimits, Workers};
