//! The process under test, from its start to its crash.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sym_sdk::clock::Clock;
use sym_sdk::engine::{Store, WorkerLimits, Workers};
use sym_sdk::runtime::Runtime;
use sym_sdk::strategy::StrategyType;
use tokio::task::{AbortHandle, JoinSet};

use crate::declared::Declared;
use crate::flows;
use crate::front_end::FrontEnd;
use crate::people::People;
use crate::staff::Staff;
use crate::store::UnreliableStore;
use crate::target::Target;
use crate::trouble::Trouble;
use crate::world::World;

/// A process. Dropping it is a crash: all its tasks end.
pub(crate) struct Process {
    /// The configuration that it has read.
    pub(crate) declared: Arc<Declared>,
    tasks: JoinSet<()>,
    up: Arc<Mutex<Option<Up>>>,
    /// The callers that wait for a reply, with their wishes.
    waiting: Vec<(usize, AbortHandle)>,
}

/// A started process.
struct Up {
    runtime: Runtime,
    _workers: Vec<Workers>,
}

impl Process {
    /// Starts a process on a store.
    pub(crate) fn start(
        world: &World,
        staff: &Staff,
        target: &Target,
        store: Arc<dyn Store>,
        declared: &Declared,
    ) -> Self {
        let (world, staff, target) = (world.clone(), staff.clone(), target.clone());
        let declared = Arc::new(declared.clone());
        let configured = declared.clone();
        let up: Arc<Mutex<Option<Up>>> = Arc::default();
        let mut tasks = JoinSet::new();
        let started = up.clone();
        tasks.spawn(async move {
            let runtime = loop {
                match build(&world, &staff, &target, &store, &configured).await {
                    Some(runtime) => break runtime,
                    None => world.clock.sleep(Duration::from_secs(1)).await,
                }
            };
            let workers = (0..1 + usize::from(world.once_in(4))).map(|_| runtime.start(limits(&world))).collect();
            world.log("the process is up");
            *lock(&started) = Some(Up { runtime, _workers: workers });
        });
        Self { declared, tasks, up, waiting: Vec::new() }
    }

    /// Creates a process that does nothing.
    pub(crate) fn dead() -> Self {
        Self { declared: Arc::default(), tasks: JoinSet::new(), up: Arc::default(), waiting: Vec::new() }
    }

    /// Returns the runtime, if the process has started.
    pub(crate) fn runtime(&self) -> Option<Runtime> {
        lock(&self.up).as_ref().map(|up| up.runtime.clone())
    }

    /// Runs a task that ends with the process.
    pub(crate) fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Submits a wish, if the process has started.
    pub(crate) fn submit(&mut self, world: &World, staff: &Staff, people: &People, number: usize) {
        let Some(runtime) = self.runtime() else { return };
        world.log(format_args!("wish {number} is submitted"));
        let submission = people.submission(staff, number);
        let (world, people) = (world.clone(), people.clone());
        let task = self.tasks.spawn(async move {
            let result = runtime.submit(submission).await;
            people.answered(&world, number, result);
        });
        self.waiting.push((number, task));
    }

    /// Aborts a caller that waits for a reply, and returns its wish.
    pub(crate) fn forget_one(&mut self, world: &World) -> Option<usize> {
        self.waiting.retain(|(_, task)| !task.is_finished());
        if self.waiting.is_empty() {
            return None;
        }
        let (number, task) = self.waiting.swap_remove(world.below(self.waiting.len()));
        task.abort();
        Some(number)
    }

    /// Returns whether the process has started.
    pub(crate) fn is_up(&self) -> bool {
        lock(&self.up).is_some()
    }
}

fn lock(up: &Mutex<Option<Up>>) -> MutexGuard<'_, Option<Up>> {
    up.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn build(
    world: &World,
    staff: &Staff,
    target: &Target,
    store: &Arc<dyn Store>,
    declared: &Arc<Declared>,
) -> Option<Runtime> {
    let (target, committed, configured) = (target.clone(), store.clone(), declared.clone());
    let strategy = StrategyType::new(flows::STRATEGY, move |config| {
        target.client(committed.clone(), configured.clone(), config.integration()?.external_id())
    });
    let builder = Runtime::builder(declared.config())
        .registry(flows::registry())
        .state(world.clone())
        .clock(Arc::new(world.clock.clone()))
        // It changes nothing unless it is told to.
        .without_reconcile()
        .directory(staff.directory.clone())
        .delivery(FrontEnd(world.clone()))
        .strategy_type(strategy)
        .store(Arc::new(UnreliableStore::new(world.clone(), store.clone())));
    // As `serve` does, where something can be missing or the store may not take writes at the start.
    let is_degraded = world.troubles.has(Trouble::Configuration) || world.troubles.has(Trouble::Outage);
    let built = if is_degraded { builder.build_degraded().await } else { builder.build().await };
    match built {
        Ok(runtime) => Some(runtime),
        Err(faults) => {
            let is_down = faults.iter().all(|fault| {
                let problems = ["the store is unavailable", "the store did not respond", "the store cannot write"];
                problems.iter().any(|problem| fault.message.contains(problem))
            });
            world.check(is_down, || format!("the process cannot start: {faults}"));
            None
        }
    }
}

fn limits(world: &World) -> WorkerLimits {
    let mut limits = WorkerLimits::default();
    limits.revoke = 1 + world.below(3);
    limits.deescalate = 1 + world.below(3);
    limits.decide = 1 + world.below(3);
    limits.notify = 1 + world.below(3);
    limits
}
