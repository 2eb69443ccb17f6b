//! Background tasks of an engine: workers that execute effects and fire timers as they fall due.
//!
//! Each lane has workers of its own, and so have timers, so that none can starve another. They look into the store whenever a
//! commit wakes them, when the next thing falls due, and from time to time in any case.

mod backlog_metrics;
mod dedicated_runtime;
mod lane;
mod supervisor;
mod timers;
mod unwritten;

use std::sync::Arc;
use std::time::Duration;

pub use lane::WorkerLimits;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use super::local::LocalEngine;
use crate::machine::Lane;
use crate::time::TimestampExt;

/// The delay before workers look again while due work is leased by another process.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// The delay before workers look again after the store has failed.
const FAILURE_RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// Workers look for due work at least this often. Nobody wakes them for a commit that timed out and was written later, nor when
/// the clock goes back.
const POLL_INTERVAL: Duration = Duration::from_secs(60);

/// The time that cancelled effects have to release their leases at shutdown.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(5);

/// The phase of a set of workers. It only advances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Work,
    /// Start nothing new, and finish what is in flight.
    Finish,
    /// Cancel what is in flight and release it.
    Release,
}

/// The running background tasks of a runtime. Dropping it cancels them.
///
/// The workers of a [local engine](super::local) are one set per lane, so that no lane holds up another, and one for timers. On a
/// multi-threaded tokio runtime, revocations, the hooks before them and timers run on threads of their own: a handler that blocks
/// its thread delays neither the end of an access nor the call that takes it away. A worker that panics is started again.
#[derive(Debug)]
pub struct Workers {
    phase: watch::Sender<Phase>,
    tasks: JoinSet<()>,
    liveness: Liveness,
}

/// A handle that tells whether the workers of all lanes and of the timers are running.
#[derive(Clone, Debug)]
pub(crate) struct Liveness(Arc<[AbortHandle]>);

impl Liveness {
    pub(crate) fn is_alive(&self) -> bool {
        !self.0.iter().any(AbortHandle::is_finished)
    }
}

/// Starts the workers of an engine on the current tokio runtime.
pub(super) fn start(engine: &Arc<LocalEngine>, limits: WorkerLimits) -> Workers {
    let Workers { phase, mut tasks, .. } = Workers::new();
    let lane = |lane| lane::run(engine.clone(), lane, limits.max_in_flight(lane), phase.subscribe());
    let revoke = lane(Lane::Revoke);
    let timers = timers::run(engine.clone(), phase.subscribe());
    let unwritten = unwritten::run(engine.clone(), phase.subscribe());
    let essential = [
        tasks.spawn(dedicated_runtime::run_on_dedicated("sym-revoke", async move {
            tokio::join!(revoke, timers, unwritten);
        })),
        tasks.spawn(dedicated_runtime::run_on_dedicated("sym-deescalate", lane(Lane::Deescalate))),
        tasks.spawn(lane(Lane::Decide)),
        tasks.spawn(lane(Lane::Notify)),
    ];
    tasks.spawn(backlog_metrics::run(engine.clone(), phase.subscribe()));
    Workers { phase, tasks, liveness: Liveness(Arc::new(essential)) }
}

impl Workers {
    /// Creates an empty set of workers, for an engine whose effects are executed elsewhere.
    pub fn new() -> Self {
        let (phase, _) = watch::channel(Phase::Work);
        Self { phase, tasks: JoinSet::new(), liveness: Liveness(Arc::new([])) }
    }

    /// Whether the workers of all lanes and of the timers are running. They are until a shutdown, unless their threads are gone.
    pub fn are_running(&self) -> bool {
        self.liveness.is_alive()
    }

    #[cfg(feature = "server")]
    pub(crate) fn liveness(&self) -> Liveness {
        self.liveness.clone()
    }

    /// Adds a task on the current tokio runtime. The signal tells it when to stop; if it does not, it is cancelled.
    pub fn spawn<F>(&mut self, task: impl FnOnce(StopSignal) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut phase = self.phase.subscribe();
        let task = task(StopSignal(self.phase.subscribe()));
        self.tasks.spawn(async move {
            tokio::select! {
                () = task => {}
                _ = phase.wait_for(|phase| *phase == Phase::Release) => {}
            }
        });
    }

    /// Starts nothing new and waits up to `grace` for what is in flight, and until all outcomes are stored. What has not finished by
    /// then is cancelled and released: it is due immediately for workers that are started next, in this process or another.
    pub async fn shutdown(mut self, grace: Duration) {
        self.phase.send_replace(Phase::Finish);
        if self.finish_within(grace).await {
            return;
        }
        tracing::warn!(?grace, "cancelling and releasing effects that are still in flight at shutdown");
        self.phase.send_replace(Phase::Release);
        if !self.finish_within(RELEASE_TIMEOUT).await {
            tracing::error!(
                "effects that cannot be cancelled block their threads; they are due again when their leases expire"
            );
            self.tasks.abort_all();
        }
    }

    async fn finish_within(&mut self, timeout: Duration) -> bool {
        let finished = async { while self.tasks.join_next().await.is_some() {} };
        tokio::time::timeout(timeout, finished).await.is_ok()
    }
}

impl Default for Workers {
    fn default() -> Self {
        Self::new()
    }
}

/// A signal that tells a task of [`Workers`] to stop.
#[derive(Debug)]
pub struct StopSignal(watch::Receiver<Phase>);

impl StopSignal {
    /// Whether the task should stop.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow() > Phase::Work
    }

    /// Waits until the task should stop.
    pub async fn requested(&mut self) {
        stop_requested(&mut self.0).await;
    }
}

/// Waits until workers should stop. Dropping [`Workers`] requests that too.
async fn stop_requested(phase: &mut watch::Receiver<Phase>) {
    let _ = phase.wait_for(|phase| *phase > Phase::Work).await;
}

/// Whether workers should take more work.
fn may_work(phase: &watch::Receiver<Phase>) -> bool {
    *phase.borrow() == Phase::Work && phase.has_changed().is_ok()
}

/// Waits until something falls due, or the poll interval has passed.
async fn until_due(engine: &LocalEngine) {
    let clock = engine.clock();
    let due = async {
        match engine.earliest_due().await {
            Ok(Some(at)) => {
                let interval = if engine.is_store_failing() { FAILURE_RETRY_INTERVAL } else { RETRY_INTERVAL };
                clock.sleep_until(at.max(clock.now().plus(interval))).await;
            }
            Ok(None) => std::future::pending().await,
            Err(_) => clock.sleep(FAILURE_RETRY_INTERVAL).await,
        }
    };
    tokio::select! {
        () = due => {}
        () = clock.sleep(POLL_INTERVAL) => {}
    }
}
