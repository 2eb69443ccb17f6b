//! Grants, revocations and the end of access.

use std::time::Duration;

use sym_sdk::audit::AuditKind;
use sym_sdk::machine::*;
use sym_sdk::model::*;
use sym_sdk::prelude::{PermissionLevel, RequestPermission, Step};
use sym_sdk::template::ApprovalTemplate;

use super::harness::*;

#[test]
fn sets_the_expiry_timer_before_calling_the_strategy() {
    let [ana, ben, ..] = everybody();
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
fn revokes_after_a_grant_has_failed_permanently() {
    let [ana, ben, ..] = everybody();
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
fn retries_a_revocation_until_it_succeeds() {
    let [ana, ben, ..] = everybody();
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
    assert_eq!(alerts, 1 + days, "alerted immediately and once per day");
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
}

#[test]
fn early_revocation_and_expiry_revoke_once() {
    let [ana, ben, cho, ..] = everybody();
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
fn open_ended_access_lasts_until_it_is_revoked() {
    let [ana, ben, cho, ..] = everybody();
    let mut params = FlowParams::default();
    params.schedule_deescalation = false;
    let permission = RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin);
    let mut world = World::new(flow(true, params), Hooks::NONE, permission);
    world.escalate(&ana, &ben);
    assert!(world.timers.is_empty());
    world.act(&cho, Action::Revoke);
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
}

#[test]
fn only_admins_revoke_early_if_the_flow_disallows_it() {
    let [ana, ben, _, ada, _] = everybody();
    let mut params = FlowParams::default();
    params.allow_revoke = false;
    let permission = RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin);
    let mut world = World::new(flow(true, params), Hooks::NONE, permission);
    world.escalate(&ana, &ben);
    let reply = world.act(&ana, Action::Revoke);
    expect_test::expect!["flow `prod` does not allow early revocation; ask an administrator (SymSDK:NOT_PERMITTED)"]
        .assert_eq(&world.refusal(&reply));
    world.act(&ada, Action::Revoke);
    world.settle();
    assert_eq!(world.status(), RunStatus::Deescalated);
}

#[test]
fn a_clock_that_was_ahead_does_not_delay_expiry() {
    let [ana, ben, ..] = everybody();
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
fn raises_an_undelivered_revocation_alert_again() {
    let [ana, ben, ..] = everybody();
    let is_alert = |kind: &EffectKind| matches!(kind, EffectKind::Alert { .. });
    let mut world = World::access();
    world.escalate(&ana, &ben);
    world.advance(HOUR);
    world.fail(world.find(is_revoke).unwrap(), false);
    world.fail(world.find(is_alert).expect("the first failure raises an alert"), true);
    world.fail(world.find(is_revoke).unwrap(), false);
    world.succeed(world.find(is_alert).expect("the alert is raised again"));
    world.fail(world.find(is_revoke).unwrap(), false);
    assert!(world.find(is_alert).is_none(), "once a day is enough");
}

/// Otherwise, the store would be told that the end of access is lost while its hook is being called.
#[test]
fn access_has_a_pending_expiry_while_its_end_is_processed() {
    let [ana, ben, _, ada, _] = everybody();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Deescalate));
    world.escalate(&ana, &ben);
    world.fire(TimerKind::Expire);
    let hook = world.find(is_hook(Hook::On(Step::Deescalate))).unwrap();
    let end = world.state().pending_expiry().unwrap();
    assert_eq!((end.timer, end.effect), (None, Some(hook)));
    // So it does while the end waits for another event.
    let mut world = World::access();
    world.escalate(&ana, &ben);
    world.act(&ada, Action::Regrant);
    let grant = world.find(is_grant).unwrap();
    world.fire(TimerKind::Expire);
    let end = world.state().pending_expiry().unwrap();
    assert_eq!((end.timer, end.effect), (None, Some(grant)));
}

/// The store has lost the effect that ends the access. A timer beside it would end it a second time.
#[test]
fn an_end_that_is_lost_while_it_is_processed_is_requested_once() {
    let [ana, ben, ..] = everybody();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Deescalate));
    world.escalate(&ana, &ben);
    world.fire(TimerKind::Expire);
    assert_eq!(world.lose_expiry(), InputReply::Accepted { event: None });
    assert!(!world.timers.contains_key(&TimerKind::Expire), "{:?}", world.timers);
    let end = world.state().pending_expiry().unwrap();
    assert_eq!((end.timer, end.effect), (None, world.find(is_hook(Hook::On(Step::Deescalate)))));
    world.settle();
    assert_eq!((world.status(), world.granted), (RunStatus::Deescalated, false));
}

/// Access that is being granted ends after the outcome of the grant. If that cannot come, the expiry timer ends nothing.
#[test]
fn access_whose_grant_is_forgotten_has_lost_its_end() {
    let [ana, ben, ..] = everybody();
    let mut world = World::access();
    world.open(&ana);
    world.approve(&ben);
    let grant = world.settle_until(is_grant);
    assert!(world.state().pending_expiry().is_some() && world.timers.contains_key(&TimerKind::Expire));
    world.effects.remove(&grant);
    let mut json = serde_json::to_value(world.state()).unwrap();
    json.as_object_mut().unwrap().remove("active_event").unwrap();
    json["pending"] = serde_json::json!({});
    world.state = Some(serde_json::from_value(json).unwrap());
    assert_eq!(world.state().pending_expiry(), None);
    assert_eq!(world.input(InputBody::Rearm), InputReply::Accepted { event: None });
    assert!(world.find(is_revoke).is_some(), "whether it was granted is unknown");
    world.settle();
    assert_eq!(world.status(), RunStatus::Errored);
}

#[test]
fn a_clock_that_was_ahead_does_not_prolong_a_deferred_end() {
    let [ana, ben, ..] = everybody();
    let mut world = World::access();
    world.hooks = Hooks::NONE.with(Hook::On(Step::Deescalate));
    world.escalate(&ana, &ben);
    world.fire(TimerKind::Expire);
    let hook = world.find(is_hook(Hook::On(Step::Deescalate))).unwrap();
    world.finish(hook, verdict(Hook::On(Step::Deescalate), HookResult::Fire(ApprovalTemplate::ignore().into())));
    world.settle();
    world.now -= 2 * HOUR;
    world.input(InputBody::ClockWentBack);
    let (at, _) = world.timers[&TimerKind::Expire];
    assert_eq!(at, world.now + IGNORED_EXPIRY_RETRY_DELAY);
}

/// A grant that began at the end of its access would only be revoked.
#[test]
fn a_grant_is_not_retried_at_the_end_of_its_access() {
    let [ana, ben, ..] = everybody();
    for late in [Duration::ZERO, Duration::from_secs(1)] {
        let mut world = World::access();
        world.open(&ana);
        world.approve(&ben);
        let grant = world.settle_until(is_grant);
        let (until, _) = world.timers[&TimerKind::Expire];
        // The first retry follows after a second.
        world.now = until - Duration::from_secs(2) + late;
        world.fail(grant, true);
        assert_eq!(world.find(is_grant).is_some(), late.is_zero());
    }
}

#[test]
fn the_requester_is_told_if_another_request_keeps_the_access() {
    let [ana, ben, ..] = everybody();
    for (still_needed_by, is_kept) in [(0, false), (1, true)] {
        let mut world = World::access();
        world.escalate(&ana, &ben);
        world.advance(HOUR);
        let mut revocation = Revocation::default();
        revocation.still_needed_by = still_needed_by;
        world.finish(world.find(is_revoke).unwrap(), Outcome::Revoked(revocation));
        let told = world.effects.values().find_map(|effect| match &effect.kind {
            EffectKind::Message { notice: Notice::Ended { held_by_other_run, .. }, .. } => Some(*held_by_other_run),
            _ => None,
        });
        assert_eq!(told, Some(is_kept));
    }
}
