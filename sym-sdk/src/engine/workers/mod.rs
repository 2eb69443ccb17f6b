//! Workers that carry out effects and fire timers as they fall due.

mod backlog_metrics;
mod lane;
mod dedicated_runtime;
mod timers;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use super::local::LocalEngine;
use crate::machine::Lane;

/// After a store has failed, or when what is due is leased by somebody else, workers look again after this time.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// Workers look for something to do at least this often, whatever the clock is set to: nobody tells them of a commit that was given
/// up and written later, nor that the clock was set back.
const POLL_INTERVAL: Duration = Duration::from_secs(60);

/// What was cut off at a shutdown is handed back within this time.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(5);

/// Effects of one bulkhead get this part of a lane's workers.
const BULKHEADS_PER_LANE: usize = 4;

/// How many effects may be under way at once, lane by lane. Those that can hang together, because they call one service or one
/// flow's handlers, get a quarter of a lane.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct WorkerLimits {
    /// Revocations.
    pub revoke: usize,
    /// Hooks before a revocation.
    pub deescalate: usize,
    /// What Runs wait for.
    pub decide: usize,
    /// Messages and hooks after an event.
    pub notify: usize,
}

impl Default for WorkerLimits {
    fn default() -> Self {
        Self { revoke: 128, deescalate: 128, decide: 256, notify: 128 }
    }
}

impl WorkerLimits {
    fn of(&self, lane: Lane) -> usize {
        match lane {
            Lane::Revoke => self.revoke,
            Lane::Deescalate => self.deescalate,
            Lane::Decide => self.decide,
            Lane::Notify => self.notify,
        }
        .max(1)
    }
}

/// What workers are to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Work,
    /// What is under way is finished.
    Finish,
    /// What is under way is cut off and handed back.
    Release,
}

/// The running workers of a [`LocalEngine`]: one set a lane, so that no lane holds up another, and one for timers.
///
/// On a multi-threaded tokio runtime, revocations, the hooks before them and timers have threads of their own: a handler that
/// blocks its thread holds up neither the end of an access nor the call that takes it away.
#[derive(Debug)]
pub struct Workers {
    phase: watch::Sender<Phase>,
    loops: JoinSet<()>,
    liveness: Liveness,
}

/// Tells whether the workers of the lanes and the timers run.
#[derive(Clone, Debug)]
pub(crate) struct Liveness([AbortHandle; 4]);

impl Liveness {
    /// Whether all of them run.
    pub(crate) fn is_alive(&self) -> bool {
        !self.0.iter().any(AbortHandle::is_finished)
    }
}

impl Workers {
    /// Starts workers on the current tokio runtime.
    pub fn start(engine: &Arc<LocalEngine>, limits: WorkerLimits) -> Self {
        let (phase, told) = watch::channel(Phase::Work);
        let mut loops = JoinSet::new();
        let lane = |lane| lane::carry_out(engine.clone(), lane, limits.of(lane), told.clone());
        let revoke = lane(Lane::Revoke);
        let timers = timers::fire(engine.clone(), told.clone());
        let lasting = [
            loops.spawn(dedicated_runtime::run_on_dedicated("sym-revoke", async move {
                tokio::join!(revoke, timers);
            })),
            loops.spawn(dedicated_runtime::run_on_dedicated("sym-deescalate", lane(Lane::Deescalate))),
            loops.spawn(lane(Lane::Decide)),
            loops.spawn(lane(Lane::Notify)),
        ];
        loops.spawn(backlog_metrics::measure(engine.clone(), told.clone()));
        Self { phase, loops, liveness: Liveness(lasting) }
    }

    /// Whether the workers of all lanes and of the timers run. They do until they are told to stop, unless one has panicked.
    pub fn are_running(&self) -> bool {
        self.liveness.is_alive()
    }

    /// Tells the same to somebody else.
    #[cfg(feature = "server")]
    pub(crate) fn liveness(&self) -> Liveness {
        self.liveness.clone()
    }

    /// Has one more task run. It is told when to stop, and is cut off if it does not come to an end by itself.
    pub(crate) fn spawn<F>(&mut self, task: impl FnOnce(StopSignal) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut told = self.phase.subscribe();
        let task = task(StopSignal(self.phase.subscribe()));
        self.loops.spawn(async move {
            tokio::select! {
                () = task => {}
                _ = told.wait_for(|phase| *phase == Phase::Release) => {}
            }
        });
    }

    /// Takes no new work and waits up to `grace` for what is under way. What is not finished by then is cut off and handed back:
    /// it is due at once for whoever starts workers next, in this process or another.
    pub async fn shutdown(mut self, grace: Duration) {
        self.phase.send_replace(Phase::Finish);
        if self.ended_within(grace).await {
            return;
        }
        tracing::warn!(?grace, "work was still under way at shutdown and is handed back");
        self.phase.send_replace(Phase::Release);
        if !self.ended_within(RELEASE_TIMEOUT).await {
            tracing::error!("work that cannot be cut off blocks its thread; it is due again when its lease ends");
            self.loops.abort_all();
        }
    }

    async fn ended_within(&mut self, time: Duration) -> bool {
        let ended = async { while self.loops.join_next().await.is_some() {} };
        tokio::time::timeout(time, ended).await.is_ok()
    }
}

/// Tells a task when it is to stop.
#[derive(Debug)]
pub(crate) struct StopSignal(watch::Receiver<Phase>);

impl StopSignal {
    /// Whether the task is to stop.
    pub(crate) fn is_given(&self) -> bool {
        *self.0.borrow() > Phase::Work
    }

    /// Returns once the task is to stop.
    pub(crate) async fn given(&mut self) {
        stopped(&mut self.0).await;
    }
}

/// Until something falls due, or it is time to look anyway.
async fn until_due(engine: &LocalEngine) {
    let clock = engine.clock();
    let due = async {
        match engine.next_due().await {
            Ok(Some(at)) => {
                let soonest = clock.now().saturating_add(RETRY_INTERVAL).unwrap_or(jiff::Timestamp::MAX);
                clock.sleep_until(at.max(soonest)).await;
            }
            Ok(None) => std::future::pending().await,
            Err(_) => clock.sleep(RETRY_INTERVAL).await,
        }
    };
    tokio::select! {
        () = due => {}
        () = clock.sleep(POLL_INTERVAL) => {}
    }
}

/// Until workers are to stop. Whoever drops [`Workers`] wants that too.
async fn stopped(told: &mut watch::Receiver<Phase>) {
    let _ = told.wait_for(|phase| *phase > Phase::Work).await;
}
