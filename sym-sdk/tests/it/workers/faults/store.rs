//! A store that hangs, and one that takes no outcomes.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sym_sdk::clock::Clock;
use sym_sdk::engine::{InputKey, MemoryStore, RunFilter, WorkerLimits};
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Limits, Submission};
use sym_sdk::strategy::Escalation;

use super::super::GRACE;
use super::super::world::World;
use super::faulty_store::{FaultyStore, Mood};
use super::{HOUR, MINUTE, SECOND, meddled, request, time_passes_during, time_passes_until, time_passes_until_status};

fn faulty() -> (World, Arc<FaultyStore>) {
    let store = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new())));
    (World::new(store.clone()), store)
}

fn since(world: &World, begun: Timestamp) -> Duration {
    world.clock.now().duration_since(begun).unsigned_abs()
}

#[tokio::test]
async fn a_submission_to_a_store_that_hangs_is_cut_off_and_can_be_sent_again() {
    for mood in [Mood::Hangs, Mood::SaysNothing] {
        let (world, store) = faulty();
        let limit = 3 * SECOND;
        let runtime = world.builder().limits(Limits { store: limit, ..Limits::default() }).build().await.unwrap();
        let named = Submission::request("prod", "ana@example.com").input("duration", "1h").key(InputKey::new("once"));
        let unnamed = Submission::request("prod", "ana@example.com").input("duration", "1h");
        for submission in [named.clone(), unnamed] {
            store.be(mood);
            let begun = world.clock.now();
            let error = time_passes_during(&world, runtime.submit(submission)).await.unwrap_err();
            assert_eq!((error.kind(), error.code()), (ErrorKind::Timeout, &codes::STORE), "{mood:?}");
            assert_eq!(error.message(), "the store did not respond within 3s");
            assert_eq!(since(&world, begun).as_secs(), limit.as_secs(), "{mood:?}");
        }
        store.be(Mood::Works);
        let run = runtime.submit(named.clone()).await.unwrap().run;
        assert_eq!(runtime.submit(named).await.unwrap().run, run);
        let runs = runtime.runs(RunFilter::default(), 10).await.unwrap();
        assert_eq!(runs.len(), 1, "{mood:?}");
    }
}

/// The store stops answering while a Run holds access, another is acknowledged, and a third waits for the service.
#[tokio::test]
async fn runs_go_on_when_the_store_answers_again() {
    for mood in [Mood::Hangs, Mood::SaysNothing] {
        let (world, store) = faulty();
        let runtime = world.start().await;
        let held = world.granted(&runtime).await;
        let acknowledged = request(&runtime, "cho@example.com", "8h").await;
        store.be(mood);
        let workers = runtime.start(WorkerLimits::default());
        world.clock.advance(HOUR);
        let begun = world.clock.now();
        time_passes_until(&world, "the store hangs for a while", || since(&world, begun) > 5 * MINUTE).await;

        store.be(Mood::Works);
        time_passes_until_status(&world, &runtime, held, RunStatus::Deescalated).await;
        assert!(since(&world, begun) < 7 * MINUTE, "as soon as the calls under way were cut off: {mood:?}");
        // What was claimed without a word is leased.
        world.clock.advance(HOUR);
        time_passes_until_status(&world, &runtime, acknowledged, RunStatus::Escalated).await;
        assert_eq!(world.strategy.granted().len(), 1);
        world.clock.advance(8 * HOUR);
        time_passes_until_status(&world, &runtime, acknowledged, RunStatus::Deescalated).await;
        assert!(world.strategy.granted().is_empty());
        workers.shutdown(GRACE).await;
    }
}

/// Nobody but the workers knows that there is something to do.
#[tokio::test]
async fn workers_hear_of_a_commit_whose_answer_was_lost() {
    let (world, store) = faulty();
    let runtime = world.start().await;
    let workers = runtime.start(WorkerLimits::default());
    world.let_workers_run().await;
    store.be(Mood::DeniesOutcomes);
    let request = Submission::request("prod", "ana@example.com").input("duration", "1h");
    let error = runtime.submit(request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    store.be(Mood::Works);
    world.let_workers_run().await;
    assert_eq!(world.strategy.granted().len(), 1, "at once, and not when they look around anyway");
    workers.shutdown(GRACE).await;
}

/// Leases that end without a word are signs of an effect that takes the process down. These end with one that nobody heard.
#[tokio::test]
async fn an_effect_is_not_given_up_because_the_store_takes_no_outcomes() {
    const REFUSED: usize = 10;
    let (world, store) = faulty();
    let (record, forgetful) = (world.strategy.clone(), store.clone());
    let service = meddled(&world, move |_| {
        forgetful.be(if record.calls().len() <= REFUSED { Mood::ForgetsOutcomes } else { Mood::Works });
        Ok(Escalation::granted())
    });
    let runtime = service.build().await.unwrap();
    let run = request(&runtime, "ana@example.com", "48h").await;
    let workers = runtime.start(WorkerLimits::default());
    for attempt in 1..=REFUSED {
        time_passes_until(&world, &format!("grant {attempt}"), || world.strategy.calls().len() == attempt).await;
        world.clock.advance(HOUR);
    }
    time_passes_until_status(&world, &runtime, run, RunStatus::Escalated).await;
    let calls = world.strategy.calls();
    assert_eq!(calls.len(), REFUSED + 1);
    assert!(calls.iter().all(|call| call.key == calls[0].key));
    workers.shutdown(GRACE).await;
}
