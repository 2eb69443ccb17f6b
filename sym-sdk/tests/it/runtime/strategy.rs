//! Strategies that fail, hang and report errors.

use std::time::Duration;

use expect_test::expect;
use serde_json::json;
use sym_sdk::handlers;
use sym_sdk::integration::Outbox;
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

use super::{GRACE, HOUR, MINUTE, plain, with_alerts};

async fn harness() -> Harness {
    let builder = with_alerts(Harness::builder().access_flow("prod", ["admins"]));
    builder.handlers(plain()).idle_timeout(GRACE).build().await.unwrap()
}

async fn approved(harness: &mut Harness) -> sym_sdk::model::RunId {
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    run
}

#[tokio::test]
async fn a_grant_that_fails_twice_is_tried_again() {
    let mut harness = harness().await;
    harness.strategy("test").unwrap().fail_grants(2);
    let run = approved(&mut harness).await;
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Approved);
    harness.advance(MINUTE).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Escalated);
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);
    harness.advance(HOUR).await.unwrap();
    assert!(harness.granted().is_empty());
    let golden = harness.golden(run);
    expect![[r#"
        escalate         by           ben@example.com (automatic)
                                   identity     ana@example.com
                                   not granted  admins, attempt 1: the service is down (HTTP:ERROR_RESPONSE); retrying at 12:00:01
        12:00:00  approve          messaged     ana@example.com: “ben@example.com approved your request for prod”
        12:00:01  escalate         not granted  admins, attempt 2: the service is down (HTTP:ERROR_RESPONSE); retrying at 12:00:05
        12:00:05                   granted      admins to ana@example.com until 13:00:00
                                   status       escalated
                                   messaged     ana@example.com: “You have access to admins until 2024-02-29 13:00:00 UTC”
        12:45:00  approve          messaged     ana@example.com: “Your access to admins ends at 2024-02-29 13:00:00 UTC. If you need it for longe…”
        13:00:00  deescalate       by           ben@example.com (expired)
                                   revoked      admins from ana@example.com
                                   status       deescalated
                                   messaged     ana@example.com: “Your access to admins has ended”

        prod: deescalated
    "#]].assert_eq(&golden[golden.find("escalate").unwrap()..]);
}

#[tokio::test]
async fn a_grant_that_keeps_failing_fails_the_run_and_leaves_nothing() {
    let mut harness = harness().await;
    harness.strategy("test").unwrap().fail_grants(3);
    let run = approved(&mut harness).await;
    harness.run_to_end().await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Errored);
    assert!(harness.granted().is_empty());
    let calls: Vec<_> = harness.strategy("test").unwrap().calls().iter().map(|call| call.is_grant).collect();
    assert_eq!(calls, [true, true, true, false, false], "whatever a failed grant left, or leaves later, is taken away");
}

#[tokio::test]
async fn a_grant_that_is_refused_is_not_tried_again() {
    let mut harness = harness().await;
    harness.strategy("test").unwrap().fail_grant_permanently();
    let run = approved(&mut harness).await;
    harness.run_to_end().await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Errored);
    let calls: Vec<_> = harness.strategy("test").unwrap().calls().iter().map(|call| call.is_grant).collect();
    assert_eq!(calls, [true, false]);
}

/// The service granted access, and its answer never came: the attempt is repeated under the limit, and the access ends.
#[tokio::test]
async fn a_grant_that_hangs_is_tried_again_after_its_limit() {
    let mut harness = harness().await;
    harness.strategy("test").unwrap().hang_grant();
    let run = approved(&mut harness).await;
    harness.advance(MINUTE).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Escalated);
    let golden = harness.golden(run);
    expect!["12:01:00                   not granted  admins, attempt 1: the strategy took longer than its limit of 60s (SymSDK:HANDLER_TIMED_OUT); retrying at 12:01:01"].assert_eq(golden.lines().find(|line| line.contains("not granted")).unwrap().trim());
    harness.run_to_end().await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    assert!(harness.granted().is_empty());
}

#[tokio::test]
async fn grants_that_all_hang_leave_nothing_behind() {
    let mut harness = harness().await;
    for _ in 0..3 {
        harness.strategy("test").unwrap().hang_grant();
    }
    let run = approved(&mut harness).await;
    harness.run_to_end().await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Errored);
    assert!(harness.granted().is_empty(), "the service granted it, and it was taken away");
}

mod with_output {
    use sym_sdk::integration::Outbox;
    use sym_sdk::prelude::*;

    #[derive(Deserialize)]
    pub(super) struct Account {
        user: String,
    }

    #[hook]
    pub(super) fn after_escalate(event: &Event, account: StepOutput<Account>, outbox: State<Outbox>) {
        let requester = event.requester().map(User::username).unwrap_or_default();
        outbox.record("dm", requester, format!("log in as {}", account.user));
    }
}

#[tokio::test]
async fn handlers_read_what_the_strategy_answered_also_when_it_reports_errors() {
    let outbox = Outbox::new();
    let registry = plain().merge(handlers![with_output::after_escalate]);
    let builder = Harness::builder().access_flow("prod", ["admins"]).handlers(registry);
    let mut harness = builder.state(outbox.clone()).outbox(outbox).build().await.unwrap();
    let strategy = harness.strategy("test").unwrap().clone();
    strategy.set_output(StepOutput(json!({ "user": "tmp-ana" })));
    strategy.reject_grant(["the database is full"]);
    let rejected = approved(&mut harness).await;
    assert_eq!(harness.status(rejected).await.unwrap(), RunStatus::Errored);
    assert_eq!(harness.outbox().sent().len(), 1, "after_escalate saw the output");
    let state = harness.run(rejected).await.unwrap();
    expect!["the strategy reported: the database is full"].assert_eq(&state.error.as_ref().unwrap().message);
    assert_eq!(state.run.step_output(Step::Escalate), Some(&StepOutput(json!({ "user": "tmp-ana" }))));

    let granted = approved(&mut harness).await;
    assert_eq!(harness.status(granted).await.unwrap(), RunStatus::Escalated);
    let sent = harness.outbox().sent();
    assert_eq!(sent.last().unwrap().text, "log in as tmp-ana");
}

#[tokio::test]
async fn a_revocation_is_tried_until_it_succeeds_and_people_are_told_once_a_day() {
    let mut harness = harness().await;
    let run = approved(&mut harness).await;
    harness.strategy("test").unwrap().fail_revocations(150);
    harness.advance(HOUR).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Escalated);
    assert_eq!(harness.delivery().alerts().len(), 1, "the first failure is told at once");
    harness.advance(23 * HOUR).await.unwrap();
    assert_eq!(harness.delivery().alerts().len(), 1);
    harness.run_to_end().await.unwrap();
    assert_eq!(harness.delivery().alerts().len(), 2);
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    assert!(harness.granted().is_empty());
    let last = harness.timeline().entries().iter().rfind(|entry| entry.kind == "not revoked").unwrap();
    expect!["admins, attempt 150: the service is down (HTTP:ERROR_RESPONSE); retrying at 00:17:03"]
        .assert_eq(&last.text);
}

#[tokio::test]
async fn a_revocation_that_hangs_is_tried_again() {
    let mut harness = harness().await;
    let run = approved(&mut harness).await;
    harness.strategy("test").unwrap().hang_revocation();
    harness.advance(HOUR + 2 * MINUTE).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
}

/// Finding 1 of the safety review: a service that is still at work on an attempt can tell that the next one is the same call. A
/// revocation, and the next grant, are other calls.
#[tokio::test]
async fn attempts_of_one_grant_share_their_key() {
    let mut harness = harness().await;
    harness.strategy("test").unwrap().fail_grants(1);
    approved(&mut harness).await;
    harness.advance(HOUR + Duration::from_secs(1)).await.unwrap();
    approved(&mut harness).await;
    let calls = harness.strategy("test").unwrap().calls();
    let [first, second, revoked, next] = &calls[..] else { panic!("{calls:?}") };
    assert_eq!((first.key, first.attempt, second.attempt), (second.key, 1, 2));
    assert!(revoked.key != first.key && next.key != first.key && next.key != revoked.key, "{calls:?}");
}
