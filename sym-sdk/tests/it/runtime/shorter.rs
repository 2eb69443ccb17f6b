//! Approvals for less time than was asked for, and reasons of denials.

use std::time::Duration;

use sym_sdk::error::codes;
use sym_sdk::handlers;
use sym_sdk::prelude::*;
use sym_sdk::testing::{Harness, HarnessBuilder};

use super::{HOUR, MINUTE, plain};

const ANA: &str = "ana@example.com";
const BEN: &str = "ben@example.com";
const CHO: &str = "cho@example.com";

fn builder() -> HarnessBuilder {
    Harness::builder().access_flow("prod", ["admins"]).handlers(plain())
}

#[tokio::test]
async fn an_approval_can_be_for_less_than_was_asked_for() {
    let mut harness = builder().build().await.unwrap();
    let run = harness.request("prod").duration("1h").await.unwrap();
    let view = harness.runtime().request_view(run).await.unwrap();
    assert_eq!(view.shorter_durations(), [10 * MINUTE, Duration::from_secs(30)]);
    harness.approve_as(run, BEN).for_duration(10 * MINUTE).await.unwrap();
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);
    let messages = harness.delivery().messages();
    assert_eq!(messages[0].1, "ben@example.com approved your request for prod, for 10m instead of 1h");
    harness.advance(10 * MINUTE).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    let audit = harness.runtime().audit(Some(run), 1_000).await.unwrap();
    let durations = |step| audit.iter().rfind(|entry| entry.event.name == step).unwrap().event.duration;
    assert_eq!((durations(Step::Request), durations(Step::Approve)), (Some(HOUR), Some(10 * MINUTE)));
}

#[tokio::test]
async fn an_approval_is_never_for_longer_or_for_what_is_not_offered() {
    let mut harness = builder().build().await.unwrap();
    let run = harness.request("prod").duration("10m").await.unwrap();
    for (duration, message) in [
        (HOUR, "an approval for 1h is longer than the 10m that were asked for"),
        (5 * MINUTE, "flow `prod` does not offer a duration of 5m"),
        (Duration::ZERO, "flow `prod` does not offer a duration of 0s"),
    ] {
        let error = harness.approve_as(run, BEN).for_duration(duration).await.unwrap_err();
        assert_eq!((error.code(), error.message()), (&codes::INVALID_DURATION, message));
    }
    harness.approve_as(run, BEN).for_duration(10 * MINUTE).await.unwrap();
    harness.advance(9 * MINUTE).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Escalated);
}

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin).approvals(2)
}

/// Checks that access that Ben and Cho approve, each for a duration or as it was asked for, ends after ten minutes.
async fn check_ends_after_10_minutes(builder: HarnessBuilder, asked: &str, approvals: [Option<Duration>; 2]) {
    let mut harness = builder.build().await.unwrap();
    let run = harness.request("prod").duration(asked).await.unwrap();
    for (who, duration) in [BEN, CHO].into_iter().zip(approvals) {
        let approval = harness.approve_as(run, who);
        match duration {
            Some(duration) => approval.for_duration(duration).await.unwrap(),
            None => approval.await.unwrap(),
        }
    }
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Escalated, "{approvals:?}");
    harness.advance(10 * MINUTE).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated, "{approvals:?}");
}

#[tokio::test]
async fn the_shortest_of_several_approvals_counts() {
    for approvals in [[Some(10 * MINUTE), None], [None, Some(10 * MINUTE)], [Some(10 * MINUTE), Some(HOUR)]] {
        let builder = Harness::builder().access_flow("prod", ["admins"]);
        let builder = builder.handlers(handlers![get_permissions, super::get_request_notifications]);
        check_ends_after_10_minutes(builder, "1h", approvals).await;
    }
}

/// The duration that a hook chose is what is asked for; an approver still approves for less.
#[tokio::test]
async fn the_shortest_approval_counts_below_a_duration_that_a_hook_chose() {
    #[hook]
    fn on_request(event: &Event) -> Option<NextEvent> {
        (event.duration() != Some(HOUR)).then(|| ApprovalTemplate::request().duration(HOUR))
    }
    for approvals in [[Some(10 * MINUTE), None], [None, Some(10 * MINUTE)]] {
        let builder = Harness::builder().access_flow("prod", ["admins"]);
        let builder = builder.handlers(handlers![get_permissions, super::get_request_notifications, on_request]);
        check_ends_after_10_minutes(builder, "30s", approvals).await;
    }
}

#[tokio::test]
async fn an_extension_can_be_approved_for_less() {
    let mut harness = builder().build().await.unwrap();
    let run = harness.request("prod").duration("1h").await.unwrap();
    harness.approve_as(run, BEN).await.unwrap();
    harness.advance(30 * MINUTE).await.unwrap();
    let until = harness.run(run).await.unwrap().access_until().unwrap();
    let id = harness.extend_as(run, ANA, 10 * MINUTE).await.unwrap();
    let error = harness.approve_as(run, BEN).of_extension(id).for_duration(HOUR).await.unwrap_err();
    assert_eq!(error.message(), "an approval for 1h is longer than the 10m that were asked for");
    harness.approve_as(run, BEN).of_extension(id).for_duration(Duration::from_secs(30)).await.unwrap();
    assert_eq!(harness.run(run).await.unwrap().access_until(), Some(until + Duration::from_secs(30)));
}

#[tokio::test]
async fn a_flow_can_require_a_reason_of_a_denial() {
    let builder = || builder().declare(|config| config.flows[0].params.require_denial_reason = true);
    let mut harness = builder().build().await.unwrap();
    let run = harness.request("prod").duration("1h").await.unwrap();
    let error = harness.deny_as(run, BEN).await.unwrap_err();
    assert_eq!(
        (error.code(), error.message()),
        (&codes::MISSING_ARGUMENT, "a denial needs a reason, which the requester is told")
    );
    for blank in ["", "  ", "\u{200b}", "\u{a0}\u{3164}", "\u{2800}\t\n"] {
        assert!(harness.deny_as(run, BEN).message(blank).await.is_err(), "{blank:?}");
    }
    harness.deny_as(run, BEN).message("use the replica").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Denied);
    let told = harness.delivery().messages().pop().unwrap().1;
    assert!(told.contains("use the replica"), "{told}");
    // A requester withdraws without.
    let run = harness.request("prod").duration("1h").await.unwrap();
    harness.deny_as(run, ANA).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Denied);
    // An extension is denied as a request is.
    let run = harness.request("prod").duration("1h").await.unwrap();
    harness.approve_as(run, BEN).await.unwrap();
    harness.advance(30 * MINUTE).await.unwrap();
    let id = harness.extend_as(run, ANA, 10 * MINUTE).await.unwrap();
    assert!(harness.deny_as(run, BEN).of_extension(id).await.is_err());
    harness.deny_as(run, BEN).of_extension(id).message("enough").await.unwrap();
}

#[tokio::test]
async fn a_denial_needs_no_reason_by_default() {
    let mut harness = builder().build().await.unwrap();
    let run = harness.request("prod").duration("1h").await.unwrap();
    harness.deny_as(run, BEN).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Denied);
}
