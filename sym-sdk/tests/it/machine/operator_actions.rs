//! Actions of operators, and automatic repairs.

use std::time::Duration;

use expect_test::expect;
use sym_sdk::audit::{AuditKind, EventStatus, EventSummary};
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::machine::*;
use sym_sdk::model::*;
use sym_sdk::prelude::{ApprovalTemplate, Step};

use super::harness::*;

/// Access whose revocation has failed `failures` times.
fn stuck(failures: u32) -> World {
    let [ana, ben, ..] = everybody();
    let mut world = World::access();
    world.escalate(&ana, &ben);
    world.advance(HOUR);
    for _ in 0..failures {
        let seq = world.find(is_revoke).unwrap();
        world.fail(seq, true);
    }
    world
}

fn kinds(world: &World) -> Vec<&AuditKind> {
    world.audit.iter().map(|entry| &entry.kind).collect()
}

fn revocations(world: &World) -> Vec<&Effect> {
    world.effects.values().filter(|effect| is_revoke(&effect.kind)).collect()
}

#[test]
fn revoke_retries_a_failing_revocation_immediately() {
    let [.., ada, _] = everybody();
    let mut world = stuck(5);
    assert!(world.state().is_stuck());
    let waiting = revocations(&world)[0].clone();
    assert_eq!(waiting.attempt, 6);
    assert!(waiting.not_before.unwrap() > world.now);

    assert!(matches!(world.revoke(&ada), InputReply::Accepted { .. }));
    let [now] = revocations(&world)[..] else { panic!("one attempt at a time") };
    assert_eq!((now.attempt, now.not_before), (6, None));
    assert_eq!(now.exclusive, waiting.exclusive, "never beside another change of the same access");
    assert_eq!(now.event, waiting.event, "it still belongs to the expiry");
    let retried = world.audit.iter().find(|entry| matches!(entry.kind, AuditKind::RevokeRetried { .. })).unwrap();
    assert_eq!(retried.event.actor, ada);

    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
    assert!(!world.state().is_stuck());
    assert_eq!(world.state().run.actor(Step::Deescalate), Some(&*user("ben", UserRole::Member)));
    for event in EventSummary::of(&world.audit) {
        assert_eq!(event.status, EventStatus::Success, "{event:?}");
    }
}

#[test]
fn does_not_retry_a_revocation_in_progress() {
    let [ana, .., ada, _] = everybody();
    let mut world = stuck(3);
    world.revoke(&ada);
    let reply = world.revoke(&ana);
    expect!["the access is already being revoked (DeescalateAPI:INVALID_RUN)"].assert_eq(&world.refusal(&reply));
    // Neither is an attempt that is due.
    let mut world = stuck(3);
    world.now += HOUR;
    assert!(matches!(world.revoke(&ada), InputReply::Refused { .. }));
    assert_eq!(revocations(&world).len(), 1);
}

#[test]
fn whoever_may_revoke_may_retry_the_revocation() {
    let [ana, _, cho, _, gus] = everybody();
    assert!(matches!(stuck(1).revoke(&ana), InputReply::Accepted { .. }), "the requester");
    assert!(matches!(stuck(1).revoke(&cho), InputReply::Accepted { .. }), "who may decide");
    let mut world = stuck(1);
    let reply = world.revoke(&gus);
    expect!["gus@example.com is not permitted to decide this request (SymSDK:NOT_PERMITTED)"]
        .assert_eq(&world.refusal(&reply));
    assert!(revocations(&world)[0].not_before.is_some(), "the attempt was not moved");
}

/// The engine may have begun the attempt that waited before it heard that it was cancelled.
#[test]
fn the_outcome_of_a_cancelled_attempt_is_stale() {
    let [.., ada, _] = everybody();
    let mut world = stuck(2);
    world.revoke(&ada);
    let seq = *world.cancelled.keys().next().unwrap();
    world.finish_cancelled(seq, Outcome::Revoked(Revocation::default()));
    assert_eq!(revocations(&world).len(), 1);
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
}

#[test]
fn a_write_off_requires_an_admin_and_a_reason() {
    let [ana, ben, _, ada, gus] = everybody();
    let mut world = stuck(1);
    for who in [&ana, &ben, &gus] {
        let reply = world.write_off(who, "gone");
        assert!(world.refusal(&reply).contains("is not an administrator"), "{reply:?}");
    }
    let reply = world.write_off(&ada, " ");
    expect!["a write-off needs a reason for the audit log (SymSDK:MISSING_ARGUMENT)"].assert_eq(&world.refusal(&reply));
    assert!(world.state().is_stuck());

    let mut held = World::access();
    held.escalate(&ana, &ben);
    let reply = held.write_off(&ada, "gone");
    expect!["only a revocation in progress can be written off; this request is escalated (DeescalateAPI:INVALID_RUN)"]
        .assert_eq(&held.refusal(&reply));
}

#[test]
fn a_write_off_fails_the_run_and_is_audited_and_alerted() {
    let [ana, _, _, ada, _] = everybody();
    let mut world = stuck(4);
    world.effects.retain(|_, effect| is_revoke(&effect.kind));
    let cancelled = world.find(is_revoke).unwrap();
    assert!(matches!(world.write_off(&ada, "removed in the console"), InputReply::Accepted { .. }));

    assert!(matches!(&world.state().access, Access::WrittenOff(grant) if grant.identity == "u1"));
    assert_eq!(world.status(), RunStatus::Errored);
    assert!(world.state().is_finished() && !world.state().is_stuck() && !world.state().may_hold_access());
    let error = world.state().error.as_ref().unwrap();
    assert_eq!(error.code, codes::REVOCATION_WRITTEN_OFF);
    expect!["ada@example.com wrote off the revocation of admins from u1, who may still have the access: removed in the console"]
        .assert_eq(&error.message);
    assert!(world.find(is_revoke).is_none(), "the revocation is not retried any more");
    assert!(world.find(|kind| matches!(kind, EffectKind::Alert { .. })).is_some(), "the error destination is notified");
    let on_record = world.audit.iter().find(|entry| matches!(entry.kind, AuditKind::WrittenOff { .. })).unwrap();
    assert_eq!((&on_record.event.actor, on_record.event.reason.as_deref()), (&ada, Some("removed in the console")));

    world.finish_cancelled(cancelled, Outcome::Revoked(Revocation::default()));
    world.settle();
    for reply in [world.revoke(&ana), world.write_off(&ada, "again"), world.act(&ada, Action::Regrant)] {
        assert!(matches!(reply, InputReply::Refused { .. }), "{reply:?}");
    }
    assert_eq!(world.input(InputBody::Rearm), InputReply::Stale);
}

#[test]
fn a_failed_revocation_check_is_reported_and_ends_the_run() {
    let mut world = stuck(0);
    let seq = world.find(is_revoke).unwrap();
    let mut done = Revocation::default();
    done.check =
        RevocationCheck::Failed(EffectError::new(ErrorKind::Strategy, codes::REVOCATION_NOT_READ_BACK, "no list"));
    world.finish(seq, Outcome::Revoked(done));
    assert_eq!(world.status(), RunStatus::Deescalated);
    assert!(world.find(|kind| matches!(kind, EffectKind::Alert { .. })).is_some());
    assert!(kinds(&world).iter().any(|kind| matches!(kind, AuditKind::Revoked { confirmed: false, .. })));
    let summary = EventSummary::of(&world.audit).pop().unwrap();
    assert_eq!((summary.status, summary.error.is_some()), (EventStatus::Success, true));
}

#[test]
fn regrants_lost_access_until_its_original_expiry() {
    let [ana, ben, _, ada, _] = everybody();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Escalate)).with(Hook::After(Step::Escalate));
    world.escalate(&ana, &ben);
    let timer = world.timers[&TimerKind::Expire];
    for who in [&ana, &ben] {
        let reply = world.act(who, Action::Regrant);
        assert!(world.refusal(&reply).contains("is not an administrator"), "{reply:?}");
    }
    assert!(matches!(world.act(&ada, Action::Regrant), InputReply::Accepted { .. }));
    let effects: Vec<_> = world.effects.values().map(|effect| &effect.kind).collect();
    let [EffectKind::Grant { identity, deadline, .. }] = effects[..] else { panic!("{effects:?}") };
    assert_eq!((identity.as_str(), *deadline), ("u1", Some(timer.0)));
    world.settle();
    assert_eq!(world.status(), RunStatus::Escalated);
    assert_eq!(world.timers[&TimerKind::Expire], timer, "it lasts no longer than before");
    assert_eq!(world.state().run.actor(Step::Escalate), Some(&*ben), "the access still is the one that was approved");

    world.now = timer.0;
    let reply = world.act(&ada, Action::Regrant);
    expect!["the request does not currently give access (DeescalateAPI:INVALID_RUN)"].assert_eq(&world.refusal(&reply));
    world.advance(Duration::ZERO);
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
}

#[test]
fn expiry_waits_for_a_regrant_in_progress() {
    let [ana, ben, _, ada, _] = everybody();
    for (how, outcome) in [
        ("granted", Outcome::Granted { output: None }),
        ("rejected", Outcome::Rejected { output: None, errors: vec!["no".into()] }),
        ("failed", Outcome::Failed(EffectError::new(ErrorKind::Handler, codes::HANDLER_FAILED, "it broke"))),
    ] {
        let mut world = World::access();
        world.escalate(&ana, &ben);
        world.act(&ada, Action::Regrant);
        world.advance(HOUR);
        assert!(world.find(is_revoke).is_none(), "{how}: what is being granted is not revoked beside it");
        let seq = world.find(is_grant).unwrap();
        world.finish(seq, outcome);
        assert!(world.find(is_revoke).is_some(), "{how}: it is revoked as soon as the strategy has answered");
        let alerted = world.find(|kind| matches!(kind, EffectKind::Alert { .. })).is_some();
        assert_eq!(alerted, how != "granted");
        world.settle();
        assert_eq!(world.status(), RunStatus::Deescalated);
    }
}

#[test]
fn removes_unmanaged_access_in_a_run_of_its_own() {
    let [ana, ben, _, ada, _] = everybody();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Deescalate)).with(Hook::After(Step::Deescalate));
    let reply = world.remove(&ben);
    expect!["ben@example.com is not an administrator (SymSDK:NOT_PERMITTED)"].assert_eq(&world.refusal(&reply));
    assert!(world.state.is_none(), "nothing is stored");

    let accepted = world.remove(&ada);
    assert!(matches!(accepted, InputReply::Accepted { .. }), "{accepted:?}");
    let [revocation] = revocations(&world)[..] else { panic!("it is asked for") };
    let granted = {
        let mut world = World::access();
        world.escalate(&ana, &ben);
        world.holds.pop_first().unwrap()
    };
    assert_eq!(revocation.exclusive.as_ref().unwrap().as_str(), granted.as_str().replace("u1", "u9"), "as for a grant");
    assert!(world.holds.is_empty() && world.effects.len() == 1, "no hook is called");
    // Nothing else can begin in this Run.
    for reply in [world.request(&ana), world.act(&ana, Action::Prompt), world.remove(&ada), world.approve(&ada)] {
        assert!(matches!(reply, InputReply::Refused { .. }), "{reply:?}");
    }
    let seq = world.find(is_revoke).unwrap();
    world.fail(seq, false);
    assert!(world.state().is_stuck(), "it is retried until it succeeds");
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
    assert!(world.state().is_finished());
    assert!(!kinds(&world).iter().any(|kind| matches!(kind, AuditKind::Messaged { .. })), "there is no requester");
}

#[test]
fn rearms_a_lost_revocation() {
    let mut world = stuck(3);
    assert!(matches!(world.lose_expiry(), InputReply::Accepted { .. }));
    let [revocation] = revocations(&world)[..] else { panic!("it is asked for") };
    assert_eq!((revocation.attempt, revocation.not_before), (4, None));
    assert!(kinds(&world).contains(&&AuditKind::Rearmed));
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
}

#[test]
fn rearms_a_lost_timer_for_the_same_time() {
    let [ana, ben, ..] = everybody();
    let mut world = World::access();
    world.escalate(&ana, &ben);
    let (at, generation) = world.timers[&TimerKind::Expire];
    world.lose_expiry();
    let (rearmed, newer) = world.timers[&TimerKind::Expire];
    assert!(rearmed == at && newer > generation);
    assert_eq!(
        world.input(InputBody::TimerFired { kind: TimerKind::Expire, generation }),
        InputReply::Stale,
        "the store may still have the old timer"
    );
    world.advance(HOUR);
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
}

#[test]
fn rearms_the_effect_of_the_active_event() {
    let [ana, ben, ..] = everybody();
    let mut world = World::access();
    world.open(&ana);
    world.approve(&ben);
    while world.find(is_grant).is_none() {
        let seq = *world.effects.keys().next_back().unwrap();
        world.succeed(seq);
    }
    let lost = world.effects[&world.find(is_grant).unwrap()].clone();
    world.lose_expiry();
    let asked = &world.effects[&world.find(is_grant).unwrap()];
    assert_eq!((&asked.kind, &asked.exclusive), (&lost.kind, &lost.exclusive));
    assert!(asked.key != lost.key);
    world.settle();
    assert_eq!(world.status(), RunStatus::Escalated);
    world.advance(HOUR);
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
}

/// A state that no step produces, as from a corrupt file.
#[test]
fn revokes_access_if_the_awaited_effect_is_unknown() {
    let [ana, ben, ..] = everybody();
    let mut world = World::access();
    world.open(&ana);
    world.approve(&ben);
    while world.find(is_grant).is_none() {
        let seq = *world.effects.keys().next_back().unwrap();
        world.succeed(seq);
    }
    world.effects.clear();
    world.state.as_mut().unwrap().pending.clear();
    assert_eq!(world.state().pending_expiry(), None);
    world.input(InputBody::Rearm);
    assert!(world.find(is_revoke).is_some());
    world.settle();
    assert_eq!(world.status(), RunStatus::Errored);
    assert!(world.state().is_finished());

    let mut world = stuck(1);
    world.effects.clear();
    world.state.as_mut().unwrap().pending.clear();
    assert_eq!(world.state().pending_expiry(), None);
    world.input(InputBody::Rearm);
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);

    let mut world = World::access();
    world.escalate(&ana, &ben);
    world.timers.clear();
    world.state.as_mut().unwrap().timers.clear();
    assert_eq!(world.state().pending_expiry(), None);
    world.input(InputBody::Rearm);
    world.advance(HOUR);
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
}

/// Effects with the same exclusive key must have the same bulkhead, because stores look for them there.
#[test]
fn a_removal_has_the_bulkhead_of_its_service() {
    let [ana, ben, _, ada, _] = everybody();
    let mut held = World::access();
    held.escalate(&ana, &ben);
    held.revoke(&ada);
    let mut removed = World::access();
    removed.remove(&ada);
    let (of_the_run, of_nobody) = (revocations(&held)[0].bulkhead.clone(), revocations(&removed)[0].bulkhead.clone());
    assert_eq!(of_the_run, of_nobody);
    let first = removed.find(is_revoke).unwrap();
    removed.fail(first, true);
    assert_eq!(revocations(&removed)[0].bulkhead, of_nobody, "at each attempt");
}

#[test]
fn corrects_the_expiry_of_a_duration_changed_by_a_hook() {
    let [ana, ben, ..] = everybody();
    for given in [HOUR / 4, HOUR * 4] {
        let hook = Hook::On(Step::Escalate);
        let mut params = FlowParams::default();
        params.durations = vec![HOUR, HOUR * 4];
        let mut world = World { flow: flow(true, params), hooks: [hook].into_iter().collect(), ..World::access() };
        world.open(&ana);
        world.approve(&ben);
        let next = ApprovalTemplate::escalate().duration(given);
        let asked = world.find(is_hook(hook)).unwrap();
        world.finish(asked, verdict(hook, HookResult::Fire(Box::new(next))));
        world.settle();
        assert!(matches!(world.state().access, Access::Held(_)));
        let (end, _) = world.timers[&TimerKind::Expire];
        assert_eq!(end, world.now + given);

        world.now -= HOUR * 10;
        assert!(matches!(world.input(InputBody::ClockWentBack), InputReply::Accepted { .. }));
        let (end, _) = world.timers[&TimerKind::Expire];
        assert_eq!(end, world.now + given);
    }
}
