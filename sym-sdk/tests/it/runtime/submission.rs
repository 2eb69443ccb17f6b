//! The same submission twice is one submission.

use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::prelude::*;
use sym_sdk::runtime::Limits;
use sym_sdk::testing::Harness;

use super::plain;

async fn harness() -> Harness {
    Harness::builder().access_flow("prod", ["admins"]).handlers(plain()).build().await.unwrap()
}

#[tokio::test]
async fn a_request_with_the_same_key_is_one_run() {
    let mut harness = harness().await;
    let first = harness.request("prod").by("ana@example.com").duration("1h").key("slack:trigger-1").await.unwrap();
    let lines = harness.timeline().entries().len();
    let again = harness.request("prod").by("ana@example.com").duration("1h").key("slack:trigger-1").await.unwrap();
    assert_eq!(again, first);
    assert_eq!(harness.timeline().entries().len(), lines, "nothing has happened");
    assert_eq!(harness.runtime().runs(Default::default(), 10).await.unwrap().len(), 1);

    let other = harness.request("prod").by("ana@example.com").duration("1h").key("slack:trigger-2").await.unwrap();
    assert_ne!(other, first);
}

/// Also when the world has moved on meanwhile: the answer is the first one.
#[tokio::test]
async fn a_decision_with_the_same_key_is_answered_as_the_first_time() {
    let mut harness = harness().await;
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").key("slack:click-1").await.unwrap();
    harness.run_to_end().await.unwrap();
    let lines = harness.timeline().entries().len();
    harness.approve_as(run, "ben@example.com").key("slack:click-1").await.unwrap();
    assert_eq!(harness.timeline().entries().len(), lines);
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    harness.approve_as(run, "ben@example.com").key("slack:click-2").await.unwrap_err();
}

#[tokio::test]
async fn a_refusal_with_the_same_key_stays_a_refusal() {
    let mut harness = harness().await;
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    let first = harness.approve_as(run, "ana@example.com").key("slack:click-1").await.unwrap_err();
    let lines = harness.timeline().entries().len();
    let again = harness.approve_as(run, "ana@example.com").key("slack:click-1").await.unwrap_err();
    assert_eq!(again.to_string(), first.to_string());
    assert_eq!(harness.timeline().entries().len(), lines, "it is on the record once");
}

/// An accepted submission stays accepted: repeating it, for example after a timeout, returns the same receipt.
#[tokio::test]
async fn a_request_is_answered_again_though_it_would_be_refused_by_now() {
    let mut harness = harness().await;
    let first = harness.request("prod").by("ana@example.com").duration("1h").key("api:1").await.unwrap();
    let directory = harness.runtime().directory();
    let ana = directory.user_by_email("ana@example.com").await.unwrap().unwrap().id();
    directory.set_role(ana, UserRole::Guest).await.unwrap();
    let again = harness.request("prod").by("ana@example.com").duration("1h").key("api:1").await.unwrap();
    assert_eq!(again, first);
    harness.request("prod").by("ana@example.com").duration("1h").key("api:2").await.unwrap_err();
}

/// Names are unique by type only.
#[tokio::test]
async fn a_name_that_two_targets_share_names_neither() {
    let builder = Harness::builder().access_flow("prod", ["admins"]).declare(|config| {
        let mut other = config.targets[0].clone();
        other.kind = "other".into();
        config.targets.push(other);
        let kind = config.targets[0].kind.clone();
        config.strategies[0].targets = vec![
            sym_sdk::config::Reference::typed(kind, "admins"),
            sym_sdk::config::Reference::typed("other", "admins"),
        ];
    });
    let mut harness = builder.handlers(plain()).build().await.unwrap();
    let refused = harness.request("prod").by("ana@example.com").target("admins").duration("1h").await.unwrap_err();
    let report = refused.report().to_string();
    expect_test::expect![[r#"
        `admins` is not a target of flow `prod` (SymSDK:UNKNOWN_TARGET)
          help: the targets are `sym:access_target:test:admins:latest:af73ea36-aa46-5a0d-84b2-95e9f4661545`, `sym:access_target:other:admins:latest:7671f101-e647-513c-b44a-1615e71a4d61`"#]].assert_eq(&report);
    let target = harness.runtime().flow("prod").unwrap().strategy().unwrap().targets()[1].srn().to_string();
    let run = harness.request("prod").by("ana@example.com").target(target).duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    assert_eq!(harness.run(run).await.unwrap().request.as_ref().unwrap().target.as_ref().unwrap().kind(), "other");
}

/// Safety finding 4: nothing limited a requester. Others, and repeated requests, are not affected.
#[tokio::test]
async fn a_user_who_requests_too_much_is_refused() {
    let limits = Limits { requests_per_minute: 2, ..Limits::default() };
    let builder = Harness::builder().access_flow("prod", ["admins"]).limits(limits);
    let mut harness = builder.handlers(plain()).build().await.unwrap();
    let first = harness.request("prod").by("ana@example.com").duration("1h").key("1").await.unwrap();
    harness.request("prod").by("ana@example.com").duration("1h").key("2").await.unwrap();
    let refused = harness.request("prod").by("ana@example.com").duration("1h").key("3").await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::RateLimited, &codes::TOO_MANY_REQUESTS));
    let again = harness.request("prod").by("ana@example.com").duration("1h").key("1").await.unwrap();
    assert_eq!(again, first);
    harness.request("prod").by("ben@example.com").duration("1h").await.unwrap();
    harness.advance(std::time::Duration::from_secs(61)).await.unwrap();
    harness.request("prod").by("ana@example.com").duration("1h").key("3").await.unwrap();
}

/// A refused action leaves an entry in the audit log, so that a program which repeats one would fill the disk.
#[tokio::test]
async fn a_user_whose_actions_are_refused_too_often_has_to_wait() {
    let limits = Limits { requests_per_minute: 3, ..Limits::default() };
    let builder = Harness::builder().access_flow("prod", ["admins"]).admin("ada@example.com").limits(limits);
    let mut harness = builder.handlers(plain()).build().await.unwrap();
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    for _ in 0..3 {
        let refused = harness.approve_as(run, "ana@example.com").await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Forbidden);
    }
    let recorded = harness.runtime().audit(Some(run), usize::MAX).await.unwrap().len();
    for _ in 0..100 {
        let refused = harness.approve_as(run, "ana@example.com").await.unwrap_err();
        assert_eq!((refused.kind(), refused.code()), (ErrorKind::RateLimited, &codes::TOO_MANY_REQUESTS));
        assert_eq!(refused.message(), "3 actions of ana@example.com were refused within a minute, which is the limit");
    }
    let entries = harness.runtime().audit(Some(run), usize::MAX).await.unwrap().len() - recorded;
    assert!(entries <= 25, "{entries}");
    harness.advance(std::time::Duration::from_secs(61)).await.unwrap();
    let refused = harness.approve_as(run, "ana@example.com").await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Forbidden);
    harness.approve_as(run, "ada@example.com").await.unwrap();
}
