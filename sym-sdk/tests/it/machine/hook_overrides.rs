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

/// An expiry is not a decision: its hook may still make one, after the last timeout and at the end of the lifetime.
#[test]
fn hooks_decide_requests_that_would_expire() {
    for timer in [TimerKind::Forward, TimerKind::Lifetime] {
        for (next, status) in
            [(ApprovalTemplate::approve(), RunStatus::Escalated), (ApprovalTemplate::deny(), RunStatus::Denied)]
        {
            let mut world = World::access();
            world.notifications = vec![Notification::to(SlackChannelName::new("#a").unwrap()).timeout(HOUR)];
            world.hooks = Hooks::NONE.with(Hook::On(Step::RequestExpire));
            request_with_form(&mut world);
            world.settle();
            world.fire(timer);
            fire_at(&mut world, Step::RequestExpire, next);
            world.settle();
            assert_eq!(world.status(), status, "{timer:?}");
        }
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
fn hooks_cannot_end_access_that_nobody_has() {
    for on in [Step::Request, Step::Approve, Step::Escalate] {
        let mut world = fire_from(on, ApprovalTemplate::deescalate());
        assert_eq!(world.status(), RunStatus::Errored, "from {on}");
        assert_eq!(world.state().error.as_ref().unwrap().code, codes::DEESCALATE_INVALID_RUN);
        world.settle();
        assert!(world.grants_asked == 0 && world.state().is_finished());
    }
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

/// Executes the effects until the hook is called, which fires `next`.
fn fire_at(world: &mut World, on: Step, next: NextEvent) {
    let hook = world.settle_until(is_hook(Hook::On(on)));
    world.finish(hook, verdict(Hook::On(on), HookResult::Fire(next.into())));
}

fn request_with_form(world: &mut World) {
    let [ana, ..] = everybody();
    let mut request = RequestInput::default();
    request.target = world.flow.strategy().map(|strategy| strategy.targets()[0].clone());
    request.duration = Some(HOUR);
    request.fields.insert("ticket", "T-1");
    request.labels = serde_json::from_value(serde_json::json!({ "ticket": { "T-1": "Disk full" } })).unwrap();
    request.context = serde_json::json!({ "build": 7 }).as_object().cloned();
    world.act(&ana, Action::Request(Box::new(request)));
}

/// Approvers decide what was asked, and see the labels that the requester saw.
#[test]
fn a_request_that_a_hook_fires_again_keeps_the_form() {
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Request));
    request_with_form(&mut world);
    fire_at(&mut world, Step::Request, ApprovalTemplate::request().reason("for the incident").with("severity", 1));
    let fired = &world.state().active_event.as_ref().unwrap().event;
    assert_eq!(fired.extra.get("severity"), Some(&1.into()));
    assert_eq!(fired.context.as_ref().unwrap().get("build"), Some(&7.into()));
    world.settle();
    let request = world.state().request.as_ref().unwrap();
    assert_eq!(request.fields.text("ticket").unwrap(), "T-1");
    assert_eq!(request.labels.get("ticket", "T-1"), Some("Disk full"));
    assert_eq!((request.duration, request.duration_set_by_hook), (Some(HOUR), false));
    assert_eq!(request.reason.as_deref(), Some("for the incident"));
}

#[test]
fn a_duration_that_a_hook_has_chosen_stays_the_hooks() {
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Request)).with(Hook::On(Step::Approve));
    request_with_form(&mut world);
    fire_at(&mut world, Step::Request, ApprovalTemplate::request().duration(HOUR / 2));
    // Fired as an approval by the second call of the hook: the event is created from the one before.
    fire_at(&mut world, Step::Request, ApprovalTemplate::approve());
    let fired = &world.state().active_event.as_ref().unwrap().event;
    assert_eq!((fired.duration, fired.duration_set_by_hook), (Some(HOUR / 2), true));
}

#[test]
fn a_decision_that_a_hook_fires_again_keeps_its_text_and_trigger() {
    let [ana, ben, _, ada, _] = everybody();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Approve)).with(Hook::On(Step::Deescalate));
    world.open(&ana);
    let message = Some("looks right".into());
    world.act(&ben, Action::Approve { decision_message: message, duration: None, extension: None, seen: None });
    fire_at(&mut world, Step::Approve, ApprovalTemplate::approve());
    world.settle();
    assert_eq!(world.state().decision.as_ref().unwrap().decision_message.as_deref(), Some("looks right"));
    assert_eq!(world.state().run.requester().unwrap().id(), ana.id());
    world.revoke(&ada);
    fire_at(&mut world, Step::Deescalate, ApprovalTemplate::deescalate());
    let fired = &world.state().active_event.as_ref().unwrap().event;
    assert_eq!(fired.deescalate_type, Some(DeescalateType::Revoked));
}

/// The request stays what was asked, whatever hooks make of its events.
#[test]
fn a_forward_that_a_hook_turns_into_a_denial_leaves_the_request_alone() {
    let mut world = World::access();
    world.notifications =
        ["#a", "#b"].map(|name| Notification::to(SlackChannelName::new(name).unwrap()).timeout(HOUR)).to_vec();
    world.hooks = Hooks::NONE.with(Hook::On(Step::RequestForward));
    request_with_form(&mut world);
    world.settle();
    let before = world.state().request.clone();
    world.fire(TimerKind::Forward);
    fire_at(&mut world, Step::RequestForward, ApprovalTemplate::deny());
    assert_eq!(world.status(), RunStatus::Denied);
    assert_eq!(world.state().request, before);
}

/// It is refused before anything is approved.
#[test]
fn a_hook_that_approves_a_request_without_target_or_duration_fails_it() {
    let [ana, ..] = everybody();
    for (has_target, missing) in [(false, "a target"), (true, "a duration")] {
        let mut world = World::access();
        world.hooks = Hooks::NONE.with(Hook::On(Step::Request));
        let mut request = RequestInput::default();
        request.target = world.flow.strategy().map(|strategy| strategy.targets()[0].clone()).filter(|_| has_target);
        world.act(&ana, Action::Request(Box::new(request)));
        fire_at(&mut world, Step::Request, ApprovalTemplate::approve());
        world.settle();
        let error = world.state().error.as_ref().unwrap();
        let expected = format!("`approve` of flow `prod` needs {missing}, and the request has none");
        assert!(error.message.contains(&expected), "{}", error.message);
        assert!(world.state().decision.is_none());
    }
    // A flow that gives no access needs neither.
    let mut world = World::new(flow(false, FlowParams::default()), Hooks::NONE, World::access().permission);
    world.hooks = Hooks::NONE.with(Hook::On(Step::Request));
    world.act(&ana, Action::Request(Box::default()));
    fire_at(&mut world, Step::Request, ApprovalTemplate::approve());
    world.settle();
    assert_eq!(world.status(), RunStatus::Approved);
}

#[test]
fn an_ignored_request_can_be_made_again_only_in_its_form() {
    let [ana, ben, ..] = everybody();
    let hooks = Hooks::NONE.with(Hook::On(Step::Request)).with(Hook::On(Step::Approve));
    // Without a form, the Run is over.
    let mut world = World { hooks, ..World::access() };
    world.request(&ana);
    fire_at(&mut world, Step::Request, ApprovalTemplate::ignore());
    world.settle();
    assert!(world.state().closed && world.state().is_finished());
    assert!(matches!(world.request(&ana), InputReply::Refused { .. }));
    assert!(matches!(world.act(&ana, Action::Prompt), InputReply::Refused { .. }));
    // With one, it can be submitted again.
    let mut world = World { hooks, ..World::access() };
    world.act(&ana, Action::Prompt);
    world.settle();
    world.request(&ana);
    fire_at(&mut world, Step::Request, ApprovalTemplate::ignore());
    world.settle();
    assert!(world.state().is_form_open());
    world.request(&ana);
    // Not once a hook has made an approval of it, which another hook ignores.
    fire_at(&mut world, Step::Request, ApprovalTemplate::approve());
    fire_at(&mut world, Step::Approve, ApprovalTemplate::ignore());
    world.settle();
    assert!(world.state().closed && world.state().is_finished());
    // An open request stays open.
    let mut world = World { hooks, ..World::access() };
    world.request(&ana);
    world.settle();
    world.approve(&ben);
    fire_at(&mut world, Step::Approve, ApprovalTemplate::ignore());
    world.settle();
    assert!(world.state().is_open() && !world.state().closed && !world.state().is_finished());
}

/// The lifetime ends the request by an event of its own, whose hook is called.
#[test]
fn another_event_that_is_ignored_after_the_lifetime_does_not_expire_the_request() {
    let [ana, ben, ..] = everybody();
    for step in [Step::Approve, Step::RequestForward] {
        let mut world = World::access();
        world.notifications =
            ["#a", "#b"].map(|name| Notification::to(SlackChannelName::new(name).unwrap()).timeout(HOUR)).to_vec();
        world.hooks = Hooks::NONE.with(Hook::On(step));
        world.open(&ana);
        if step == Step::Approve {
            world.approve(&ben);
        } else {
            world.fire(TimerKind::Forward);
        }
        world.fire(TimerKind::Lifetime);
        fire_at(&mut world, step, ApprovalTemplate::ignore());
        world.settle();
        assert_eq!(world.status(), RunStatus::Expired);
        let ignored = world.audit.iter().filter(|entry| matches!(entry.kind, AuditKind::Ignored { .. }));
        assert_eq!(ignored.map(|entry| entry.event.name).collect::<Vec<_>>(), [step]);
        let expired = world.audit.iter().find(|entry| entry.status == RunStatus::Expired).unwrap();
        assert_eq!(expired.event.name, Step::RequestExpire);
    }
}
