//! Requests and decisions: who may decide, and how votes count.

use std::sync::Arc;

use sym_sdk::audit::AuditKind;
use sym_sdk::machine::*;
use sym_sdk::model::*;
use sym_sdk::prelude::{Notification, PermissionLevel, RequestPermission, SlackChannelName, Step};
use sym_sdk::routing::PermissionScope;
use sym_sdk::template::ApprovalTemplate;

use super::harness::*;

#[test]
fn an_access_request_proceeds_from_request_to_deescalation() {
    let [ana, ben, ..] = everybody();
    let mut world = World::access();
    world.open(&ana);
    assert_eq!(world.status(), RunStatus::Requested);
    world.approve(&ben);
    world.settle();
    assert_eq!(world.status(), RunStatus::Escalated);
    assert_eq!(world.state().run.actor(Step::Escalate), Some(&*ben));
    assert_eq!(world.holds.len(), 1);
    world.advance(HOUR);
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
    assert!(world.holds.is_empty());
    assert!(world.timers.is_empty());
    assert!(world.state().is_finished());
}

#[test]
fn an_approval_only_flow_stops_after_approval() {
    let [ana, ben, ..] = everybody();
    let permission = RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin);
    let mut world = World::new(flow(false, FlowParams::default()), Hooks::NONE, permission);
    world.escalate(&ana, &ben);
    assert_eq!(world.status(), RunStatus::Approved);
    assert!(world.state().is_finished());
    assert!(world.timers.is_empty());
}

#[test]
fn refuses_a_second_decision_and_names_the_first() {
    let [ana, ben, cho, ..] = everybody();
    let mut world = World::access();
    world.escalate(&ana, &ben);
    let reply = world.deny(&cho);
    expect_test::expect!["this request was already approved by ben@example.com (SymSDK:ALREADY_DECIDED)"]
        .assert_eq(&world.refusal(&reply));
    assert_eq!(world.status(), RunStatus::Escalated);
}

#[test]
fn notifies_the_actor_of_a_queued_decision_that_is_refused() {
    let [ana, ben, cho, ..] = everybody();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Approve));
    world.open(&ana);
    world.approve(&ben);
    assert!(matches!(world.deny(&cho), InputReply::Accepted { .. }), "it is queued behind the hook of the first");
    world.settle();
    assert_eq!(world.status(), RunStatus::Escalated);
    let refused: Vec<_> = world.audit.iter().filter(|entry| matches!(entry.kind, AuditKind::Refused { .. })).collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].event.actor, cho);
    let notified = world.audit.iter().any(|entry| {
        matches!(&entry.kind, AuditKind::Messaged { to, text } if to == "cho@example.com" && text.contains("already approved"))
    });
    assert!(notified, "the actor of the second decision is notified");
}

#[test]
fn refuses_decisions_beyond_the_permissions() {
    let [ana, ben, cho, ada, gus] = everybody();
    let mut world = World::access();
    world.permission =
        RequestPermission::decided_by(PermissionScope::try_from(sym_sdk::prelude::user_ids([&*ben])).unwrap())
            .seen_by(PermissionLevel::Admin);
    world.open(&ana);
    for (who, expected) in [
        (&cho, expect_test::expect!["cho@example.com is not permitted to decide this request (SymSDK:NOT_PERMITTED)"]),
        (&gus, expect_test::expect!["gus@example.com is not permitted to decide this request (SymSDK:NOT_PERMITTED)"]),
        (&ana, expect_test::expect!["ana@example.com is not permitted to decide this request (SymSDK:NOT_PERMITTED)"]),
    ] {
        let reply = world.approve(who);
        expected.assert_eq(&world.refusal(&reply));
    }
    assert_eq!(world.status(), RunStatus::Requested);
    world.approve(&ada);
    world.settle();
    assert_eq!(world.status(), RunStatus::Escalated, "admins always may");
}

#[test]
fn self_approval_requires_permission() {
    let [ana, .., ada, _] = everybody();
    for who in [&ana, &ada] {
        let mut world = World::access();
        world.open(who);
        let reply = world.approve(who);
        expect_test::expect!["requesters cannot approve their own request (SymSDK:SELF_APPROVAL)"]
            .assert_eq(&world.refusal(&reply));

        let mut world = World::access();
        world.permission = world.permission.clone().allow_self_approval(true);
        world.escalate(who, who);
        assert_eq!(world.status(), RunStatus::Escalated);
    }
}

#[test]
fn requesters_can_always_withdraw() {
    let ana = user("ana", UserRole::Member);
    let mut world = World::access();
    world.permission = RequestPermission::admins_only();
    world.open(&ana);
    world.deny(&ana);
    world.settle();
    assert_eq!(world.status(), RunStatus::Denied);
}

#[test]
fn guests_cannot_request_and_decide_only_if_flow_and_permissions_admit_them() {
    let [ana, .., gus] = everybody();
    let mut world = World::access();
    let reply = world.request(&gus);
    expect_test::expect!["gus@example.com is a guest; guests cannot make requests (SymSDK:NOT_PERMITTED)"]
        .assert_eq(&world.refusal(&reply));
    assert!(world.state.is_none(), "nothing is stored");
    assert_eq!(world.audit.len(), 1, "but it is audited");

    for (guests, level, admitted) in [
        (false, PermissionLevel::AllUsers, false),
        (true, PermissionLevel::Member, false),
        (true, PermissionLevel::AllUsers, true),
    ] {
        let mut params = FlowParams::default();
        params.allow_guest_interaction = guests;
        let permission = RequestPermission::decided_by(level).seen_by(PermissionLevel::Admin);
        let mut world = World::new(flow(true, params), Hooks::NONE, permission);
        world.open(&ana);
        let reply = world.approve(&gus);
        assert_eq!(
            matches!(reply, InputReply::Accepted { .. }),
            admitted,
            "guests {guests}, level {level:?}: {reply:?}"
        );
    }
}

#[test]
fn two_required_approvals_need_two_people_and_one_denial_denies() {
    let [ana, ben, cho, ..] = everybody();
    let mut world = World::access();
    world.permission = world.permission.clone().approvals(2);
    world.escalate(&ana, &ben);
    assert_eq!(world.status(), RunStatus::Requested);
    let reply = world.approve(&ben);
    expect_test::expect![
        "you have already approved this request; it needs more approvals from others (SymSDK:ALREADY_DECIDED)"
    ]
    .assert_eq(&world.refusal(&reply));
    let mut denied = World { state: world.state.clone(), ..World::access() };
    denied.deny(&cho);
    assert_eq!(denied.status(), RunStatus::Denied);
    world.approve(&cho);
    world.settle();
    assert_eq!(world.status(), RunStatus::Escalated);
}

#[test]
fn an_approval_fired_again_by_its_hook_counts_once() {
    let [ana, ben, ..] = everybody();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Approve));
    world.permission = world.permission.clone().approvals(2);
    world.open(&ana);
    world.approve(&ben);
    let hook = world.find(is_hook(Hook::On(Step::Approve))).unwrap();
    let again = ApprovalTemplate::approve().reason("with a better reason");
    world.finish(hook, verdict(Hook::On(Step::Approve), HookResult::Fire(again.into())));
    world.settle();
    assert_eq!(world.status(), RunStatus::Requested, "another approver is still needed");
}

#[test]
fn refuses_requests_from_sources_that_are_not_allowed() {
    let ana = user("ana", UserRole::Member);
    let mut params = FlowParams::default();
    params.allowed_sources = Some([Source::Api].into());
    let mut world = World::new(flow(true, params), Hooks::NONE, RequestPermission::admins_only());
    let reply = world.request(&ana);
    expect_test::expect![
        "flow `prod` does not accept requests from slack; allowed sources: api (SymSDK:NOT_PERMITTED)"
    ]
    .assert_eq(&world.refusal(&reply));
}

#[test]
fn accepts_requests_from_every_source_that_is_allowed() {
    let ana = user("ana", UserRole::Member);
    for (channel, is_allowed) in [(ChannelType::Slack, true), (ChannelType::Api, true), (ChannelType::Web, false)] {
        let mut params = FlowParams::default();
        params.allowed_sources = Some([Source::Slack, Source::Api].into());
        let mut world = World::new(flow(false, params), Hooks::NONE, RequestPermission::admins_only());
        for action in [Action::Prompt, Action::Request(Box::default())] {
            let reply = world.act_through(&ana, channel, action);
            assert_eq!(matches!(reply, InputReply::Accepted { .. }), is_allowed, "{channel}: {reply:?}");
            world.settle();
        }
    }
}

#[test]
fn recognizes_a_person_whose_address_has_changed() {
    let [ana, ben, ..] = everybody();
    let renamed = |user: &User| Arc::new(User::person(user.id(), &format!("new-{}", user.username())).unwrap());
    let mut world = World::access();
    world.permission = world.permission.clone().approvals(2);
    world.open(&ana);
    let reply = world.approve(&renamed(&ana));
    expect_test::expect!["requesters cannot approve their own request (SymSDK:SELF_APPROVAL)"]
        .assert_eq(&world.refusal(&reply));
    world.approve(&ben);
    let reply = world.approve(&renamed(&ben));
    expect_test::expect![
        "you have already approved this request; it needs more approvals from others (SymSDK:ALREADY_DECIDED)"
    ]
    .assert_eq(&world.refusal(&reply));
}

fn counted(world: &World) -> Vec<(usize, usize)> {
    let counts = world.audit.iter().filter_map(|entry| match entry.kind {
        AuditKind::Counted { approvals, needed } => Some((approvals, needed)),
        _ => None,
    });
    counts.collect()
}

/// Only somebody whose vote would have been the last one is told that others have lost theirs.
#[test]
fn votes_are_recorded_if_several_are_needed() {
    let [ana, ben, cho, ..] = everybody();
    let mut world = World::access();
    world.escalate(&ana, &ben);
    assert_eq!(counted(&world), []);
    assert!(!world.state().request.as_ref().unwrap().duration_set_by_hook);
    let mut world = World::access();
    world.permission = world.permission.clone().approvals(2);
    world.open(&ana);
    for who in [&ben, &cho] {
        world.approve(who);
        world.settle();
    }
    assert_eq!(counted(&world), [(1, 2), (2, 2)]);
    let to_approvers = world.messages().into_iter().filter(|(to, _)| to != "ana@example.com");
    assert_eq!(to_approvers.count(), 0);
}

/// A requester who approves the own request is the same person, although the directory has changed meanwhile.
#[test]
fn a_requester_who_approves_is_told_once_that_nothing_is_granted() {
    let ana = user("ana", UserRole::Member);
    let mut world = World::access();
    world.permission = world.permission.clone().allow_self_approval(true);
    world.hooks = Hooks::NONE.with(Hook::On(Step::Escalate));
    world.open(&ana);
    world.approve(&user("ana", UserRole::Admin));
    let hook = world.settle_until(is_hook(Hook::On(Step::Escalate)));
    world.finish(hook, verdict(Hook::On(Step::Escalate), HookResult::Fire(ApprovalTemplate::ignore().into())));
    let told = world
        .effects
        .values()
        .filter(|effect| matches!(&effect.kind, EffectKind::Message { notice: Notice::NotGranted { .. }, .. }));
    assert_eq!(told.count(), 1);
}

#[test]
fn only_hooks_of_forwards_are_called_with_their_position() {
    let [ana, ben, ..] = everybody();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Approve)).with(Hook::On(Step::RequestForward));
    world.notifications =
        ["#a", "#b"].map(|name| Notification::to(SlackChannelName::new(name).unwrap()).timeout(HOUR)).to_vec();
    world.open(&ana);
    world.fire(TimerKind::Forward);
    let is_given = |world: &World, step| {
        let hook = world.find(is_hook(Hook::On(step))).unwrap();
        matches!(&world.effects[&hook].kind, EffectKind::Hook { forward: Some(_), .. })
    };
    assert!(is_given(&world, Step::RequestForward));
    world.settle();
    world.approve(&ben);
    assert!(!is_given(&world, Step::Approve));
}

#[test]
fn an_outcome_names_the_handler_that_was_called_last() {
    let handler = |name: &'static str| HandlerRef::new(name, "tests", "tests.rs", 1);
    let name = |outcome: Outcome| outcome.handler().map(|handler| handler.to_string());
    let routing = || Routing::new(RequestPermission::admins_only(), vec![]);
    let handlers = vec![handler("get_permissions"), handler("get_request_notifications")];
    let last = Some(handler("get_request_notifications").to_string());
    assert_eq!(name(Outcome::Routed { handlers, routing: routing() }), last);
    assert_eq!(name(Outcome::Routed { handlers: vec![], routing: routing() }), None);
    let error = EffectError::new(sym_sdk::error::ErrorKind::Handler, sym_sdk::error::codes::HANDLER_FAILED, "no");
    assert_eq!(name(Outcome::Failed(error.clone())), None);
    let failed = Outcome::Failed(error.in_handler(handler("on_request")));
    assert_eq!(name(failed), Some(handler("on_request").to_string()));
}
