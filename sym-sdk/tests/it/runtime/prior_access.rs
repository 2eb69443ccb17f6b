//! Lesser access that the requester has before the request: the end of the request puts it back.

use std::time::Duration;

use expect_test::expect;
use sym_sdk::audit::AuditKind;
use sym_sdk::model::{AccessTarget, RunId};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Limits, Reconcile};
use sym_sdk::strategy::PriorState;
use sym_sdk::testing::{Harness, RecordingStrategy, StrategyCall};

use super::{HOUR, MINUTE, plain, with_alerts};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn harness() -> Harness {
    let builder = with_alerts(Harness::builder().access_flow("prod", ["admins"])).admin("ada@example.com");
    builder.handlers(plain()).build().await.unwrap()
}

/// With `ana@example.com` as a reader.
async fn reader() -> Harness {
    let harness = harness().await;
    set(&harness, "role=reader");
    harness
}

fn strategy(harness: &Harness) -> RecordingStrategy {
    harness.strategy("test").unwrap().clone()
}

fn target(harness: &Harness) -> AccessTarget {
    let flow = harness.runtime().flow("prod").unwrap();
    flow.strategy().unwrap().targets()[0].clone()
}

fn set(harness: &Harness, state: &str) {
    strategy(harness).set_lesser_access(&target(harness), "ana@example.com", PriorState::new(state).unwrap());
}

/// Returns the lesser access that `ana@example.com` has now.
fn lesser(harness: &Harness) -> Option<String> {
    strategy(harness).lesser_access(&target(harness), "ana@example.com").map(|state| state.as_str().to_owned())
}

async fn granted(harness: &mut Harness) -> RunId {
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    run
}

async fn stored(harness: &Harness, run: RunId) -> Option<String> {
    let state = harness.run(run).await.unwrap();
    state.last_grant().and_then(|grant| grant.prior.as_ref()).map(|prior| prior.as_str().to_owned())
}

/// Returns the prior access that each call got.
fn handed_back(calls: &[StrategyCall]) -> Vec<(bool, Option<&str>)> {
    calls.iter().map(|call| (call.is_grant, call.prior.as_deref())).collect()
}

/// GG02, GH08.
#[tokio::test]
async fn lesser_access_is_raised_and_restored() {
    let mut harness = reader().await;
    let run = granted(&mut harness).await;
    assert_eq!((harness.granted(), lesser(&harness)), (vec!["admins: ana@example.com".to_owned()], None));
    harness.advance(2 * HOUR).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    assert!(harness.granted().is_empty());
    assert_eq!(lesser(&harness).as_deref(), Some("role=reader"));
    assert_eq!(handed_back(&strategy(&harness).calls()), [(true, Some("role=reader")), (false, Some("role=reader"))]);
    let audit = harness.runtime().audit(Some(run), usize::MAX).await.unwrap();
    let found = audit.iter().find_map(|entry| match &entry.kind {
        AuditKind::LesserAccess { prior, .. } => Some(prior.as_str()),
        _ => None,
    });
    assert_eq!(found, Some("role=reader"));
    let restored = |kind: &AuditKind| matches!(kind, AuditKind::Revoked { restored_prior: true, confirmed: true, .. });
    assert!(audit.iter().any(|entry| restored(&entry.kind)));
    let last = harness.delivery().messages().into_iter().next_back().unwrap().1;
    expect!["Your access to admins has ended. You have again what you had before your request"].assert_eq(&last);
}

/// The state is read once, before the grant: a retry would read what the first attempt has left.
#[tokio::test]
async fn each_attempt_gets_what_was_found_before_the_first() {
    let mut harness = reader().await;
    strategy(&harness).fail_grants(2);
    strategy(&harness).fail_revocations(2);
    granted(&mut harness).await;
    harness.advance(3 * HOUR).await.unwrap();
    let calls = strategy(&harness).calls();
    assert_eq!(calls.len(), 6);
    assert!(calls.iter().all(|call| call.prior.as_deref() == Some("role=reader")), "{calls:?}");
    assert_eq!(lesser(&harness).as_deref(), Some("role=reader"));
}

/// A grant that lands after the first revocation is undone by the second, within the settle window.
#[tokio::test]
async fn lesser_access_is_restored_again_after_a_grant_that_lands_late() {
    let mut harness = reader().await;
    for _ in 0..3 {
        strategy(&harness).time_out_grant();
    }
    granted(&mut harness).await;
    harness.advance(MINUTE).await.unwrap();
    assert_eq!(lesser(&harness).as_deref(), Some("role=reader"), "the first revocation follows the failure");
    strategy(&harness).land_late_grants();
    assert_eq!(lesser(&harness), None);
    harness.advance(HOUR).await.unwrap();
    assert!(harness.granted().is_empty());
    assert_eq!(lesser(&harness).as_deref(), Some("role=reader"));
}

/// The second request finds what the first one gives, and must not take it for what was there before.
#[tokio::test]
async fn the_last_of_two_requests_restores_what_the_first_has_found() {
    let mut harness = reader().await;
    granted(&mut harness).await;
    harness.advance(30 * MINUTE).await.unwrap();
    let second = granted(&mut harness).await;
    assert_eq!(stored(&harness, second).await.as_deref(), Some("role=reader"));
    harness.advance(30 * MINUTE).await.unwrap();
    assert_eq!(harness.granted(), ["admins: ana@example.com"], "the second request still gives it");
    harness.advance(2 * HOUR).await.unwrap();
    assert!(harness.granted().is_empty());
    assert_eq!(lesser(&harness).as_deref(), Some("role=reader"));
}

/// The access that the first request has put back is the requester's own, however short the time since.
#[tokio::test]
async fn a_request_right_after_another_restores_the_same() {
    let mut harness = reader().await;
    for _ in 0..3 {
        let run = granted(&mut harness).await;
        assert_eq!(stored(&harness, run).await.as_deref(), Some("role=reader"));
        harness.advance(HOUR + MINUTE).await.unwrap();
        assert_eq!(lesser(&harness).as_deref(), Some("role=reader"));
    }
}

/// Access that appears right after a request has given some may be a part of that.
#[tokio::test]
async fn lesser_access_that_another_request_may_have_left_is_not_restored() {
    let mut harness = harness().await;
    granted(&mut harness).await;
    harness.advance(HOUR + MINUTE).await.unwrap();
    set(&harness, "role=reader");
    let run = granted(&mut harness).await;
    assert_eq!(stored(&harness, run).await, None);
    harness.advance(2 * HOUR).await.unwrap();
    assert_eq!(lesser(&harness), None);
}

/// It is the requester's own once the earlier request ended long ago.
#[tokio::test]
async fn lesser_access_long_after_another_request_is_restored() {
    let mut harness = harness().await;
    granted(&mut harness).await;
    harness.advance(DAY).await.unwrap();
    set(&harness, "role=reader");
    granted(&mut harness).await;
    harness.advance(2 * HOUR).await.unwrap();
    assert_eq!(lesser(&harness).as_deref(), Some("role=reader"));
}

/// Somebody has changed the role while the request gave access: it is not known which one is right.
#[tokio::test]
async fn a_role_that_changed_since_the_first_request_is_not_restored() {
    let mut harness = reader().await;
    granted(&mut harness).await;
    harness.advance(HOUR + MINUTE).await.unwrap();
    set(&harness, "role=triage");
    let run = granted(&mut harness).await;
    assert_eq!(stored(&harness, run).await, None);
}

/// In doubt, all access ends.
#[tokio::test]
async fn nothing_is_restored_if_the_target_could_not_be_read() {
    let mut harness = reader().await;
    strategy(&harness).fail_listings(1);
    let run = granted(&mut harness).await;
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Escalated);
    harness.advance(2 * HOUR).await.unwrap();
    assert_eq!((harness.granted(), lesser(&harness)), (vec![], None));
}

#[tokio::test]
async fn nothing_is_restored_if_a_revocation_was_written_off() {
    let mut harness = reader().await;
    let run = granted(&mut harness).await;
    strategy(&harness).fail_revocations(5);
    harness.advance(HOUR + Duration::from_secs(5)).await.unwrap();
    harness.write_off_as(run, "ada@example.com", "removed by hand").await.unwrap();
    harness.advance(DAY).await.unwrap();
    granted(&mut harness).await;
    harness.advance(2 * HOUR).await.unwrap();
    assert_eq!((harness.granted(), lesser(&harness)), (vec![], None), "the first access was never removed");
}

/// Whoever took the access away may have meant all of it.
#[tokio::test]
async fn access_that_was_granted_again_ends_altogether() {
    let mut harness = reader().await;
    let run = granted(&mut harness).await;
    strategy(&harness).revoke_externally(&target(&harness), "ana@example.com");
    harness.runtime().reconcile(Reconcile::new().regrant_missing()).await.unwrap();
    harness.advance(MINUTE).await.unwrap();
    assert_eq!(stored(&harness, run).await, None);
    harness.advance(HOUR).await.unwrap();
    assert_eq!((harness.granted(), lesser(&harness)), (vec![], None));
}

/// A revocation that leaves more than there was before has failed.
#[tokio::test]
async fn a_restoration_is_read_back() {
    let mut harness = reader().await;
    let run = granted(&mut harness).await;
    strategy(&harness).ignore_revocations(1);
    harness.advance(HOUR).await.unwrap();
    let audit = harness.runtime().audit(Some(run), usize::MAX).await.unwrap();
    assert!(audit.iter().any(|entry| matches!(entry.kind, AuditKind::RevokeFailed { .. })));
    harness.advance(MINUTE).await.unwrap();
    assert_eq!(lesser(&harness).as_deref(), Some("role=reader"));
}

/// More Runs than are looked at may account for it.
#[tokio::test]
async fn nothing_is_restored_for_somebody_with_very_many_failed_requests() {
    let builder = with_alerts(Harness::builder().access_flow("prod", ["admins"])).admin("ada@example.com");
    let limits = Limits {
        requests_per_minute: usize::MAX,
        requests_per_hour: usize::MAX,
        open_requests: usize::MAX,
        ..Limits::default()
    };
    let mut harness = builder.handlers(plain()).limits(limits).build().await.unwrap();
    for _ in 0..200 {
        strategy(&harness).fail_grant_permanently();
        granted(&mut harness).await;
    }
    harness.advance(DAY).await.unwrap();
    set(&harness, "role=reader");
    let run = granted(&mut harness).await;
    assert_eq!(stored(&harness, run).await, None);
}

#[tokio::test]
async fn strategies_are_told_the_end_of_the_access() {
    let mut harness = harness().await;
    let run = granted(&mut harness).await;
    let until = harness.run(run).await.unwrap().access.grant().unwrap().until;
    assert!(until.is_some());
    harness.advance(2 * HOUR).await.unwrap();
    let calls = strategy(&harness).calls();
    assert_eq!(calls.iter().map(|call| call.ends_at).collect::<Vec<_>>(), [until, until]);
}

#[test]
fn a_state_that_is_too_long_to_be_stored_is_refused() {
    assert_eq!(PriorState::new("x".repeat(1024)).unwrap().as_str().len(), 1024);
    let error = PriorState::new("x".repeat(1025)).unwrap_err();
    expect!["the state of the access before the grant has 1025 bytes, and at most 1024 are stored"]
        .assert_eq(error.message());
}
