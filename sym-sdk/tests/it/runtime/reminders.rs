//! Warnings before the end of access, and reminders of those who can decide.

use std::time::Duration;

use sym_sdk::audit::AuditKind;
use sym_sdk::error::codes;
use sym_sdk::machine::{MAX_REQUESTED_REMINDERS, MIN_REMINDER_INTERVAL, TimerKind};
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::testing::{Harness, HarnessBuilder};

use super::{HOUR, MINUTE, plain};

const ANA: &str = "ana@example.com";
const BEN: &str = "ben@example.com";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn builder(durations: &[&str]) -> HarnessBuilder {
    let durations: Vec<_> = durations.iter().map(|duration| (*duration).to_owned()).collect();
    Harness::builder().access_flow("prod", ["admins"]).handlers(plain()).declare(move |config| {
        config.flows[0].params.prompt_fields.push(sym_sdk::config::PromptField {
            name: "duration".into(),
            field_type: "duration".into(),
            allowed_values: Some(durations),
            ..Default::default()
        });
    })
}

async fn held(harness: &mut Harness, duration: &str) -> RunId {
    let run = harness.request("prod").duration(duration).await.unwrap();
    harness.approve_as(run, BEN).await.unwrap();
    run
}

/// Advances the clock, and returns when Ana was warned: in minutes since the beginning.
async fn warnings(harness: &mut Harness, steps: u32, step: Duration) -> Vec<u64> {
    let mut found = Vec::new();
    for number in 1..=steps {
        let before = warned(harness);
        harness.advance(step).await.unwrap();
        found.extend(std::iter::repeat_n(u64::from(number) * step.as_secs() / 60, warned(harness) - before));
    }
    found
}

fn warned(harness: &Harness) -> usize {
    harness.delivery().messages().iter().filter(|(to, text)| to == ANA && text.contains(" ends at ")).count()
}

#[tokio::test]
async fn requesters_are_warned_15_minutes_before_the_end_and_a_day_before_that_of_longer_access() {
    for (duration, expected) in
        [("3d", &[2 * 24 * 60, 3 * 24 * 60 - 15][..]), ("1h", &[45][..]), ("15m", &[][..]), ("10m", &[][..])]
    {
        let mut harness = builder(&["3d", "1h", "15m", "10m"]).build().await.unwrap();
        held(&mut harness, duration).await;
        let steps = if duration == "3d" { 3 * 24 * 12 + 2 } else { 14 };
        assert_eq!(warnings(&mut harness, steps, 5 * MINUTE).await, expected, "{duration}");
    }
    let mut harness = builder(&["1h"]).build().await.unwrap();
    let run = held(&mut harness, "1h").await;
    harness.advance(45 * MINUTE).await.unwrap();
    let last = harness.delivery().messages().pop().unwrap();
    let text = "Your access to admins ends at 2024-02-29 13:00:00 UTC. If you need it for longer, ask for an extension";
    assert_eq!(last, (ANA.to_owned(), text.to_owned()));
    harness.run_to_end().await.unwrap();
    assert!(harness.run(run).await.unwrap().timers.is_empty());
}

#[tokio::test]
async fn a_flow_sets_its_own_warnings_or_none() {
    let own = |warnings: &[&str]| {
        let warnings = warnings.iter().map(|warning| (*warning).to_owned()).collect::<Vec<_>>();
        builder(&["1h"]).declare(move |config| config.flows[0].params.expiry_warnings = Some(warnings))
    };
    let mut harness = own(&["5m", "30m"]).build().await.unwrap();
    held(&mut harness, "1h").await;
    assert_eq!(warnings(&mut harness, 14, 5 * MINUTE).await, [30, 55]);
    let mut harness = own(&[]).build().await.unwrap();
    held(&mut harness, "1h").await;
    assert_eq!(warnings(&mut harness, 14, 5 * MINUTE).await, [0; 0]);
    let error = own(&["soon"]).build().await.unwrap_err().to_string();
    assert!(error.contains("flow `prod`: `expiry_warnings`"), "{error}");
}

#[tokio::test]
async fn an_extension_moves_the_warning() {
    let mut harness = builder(&["1h", "30m"]).build().await.unwrap();
    let run = held(&mut harness, "1h").await;
    harness.advance(40 * MINUTE).await.unwrap();
    let id = harness.extend_as(run, ANA, 30 * MINUTE).await.unwrap();
    harness.approve_as(run, BEN).of_extension(id).await.unwrap();
    // It ends at 90 minutes, 50 from now.
    assert_eq!(warnings(&mut harness, 12, 5 * MINUTE).await, [35]);
    // A warning that was given is given again for another end.
    let mut harness = builder(&["1h", "30m"]).build().await.unwrap();
    let run = held(&mut harness, "1h").await;
    assert_eq!(warnings(&mut harness, 10, 5 * MINUTE).await, [45]);
    let id = harness.extend_as(run, ANA, 30 * MINUTE).await.unwrap();
    harness.approve_as(run, BEN).of_extension(id).await.unwrap();
    assert_eq!(warnings(&mut harness, 10, 5 * MINUTE).await, [25]);
}

/// After a stop, or a jump of the clock, everything is due at once.
#[tokio::test]
async fn a_jump_of_the_clock_gives_one_warning_and_none_after_the_end() {
    let mut harness = builder(&["3d"]).build().await.unwrap();
    held(&mut harness, "3d").await;
    let clock = harness.simulation().clock().clone();
    clock.advance(3 * DAY - 5 * MINUTE);
    harness.advance(Duration::ZERO).await.unwrap();
    assert_eq!(warned(&harness), 1);
    harness.run_to_end().await.unwrap();
    assert_eq!(warned(&harness), 1);
    let mut harness = builder(&["3d"]).build().await.unwrap();
    held(&mut harness, "3d").await;
    let clock = harness.simulation().clock().clone();
    clock.advance(4 * DAY);
    harness.run_to_end().await.unwrap();
    assert_eq!(warned(&harness), 0);
}

#[tokio::test]
async fn access_that_was_revoked_is_not_warned_of() {
    let mut harness = builder(&["1h"]).build().await.unwrap();
    let run = held(&mut harness, "1h").await;
    harness.revoke_as(run, ANA).await.unwrap();
    assert!(harness.run(run).await.unwrap().timers.is_empty());
    harness.run_to_end().await.unwrap();
    assert_eq!(warned(&harness), 0);
}

mod reminding {
    use super::*;

    #[reducer]
    pub(super) fn get_request_notifications() -> Result<Vec<Notification>> {
        Ok(vec![Notification::to(SlackChannelName::new("#requests")?).remind(Duration::from_secs(30 * 60), 3)])
    }
}

fn reminding() -> HarnessBuilder {
    Harness::builder()
        .access_flow("prod", ["admins"])
        .handlers(sym_sdk::handlers![super::get_permissions, reminding::get_request_notifications])
}

#[tokio::test]
async fn approvers_are_reminded_so_often_and_never_after_the_decision() {
    let mut harness = reminding().build().await.unwrap();
    let run = harness.request("prod").duration("1h").await.unwrap();
    harness.advance(29 * MINUTE).await.unwrap();
    assert!(harness.delivery().reminders().is_empty());
    harness.advance(MINUTE).await.unwrap();
    assert_eq!(harness.delivery().reminders(), [(run, "1".to_owned())]);
    harness.advance(5 * HOUR).await.unwrap();
    assert_eq!(harness.delivery().reminders().len(), 3);
    let mut harness = reminding().build().await.unwrap();
    let run = harness.request("prod").duration("1h").await.unwrap();
    harness.advance(31 * MINUTE).await.unwrap();
    harness.approve_as(run, BEN).await.unwrap();
    assert!(!harness.run(run).await.unwrap().timers.contains_key(&TimerKind::Remind));
    harness.run_to_end().await.unwrap();
    assert_eq!(harness.delivery().reminders().len(), 1);
}

#[tokio::test]
async fn a_jump_of_the_clock_gives_one_reminder() {
    let mut harness = reminding().build().await.unwrap();
    harness.request("prod").duration("1h").await.unwrap();
    harness.simulation().clock().clone().advance(24 * HOUR);
    harness.advance(Duration::ZERO).await.unwrap();
    assert_eq!(harness.delivery().reminders().len(), 1);
}

#[tokio::test]
async fn the_requester_can_have_approvers_reminded_now_and_then() {
    let mut harness = Harness::builder().access_flow("prod", ["admins"]).handlers(plain()).build().await.unwrap();
    let run = harness.request("prod").duration("1h").await.unwrap();
    let error = harness.remind_as(run, ANA).await.unwrap_err();
    assert_eq!(
        (error.code(), error.message()),
        (&codes::TOO_MANY_REQUESTS, "those who can decide were notified a short while ago; try again in 15m")
    );
    harness.advance(MIN_REMINDER_INTERVAL).await.unwrap();
    let error = harness.remind_as(run, BEN).await.unwrap_err();
    assert_eq!(error.message(), "only the requester can have those who decide reminded");
    harness.remind_as(run, ANA).await.unwrap();
    assert_eq!(harness.delivery().reminders(), [(run, "1".to_owned())]);
    let audit = harness.runtime().audit(Some(run), 1_000).await.unwrap();
    let reminded: Vec<_> = audit.iter().filter(|entry| matches!(entry.kind, AuditKind::Reminded { .. })).collect();
    assert_eq!(reminded.len(), 1);
    assert_eq!(reminded[0].event.actor.username(), ANA);
    for _ in 1..MAX_REQUESTED_REMINDERS {
        harness.advance(MIN_REMINDER_INTERVAL).await.unwrap();
        harness.remind_as(run, ANA).await.unwrap();
    }
    harness.advance(MIN_REMINDER_INTERVAL).await.unwrap();
    let error = harness.remind_as(run, ANA).await.unwrap_err();
    assert_eq!(error.message(), "those who can decide were reminded 10 times, which is the limit");
    harness.approve_as(run, BEN).await.unwrap();
    harness.advance(MIN_REMINDER_INTERVAL).await.unwrap();
    let error = harness.remind_as(run, ANA).await.unwrap_err();
    assert_eq!(error.message(), "this request was already approved by ben@example.com");
    // An extension is reminded of by itself.
    let id = harness.extend_as(run, ANA, 10 * MINUTE).await.unwrap();
    harness.advance(MIN_REMINDER_INTERVAL).await.unwrap();
    harness.remind_as(run, ANA).await.unwrap();
    let shown = harness.run(run).await.unwrap().extension.as_ref().unwrap().delivered[0].message.reference.clone();
    assert_eq!(harness.delivery().reminders().last(), Some(&(run, shown)), "{id}");
}
