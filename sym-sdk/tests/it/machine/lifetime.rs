//! The lifetime and fingerprint of open requests, also of those that an earlier version has stored.

use sym_sdk::machine::*;
use sym_sdk::model::*;
use sym_sdk::template::ApprovalTemplate;

use super::harness::*;

/// An open request, without what these members of its state say.
fn open_without(members: &[&str]) -> World {
    let [ana, ..] = everybody();
    let mut world = World::access();
    world.open(&ana);
    let mut json = serde_json::to_value(world.state()).unwrap();
    for member in members {
        match *member {
            "fingerprint" => json["request"].as_object_mut().unwrap().remove("fingerprint"),
            "lifetime" => json["timers"].as_object_mut().unwrap().remove("lifetime"),
            other => panic!("{other}"),
        };
    }
    if members.contains(&"lifetime") {
        world.timers.remove(&TimerKind::Lifetime);
    }
    world.state = Some(serde_json::from_value(json).unwrap());
    world
}

#[test]
fn only_open_requests_that_lack_something_are_of_an_earlier_version() {
    let [_, ben, ..] = everybody();
    let is_earlier = |world: &World| world.state().is_of_earlier_version();
    assert!(!is_earlier(&open_without(&[])));
    for members in [&["fingerprint"][..], &["lifetime"], &["fingerprint", "lifetime"]] {
        let mut world = open_without(members);
        assert!(is_earlier(&world), "{members:?}");
        world.approve(&ben);
        assert!(!is_earlier(&world), "nothing is left to be checked or to expire");
    }
    // A lifetime that has ended is queued behind a slow hook, or is being processed.
    let mut world = open_without(&[]);
    world.hooks = Hooks::NONE.with(Hook::On(Step::Approve)).with(Hook::On(Step::RequestExpire));
    world.approve(&ben);
    world.fire(TimerKind::Lifetime);
    assert!(!is_earlier(&world));
    let hook = world.find(is_hook(Hook::On(Step::Approve))).unwrap();
    world.finish(hook, verdict(Hook::On(Step::Approve), HookResult::Fire(ApprovalTemplate::ignore().into())));
    assert!(world.find(is_hook(Hook::On(Step::RequestExpire))).is_some());
    assert!(!is_earlier(&world));
    // Another event says nothing about the lifetime.
    let mut world = open_without(&["lifetime"]);
    world.hooks = Hooks::NONE.with(Hook::On(Step::Approve));
    world.approve(&ben);
    assert!(is_earlier(&world));
}

/// A request gets what it lacks, and keeps the rest: its lifetime is not prolonged by each start.
#[test]
fn a_start_gives_a_request_only_what_it_lacks() {
    for (members, sets_timer) in [(&["fingerprint"][..], false), (&["lifetime"][..], true)] {
        let mut world = open_without(members);
        let (begun, before) = (world.now, world.timers.clone());
        world.now += HOUR;
        assert_eq!(world.input(InputBody::Resumed), InputReply::Accepted { event: None });
        assert!(!world.state().is_of_earlier_version());
        if sets_timer {
            let (at, _) = world.timers[&TimerKind::Lifetime];
            assert_eq!(at, begun + world.flow.params().request_lifetime);
        } else {
            assert_eq!(world.timers, before);
        }
        assert_eq!(world.input(InputBody::Resumed), InputReply::Stale, "once");
    }
}
