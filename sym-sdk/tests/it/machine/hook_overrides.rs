//! Events that hooks fire, ignore or fail.

use std::sync::Arc;
use std::time::Duration;

use sym_sdk::audit::AuditKind;
use sym_sdk::error::codes;
use sym_sdk::machine::*;
use sym_sdk::model::*;
use sym_sdk::prelude::{NextEvent, Notification, SlackChannelName, Step};
use sym_sdk::template::ApprovalTemplate;

use super::harness::*;

fn fire_from(on: Step, next: NextEvent) -> World {
    let [ana, ben, ..] = everybody();
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
fn notifies_the_requester_why_a_hook_denied() {
    let mut world = fire_from(Step::Request, ApprovalTemplate::deny().reason("production is frozen"));
    world.settle();
    assert_eq!(world.status(), RunStatus::Denied);
    let notified = world.audit.iter().find_map(|entry| match &entry.kind {
        AuditKind::Messaged { to, text } => Some((to.as_str(), text.as_str())),
        _ => None,
    });
    assert_eq!(notified, Some(("ana@example.com", "Your request for prod was denied: production is frozen")));
}

#[test]
fn hooks_cannot_fire_earlier_steps() {
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
fn hooks_cannot_escalate_unapproved_requests() {
    let world = fire_from(Step::Request, ApprovalTemplate::escalate());
    assert_eq!(world.status(), RunStatus::Errored);
    assert_eq!(world.state().error.as_ref().unwrap().code, codes::DEESCALATE_INVALID_RUN);
    assert_eq!(world.grants_asked, 0);
}

#[test]
fn a_hook_can_fire_its_own_event_once() {
    let mut world = fire_from(Step::Request, ApprovalTemplate::request().duration(Duration::from_secs(600)));
    let hook = world.find(is_hook(Hook::On(Step::Request))).expect("the hook is called again");
    let mut again = World { state: world.state.clone(), effects: world.effects.clone(), ..World::access() };
    again.hooks = world.hooks;
    again.finish(hook, verdict(Hook::On(Step::Request), HookResult::Fire(ApprovalTemplate::request().into())));
    assert_eq!(again.status(), RunStatus::Errored, "but not twice");
    world.settle();
    assert_eq!(world.status(), RunStatus::Requested);
    assert_eq!(world.state().request.as_ref().unwrap().duration, Some(Duration::from_secs(600)));
}

#[test]
fn an_ignored_event_changes_nothing_and_notifies_its_actor() {
    let world = {
        let mut world = fire_from(Step::Approve, ApprovalTemplate::ignore().message("ask your manager"));
        world.settle();
        world
    };
    assert_eq!(world.status(), RunStatus::Requested);
    assert!(world.state().decision.is_none());
    let notified = world.audit.iter().any(|entry| {
        matches!(&entry.kind, AuditKind::Messaged { to, text } if to == "ben@example.com" && text == "ask your manager")
    });
    assert!(notified);
}

#[test]
fn an_ignored_expiry_is_deferred_and_not_lost() {
    let mut world = fire_from(Step::Deescalate, ApprovalTemplate::ignore());
    assert_eq!(world.status(), RunStatus::Escalated);
    assert!(world.timers.contains_key(&TimerKind::Expire), "it comes again");
    world.settle();
    world.advance(IGNORED_EXPIRY_RETRY_DELAY);
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
}

#[test]
fn access_ends_although_the_hook_fails() {
    let [ana, ben, ..] = everybody();
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

/// W23. Nothing would ever grant the access, so the Run ends.
#[test]
fn a_run_ends_if_a_hook_stops_the_grant() {
    for message in [Some("the target is frozen"), None] {
        let mut ignore = ApprovalTemplate::ignore();
        if let Some(message) = message {
            ignore = ignore.message(message);
        }
        let mut world = fire_from(Step::Escalate, ignore);
        world.settle();
        assert_eq!(world.status(), RunStatus::Errored);
        assert_eq!(world.state().error.as_ref().unwrap().code, codes::GRANT_STOPPED);
        assert!(world.state().is_finished());
        assert_eq!(world.grants_asked, 0);
        let reason = message.unwrap_or("the flow did not allow it");
        let told = world.messages();
        let to_ana = format!("Your request for prod was approved, but you were not given access to admins: {reason}");
        assert_eq!(told.iter().filter(|(to, text)| to == "ana@example.com" && *text == to_ana).count(), 1, "{told:?}");
        assert!(told.iter().any(|(to, text)| to == "ben@example.com" && text.ends_with(reason)), "{told:?}");
    }
}

fn ignored(world: &mut World, step: Step) {
    let hook = world.find(is_hook(Hook::On(step))).unwrap_or_else(|| panic!("`on_{step}` is called"));
    world.finish(hook, verdict(Hook::On(step), HookResult::Fire(Box::new(ApprovalTemplate::ignore()))));
    world.settle();
}

fn alerts(world: &World) -> Vec<String> {
    let alerts = world.audit.iter().filter_map(|entry| match &entry.kind {
        AuditKind::Alerted { error } => Some(error.code.to_string()),
        _ => None,
    });
    alerts.collect()
}

/// W22.
#[test]
fn hooks_defer_the_end_of_access_by_an_hour_at_most() {
    let [ana, ben, ..] = everybody();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Deescalate));
    world.escalate(&ana, &ben);
    assert!(!world.state().is_stuck());
    world.advance(HOUR);
    for deferred in 1..=MAX_DEFERRALS {
        ignored(&mut world, Step::Deescalate);
        assert_eq!((world.status(), world.state().deferrals), (RunStatus::Escalated, deferred));
        assert!(world.state().is_stuck(), "it is listed with the Runs whose access has not ended");
        world.advance(IGNORED_EXPIRY_RETRY_DELAY);
    }
    assert!(world.find(is_hook(Hook::On(Step::Deescalate))).is_none(), "the hook is not called any more");
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
    assert!(!world.granted && !world.state().is_stuck());
    assert_eq!(alerts(&world), ["AccessStrategy:REVOCATION_PUT_OFF", "SymSDK:HOOK_OVERRULED"]);
}

/// W22. The hook is called, because it may do more than to decide.
#[test]
fn a_hook_cannot_ignore_the_revocation_of_an_administrator() {
    let [ana, ben, _, ada, _] = everybody();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Deescalate));
    world.escalate(&ana, &ben);
    world.revoke(&ana);
    ignored(&mut world, Step::Deescalate);
    assert_eq!(world.status(), RunStatus::Escalated, "others are subject to the hook");
    assert!(!world.state().is_stuck(), "and the access ends at its time");
    world.revoke(&ada);
    ignored(&mut world, Step::Deescalate);
    assert_eq!(world.status(), RunStatus::Deescalated);
    assert!(!world.granted);
    let overruled = world
        .audit
        .iter()
        .any(|entry| matches!(&entry.kind, AuditKind::Reported { error } if error.code == codes::HOOK_OVERRULED));
    assert!(overruled, "the record says so");
}

/// The simulation found this: the access of somebody who is locked or deleted is revoked by the platform.
#[test]
fn a_hook_cannot_ignore_the_revocation_of_access_of_a_locked_user() {
    let [ana, ben, ..] = everybody();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Deescalate));
    world.escalate(&ana, &ben);
    world.revoke(&Arc::new(User::system()));
    ignored(&mut world, Step::Deescalate);
    assert_eq!(world.status(), RunStatus::Deescalated);
    assert!(!world.granted);
}

/// An approver who is an administrator is the actor of the scheduled end too, but does not ask for it.
#[test]
fn the_scheduled_end_of_what_an_administrator_approved_can_be_deferred() {
    let [ana, _, _, ada, _] = everybody();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Deescalate));
    world.escalate(&ana, &ada);
    world.advance(HOUR);
    ignored(&mut world, Step::Deescalate);
    assert_eq!(world.status(), RunStatus::Escalated);
}

/// W24. Two notifications of ten minutes.
#[test]
fn an_ignored_forward_is_tried_again_and_then_made() {
    let minutes = Duration::from_secs(600);
    let channel = |name: &str| Notification::to(SlackChannelName::new(name).unwrap()).timeout(minutes);
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::RequestForward));
    world.notifications = vec![channel("#first"), channel("#second")];
    world.open(&user("ana", UserRole::Member));
    for _ in 0..MAX_DEFERRALS {
        world.advance(minutes);
        ignored(&mut world, Step::RequestForward);
        assert_eq!((world.status(), world.state().current_notification), (RunStatus::Requested, 0));
        assert!(world.timers.contains_key(&TimerKind::Forward), "an open request has an end");
        assert!(!world.state().is_stuck());
    }
    world.advance(minutes);
    world.settle();
    assert_eq!((world.status(), world.state().current_notification), (RunStatus::Forwarded, 1));
    world.advance(minutes);
    world.settle();
    assert_eq!(world.status(), RunStatus::Expired);
}

/// W24.
#[test]
fn an_ignored_expiry_of_a_request_is_tried_again_and_then_made() {
    let minutes = Duration::from_secs(600);
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::RequestExpire));
    world.notifications = vec![Notification::to(SlackChannelName::new("#only").unwrap()).timeout(minutes)];
    world.open(&user("ana", UserRole::Member));
    for _ in 0..MAX_DEFERRALS {
        world.advance(minutes);
        ignored(&mut world, Step::RequestExpire);
        assert_eq!(world.status(), RunStatus::Requested);
        assert!(world.timers.contains_key(&TimerKind::Forward));
    }
    world.advance(minutes);
    world.settle();
    assert_eq!(world.status(), RunStatus::Expired);
}

/// W24. The first hook fires a decision every time, and the hook of the decision ignores it every time.
#[test]
fn hooks_cannot_keep_a_request_open_together() {
    let minutes = Duration::from_secs(600);
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::RequestExpire)).with(Hook::On(Step::RequestForward));
    world.hooks = world.hooks.with(Hook::On(Step::Deny));
    let channel = |name: &str| Notification::to(SlackChannelName::new(name).unwrap()).timeout(minutes);
    world.notifications = vec![channel("#first"), channel("#second")];
    world.open(&user("ana", UserRole::Member));
    for _ in 0..MAX_DEFERRALS {
        world.advance(minutes);
        let hook = world.find(is_hook(Hook::On(Step::RequestForward))).unwrap();
        let fired = HookResult::Fire(Box::new(ApprovalTemplate::deny()));
        world.finish(hook, verdict(Hook::On(Step::RequestForward), fired));
        ignored(&mut world, Step::Deny);
        assert_eq!(world.status(), RunStatus::Requested);
        assert!(world.timers.contains_key(&TimerKind::Forward));
    }
    world.advance(minutes);
    world.settle();
    assert_eq!(world.status(), RunStatus::Forwarded);
}
