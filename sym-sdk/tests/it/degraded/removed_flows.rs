//! Flows that are removed while they give access.

use super::*;

/// Finding 7 of safety.
#[tokio::test]
async fn access_of_a_removed_flow_ends_in_time_while_its_strategy_is_declared() {
    let world = World::new();
    let [one, two] = world.with_access().await;
    let refused = world.start_strictly(without_flow()).await.unwrap_err().to_string();
    assert!(refused.contains("flow `one` is no longer declared, but 1 Run of it may still hold access"), "{refused}");
    let runtime = world.start(without_flow()).await;
    runtime.run_until_idle().await.unwrap();
    assert_eq!(unavailable(&runtime), [(UnavailablePart::RemovedFlow, "one".to_owned())]);
    assert!(runtime.blocked_access().is_empty());
    assert_eq!(world.granted(), ["one", "two"], "it is not revoked before its end");
    world.clock.advance(HOUR);
    runtime.run_until_idle().await.unwrap();
    assert!(world.granted().is_empty());
    for run in [one, two] {
        assert_eq!(status(&runtime, run).await, RunStatus::Deescalated);
    }
    assert!(runtime.retry_unavailable().await.is_empty());
    assert!(world.delivery.alerts().is_empty());
}

/// Finding 7 of safety: the requester need not wait for the end.
#[tokio::test]
async fn access_of_a_removed_flow_can_be_revoked_early() {
    let world = World::new();
    let [one, _] = world.with_access().await;
    let runtime = world.start(without_flow()).await;
    runtime.submit(Submission::revoke(one, "ana@example.com")).await.unwrap();
    runtime.run_until_idle().await.unwrap();
    assert_eq!(world.granted(), ["two"]);
}

/// Finding 7 of safety: people hear of it before the access is to end, and again a day later.
#[tokio::test]
async fn access_of_a_removed_strategy_is_listed_and_alerted_at_start() {
    const REASON: &str = "flow `one` is no longer configured, and no strategy works where access to `one` was granted";
    let world = World::new();
    let [one, _] = world.with_access().await;
    for _ in 0..2 {
        let runtime = world.start(without_strategy()).await;
        runtime.run_until_idle().await.unwrap();
        let blocked = runtime.blocked_access();
        assert_eq!(blocked.iter().map(|access| &*access.error.message).collect::<Vec<_>>(), [REASON]);
        assert_eq!((blocked[0].run, &*blocked[0].flow), (one, "one"));
        assert_eq!(stuck(&runtime).await, [one]);
        let alerts: Vec<_> = world.delivery.alerts().into_iter().map(|alert| alert.message).collect();
        assert_eq!(alerts, [REASON], "a restart tells nobody again");
        let entries = runtime.audit(Some(one), usize::MAX).await.unwrap();
        let reported = |kind: &AuditKind| matches!(kind, AuditKind::Reported { error } if error.message == REASON);
        assert_eq!(entries.iter().filter(|entry| reported(&entry.kind)).count(), 1);
    }
    // With the strategy, it can be revoked again.
    let runtime = world.start(without_flow()).await;
    assert!(stuck(&runtime).await.is_empty() && runtime.blocked_access().is_empty());
    assert_eq!(world.granted(), ["one", "two"]);
}

/// Finding 7 of safety.
#[tokio::test]
async fn access_of_a_removed_strategy_is_retried_until_it_is_declared_again() {
    let world = World::new();
    let [one, two] = world.with_access().await;
    world.clock.advance(2 * HOUR);
    let runtime = world.start(without_strategy()).await;
    runtime.run_until_idle().await.unwrap();
    assert_eq!(status(&runtime, two).await, RunStatus::Deescalated);
    assert_eq!(world.granted(), ["one"]);
    world.clock.advance(HOUR);
    runtime.run_until_idle().await.unwrap();
    let entries = runtime.audit(Some(one), usize::MAX).await.unwrap();
    let failed = entries.iter().filter(|entry| matches!(entry.kind, AuditKind::RevokeFailed { .. })).count();
    assert!(failed > 1, "{failed} attempts");
    let runtime = world.start(without_flow()).await;
    world.clock.advance(HOUR);
    runtime.run_until_idle().await.unwrap();
    assert!(world.granted().is_empty());
}

/// Strategies of one account can differ in their settings: none of them is guessed.
#[tokio::test]
async fn no_strategy_is_chosen_among_several_that_do_not_name_the_target() {
    let world = World::new();
    world.with_access().await;
    let mut ambiguous = without_flow();
    ambiguous.targets[0].name = "other".into();
    ambiguous.strategies[0].targets = vec![Reference::typed("test", "other")];
    let mut second = ambiguous.strategies[0].clone();
    second.name = "second".into();
    assert!(world.start(ambiguous.clone()).await.blocked_access().is_empty(), "the only one is taken");
    ambiguous.strategies.push(second);
    assert_eq!(world.start(ambiguous).await.blocked_access().len(), 1);
}
