//! Redelivery of effects, and effects that are given up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sym_sdk::audit::AuditKind;
use sym_sdk::clock::VirtualClock;
use sym_sdk::engine::*;
use sym_sdk::machine::*;

use super::program::{Program, add, effect_in, key};
use crate::sqlite::{at, run_id};

const MINUTE: Duration = Duration::from_secs(60);

fn fixture(program: Program) -> (Arc<Program>, Arc<MemoryStore>, Arc<VirtualClock>, LocalEngine) {
    let (program, store) = (Arc::new(program), Arc::new(MemoryStore::new()));
    let clock = Arc::new(VirtualClock::at(at(0)));
    let engine = LocalEngine::new(store.clone(), program.clone(), clock.clone());
    (program, store, clock, engine)
}

/// A store that fails says nothing about the effect: its outcome is kept, and it is not executed again.
#[tokio::test]
async fn outcomes_that_cannot_be_stored_are_kept() {
    const TIMES: usize = 20;
    let (program, store, clock, engine) = fixture(Program { outcomes_lost: AtomicUsize::new(TIMES), ..Program::new() });
    add(&*store, vec![effect_in(Lane::Notify, run_id(1), 1)]).await;
    while program.outcomes_lost.load(Ordering::SeqCst) > 0 {
        engine.run_one().await.unwrap_err();
        // Once its lease has expired, the effect is claimed again, and deferred.
        while engine.run_one().await.unwrap() {}
        clock.advance(MINUTE);
    }
    assert!(engine.run_one().await.unwrap());
    assert_eq!(program.begun(), 1);
    assert_eq!(store.next_due().await.unwrap(), None);
    assert_eq!(program.outcomes_lost.load(Ordering::SeqCst), 0);
}

/// Such an effect may be what takes the process down.
#[tokio::test]
async fn effect_without_an_outcome_is_given_up_unless_it_is_a_revocation() {
    let (program, store, clock, engine) = fixture(Program::new());
    // The first step of a request waits for its reducers; that effect is given up below.
    let request = crate::sqlite::requested("prod", run_id(1), at(0));
    store.commit(Commit::new(run_id(1), 0, InputKey::new("request"), request)).await.unwrap();
    add(&*store, vec![effect_in(Lane::Revoke, run_id(2), 1)]).await;
    for lane in [Lane::Decide, Lane::Revoke] {
        for claims in 1..=6 {
            let claimed = store.claim(Claim::new(lane, at(claims), Duration::from_secs(1), 1)).await.unwrap();
            assert_eq!(claimed.len(), 1, "the process that claimed it is gone");
        }
    }
    clock.advance(MINUTE);
    while engine.run_one().await.unwrap() {}
    let begun = program.begun.lock().unwrap().clone();
    assert!(begun.contains(&key(run_id(2), 1)), "a revocation is attempted all the same");
    assert!(!begun.iter().any(|key| key.run == run_id(1) && key.seq == 1));
    let failed = engine.audit(Some(run_id(1)), 99).await.unwrap().into_iter().find_map(|entry| match entry.kind {
        AuditKind::Failed { error } => Some(error.message),
        _ => None,
    });
    assert_eq!(failed.unwrap(), "gave up after 5 attempts that never reported an outcome");
}
