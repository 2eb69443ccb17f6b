//! The lifetime of open requests.

use sym_sdk::clock::Clock;
use sym_sdk::config::Config;
use sym_sdk::error::codes;
use sym_sdk::handlers;
use sym_sdk::machine::TimerKind;
use sym_sdk::prelude::*;
use sym_sdk::runtime::Submission;

use super::*;

fn with_lifetime(lifetime: &str) -> Config {
    let mut config = config();
    config.flows[0].params.request_lifetime = Some(lifetime.into());
    config
}

/// W6.
#[tokio::test]
async fn undecided_requests_expire_after_thirty_days() {
    let world = World::new();
    let runtime = world.start(config()).await;
    let run = request(&runtime, "1h").await;
    world.clock.advance(30 * DAY - HOUR);
    runtime.run_until_idle().await.unwrap();
    assert_eq!(status(&runtime, run).await, RunStatus::Requested);
    world.clock.advance(HOUR);
    runtime.run_until_idle().await.unwrap();
    let state = state(&runtime, run).await;
    assert_eq!(state.run.status(), RunStatus::Expired);
    assert!(state.is_finished() && state.timers.is_empty());
    assert_eq!(world.messages_to("ana"), ["Your request for prod has expired: nobody acted on it in time"]);
    let refused = try_approve(&runtime, run, "ben").await.unwrap_err();
    assert_eq!(
        (refused.code(), refused.message()),
        (&codes::ALREADY_DECIDED, "this request has expired; nobody acted on it in time")
    );
    assert_eq!(world.grants(), 0);
}

#[tokio::test]
async fn lifetime_is_a_parameter_of_the_flow() {
    let world = World::new();
    let runtime = world.start(with_lifetime("2h")).await;
    let run = request(&runtime, "1h").await;
    world.clock.advance(2 * HOUR);
    runtime.run_until_idle().await.unwrap();
    assert_eq!(status(&runtime, run).await, RunStatus::Expired);
    for invalid in ["soon", "0s", "11y"] {
        let checked = world.builder(with_lifetime(invalid)).registry(plain()).check();
        let message = checked.unwrap_err().to_string();
        assert!(message.contains("flow `prod`: `request_lifetime`"), "{message}");
    }
}

/// W6: the approval arrives before the timer is fired, as after a long stop.
#[tokio::test]
async fn overdue_requests_cannot_be_decided_after_a_stop() {
    let world = World::new();
    let run = request(&world.start(config()).await, "1h").await;
    world.clock.advance(300 * DAY);
    let runtime = world.start(config()).await;
    runtime.directory().contact("ben@example.com").await.unwrap();
    for submission in [Submission::approve(run, "ben@example.com"), Submission::deny(run, "ben@example.com")] {
        let refused = runtime.submit(submission).await.unwrap_err();
        assert_eq!(refused.message(), "this request has expired; nobody acted on it in time");
    }
    runtime.run_until_idle().await.unwrap();
    assert_eq!(status(&runtime, run).await, RunStatus::Expired);
    assert_eq!(world.grants(), 0);
}

mod ignoring {
    use sym_sdk::prelude::*;

    #[hook]
    pub(super) fn on_request_expire() -> Option<NextEvent> {
        Some(ApprovalTemplate::ignore())
    }

    #[hook]
    pub(super) fn on_approve() {}
}

/// W6: the lifetime ends while the hook of an approval is called.
#[tokio::test]
async fn approval_that_outlasts_the_lifetime_is_refused() {
    let world = World::new();
    let runtime = world.start_with(plain().merge(handlers![ignoring::on_approve])).await;
    let run = request(&runtime, "1h").await;
    runtime.directory().contact("ben@example.com").await.unwrap();
    runtime.submit(Submission::approve(run, "ben@example.com")).await.unwrap();
    world.clock.advance(30 * DAY);
    runtime.run_until_idle().await.unwrap();
    assert_eq!(status(&runtime, run).await, RunStatus::Expired);
    assert_eq!(world.messages_to("ben"), ["this request has expired; nobody acted on it in time"]);
}

#[tokio::test]
async fn hook_cannot_keep_a_request_open() {
    let world = World::new();
    let runtime = world.start_with(plain().merge(handlers![ignoring::on_request_expire])).await;
    let run = request(&runtime, "1h").await;
    world.clock.advance(30 * DAY);
    runtime.run_until_idle().await.unwrap();
    assert_eq!(status(&runtime, run).await, RunStatus::Expired);
}

/// The clock is years ahead when the request is made, and is corrected later.
#[tokio::test]
async fn lifetime_does_not_last_longer_because_the_clock_was_ahead() {
    let world = World::new();
    let now = world.clock.now();
    world.clock.advance(3650 * DAY);
    let run = request(&world.start(config()).await, "1h").await;
    world.clock.set(now);
    let runtime = world.start(config()).await;
    let timer = state(&runtime, run).await.timers[&TimerKind::Lifetime];
    assert_eq!(timer.at, now + 30 * DAY);
    world.clock.advance(30 * DAY);
    runtime.run_until_idle().await.unwrap();
    assert_eq!(status(&runtime, run).await, RunStatus::Expired);
}
