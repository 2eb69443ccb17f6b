//! Messages that are sent again: because the front end failed, or because they are gone.

use std::time::Duration;

use sym_sdk::audit::AuditKind;
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::machine::*;
use sym_sdk::model::*;
use sym_sdk::prelude::{Notification, SlackChannelName};

use super::harness::{HOUR, World, everybody, user};

type Kind = fn(&EffectKind) -> bool;

const UPDATE: Kind = |kind| matches!(kind, EffectKind::UpdateMessages);
const RECEIPT: Kind = |kind| matches!(kind, EffectKind::Receipt);
const DELIVERY: Kind = |kind| matches!(kind, EffectKind::Deliver { .. });
const REMINDER: Kind = |kind| matches!(kind, EffectKind::Remind { .. });
const ALERT: Kind = |kind| matches!(kind, EffectKind::Alert { .. });
const MESSAGE: Kind = |kind| matches!(kind, EffectKind::Message { .. });
const GRANTED: Kind = |kind| matches!(kind, EffectKind::Message { notice: Notice::Granted { .. }, .. });
const ENDED: Kind = |kind| matches!(kind, EffectKind::Message { notice: Notice::Ended { .. }, .. });

fn count(world: &World, is_it: Kind) -> usize {
    world.effects.values().filter(|effect| is_it(&effect.kind)).count()
}

fn reported(world: &World) -> usize {
    world.audit.iter().filter(|entry| matches!(entry.kind, AuditKind::Reported { .. })).count()
}

/// Executes all effects except those of this kind.
fn settle_but(world: &mut World, kept: Kind) {
    while let Some(seq) = world.effects.iter().find(|(_, effect)| !kept(&effect.kind)).map(|(seq, _)| *seq) {
        world.succeed(seq);
    }
}

/// Fails the first effect of a kind at its time.
fn fail(world: &mut World, is_it: Kind) {
    let seq = world.find(is_it).expect("an effect of this kind");
    world.now = world.effects[&seq].not_before.unwrap_or(world.now).max(world.now);
    world.fail(seq, true);
}

/// An open request, which was delivered as message 1 and has a receipt.
fn open() -> World {
    let mut world = World::access();
    world.request(&user("ana", UserRole::Member));
    let mut routing = Routing::new(world.permission.clone(), world.notifications.clone());
    routing.sends_receipt = true;
    let route = world.find(|kind| matches!(kind, EffectKind::Route)).unwrap();
    world.finish(route, Outcome::Routed { handlers: vec![], routing });
    let delivery = world.find(DELIVERY).unwrap();
    world.finish(delivery, delivered(1));
    let receipt = world.find(RECEIPT).unwrap();
    world.finish(receipt, Outcome::ReceiptSent(message(100)));
    world.settle();
    world
}

fn message(number: u32) -> MessageRef {
    MessageRef::new("test", number.to_string())
}

fn delivered(number: u32) -> Outcome {
    Outcome::Delivered(vec![DeliveryResult::Delivered { destination: "#requests".into(), message: message(number) }])
}

fn failed(code: sym_sdk::error::ErrorCode, retryable: bool) -> Outcome {
    let mut error = EffectError::new(ErrorKind::Unavailable, code, "it did not work");
    error.retryable = retryable;
    Outcome::Delivered(vec![DeliveryResult::Failed { destination: "#requests".into(), error }])
}

fn gone(messages: &[u32]) -> Outcome {
    Outcome::Updated { gone: messages.iter().map(|number| message(*number)).collect(), error: None }
}

/// Whatever is told or shown, a front end that is down for hours is told it later; and the record does not grow with each attempt.
#[test]
fn what_could_not_be_sent_is_sent_later() {
    let [_, ben, ..] = everybody();
    for kind in [UPDATE, MESSAGE] {
        let mut world = open();
        world.deny(&ben);
        settle_but(&mut world, kind);
        let (begun, before) = (world.now, reported(&world));
        for attempt in 1..=30 {
            assert_eq!(world.effects[&world.find(kind).unwrap()].attempt, attempt);
            fail(&mut world, kind);
        }
        assert_eq!(reported(&world), before + 1);
        assert!(world.now.duration_since(begun).as_secs() > 6_000);
        world.settle();
        assert!(world.state().is_prunable());
    }
}

#[test]
fn what_cannot_be_sent_is_given_up_after_a_day() {
    let [_, ben, ..] = everybody();
    let mut world = open();
    world.deny(&ben);
    settle_but(&mut world, MESSAGE);
    let (begun, before) = (world.now, reported(&world));
    while world.find(MESSAGE).is_some() {
        fail(&mut world, MESSAGE);
    }
    let tried_for = world.now.duration_since(begun);
    assert!((86_000..87_000).contains(&tried_for.as_secs()), "{tried_for}");
    assert_eq!((reported(&world), count(&world, ALERT)), (before + 2, 0), "the first failure, and the last");
    // What no other attempt would change is given up at once.
    let mut world = open();
    world.deny(&ben);
    settle_but(&mut world, MESSAGE);
    world.fail(world.find(MESSAGE).unwrap(), false);
    assert!(world.effects.is_empty());
}

/// Each shows the present state, so the last one is enough.
#[test]
fn of_several_updates_one_is_repeated() {
    let [_, ben, ..] = everybody();
    let mut world = open();
    world.approve(&ben);
    settle_but(&mut world, |kind| UPDATE(kind) || matches!(kind, EffectKind::Grant { .. }));
    fail(&mut world, UPDATE);
    world.succeed(world.find(|kind| matches!(kind, EffectKind::Grant { .. })).unwrap());
    assert!(count(&world, UPDATE) > 1);
    settle_but(&mut world, UPDATE);
    for _ in 0..5 {
        fail(&mut world, UPDATE);
    }
    assert_eq!(count(&world, UPDATE), 1);
}

/// That there is access must not be said once it has ended.
#[test]
fn late_notices_of_access_that_has_ended_are_withdrawn() {
    let [_, ben, ..] = everybody();
    let mut world = open();
    world.approve(&ben);
    settle_but(&mut world, GRANTED);
    fail(&mut world, GRANTED);
    world.advance(HOUR);
    settle_but(&mut world, |kind| GRANTED(kind) || ENDED(kind));
    assert_eq!((count(&world, GRANTED), count(&world, ENDED)), (0, 1));
    // The first attempt may have been made.
    let mut world = open();
    world.approve(&ben);
    settle_but(&mut world, GRANTED);
    world.advance(HOUR);
    settle_but(&mut world, GRANTED);
    assert_eq!(count(&world, GRANTED), 1);
}

/// Somebody is looking at a view that waits.
#[test]
fn a_form_that_could_not_be_shown_is_tried_for_a_minute_and_a_half() {
    let form: Kind = |kind| matches!(kind, EffectKind::OpenForm);
    let [ana, ..] = everybody();
    let mut world = World::access();
    world.act(&ana, Action::Prompt);
    let begun = world.now;
    for _ in 1..=5 {
        assert_eq!(count(&world, ALERT) + count(&world, MESSAGE), 0);
        fail(&mut world, form);
    }
    assert_eq!(world.now.duration_since(begun).as_secs(), 85);
    assert_eq!((count(&world, ALERT), count(&world, MESSAGE), count(&world, form)), (1, 1, 0));
}

/// An alert that waits is the alert. One that is given up is raised again by what it is about.
#[test]
fn an_alert_is_repeated_rather_than_raised_again() {
    let [_, ben, ..] = everybody();
    let revocation: Kind = |kind| matches!(kind, EffectKind::Revoke { .. });
    for (retryable, alerts) in [(true, 1), (false, 1)] {
        let mut world = open();
        world.approve(&ben);
        world.settle();
        world.advance(HOUR);
        world.fail(world.find(revocation).unwrap(), true);
        world.fail(world.find(ALERT).unwrap(), retryable);
        assert_eq!(count(&world, ALERT), usize::from(retryable));
        world.fail(world.find(revocation).unwrap(), true);
        assert_eq!(count(&world, ALERT), alerts);
    }
}

#[test]
fn the_message_of_an_open_request_is_delivered_again() {
    let [ana, ben, ..] = everybody();
    let mut world = open();
    world.now += HOUR;
    world.act(&ana, Action::Remind);
    world.finish(world.find(REMINDER).unwrap(), failed(codes::MESSAGE_GONE, false));
    let again = world.find(DELIVERY).unwrap();
    // Until it is delivered, the former one counts: it may be there after all.
    assert_eq!(world.state().message_status(&message(1)), MessageStatus::Current);
    world.finish(again, delivered(2));
    assert_eq!(world.state().delivered.len(), 1);
    assert_eq!(world.state().message_status(&message(1)), MessageStatus::Unknown);
    assert_eq!(world.state().message_status(&message(2)), MessageStatus::Current);
    assert_eq!(count(&world, UPDATE), 1, "the receipt says where it is");
    world.settle();
    assert_eq!(count(&world, DELIVERY), 0);

    // Decided, it needs none.
    world.deny(&ben);
    world.finish(world.find(UPDATE).unwrap(), gone(&[2]));
    assert_eq!(count(&world, DELIVERY), 0);
}

/// Those that have lost their message get another one, and the others do not.
#[test]
fn only_destinations_that_have_lost_the_message_get_another_one() {
    let lead = user("lead", UserRole::Member);
    let [ana, ..] = everybody();
    let mut world = World::access();
    let channel = Notification::to(SlackChannelName::new("#requests").unwrap());
    world.notifications = vec![channel.and(sym_sdk::routing::Destination::from(&*lead)).unwrap()];
    world.request(&ana);
    let route = world.find(|kind| matches!(kind, EffectKind::Route)).unwrap();
    world.succeed(route);
    let labels: Vec<_> = world.notifications[0].destinations().iter().map(|destination| destination.label()).collect();
    let to = |number: u32, destination: &str| DeliveryResult::Delivered {
        destination: destination.into(),
        message: message(number),
    };
    world.finish(world.find(DELIVERY).unwrap(), Outcome::Delivered(vec![to(1, &labels[0]), to(2, &labels[1])]));
    world.settle();
    world.now += HOUR;
    world.act(&ana, Action::Remind);
    let mut error = EffectError::new(ErrorKind::NotFound, codes::MESSAGE_GONE, "deleted");
    error.retryable = false;
    let lost = DeliveryResult::Failed { destination: labels[1].clone(), error };
    world.finish(world.find(REMINDER).unwrap(), Outcome::Delivered(vec![to(1, &labels[0]), lost]));
    let again = &world.effects[&world.find(DELIVERY).unwrap()];
    let EffectKind::Deliver { entry: 0, notification } = &again.kind else { panic!("{again:?}") };
    assert_eq!(notification.label(), labels[1]);
    let again = again.key.seq;
    world.finish(again, Outcome::Delivered(vec![to(3, &labels[1])]));
    let messages: Vec<_> = world.state().delivered.iter().map(|delivered| delivered.message.clone()).collect();
    assert_eq!(messages, [1, 3].map(message));
}

/// It was seen, and may have been approved in part.
#[test]
fn a_request_whose_message_is_gone_for_good_stays_open() {
    let [ana, ben, ..] = everybody();
    let mut world = open();
    world.now += HOUR;
    world.act(&ana, Action::Remind);
    world.finish(world.find(REMINDER).unwrap(), failed(codes::MESSAGE_GONE, false));
    world.finish(world.find(DELIVERY).unwrap(), failed(codes::SLACK_NOT_IN_CHANNEL, false));
    assert_eq!((count(&world, ALERT), count(&world, MESSAGE)), (1, 1));
    let is_told = |kind: &EffectKind| matches!(kind, EffectKind::Message { notice: Notice::NotDelivered, .. });
    assert!(world.find(is_told).is_some());
    world.settle();
    assert_eq!(world.status(), RunStatus::Requested);
    // Should the channel come back, the message is known.
    assert_eq!(world.state().message_status(&message(1)), MessageStatus::Current);
    world.approve(&ben);
    world.settle();
    assert_eq!(world.status(), RunStatus::Escalated);
}

/// A timeout that has begun goes on, and hooks are called once.
#[test]
fn a_message_that_is_delivered_again_postpones_nothing() {
    let [ana, ..] = everybody();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::After(Step::Request));
    let channel = |name: &str| Notification::to(SlackChannelName::new(name).unwrap()).timeout(2 * HOUR);
    world.notifications = vec![channel("#requests"), channel("#others")];
    world.open(&ana);
    let timeout = world.timers[&TimerKind::Forward];
    world.now += HOUR;
    world.act(&ana, Action::Remind);
    world.finish(world.find(REMINDER).unwrap(), failed(codes::MESSAGE_GONE, false));
    fail(&mut world, DELIVERY);
    world.finish(world.find(DELIVERY).unwrap(), delivered(7));
    assert_eq!(world.timers[&TimerKind::Forward], timeout);
    assert_eq!(count(&world, |kind| matches!(kind, EffectKind::Hook { .. })), 0);
}

#[test]
fn a_receipt_that_is_gone_is_sent_again_whatever_became_of_the_request() {
    let [_, ben, ..] = everybody();
    let mut world = open();
    world.deny(&ben);
    world.finish(world.find(UPDATE).unwrap(), gone(&[100]));
    world.finish(world.find(RECEIPT).unwrap(), Outcome::ReceiptSent(message(101)));
    assert_eq!(world.state().receipt, Some(message(101)));
    world.settle();
    assert!(world.state().is_prunable());
}

/// A front end that finds nothing again that it has just sent is not asked for ever.
#[test]
fn messages_that_are_gone_each_time_are_sent_again_a_few_times() {
    let mut world = open();
    world.now += HOUR;
    world.act(&user("ana", UserRole::Member), Action::Remind);
    world.finish(world.find(REMINDER).unwrap(), failed(codes::MESSAGE_GONE, false));
    for number in 2..100 {
        let Some(again) = world.find(DELIVERY) else { break };
        world.finish(again, delivered(number));
        while let Some(update) = world.find(UPDATE) {
            world.finish(update, gone(&[number]));
        }
    }
    assert!(world.effects.is_empty(), "{:?}", world.effects);
    assert_eq!((world.state().resent, world.state().delivered.len()), (10, 1));
    assert_eq!(world.status(), RunStatus::Requested);
}

/// After an outage there is one reminder, and not one for each that was missed.
#[test]
fn of_several_late_reminders_one_is_sent() {
    let [ana, ..] = everybody();
    let mut world = World::access();
    let channel = Notification::to(SlackChannelName::new("#requests").unwrap());
    world.notifications = vec![channel.remind(Duration::from_secs(1_800), 9)];
    world.open(&ana);
    for _ in 0..3 {
        world.fire(TimerKind::Remind);
        world.finish(world.find(REMINDER).unwrap(), failed(codes::HTTP_ERROR_RESPONSE, true));
        assert_eq!(count(&world, REMINDER), 1);
    }
    let late = world.find(REMINDER).unwrap();
    assert_eq!(world.effects[&late].attempt, 2);
    world.finish(late, delivered(1));
    assert_eq!(count(&world, REMINDER), 0);
    let reminded = world.audit.iter().filter(|entry| matches!(entry.kind, AuditKind::Reminded { .. })).count();
    assert_eq!(reminded, 1);
}
