//! Secrets that cannot be read.

use super::*;

/// Finding 7 of safety.
#[tokio::test]
async fn an_unreadable_secret_keeps_no_other_access_from_ending() {
    let world = World::new();
    let [one, two] = world.with_access().await;
    world.clock.advance(9 * HOUR);
    world.secrets.lose("one");
    assert!(world.start_strictly(config()).await.is_err(), "a developer sees the fault at once");
    let runtime = world.start(config()).await;
    runtime.run_until_idle().await.unwrap();
    assert_eq!(world.granted(), ["one"], "the access of flow `two` has ended");
    assert_eq!(status(&runtime, two).await, RunStatus::Deescalated);

    assert_eq!(unavailable(&runtime), [(UnavailablePart::Flow, "one".to_owned())]);
    let blocked = runtime.blocked_access();
    assert_eq!(blocked.iter().map(|access| access.run).collect::<Vec<_>>(), [one]);
    assert!(blocked[0].is_overdue(runtime.clock().now()));
    assert!(blocked[0].error.message.contains("secret `one` is locked away"), "{}", blocked[0].error.message);
    assert_eq!(stuck(&runtime).await, [one]);
    assert!(world.delivery.alerts().iter().any(|alert| alert.message.contains("secret `one` is locked away")));
}

/// Finding 7 of safety: each attempt at the revocation reads the secret again.
#[tokio::test]
async fn access_ends_without_a_restart_once_the_secret_is_readable() {
    let world = World::new();
    let [one, _] = world.with_access().await;
    world.clock.advance(2 * HOUR);
    world.secrets.lose("one");
    let runtime = world.start(config()).await;
    runtime.run_until_idle().await.unwrap();
    assert_eq!(stuck(&runtime).await, [one]);
    world.secrets.restore();
    world.clock.advance(HOUR);
    runtime.run_until_idle().await.unwrap();
    assert!(world.granted().is_empty());
    assert_eq!(status(&runtime, one).await, RunStatus::Deescalated);
}

/// Finding 7 of safety.
#[tokio::test]
async fn an_unavailable_flow_refuses_requests_and_the_others_work() {
    let world = World::new();
    let open = request(&world.start_strictly(config()).await.unwrap(), "one").await.unwrap();
    world.secrets.lose("one");
    let runtime = world.start(config()).await;
    runtime.run_until_idle().await.unwrap();

    let refused = request(&runtime, "one").await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Unavailable, &codes::FLOW_UNAVAILABLE));
    assert_eq!(refused.message(), "flow `one` accepts no requests now: parts of it could not be started");
    assert!(refused.hint().is_some());
    assert!(refused.report().to_string().contains("secret `one` is locked away"), "{}", refused.report());
    let prompt = runtime.submit(Submission::prompt("one", "ana@example.com")).await.unwrap_err();
    assert_eq!(prompt.code(), &codes::FLOW_UNAVAILABLE);

    let approved = runtime.submit(Submission::approve(open, "ana@example.com")).await.unwrap_err();
    assert_eq!(approved.code(), &codes::FLOW_UNAVAILABLE);
    assert_eq!(status(&runtime, open).await, RunStatus::Requested, "it waits");
    runtime.submit(Submission::deny(open, "ana@example.com")).await.unwrap();

    let run = request(&runtime, "two").await.unwrap();
    runtime.submit(Submission::approve(run, "ana@example.com")).await.unwrap();
    runtime.run_until_idle().await.unwrap();
    assert_eq!(world.granted(), ["two"]);
}

/// Finding 7 of safety: what was approved before the restart is not granted without everything that the flow needs.
#[tokio::test]
async fn an_unavailable_flow_grants_nothing() {
    let world = World::new();
    let runtime = world.start_strictly(config()).await.unwrap();
    let run = request(&runtime, "one").await.unwrap();
    runtime.submit(Submission::approve(run, "ana@example.com")).await.unwrap();
    world.secrets.lose("one");
    let runtime = world.start(config()).await;
    world.secrets.restore();
    runtime.run_until_idle().await.unwrap();
    assert!(world.granted().is_empty());
    assert_ne!(status(&runtime, run).await, RunStatus::Escalated);
}

/// Finding 7 of safety.
#[tokio::test]
async fn workers_make_a_flow_available_once_its_secret_is_readable() {
    let world = World::new();
    world.secrets.lose("one");
    let runtime = world.start(config()).await;
    assert!(runtime.unavailable()[0].is_retried);
    assert_eq!(runtime.retry_unavailable().await.len(), 1, "nothing has changed");
    let workers = runtime.start(Default::default());
    world.secrets.restore();
    let available = async {
        while !runtime.unavailable().is_empty() {
            world.clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(support::GRACE, available).await.unwrap();
    workers.shutdown(Duration::ZERO).await;
    request(&runtime, "one").await.unwrap();
}

/// Access of a Run whose strategy cannot be built is its Run's all the same, where another flow lists the target.
#[tokio::test]
async fn reconciliation_accounts_for_access_of_an_unavailable_flow() {
    let world = World::new();
    let shared = || {
        let mut config = config();
        for integration in &mut config.integrations {
            integration.external_id = "acme".into();
        }
        config.strategies[1].targets.push(Reference::typed("test", "one"));
        config
    };
    let runtime = world.start_strictly(shared()).await.unwrap();
    let run = request(&runtime, "one").await.unwrap();
    runtime.submit(Submission::approve(run, "ana@example.com")).await.unwrap();
    runtime.run_until_idle().await.unwrap();
    world.secrets.lose("one");
    let runtime = world.start(shared()).await;
    let done = runtime.reconcile(Default::default()).await.unwrap();
    assert!(done.compared >= 1, "flow `two` lists the target: {done:?}");
    assert!(done.extra.is_empty() && done.missing.is_empty(), "{done:?}");
    assert!(done.unknown.iter().any(|unknown| unknown.flow == "one"));
}
