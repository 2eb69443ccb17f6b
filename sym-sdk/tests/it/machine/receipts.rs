//! The requester's receipt.

use sym_sdk::machine::*;
use sym_sdk::model::*;

use super::harness::{HOUR, World, user};

fn is_receipt(kind: &EffectKind) -> bool {
    matches!(kind, EffectKind::Receipt)
}

/// A request whose requester is to get a receipt, before it is delivered.
fn routed(sends_receipt: bool) -> (World, u64) {
    let mut world = World::access();
    world.request(&user("ana", UserRole::Member));
    let mut routing = Routing::new(world.permission.clone(), world.notifications.clone());
    routing.sends_receipt = sends_receipt;
    let route = world.find(|kind| matches!(kind, EffectKind::Route)).unwrap();
    world.finish(route, Outcome::Routed { handlers: vec![], routing });
    let delivery = world.find(|kind| matches!(kind, EffectKind::Deliver { .. })).unwrap();
    (world, delivery)
}

fn sent() -> Outcome {
    Outcome::ReceiptSent(MessageRef::new("slack", "D1/1"))
}

#[test]
fn a_receipt_is_sent_once_the_request_was_delivered() {
    let (mut world, delivery) = routed(true);
    assert_eq!(world.find(is_receipt), None);
    world.succeed(delivery);
    let receipt = world.find(is_receipt).unwrap();
    world.finish(receipt, sent());
    assert_eq!(world.state().receipt, Some(MessageRef::new("slack", "D1/1")));
    world.approve(&user("ben", UserRole::Member));
    world.settle();
    assert_eq!((world.status(), world.find(is_receipt)), (RunStatus::Escalated, None));
}

#[test]
fn a_front_end_without_receipts_is_asked_for_none() {
    let (mut world, delivery) = routed(false);
    world.succeed(delivery);
    world.approve(&user("ben", UserRole::Member));
    world.settle();
    assert_eq!((world.status(), &world.state().receipt), (RunStatus::Escalated, &None));
}

#[test]
fn a_receipt_that_could_not_be_sent_is_sent_with_the_next_step() {
    let (mut world, delivery) = routed(true);
    world.succeed(delivery);
    let receipt = world.find(is_receipt).unwrap();
    world.fail(receipt, false);
    assert_eq!(world.find(is_receipt), None);
    world.approve(&user("ben", UserRole::Member));
    let receipt = world.find(is_receipt).unwrap();
    let others = world.effects.values().filter(|effect| is_receipt(&effect.kind)).count();
    assert_eq!(others, 1, "one at a time");
    world.finish(receipt, sent());
    world.settle();
    assert_eq!(world.status(), RunStatus::Escalated);
}

/// It was sent as the request was then.
#[test]
fn a_receipt_that_arrives_after_the_decision_is_updated() {
    let (mut world, delivery) = routed(true);
    world.succeed(delivery);
    let receipt = world.find(is_receipt).unwrap();
    world.deny(&user("ben", UserRole::Member));
    while let Some(update) = world.find(|kind| matches!(kind, EffectKind::UpdateMessages)) {
        world.succeed(update);
    }
    world.finish(receipt, sent());
    assert!(world.find(|kind| matches!(kind, EffectKind::UpdateMessages)).is_some());
}

/// The messages of the request stay as they are: the extension has its own.
#[test]
fn a_receipt_is_updated_once_an_extension_waits_for_a_decision() {
    let is_update = |kind: &EffectKind| matches!(kind, EffectKind::UpdateMessages);
    let ana = user("ana", UserRole::Member);
    for sends_receipt in [true, false] {
        let (mut world, delivery) = routed(sends_receipt);
        world.succeed(delivery);
        if let Some(receipt) = world.find(is_receipt) {
            world.finish(receipt, sent());
        }
        world.approve(&user("ben", UserRole::Member));
        world.settle();
        world.now += HOUR / 2;
        world.act(&ana, Action::Extend(ExtensionInput::new(HOUR / 6)));
        let route = world.find(|kind| matches!(kind, EffectKind::Route)).unwrap();
        world.succeed(route);
        assert!(world.extension().is_open());
        assert_eq!(world.find(is_update).is_some(), sends_receipt);
    }
}
