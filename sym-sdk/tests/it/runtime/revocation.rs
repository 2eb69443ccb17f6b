//! Revocations that do not succeed at once: who hears of it, who can do something about it, and what is taken for success.

use std::time::Duration;

use sym_sdk::audit::AuditKind;
use sym_sdk::engine::RunFilter;
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::testing::{Harness, RecordingStrategy};

use super::{GRACE, HOUR, MINUTE, plain, with_alerts};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn harness() -> Harness {
    let builder = with_alerts(Harness::builder().access_flow("prod", ["admins"])).admin("ada@example.com");
    builder.handlers(plain()).idle_timeout(GRACE).build().await.unwrap()
}

async fn granted(harness: &mut Harness) -> RunId {
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    run
}

fn revocations(harness: &Harness) -> usize {
    strategy(harness).calls().iter().filter(|call| !call.is_grant).count()
}

fn strategy(harness: &Harness) -> &RecordingStrategy {
    harness.strategy("test").unwrap()
}

fn alerts(harness: &Harness) -> usize {
    harness.delivery().alerts().len()
}

async fn stuck(harness: &Harness) -> Vec<RunId> {
    let mut filter = RunFilter::default();
    filter.stuck = true;
    let runs = harness.runtime().runs(filter, 10).await.unwrap();
    runs.iter().map(|run| run.state.run.id()).collect()
}

#[tokio::test]
async fn the_error_destination_hears_of_the_first_failure_and_then_daily() {
    let mut harness = harness().await;
    let run = granted(&mut harness).await;
    strategy(&harness).fail_revocations(1_000);
    harness.advance(HOUR).await.unwrap();
    assert_eq!(alerts(&harness), 1, "of the first failure, at once");
    harness.advance(DAY - HOUR).await.unwrap();
    assert_eq!(alerts(&harness), 1, "not of each");
    for day in 2..=4 {
        harness.advance(DAY).await.unwrap();
        assert_eq!(alerts(&harness), day, "once a day");
    }
    assert!(revocations(&harness) > 4 * 90, "at least every 15 minutes: {}", revocations(&harness));
    assert_eq!(stuck(&harness).await, [run]);
}

#[tokio::test]
async fn a_revoke_by_hand_tries_again_at_once() {
    let mut harness = harness().await;
    let run = granted(&mut harness).await;
    strategy(&harness).fail_revocations(13);
    harness.advance(HOUR + 40 * MINUTE).await.unwrap();
    assert_eq!(stuck(&harness).await, [run]);
    let before = revocations(&harness);

    // Fails once more, and the clock does not move.
    harness.revoke_as(run, "ana@example.com").await.unwrap();
    assert_eq!(revocations(&harness), before + 1);
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);
    harness.revoke_as(run, "ada@example.com").await.unwrap();
    assert_eq!(revocations(&harness), before + 2);
    assert!(harness.granted().is_empty());
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    assert!(stuck(&harness).await.is_empty());

    // The attempts that had been waiting are dropped when their time comes.
    let ended = harness.run(run).await.unwrap();
    harness.advance(DAY).await.unwrap();
    assert_eq!(revocations(&harness), before + 2);
    assert_eq!(harness.run(run).await.unwrap(), ended);
    let retried = harness.timeline().entries().iter().filter(|entry| entry.kind == "retried").count();
    assert_eq!(retried, 2);
}

/// A person who asks anew has access of their own: an attempt left over from before must not take it away.
#[tokio::test]
async fn an_attempt_that_was_overtaken_leaves_the_next_access_alone() {
    let mut harness = harness().await;
    let run = granted(&mut harness).await;
    strategy(&harness).fail_revocations(10);
    harness.advance(HOUR + 15 * MINUTE).await.unwrap();
    assert_eq!(stuck(&harness).await, [run]);
    harness.revoke_as(run, "ada@example.com").await.unwrap();
    assert!(harness.granted().is_empty());
    granted(&mut harness).await;
    harness.advance(30 * MINUTE).await.unwrap();
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);
}

#[tokio::test]
async fn a_write_off_is_for_admins_and_ends_the_run() {
    let mut harness = harness().await;
    let run = granted(&mut harness).await;
    strategy(&harness).fail_revocations(1_000);
    harness.advance(2 * HOUR).await.unwrap();

    let refused = harness.write_off_as(run, "ben@example.com", "gone").await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Forbidden, &codes::NOT_PERMITTED));
    let refused = harness.write_off_as(run, "ada@example.com", "").await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    let refused = harness.write_off_as(run, "ada@example.com", &"x".repeat(100_000)).await.unwrap_err();
    assert_eq!(refused.to_string().split("; ").next(), Some("the reason has 100000 bytes"), "{refused}");
    assert_eq!(stuck(&harness).await, [run]);

    let told = alerts(&harness);
    harness.write_off_as(run, "ada@example.com", "removed in the console").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Errored);
    assert!(stuck(&harness).await.is_empty());
    let alert = harness.delivery().alerts().pop().unwrap();
    assert_eq!((alerts(&harness), alert.code), (told + 1, codes::REVOCATION_WRITTEN_OFF));
    let attempts = revocations(&harness);
    harness.advance(3 * DAY).await.unwrap();
    assert_eq!((revocations(&harness), alerts(&harness)), (attempts, told + 1), "nothing is tried or told any more");
    let audit = harness.runtime().audit(Some(run), usize::MAX).await.unwrap();
    let written_off = audit.iter().find(|entry| matches!(entry.kind, AuditKind::WrittenOff { .. })).unwrap();
    assert_eq!(written_off.event.actor.username(), "ada@example.com");
}

#[tokio::test]
async fn a_revocation_that_only_says_it_succeeded_has_failed() {
    let mut harness = harness().await;
    let run = granted(&mut harness).await;
    strategy(&harness).ignore_revocations(3);
    harness.advance(HOUR).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Escalated);
    assert_eq!(stuck(&harness).await, [run]);
    let alert = harness.delivery().alerts().pop().unwrap();
    assert_eq!(alert.code, codes::ACCESS_STILL_LISTED);
    assert_eq!(alert.message, "ana@example.com still has admins, which the strategy said it had taken away");
    harness.advance(MINUTE).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    assert!(harness.granted().is_empty());
    assert_eq!(confirmed(&harness, run).await, Some(true));
}

/// Whether the end of the access was read back, if it has ended.
async fn confirmed(harness: &Harness, run: RunId) -> Option<bool> {
    let audit = harness.runtime().audit(Some(run), usize::MAX).await.unwrap();
    audit.iter().find_map(|entry| match entry.kind {
        AuditKind::Revoked { confirmed, .. } => Some(confirmed),
        _ => None,
    })
}

#[tokio::test]
async fn a_target_that_cannot_be_read_afterwards_leaves_a_doubt_and_no_access() {
    let mut harness = harness().await;
    let run = granted(&mut harness).await;
    strategy(&harness).fail_listings(1);
    harness.advance(HOUR).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    assert_eq!(revocations(&harness), 1);
    assert_eq!(confirmed(&harness, run).await, Some(false));
    let alert = harness.delivery().alerts().pop().unwrap();
    assert_eq!(alert.code, codes::REVOCATION_NOT_READ_BACK);
    assert_eq!(
        alert.message,
        "admins was taken away from ana@example.com, and whether it is gone could not be read: the service is down"
    );
}

#[tokio::test]
async fn a_service_that_has_no_lists_is_believed() {
    let strategy = RecordingStrategy::new().without_listing();
    let builder = with_alerts(Harness::builder().access_flow("prod", ["admins"])).strategy("test", strategy.clone());
    let mut harness = builder.handlers(plain()).build().await.unwrap();
    let run = granted(&mut harness).await;
    harness.advance(HOUR).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    assert_eq!((alerts(&harness), confirmed(&harness, run).await), (0, Some(false)));
}
