//! Comparing what Runs give with what targets list, and putting it right.

use std::time::Duration;

use sym_sdk::audit::AuditKind;
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::model::{AccessTarget, RunId};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Reconcile, Reconciliation, Repair, Submission};
use sym_sdk::testing::{Harness, HarnessBuilder, RecordingStrategy};

use super::{GRACE, HOUR, MINUTE, plain, with_alerts};

fn builder() -> HarnessBuilder {
    let builder = Harness::builder().access_flow("prod", ["admins", "readers"]).access_flow("emergency", ["admins"]);
    with_alerts(builder).admin("ada@example.com").handlers(plain()).idle_timeout(GRACE)
}

async fn harness() -> Harness {
    builder().build().await.unwrap()
}

async fn granted(harness: &mut Harness, target: &str) -> RunId {
    let run = harness.request("prod").by("ana@example.com").target(target).duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    run
}

fn strategy(harness: &Harness) -> RecordingStrategy {
    harness.strategy("test").unwrap().clone()
}

fn target(harness: &Harness, name: &str) -> AccessTarget {
    let flow = harness.runtime().flow("prod").unwrap();
    let targets = flow.strategy().unwrap().targets();
    targets.iter().find(|target| *target.name() == *name).unwrap().clone()
}

/// Reconciles and does what follows.
async fn reconcile(harness: &mut Harness, what: Reconcile) -> Reconciliation {
    let done = harness.runtime().reconcile(what).await.unwrap();
    harness.advance(Duration::ZERO).await.unwrap();
    done
}

fn missing(done: &Reconciliation) -> Vec<(RunId, &str, &str)> {
    done.missing.iter().map(|one| (one.run, one.target.label(), &*one.identity)).collect()
}

fn extra(done: &Reconciliation) -> Vec<(&str, &str)> {
    done.extra.iter().map(|one| (one.target.label(), &*one.identity)).collect()
}

fn kinds(audit: &[sym_sdk::audit::AuditEntry]) -> Vec<&AuditKind> {
    audit.iter().map(|entry| &entry.kind).collect()
}

#[tokio::test]
async fn what_agrees_is_left_alone() {
    let mut harness = harness().await;
    granted(&mut harness, "admins").await;
    let before = harness.runtime().audit(None, usize::MAX).await.unwrap();
    let done = reconcile(&mut harness, Reconcile::new().regrant_missing().revoke_extra_of_strangers()).await;
    assert!(done.is_clean(), "{done:?}");
    assert_eq!(done.compared, 2, "two flows have one target in common");
    assert_eq!(harness.runtime().audit(None, usize::MAX).await.unwrap(), before);
}

#[tokio::test]
async fn what_differs_is_reported_and_nothing_is_done_unless_it_is_allowed() {
    let mut harness = harness().await;
    let run = granted(&mut harness, "admins").await;
    let (admins, readers) = (target(&harness, "admins"), target(&harness, "readers"));
    strategy(&harness).revoke_externally(&admins, "ana@example.com");
    strategy(&harness).grant_externally(&readers, "ana@example.com");
    strategy(&harness).grant_externally(&readers, "break-glass");
    let before = (harness.granted(), harness.runtime().audit(None, usize::MAX).await.unwrap());
    let done = reconcile(&mut harness, Reconcile::new()).await;
    assert_eq!(missing(&done), [(run, "admins", "ana@example.com")]);
    assert_eq!(extra(&done), [("readers", "ana@example.com"), ("readers", "break-glass")]);
    let known: Vec<_> = done.extra.iter().map(|one| one.user.as_ref().map(|user| user.username())).collect();
    assert_eq!(known, [Some("ana@example.com"), None]);
    assert!(done.missing.iter().all(|one| one.repair == Repair::None));
    assert!(done.extra.iter().all(|one| one.repair == Repair::None));
    assert_eq!((harness.granted(), harness.runtime().audit(None, usize::MAX).await.unwrap()), before);
}

#[tokio::test]
async fn missing_access_is_granted_again_and_ends_at_its_time() {
    let mut harness = harness().await;
    let run = granted(&mut harness, "admins").await;
    harness.advance(30 * MINUTE).await.unwrap();
    strategy(&harness).revoke_externally(&target(&harness, "admins"), "ana@example.com");
    let done = reconcile(&mut harness, Reconcile::new().regrant_missing().by("ada@example.com")).await;
    assert_eq!(done.missing[0].repair, Repair::Begun(run));
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);
    let audit = harness.runtime().audit(Some(run), usize::MAX).await.unwrap();
    let regranted = audit.iter().find(|entry| matches!(entry.kind, AuditKind::Regranted { .. })).unwrap();
    assert_eq!(regranted.event.actor.username(), "ada@example.com");
    harness.advance(30 * MINUTE).await.unwrap();
    assert!(harness.granted().is_empty());
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
}

#[tokio::test]
async fn access_that_cannot_be_granted_again_is_told_and_ends_all_the_same() {
    let mut harness = harness().await;
    let run = granted(&mut harness, "admins").await;
    strategy(&harness).revoke_externally(&target(&harness, "admins"), "ana@example.com");
    strategy(&harness).fail_grants(1);
    reconcile(&mut harness, Reconcile::new().regrant_missing()).await;
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Escalated);
    assert_eq!(harness.delivery().alerts().len(), 1);
    // The next one tries again.
    reconcile(&mut harness, Reconcile::new().regrant_missing()).await;
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);
    harness.advance(HOUR).await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    assert!(harness.granted().is_empty());
}

#[tokio::test]
async fn extra_access_is_taken_away_from_those_from_whom_it_may() {
    let mut harness = harness().await;
    let run = granted(&mut harness, "admins").await;
    let readers = target(&harness, "readers");
    strategy(&harness).grant_externally(&readers, "ana@example.com");
    strategy(&harness).grant_externally(&readers, "break-glass");
    let done = reconcile(&mut harness, Reconcile::new().revoke_extra()).await;
    let Repair::Begun(removal) = done.extra[0].repair else { panic!("{done:?}") };
    assert_eq!(done.extra[1].repair, Repair::None);
    assert_eq!(harness.granted(), ["admins: ana@example.com", "readers: break-glass"]);
    assert_eq!(harness.status(removal).await.unwrap(), RunStatus::Deescalated);
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Escalated);
    let audit = harness.runtime().audit(Some(removal), usize::MAX).await.unwrap();
    assert!(audit.iter().all(|entry| entry.event.actor.username() == "sym"), "the platform's own doing");
    assert!(kinds(&audit).iter().any(|kind| matches!(kind, AuditKind::Revoked { confirmed: true, .. })));
    assert!(harness.delivery().messages().iter().all(|(to, _)| to != "sym"), "nobody is told of it");

    let done = reconcile(&mut harness, Reconcile::new().revoke_extra_of_strangers().by("ada@example.com")).await;
    assert_eq!(extra(&done), [("readers", "break-glass")]);
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);
    assert!(reconcile(&mut harness, Reconcile::new()).await.is_clean());
}

#[tokio::test]
async fn a_removal_that_fails_is_tried_like_any_revocation() {
    let mut harness = harness().await;
    strategy(&harness).grant_externally(&target(&harness, "readers"), "break-glass");
    strategy(&harness).fail_revocations(4);
    let done = reconcile(&mut harness, Reconcile::new().revoke_extra_of_strangers()).await;
    let Repair::Begun(removal) = done.extra[0].repair else { panic!("{done:?}") };
    let health = harness.runtime().health().await.unwrap();
    assert_eq!((health.stuck, health.missing_expiry), (1, 0));
    assert_eq!(harness.delivery().alerts().len(), 1);
    let again = reconcile(&mut harness, Reconcile::new().revoke_extra_of_strangers()).await;
    assert!(again.is_clean(), "it is being taken away: {again:?}");
    harness.advance(MINUTE).await.unwrap();
    assert_eq!(harness.status(removal).await.unwrap(), RunStatus::Deescalated);
    assert!(harness.granted().is_empty());
}

#[tokio::test]
async fn what_is_being_granted_or_taken_away_is_no_difference() {
    let mut harness = harness().await;
    strategy(&harness).fail_grants(1);
    let granting = granted(&mut harness, "admins").await;
    assert_eq!(harness.status(granting).await.unwrap(), RunStatus::Approved, "it is tried again in a second");
    let all = || Reconcile::new().regrant_missing().revoke_extra_of_strangers();
    assert!(reconcile(&mut harness, all()).await.is_clean());
    // The service may have granted it all the same.
    strategy(&harness).grant_externally(&target(&harness, "admins"), "ana@example.com");
    assert!(reconcile(&mut harness, all()).await.is_clean());

    harness.advance(MINUTE).await.unwrap();
    strategy(&harness).fail_revocations(2);
    harness.revoke_as(granting, "ana@example.com").await.unwrap();
    assert!(reconcile(&mut harness, all()).await.is_clean());
    strategy(&harness).revoke_externally(&target(&harness, "admins"), "ana@example.com");
    assert!(reconcile(&mut harness, all()).await.is_clean());
    harness.advance(MINUTE).await.unwrap();
    assert!(reconcile(&mut harness, all()).await.is_clean(), "the first attempt may still take effect");
    harness.advance(15 * MINUTE).await.unwrap();
    assert_eq!(harness.status(granting).await.unwrap(), RunStatus::Deescalated);
    assert!(harness.granted().is_empty());
}

/// The extra access is found, and before it is taken away a Run gives the same.
#[tokio::test]
async fn a_removal_leaves_what_a_run_gives_by_then() {
    let mut harness = harness().await;
    strategy(&harness).grant_externally(&target(&harness, "admins"), "ana@example.com");
    strategy(&harness).fail_revocations(1);
    let done = reconcile(&mut harness, Reconcile::new().revoke_extra_of_strangers()).await;
    let Repair::Begun(removal) = done.extra[0].repair else { panic!("{done:?}") };
    let run = granted(&mut harness, "admins").await;
    harness.advance(MINUTE).await.unwrap();
    assert_eq!(harness.status(removal).await.unwrap(), RunStatus::Deescalated);
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Escalated);
    assert_eq!(harness.granted(), ["admins: ana@example.com"], "the Run needs it");
    harness.advance(HOUR).await.unwrap();
    assert!(harness.granted().is_empty());
}

/// A Run that is approved at the same moment: whatever the order of what follows, it gets its access and keeps it.
#[tokio::test]
async fn a_removal_and_a_grant_of_the_same_access_take_turns() {
    for steps_between in 0..6 {
        let mut harness = harness().await;
        strategy(&harness).grant_externally(&target(&harness, "admins"), "ana@example.com");
        let run = harness.request("prod").by("ana@example.com").target("admins").duration("1h").await.unwrap();
        let runtime = harness.runtime().clone();
        runtime.directory().contact("ben@example.com").await.unwrap();
        runtime.submit(Submission::approve(run, "ben@example.com")).await.unwrap();
        for _ in 0..steps_between {
            runtime.run_one().await.unwrap();
        }
        runtime.reconcile(Reconcile::new().revoke_extra_of_strangers()).await.unwrap();
        harness.advance(MINUTE).await.unwrap();
        assert_eq!(harness.status(run).await.unwrap(), RunStatus::Escalated, "{steps_between} steps");
        assert_eq!(harness.granted(), ["admins: ana@example.com"], "{steps_between} steps");
    }
}

#[tokio::test]
async fn access_that_was_written_off_is_extra() {
    let mut harness = harness().await;
    let run = granted(&mut harness, "admins").await;
    strategy(&harness).fail_revocations(3);
    harness.revoke_as(run, "ana@example.com").await.unwrap();
    harness.write_off_as(run, "ada@example.com", "the service is gone").await.unwrap();
    let done = reconcile(&mut harness, Reconcile::new()).await;
    assert_eq!(extra(&done), [("admins", "ana@example.com")]);
}

#[tokio::test]
async fn targets_that_cannot_be_read_are_unknown_and_nothing_is_concluded() {
    let mut harness = harness().await;
    granted(&mut harness, "admins").await;
    strategy(&harness).revoke_externally(&target(&harness, "admins"), "ana@example.com");
    strategy(&harness).fail_listings(2);
    let done = reconcile(&mut harness, Reconcile::new().regrant_missing()).await;
    assert_eq!((done.compared, done.unknown.len(), done.missing.len()), (0, 2, 0));
    assert_eq!(done.unknown[0].error.as_ref().unwrap().code, codes::HTTP_ERROR_RESPONSE);
    assert!(harness.granted().is_empty());

    let mute = RecordingStrategy::new().without_listing();
    let mut harness = builder().strategy("test", mute).build().await.unwrap();
    granted(&mut harness, "admins").await;
    let done = reconcile(&mut harness, Reconcile::new().regrant_missing()).await;
    assert_eq!((done.compared, done.unknown.len(), done.missing.len()), (0, 2, 0));
    assert!(done.unknown.iter().all(|one| one.error.is_none()), "it cannot tell");
}

#[tokio::test]
async fn only_administrators_reconcile_by_hand() {
    let mut harness = harness().await;
    granted(&mut harness, "admins").await;
    strategy(&harness).revoke_externally(&target(&harness, "admins"), "ana@example.com");
    let what = Reconcile::new().regrant_missing().by("ben@example.com");
    let refused = harness.runtime().reconcile(what).await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (ErrorKind::Forbidden, &codes::NOT_PERMITTED));
    assert!(harness.granted().is_empty());
}

/// Settings that the form fills in are only known from the Runs.
#[tokio::test]
async fn targets_that_are_picked_in_the_form_are_compared_while_a_run_gives_them() {
    let builder = Harness::builder().access_flow("prod", ["repo"]).declare(|config| {
        config.targets[0].field_bindings = vec!["name".into()];
        config.flows[0].params.prompt_fields.push(sym_sdk::config::PromptField {
            name: "name".into(),
            field_type: "string".into(),
            ..Default::default()
        });
    });
    let mut harness = builder.handlers(plain()).build().await.unwrap();
    assert_eq!(reconcile(&mut harness, Reconcile::new()).await, Reconciliation::default());
    let request = harness.request("prod").by("ana@example.com").field("name", "website").duration("1h");
    let run = request.await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    let bound = harness.run(run).await.unwrap().access.grant().unwrap().target.clone();
    assert_eq!(bound.title(), "repo (website)");
    strategy(&harness).revoke_externally(&bound, "ana@example.com");
    strategy(&harness).grant_externally(&bound, "bob");
    let done = reconcile(&mut harness, Reconcile::new().regrant_missing().revoke_extra_of_strangers()).await;
    assert_eq!((done.compared, done.missing.len(), extra(&done)), (1, 1, vec![("repo", "bob")]));
    assert_eq!(harness.granted(), ["repo: ana@example.com"]);
}

fn with_bound_target() -> sym_sdk::testing::HarnessBuilder {
    Harness::builder().access_flow("prod", ["repo"]).declare(|config| {
        config.targets[0].field_bindings = vec!["name".into()];
        config.flows[0].params.prompt_fields.push(sym_sdk::config::PromptField {
            name: "name".into(),
            field_type: "string".into(),
            ..Default::default()
        });
    })
}

/// Finding 1: access that comes back after its Run has ended is found for 30 days, although its target is known from the Run alone,
/// and although the Run is pruned.
#[tokio::test]
async fn targets_of_ended_runs_are_compared_for_thirty_days() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let mut harness = with_bound_target().handlers(plain()).build().await.unwrap();
    let request = harness.request("prod").by("ana@example.com").field("name", "website").duration("1h");
    let run = request.await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    let bound = harness.run(run).await.unwrap().access.grant().unwrap().target.clone();
    harness.advance(2 * HOUR).await.unwrap();
    let done = reconcile(&mut harness, Reconcile::new()).await;
    assert_eq!((done.compared, done.is_clean()), (1, true));

    strategy(&harness).grant_externally(&bound, "ana@example.com");
    assert_eq!(harness.runtime().prune(Duration::ZERO).await.unwrap(), 1);
    harness.advance(29 * DAY).await.unwrap();
    let done = reconcile(&mut harness, Reconcile::new()).await;
    assert_eq!((done.compared, extra(&done)), (1, vec![("repo", "ana@example.com")]));
    assert_eq!(done.targets[0].target.title(), "repo (website)");

    harness.advance(2 * DAY).await.unwrap();
    assert_eq!(reconcile(&mut harness, Reconcile::new()).await, Reconciliation::default());
}

/// Nobody knows whose access it is then; that must not keep all else from being put right.
#[tokio::test]
async fn an_account_that_two_people_share_is_nobodys() {
    let mut harness = harness().await;
    let run = granted(&mut harness, "admins").await;
    let directory = harness.runtime().directory().clone();
    let ana = directory.user_by_email("ana@example.com").await.unwrap().unwrap();
    let [known] = ana.identities() else { panic!("{ana:?}") };
    let (service, service_id) = (known.service(), known.service_id());
    for email in ["ben@example.com", "cho@example.com"] {
        directory.persist_user_identity(email, service, service_id, "shared").await.unwrap();
    }
    let (admins, readers) = (target(&harness, "admins"), target(&harness, "readers"));
    strategy(&harness).revoke_externally(&admins, "ana@example.com");
    strategy(&harness).grant_externally(&readers, "shared");
    let done = reconcile(&mut harness, Reconcile::new().regrant_missing().revoke_extra()).await;
    assert_eq!((done.extra[0].user.as_ref(), &done.extra[0].repair), (None, &Repair::None));
    assert_eq!(done.missing[0].repair, Repair::Begun(run));
    assert_eq!(harness.granted(), ["admins: ana@example.com", "readers: shared"]);
    reconcile(&mut harness, Reconcile::new().revoke_extra_of_strangers()).await;
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);
}
