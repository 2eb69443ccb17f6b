//! Runs that grant roles in a GitHub repository.

use sym_integrations::github::GitHubStrategy;
use sym_sdk::model::{RunId, RunStatus};
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

use super::fake::{ANA, API, FakeGitHub, ORG};
use crate::GRACE;
use crate::vendor_support::{Declared, get_permissions};

/// Ana's account, which no address leads to.
#[reducer]
fn get_identity() -> Option<String> {
    Some(ANA.to_string())
}

#[hook]
fn after_escalate(output: StepOutput<serde_json::Value>) {
    assert_eq!((&output["repo_id"], &output["status"]), (&API.into(), &"granted".into()));
}

/// A flow that grants `push` in the repository `api`.
const PUSH: Declared<'_> = Declared {
    kind: "github",
    external_id: ORG,
    integration: &[("api_token_secret", "secret")],
    strategy: &[],
    target_kind: "github_repo",
    target: &[("repo_name", "api"), ("permission", "push"), ("allow_outside", "false")],
};

/// Starts a Run of Ana that was approved.
async fn approved(fake: &FakeGitHub) -> (Harness, RunId) {
    let mut harness = Harness::builder()
        .declare(|config| PUSH.add_to(config))
        .flow(PUSH.flow())
        .strategy("github", GitHubStrategy::new(fake.client()))
        .handlers(sym_sdk::handlers![get_permissions, get_identity, after_escalate])
        .idle_timeout(GRACE)
        .build()
        .await
        .unwrap();
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    (harness, run)
}

async fn granted(fake: &FakeGitHub) -> (Harness, RunId) {
    let (harness, run) = approved(fake).await;
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Escalated);
    (harness, run)
}

async fn ends(harness: &mut Harness, run: RunId) {
    harness.run_to_end().await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    assert!(harness.delivery().alerts().is_empty());
}

/// GH03: the output of the grant names the repository by its id, so that its end finds it under another name.
#[tokio::test]
async fn revokes_expired_access_to_a_renamed_repository() {
    let fake = FakeGitHub::start().await;
    let (mut harness, run) = granted(&fake).await;
    assert_eq!(fake.direct(ANA).as_deref(), Some("write"));
    fake.state().rename_repo(API, "api-legacy");
    fake.state().add_repo(2_000, "api");
    fake.state().repos.get_mut(&2_000).unwrap().direct.insert(ANA, "read".into());
    ends(&mut harness, run).await;
    assert_eq!(fake.direct(ANA), None);
    assert_eq!(fake.state().repos[&2_000].direct[&ANA], "read");
}

/// GH07: a lower role that the requester had directly is put back.
#[tokio::test]
async fn restores_a_lower_role() {
    let fake = FakeGitHub::start().await;
    fake.api(|repo| drop(repo.direct.insert(ANA, "triage".into())));
    let (mut harness, run) = granted(&fake).await;
    assert_eq!(fake.direct(ANA).as_deref(), Some("write"));
    ends(&mut harness, run).await;
    assert_eq!(fake.direct(ANA).as_deref(), Some("triage"));
}

/// Of a role whose name GitHub does not tell, the requester is deprived neither by a grant nor by its refusal.
#[tokio::test]
async fn a_refused_request_leaves_a_role_that_cannot_be_put_back() {
    let fake = FakeGitHub::start().await;
    fake.state().without_graphql = true;
    fake.api(|repo| {
        repo.custom.insert("auditor", "triage");
        repo.direct.insert(ANA, "auditor".into());
    });
    let (mut harness, run) = approved(&fake).await;
    harness.run_to_end().await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Errored);
    assert_eq!(fake.direct(ANA).as_deref(), Some("auditor"));
    assert!(fake.changes().is_empty());
}

#[tokio::test]
async fn all_includes_the_strategy() {
    assert_eq!(PUSH.errors().await, None);
}
