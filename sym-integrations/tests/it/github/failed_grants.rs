//! Revocations after grants that have failed: what the grant may have given is taken, and what it cannot have given stays.

use sym_integrations::github::GitHubStrategy;
use sym_sdk::strategy::PriorAccess;

use super::fake::{ANA, EVE, FakeGitHub};
use super::strategy::{Access, target};
use crate::vendor_support::code;

/// Somebody else gave a lower role, or one that may be another, after it was read that there was none.
#[tokio::test]
async fn a_role_because_of_which_a_grant_was_refused_stays() {
    let fake = FakeGitHub::start().await;
    let strategy = GitHubStrategy::new(fake.client());
    fake.api(|repo| assert!(repo.custom.insert("auditor", "triage").is_none()));
    for (given, wanted) in [("read", "push"), ("triage", "push"), ("auditor", "push"), ("triage", "auditor")] {
        fake.api(|repo| repo.direct.clear());
        let mut access = Access::new(&strategy, target(wanted), ANA);
        assert_eq!(access.read_prior().await, PriorAccess::None);
        fake.api(|repo| drop(repo.direct.insert(ANA, given.into())));
        let error = access.grant().await.unwrap_err();
        assert_eq!(code(&error), "GitHub:ROLE_NOT_RESTORABLE", "{given} {wanted}");
        for _ in 0..2 {
            assert_eq!(access.revoke().await.unwrap()["kept_role"], given);
            assert_eq!(fake.direct(ANA).as_deref(), Some(given), "{given} {wanted}");
        }
        assert!(fake.changes().is_empty(), "{given} {wanted}");
    }
}

/// The same for an invitation, which the removal of the user would cancel.
#[tokio::test]
async fn an_invitation_because_of_which_a_grant_was_refused_stays() {
    let fake = FakeGitHub::start().await;
    let strategy = GitHubStrategy::new(fake.client());
    let mut access = Access::new(&strategy, target("push").with_setting("allow_outside", "true"), EVE);
    assert_eq!(access.read_prior().await, PriorAccess::None);
    fake.api(|repo| repo.invite(17, EVE, "eve", "read"));
    assert_eq!(code(&access.grant().await.unwrap_err()), "GitHub:ROLE_NOT_RESTORABLE");
    access.revoke().await.unwrap();
    fake.api(|repo| assert_eq!(repo.invitations[0]["permissions"], "read"));
    assert!(fake.changes().is_empty());
}

/// A role that was there before and that GitHub does not tell could be the one that the target grants, if the state before were not on record.
#[tokio::test]
async fn a_role_that_could_not_be_put_back_stays() {
    let fake = FakeGitHub::start().await;
    let strategy = GitHubStrategy::new(fake.client());
    fake.state().without_graphql = true;
    fake.api(|repo| {
        repo.custom.insert("auditor", "triage");
        repo.direct.insert(ANA, "maintain".into());
    });
    let mut access = Access::new(&strategy, target("auditor"), ANA);
    assert!(matches!(access.read_prior().await, PriorAccess::Lesser(_)));
    assert_eq!(code(&access.grant().await.unwrap_err()), "GitHub:ROLE_NOT_RESTORABLE");
    assert_eq!(access.revoke().await.unwrap()["kept_role"], "maintain");
    assert_eq!(fake.direct(ANA).as_deref(), Some("maintain"));
    assert!(fake.changes().is_empty());
}

/// Everything that a grant may have left ends, whatever its error said.
#[tokio::test]
async fn a_role_that_a_failed_grant_has_given_is_taken() {
    let fake = FakeGitHub::start().await;
    let strategy = GitHubStrategy::new(fake.client());
    fake.api(|repo| assert!(repo.custom.insert("auditor", "triage").is_none()));
    // The team's role hides the one that was granted; without GraphQL, nothing tells that.
    for (wanted, by_team, without_graphql) in
        [("push", None, false), ("push", Some("triage"), true), ("auditor", None, true), ("auditor", Some("maintain"), false), ("auditor", Some("maintain"), true)]
    {
        fake.state().without_graphql = without_graphql;
        fake.api(|repo| {
            repo.by_team.clear();
            repo.by_team.extend(by_team.map(|role| (ANA, role.to_owned())));
        });
        let mut access = Access::new(&strategy, target(wanted), ANA);
        fake.state().meanwhile = Some(|state| state.rejects_token = true);
        let error = access.grant().await.unwrap_err();
        assert!(error.is_outcome_unknown() && fake.direct(ANA).is_some(), "{wanted} {by_team:?}: {error}");
        fake.state().rejects_token = false;
        access.revoke().await.unwrap();
        assert_eq!(fake.direct(ANA), None, "{wanted} {by_team:?}");
    }

    // An invitation that was sent, and its answer lost.
    let mut access = Access::new(&strategy, target("push").with_setting("allow_outside", "true"), EVE);
    fake.state().meanwhile = Some(|state| state.rejects_token = true);
    access.grant().await.unwrap_err();
    fake.state().rejects_token = false;
    fake.api(|repo| assert_eq!(repo.invitations.len(), 1));
    access.revoke().await.unwrap();
    fake.api(|repo| assert!(repo.invitations.is_empty()));
}

/// The lower role is put back.
#[tokio::test]
async fn a_role_that_a_failed_grant_has_raised_is_restored() {
    let fake = FakeGitHub::start().await;
    let strategy = GitHubStrategy::new(fake.client());
    fake.api(|repo| drop(repo.direct.insert(ANA, "read".into())));
    let mut access = Access::new(&strategy, target("push"), ANA);
    access.read_prior().await;
    fake.state().meanwhile = Some(|state| state.rejects_token = true);
    assert!(access.grant().await.unwrap_err().is_outcome_unknown());
    fake.state().rejects_token = false;
    assert_eq!(fake.direct(ANA).as_deref(), Some("write"));
    assert_eq!(access.revoke().await.unwrap()["restored_role"], "read");
    assert_eq!(fake.direct(ANA).as_deref(), Some("read"));
}
