//! The machine's rules, one by one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::world::*;
use sym_sdk::audit::AuditKind;
use sym_sdk::error::codes;
use sym_sdk::machine::*;
use sym_sdk::model::*;
use sym_sdk::prelude::{NextEvent, Notification, PermissionLevel, RequestPermission, SlackChannelName, Step};
use sym_sdk::routing::PermissionScope;
use sym_sdk::template::ApprovalTemplate;

#[test]
fn an_access_request_goes_from_request_to_deescalation() {
    let [ana, ben, ..] = <[_; 5]>::try_from(people()).unwrap();
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
fn the_end_of_access_is_set_before_the_strategy_is_asked() {
    let [ana, ben, ..] = <[_; 5]>::try_from(people()).unwrap();
    let mut world = World::access();
    world.open(&ana);
    world.approve(&ben);
    while world.find(is_grant).is_none() {
        let seq = *world.effects.keys().next_back().unwrap();
        world.succeed(seq);
    }
    assert!(world.timers.contains_key(&TimerKind::Expire));
    assert_eq!(world.holds.len(), 1);
}

#[test]
fn an_approval_only_flow_stops_after_approval() {
    let [ana, ben, ..] = <[_; 5]>::try_from(people()).unwrap();
    let permission = RequestPermission::new(PermissionLevel::Admin, PermissionLevel::Member);
    let mut world = World::new(flow(false, FlowParams::default()), Hooks::NONE, permission);
    world.escalate(&ana, &ben);
    assert_eq!(world.status(), RunStatus::Approved);
    assert!(world.state().is_finished());
    assert!(world.timers.is_empty());
}

#[test]
fn the_second_of_two_decisions_is_refused_with_the_name_of_the_first() {
    let [ana, ben, cho, ..] = <[_; 5]>::try_from(people()).unwrap();
    let mut world = World::access();
    world.escalate(&ana, &ben);
    let reply = world.deny(&cho);
    expect_test::expect!["this request was already approved by ben@example.com (SymSDK:ALREADY_DECIDED)"]
        .assert_eq(&world.refusal(&reply));
    assert_eq!(world.status(), RunStatus::Escalated);
}

#[test]
fn a_decision_that_waited_for_another_one_is_told_so() {
    let [ana, ben, cho, ..] = <[_; 5]>::try_from(people()).unwrap();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Approve));
    world.open(&ana);
    world.approve(&ben);
    assert!(matches!(world.deny(&cho), InputReply::Accepted { .. }), "it waits for the hook of the first");
    world.settle();
    assert_eq!(world.status(), RunStatus::Escalated);
    let refused: Vec<_> = world.audit.iter().filter(|entry| matches!(entry.kind, AuditKind::Refused { .. })).collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].event.actor, cho);
    let told = world.audit.iter().any(|entry| {
        matches!(&entry.kind, AuditKind::Messaged { to, text } if to == "cho@example.com" && text.contains("already approved"))
    });
    assert!(told, "the one who came second hears of it");
}

#[test]
fn nobody_decides_beyond_the_permissions() {
    let [ana, ben, cho, ada, gus] = <[_; 5]>::try_from(people()).unwrap();
    let mut world = World::access();
    world.permission = RequestPermission::new(
        PermissionLevel::Admin,
        PermissionScope::try_from(sym_sdk::prelude::user_ids([&*ben])).unwrap(),
    );
    world.open(&ana);
    for (who, expected) in [
        (
            &cho,
            expect_test::expect![
                "cho@example.com is not among those who may decide this request (SymSDK:NOT_PERMITTED)"
            ],
        ),
        (
            &gus,
            expect_test::expect![
                "gus@example.com is not among those who may decide this request (SymSDK:NOT_PERMITTED)"
            ],
        ),
        (
            &ana,
            expect_test::expect![
                "ana@example.com is not among those who may decide this request (SymSDK:NOT_PERMITTED)"
            ],
        ),
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
fn requesters_approve_their_own_request_only_where_it_is_allowed() {
    let [ana, .., ada, _] = <[_; 5]>::try_from(people()).unwrap();
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
fn requesters_may_always_withdraw() {
    let ana = user("ana", UserRole::Member);
    let mut world = World::access();
    world.permission = RequestPermission::admins_only();
    world.open(&ana);
    world.deny(&ana);
    world.settle();
    assert_eq!(world.status(), RunStatus::Denied);
}

#[test]
fn guests_never_request_and_decide_only_where_flow_and_permissions_admit_them() {
    let [ana, .., gus] = <[_; 5]>::try_from(people()).unwrap();
    let mut world = World::access();
    let reply = world.request(&gus);
    expect_test::expect!["gus@example.com is a guest; guests cannot make requests (SymSDK:NOT_PERMITTED)"]
        .assert_eq(&world.refusal(&reply));
    assert!(world.state.is_none(), "nothing is stored");
    assert_eq!(world.audit.len(), 1, "but it is on the record");

    for (guests, level, admitted) in [
        (false, PermissionLevel::AllUsers, false),
        (true, PermissionLevel::Member, false),
        (true, PermissionLevel::AllUsers, true),
    ] {
        let mut params = FlowParams::default();
        params.allow_guest_interaction = guests;
        let permission = RequestPermission::new(PermissionLevel::Admin, level);
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
fn two_approvals_are_needed_when_two_are_asked_for_and_one_denial_denies() {
    let [ana, ben, cho, ..] = <[_; 5]>::try_from(people()).unwrap();
    let mut world = World::access();
    world.permission = world.permission.clone().approvals(2);
    world.escalate(&ana, &ben);
    assert_eq!(world.status(), RunStatus::Requested);
    let reply = world.approve(&ben);
    expect_test::expect!["you have approved this request already; it waits for others (SymSDK:ALREADY_DECIDED)"]
        .assert_eq(&world.refusal(&reply));
    let mut denied = World { state: world.state.clone(), ..World::access() };
    denied.deny(&cho);
    assert_eq!(denied.status(), RunStatus::Denied);
    world.approve(&cho);
    world.settle();
    assert_eq!(world.status(), RunStatus::Escalated);
}

#[test]
fn an_approval_that_its_own_hook_fires_again_is_still_one_vote() {
    let [ana, ben, ..] = <[_; 5]>::try_from(people()).unwrap();
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

fn fire_from(on: Step, next: NextEvent) -> World {
    let [ana, ben, ..] = <[_; 5]>::try_from(people()).unwrap();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(on));
    world.request(&ana);
    let mut guard = 0;
    let mut fired = false;
    while !fired && guard < 50 {
        guard += 1;
        if let Some(hook) = world.find(is_hook(Hook::On(on))) {
            world.finish(hook, verdict(Hook::On(on), HookResult::Fire(next.clone().into())));
            fired = true;
        } else if let Some(seq) = world.effects.keys().next().copied() {
            world.succeed(seq);
        } else if world.state().is_open() {
            world.approve(&ben);
        } else {
            world.advance(HOUR);
        }
    }
    assert!(fired, "the hook was called");
    world
}

#[test]
fn a_hook_that_approves_a_request_skips_the_reducers() {
    let mut world = fire_from(Step::Request, ApprovalTemplate::approve().reason("on call"));
    assert!(world.find(|kind| matches!(kind, EffectKind::Route)).is_none());
    world.settle();
    assert_eq!(world.status(), RunStatus::Escalated);
    let decision = world.state().decision.as_ref().unwrap();
    assert_eq!(decision.channel.kind(), ChannelType::Sdk);
    assert_eq!(decision.reason.as_deref(), Some("on call"));
    assert_eq!(world.state().run.requester().unwrap().username(), "ana@example.com");
}

#[test]
fn a_requester_is_told_why_the_flow_itself_denied() {
    let mut world = fire_from(Step::Request, ApprovalTemplate::deny().reason("production is frozen"));
    world.settle();
    assert_eq!(world.status(), RunStatus::Denied);
    let told = world.audit.iter().find_map(|entry| match &entry.kind {
        AuditKind::Messaged { to, text } => Some((to.as_str(), text.as_str())),
        _ => None,
    });
    assert_eq!(told, Some(("ana@example.com", "Your request for prod was denied: production is frozen")));
}

#[test]
fn requests_only_go_forward() {
    for (on, next) in [
        (Step::Escalate, ApprovalTemplate::deny()),
        (Step::Approve, ApprovalTemplate::request()),
        (Step::Approve, ApprovalTemplate::prompt()),
    ] {
        let world = fire_from(on, next);
        assert_eq!(world.status(), RunStatus::Errored, "from {on}");
        assert_eq!(world.grants_asked, 0);
    }
}

#[test]
fn no_hook_escalates_what_is_not_approved() {
    let world = fire_from(Step::Request, ApprovalTemplate::escalate());
    assert_eq!(world.status(), RunStatus::Errored);
    assert_eq!(world.state().error.as_ref().unwrap().code, codes::DEESCALATE_INVALID_RUN);
    assert_eq!(world.grants_asked, 0);
}

#[test]
fn a_hook_may_fire_its_own_event_once() {
    let mut world = fire_from(Step::Request, ApprovalTemplate::request().duration(Duration::from_secs(600)));
    let hook = world.find(is_hook(Hook::On(Step::Request))).expect("the hook is asked again");
    let mut again = World { state: world.state.clone(), effects: world.effects.clone(), ..World::access() };
    again.hooks = world.hooks;
    again.finish(hook, verdict(Hook::On(Step::Request), HookResult::Fire(ApprovalTemplate::request().into())));
    assert_eq!(again.status(), RunStatus::Errored, "but not twice");
    world.settle();
    assert_eq!(world.status(), RunStatus::Requested);
    assert_eq!(world.state().request.as_ref().unwrap().duration, Some(Duration::from_secs(600)));
}

#[test]
fn an_ignored_event_changes_nothing_and_is_told_to_its_actor() {
    let world = {
        let mut world = fire_from(Step::Approve, ApprovalTemplate::ignore().message("ask your manager"));
        world.settle();
        world
    };
    assert_eq!(world.status(), RunStatus::Requested);
    assert!(world.state().decision.is_none());
    let told = world.audit.iter().any(|entry| {
        matches!(&entry.kind, AuditKind::Messaged { to, text } if to == "ben@example.com" && text == "ask your manager")
    });
    assert!(told);
}

#[test]
fn a_scheduled_deescalation_can_be_put_off_and_not_lost() {
    let mut world = fire_from(Step::Deescalate, ApprovalTemplate::ignore());
    assert_eq!(world.status(), RunStatus::Escalated);
    assert!(world.timers.contains_key(&TimerKind::Expire), "it comes again");
    world.settle();
    world.advance(IGNORED_EXPIRY_RETRY_DELAY);
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
}

#[test]
fn a_failing_hook_does_not_keep_access_from_ending() {
    let [ana, ben, ..] = <[_; 5]>::try_from(people()).unwrap();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Deescalate)).with(Hook::After(Step::Deescalate));
    world.escalate(&ana, &ben);
    world.advance(HOUR);
    let hook = world.find(is_hook(Hook::On(Step::Deescalate))).unwrap();
    world.fail(hook, false);
    assert!(world.find(|kind| matches!(kind, EffectKind::Alert { .. })).is_some());
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
}

#[test]
fn a_grant_that_fails_for_good_is_cleaned_up() {
    let [ana, ben, ..] = <[_; 5]>::try_from(people()).unwrap();
    let mut world = World::access();
    world.open(&ana);
    world.approve(&ben);
    let mut attempts = 0;
    loop {
        if let Some(seq) = world.find(is_grant) {
            attempts += 1;
            world.fail(seq, true);
        } else if let Some(seq) = world.find(|kind| matches!(kind, EffectKind::Identify { .. })) {
            world.succeed(seq);
        } else {
            break;
        }
    }
    assert_eq!(attempts, MAX_GRANT_ATTEMPTS);
    assert_eq!(world.status(), RunStatus::Errored);
    assert!(world.find(is_revoke).is_some());
    world.settle();
    assert_eq!(world.status(), RunStatus::Errored);
    assert!(!world.granted && world.holds.is_empty() && world.timers.is_empty());
    assert!(world.state().is_finished());
}

#[test]
fn a_revocation_is_tried_until_it_succeeds() {
    let [ana, ben, ..] = <[_; 5]>::try_from(people()).unwrap();
    let mut world = World::access();
    world.escalate(&ana, &ben);
    world.advance(HOUR);
    let mut alerts = 0;
    let began = world.now;
    for attempt in 1..=200 {
        let seq = world.find(is_revoke).expect("it is tried again");
        assert_eq!(world.effects[&seq].attempt, attempt);
        world.fail(seq, false);
        while let Some(seq) = world.find(|kind| matches!(kind, EffectKind::Alert { .. })) {
            alerts += 1;
            world.succeed(seq);
        }
        assert_eq!(world.status(), RunStatus::Escalated);
    }
    let days = world.now.duration_since(began).as_hours() / 24;
    assert_eq!(alerts, 1 + days, "told at once and once a day");
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
}

#[test]
fn a_revoke_and_the_timer_revoke_once() {
    let [ana, ben, cho, ..] = <[_; 5]>::try_from(people()).unwrap();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Deescalate));
    world.escalate(&ana, &ben);
    world.act(&ana, Action::Revoke);
    let generation = world.timers.remove(&TimerKind::Expire).unwrap().1;
    world.now += HOUR;
    // The timer falls due while the revoke's hook runs.
    world.input(InputBody::TimerFired { kind: TimerKind::Expire, generation });
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
    let revoked = world.audit.iter().filter(|entry| matches!(entry.kind, AuditKind::Revoked { .. })).count();
    assert_eq!(revoked, 1);
    let reply = world.act(&cho, Action::Revoke);
    expect_test::expect![
        "only an escalated request can be revoked; this one is deescalated (DeescalateAPI:INVALID_RUN)"
    ]
    .assert_eq(&world.refusal(&reply));
}

#[test]
fn a_request_goes_on_to_the_next_notification_and_expires_after_the_last() {
    let [ana, ben, ..] = <[_; 5]>::try_from(people()).unwrap();
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
fn a_delivery_is_tried_again_while_that_may_help() {
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
    let told = world.audit.iter().any(
        |entry| matches!(&entry.kind, AuditKind::Messaged { text, .. } if text.contains("Nobody could be notified")),
    );
    assert!(told);
}

#[test]
fn where_others_can_be_told_a_delivery_is_not_tried_for_long() {
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
fn open_ended_access_lasts_until_it_is_revoked() {
    let [ana, ben, cho, ..] = <[_; 5]>::try_from(people()).unwrap();
    let mut params = FlowParams::default();
    params.schedule_deescalation = false;
    let permission = RequestPermission::new(PermissionLevel::Admin, PermissionLevel::Member);
    let mut world = World::new(flow(true, params), Hooks::NONE, permission);
    world.escalate(&ana, &ben);
    assert!(world.timers.is_empty());
    world.act(&cho, Action::Revoke);
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
}

#[test]
fn where_early_revocation_is_off_only_admins_revoke() {
    let [ana, ben, _, ada, _] = <[_; 5]>::try_from(people()).unwrap();
    let mut params = FlowParams::default();
    params.allow_revoke = false;
    let permission = RequestPermission::new(PermissionLevel::Admin, PermissionLevel::Member);
    let mut world = World::new(flow(true, params), Hooks::NONE, permission);
    world.escalate(&ana, &ben);
    let reply = world.act(&ana, Action::Revoke);
    expect_test::expect![
        "flow `prod` does not allow access to be revoked early; an administrator can (SymSDK:NOT_PERMITTED)"
    ]
    .assert_eq(&world.refusal(&reply));
    world.act(&ada, Action::Revoke);
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
}

#[test]
fn a_closed_source_takes_no_requests() {
    let ana = user("ana", UserRole::Member);
    let mut params = FlowParams::default();
    params.allowed_sources = Some([Source::Api].into());
    let mut world = World::new(flow(true, params), Hooks::NONE, RequestPermission::admins_only());
    let reply = world.request(&ana);
    expect_test::expect!["flow `prod` takes no requests from slack; allowed: api (SymSDK:NOT_PERMITTED)"]
        .assert_eq(&world.refusal(&reply));
}

#[test]
fn time_within_a_run_never_runs_backwards() {
    let [ana, ben, ..] = <[_; 5]>::try_from(people()).unwrap();
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
fn a_clock_that_was_ahead_for_a_while_holds_up_no_end_of_access() {
    let [ana, ben, ..] = <[_; 5]>::try_from(people()).unwrap();
    let years = 10 * 365 * 24 * HOUR;
    let mut world = World::access();
    world.now += years;
    world.open(&ana);
    world.now -= years;
    world.approve(&ben);
    world.settle();
    assert_eq!(world.timers[&TimerKind::Expire].0, world.now + HOUR);
    world.advance(HOUR);
    world.fail(world.find(is_revoke).unwrap(), false);
    let again = &world.effects[&world.find(is_revoke).unwrap()];
    assert_eq!(again.not_before, Some(world.now + Duration::from_secs(1)));
}

#[test]
fn a_person_whose_address_changes_is_still_the_same_person() {
    let [ana, ben, ..] = <[_; 5]>::try_from(people()).unwrap();
    let renamed = |user: &User| Arc::new(User::person(user.id(), &format!("new-{}", user.username())).unwrap());
    let mut world = World::access();
    world.permission = world.permission.clone().approvals(2);
    world.open(&ana);
    let reply = world.approve(&renamed(&ana));
    expect_test::expect!["requesters cannot approve their own request (SymSDK:SELF_APPROVAL)"]
        .assert_eq(&world.refusal(&reply));
    world.approve(&ben);
    let reply = world.approve(&renamed(&ben));
    expect_test::expect!["you have approved this request already; it waits for others (SymSDK:ALREADY_DECIDED)"]
        .assert_eq(&world.refusal(&reply));
}

#[test]
fn an_alert_of_a_failing_revocation_that_is_not_sent_is_raised_again() {
    let [ana, ben, ..] = <[_; 5]>::try_from(people()).unwrap();
    let is_alert = |kind: &EffectKind| matches!(kind, EffectKind::Alert { .. });
    let mut world = World::access();
    world.escalate(&ana, &ben);
    world.advance(HOUR);
    world.fail(world.find(is_revoke).unwrap(), false);
    world.fail(world.find(is_alert).expect("the first failure is told"), true);
    world.fail(world.find(is_revoke).unwrap(), false);
    world.succeed(world.find(is_alert).expect("nobody was told so far"));
    world.fail(world.find(is_revoke).unwrap(), false);
    assert!(world.find(is_alert).is_none(), "once a day is enough");
}

#[test]
fn who_approved_hears_why_a_hook_ignored_the_escalation() {
    let mut world = fire_from(Step::Escalate, ApprovalTemplate::ignore().message("the target is frozen"));
    world.settle();
    assert_eq!(world.status(), RunStatus::Approved);
    let told = world.audit.iter().any(|entry| {
        matches!(&entry.kind, AuditKind::Messaged { to, text } if to == "ben@example.com" && text == "the target is frozen")
    });
    assert!(told);
}

#[test]
fn a_failed_delivery_is_reported_under_the_event_that_sent_it() {
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

#[test]
fn what_is_repeated_does_not_make_a_run_grow() {
    let [ana, ben, cho, ..] = <[_; 5]>::try_from(people()).unwrap();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Approve));
    world.permission = world.permission.clone().approvals(3);
    world.open(&ana);
    let mut sizes = Vec::new();
    for _ in 0..100 {
        // One click is counted once, one is ignored by a hook, one is refused, and all of them come at once.
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
    // Nor does it without bound while the event in hand is slow.
    for _ in 0..1_000 {
        world.deny(&ben);
        world.approve(&cho);
    }
    assert!(world.state().queue.len() <= 64);
}
