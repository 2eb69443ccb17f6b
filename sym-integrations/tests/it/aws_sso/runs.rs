//! Runs that assign a permission set.

use std::sync::Arc;
use std::time::Duration;

use sym_integrations::aws_sso::AwsSsoStrategy;
use sym_sdk::config::{self, Config, Reference};
use sym_sdk::engine::MemoryStore;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Plugin, Runtime};
use sym_sdk::testing::Harness;

use super::fake::{ACCOUNT, ANA, FakeSso, GROUP, INSTANCE, SET, client, start};
use crate::GRACE;

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

/// Declares two targets that give the same assignment, and one of a group.
fn declare(config: &mut Config) {
    config.integrations.push(config::Integration {
        kind: "permission_context".into(),
        name: "sso".into(),
        external_id: INSTANCE.into(),
        settings: [("region".to_owned(), "eu-central-1".to_owned())].into(),
        ..config::Integration::default()
    });
    let target = |kind: &str, name: &str, settings: &[(&str, &str)]| config::Target {
        kind: kind.into(),
        name: name.into(),
        settings: settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..config::Target::default()
    };
    let set = |name: &str, set: &str| {
        target("aws_sso_permission_set", name, &[("permission_set_arn", set), ("account_id", ACCOUNT)])
    };
    config.targets.extend([set("power", SET), set("same-power", "ps-power")]);
    config.targets.push(target("aws_sso_group", "admins", &[("group_id", GROUP)]));
    config.strategies.push(config::Strategy {
        kind: "aws_sso".into(),
        name: "sso".into(),
        integration: Some(Reference::typed("permission_context", "sso")),
        settings: [("instance_arn".to_owned(), INSTANCE.to_owned())].into(),
        targets: vec![
            Reference::typed("aws_sso_permission_set", "power"),
            Reference::typed("aws_sso_permission_set", "same-power"),
            Reference::typed("aws_sso_group", "admins"),
        ],
        ..config::Strategy::default()
    });
}

fn flow() -> config::Flow {
    let mut flow = config::Flow { name: "prod".into(), ..config::Flow::default() };
    flow.params.strategy = Some(Reference::typed("aws_sso", "sso"));
    flow
}

async fn harness(fake: &FakeSso) -> Harness {
    let builder =
        Harness::builder().declare(declare).flow(flow()).strategy("aws_sso", AwsSsoStrategy::new(client(fake)));
    builder.handlers(sym_sdk::handlers![get_permissions]).idle_timeout(GRACE).build().await.unwrap()
}

async fn get(harness: &mut Harness, target: &str) -> RunId {
    let run = harness.request("prod").by("ana@example.com").target(target).duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Escalated);
    run
}

/// IC01: an assignment that two Runs need goes when the last of them ends.
#[tokio::test]
async fn an_assignment_lasts_until_the_last_run_ends() {
    let fake = start().await;
    let mut harness = harness(&fake).await;
    let first = get(&mut harness, "power").await;
    harness.advance(Duration::from_secs(30 * 60)).await.unwrap();
    let second = get(&mut harness, "same-power").await;
    harness.advance(Duration::from_secs(30 * 60)).await.unwrap();
    assert_eq!(harness.status(first).await.unwrap(), RunStatus::Deescalated);
    assert!(fake.state().is_assigned(ANA), "the second Run needs it");
    harness.run_to_end().await.unwrap();
    assert_eq!(harness.status(second).await.unwrap(), RunStatus::Deescalated);
    assert!(fake.state().assignments.is_empty());
}

/// IC11: an assignment that existed before the request outlives it.
#[tokio::test]
async fn leaves_an_assignment_that_existed_before_the_request() {
    let fake = start().await;
    fake.state().assign(ANA);
    let mut harness = harness(&fake).await;
    get(&mut harness, "power").await;
    harness.run_to_end().await.unwrap();
    assert!(fake.state().is_assigned(ANA));
    let calls = fake.calls();
    assert!(!calls.iter().any(|name| name.starts_with("Create") || name.starts_with("Delete")), "{calls:?}");
}

#[tokio::test]
async fn grants_groups_for_a_time() {
    let fake = start().await;
    let mut harness = harness(&fake).await;
    get(&mut harness, "admins").await;
    assert!(fake.state().is_member(GROUP, ANA));
    harness.run_to_end().await.unwrap();
    assert!(!fake.state().is_member(GROUP, ANA));
}

#[tokio::test]
async fn all_includes_the_strategies() {
    let mut config = Config {
        organization: config::Organization { slug: "acme".into(), domains: vec!["example.com".into()] },
        environments: vec![config::Environment { name: "main".into(), ..config::Environment::default() }],
        flows: vec![config::Flow { environment: "main".into(), ..flow() }],
        ..Config::default()
    };
    declare(&mut config);
    let build = async |config: Config| {
        let builder = Runtime::builder(config).registry(sym_sdk::handlers![get_permissions]);
        sym_integrations::all().install(builder.store(Arc::new(MemoryStore::new()))).build().await
    };
    build(config.clone()).await.unwrap();
    // IC08, IA01: the region is required, and belongs to the partition of the instance.
    config.integrations[0].settings.clear();
    assert!(build(config.clone()).await.unwrap_err().to_string().contains("has no setting `region`"));
    config.integrations[0].settings.insert("region".to_owned(), "cn-north-1".to_owned());
    assert!(build(config).await.unwrap_err().to_string().contains("belongs to partition `aws`"));
}
