//! The limit on open requests of one user.

use futures_util::future::join_all;
use sym_sdk::audit::AuditKind;
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::runtime::{FlowRequest, Limits, Submission};
use sym_sdk::testing::Harness;

use super::plain;

async fn harness(open_requests: usize) -> Harness {
    let limits = Limits { open_requests, ..Limits::default() };
    Harness::builder().access_flow("prod", ["admins"]).handlers(plain()).limits(limits).build().await.unwrap()
}

fn request(user: &str) -> FlowRequest {
    Submission::request("prod", user).input("duration", "1h")
}

/// Safety finding 4: nothing limited a requester.
#[tokio::test]
async fn a_user_has_a_limited_number_of_open_requests() {
    let mut harness = harness(2).await;
    let first = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    let second = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    let error = harness.runtime().submit(request("ana@example.com")).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, &codes::TOO_MANY_OPEN_REQUESTS));
    assert_eq!(error.message(), "ana@example.com has 2 open requests, and 2 is the limit");
    assert_eq!(error.hint(), Some("wait until one of them is decided, or withdraw one"));
    let form = harness.runtime().submit(Submission::prompt("prod", "ana@example.com")).await.unwrap_err();
    assert_eq!(*form.code(), codes::TOO_MANY_OPEN_REQUESTS, "nobody fills in a form in vain");
    let entries = harness.runtime().audit(None, usize::MAX).await.unwrap();
    let refused = entries.iter().filter(|entry| matches!(entry.kind, AuditKind::SubmissionRefused { .. }));
    assert_eq!(refused.count(), 2, "it is on the record");
    harness.request("prod").by("ben@example.com").duration("1h").await.unwrap();

    // Access that was granted is not open any more, nor is what was denied.
    harness.approve_as(first, "cleo@example.com").await.unwrap();
    harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    harness.deny_as(second, "cleo@example.com").await.unwrap();
    harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    harness.runtime().submit(request("ana@example.com")).await.unwrap_err();
}

/// Each counts the others, although no hook of any has been called.
#[tokio::test]
async fn requests_at_the_same_time_do_not_exceed_the_limit() {
    let harness = harness(3).await;
    let runtime = harness.runtime();
    let made = join_all((0..20).map(|_| runtime.submit(request("ana@example.com")))).await;
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 3);
}

#[test]
fn the_limit_is_20_by_default() {
    assert_eq!(Limits::default().open_requests, 20);
}
