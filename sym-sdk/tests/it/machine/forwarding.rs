//! Delivery, forwarding and expiry of requests.

use std::collections::BTreeSet;
use std::time::Duration;

use sym_sdk::audit::AuditKind;
use sym_sdk::machine::*;
use sym_sdk::model::*;
use sym_sdk::prelude::{Notification, SlackChannelName};
use sym_sdk::template::ApprovalTemplate;

use super::harness::*;

#[test]
fn forwards_to_the_next_notification_and_expires_after_the_last() {
    let [ana, ben, ..] = everybody();
    let minute = Duration::from_secs(60);
    let channel = |name: &str| Notification::to(SlackChannelName::new(name).unwrap()).timeout(minute);
    let mut world = World::access();
    world.notifications = vec![channel("#first"), channel("#second"), channel("#third")];
    world.request(&ana);
    // The first cannot be delivered, so the second is sent at once.
    let route = world.find(|kind| matches!(kind, EffectKind::Route)).unwrap();
    world.succeed(route);
    let first = world.find(|kind| matches!(kind, EffectKind::Deliver { .. })).unwrap();
    world.fail(first, false);
    assert_eq!(world.status(), RunStatus::Forwarded);
    assert_eq!(world.state().current_notification, 1);
    world.settle();
    // Nobody acts on the second, nor on the third.
    world.advance(minute);
    assert_eq!(world.state().current_notification, 2);
    world.settle();
    world.advance(minute);
    world.settle();
    assert_eq!(world.status(), RunStatus::Expired);
    let reply = world.approve(&ben);
    expect_test::expect!["this request has expired; nobody acted on it in time (SymSDK:ALREADY_DECIDED)"]
        .assert_eq(&world.refusal(&reply));
}

#[test]
fn retries_failed_deliveries_if_retryable() {
    let ana = user("ana", UserRole::Member);
    let mut world = World::access();
    world.request(&ana);
    let route = world.find(|kind| matches!(kind, EffectKind::Route)).unwrap();
    world.succeed(route);
    let begun = world.now;
    for attempt in 1..=342 {
        let seq = world.find(|kind| matches!(kind, EffectKind::Deliver { .. })).unwrap();
        let effect = &world.effects[&seq];
        assert_eq!(effect.attempt, attempt);
        world.now = effect.not_before.unwrap_or(world.now);
        world.fail(seq, true);
    }
    let tried_for = world.now.duration_since(begun);
    assert!((86_000..87_000).contains(&tried_for.as_secs()), "{tried_for}");
    world.settle();
    assert_eq!(world.status(), RunStatus::Expired, "there is no other notification, so nobody could ever answer");
    let notified = world.audit.iter().any(
        |entry| matches!(&entry.kind, AuditKind::Messaged { text, .. } if text.contains("nobody could be notified")),
    );
    assert!(notified);
}

/// Operators may have to see to it: the app was uninstalled, for example. Nobody has seen the request, so its timeout does not run.
#[test]
fn a_request_that_cannot_be_delivered_waits_and_operators_are_alerted_once() {
    let ana = user("ana", UserRole::Member);
    let mut world = World::access();
    let notification = Notification::to(SlackChannelName::new("#access").unwrap()).timeout(Duration::from_secs(600));
    world.notifications = vec![notification.remind(Duration::from_secs(900), 1)];
    world.request(&ana);
    let route = world.find(|kind| matches!(kind, EffectKind::Route)).unwrap();
    world.succeed(route);
    let is_alert = |kind: &EffectKind| matches!(kind, EffectKind::Alert { .. });
    let mut alerts = 0;
    for _ in 0..30 {
        let seq = world.find(|kind| matches!(kind, EffectKind::Deliver { .. })).unwrap();
        world.now = world.effects[&seq].not_before.unwrap_or(world.now);
        world.fail(seq, true);
        while let Some(alert) = world.find(is_alert) {
            alerts += 1;
            world.succeed(alert);
        }
        let timeout = world.state().timers[&TimerKind::Forward].at;
        assert_eq!(timeout.duration_since(world.now).as_secs(), 600);
        let reminder = world.state().timers[&TimerKind::Remind].at;
        assert_eq!(reminder.duration_since(world.now).as_secs(), 900, "nobody could be reminded yet");
    }
    assert_eq!((alerts, world.status()), (1, RunStatus::Requested));
    world.settle();
    assert_eq!((world.status(), world.state().delivered.len()), (RunStatus::Requested, 1));
}

#[test]
fn retries_a_delivery_less_often_if_another_notification_follows() {
    let ana = user("ana", UserRole::Member);
    let mut world = World::access();
    world.notifications.push(Notification::to(SlackChannelName::new("#others").unwrap()));
    world.request(&ana);
    let route = world.find(|kind| matches!(kind, EffectKind::Route)).unwrap();
    world.succeed(route);
    for _ in 1..=3 {
        let seq = world.find(|kind| matches!(kind, EffectKind::Deliver { entry: 0, .. })).unwrap();
        world.fail(seq, true);
    }
    world.settle();
    assert_eq!((world.status(), world.state().current_notification), (RunStatus::Forwarded, 1));
}

#[test]
fn reports_a_failed_delivery_under_the_event_that_sent_it() {
    let ana = user("ana", UserRole::Member);
    let mut world = World::access();
    world.request(&ana);
    let mut routing = Routing::new(world.permission.clone(), world.notifications.clone());
    routing.continue_on_delivery_failure = false;
    let route = world.find(|kind| matches!(kind, EffectKind::Route)).unwrap();
    world.finish(route, Outcome::Routed { handlers: vec![], routing });
    world.fail(world.find(|kind| matches!(kind, EffectKind::Deliver { .. })).unwrap(), false);
    world.settle();
    let events: BTreeSet<_> = world.audit.iter().map(|entry| entry.event.id).collect();
    assert_eq!(events.len(), 1, "there was one event: the request");
}

/// A request whose first notification is being delivered, with a second one that it may be forwarded to.
fn delivering() -> (World, u64) {
    let [ana, ..] = everybody();
    let channel = |name: &str| Notification::to(SlackChannelName::new(name).unwrap()).timeout(Duration::from_secs(600));
    let mut world = World::access();
    world.notifications = vec![channel("#first"), channel("#second"), channel("#third")];
    world.request(&ana);
    let delivery = world.settle_until(|kind| matches!(kind, EffectKind::Deliver { .. }));
    (world, delivery)
}

fn deliveries(world: &World) -> Vec<usize> {
    let entries = world.effects.values().filter_map(|effect| match &effect.kind {
        EffectKind::Deliver { entry, .. } => Some(*entry),
        _ => None,
    });
    entries.collect()
}

/// Executes all effects except this one.
fn settle_without(world: &mut World, kept: u64) {
    while let Some(seq) = world.effects.keys().copied().find(|seq| *seq != kept) {
        world.succeed(seq);
    }
}

/// A decided request that was forwarded all the same would be open again.
#[test]
fn a_delivery_that_fails_after_the_decision_neither_forwards_nor_repeats() {
    let [_, ben, ..] = everybody();
    for retryable in [true, false] {
        let (mut world, delivery) = delivering();
        world.approve(&ben);
        settle_without(&mut world, delivery);
        assert_eq!(world.status(), RunStatus::Escalated);
        world.fail(delivery, retryable);
        assert_eq!(deliveries(&world), Vec::<usize>::new());
        world.settle();
        assert_eq!((world.status(), world.state().current_notification), (RunStatus::Escalated, 0));
    }
}

#[test]
fn a_delivery_that_fails_after_its_timeout_neither_forwards_nor_repeats() {
    for retryable in [true, false] {
        let (mut world, delivery) = delivering();
        world.fire(TimerKind::Forward);
        assert_eq!(world.state().current_notification, 1);
        settle_without(&mut world, delivery);
        world.fail(delivery, retryable);
        assert_eq!(deliveries(&world), Vec::<usize>::new());
        world.settle();
        assert_eq!((world.status(), world.state().current_notification), (RunStatus::Forwarded, 1));
    }
}

/// Its buttons no longer work.
#[test]
fn a_message_that_arrives_after_the_decision_or_the_forward_is_updated() {
    let [_, ben, ..] = everybody();
    let is_update = |kind: &EffectKind| matches!(kind, EffectKind::UpdateMessages);
    for is_decided in [true, false] {
        let (mut world, delivery) = delivering();
        if is_decided {
            world.approve(&ben);
        } else {
            world.fire(TimerKind::Forward);
        }
        settle_without(&mut world, delivery);
        world.succeed(delivery);
        assert!(world.find(is_update).is_some());
    }
    let (mut world, delivery) = delivering();
    world.succeed(delivery);
    assert!(world.find(is_update).is_none());
}

/// Otherwise, clicks that a hook ignores could keep a request from being forwarded, or have it expire.
#[test]
fn an_ignored_decision_neither_postpones_nor_sets_a_timeout() {
    let [ana, ben, ..] = everybody();
    for has_timeout in [true, false] {
        let (mut world, _) = delivering();
        if !has_timeout {
            world = World::access();
            world.request(&ana);
        }
        world.hooks = Hooks::NONE.with(Hook::On(Step::Approve));
        world.settle();
        let before = world.timers.clone();
        assert_eq!(before.contains_key(&TimerKind::Forward), has_timeout);
        world.now += Duration::from_secs(60);
        world.approve(&ben);
        let hook = world.find(is_hook(Hook::On(Step::Approve))).unwrap();
        world.finish(hook, verdict(Hook::On(Step::Approve), HookResult::Fire(ApprovalTemplate::ignore().into())));
        assert_eq!((&world.timers, world.state().deferrals), (&before, 0));
    }
}

/// The request could be undeliverable for ever, and is forwarded at its time.
#[test]
fn an_ignored_decision_of_a_hook_does_not_postpone_a_timeout_that_is_set() {
    let (mut world, delivery) = delivering();
    world.hooks = Hooks::NONE.with(Hook::On(Step::RequestForward)).with(Hook::On(Step::Deny));
    let before = world.timers.clone();
    world.now += Duration::from_secs(60);
    world.fail(delivery, false);
    for (step, next) in [(Step::RequestForward, ApprovalTemplate::deny()), (Step::Deny, ApprovalTemplate::ignore())] {
        let hook = world.find(is_hook(Hook::On(step))).unwrap();
        world.finish(hook, verdict(Hook::On(step), HookResult::Fire(next.into())));
    }
    assert!(world.state().is_open());
    assert_eq!((&world.timers, world.state().deferrals), (&before, 0));
}

#[test]
fn a_clock_that_was_ahead_does_not_delay_a_forward() {
    let (mut world, delivery) = delivering();
    world.succeed(delivery);
    world.settle();
    let before = world.timers.clone();
    assert_eq!(world.input(InputBody::ClockWentBack), InputReply::Stale, "no timer is late");
    assert_eq!(world.timers, before);
    world.now -= HOUR;
    assert_eq!(world.input(InputBody::ClockWentBack), InputReply::Accepted { event: None });
    let (at, _) = world.timers[&TimerKind::Forward];
    assert_eq!(at, world.now + Duration::from_secs(600));
}
