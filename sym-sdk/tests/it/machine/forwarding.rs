//! Delivery, forwarding and expiry of requests.

use std::collections::BTreeSet;
use std::time::Duration;

use sym_sdk::audit::AuditKind;
use sym_sdk::machine::*;
use sym_sdk::model::*;
use sym_sdk::prelude::{Notification, SlackChannelName};

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
    for attempt in 1..=18 {
        let seq = world.find(|kind| matches!(kind, EffectKind::Deliver { .. })).unwrap();
        let effect = &world.effects[&seq];
        assert_eq!(effect.attempt, attempt);
        world.now = effect.not_before.unwrap_or(world.now);
        world.fail(seq, true);
    }
    let tried_for = world.now.duration_since(begun);
    assert!((3_000..3_600).contains(&tried_for.as_secs()), "{tried_for}");
    world.settle();
    assert_eq!(world.status(), RunStatus::Expired, "there is no other notification, so nobody could ever answer");
    let notified = world.audit.iter().any(
        |entry| matches!(&entry.kind, AuditKind::Messaged { text, .. } if text.contains("nobody could be notified")),
    );
    assert!(notified);
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
