//! Bounds of the state of a Run.

use sym_sdk::machine::*;
use sym_sdk::model::*;
use sym_sdk::prelude::{PermissionLevel, RequestPermission, Step};
use sym_sdk::template::ApprovalTemplate;

use super::harness::*;

#[test]
fn recorded_time_never_decreases() {
    let [ana, ben, ..] = everybody();
    let mut world = World::access();
    world.open(&ana);
    let before = world.state().updated_at;
    world.now -= 5 * HOUR;
    world.approve(&ben);
    world.settle();
    assert_eq!(world.state().updated_at, before);
    let (end, _) = world.timers[&TimerKind::Expire];
    assert_eq!(end, world.now + HOUR, "access ends by the clock that fires its timer");
}

#[test]
fn repeated_inputs_do_not_grow_the_state() {
    let [ana, ben, cho, ..] = everybody();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Approve));
    world.permission = world.permission.clone().approvals(3);
    world.open(&ana);
    let mut sizes = Vec::new();
    for _ in 0..100 {
        // One approval counts once, one is ignored by a hook, one is refused, and all arrive at the same time.
        world.approve(&ben);
        world.approve(&cho);
        world.approve(&ana);
        while let Some(seq) = world.effects.keys().next().copied() {
            match &world.effects[&seq].kind {
                EffectKind::Hook { hook, .. } if world.effects[&seq].event.actor == cho => {
                    let hook = *hook;
                    world.finish(seq, verdict(hook, HookResult::Fire(ApprovalTemplate::ignore().into())));
                }
                _ => world.succeed(seq),
            }
        }
        sizes.push(serde_json::to_string(world.state()).unwrap().len());
    }
    assert!(sizes[99] <= sizes[0] + 8, "only numbers may get longer: {} became {}", sizes[0], sizes[99]);
    // The queue is bounded while the active event is slow.
    for _ in 0..1_000 {
        world.deny(&ben);
        world.approve(&cho);
    }
    assert!(world.state().queue.len() <= 64);
}

/// 64 guests' clicks filled the queue before anybody looked at their permissions, and an administrator's denial was refused.
#[test]
fn a_crowd_without_permission_cannot_keep_out_a_denial() {
    let [ana, ben, _, ada, gus] = everybody();
    let crowd = |role: UserRole, number: usize| user(&format!("{role}{number}"), role);
    for admits_guests in [false, true] {
        let mut world = World::access();
        world.hooks = Hooks::NONE.with(Hook::On(Step::Approve));
        let mut params = FlowParams::default();
        params.allow_guest_interaction = admits_guests;
        world.flow = flow(true, params);
        if admits_guests {
            world.permission = RequestPermission::decided_by(PermissionLevel::AllUsers).seen_by(PermissionLevel::Admin);
        }
        world.open(&ana);
        world.approve(&ben);
        assert!(world.state().active_event.is_some(), "the hook is slow");
        // Whoever may never decide is told so, and takes no place.
        let told = world.approve(&gus);
        assert_eq!(matches!(told, InputReply::Accepted { .. }), admits_guests, "{told:?}");
        for number in 0..200 {
            world.approve(&crowd(UserRole::Guest, number));
            world.approve(&crowd(UserRole::Member, number));
            // Everybody has one place for each kind of action.
            world.approve(&crowd(UserRole::Member, 0));
        }
        let waiting = world.state().queue.len();
        assert!(waiting < 64, "{waiting} wait");
        for who in [&ada, &ana] {
            let denied = world.deny(who);
            assert!(matches!(denied, InputReply::Accepted { .. }), "{denied:?}");
        }
    }
}

/// Before a request is routed, nobody knows who may decide it. Administrators and the requester can stop it all the same.
#[test]
fn a_request_that_is_not_routed_can_be_stopped() {
    let [ana, _, _, ada, _] = everybody();
    let mut world = World::access();
    world.request(&ana);
    assert!(world.state().routing.is_none());
    for number in 0..200 {
        world.deny(&user(&format!("member{number}"), UserRole::Member));
    }
    assert!(world.state().queue.len() < 64);
    for who in [&ada, &ana] {
        let denied = world.deny(who);
        assert!(matches!(denied, InputReply::Accepted { .. }), "{denied:?}");
    }
}

/// Takes the places of a Run's queue with approvals of members, and returns their number.
fn fill_with_approvals(world: &mut World) -> usize {
    let members = (0..100).map(|number| user(&format!("member{number}"), UserRole::Member));
    members.filter(|member| matches!(world.approve(member), InputReply::Accepted { .. })).count()
}

#[test]
fn some_places_are_kept_for_what_ends_something() {
    let [ana, ben, ..] = everybody();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Approve));
    world.open(&ana);
    world.approve(&ben);
    assert_eq!(fill_with_approvals(&mut world), 48);
    let reply = world.approve(&user("late", UserRole::Member));
    let text = "too many actions on this request are in progress; try again shortly (SymSDK:NOT_PERMITTED)";
    assert_eq!(world.refusal(&reply), text);
    let members = (0..100).map(|number| user(&format!("member{number}"), UserRole::Member));
    let denied = members.filter(|member| matches!(world.deny(member), InputReply::Accepted { .. })).count();
    assert_eq!((denied, world.state().queue.len()), (16, 64));
}

#[test]
fn everybody_has_one_place_for_each_kind_of_action() {
    let [ana, ben, cho, ..] = everybody();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Approve));
    world.open(&ana);
    world.approve(&user("first", UserRole::Member));
    for who in [&ben, &cho] {
        assert!(matches!(world.approve(who), InputReply::Accepted { .. }));
        assert!(matches!(world.deny(who), InputReply::Accepted { .. }), "of another kind");
        for reply in [world.approve(who), world.deny(who)] {
            let text = "you have done this already, and it is in progress (SymSDK:NOT_PERMITTED)";
            assert_eq!(world.refusal(&reply), text);
        }
    }
    assert_eq!(world.state().queue.len(), 4);
}

#[test]
fn a_run_with_anything_in_progress_is_neither_idle_nor_finished() {
    let [ana, ben, _, ada, _] = everybody();
    let mut world = World::access();
    world.request(&ana);
    assert!(world.state().queue.is_empty() && world.state().is_busy(), "it waits for the reducers");
    world.settle();
    assert!(!world.state().is_busy());
    world.approve(&ben);
    world.settle();
    world.revoke(&ada);
    world.fail(world.find(is_revoke).unwrap(), true);
    assert!(!world.state().is_busy() && !world.state().is_finished() && !world.state().is_prunable());
    world.settle();
    assert!(world.state().is_finished());
    // A grant that failed is revoked after the Run has failed.
    let mut world = World::access();
    world.open(&ana);
    world.approve(&ben);
    let grant = world.settle_until(is_grant);
    world.fail(grant, false);
    assert_eq!(world.status(), RunStatus::Errored);
    assert!(!world.state().is_busy() && !world.state().is_finished());
}

/// An undecided request whose flow is gone is closed when the program starts; access that it gave is not.
#[test]
fn only_undecided_requests_can_be_closed() {
    let [ana, ben, ..] = everybody();
    let mut world = World::access();
    world.act(&ana, Action::Prompt);
    world.settle();
    assert!(!world.state().can_be_closed(), "a form");
    world.request(&ana);
    world.settle();
    assert!(world.state().can_be_closed());
    world.approve(&ben);
    world.settle();
    assert!(!world.state().can_be_closed(), "access");
    world.advance(HOUR);
    world.settle();
    assert!(!world.state().can_be_closed(), "it is over");
}

#[test]
fn names_are_those_of_the_stored_form() {
    let kinds = [ActionKind::Prompt, ActionKind::Request, ActionKind::Approve, ActionKind::Deny, ActionKind::Revoke];
    for kind in kinds.into_iter().chain([ActionKind::WriteOff, ActionKind::Regrant, ActionKind::Remove]).chain([
        ActionKind::Extend,
        ActionKind::ApproveExtension,
        ActionKind::DenyExtension,
        ActionKind::Remind,
    ]) {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
    }
    for lane in Lane::ALL {
        assert_eq!(serde_json::to_value(lane).unwrap(), lane.name());
    }
    assert_eq!(PriorState::new("role 7").unwrap().to_string(), "role 7");
}
