//! The same submission twice is one submission.

use sym_sdk::prelude::*;
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
