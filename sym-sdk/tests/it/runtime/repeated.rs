//! The same request twice: the second is made all the same, and everybody who sees it knows of the first.

use sym_sdk::handlers;
use sym_sdk::model::RunId;
use sym_sdk::testing::Harness;

use super::{HOUR, get_permissions, get_request_notifications};

async fn harness() -> Harness {
    let builder = Harness::builder().access_flow("prod", ["admins", "readers"]).approval_flow("deploy");
    builder.handlers(handlers![get_permissions, get_request_notifications]).build().await.unwrap()
}

async fn request(harness: &mut Harness, by: &str, target: &str) -> RunId {
    harness.request("prod").by(by).target(target).duration("1h").await.unwrap()
}

/// Returns the messages that say that a request repeats an earlier one.
fn told(harness: &Harness) -> Vec<(String, String)> {
    let mut messages = harness.delivery().messages();
    messages.retain(|(_, text)| text.starts_with("You already have"));
    messages
}

async fn earlier(harness: &Harness, run: RunId) -> Option<RunId> {
    let state = harness.run(run).await.unwrap();
    state.routing.as_ref().unwrap().earlier_request.as_ref().map(|earlier| earlier.run)
}

/// W20.
#[tokio::test]
async fn a_request_that_repeats_an_open_one_says_so() {
    let mut harness = harness().await;
    let first = request(&mut harness, "ana@example.com", "admins").await;
    let second = request(&mut harness, "ana@example.com", "admins").await;
    let text = "You already have an open request for admins. Your new request was sent all the same; withdraw it if you do not need it";
    assert_eq!(told(&harness), [("ana@example.com".to_owned(), text.to_owned())]);
    assert_eq!((earlier(&harness, first).await, earlier(&harness, second).await), (None, Some(first)));
    harness.approve_as(second, "ben@example.com").await.unwrap();
    assert_eq!(harness.granted(), ["admins: ana@example.com"], "it is a request like any other");
}

/// W20.
#[tokio::test]
async fn a_request_for_access_that_another_gives_says_until_when() {
    let mut harness = harness().await;
    let first = request(&mut harness, "ana@example.com", "admins").await;
    harness.approve_as(first, "ben@example.com").await.unwrap();
    let second = request(&mut harness, "ana@example.com", "admins").await;
    assert_eq!(earlier(&harness, second).await, Some(first));
    let [(_, text)] = &told(&harness)[..] else { panic!("one message") };
    assert!(text.starts_with("You already have access to admins until 2024-02-29 13:00:00 UTC. "), "{text}");
}

#[tokio::test]
async fn other_requests_are_no_repetition() {
    let mut harness = harness().await;
    let denied = request(&mut harness, "ana@example.com", "admins").await;
    harness.deny_as(denied, "ben@example.com").await.unwrap();
    let ended = request(&mut harness, "ana@example.com", "admins").await;
    harness.approve_as(ended, "ben@example.com").await.unwrap();
    harness.advance(2 * HOUR).await.unwrap();
    request(&mut harness, "ana@example.com", "admins").await;
    request(&mut harness, "ana@example.com", "readers").await;
    request(&mut harness, "cleo@example.com", "admins").await;
    harness.request("deploy").by("ana@example.com").await.unwrap();
    assert_eq!(told(&harness), []);
    harness.request("deploy").by("ana@example.com").await.unwrap();
    assert_eq!(told(&harness).len(), 1, "the same fields and no target");
}
