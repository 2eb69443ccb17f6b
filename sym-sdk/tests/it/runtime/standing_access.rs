//! Access that the requester has before the request: it stays when the request ends, and the requester is told so.

use std::time::Duration;

use expect_test::expect;
use sym_sdk::audit::AuditKind;
use sym_sdk::model::{AccessTarget, RunId};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Limits, Reconcile};
use sym_sdk::testing::{Harness, RecordingStrategy};

use super::{HOUR, MINUTE, plain, with_alerts};

async fn harness() -> Harness {
    let builder = with_alerts(Harness::builder().access_flow("prod", ["admins"])).admin("ada@example.com");
    builder.handlers(plain()).build().await.unwrap()
}

fn strategy(harness: &Harness) -> &RecordingStrategy {
    harness.strategy("test").unwrap()
}

fn target(harness: &Harness) -> AccessTarget {
    let flow = harness.runtime().flow("prod").unwrap();
    flow.strategy().unwrap().targets()[0].clone()
}

async fn granted(harness: &mut Harness) -> RunId {
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    run
}

async fn has(harness: &Harness, run: RunId, wanted: impl Fn(&AuditKind) -> bool) -> bool {
    harness.runtime().audit(Some(run), usize::MAX).await.unwrap().iter().any(|entry| wanted(&entry.kind))
}

/// W7.
#[tokio::test]
async fn standing_access_stays_when_the_request_ends() {
    let mut harness = harness().await;
    strategy(&harness).grant_externally(&target(&harness), "ana@example.com");
    let run = granted(&mut harness).await;
    harness.advance(2 * HOUR).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    assert_eq!(harness.granted(), ["admins: ana@example.com"], "it is as it was found");
    assert!(has(&harness, run, |kind| matches!(kind, AuditKind::StandingAccess { .. })).await);
    assert!(has(&harness, run, |kind| matches!(kind, AuditKind::StandingAccessKept { .. })).await);
    let texts: Vec<_> = harness.delivery().messages().into_iter().map(|(_, text)| text).collect();
    expect![[r#"
        [
            "ben@example.com approved your request for prod",
            "You had access to admins before your request was approved, and you keep it when the request ends",
            "Your request for prod has ended. You keep your access to admins, which you had before",
        ]
    "#]]
    .assert_debug_eq(&texts);
    // The next request within a short time finds it standing as well.
    granted(&mut harness).await;
    harness.advance(2 * HOUR).await.unwrap();
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);
}

#[tokio::test]
async fn standing_access_stays_when_it_is_revoked_early() {
    let mut harness = harness().await;
    strategy(&harness).grant_externally(&target(&harness), "ana@example.com");
    let run = granted(&mut harness).await;
    harness.revoke_as(run, "ada@example.com").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);
}

/// However many requests the requester has made since, and however many Runs were pruned.
#[tokio::test]
async fn access_that_was_written_off_long_ago_is_not_standing() {
    let builder = with_alerts(Harness::builder().access_flow("prod", ["admins"])).admin("ada@example.com");
    let limits = Limits {
        requests_per_minute: usize::MAX,
        requests_per_hour: usize::MAX,
        open_requests: usize::MAX,
        ..Limits::default()
    };
    let mut harness = builder.handlers(plain()).limits(limits).build().await.unwrap();
    let run = granted(&mut harness).await;
    strategy(&harness).fail_revocations(3);
    harness.advance(HOUR).await.unwrap();
    harness.write_off_as(run, "ada@example.com", "removed by hand").await.unwrap();
    for _ in 0..250 {
        let later = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
        harness.deny_as(later, "ben@example.com").await.unwrap();
    }
    harness.advance(HOUR).await.unwrap();
    assert_eq!(harness.granted(), ["admins: ana@example.com"], "it was never removed");
    assert_eq!(harness.runtime().prune(Duration::ZERO).await.unwrap(), 250, "all but the one that was written off");
    let again = granted(&mut harness).await;
    assert!(!has(&harness, again, |kind| matches!(kind, AuditKind::StandingAccess { .. })).await);
}

#[tokio::test]
async fn two_requests_of_somebody_with_standing_access_leave_it() {
    let mut harness = harness().await;
    strategy(&harness).grant_externally(&target(&harness), "ana@example.com");
    let first = granted(&mut harness).await;
    harness.advance(30 * MINUTE).await.unwrap();
    let second = granted(&mut harness).await;
    harness.advance(2 * HOUR).await.unwrap();
    for run in [first, second] {
        assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    }
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);
}

/// Access that another request gives is not standing.
#[tokio::test]
async fn access_of_another_request_ends_with_the_last() {
    let mut harness = harness().await;
    granted(&mut harness).await;
    harness.advance(30 * MINUTE).await.unwrap();
    let second = granted(&mut harness).await;
    assert!(!has(&harness, second, |kind| matches!(kind, AuditKind::StandingAccess { .. })).await);
    harness.advance(2 * HOUR).await.unwrap();
    assert!(harness.granted().is_empty());
}

/// The first access is still there when the second is requested.
#[tokio::test]
async fn access_whose_revocation_fails_is_not_standing() {
    let mut harness = harness().await;
    granted(&mut harness).await;
    strategy(&harness).fail_revocations(8);
    harness.advance(HOUR).await.unwrap();
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);
    granted(&mut harness).await;
    harness.advance(3 * HOUR).await.unwrap();
    assert!(harness.granted().is_empty());
}

#[tokio::test]
async fn access_that_was_written_off_is_not_standing() {
    let mut harness = harness().await;
    let run = granted(&mut harness).await;
    strategy(&harness).fail_revocations(5);
    harness.advance(HOUR + Duration::from_secs(5)).await.unwrap();
    harness.write_off_as(run, "ada@example.com", "removed by hand").await.unwrap();
    harness.advance(Duration::from_secs(24 * 60 * 60)).await.unwrap();
    granted(&mut harness).await;
    harness.advance(2 * HOUR).await.unwrap();
    assert!(harness.granted().is_empty());
}

/// Somebody has taken the standing access away, and the request has given it again.
#[tokio::test]
async fn access_that_was_granted_again_is_not_standing() {
    let mut harness = harness().await;
    strategy(&harness).grant_externally(&target(&harness), "ana@example.com");
    granted(&mut harness).await;
    strategy(&harness).revoke_externally(&target(&harness), "ana@example.com");
    harness.runtime().reconcile(Reconcile::new().regrant_missing()).await.unwrap();
    harness.advance(MINUTE).await.unwrap();
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);
    harness.advance(HOUR).await.unwrap();
    assert!(harness.granted().is_empty());
}

/// Tests that the first request neither keeps it nor has the second leave it.
#[tokio::test]
async fn access_that_is_requested_again_after_it_was_lost_is_not_standing() {
    let mut harness = harness().await;
    strategy(&harness).grant_externally(&target(&harness), "ana@example.com");
    let first = granted(&mut harness).await;
    strategy(&harness).revoke_externally(&target(&harness), "ana@example.com");
    let second = harness.request("prod").by("ana@example.com").duration("10m").await.unwrap();
    harness.approve_as(second, "ben@example.com").await.unwrap();
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);
    harness.advance(10 * MINUTE).await.unwrap();
    assert_eq!(harness.status(first).await.unwrap(), RunStatus::Escalated);
    assert!(harness.granted().is_empty(), "the first request does not give it");
    harness.advance(2 * HOUR).await.unwrap();
    assert!(harness.granted().is_empty());
}

/// The settle window follows a grant that was asked for, and none was.
#[tokio::test]
async fn standing_access_is_neither_granted_nor_revoked() {
    let mut harness = harness().await;
    strategy(&harness).grant_externally(&target(&harness), "ana@example.com");
    strategy(&harness).fail_grants(8);
    strategy(&harness).fail_revocations(8);
    let run = granted(&mut harness).await;
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Escalated);
    harness.advance(HOUR).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    assert_eq!(strategy(&harness).calls(), []);
}

#[hook]
fn after_escalate(output: StepOutput<serde_json::Value>) {
    assert!(output.is_object());
}

/// The steps have no output, because the strategy is not called.
#[tokio::test]
async fn hooks_that_take_the_output_are_not_called_for_standing_access() {
    let handlers = plain().merge(sym_sdk::handlers![after_escalate]);
    let mut harness = Harness::builder().access_flow("prod", ["admins"]).handlers(handlers).build().await.unwrap();
    strategy(&harness).grant_externally(&target(&harness), "ana@example.com");
    let run = granted(&mut harness).await;
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Escalated);
    harness.advance(2 * HOUR).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
}

/// In doubt, access ends. It is revoked again within the settle window.
#[tokio::test]
async fn access_with_an_unknown_grant_ends_if_it_is_not_known_whether_it_was_standing() {
    let mut harness = harness().await;
    strategy(&harness).grant_externally(&target(&harness), "ana@example.com");
    strategy(&harness).fail_listings(1);
    strategy(&harness).time_out_grant();
    let run = granted(&mut harness).await;
    harness.revoke_as(run, "ada@example.com").await.unwrap();
    strategy(&harness).land_late_grants();
    harness.advance(2 * HOUR).await.unwrap();
    assert!(harness.granted().is_empty());
    assert!(has(&harness, run, |kind| matches!(kind, AuditKind::RevokedProvisionally { .. })).await);
}

/// In doubt, access ends.
#[tokio::test]
async fn access_ends_if_it_is_not_known_whether_it_was_standing() {
    let mut harness = harness().await;
    strategy(&harness).grant_externally(&target(&harness), "ana@example.com");
    strategy(&harness).fail_listings(1);
    granted(&mut harness).await;
    harness.advance(2 * HOUR).await.unwrap();
    assert!(harness.granted().is_empty());
}
