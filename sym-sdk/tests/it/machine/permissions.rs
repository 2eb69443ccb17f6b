//! The questions of front ends: which actions would be accepted, and which messages may be acted on.

use sym_sdk::error::ErrorKind;
use sym_sdk::machine::*;
use sym_sdk::model::*;
use sym_sdk::prelude::{Notification, PermissionLevel, RequestPermission, Step};

use super::harness::*;

fn allowed(world: &World, who: &User) -> Vec<ActionKind> {
    allowed_actions(&world.flow, world.state(), who, world.now)
}

#[test]
fn allowed_actions_follow_the_permissions_of_each_user() {
    let [ana, ben, _, ada, gus] = everybody();
    let mut world = World::access();
    world.open(&ana);
    assert_eq!(allowed(&world, &ana), [ActionKind::Deny], "a requester may withdraw");
    assert_eq!(allowed(&world, &ben), [ActionKind::Approve, ActionKind::Deny]);
    assert_eq!(allowed(&world, &gus), []);

    world.approve(&ben);
    world.settle();
    assert_eq!(allowed(&world, &ben), [ActionKind::Revoke], "an approver may revoke");
    assert_eq!(allowed(&world, &ada), [ActionKind::Revoke, ActionKind::Regrant]);
    assert_eq!(allowed(&world, &gus), []);

    world.advance(HOUR);
    assert_eq!(allowed(&world, &ada), [ActionKind::WriteOff], "the first attempt at the revocation is in progress");
    world.fail(world.find(is_revoke).unwrap(), true);
    assert_eq!(allowed(&world, &ada), [ActionKind::Revoke, ActionKind::WriteOff], "the next attempt waits");
    world.settle();
    assert_eq!(allowed(&world, &ada), []);
}

#[test]
fn a_decision_counts_in_messages_of_the_current_notification() {
    let [ana, ben, ..] = everybody();
    let mut world = World::access();
    let timed = |notification: &Notification| notification.clone().timeout(HOUR);
    world.notifications = [timed(&world.notifications[0]), timed(&world.notifications[0])].into();
    world.request(&ana);
    let route = world.find(|kind| matches!(kind, EffectKind::Route)).unwrap();
    world.succeed(route);
    let deliver = world.find(|kind| matches!(kind, EffectKind::Deliver { .. })).unwrap();
    let first = MessageRef::new("test", deliver.to_string());
    assert_eq!(world.state().message_status(&first), MessageStatus::Current, "the delivery is not recorded yet");
    world.succeed(deliver);
    let other = MessageRef::new("test", "another message");
    assert_eq!(world.state().message_status(&first), MessageStatus::Current);
    assert_eq!(world.state().message_status(&other), MessageStatus::Unknown);

    world.advance(HOUR);
    world.settle();
    let second = world.state().delivered.last().unwrap().message.clone();
    assert_eq!(world.state().message_status(&first), MessageStatus::Superseded);
    assert_eq!(world.state().message_status(&second), MessageStatus::Current);

    world.approve(&ben);
    world.settle();
    // A click in any message of a decided request gets the refusal that names the decision.
    assert_eq!(world.state().message_status(&first), MessageStatus::Current);
    assert_eq!(world.state().message_status(&other), MessageStatus::Unknown);
}

#[test]
fn errors_stored_without_a_kind_can_be_read() {
    let stored = r#"{"code":"SymSDK:NOT_PERMITTED","message":"no","hint":null,"handler":null,"retryable":false}"#;
    let error: EffectError = serde_json::from_str(stored).unwrap();
    assert_eq!(error.kind, ErrorKind::Handler);
    let refused = EffectError::new(ErrorKind::Forbidden, sym_sdk::error::codes::NOT_PERMITTED, "no");
    let json = serde_json::to_value(&refused).unwrap();
    assert_eq!(json["kind"], "forbidden");
    assert_eq!(serde_json::from_value::<EffectError>(json).unwrap(), refused);
    assert_eq!(sym_sdk::Error::from(refused).kind(), ErrorKind::Forbidden);
}

#[test]
fn states_with_former_field_names_can_be_read() {
    let [ana, ben, ..] = everybody();
    let mut world = World::access();
    world.open(&ana);
    world.approve(&ben);
    let mut stored = serde_json::to_string(world.state()).unwrap();
    for (name, former) in
        [("active_event", "cycle"), ("deferred_after_request", "after_request_due"), ("decided_by_hook", "by_code")]
    {
        let name = format!("\"{name}\":");
        assert!(stored.contains(&name), "{name}");
        stored = stored.replace(&name, &format!("\"{former}\":"));
    }
    assert_eq!(&serde_json::from_str::<RunState>(&stored).unwrap(), world.state());
}

#[test]
fn a_form_is_opened_once() {
    let [ana, ..] = everybody();
    let mut world = World::access();
    world.act(&ana, Action::Prompt);
    world.settle();
    let reply = world.act(&ana, Action::Prompt);
    assert_eq!(world.refusal(&reply), "this request has already begun; start a new one (SymSDK:INVALID_EVENT)");
}

#[test]
fn a_request_that_failed_is_not_submitted_again() {
    let [ana, ..] = everybody();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Request));
    world.request(&ana);
    world.fail(world.find(is_hook(Hook::On(Step::Request))).unwrap(), false);
    world.settle();
    assert!(world.status() == RunStatus::Errored && world.state().request.is_none());
    let reply = world.request(&ana);
    assert_eq!(world.refusal(&reply), "this request was already submitted; start a new one (SymSDK:INVALID_EVENT)");
}

/// Whoever gave access can take it away, also if they may not decide any more.
#[test]
fn an_approver_may_revoke_after_a_demotion() {
    let [ana, _, _, ada, _] = everybody();
    let mut world = World::access();
    world.permission = RequestPermission::decided_by(PermissionLevel::Admin);
    world.escalate(&ana, &ada);
    let demoted = user("ada", UserRole::Member);
    assert_eq!(allowed(&world, &demoted), [ActionKind::Revoke]);
    assert_eq!(allowed(&world, &user("cho", UserRole::Member)), []);
}

/// A hook would be called for a request that cannot be approved, and could take it for one that can.
#[test]
fn the_hook_is_not_called_for_an_approval_that_closes_the_request() {
    let [ana, ben, ..] = everybody();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Approve));
    world.open(&ana);
    world.flow = flow(false, FlowParams::default());
    world.approve(&ben);
    assert!(world.find(is_hook(Hook::On(Step::Approve))).is_none());
    assert_eq!(world.status(), RunStatus::Errored);
}

/// Access that is granted again ends when it was to end before, whatever is offered now.
#[test]
fn durations_are_checked_before_a_grant_and_not_before_a_repetition() {
    let [ana, ben, _, ada, _] = everybody();
    let mut world = World::access();
    world.open(&ana);
    world.approve(&ben);
    let grant = world.settle_until(is_grant);
    let mut params = FlowParams::default();
    params.durations = vec![HOUR / 2];
    let shorter = flow(true, params);
    let target = shorter.strategy().unwrap().targets()[0].clone();
    let refused = check_grant(&shorter, world.state(), &target, Some(&*ana)).unwrap_err();
    assert!(refused.message.starts_with("flow `prod` no longer offers a duration of "), "{}", refused.message);
    world.succeed(grant);
    world.settle();
    world.act(&ada, Action::Regrant);
    check_grant(&shorter, world.state(), &target, Some(&*ana)).unwrap();
}

/// A request in somebody's name is what they have filled in. Nobody is an exception, administrators included.
#[test]
fn only_whoever_opened_a_form_submits_it() {
    let [ana, ben, _, ada, _] = everybody();
    let mut world = World::access();
    world.act(&ana, Action::Prompt);
    world.settle();
    for other in [&ben, &ada] {
        let reply = world.request(other);
        assert_eq!(
            world.refusal(&reply),
            "only ana@example.com, who opened the form, can submit it (SymSDK:NOT_PERMITTED)"
        );
        assert!(world.state().request.is_none());
    }
    world.open(&ana);
    assert_eq!(world.status(), RunStatus::Requested);
    assert_eq!(world.state().run.requester(), Some(&*ana));
}

/// Once a request is routed, it is known who may decide: nobody else waits for the active event any more.
#[test]
fn only_those_who_may_act_wait_for_the_active_event_of_a_routed_request() {
    let [ana, ben, cho, ada, _] = everybody();
    let mut world = World::access();
    world.permission = RequestPermission::decided_by(PermissionLevel::Admin);
    world.hooks = Hooks::NONE.with(Hook::On(Step::Approve));
    world.request(&ana);
    assert!(matches!(world.approve(&ben), InputReply::Accepted { .. }), "before that, anybody might be an approver");
    world.settle();
    assert_eq!(world.status(), RunStatus::Requested);

    world.approve(&ada);
    let hook = world.find(is_hook(Hook::On(Step::Approve))).expect("the hook is slow");
    for action in [Action::approve(), Action::deny(), Action::Revoke] {
        let reply = world.act(&cho, action);
        let refused = "cho@example.com is not permitted to decide this request (SymSDK:NOT_PERMITTED)";
        assert_eq!(world.refusal(&reply), refused);
    }
    assert!(world.state().queue.is_empty());
    world.succeed(hook);
    world.settle();
    assert_eq!(world.status(), RunStatus::Escalated);
}
