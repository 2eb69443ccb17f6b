//! The process under test, from its start to its crash.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sym_sdk::clock::Clock;
use sym_sdk::directory::{Directory, MemoryDirectory};
use sym_sdk::engine::{Store, WorkerLimits, Workers};
use sym_sdk::model::{User, UserId, UserRole};
use sym_sdk::runtime::Runtime;
use sym_sdk::strategy::StrategyType;
use tokio::task::{AbortHandle, JoinSet};

use crate::flows;
use crate::front_end::FrontEnd;
use crate::people::{ADMIN, GUEST, MEMBERS, People};
use crate::store::UnreliableStore;
use crate::target::Target;
use crate::world::World;

/// The organization's users, who outlive every process.
pub(crate) async fn directory() -> Directory {
    let directory = Directory::new(MemoryDirectory::new(), ["example.com"]);
    let members = MEMBERS.into_iter().map(|email| (email, UserRole::Member));
    for (email, role) in members.chain([(ADMIN, UserRole::Admin), (GUEST, UserRole::Guest)]) {
        let user = User::person(UserId::from_email(email), email).unwrap().with_role(role);
        directory.put_user(user).await.unwrap();
    }
    directory
}

/// A process. Dropping it is a crash: all its tasks end.
pub(crate) struct Process {
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
    pub(crate) fn start(world: &World, directory: &Directory, target: &Target, store: Arc<dyn Store>) -> Self {
        let (world, directory, target) = (world.clone(), directory.clone(), target.clone());
        let up: Arc<Mutex<Option<Up>>> = Arc::default();
        let mut tasks = JoinSet::new();
        let started = up.clone();
        tasks.spawn(async move {
            let runtime = loop {
                match build(&world, &directory, &target, &store).await {
                    Some(runtime) => break runtime,
                    None => world.clock.sleep(Duration::from_secs(1)).await,
                }
            };
            let workers = (0..1 + usize::from(world.once_in(4))).map(|_| runtime.start(limits(&world))).collect();
            world.log("the process is up");
            *lock(&started) = Some(Up { runtime, _workers: workers });
        });
        Self { tasks, up, waiting: Vec::new() }
    }

    /// Creates a process that does nothing.
    pub(crate) fn dead() -> Self {
        Self { tasks: JoinSet::new(), up: Arc::default(), waiting: Vec::new() }
    }

    /// Submits a wish, if the process has started.
    pub(crate) fn submit(&mut self, world: &World, people: &People, number: usize) {
        let Some(runtime) = lock(&self.up).as_ref().map(|up| up.runtime.clone()) else { return };
        world.log(format_args!("wish {number} is submitted"));
        let submission = people.submission(number);
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

async fn build(world: &World, directory: &Directory, target: &Target, store: &Arc<dyn Store>) -> Option<Runtime> {
    let (target, committed) = (target.clone(), store.clone());
    let strategy = StrategyType::new(flows::STRATEGY, move |_| Ok(target.client(committed.clone())));
    let built = Runtime::builder(flows::config())
        .registry(flows::registry())
        .state(world.clone())
        .clock(Arc::new(world.clock.clone()))
        // It changes nothing unless it is told to.
        .without_reconcile()
        .directory(directory.clone())
        .delivery(FrontEnd(world.clone()))
        .strategy_type(strategy)
        .store(Arc::new(UnreliableStore::new(world.clone(), store.clone())))
        .build()
        .await;
    match built {
        Ok(runtime) => Some(runtime),
        Err(faults) => {
            let is_down = faults.iter().all(|fault| {
                fault.message.contains("the store is unavailable")
                    || fault.message.contains("the store did not respond")
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
