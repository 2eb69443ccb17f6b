//! A clock that is set while the store takes no writes. Access lasts no longer by that, no call is made without a pause, and what ends
//! in memory alone stays ended.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sym_sdk::clock::Clock;
use sym_sdk::engine::{MemoryStore, RunFilter, WorkerLimits, Workers};
use sym_sdk::handlers;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Builder, Runtime};

use super::super::GRACE;
use super::super::fixture::{Fixture, get_permissions, noon, on_request};
use super::faulty_store::{Behavior, FaultyStore};
use super::{HOUR, MINUTE, SECOND, advance_until, advance_until_status, status};

/// The time that workers may take to notice a clock that went back.
const NOTICED: Duration = Duration::from_secs(2 * 60);

/// The longest time for which a revocation waits after the clock went back: a lease, or the longest delay of a retry.
const LONGEST_DELAY: Duration = Duration::from_secs(16 * 60);

/// A Run that holds access for an hour, on a store whose writes can be refused.
struct Held {
    fixture: Fixture,
    store: Arc<FaultyStore>,
    runtime: Runtime,
    run: RunId,
}

impl Held {
    async fn new() -> Self {
        Self::with(Fixture::builder).await
    }

    /// As [`new`](Self::new), with a hook that ignores the end of access.
    async fn deferring() -> Self {
        #[hook]
        fn on_deescalate() -> Option<NextEvent> {
            Some(ApprovalTemplate::ignore())
        }
        Self::with(|fixture| fixture.builder().registry(handlers![get_permissions, on_request, on_deescalate])).await
    }

    async fn with(builder: impl FnOnce(&Fixture) -> Builder) -> Self {
        let store = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new())));
        let fixture = Fixture::new(store.clone());
        let runtime = builder(&fixture).build().await.unwrap();
        let run = fixture.granted(&runtime).await;
        Self { fixture, store, runtime, run }
    }

    fn refuse_writes(&self) -> Workers {
        self.store.set_behavior(Behavior::RefusesWrites);
        self.runtime.start(WorkerLimits::default())
    }

    fn has_access(&self) -> bool {
        !self.fixture.strategy.granted().is_empty()
    }

    /// Advances the clock minute by minute, while workers run, until a condition holds. Returns the time that it took.
    async fn pass_until(&self, longest: Duration, holds: impl Fn(&Self) -> bool) -> Duration {
        let begun = self.fixture.clock.now();
        loop {
            let passed = self.fixture.clock.now().duration_since(begun).unsigned_abs();
            self.fixture.let_workers_run().await;
            if holds(self) || passed >= longest {
                return passed;
            }
            self.fixture.clock.advance(MINUTE);
        }
    }

    /// Lets the store take writes again, and waits until the Run has ended and was stored without an error.
    async fn ends_on_record(&self, workers: Workers) {
        self.store.set_behavior(Behavior::Works);
        advance_until_status(&self.fixture, &self.runtime, self.run, RunStatus::Deescalated).await;
        let runs = self.runtime.runs(RunFilter::default(), 100).await.unwrap();
        assert!(runs.iter().all(|run| run.state.error.is_none()));
        workers.shutdown(GRACE).await;
    }
}

/// The correction of due times is a write: access lasted for as much longer as the clock went back.
#[tokio::test]
async fn access_lasts_no_longer_when_the_clock_goes_back_while_the_store_takes_no_writes() {
    for back in [10 * MINUTE, 5 * HOUR, 1_000 * HOUR] {
        let held = Held::new().await;
        let workers = held.refuse_writes();
        held.fixture.clock.set(back_from_noon(back));
        held.pass_until(50 * MINUTE, |_| false).await;
        assert!(held.has_access(), "it does not end early: {back:?}");
        let longer = held.pass_until(2 * HOUR, |held| !held.has_access()).await;
        assert!(longer <= 10 * MINUTE + NOTICED, "{longer:?} longer, by {back:?}");
        assert_eq!(held.fixture.revocations(), 1);
        assert_eq!(status(&held.runtime, held.run).await, RunStatus::Escalated, "what is shown is what is stored");
        held.ends_on_record(workers).await;
        assert_eq!(held.fixture.revocations(), 1, "what was done in memory is not done again");
    }
}

fn back_from_noon(back: Duration) -> Timestamp {
    noon().checked_sub(back).unwrap()
}

/// The simulation found this, in world 1460: the Run could not be read when its end was kept in memory, and nothing read it again while
/// the store took no writes.
#[tokio::test]
async fn access_ends_although_its_run_cannot_be_read_at_first() {
    let held = Held::new().await;
    held.store.set_behavior(Behavior::RefusesWritesAndLoads);
    let workers = held.runtime.start(WorkerLimits::default());
    held.pass_until(HOUR + 10 * MINUTE, |_| false).await;
    assert!(held.has_access(), "what is unknown is not executed");
    held.store.set_behavior(Behavior::RefusesWrites);
    let longer = held.pass_until(HOUR, |held| !held.has_access()).await;
    assert!(longer <= 2 * MINUTE, "{longer:?} after it could be read");
    assert_eq!(held.fixture.revocations(), 1);
    held.ends_on_record(workers).await;
    assert_eq!(held.fixture.revocations(), 1, "what was done in memory is not done again");
}

/// The clock jumps ahead and back again: access that has ended in memory alone neither comes back nor ends twice.
#[tokio::test]
async fn access_that_ended_in_memory_stays_ended_when_the_clock_goes_back() {
    let held = Held::new().await;
    let workers = held.refuse_writes();
    held.fixture.clock.set(noon() + 5 * HOUR);
    held.pass_until(10 * MINUTE, |held| !held.has_access()).await;
    assert!(!held.has_access());
    held.fixture.clock.set(noon());
    held.pass_until(2 * HOUR, |held| held.has_access()).await;
    assert_eq!((held.has_access(), held.fixture.revocations()), (false, 1));
    held.ends_on_record(workers).await;
    assert_eq!((held.has_access(), held.fixture.revocations()), (false, 1));
}

/// The end was deferred in memory, from a clock that was ahead: nothing in the store tells.
#[tokio::test]
async fn end_deferred_in_memory_is_not_later_when_the_clock_goes_back() {
    let held = Held::deferring().await;
    let workers = held.refuse_writes();
    held.fixture.clock.set(noon() + 5 * HOUR);
    held.pass_until(5 * MINUTE, |_| false).await;
    assert!(held.has_access(), "the hook has deferred the end");
    held.fixture.clock.set(noon());
    // Four deferrals of 15 minutes at most, then the hook is overruled.
    let longer = held.pass_until(5 * HOUR, |held| !held.has_access()).await;
    assert!(longer <= HOUR + 15 * MINUTE + NOTICED, "{longer:?}");
    held.ends_on_record(workers).await;
}

/// The retry was computed in memory from a clock that was ahead.
#[tokio::test]
async fn revocation_in_memory_does_not_wait_longer_when_the_clock_goes_back() {
    let held = Held::new().await;
    held.fixture.strategy.fail_revocations(12);
    let workers = held.refuse_writes();
    held.fixture.clock.set(noon() + 5 * HOUR);
    held.pass_until(3 * HOUR, |held| held.fixture.revocations() == 11).await;
    held.fixture.clock.set(noon());
    for attempts in [12, 13] {
        let waited = held.pass_until(HOUR, |held| held.fixture.revocations() == attempts).await;
        assert!(waited <= LONGEST_DELAY + NOTICED, "attempt {attempts} after {waited:?}");
    }
    assert!(!held.has_access());
    held.ends_on_record(workers).await;
}

/// The retry is in the store, computed from a clock that was ahead, and the store takes no writes when the clock goes back.
#[tokio::test]
async fn stored_revocation_does_not_wait_longer_when_the_clock_goes_back() {
    let held = Held::new().await;
    held.fixture.strategy.fail_revocations(1);
    held.fixture.clock.set(noon() + 5 * HOUR);
    held.runtime.run_until_idle().await.unwrap();
    assert_eq!(held.fixture.revocations(), 1);
    let workers = held.refuse_writes();
    held.fixture.let_workers_run().await;
    held.fixture.clock.set(noon());
    let waited = held.pass_until(HOUR, |held| !held.has_access()).await;
    assert!(waited <= NOTICED, "{waited:?}, and it was to be retried within a second");
    held.ends_on_record(workers).await;
}

/// The simulation found this, in world 204003: a revocation that was due, and could not be begun, was to wait for another quarter of an
/// hour each time the clock went back.
#[tokio::test]
async fn stored_revocation_does_not_wait_longer_however_often_the_clock_goes_back() {
    let held = Held::new().await;
    held.store.set_behavior(Behavior::RefusesWritesAndHolders);
    let workers = held.runtime.start(WorkerLimits::default());
    held.pass_until(HOUR + 10 * MINUTE, |_| false).await;
    assert_eq!(held.fixture.revocations(), 0, "it cannot be begun");
    for _ in 0..4 {
        held.fixture.clock.set(held.fixture.clock.now() - HOUR);
        held.pass_until(10 * MINUTE, |_| false).await;
    }
    held.fixture.clock.set(held.fixture.clock.now() - HOUR);
    held.store.set_behavior(Behavior::RefusesWrites);
    let waited = held.pass_until(HOUR, |held| !held.has_access()).await;
    assert!(waited <= NOTICED, "{waited:?}");
    held.ends_on_record(workers).await;
}

/// The retries are in memory, and a quarter of an hour apart.
#[tokio::test]
async fn revocation_in_memory_does_not_wait_longer_however_often_the_clock_goes_back() {
    let held = Held::new().await;
    held.fixture.strategy.fail_revocations(11);
    let workers = held.refuse_writes();
    held.pass_until(5 * HOUR, |held| held.fixture.revocations() == 11).await;
    let mut waited = Duration::ZERO;
    while held.has_access() && waited < 2 * HOUR {
        held.fixture.clock.set(held.fixture.clock.now() - HOUR);
        waited += held.pass_until(10 * MINUTE, |held| !held.has_access()).await;
    }
    assert!(waited <= LONGEST_DELAY + NOTICED, "{waited:?}");
    held.ends_on_record(workers).await;
}

/// The process keeps the lease of a revocation that could not be begun, and tries it again under that.
#[tokio::test]
async fn leased_revocation_does_not_wait_longer_when_the_clock_goes_back() {
    let held = Held::new().await;
    held.store.set_behavior(Behavior::RefusesReleasesAndHolders);
    let workers = held.runtime.start(WorkerLimits::default());
    held.pass_until(HOUR + MINUTE, |_| false).await;
    assert_eq!(held.fixture.revocations(), 0, "it cannot be begun");
    held.fixture.clock.set(held.fixture.clock.now() - 5 * HOUR);
    held.pass_until(MINUTE, |_| false).await;
    held.store.set_behavior(Behavior::Works);
    let waited = held.pass_until(HOUR, |held| !held.has_access()).await;
    assert!(waited <= NOTICED, "{waited:?}");
    held.ends_on_record(workers).await;
}

/// The simulation found this, in world 53708: a claim that the store was asked for before the clock went back took effect after due times
/// were clamped for the last time, and its lease lasted for as much longer as the clock went back.
#[tokio::test]
async fn a_claim_that_takes_effect_late_does_not_prolong_access_when_the_clock_went_back() {
    let held = Held::new().await;
    held.fixture.strategy.fail_revocations(1);
    held.fixture.clock.set(noon() + 5 * HOUR);
    held.runtime.run_until_idle().await.unwrap();
    assert_eq!(held.fixture.revocations(), 1);
    held.fixture.clock.advance(MINUTE);
    held.store.set_behavior(Behavior::ClaimsWait);
    let workers = held.runtime.start(WorkerLimits::default());
    held.pass_until(2 * MINUTE, |_| false).await;
    held.fixture.clock.set(noon());
    held.pass_until(20 * MINUTE, |_| false).await;
    held.store.set_behavior(Behavior::ClaimsLateAfterClamping);
    held.pass_until(20 * SECOND, |_| false).await;
    held.store.set_behavior(Behavior::Works);
    assert!(held.has_access(), "it cannot be taken away so far");
    let waited = held.pass_until(5 * HOUR, |held| !held.has_access()).await;
    assert!(waited <= LONGEST_DELAY + NOTICED, "{waited:?}");
    held.ends_on_record(workers).await;
}

/// Nothing else is due that would tell workers that the store works again.
#[tokio::test]
async fn kept_inputs_are_written_soon_when_the_clock_went_back() {
    let held = Held::new().await;
    let workers = held.refuse_writes();
    held.fixture.clock.set(noon() + 5 * HOUR);
    held.pass_until(10 * MINUTE, |held| !held.has_access()).await;
    held.fixture.clock.set(noon());
    held.fixture.let_workers_run().await;
    held.store.set_behavior(Behavior::Works);
    for _ in 0..3 {
        held.fixture.clock.advance(MINUTE);
        held.fixture.let_workers_run().await;
    }
    assert_eq!(status(&held.runtime, held.run).await, RunStatus::Deescalated);
    workers.shutdown(GRACE).await;
}

/// Whatever the clock does, and however often workers are woken meanwhile.
#[tokio::test]
async fn workers_pause_between_attempts_while_the_store_takes_no_writes() {
    for jump in [noon(), noon() + 5 * HOUR, back_from_noon(5 * HOUR)] {
        let held = Held::new().await;
        held.fixture.strategy.fail_revocations(1_000);
        let workers = held.refuse_writes();
        held.fixture.let_workers_run().await;
        held.fixture.clock.set(jump);
        held.fixture.clock.advance(MINUTE);
        held.fixture.let_workers_run().await;
        held.store.take_calls();
        let begun = held.fixture.clock.now();
        advance_until(&held.fixture, "some time", || held.fixture.clock.now() > begun + 10 * SECOND).await;
        let calls = held.store.take_calls().len();
        assert!(calls < 400, "{calls} calls to the store within ten seconds, after {jump}");
        // Time stands still.
        held.fixture.let_workers_run().await;
        let calls = held.store.take_calls().len();
        assert!(calls < 40, "{calls} calls to the store at one time, after {jump}");
        drop(workers);
    }
}

/// A revocation that cannot be begun, because the other holders of the access cannot be read: it is due all the time, and one worker is
/// enough for the lane to look again at once.
#[tokio::test]
async fn a_revocation_that_cannot_be_begun_is_not_tried_in_a_loop() {
    let held = Held::new().await;
    held.store.set_behavior(Behavior::RefusesWritesAndHolders);
    let mut limits = WorkerLimits::default();
    limits.revoke = 1;
    let workers = held.runtime.start(limits);
    held.fixture.clock.advance(2 * HOUR);
    held.pass_until(2 * MINUTE, |_| false).await;
    let attempts = || held.store.take_calls().into_iter().filter(|call| *call == "holders").count();
    attempts();
    let begun = held.fixture.clock.now();
    advance_until(&held.fixture, "some time", || held.fixture.clock.now() > begun + 10 * SECOND).await;
    let attempted = attempts();
    assert!((2..30).contains(&attempted), "{attempted} attempts within ten seconds");
    held.fixture.let_workers_run().await;
    let attempted = attempts();
    assert!(attempted < 3, "{attempted} attempts at one time");
    held.store.set_behavior(Behavior::RefusesWrites);
    held.pass_until(10 * MINUTE, |held| !held.has_access()).await;
    assert!(!held.has_access());
    held.ends_on_record(workers).await;
}
