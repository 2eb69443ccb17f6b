//! Shutdown: effects in flight finish within the grace period, or are released.

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
async fn effects_in_flight_finish() {
    let (program, store, workers) = with_one_slow_effect().await;
    let shutdown = tokio::spawn(workers.shutdown(GRACE));
    tokio::task::yield_now().await;
    program.held.send_replace(false);
    shutdown.await.unwrap();
    assert!(program.has_ended(key(run_id(1), 1)));
    assert!(due_now(&store).await.is_empty());
    assert_eq!(store.next_due().await.unwrap(), None, "the effect is settled");
}

#[tokio::test]
async fn effects_that_take_too_long_are_released() {
    let (program, store, workers) = with_one_slow_effect().await;
    assert!(due_now(&store).await.is_empty(), "the effect is leased");
    workers.shutdown(Duration::ZERO).await;
    let due = due_now(&store).await;
    assert_eq!(due.iter().map(|claimed| (claimed.claims, claimed.lost_leases)).collect::<Vec<_>>(), [(2, 0)]);
    program.held.send_replace(false);
    tokio::task::yield_now().await;
    assert!(program.ended.lock().unwrap().is_empty(), "the effect was cancelled before it was released");
}

#[tokio::test]
async fn dropped_workers_claim_nothing() {
    let (program, store, workers) = with_one_slow_effect().await;
    drop(workers);
    add(&*store, vec![effect_in(Lane::Notify, run_id(2), 1)]).await;
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(program.begun(), 1);
}
