//! Nothing starves revocations: neither slow grants, nor hooks, nor revocations of another service.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use sym_sdk::clock::{Clock, VirtualClock};
use sym_sdk::engine::*;
use sym_sdk::machine::*;
use sym_sdk::runtime::{Limits, Submission};

use super::fixture::Fixture;
use super::program::{Program, add, bulkhead, effect_in, engine, key};
use super::{GRACE, stores, until};
use crate::sqlite::{at, commit, run_id};

const MANY: u128 = 1_000;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_thousand_slow_grants_do_not_delay_a_revocation() {
    let dir = tempfile::tempdir().unwrap();
    for store in stores(&dir).await {
        slow_grants_do_not_delay_a_revocation(store).await;
    }
}

async fn slow_grants_do_not_delay_a_revocation(store: Arc<dyn Store>) {
    let fixture = Fixture::new(store);
    let (strategy, clock) = (&fixture.strategy, &fixture.clock);
    let limits = Limits { strategy: 100 * MINUTE, ..Limits::default() };
    let runtime = fixture.builder().limits(limits).build().await.unwrap();
    let workers = runtime.start(WorkerLimits::default());
    let request =
        |who: &str, duration: &str| runtime.submit(Submission::request("prod", who).input("duration", duration));
    request("ana@example.com", "10m").await.unwrap();
    until("access is granted", || strategy.granted().len() == 1).await;
    for _ in 0..MANY {
        strategy.hang_grant();
    }
    let people: Vec<_> = (0..MANY).map(|number| format!("user{number}@example.com")).collect();
    for taken in join_all(people.iter().map(|person| request(person, "1h"))).await {
        taken.unwrap();
    }
    let busy = 1 + WorkerLimits::default().decide / 4;
    until("all workers that the service gets are busy", || strategy.calls().len() == busy).await;
    let ends = clock.now() + 10 * MINUTE;
    clock.advance(10 * MINUTE);
    until("access is taken away", || strategy.calls().iter().any(|call| !call.is_grant)).await;
    assert_eq!(clock.now(), ends, "virtual time stood still");
    workers.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn revocation_is_executed_while_other_lanes_hang() {
    let dir = tempfile::tempdir().unwrap();
    for store in stores(&dir).await {
        let slow_lanes = [Lane::Deescalate, Lane::Decide, Lane::Notify];
        let program = Arc::new(Program { slow_lanes: slow_lanes.into(), ..Program::new() });
        let clock = Arc::new(VirtualClock::at(at(0)));
        let engine = Arc::new(LocalEngine::new(store.clone(), program.clone(), clock.clone()));
        for lane in slow_lanes {
            let slow = (1..=MANY).map(|number| {
                let run = run_id(MANY * lane as u128 + number);
                let mut effect = effect_in(lane, run, 1);
                effect.bulkhead = bulkhead(&run.to_string());
                effect
            });
            add(&*store, slow.collect()).await;
        }
        let limits = WorkerLimits::default();
        let workers = engine.clone().start_workers(limits);
        let full = limits.deescalate + limits.decide + limits.notify;
        until("all other workers are busy", || program.begun() == full).await;
        add(&*store, vec![effect_in(Lane::Revoke, run_id(0), 1)]).await;
        // Committed directly to the store, so no worker was woken.
        clock.advance(Duration::from_secs(1));
        until("the revocation", || program.has_ended(key(run_id(0), 1))).await;
        workers.shutdown(Duration::ZERO).await;
    }
}

#[tokio::test]
async fn hanging_service_does_not_delay_revocations_in_another() {
    let dir = tempfile::tempdir().unwrap();
    for store in stores(&dir).await {
        let program = Arc::new(Program { slow_bulkhead: Some(bulkhead("dead")), ..Program::new() });
        let engine = engine(&program, store.clone());
        let in_service = |service: &str, run| {
            let mut effect = effect_in(Lane::Revoke, run_id(run), 1);
            effect.bulkhead = bulkhead(service);
            effect
        };
        let mut effects: Vec<_> = (1..=MANY).map(|run| in_service("dead", run)).collect();
        effects.push(in_service("alive", MANY + 1));
        add(&*store, effects).await;
        let workers = engine.clone().start_workers(WorkerLimits::default());
        until("the other service", || program.has_ended(key(run_id(MANY + 1), 1))).await;
        let begun = program.begun();
        assert!(begun <= WorkerLimits::default().revoke / 2, "one service does not take up all workers: {begun}");
        program.held.send_replace(false);
        until("the first service", || program.ended.lock().unwrap().len() == 1_001).await;
        workers.shutdown(GRACE).await;
    }
}

#[tokio::test]
async fn expiry_timers_fire_before_others() {
    let program = Arc::new(Program::new());
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let engine = engine(&program, store.clone());
    for (number, kind) in [(1, TimerKind::Forward), (2, TimerKind::Forward), (3, TimerKind::Expire)] {
        let mut commit = commit(run_id(number), 0, &number.to_string());
        commit.timers = vec![TimerChange::Set { kind, at: at(-10), generation: 1 }];
        store.commit(commit).await.unwrap();
    }
    assert!(engine.run_one().await.unwrap());
    let left = store.due_timers(engine.clock().now(), 10).await.unwrap();
    assert!(left.iter().all(|timer| timer.key.kind == TimerKind::Forward), "{left:?}");
}
