//! Handlers that block their threads.

use std::sync::mpsc;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use sym_sdk::BoxFuture;
use sym_sdk::clock::{Clock, SystemClock};
use sym_sdk::engine::*;
use sym_sdk::machine::*;
use sym_sdk::model::*;

use super::GRACE;
use super::program::{Program, add, effect_in};
use crate::sqlite::run_id;

/// A program whose decisions block until they are released, and whose revocations are counted.
struct Blocking {
    stepper: Program,
    blocked: Mutex<bool>,
    let_go: Condvar,
    tell: Mutex<mpsc::Sender<Lane>>,
}

impl EffectHandler for Blocking {
    fn step(&self, state: Option<&RunState>, input: &Input) -> sym_sdk::Result<Transition> {
        self.stepper.step(state, input)
    }

    fn execute(&self, effect: Effect, _: Arc<RunState>, _: Vec<RunId>) -> BoxFuture<'_, Outcome> {
        self.tell.lock().unwrap().send(effect.lane()).unwrap();
        if effect.lane() == Lane::Decide {
            drop(self.let_go.wait_while(self.blocked.lock().unwrap(), |blocked| *blocked).unwrap());
        }
        Box::pin(std::future::ready(Outcome::Done))
    }
}

#[test]
fn handlers_that_block_all_threads_do_not_delay_revocations() {
    const THREADS: usize = 2;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build().unwrap();
    let (tell, told) = mpsc::channel();
    let blocking = Arc::new(Blocking {
        stepper: Program::new(),
        blocked: Mutex::new(true),
        let_go: Condvar::new(),
        tell: Mutex::new(tell),
    });
    let store = Arc::new(MemoryStore::new());
    let engine = Arc::new(LocalEngine::new(store.clone(), blocking.clone(), Arc::new(SystemClock)));
    let waiting = (1..=8).map(|seq| effect_in(Lane::Decide, run_id(1), seq)).collect();
    runtime.block_on(add(&*store, waiting));
    // All threads are blocked by now.
    let mut revocation = effect_in(Lane::Revoke, run_id(2), 1);
    revocation.not_before = Some(SystemClock.now() + Duration::from_secs(2));
    runtime.block_on(add(&*store, vec![revocation]));
    let workers = {
        let _inside = runtime.enter();
        engine.clone().start_workers(WorkerLimits::default())
    };
    for _ in 0..THREADS {
        assert_eq!(told.recv_timeout(GRACE).unwrap(), Lane::Decide);
    }
    let revoked = std::iter::from_fn(|| told.recv_timeout(GRACE).ok()).any(|lane| lane == Lane::Revoke);
    *blocking.blocked.lock().unwrap() = false;
    blocking.let_go.notify_all();
    assert!(revoked);
    runtime.block_on(workers.shutdown(GRACE));
}
