//! Effects that their own commit has leased: they need no claim, and none is lost with the result of its commit.

use std::sync::Arc;

use sym_sdk::engine::*;
use sym_sdk::machine::*;
use sym_sdk::model::{Channel, ChannelType, EventId, Flow, RunId, User};

use super::super::program::{Program, engine};
use super::super::{GRACE, until};
use super::faulty_store::{Behavior, FaultyStore};
use crate::sqlite::{at, run_id};

/// Submits a request, whose first effect evaluates its reducers.
async fn submit(engine: &LocalEngine, run: RunId) -> sym_sdk::Result<InputReply> {
    let flow = Flow::builder("prod".parse().unwrap(), "acme").build();
    let body = InputBody::Submitted {
        event: EventId::from_uuid(*run.as_uuid()),
        actor: Arc::new(User::from_email("ana@example.com").unwrap()),
        channel: Channel::new(ChannelType::Api),
        action: Action::Request(Box::default()),
    };
    engine.submit(InputKey::new(format!("request {run}")), Input::new(run, flow.srn().clone(), at(0), body)).await
}

fn first_effect(run: RunId) -> EffectKey {
    EffectKey { run, seq: 1 }
}

async fn with_workers() -> (Arc<Program>, Arc<FaultyStore>, Arc<LocalEngine>, Workers) {
    let program = Arc::new(Program::new());
    let store = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new())));
    let engine = engine(&program, store.clone());
    let workers = engine.clone().start_workers(WorkerLimits::default());
    // The workers have looked into the store, and wait for commits.
    submit(&engine, run_id(1)).await.unwrap();
    until("the first effect", || program.has_ended(first_effect(run_id(1)))).await;
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    (program, store, engine, workers)
}

#[tokio::test]
async fn effects_of_a_commit_are_executed_without_a_claim() {
    let (program, store, engine, workers) = with_workers().await;
    store.take_calls();
    submit(&engine, run_id(2)).await.unwrap();
    until("the effect", || program.has_ended(first_effect(run_id(2)))).await;
    let calls = store.take_calls();
    assert!(!calls.contains(&"claim"), "{calls:?}");
    workers.shutdown(GRACE).await;
}

/// Otherwise it would wait for the end of a lease that nobody knows of. The clock stands still.
#[tokio::test]
async fn effect_is_executed_although_the_result_of_its_commit_is_lost() {
    let (program, store, engine, workers) = with_workers().await;
    store.set_behavior(Behavior::WritesOutcomesAndFails);
    submit(&engine, run_id(2)).await.unwrap_err();
    store.set_behavior(Behavior::Works);
    until("the effect", || program.has_ended(first_effect(run_id(2)))).await;
    assert_eq!(program.begun.lock().unwrap().iter().filter(|key| **key == first_effect(run_id(2))).count(), 1);
    workers.shutdown(GRACE).await;
}
