//! The settle window across restarts and changes of the clock: finding 1 of the safety review.

use std::time::Duration;

use jiff::Timestamp;
use sym_sdk::audit::AuditKind;
use sym_sdk::error::{Error, ErrorKind, codes};
use sym_sdk::machine::*;

use super::harness::*;

/// A Run that is about to be granted access.
fn granting() -> World {
    granting_in(World::access())
}

fn granting_in(mut world: World) -> World {
    let [ana, ben, ..] = everybody();
    world.open(&ana);
    world.approve(&ben);
    while world.find(is_grant).is_none() {
        let seq = *world.effects.keys().next_back().unwrap();
        world.succeed(seq);
    }
    world
}

fn refusal() -> Outcome {
    Outcome::Failed(EffectError::new(ErrorKind::Forbidden, codes::HTTP_ERROR_RESPONSE, "no"))
}

/// A Run whose access was revoked while its grant may still take effect.
fn settling() -> World {
    let mut world = granting();
    world.fail(world.find(is_grant).unwrap(), false);
    world.succeed(world.find(is_revoke).unwrap());
    assert_eq!(world.state().settles_at(), Some(world.now + MIN_SETTLE_TIME));
    world
}

/// Revokes once more, at this time.
fn revoke_at(world: &mut World, now: Timestamp, steady_since: Timestamp) {
    let seq = world.find(is_revoke).unwrap();
    world.effects.remove(&seq);
    world.now = now;
    let body = InputBody::EffectDone { seq, outcome: Outcome::Revoked(Revocation::default()) };
    world.input_with(body, |input| input.with_steady_since(steady_since));
}

#[test]
fn an_interrupted_grant_counts_as_one_whose_outcome_is_unknown() {
    for outcome in [refusal(), Outcome::Granted { output: None }] {
        let mut world = granting();
        let seq = world.find(is_grant).unwrap();
        world.effects.remove(&seq);
        let is_granted = matches!(outcome, Outcome::Granted { .. });
        world.input_with(InputBody::EffectDone { seq, outcome }, |input| input.with_interrupted(true));
        if is_granted {
            let [_, _, _, ada, _] = everybody();
            world.revoke(&ada);
        }
        world.succeed(world.find(is_revoke).unwrap());
        assert_eq!(world.state().settles_at(), Some(world.now + MIN_SETTLE_TIME));
    }
}

#[test]
fn a_window_is_waited_for_in_full_after_the_clock_was_set_ahead() {
    let mut world = settling();
    let ahead = world.now + 24 * HOUR;
    revoke_at(&mut world, ahead, ahead);
    assert_eq!(world.state().settles_at(), Some(ahead + MIN_SETTLE_TIME));
    revoke_at(&mut world, ahead + MIN_SETTLE_TIME, ahead);
    assert_eq!(world.state().access, Access::Ended);
}

#[test]
fn a_window_is_not_prolonged_by_a_clock_that_was_ahead() {
    let mut world = settling();
    world.now -= 24 * HOUR;
    let back = world.now;
    assert!(matches!(world.input(InputBody::ClockWentBack), InputReply::Accepted { .. }));
    assert_eq!(world.state().settles_at(), Some(back + MIN_SETTLE_TIME));
    // The store executes what was deferred for too long within minutes.
    revoke_at(&mut world, back + MIN_SETTLE_TIME / 2, back);
    assert_eq!(world.state().settles_at(), Some(back + MIN_SETTLE_TIME));
    revoke_at(&mut world, back + MIN_SETTLE_TIME, back);
    assert_eq!(world.state().access, Access::Ended);
}

/// It may have had its effect before the grant did.
#[test]
fn a_revocation_that_began_within_the_window_is_followed_by_another() {
    let mut world = settling();
    let [_, _, _, ada, _] = everybody();
    world.revoke(&ada);
    let (began, over) = (world.now, world.now + 2 * MIN_SETTLE_TIME);
    revoke_at(&mut world, over, began);
    assert!(matches!(world.state().access, Access::Revoking { .. }));
    revoke_at(&mut world, over, began);
    assert_eq!(world.state().access, Access::Ended);
}

/// Access is revoked at least this often while a grant may take effect, however long that is.
#[test]
fn a_long_window_is_divided() {
    let mut world = granting_in(World { settle_time: 24 * HOUR, ..World::access() });
    world.fail(world.find(is_grant).unwrap(), false);
    let began = world.now;
    let mut revocations = 0;
    while let Some(seq) = world.find(is_revoke) {
        world.succeed(seq);
        revocations += 1;
    }
    let took: Duration = world.now.duration_since(began).unsigned_abs();
    assert_eq!(took, 24 * HOUR);
    assert_eq!(revocations, 1 + 24 * HOUR.as_secs() / MAX_REVOKE_DELAY.as_secs());
}

/// States of earlier versions have no window.
#[test]
fn states_without_a_window_are_read() {
    let state = settling().state().clone();
    let mut json = serde_json::to_value(&state).unwrap();
    let revoking = json["access"]["revoking"].as_object_mut().unwrap();
    revoking.remove("revoked_at");
    revoking["grant"].as_object_mut().unwrap().remove("settle_window");
    for pending in json["pending"].as_object_mut().unwrap().values_mut() {
        pending.as_object_mut().unwrap().remove("requested_at");
    }
    let read: RunState = serde_json::from_value(json).unwrap();
    let mut world = World { state: Some(read), ..settling() };
    world.effects.retain(|_, effect| is_revoke(&effect.kind));
    world.settle();
    assert_eq!(world.state().access, Access::Ended);
}

/// A call that was refused at last may have had its effect in an earlier attempt, and what lands late is revoked.
#[test]
fn an_unknown_outcome_is_kept_whatever_the_kind_of_the_error() {
    let error = |kind| Error::new(kind, codes::HTTP_ERROR_RESPONSE, "no");
    for (error, is_unknown) in [
        (error(ErrorKind::Forbidden), false),
        (error(ErrorKind::Forbidden).with_unknown_outcome(), true),
        (error(ErrorKind::Timeout), true),
        (error(ErrorKind::Timeout).with_unknown_outcome(), true),
    ] {
        let error = EffectError::from(&error);
        assert_eq!(error.is_outcome_unknown(), is_unknown, "{error:?}");
        let mut world = granting();
        let seq = world.find(is_grant).unwrap();
        world.finish(seq, Outcome::Failed(error));
        world.fail_grants();
        world.succeed(world.find(is_revoke).unwrap());
        assert_eq!(world.state().settles_at().is_some(), is_unknown);
    }
}

#[test]
fn a_provisional_revocation_says_whether_it_was_confirmed() {
    for (check, is_confirmed) in [(RevocationCheck::Unknown, false), (RevocationCheck::Gone, true)] {
        let mut world = granting();
        world.fail(world.find(is_grant).unwrap(), false);
        let mut revocation = Revocation::default();
        revocation.check = check;
        world.finish(world.find(is_revoke).unwrap(), Outcome::Revoked(revocation));
        let found = world.audit.iter().find_map(|entry| match &entry.kind {
            AuditKind::RevokedProvisionally { confirmed, .. } => Some(*confirmed),
            _ => None,
        });
        assert_eq!(found, Some(is_confirmed));
    }
}

/// Revocations of one account share workers with each other and not with those of another service.
#[test]
fn revocations_and_grants_belong_to_the_bulkhead_of_their_service() {
    let mut world = granting();
    let grant = world.find(is_grant).unwrap();
    let service = world.effects[&grant].bulkhead.clone();
    assert!(service.as_str().starts_with("service:"), "{service:?}");
    world.fail(grant, false);
    let revocation = world.find(is_revoke).unwrap();
    assert_eq!(world.effects[&revocation].bulkhead, service);
    let others = world.effects.values().filter(|effect| !is_revoke(&effect.kind));
    assert!(others.map(|effect| effect.bulkhead.as_str()).all(|name| name == "flow:prod"));
}
