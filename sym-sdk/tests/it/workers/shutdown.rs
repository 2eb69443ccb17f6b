//! How workers stop: what is under way is finished in its time, or handed back.

use std::sync::Arc;
use std::time::Duration;

use sym_sdk::engine::*;
use sym_sdk::machine::*;

use super::program::{Program, add, effect_in, engine, key};
use super::{GRACE, until};
use crate::sqlite::run_id;

const LEASE: Duration = Duration::from_secs(60);

async fn with_one_slow_effect() -> (Arc<Program>, Arc<MemoryStore>, Workers) {
    let program = Arc::new(Program { slow_lanes: [Lane::Decide].into(), ..Program::new() });
    let store = Arc::new(MemoryStore::new());
    let engine = engine(&program, store.clone());
    add(&*store, vec![effect_in(Lane::Decide, run_id(1), 1)]).await;
    let workers = engine.clone().start_workers(WorkerLimits::default());
    until("it is begun", || program.begun() == 1).await;
    (program, store, workers)
}

async fn due_now(store: &MemoryStore) -> Vec<Claimed> {
    store.claim(Claim::new(Lane::Decide, crate::sqlite::at(0), LEASE, 10)).await.unwrap()
}

#[tokio::test]
async fn what_is_under_way_is_finished() {
    let (program, store, workers) = with_one_slow_effect().await;
    let shutdown = tokio::spawn(workers.shutdown(GRACE));
    tokio::task::yield_now().await;
    program.held.send_replace(false);
    shutdown.await.unwrap();
    assert!(program.has_ended(key(run_id(1), 1)));
    assert!(due_now(&store).await.is_empty());
    assert_eq!(store.next_due().await.unwrap(), None, "it is settled");
}

#[tokio::test]
async fn what_takes_too_long_is_handed_back() {
    let (program, store, workers) = with_one_slow_effect().await;
    assert!(due_now(&store).await.is_empty(), "it is leased");
    workers.shutdown(Duration::ZERO).await;
    let due = due_now(&store).await;
    assert_eq!(due.iter().map(|claimed| (claimed.claims, claimed.lost_leases)).collect::<Vec<_>>(), [(2, 0)]);
    program.held.send_replace(false);
    tokio::task::yield_now().await;
    assert!(program.ended.lock().unwrap().is_empty(), "it was cut off before it was handed back");
}

#[tokio::test]
async fn workers_that_are_dropped_take_nothing_new() {
    let (program, store, workers) = with_one_slow_effect().await;
    drop(workers);
    add(&*store, vec![effect_in(Lane::Notify, run_id(2), 1)]).await;
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(program.begun(), 1);
}
