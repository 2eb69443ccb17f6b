//! Grants whose outcome is unknown: finding 1 of the safety review.

use std::time::Duration;

use sym_sdk::audit::AuditKind;
use sym_sdk::machine::Access;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::testing::{Harness, RecordingStrategy};

use super::{GRACE, HOUR, MINUTE, plain, with_alerts};

/// The settle time of the recording strategy: the default.
const SETTLE_TIME: Duration = Duration::from_secs(15 * 60);

async fn harness() -> Harness {
    let builder = with_alerts(Harness::builder().access_flow("prod", ["admins"]).access_flow("emergency", ["admins"]));
    builder.admin("ada@example.com").handlers(plain()).idle_timeout(GRACE).build().await.unwrap()
}

async fn approved(harness: &mut Harness, flow: &str, duration: &str) -> RunId {
    let run = harness.request(flow).by("ana@example.com").duration(duration).await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    run
}

fn strategy(harness: &Harness) -> &RecordingStrategy {
    harness.strategy("test").unwrap()
}

fn revocations(harness: &Harness) -> usize {
    strategy(harness).calls().iter().filter(|call| !call.is_grant).count()
}

async fn access(harness: &Harness, run: RunId) -> Access {
    harness.runtime().run(run).await.unwrap().state.access.clone()
}

/// A Run all of whose attempts have timed out, and were revoked.
async fn timed_out(harness: &mut Harness) -> RunId {
    (0..3).for_each(|_| strategy(harness).time_out_grant());
    let run = approved(harness, "prod", "1h").await;
    harness.advance(MINUTE).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Errored);
    assert_eq!(revocations(harness), 1, "at once");
    run
}

#[tokio::test]
async fn revokes_access_that_is_granted_after_its_revocation() {
    let mut harness = harness().await;
    let run = timed_out(&mut harness).await;
    strategy(&harness).land_late_grants();
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);
    assert!(matches!(access(&harness, run).await, Access::Revoking { revoked_at: Some(_), .. }));

    harness.advance(SETTLE_TIME).await.unwrap();
    assert!(harness.granted().is_empty());
    assert_eq!(revocations(&harness), 2);
    assert_eq!(access(&harness, run).await, Access::Ended);
    let golden = harness.golden(run);
    let revoked: Vec<_> = golden.lines().filter(|line| line.contains("revoked ")).map(str::trim).collect();
    expect_test::expect![[r#"
        [
            "revoked      admins from ana@example.com; checking again until 12:15:05",
            "12:15:05  deescalate       revoked      admins from ana@example.com",
        ]
    "#]]
    .assert_debug_eq(&revoked);
}

#[tokio::test]
async fn does_not_wait_after_a_refusal() {
    let mut harness = harness().await;
    for refuse in
        [RecordingStrategy::fail_grant_permanently, |strategy: &RecordingStrategy| strategy.reject_grant(["no"])]
    {
        refuse(strategy(&harness));
        let run = approved(&mut harness, "prod", "1h").await;
        assert_eq!(access(&harness, run).await, Access::Ended);
    }
}

/// The first attempt may still take effect, although the second was refused.
#[tokio::test]
async fn waits_after_a_refusal_of_a_later_attempt() {
    let mut harness = harness().await;
    strategy(&harness).time_out_grant();
    strategy(&harness).fail_grant_permanently();
    let run = approved(&mut harness, "prod", "1h").await;
    harness.advance(MINUTE).await.unwrap();
    strategy(&harness).land_late_grants();
    harness.advance(SETTLE_TIME).await.unwrap();
    assert!(harness.granted().is_empty());
    assert_eq!(access(&harness, run).await, Access::Ended);
}

/// Access that was granted by the second attempt ends before the first one can no longer take effect.
#[tokio::test]
async fn waits_after_a_short_access() {
    let mut harness = harness().await;
    strategy(&harness).time_out_grant();
    let run = approved(&mut harness, "prod", "10m").await;
    harness.advance(11 * MINUTE).await.unwrap();
    assert!(harness.granted().is_empty());
    let ended = |harness: &Harness| harness.golden(run).matches("Your access to admins has ended").count();
    assert_eq!(ended(&harness), 1, "the requester hears of it when the access is gone");
    strategy(&harness).land_late_grants();
    harness.advance(SETTLE_TIME).await.unwrap();
    assert!(harness.granted().is_empty());
    assert_eq!((harness.status(run).await.unwrap(), ended(&harness)), (RunStatus::Deescalated, 1));
}

#[tokio::test]
async fn the_second_revocation_leaves_the_access_of_another_run() {
    let mut harness = harness().await;
    let run = timed_out(&mut harness).await;
    let other = approved(&mut harness, "emergency", "1h").await;
    harness.advance(SETTLE_TIME).await.unwrap();
    assert_eq!(access(&harness, run).await, Access::Ended);
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);
    assert_eq!(revocations(&harness), 1);
    let last = harness.runtime().audit(Some(run), usize::MAX).await.unwrap().into_iter().rev();
    let still_needed_by = last.into_iter().find_map(|entry| match entry.kind {
        AuditKind::Revoked { still_needed_by, .. } => Some(still_needed_by),
        _ => None,
    });
    assert_eq!(still_needed_by, Some(1));

    harness.advance(HOUR).await.unwrap();
    assert_eq!(harness.status(other).await.unwrap(), RunStatus::Deescalated);
    assert!(harness.granted().is_empty());
}

#[tokio::test]
async fn a_revocation_by_hand_within_the_window_is_not_the_last() {
    let mut harness = harness().await;
    let run = timed_out(&mut harness).await;
    strategy(&harness).land_late_grants();
    harness.revoke_as(run, "ada@example.com").await.unwrap();
    assert!(harness.granted().is_empty(), "it is revoked now");
    assert!(matches!(access(&harness, run).await, Access::Revoking { revoked_at: Some(_), .. }));
    harness.advance(SETTLE_TIME).await.unwrap();
    assert_eq!(access(&harness, run).await, Access::Ended);
}

#[tokio::test]
async fn an_administrator_can_write_off_the_second_revocation() {
    let mut harness = harness().await;
    let run = timed_out(&mut harness).await;
    harness.write_off_as(run, "ada@example.com", "the account is deleted").await.unwrap();
    assert!(matches!(access(&harness, run).await, Access::WrittenOff(_)));
    let error = harness.runtime().run(run).await.unwrap().state.error.clone().unwrap();
    expect_test::expect!["ada@example.com wrote off further revocations of admins from ana@example.com, who may get the access from a grant whose outcome is unknown: the account is deleted"]
        .assert_eq(&error.message);
    harness.advance(HOUR).await.unwrap();
    assert_eq!(revocations(&harness), 1);
}

#[tokio::test]
async fn access_that_was_revoked_is_not_late() {
    let mut harness = harness().await;
    strategy(&harness).time_out_grant();
    approved(&mut harness, "prod", "10m").await;
    harness.advance(12 * MINUTE).await.unwrap();
    let health = harness.runtime().health().await.unwrap();
    assert_eq!((health.late, health.stuck, health.missing_expiry), (0, 0, 0));
}
