//! Events that hooks fire, ignore or fail.

use std::time::Duration;

use sym_sdk::audit::AuditKind;
use sym_sdk::error::codes;
use sym_sdk::machine::*;
use sym_sdk::model::*;
use sym_sdk::prelude::{NextEvent, Step};
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

#[test]
fn notifies_the_approver_why_a_hook_ignored_the_escalation() {
    let mut world = fire_from(Step::Escalate, ApprovalTemplate::ignore().message("the target is frozen"));
    world.settle();
    assert_eq!(world.status(), RunStatus::Approved);
    let notified = world.audit.iter().any(|entry| {
        matches!(&entry.kind, AuditKind::Messaged { to, text } if to == "ben@example.com" && text == "the target is frozen")
    });
    assert!(notified);
}
