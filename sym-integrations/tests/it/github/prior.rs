//! Access that a user has before a grant, and has again after its end.

use serde_json::json;
use sym_integrations::github::GitHubStrategy;
use sym_sdk::strategy::PriorAccess;

use super::fake::{ANA, BOB, EVE, FakeGitHub};
use crate::vendor_support::code;
use super::strategy::{Access, target};

/// GH08: whoever has the role or a higher one keeps it, and a grant writes nothing.
#[tokio::test]
async fn never_lowers_a_role() {
    let fake = FakeGitHub::start().await;
    let strategy = GitHubStrategy::new(fake.client());
    for (direct, wanted) in [("admin", "push"), ("write", "push"), ("maintain", "triage"), ("admin", "auditor")] {
        fake.api(|repo| {
            repo.custom.insert("auditor", "read");
            repo.direct.insert(BOB, direct.into());
        });
        let mut access = Access::new(&strategy, target(wanted), BOB);
        assert_eq!(access.read_prior().await, PriorAccess::Sufficient, "{direct} {wanted}");
        // Even if the runtime asks for it, as after a change in between.
        assert_eq!(access.grant().await.unwrap()["status"], "granted");
        assert_eq!(fake.direct(BOB).as_deref(), Some(direct));
    }
    assert!(fake.changes().is_empty());
    // From a team.
    fake.api(|repo| drop(repo.by_team.insert(ANA, "maintain".into())));
    assert_eq!(Access::new(&strategy, target("push"), ANA).read_prior().await, PriorAccess::Sufficient);
    // Directly, below the role from a team.
    fake.api(|repo| drop(repo.direct.insert(ANA, "auditor".into())));
    assert_eq!(Access::new(&strategy, target("auditor"), ANA).read_prior().await, PriorAccess::Sufficient);
}

/// GH07: the direct role is put back, and not the effective one.
#[tokio::test]
async fn restores_the_direct_role() {
    let fake = FakeGitHub::start().await;
    let strategy = GitHubStrategy::new(fake.client());
    fake.api(|repo| {
        repo.direct.insert(ANA, "triage".into());
        repo.by_team.insert(ANA, "write".into());
    });
    let mut access = Access::new(&strategy, target("admin"), ANA);
    assert!(matches!(access.read_prior().await, PriorAccess::Lesser(_)));
    for _ in 0..2 {
        access.grant().await.unwrap();
        assert_eq!(fake.direct(ANA).as_deref(), Some("admin"));
    }
    for _ in 0..2 {
        access.revoke().await.unwrap();
        // She would keep `write` directly after leaving the team otherwise.
        assert_eq!(fake.direct(ANA).as_deref(), Some("triage"));
    }
    assert!(matches!(access.read_prior().await, PriorAccess::Lesser(_)));
    assert_eq!(
        fake.changes(),
        ["PUT /repos/acme/api/collaborators/AnaB", "PUT /repos/acme/api/collaborators/anab"]
    );
}

/// GH07: a direct role that GitHub does not tell is put back as the lowest, and the output says so.
#[tokio::test]
async fn restores_an_unknown_role_as_the_lowest() {
    let fake = FakeGitHub::start().await;
    fake.state().without_graphql = true;
    let strategy = GitHubStrategy::new(fake.client());
    fake.api(|repo| drop(repo.direct.insert(ANA, "write".into())));
    let mut access = Access::new(&strategy, target("maintain"), ANA);
    access.read_prior().await;
    access.grant().await.unwrap();
    let output = access.revoke().await.unwrap();
    assert_eq!((&output["restored_role"], &output["restored_unknown_role"]), (&json!("read"), &json!(true)));
    assert_eq!(fake.direct(ANA).as_deref(), Some("read"));
}

/// GH07: somebody with access from a team alone is removed, and keeps that.
#[tokio::test]
async fn removes_the_direct_role_alone() {
    let fake = FakeGitHub::start().await;
    let strategy = GitHubStrategy::new(fake.client());
    fake.api(|repo| drop(repo.by_team.insert(ANA, "read".into())));
    let mut access = Access::new(&strategy, target("push"), ANA);
    assert_eq!(access.read_prior().await, PriorAccess::None);
    access.grant().await.unwrap();
    access.revoke().await.unwrap();
    assert_eq!(fake.direct(ANA), None);
    fake.api(|repo| assert_eq!(repo.by_team[&ANA], "read"));
}

/// GH08: custom roles are put back by name, and not replaced if that is impossible or might lower them.
#[tokio::test]
async fn restores_custom_roles_by_name() {
    let fake = FakeGitHub::start().await;
    let strategy = GitHubStrategy::new(fake.client());
    fake.api(|repo| {
        repo.custom.insert("auditor", "triage");
        repo.direct.insert(ANA, "auditor".into());
    });
    let mut access = Access::new(&strategy, target("push"), ANA);
    access.read_prior().await;
    access.grant().await.unwrap();
    assert_eq!(fake.direct(ANA).as_deref(), Some("write"));
    access.revoke().await.unwrap();
    assert_eq!(fake.direct(ANA).as_deref(), Some("auditor"));
    fake.changes();

    // `auditor` may not include what `write` does.
    fake.api(|repo| drop(repo.direct.insert(BOB, "write".into())));
    let mut access = Access::new(&strategy, target("auditor"), BOB);
    assert_eq!(code(&access.grant().await.unwrap_err()), "GitHub:ROLE_NOT_RESTORABLE");
    assert!(matches!(access.read_prior().await, PriorAccess::Lesser(_)));
    assert_eq!(code(&access.grant().await.unwrap_err()), "GitHub:ROLE_NOT_RESTORABLE");
    // The name of the direct role is not told.
    fake.state().without_graphql = true;
    let error = Access::new(&strategy, target("push"), ANA).grant().await.unwrap_err();
    assert_eq!(code(&error), "GitHub:ROLE_NOT_RESTORABLE");
    assert!(fake.changes().is_empty());
}

/// A role that could not be read before the grant is not overwritten.
#[tokio::test]
async fn does_not_replace_what_is_not_recorded() {
    let fake = FakeGitHub::start().await;
    let strategy = GitHubStrategy::new(fake.client());
    fake.api(|repo| drop(repo.direct.insert(ANA, "read".into())));
    let error = Access::new(&strategy, target("push"), ANA).grant().await.unwrap_err();
    assert_eq!(code(&error), "GitHub:ROLE_NOT_RESTORABLE");
    assert!(!error.is_retryable() && fake.changes().is_empty());
}

/// GH09: an invitation says `write` where a grant says `push`; it is raised, and lowered again.
#[tokio::test]
async fn restores_invitations() {
    let fake = FakeGitHub::start().await;
    let strategy = GitHubStrategy::new(fake.client());
    fake.api(|repo| repo.invite(17, EVE, "Eve", "read"));
    let outside = target("push").with_setting("allow_outside", "true");
    let mut access = Access::new(&strategy, outside.clone(), EVE);
    assert!(matches!(access.read_prior().await, PriorAccess::Lesser(_)));
    for _ in 0..2 {
        let output = access.grant().await.unwrap();
        assert_eq!((&output["status"], &output["invitation_id"]), (&json!("invited"), &json!(17)));
        fake.api(|repo| assert_eq!(repo.invitations[0]["permissions"], "write"));
    }
    for _ in 0..2 {
        access.revoke().await.unwrap();
        fake.api(|repo| assert_eq!((repo.invitations.len(), &repo.invitations[0]["permissions"]), (1, &json!("read"))));
    }
    assert_eq!(fake.changes(), ["PATCH /repos/acme/api/invitations/17", "PATCH /repos/acme/api/invitations/17"]);

    // Accepted in the meantime: what she was invited to remains.
    access.grant().await.unwrap();
    fake.api(|repo| {
        repo.invitations.clear();
        repo.direct.insert(EVE, "write".into());
    });
    access.revoke().await.unwrap();
    assert_eq!(fake.direct(EVE).as_deref(), Some("read"));

    // An invitation to the same or a higher role stays as it is.
    fake.api(|repo| {
        repo.direct.clear();
        repo.invite(18, EVE, "EVE", "admin");
    });
    fake.changes();
    let mut access = Access::new(&strategy, outside, EVE);
    assert_eq!(access.read_prior().await, PriorAccess::Sufficient, "once accepted, the role is not the Run's to take");
    assert!(fake.changes().is_empty());
}

/// A role that somebody else has taken away in the meantime is not given back.
#[tokio::test]
async fn does_not_give_back_what_somebody_else_took() {
    let fake = FakeGitHub::start().await;
    let strategy = GitHubStrategy::new(fake.client());
    for direct in [None, Some("read")] {
        fake.api(|repo| drop(repo.direct.insert(ANA, "triage".into())));
        let mut access = Access::new(&strategy, target("push"), ANA);
        access.read_prior().await;
        access.grant().await.unwrap();
        fake.api(|repo| {
            repo.direct.remove(&ANA);
            repo.direct.extend(direct.map(|role| (ANA, role.to_owned())));
        });
        access.revoke().await.unwrap();
        assert_eq!(fake.direct(ANA).as_deref(), direct);
    }
}

/// A role that somebody else has raised in the meantime ends too, and the output names it.
#[tokio::test]
async fn undoes_what_somebody_else_raised() {
    let fake = FakeGitHub::start().await;
    let strategy = GitHubStrategy::new(fake.client());
    for prior in [None, Some("read")] {
        fake.api(|repo| {
            repo.direct.clear();
            repo.direct.extend(prior.map(|role| (ANA, role.to_owned())));
        });
        let mut access = Access::new(&strategy, target("push"), ANA);
        access.read_prior().await;
        access.grant().await.unwrap();
        fake.api(|repo| drop(repo.direct.insert(ANA, "admin".into())));
        assert_eq!(access.revoke().await.unwrap()["replaced_role"], "admin");
        assert_eq!(fake.direct(ANA).as_deref(), prior);
    }
}
