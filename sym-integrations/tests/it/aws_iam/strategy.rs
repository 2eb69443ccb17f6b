//! The strategy `aws_iam`.

use std::time::Duration;

use serde_json::json;
use sym_integrations::aws_iam::{AwsIam, AwsIamStrategy};
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::config::{self, Config, Reference};
use sym_sdk::prelude::*;
use sym_sdk::strategy::AccessStrategy;
use sym_sdk::testing::Harness;

use super::fake::{ACCOUNT, arn, client, start};
use crate::GRACE;
use crate::aws::support::{Asked, code, context};

fn target(group: &str) -> AccessTarget {
    AccessTarget::new("acme", "aws_iam_group", Slug::parse("admins").unwrap()).with_setting("iam_group", group)
}

#[tokio::test]
async fn grants_and_revocations_are_idempotent() {
    let fake = start().await;
    let strategy = AwsIamStrategy::new(client(&fake));
    let ben = arn("team/ben");
    let asked = Asked::new(&strategy, target("Admins"), &ben);
    let output = json!({ "group_id": "Admins", "group_name": "Admins", "user_id": ben });
    for _ in 0..2 {
        let granted = asked.grant().await.unwrap();
        assert_eq!(granted, sym_sdk::strategy::GrantResult::granted().with_output(StepOutput(output.clone())));
        assert_eq!(strategy.list_current(&target("Admins")).await.unwrap().unwrap(), [ben.as_str()]);
    }
    for _ in 0..2 {
        assert_eq!(asked.revoke().await.unwrap().unwrap().0, output);
        assert!(strategy.list_current(&target("Admins")).await.unwrap().unwrap().is_empty());
    }
}

#[tokio::test]
async fn reports_what_is_missing() {
    let fake = start().await;
    let strategy = AwsIamStrategy::new(client(&fake));
    let grant = async |group: &str, user: &str| {
        code(&Asked::new(&strategy, target(group), user).grant().await.unwrap_err())
    };
    assert_eq!(grant("None", &arn("team/ben")).await, "AWSIAM:GROUP_NOT_FOUND");
    assert_eq!(grant("Admins", &arn("nobody")).await, "AWSIAM:USER_NOT_FOUND");
    // The name of a user, and the ARN of one who has moved since.
    assert_eq!(grant("Admins", "ben").await, "AWSIAM:NOT_A_USER_ID");
    assert_eq!(grant("Admins", &arn("ben")).await, "AWSIAM:NOT_A_USER_ID");
    assert_eq!(grant("Admins", "arn:aws:iam::999999999999:user/cleo").await, "AWSIAM:NOT_A_USER_ID");
    assert!(fake.state().members.is_empty());
    assert_eq!(code(&strategy.check(&target("None")).await.unwrap_err()), "AWSIAM:GROUP_NOT_FOUND");
    strategy.check(&target("Admins")).await.unwrap();

    let revoke = async |group: &str, user: &str| Asked::new(&strategy, target(group), user).revoke().await;
    assert!(revoke("Admins", &arn("nobody")).await.is_ok());
    assert!(revoke("None", &arn("cleo")).await.unwrap_err().hint().unwrap().contains("written off"));
}

/// IAM compares the names of groups without case, so targets that write one in two ways share the access.
#[tokio::test]
async fn spellings_of_a_group_are_one_access() {
    let strategy = AwsIamStrategy::new(client(&start().await));
    assert_eq!(strategy.resource(&target("admins")), strategy.resource(&target("Admins")));
    assert_ne!(strategy.resource(&target("Auditors")), strategy.resource(&target("Admins")));
}

/// IAM's lists lag behind its changes by seconds.
#[tokio::test]
async fn waits_for_lagging_lists() {
    let groups = |member: &str| {
        let list = format!("<ListGroupsForUserResponse><ListGroupsForUserResult><Groups>{member}</Groups></ListGroupsForUserResult></ListGroupsForUserResponse>");
        Reply::text(list)
    };
    let group = "<member><GroupName>Admins</GroupName></member>";
    let replay = Replay::new();
    let strategy =
        AwsIamStrategy::new(AwsIam::builder(&context(&replay), ACCOUNT).unwrap().build().unwrap());
    replay.post("/").form("Action", "RemoveUserFromGroup").times(2).reply(Reply::text("<RemoveUserFromGroupResponse/>"));
    let found = "<GetGroupResponse><GetGroupResult><Group><GroupName>Admins</GroupName></Group></GetGroupResult></GetGroupResponse>";
    replay.post("/").form("Action", "GetGroup").times(2).reply(Reply::text(found));
    replay.post("/").form("Action", "ListGroupsForUser").times(4).reply(groups(group));
    replay.post("/").form("Action", "ListGroupsForUser").reply(groups(""));
    let ben = arn("team/ben");
    Asked::new(&strategy, target("Admins"), &ben).revoke().await.unwrap();
    assert!(replay.elapsed() >= Duration::from_secs(15));

    replay.post("/").form("Action", "ListGroupsForUser").times(5).reply(groups(group));
    let error = Asked::new(&strategy, target("Admins"), &ben).revoke().await.unwrap_err();
    assert_eq!(code(&error), "AWSIAM:STILL_MEMBER");
    replay.check().unwrap();
}

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

fn declare(config: &mut Config) {
    config.integrations.push(config::Integration {
        kind: "permission_context".into(),
        name: "iam".into(),
        external_id: ACCOUNT.into(),
        settings: [("region".to_owned(), "eu-central-1".to_owned())].into(),
        ..config::Integration::default()
    });
    config.targets.push(config::Target {
        kind: "aws_iam_group".into(),
        name: "admins".into(),
        settings: [("iam_group".to_owned(), "Admins".to_owned())].into(),
        ..config::Target::default()
    });
    config.strategies.push(config::Strategy {
        kind: "aws_iam".into(),
        name: "groups".into(),
        integration: Some(Reference::typed("permission_context", "iam")),
        targets: vec![Reference::typed("aws_iam_group", "admins")],
        ..config::Strategy::default()
    });
}

async fn harness(iam: AwsIam) -> Harness {
    let mut flow = config::Flow { name: "prod".into(), ..config::Flow::default() };
    flow.params.strategy = Some(Reference::typed("aws_iam", "groups"));
    let builder = Harness::builder().declare(declare).flow(flow).strategy("aws_iam", AwsIamStrategy::new(iam));
    builder.handlers(sym_sdk::handlers![get_permissions]).idle_timeout(GRACE).build().await.unwrap()
}

/// IA04: one Run's access ends while another one's begins. The changes of one membership follow one another, so nobody is left outside.
#[tokio::test]
async fn a_removal_does_not_overtake_an_addition() {
    let fake = start().await;
    let mut harness = harness(client(&fake)).await;
    let first = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    harness.approve_as(first, "ben@example.com").await.unwrap();
    assert!(fake.state().is_member("Admins", "ana@example.com"));
    harness.advance(Duration::from_secs(30 * 60)).await.unwrap();
    let second = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    harness.approve_as(second, "ben@example.com").await.unwrap();
    harness.advance(Duration::from_secs(30 * 60)).await.unwrap();
    assert_eq!(harness.status(first).await.unwrap(), RunStatus::Deescalated);
    assert!(fake.state().is_member("Admins", "ana@example.com"), "the second request needs it");

    harness.run_to_end().await.unwrap();
    assert_eq!(harness.status(second).await.unwrap(), RunStatus::Deescalated);
    assert!(fake.state().members.is_empty());
    let changes: Vec<_> = fake.calls().into_iter().filter(|name| name.ends_with("Group") && name != "GetGroup").collect();
    assert_eq!(changes.last().map(String::as_str), Some("RemoveUserFromGroup"));
    assert_eq!(changes.iter().filter(|name| *name == "RemoveUserFromGroup").count(), 1);
}

#[tokio::test]
async fn leaves_a_membership_that_existed_before_the_request() {
    let fake = start().await;
    fake.state().join("Admins", "ana@example.com");
    let mut harness = harness(client(&fake)).await;
    let run = harness.request("prod").by("ana@example.com").duration("1h").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    harness.run_to_end().await.unwrap();
    assert_eq!(harness.status(run).await.unwrap(), RunStatus::Deescalated);
    assert!(fake.state().is_member("Admins", "ana@example.com"));
}
