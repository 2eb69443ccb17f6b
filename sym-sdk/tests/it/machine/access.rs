//! Grants, revocations and the end of access.

use std::time::Duration;

use sym_sdk::audit::AuditKind;
use sym_sdk::machine::*;
use sym_sdk::model::*;
use sym_sdk::prelude::{PermissionLevel, RequestPermission, Step};

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
    let permission = RequestPermission::new(PermissionLevel::Admin, PermissionLevel::Member);
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
    let permission = RequestPermission::new(PermissionLevel::Admin, PermissionLevel::Member);
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
