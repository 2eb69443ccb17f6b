//! Runs that grant roles in a GitHub repository.

use std::sync::Arc;

use sym_integrations::github::GitHubStrategy;
use sym_sdk::config::{self, Config, Reference};
use sym_sdk::engine::MemoryStore;
use sym_sdk::model::{RunId, RunStatus};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{LocalSecrets, Plugin, Runtime};
use sym_sdk::testing::Harness;

use super::fake::{ANA, API, FakeGitHub, ORG};
use crate::GRACE;

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::new(PermissionLevel::Admin, PermissionLevel::Member)
}

/// Ana's account, which no address leads to.
#[reducer]
fn get_identity() -> Option<String> {
    Some(ANA.to_string())
}

#[hook]
fn after_escalate(output: StepOutput<serde_json::Value>) {
    assert_eq!((&output["repo_id"], &output["status"]), (&API.into(), &"granted".into()));
}

/// Declares a flow `prod` that grants `push` in the repository `api`.
fn declare(config: &mut Config) {
    let token = config::Secret {
        name: "token".into(),
        path: "TOKEN".into(),
        source: "env".into(),
        ..config::Secret::default()
    };
    let environment =
        config::SecretSource { kind: "environment".into(), name: "env".into(), ..config::SecretSource::default() };
    config.secrets.push(token);
    config.secret_sources.push(environment);
    config.integrations.push(config::Integration {
        kind: "github".into(),
        name: "main".into(),
        external_id: ORG.into(),
        settings: [("api_token_secret".to_owned(), "token".to_owned())].into(),
        ..config::Integration::default()
    });
    let settings = [("repo_name", "api"), ("permission", "push"), ("allow_outside", "false")];
    config.targets.push(config::Target {
        kind: "github_repo".into(),
        name: "api".into(),
        settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..config::Target::default()
    });
    config.strategies.push(config::Strategy {
        kind: "github".into(),
        name: "repos".into(),
        integration: Some(Reference::typed("github", "main")),
        targets: vec![Reference::typed("github_repo", "api")],
        ..config::Strategy::default()
    });
}

fn flow() -> config::Flow {
    let mut flow = config::Flow { name: "prod".into(), ..config::Flow::default() };
    flow.params.strategy = Some(Reference::typed("github", "repos"));
    flow
}

/// Starts a Run of Ana that was approved.
async fn granted(fake: &FakeGitHub) -> (Harness, RunId) {
    let mut harness = Harness::builder()
        .declare(declare)
        .flow(flow())
        .strategy("github", GitHubStrategy::new(fake.client()))
        .handlers(sym_sdk::handlers![get_permissions, get_identity, after_escalate])
        .idle_timeout(GRACE)
        .build()
        .await
        .unwrap();
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
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

#[tokio::test]
async fn all_includes_the_strategy() {
    let mut config = Config {
        organization: config::Organization { slug: "acme".into(), domains: vec!["example.com".into()] },
        environments: vec![config::Environment { name: "main".into(), ..config::Environment::default() }],
        flows: vec![config::Flow { environment: "main".into(), ..flow() }],
        ..Config::default()
    };
    declare(&mut config);
    let builder = Runtime::builder(config)
        .registry(sym_sdk::handlers![get_permissions])
        .secrets(LocalSecrets::with_variables([("TOKEN", "ghp_token")]))
        .store(Arc::new(MemoryStore::new()));
    sym_integrations::all().install(builder).build().await.unwrap();
}
