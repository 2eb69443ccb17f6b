//! Extensions of access.

use std::time::Duration;

use sym_sdk::audit::AuditKind;
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::machine::*;
use sym_sdk::model::*;
use sym_sdk::template::ApprovalTemplate;

use super::harness::*;

const MINUTE: Duration = Duration::from_secs(60);

/// Access of Ana, approved by Ben, of which a quarter of an hour is left.
fn near_its_end() -> World {
    with_hooks(&[])
}

fn with_hooks(hooks: &[Hook]) -> World {
    let [ana, ben, ..] = everybody();
    let mut world = World::access();
    world.escalate(&ana, &ben);
    world.hooks = hooks.iter().copied().collect();
    world.now += 45 * MINUTE;
    world
}

fn told(world: &World, who: &str) -> String {
    let messages = world.messages();
    messages.into_iter().rev().find(|(to, _)| to.starts_with(who)).map(|(_, text)| text).unwrap_or_default()
}

#[test]
fn an_approved_extension_moves_the_end_and_the_timer_in_the_commit_of_the_approval() {
    let [ana, ben, ..] = everybody();
    let mut world = near_its_end();
    let (former, granted) = (world.end(), world.grants_asked);
    world.extend(&ana, 10 * MINUTE);
    assert_eq!(world.extension().status, ExtensionStatus::Open);
    assert_eq!(world.end(), former, "a request changes nothing");
    assert!(matches!(world.approve_extension(&ben), InputReply::Accepted { .. }));
    // Before any effect was executed.
    assert_eq!(world.end(), former + 10 * MINUTE);
    assert_eq!((world.status(), world.extension().status), (RunStatus::Escalated, ExtensionStatus::Granted));
    world.settle();
    assert_eq!(world.grants_asked, granted, "the target is not asked again");
    let entry = world.audit.iter().find(|entry| matches!(entry.kind, AuditKind::Extended { .. })).unwrap();
    let AuditKind::Extended { from, until, .. } = &entry.kind else { unreachable!() };
    assert_eq!((*from, *until), (former, former + 10 * MINUTE));
    assert_eq!(entry.event.actor.username(), "ben@example.com");
    assert_eq!(
        told(&world, "ana"),
        "You have access to admins until 2024-02-29 13:10:00 UTC. ben@example.com has extended it"
    );
    // It ends then, and not before.
    world.now = former;
    world.advance(9 * MINUTE);
    assert!(matches!(world.state().access, Access::Held(_)));
    world.advance(MINUTE);
    world.settle();
    assert_eq!((world.status(), &world.state().access), (RunStatus::Deescalated, &Access::Ended));
}

#[test]
fn access_is_never_extended_beyond_the_longest_duration_from_the_decision() {
    let [ana, ben, ..] = everybody();
    let mut world = near_its_end();
    world.extend(&ana, HOUR);
    world.now += 5 * MINUTE;
    world.approve_extension(&ben);
    assert_eq!(world.end(), world.now + HOUR, "an hour is the longest, from the decision on");
    world.settle();
    // All of it is left, so there is nothing to extend.
    let refused = world.extend(&ana, 10 * MINUTE);
    assert!(world.refusal(&refused).contains("the access lasts as long as the flow allows already"), "{refused:?}");
    world.now += MINUTE;
    world.extend(&ana, HOUR);
    world.approve_extension(&ben);
    assert_eq!(world.end(), world.now + HOUR);
}

#[test]
fn denied_withdrawn_ignored_failed_and_expired_extensions_leave_the_access_as_it_was() {
    let [ana, ben, ..] = everybody();
    let ignore = || HookResult::Fire(Box::new(ApprovalTemplate::ignore()));
    type Play = Box<dyn Fn(&mut World)>;
    let on_request = Hook::On(Step::Request);
    let plays: [(&str, ExtensionStatus, &str, Play); 6] = [
        (
            "denied",
            ExtensionStatus::Denied,
            "ben@example.com denied your request to extend your access to admins. It ends at",
            {
                let ben = ben.clone();
                Box::new(move |world| {
                    world.settle();
                    world.deny_extension(&ben);
                })
            },
        ),
        (
            "withdrawn",
            ExtensionStatus::Denied,
            "You have withdrawn your request to extend your access to admins. It ends at",
            {
                let ana = ana.clone();
                Box::new(move |world| {
                    world.settle();
                    world.deny_extension(&ana);
                })
            },
        ),
        ("ignored", ExtensionStatus::Closed, "The flow prod did not accept your request", {
            Box::new(move |world| {
                let seq = world.find(is_hook(on_request)).unwrap();
                world.finish(seq, verdict(on_request, ignore()));
            })
        }),
        (
            "failed in the hook",
            ExtensionStatus::Closed,
            "Your access to admins was not extended: something went wrong",
            {
                Box::new(move |world| {
                    let seq = world.find(is_hook(on_request)).unwrap();
                    world.fail(seq, false);
                })
            },
        ),
        (
            "failed in the reducers",
            ExtensionStatus::Closed,
            "Your access to admins was not extended: something went wrong",
            {
                Box::new(move |world| {
                    let seq = world.settle_until(|kind| matches!(kind, EffectKind::Route));
                    world.fail(seq, false);
                })
            },
        ),
        ("undelivered", ExtensionStatus::Expired, "nobody could be notified of your request", {
            Box::new(move |world| {
                let seq = world.settle_until(|kind| matches!(kind, EffectKind::Deliver { .. }));
                world.fail(seq, false);
            })
        }),
    ];
    for (what, status, text, play) in plays {
        let mut world = with_hooks(&[on_request]);
        let (end, decision) = (world.end(), world.state().decision.clone());
        world.act(&ana, Action::Extend(ExtensionInput::new(10 * MINUTE)));
        play(&mut world);
        world.settle();
        assert_eq!(world.extension().status, status, "{what}");
        assert!(matches!(world.state().access, Access::Held(_)) && world.status() == RunStatus::Escalated, "{what}");
        assert_eq!((world.end(), world.state().decision.clone()), (end, decision), "{what}");
        assert!(told(&world, "ana").contains(text), "{what}: {}", told(&world, "ana"));
        let left: Vec<_> = world.timers.keys().copied().collect();
        assert_eq!(left, [TimerKind::Warn, TimerKind::Expire], "{what}: no timer of the extension is left");
        // Another one can be asked for.
        world.hooks = Hooks::NONE;
        world.extend(&ana, 10 * MINUTE);
        world.approve_extension(&ben);
        assert_eq!(world.end(), end + 10 * MINUTE, "{what}");
    }
}

#[test]
fn the_end_of_access_does_not_wait_for_the_handlers_of_an_extension() {
    let [ana, ben, ..] = everybody();
    let (on_request, on_approve) = (Hook::On(Step::Request), Hook::On(Step::Approve));
    let begin = |stage: usize| {
        let mut world = with_hooks(&[on_request, on_approve]);
        world.act(&ana, Action::Extend(ExtensionInput::new(10 * MINUTE)));
        match stage {
            0 => {}
            1 => drop(world.settle_until(|kind| matches!(kind, EffectKind::Route))),
            _ => {
                world.settle();
                world.approve_extension(&ben);
            }
        }
        assert!(world.state().active_event.is_some());
        world
    };
    for stage in 0..3 {
        let mut expired = begin(stage);
        expired.fire(TimerKind::Expire);
        let mut revoked = begin(stage);
        revoked.revoke(&ana);
        for mut world in [expired, revoked] {
            // At once, although the handler has not returned.
            assert!(matches!(world.state().access, Access::Revoking { .. }), "{stage}: {:?}", world.state().access);
            assert_eq!(world.extension().status, ExtensionStatus::Closed);
            // What the handler returns afterwards is of no use.
            let late = *world.cancelled.keys().next().unwrap();
            world.finish_cancelled(late, Outcome::Done);
            world.settle();
            assert_eq!((world.status(), &world.state().access), (RunStatus::Deescalated, &Access::Ended));
            assert!(world.timers.is_empty());
        }
    }
    // Whoever may not revoke cannot close an extension either.
    let cho = user("cho", UserRole::Guest);
    let mut world = begin(0);
    world.revoke(&cho);
    assert!(world.extension().status == ExtensionStatus::Pending && matches!(world.state().access, Access::Held(_)));
}

#[test]
fn the_end_of_access_closes_an_open_extension() {
    let [ana, ben, ..] = everybody();
    for by_timer in [true, false] {
        let mut world = near_its_end();
        world.extend(&ana, 10 * MINUTE);
        let id = world.extension().id;
        if by_timer {
            world.fire(TimerKind::Expire);
        } else {
            world.revoke(&ana);
        }
        assert_eq!(world.extension().status, ExtensionStatus::Closed);
        let is_closed = |kind: &AuditKind| *kind == AuditKind::ExtensionClosed { extension: id };
        assert!(world.audit.iter().any(|entry| is_closed(&entry.kind)), "{by_timer}");
        world.settle();
        assert_eq!(world.status(), RunStatus::Deescalated);
        let refused = world.approve_extension(&ben);
        assert!(world.refusal(&refused).contains("this extension is closed"), "{refused:?}");
        let refused = world.extend(&ana, 10 * MINUTE);
        assert!(world.refusal(&refused).contains("the access has ended; make a new request"), "{refused:?}");
    }
}

/// The workers can be late, after a long stop for example.
#[test]
fn access_whose_time_is_up_is_not_extended_although_its_timer_has_not_fired() {
    let [ana, ben, ..] = everybody();
    let mut world = near_its_end();
    world.extend(&ana, 10 * MINUTE);
    world.now += 15 * MINUTE;
    let refused = world.approve_extension(&ben);
    assert!(world.refusal(&refused).contains("this extension has expired"), "{refused:?}");
    let mut world = near_its_end();
    world.now += 15 * MINUTE;
    let refused = world.extend(&ana, 10 * MINUTE);
    assert!(world.refusal(&refused).contains("the access has reached its end"), "{refused:?}");
    // A hook that decides at once decides too late.
    let on_request = Hook::On(Step::Request);
    let mut world = with_hooks(&[on_request]);
    world.act(&ana, Action::Extend(ExtensionInput::new(10 * MINUTE)));
    world.now += 15 * MINUTE;
    let seq = world.find(is_hook(on_request)).unwrap();
    world.finish(seq, verdict(on_request, HookResult::Fire(Box::new(ApprovalTemplate::approve()))));
    assert_eq!(world.extension().status, ExtensionStatus::Closed);
    world.fire(TimerKind::Expire);
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
}

#[test]
fn an_extension_is_decided_under_the_rules_of_the_flow() {
    let [ana, ben, cho, ada, gus] = everybody();
    let mut world = near_its_end();
    world.permission = world.permission.clone().approvals(2);
    world.extend(&ana, 10 * MINUTE);
    let end = world.end();
    for (who, reason) in
        [(&ana, "requesters cannot approve their own request"), (&gus, "not permitted to decide this request")]
    {
        let refused = world.approve_extension(who);
        assert!(world.refusal(&refused).contains(reason), "{refused:?}");
    }
    world.approve_extension(&ben);
    assert_eq!(world.end(), end, "the first of two approvals");
    let refused = world.approve_extension(&ben);
    assert!(world.refusal(&refused).contains("you have already approved this request"), "{refused:?}");
    world.approve_extension(&cho);
    assert_eq!(world.end(), end + 10 * MINUTE);
    let refused = world.approve_extension(&ada);
    assert!(world.refusal(&refused).contains("this extension was already approved by cho@example.com"), "{refused:?}");
}

/// A program that decides late must not approve something that it has not seen.
#[test]
fn decision_without_an_extension_is_never_about_one() {
    let [ana, ben, cho, ..] = everybody();
    let mut world = near_its_end();
    world.extend(&ana, 10 * MINUTE);
    let (end, first) = (world.end(), world.extension().id);
    let refused = world.approve(&cho);
    assert!(world.refusal(&refused).contains("already approved by ben@example.com"), "{refused:?}");
    world.deny_extension(&ben);
    world.extend(&ana, 10 * MINUTE);
    let refused =
        world.act(&ben, Action::Approve { decision_message: None, duration: None, extension: Some(first), seen: None });
    assert!(world.refusal(&refused).contains("another one waits for a decision"), "{refused:?}");
    assert_eq!(world.end(), end);
}

#[test]
fn only_the_requester_of_access_that_can_be_extended_may_ask() {
    let [ana, ben, _, ada, _] = everybody();
    let mut world = World::access();
    world.open(&ana);
    let refused = world.extend(&ana, HOUR);
    assert!(world.refusal(&refused).contains("does not give access yet"), "{refused:?}");
    let mut world = near_its_end();
    for who in [&ben, &ada] {
        let refused = world.extend(who, HOUR);
        assert!(world.refusal(&refused).contains("only the requester can ask for an extension"), "{refused:?}");
    }
    let refused = world.extend(&ana, 2 * HOUR);
    assert!(world.refusal(&refused).contains("flow `prod` does not offer a duration of 2h"), "{refused:?}");
    world.extend(&ana, HOUR);
    let refused = world.extend(&ana, HOUR);
    assert!(world.refusal(&refused).contains("an extension of this access is in progress already"), "{refused:?}");
    let demoted = user("ana", UserRole::Guest);
    let refused = near_its_end().extend(&demoted, HOUR);
    assert!(world.refusal(&refused).contains("is a guest"), "{refused:?}");
    let mut params = FlowParams::default();
    params.allow_extension = false;
    let mut world = near_its_end();
    world.flow = flow(true, params);
    let refused = world.extend(&ana, HOUR);
    assert!(world.refusal(&refused).contains("flow `prod` does not allow extensions"), "{refused:?}");
}

#[test]
fn an_extension_of_what_was_configured_otherwise_is_closed_and_the_access_stays() {
    let [ana, ben, ..] = everybody();
    let mut world = near_its_end();
    world.extend(&ana, 10 * MINUTE);
    let end = world.end();
    let name: Slug = "prod".parse().unwrap();
    let target = AccessTarget::new("acme", "okta_group", "admins".parse().unwrap()).with_setting("group_id", "g2");
    let moved = Flow::builder(name.clone(), "acme").strategy(Strategy::new(name, "okta").with_target(target));
    world.flow = std::sync::Arc::new(moved.build());
    let refused = world.approve_extension(&ben);
    assert!(world.refusal(&refused).contains("the setting `group_id` of target `admins` has changed"), "{refused:?}");
    assert_eq!((world.extension().status, world.end()), (ExtensionStatus::Closed, end));
    assert!(matches!(world.state().access, Access::Held(_)) && world.status() == RunStatus::Escalated);
}

#[test]
fn an_extension_of_a_requester_who_may_not_have_the_access_any_more_is_closed() {
    let [ana, ben, ..] = everybody();
    let mut world = near_its_end();
    world.extend(&ana, 10 * MINUTE);
    let end = world.end();
    let gone = People::new([ana.id(), ben.id()], [user("ana", UserRole::Guest), ben.clone()]);
    let (event, extension) = (EventId::from_uuid(uuid::Uuid::from_u128(900)), Some(world.extension().id));
    let action = Action::Approve { decision_message: None, duration: None, extension, seen: None };
    let body = InputBody::Submitted { event, actor: ben.clone(), channel: Channel::new(ChannelType::Slack), action };
    let refused = world.input_with(body, |input| input.with_people(gone));
    assert!(world.refusal(&refused).contains("no longer a member"), "{refused:?}");
    assert_eq!((world.extension().status, world.end()), (ExtensionStatus::Closed, end));
}

/// A target that ends access by itself.
mod enforced {
    use super::*;

    fn world() -> World {
        let [ana, ben, ..] = everybody();
        let mut world = World::access();
        world.enforces_end = true;
        world.escalate(&ana, &ben);
        world.now += 45 * MINUTE;
        world.extend(&ana, 10 * MINUTE);
        world
    }

    #[test]
    fn the_old_end_stands_until_the_target_has_the_new_one() {
        let ben = user("ben", UserRole::Member);
        let mut world = world();
        let former = world.end();
        world.approve_extension(&ben);
        assert_eq!((world.extension().status, world.end()), (ExtensionStatus::Approved, former));
        let seq = world.find(is_grant).unwrap();
        let EffectKind::Grant { deadline, .. } = world.effects[&seq].kind else { unreachable!() };
        assert_eq!(deadline, Some(former + 10 * MINUTE));
        world.settle();
        assert_eq!((world.extension().status, world.end()), (ExtensionStatus::Granted, former + 10 * MINUTE));
    }

    #[test]
    fn a_grant_that_fails_leaves_the_old_end_and_the_requester_is_told() {
        let ben = user("ben", UserRole::Member);
        let mut world = world();
        let former = world.end();
        world.approve_extension(&ben);
        for attempt in 1..=MAX_GRANT_ATTEMPTS {
            let seq = world.settle_until(is_grant);
            assert_eq!(world.effects[&seq].attempt, attempt);
            world.fail(seq, true);
        }
        world.settle();
        assert_eq!((world.extension().status, world.end()), (ExtensionStatus::Closed, former));
        assert!(matches!(world.state().access, Access::Held(_)) && world.status() == RunStatus::Escalated);
        for (who, text) in [("ana", "Your access to admins was not extended"), ("ben", "The access of ana@example.com")]
        {
            assert!(told(&world, who).starts_with(text), "{}", told(&world, who));
        }
        world.fire(TimerKind::Expire);
        world.settle();
        assert_eq!(world.status(), RunStatus::Deescalated);
    }

    /// The target may have got the new end all the same, so the access is revoked again once nothing can land any more.
    #[test]
    fn a_revocation_does_not_wait_for_the_grant() {
        let ben = user("ben", UserRole::Member);
        for by_timer in [true, false] {
            let mut world = world();
            world.approve_extension(&ben);
            let seq = world.find(is_grant).unwrap();
            if by_timer {
                world.fire(TimerKind::Expire);
            } else {
                world.revoke(&ben);
            }
            assert!(matches!(world.state().access, Access::Revoking { .. }), "{:?}", world.state().access);
            assert_eq!(world.extension().status, ExtensionStatus::Closed);
            world.finish_cancelled(seq, Outcome::Granted { output: None });
            let first = world.find(is_revoke).unwrap();
            world.succeed(first);
            assert!(world.find(is_revoke).is_some(), "revoked again after the settle window");
            world.settle();
            assert_eq!(world.state().access, Access::Ended);
        }
    }

    #[test]
    fn a_late_grant_is_not_made() {
        let ben = user("ben", UserRole::Member);
        let mut world = world();
        let former = world.end();
        world.approve_extension(&ben);
        let seq = world.find(is_grant).unwrap();
        let error = EffectError::new(ErrorKind::Conflict, codes::ACCESS_EXPIRED, "its time had passed");
        world.finish(seq, Outcome::NoLongerValid(error));
        assert_eq!((world.extension().status, world.end()), (ExtensionStatus::Closed, former));
    }

    #[test]
    fn a_lost_grant_is_asked_for_again() {
        let ben = user("ben", UserRole::Member);
        let mut world = world();
        world.approve_extension(&ben);
        world.lose_expiry();
        assert!(world.find(is_grant).is_some());
        world.end();
        world.settle();
        assert_eq!(world.extension().status, ExtensionStatus::Granted);
    }
}

#[test]
fn hooks_see_and_may_decide_an_extension_but_not_end_or_move_the_access() {
    let [ana, ..] = everybody();
    let on_request = Hook::On(Step::Request);
    let fired = |next: HookResult| {
        let mut world = with_hooks(&[on_request]);
        world.act(&ana, Action::Extend(ExtensionInput::new(10 * MINUTE)));
        let seq = world.find(is_hook(on_request)).unwrap();
        assert!(world.effects[&seq].event.extension.is_some(), "the event tells that it is an extension");
        assert_eq!(world.effects[&seq].event.duration, Some(10 * MINUTE));
        world.finish(seq, verdict(on_request, next));
        world.settle();
        world
    };
    let fire = |next: sym_sdk::template::NextEvent| HookResult::Fire(Box::new(next));
    let end = near_its_end().end();
    let world = fired(fire(ApprovalTemplate::approve()));
    assert_eq!(world.end(), end + 10 * MINUTE);
    let world = fired(fire(ApprovalTemplate::approve().duration(5 * MINUTE)));
    assert_eq!(world.end(), end + 5 * MINUTE);
    let world = fired(fire(ApprovalTemplate::deny()));
    assert_eq!((world.extension().status, world.end()), (ExtensionStatus::Denied, end));
    let bad: [sym_sdk::template::NextEvent; 3] =
        [ApprovalTemplate::deescalate(), ApprovalTemplate::escalate(), ApprovalTemplate::approve().duration(3 * HOUR)];
    for next in bad {
        let world = fired(fire(next.clone()));
        assert_eq!((world.extension().status, world.end()), (ExtensionStatus::Closed, end), "{next:?}");
        assert!(matches!(world.state().access, Access::Held(_)), "{next:?}");
    }
}

#[test]
fn an_extension_that_nobody_decides_is_forwarded_and_expires() {
    let [ana, ..] = everybody();
    let mut world = near_its_end();
    let two = ["#one", "#two"].map(|name| {
        let channel = sym_sdk::prelude::SlackChannelName::new(name).unwrap();
        sym_sdk::prelude::Notification::to(channel).timeout(MINUTE)
    });
    world.notifications = two.into();
    let end = world.end();
    world.extend(&ana, 10 * MINUTE);
    world.fire(TimerKind::Forward);
    world.settle();
    assert_eq!((world.extension().current_notification, world.extension().status), (1, ExtensionStatus::Open));
    assert_eq!((world.state().current_notification, world.status()), (0, RunStatus::Escalated));
    world.fire(TimerKind::Forward);
    world.settle();
    assert_eq!((world.extension().status, world.end()), (ExtensionStatus::Expired, end));
    assert!(told(&world, "ana").contains("nobody acted on your request in time"), "{}", told(&world, "ana"));
}

#[test]
fn a_decision_in_a_message_is_about_what_the_message_shows() {
    let [ana, ben, ..] = everybody();
    let mut world = near_its_end();
    let first = world.state().delivered[0].message.clone();
    world.extend(&ana, 10 * MINUTE);
    let state = world.state();
    let shown = state.extension.as_ref().unwrap().delivered[0].message.clone();
    assert_eq!(
        (state.message_status(&shown), state.extension_in(&shown)),
        (MessageStatus::Current, Some(world.extension().id))
    );
    assert_eq!((state.message_status(&first), state.extension_in(&first)), (MessageStatus::Settled, None));
    world.deny_extension(&ben);
    world.settle();
    world.extend(&ana, 10 * MINUTE);
    assert_eq!(world.state().extension_in(&shown), None, "that of an earlier extension");
}

/// The clock was ahead when the extension was approved.
#[test]
fn extended_access_does_not_last_longer_because_the_clock_was_ahead() {
    let [ana, ben, ..] = everybody();
    let mut world = World::access();
    let now = world.now;
    world.now += 1000 * HOUR;
    world.escalate(&ana, &ben);
    world.now += 45 * MINUTE;
    world.extend(&ana, HOUR);
    world.approve_extension(&ben);
    world.now = now;
    world.input(InputBody::ClockWentBack);
    assert_eq!(world.end(), now + HOUR);
}
