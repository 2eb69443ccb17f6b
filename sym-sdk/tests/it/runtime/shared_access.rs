//! Runs that need the same piece of access: it stays until the last of them ends.

use std::time::Duration;

use sym_sdk::config::PromptField;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::testing::{Harness, RecordingStrategy};

use super::{HOUR, MINUTE, plain};

async fn harness() -> Harness {
    let builder = Harness::builder().access_flow("prod", ["admins", "readers"]).access_flow("emergency", ["admins"]);
    let offered = PromptField {
        name: "duration".into(),
        field_type: "duration".into(),
        allowed_values: Some(vec!["1h".into(), "8h".into()]),
        ..Default::default()
    };
    let builder = builder.declare(|config| {
        for flow in &mut config.flows {
            flow.params.prompt_fields.push(offered.clone());
        }
    });
    builder.handlers(plain()).build().await.unwrap()
}

async fn get(harness: &mut Harness, flow: &str, target: &str, duration: &str) -> RunId {
    let run = harness.request(flow).by("ana@example.com").target(target).duration(duration).await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    run
}

#[tokio::test]
async fn an_overlap_does_not_take_access_away_early() {
    let mut harness = harness().await;
    let first = get(&mut harness, "prod", "admins", "1h").await;
    harness.advance(30 * MINUTE).await.unwrap();
    let second = get(&mut harness, "emergency", "admins", "1h").await;

    harness.advance(30 * MINUTE).await.unwrap();
    assert_eq!(harness.status(first).await.unwrap(), RunStatus::Deescalated);
    assert_eq!(harness.status(second).await.unwrap(), RunStatus::Escalated);
    assert_eq!(harness.granted(), ["admins: ana@example.com"], "the second request needs it");
    let kept = harness.timeline().entries().iter().find(|entry| entry.kind == "retained").unwrap();
    assert_eq!(kept.text, "admins for ana@example.com: another request needs it");

    harness.advance(30 * MINUTE).await.unwrap();
    assert_eq!(harness.status(second).await.unwrap(), RunStatus::Deescalated);
    assert!(harness.granted().is_empty());
    let revocations = harness.strategy("test").unwrap().calls().into_iter().filter(|call| !call.is_grant).count();
    assert_eq!(revocations, 1);
}

#[tokio::test]
async fn a_longer_request_extends_a_shorter_one() {
    let mut harness = harness().await;
    get(&mut harness, "prod", "admins", "1h").await;
    let longer = get(&mut harness, "prod", "admins", "8h").await;
    for _ in 0..7 {
        harness.advance(HOUR).await.unwrap();
        assert_eq!(harness.granted(), ["admins: ana@example.com"]);
    }
    harness.advance(HOUR).await.unwrap();
    assert_eq!(harness.status(longer).await.unwrap(), RunStatus::Deescalated);
    assert!(harness.granted().is_empty());
}

#[tokio::test]
async fn a_revocation_of_one_leaves_the_other() {
    let mut harness = harness().await;
    let first = get(&mut harness, "prod", "admins", "1h").await;
    let second = get(&mut harness, "prod", "admins", "1h").await;
    harness.revoke_as(first, "ben@example.com").await.unwrap();
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);
    harness.revoke_as(second, "ben@example.com").await.unwrap();
    assert!(harness.granted().is_empty());
}

#[tokio::test]
async fn another_target_or_another_person_shares_nothing() {
    let mut harness = harness().await;
    let admins = get(&mut harness, "prod", "admins", "1h").await;
    get(&mut harness, "prod", "readers", "8h").await;
    let other = harness.request("prod").by("cho@example.com").target("admins").duration("8h").await.unwrap();
    harness.approve_as(other, "ben@example.com").await.unwrap();
    harness.advance(HOUR).await.unwrap();
    assert_eq!(harness.status(admins).await.unwrap(), RunStatus::Deescalated);
    assert_eq!(harness.granted(), ["admins: cho@example.com", "readers: ana@example.com"]);
}

/// While a revocation is tried again, a new grant comes: the late revocation must not take the new access away.
#[tokio::test]
async fn a_revocation_that_is_late_leaves_a_newer_grant() {
    let mut harness = harness().await;
    let first = get(&mut harness, "prod", "admins", "1h").await;
    harness.strategy("test").unwrap().fail_revocations(1);
    harness.advance(HOUR).await.unwrap();
    assert_eq!(harness.status(first).await.unwrap(), RunStatus::Escalated);
    let second = get(&mut harness, "emergency", "admins", "1h").await;
    harness.advance(MINUTE).await.unwrap();
    assert_eq!(harness.status(first).await.unwrap(), RunStatus::Deescalated);
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);
    harness.advance(HOUR - MINUTE - Duration::from_secs(1)).await.unwrap();
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);
    harness.advance(Duration::from_secs(1)).await.unwrap();
    assert_eq!(harness.status(second).await.unwrap(), RunStatus::Deescalated);
    assert!(harness.granted().is_empty());
}

/// Several targets often share one function, which goes by the target's name.
#[tokio::test]
async fn targets_with_the_same_settings_are_told_apart_by_their_names() {
    let mut harness = harness().await;
    let admins = get(&mut harness, "prod", "admins", "1h").await;
    get(&mut harness, "prod", "readers", "8h").await;
    harness.advance(HOUR).await.unwrap();
    assert_eq!(harness.status(admins).await.unwrap(), RunStatus::Deescalated);
    assert_eq!(harness.granted(), ["readers: ana@example.com"]);
    let calls = harness.strategy("test").unwrap().calls();
    let revoked: Vec<_> = calls.iter().filter(|call| !call.is_grant).map(|call| call.target.label()).collect();
    assert_eq!(revoked, ["admins"], "the service was asked to take it away");
}

/// A group is a group, whatever the targets are called that stand for it.
#[tokio::test]
async fn targets_of_one_group_are_one_thing() {
    let target = |name: &str| sym_sdk::config::Target {
        kind: "okta_group".into(),
        name: name.into(),
        settings: [("group_id".to_owned(), "00g1".to_owned())].into(),
        ..Default::default()
    };
    let builder = Harness::builder().access_flow("prod", ["first", "second"]).declare(|config| {
        config.targets = vec![target("first"), target("second")];
        config.integrations[0].kind = "okta".into();
        config.secret_sources.push(sym_sdk::config::SecretSource {
            kind: "environment".into(),
            name: "environment".into(),
            ..Default::default()
        });
        config.secrets.push(sym_sdk::config::Secret {
            name: "okta".into(),
            path: "OKTA_TOKEN".into(),
            source: "environment".into(),
            ..Default::default()
        });
        config.integrations[0].settings.insert("api_token_secret".into(), "okta".into());
        config.strategies[0].kind = "okta".into();
        config.strategies[0].integration = Some("test".into());
        config.strategies[0].targets = vec!["first".into(), "second".into()];
        config.flows[0].params.strategy = Some("prod".into());
    });
    let okta = RecordingStrategy::new().by_settings();
    let mut harness = builder.strategy("okta", okta.clone()).handlers(plain()).build().await.unwrap();
    get(&mut harness, "prod", "first", "10m").await;
    get(&mut harness, "prod", "second", "1h").await;
    harness.advance(10 * MINUTE).await.unwrap();
    let granted: Vec<_> = okta.granted().iter().map(|(target, _)| target.name().to_string()).collect();
    assert_eq!(granted, ["second"]);
    harness.advance(HOUR).await.unwrap();
    assert!(okta.granted().is_empty());
}
