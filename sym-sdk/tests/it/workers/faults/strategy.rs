//! A service that hangs, and one that grants access and reports a failure.

use std::sync::Arc;
use std::time::Duration;

use sym_sdk::clock::Clock;
use sym_sdk::engine::{Claim, SqliteStore, WorkerLimits};
use sym_sdk::error::{Error, ErrorKind, codes};
use sym_sdk::machine::Lane;
use sym_sdk::prelude::*;
use sym_sdk::runtime::Limits;
use sym_sdk::strategy::GrantResult;

use super::super::fixture::Fixture;
use super::super::{GRACE, stores, until};
use super::faulty_store::FaultyStore;
use super::{HOUR, MINUTE, SECOND, advance_until, advance_until_status, request, status, with_service};

const ATTEMPTS: usize = 3;

async fn in_file(dir: &tempfile::TempDir) -> Fixture {
    let store = SqliteStore::open(dir.path().join("runs.db")).await.unwrap();
    Fixture::new(Arc::new(FaultyStore::on_disk(Arc::new(store))))
}

/// The last grant takes effect only after its call has timed out.
#[tokio::test]
async fn grant_that_succeeds_after_its_timeout_is_revoked() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = in_file(&dir).await;
    let strategy = &fixture.strategy;
    for _ in 0..ATTEMPTS {
        strategy.hang_grant();
    }
    // First the service is down, then it hangs.
    strategy.fail_revocations(2);
    let runtime = fixture.builder().build().await.unwrap();
    let workers = runtime.start(WorkerLimits::default());
    let run = request(&runtime, "ana@example.com", "8h").await;
    advance_until(&fixture, "all attempts to grant", || strategy.calls().len() == ATTEMPTS).await;
    let (target, who) = strategy.granted().pop().unwrap();
    strategy.revoke_externally(&target, &who);
    advance_until(&fixture, "the first revocation", || fixture.revocations() == 1).await;
    strategy.grant_externally(&target, &who);
    advance_until(&fixture, "the revocation", || strategy.granted().is_empty()).await;
    advance_until_status(&fixture, &runtime, run, RunStatus::Errored).await;
    assert_eq!(fixture.revocations(), 3);
    workers.shutdown(GRACE).await;
}

#[tokio::test]
async fn hanging_revocation_times_out_and_is_retried_until_it_succeeds() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = in_file(&dir).await;
    let strategy = &fixture.strategy;
    let runtime = fixture.builder().build().await.unwrap();
    let run = fixture.granted(&runtime).await;
    let (target, who) = strategy.granted().pop().unwrap();
    let workers = runtime.start(WorkerLimits::default());
    fixture.clock.advance(HOUR);
    const HANGING: usize = 4;
    for _ in 0..HANGING {
        strategy.hang_revocation();
    }
    for attempt in 1..=HANGING {
        advance_until(&fixture, "a revocation", || fixture.revocations() == attempt).await;
        // The call did not reach the service.
        strategy.grant_externally(&target, &who);
        assert_eq!(status(&runtime, run).await, RunStatus::Escalated);
    }
    advance_until_status(&fixture, &runtime, run, RunStatus::Deescalated).await;
    assert_eq!(fixture.revocations(), HANGING + 1);
    assert!(strategy.granted().is_empty());
    workers.shutdown(GRACE).await;
}

/// Another runtime on the same store stands for another process, which knows the call by its lease alone.
#[tokio::test]
async fn no_call_is_repeated_while_the_longest_is_in_flight() {
    const LONG: Duration = Duration::from_secs(3 * 60 * 60);
    let dir = tempfile::tempdir().unwrap();
    for store in stores(&dir).await {
        let fixture = Fixture::new(store.clone());
        fixture.strategy.hang_grant();
        let build =
            || fixture.builder().limits(Limits { strategy: LONG, store: 10 * MINUTE, ..Limits::default() }).build();
        let (runtime, other) = (build().await.unwrap(), build().await.unwrap());
        request(&runtime, "ana@example.com", "8h").await;
        let workers = runtime.start(WorkerLimits::default());
        until("it hangs", || fixture.strategy.calls().len() == 1).await;
        fixture.clock.advance(LONG - SECOND);
        let lease = Claim::new(Lane::Decide, fixture.clock.now(), Duration::ZERO, 10);
        assert!(store.claim(lease).await.unwrap().is_empty());
        other.run_until_idle().await.unwrap();
        assert_eq!(fixture.strategy.calls().len(), 1);
        fixture.clock.advance(SECOND);
        advance_until(&fixture, "the timeout and the retry", || fixture.strategy.calls().len() == 2).await;
        let calls = fixture.strategy.calls();
        let call = |index: usize| (calls[index].is_grant, calls[index].key, calls[index].attempt);
        assert_ne!(call(0), call(1), "another attempt or the revocation, not an expired lease");
        workers.shutdown(GRACE).await;
    }
}

type Failure = fn() -> sym_sdk::Result<GrantResult>;

/// The responses of a service that has executed a call, and the number of revocations until the Run ends. The last of them begins after
/// the settle window, which passes while the attempts after a lost connection fail.
const FAILURES: [(Failure, usize); 4] = [
    (|| Err(Error::new(ErrorKind::Forbidden, codes::HTTP_ERROR_RESPONSE, "forbidden")), 5),
    (|| Err(Error::new(ErrorKind::Unavailable, codes::HTTP_ERROR_RESPONSE, "the connection was lost")), 5),
    (|| Ok(GrantResult::rejected(["half of it failed".to_owned()])), 5),
    (|| panic!("malformed response"), 6),
];

/// The access is revoked in the end, across a restart.
#[tokio::test]
async fn access_granted_by_a_failed_call_is_revoked() {
    for (failure, revocations) in FAILURES {
        let dir = tempfile::tempdir().unwrap();
        let fixture = in_file(&dir).await;
        fixture.strategy.fail_revocations(4);
        let service = |fixture: &Fixture| {
            with_service(fixture, move |is_grant| if is_grant { failure() } else { Ok(GrantResult::granted()) })
        };
        let runtime = service(&fixture).build().await.unwrap();
        let run = request(&runtime, "ana@example.com", "8h").await;
        for _ in 0..ATTEMPTS {
            runtime.run_until_idle().await.unwrap();
            fixture.clock.advance(5 * SECOND);
        }
        assert_eq!(status(&runtime, run).await, RunStatus::Errored);
        assert_eq!(fixture.strategy.granted().len(), 1, "the service granted it");
        let Fixture { strategy, clock, store } = fixture;
        drop((runtime, store));

        let fixture = Fixture { strategy, clock, ..in_file(&dir).await };
        let runtime = service(&fixture).build().await.unwrap();
        for _ in 0..5 {
            fixture.clock.advance(10 * MINUTE);
            runtime.run_until_idle().await.unwrap();
        }
        assert!(fixture.strategy.granted().is_empty());
        assert_eq!(fixture.revocations(), revocations);
        assert!(!runtime.run(run).await.unwrap().state.may_hold_access());
    }
}
