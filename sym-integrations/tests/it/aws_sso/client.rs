//! Users, groups, permission sets and accounts.

use serde_json::json;
use sym_integrations::aws::{PermissionContext, Region};
use sym_integrations::aws_sso::{AccountState, AwsSso, SimulatedSso};
use sym_integrations::field_options;
use sym_integrations::kit::vendor_errors;
use sym_sdk::error::ErrorKind;
use sym_sdk::model::UserIdentity;
use wiremock::ResponseTemplate;

use super::fake::{ANA, BEN, GROUP, INSTANCE, MANAGEMENT, SET, STORE, client, start, user};
use crate::aws::fake::json_failure;
use crate::aws::support::{code, keys};
use crate::vendor_support::person;

#[tokio::test]
async fn finds_members_and_users() {
    let fake = start().await;
    let sso = client(&fake);
    fake.state().join(GROUP, ANA);
    assert!(sso.is_user_in_group(&person("ana@example.com"), "Admins").await.unwrap());
    assert!(!sso.is_user_in_group(&person("ben@example.com"), "Admins").await.unwrap());
    let error = sso.is_user_in_group(&person("ana@example.com"), "admins").await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("AWSSSO:GROUP_NOT_FOUND", ErrorKind::NotFound));
    let error = sso.is_user_in_group(&person("dora@example.com"), "Admins").await.unwrap_err();
    assert_eq!(code(&error), "Identity:NOT_FOUND");
    let stored = person("x@example.com").with_identity(UserIdentity::new("aws_sso", INSTANCE, ANA));
    assert!(sso.is_user_in_group(&stored, "Admins").await.unwrap());

    // Somebody who cannot sign in makes nothing look staffed.
    fake.state().join(GROUP, BEN);
    fake.state().users[1]["UserStatus"] = json!("DISABLED");
    let users = sso.users_in_group("Admins").await.unwrap();
    assert_eq!(users.iter().map(|user| user.username()).collect::<Vec<_>>(), ["ana@example.com"]);
    let error = sso.find_user_by_email("ben@example.com").await.unwrap_err();
    assert_eq!(code(&error), "AWSSSO:USER_DEPROVISIONED");
}

#[tokio::test]
async fn groups_of_more_than_20_members_are_refused() {
    let fake = start().await;
    for n in 0..21 {
        let (id, email) = (format!("9067aaaa-{n}"), format!("user{n}@example.com"));
        fake.state().users.push(user(&id, &email, &email));
        fake.state().join(GROUP, &id);
    }
    let sso = client(&fake);
    assert_eq!(sso.list_group_members(GROUP).await.unwrap().len(), 21);
    assert_eq!(code(&sso.users_in_group("Admins").await.unwrap_err()), "AWSSSO:TOO_MANY_MEMBERS");
    fake.state().members.pop_first();
    assert_eq!(sso.users_in_group("Admins").await.unwrap().len(), 20);
}

/// IC06: an address is found however it is written, also if it is a user name only.
#[tokio::test]
async fn users_are_found_whatever_the_case_of_their_address() {
    let fake = start().await;
    fake.state().users.push(user("9067aaaa-cleo", "Cleo.Name@example.com", "Cleo.Name@example.com"));
    fake.state().users.push(user("9067aaaa-dora", "dora@example.com", "alias@example.com"));
    let sso = client(&fake);
    for (email, id) in [
        ("Ana@Example.com", ANA),
        ("Cleo.Name@example.com", "9067aaaa-cleo"),
        ("dora@example.com", "9067aaaa-dora"),
        ("Dora@Example.com", "9067aaaa-dora"),
    ] {
        assert_eq!(sso.find_user_by_email(email).await.unwrap().unwrap().user_id, id, "{email}");
    }
    // What the store finds may have another address.
    fake.once("GetUserId", ResponseTemplate::new(200).set_body_json(json!({ "UserId": BEN })));
    assert_eq!(sso.find_user_by_email("ana@example.com").await.unwrap().unwrap().user_id, ANA);
}

/// IC07: Terraform's ids have the id of the store in front.
#[tokio::test]
async fn the_id_of_the_store_may_stand_before_that_of_a_group() {
    let fake = start().await;
    let sso = client(&fake);
    assert_eq!(sso.get_group(&format!("{STORE}/{GROUP}")).await.unwrap().name(), "Admins");
    let error = sso.get_group(&format!("d-9999/{GROUP}")).await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("SymSDK:CONFIGURATION", ErrorKind::Configuration));
    let expected = format!("`d-9999/{GROUP}` is an id of identity store `d-9999`, and the instance has `{STORE}`");
    assert_eq!(error.message(), expected);
}

/// IC08: a wrong region has no instances, and AWS does not say so. Several instances are told apart by their ARN.
#[tokio::test]
async fn the_instance_is_found_by_its_arn() {
    let fake = start().await;
    let other = json!({ "InstanceArn": "arn:aws:sso:::instance/ssoins-other", "IdentityStoreId": "d-other" });
    fake.state().instances.insert(0, other);
    client(&fake).get_group(GROUP).await.unwrap();

    let unnamed = || AwsSso::builder(&fake.context(), "acme").build().unwrap();
    let error = unnamed().instance_arn().await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("AWSSSO:INSTANCE_NOT_FOUND", ErrorKind::Configuration));
    assert!(error.message().contains("several instances of Identity Center: `arn:aws:sso:::instance/ssoins-other`"));
    fake.state().instances.remove(0);
    assert_eq!(unnamed().instance_arn().await.unwrap().as_str(), INSTANCE);

    fake.state().instances[0]["InstanceArn"] = json!("arn:aws:sso:::instance/ssoins-other");
    let error = client(&fake).list_groups().await.unwrap_err();
    assert!(error.message().contains(&format!("region `eu-central-1` has no instance `{INSTANCE}`")), "{error}");
    fake.state().instances.clear();
    for error in [client(&fake).list_groups().await.unwrap_err(), unnamed().list_groups().await.unwrap_err()] {
        assert_eq!(code(&error), "AWSSSO:INSTANCE_NOT_FOUND");
        assert!(error.message().contains("region `eu-central-1` has no instance of Identity Center"), "{error}");
        assert!(error.hint().unwrap().contains("`region`"));
    }
}

/// IC09: filters of lists are refused in some places, so users and groups are found without them.
#[tokio::test]
async fn sends_no_filters() {
    let fake = start().await;
    let sso = client(&fake);
    sso.is_user_in_group(&person("Ana@example.com"), "Admins").await.unwrap();
    sso.list_groups().await.unwrap();
    sso.users_in_group("Admins").await.unwrap();
    let calls = fake.operations();
    assert!(calls.iter().all(|call| call.arguments.get("Filters").is_none() && call.name != "ListUsers"), "{calls:?}");
}

#[tokio::test]
async fn lists_groups_permission_sets_and_accounts_as_options() {
    let fake = start().await;
    let second = "arn:aws:sso:::permissionSet/ssoins-7223aaaa/ps-audit";
    fake.state().sets.insert(second.to_owned(), json!({ "PermissionSetArn": second, "Name": null }));
    let sso = client(&fake);
    let labels = |options: Vec<sym_sdk::forms::FieldOption>| {
        options.iter().map(|option| option.label().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(labels(field_options(&sso.list_groups().await.unwrap()).unwrap()), ["Admins"]);
    let sets = sso.list_permission_sets().await.unwrap();
    assert_eq!(sets[1].session_duration(), jiff::SignedDuration::from_hours(12));
    assert_eq!(sets[0].session_duration(), jiff::SignedDuration::from_hours(1));
    // The ARN would be too long for an option.
    assert_eq!(serde_json::to_value(field_options(&sets).unwrap()[1].value()).unwrap()["value"], "ps-power");
    assert_eq!(sso.get_permission_set("ps-power").await.unwrap().permission_set_arn, SET);

    // All accounts are listed, also those that are not in use.
    let accounts = sso.list_accounts(None).await.unwrap();
    assert_eq!(accounts.len(), 3);
    assert_eq!(accounts[2].state(), Some(&AccountState::Closed));
    assert_eq!((accounts[2].is_active(), accounts[2].raw()["Status"].as_str()), (false, Some("ACTIVE")));
    let active = field_options(accounts.iter().filter(|account| account.is_active())).unwrap();
    assert_eq!(labels(active), ["management", "production"]);
    assert_eq!(sso.list_accounts(Some("r-root")).await.unwrap()[0].id, MANAGEMENT);
    let error = sso.list_accounts(Some("ou-none")).await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("AWSSSO:PARENT_NOT_FOUND", ErrorKind::NotFound));
    assert_eq!(code(&sso.list_accounts(Some("root")).await.unwrap_err()), "AWSSSO:INVALID_REQUEST");
}

/// IA01: each service is called where it is, and with its own name in signatures.
#[tokio::test]
async fn signs_for_each_service() {
    let fake = start().await;
    let context = |region: &str| PermissionContext::builder(Region::parse(region).unwrap()).credentials(keys());
    for (region, partition, organizations) in [
        ("eu-central-1", "aws", "us-east-1"),
        ("us-gov-east-1", "aws-us-gov", "us-gov-west-1"),
        ("cn-north-1", "aws-cn", "cn-northwest-1"),
    ] {
        let instance = INSTANCE.replace("arn:aws:", &format!("arn:{partition}:"));
        fake.state().instances[0]["InstanceArn"] = json!(instance);
        let context = context(region).base_url(fake.base_url()).build().unwrap();
        let sso = AwsSso::builder(&context, &instance).build().unwrap();
        sso.get_group(GROUP).await.unwrap();
        sso.list_accounts(None).await.unwrap();
        let scopes: Vec<_> = fake.operations().into_iter().map(|call| call.scope).collect();
        let expected =
            [format!("sso/{region}"), format!("identitystore/{region}"), format!("organizations/{organizations}")];
        assert_eq!(scopes[..3], expected);
    }
    // An instance of another partition.
    let error = AwsSso::builder(&context("cn-north-1").build().unwrap(), INSTANCE).build().unwrap_err();
    assert!(error.message().contains("belongs to partition `aws`, and region `cn-north-1` to `aws-cn`"), "{error}");
    let error = AwsSso::builder(&context("us-east-1").build().unwrap(), "acme").instance_arn("x").build().unwrap_err();
    assert_eq!(error.message(), "`x` is not the ARN of an instance of Identity Center");
}

#[tokio::test]
async fn memberships_are_idempotent_and_report_what_is_missing() {
    let fake = start().await;
    let sso = client(&fake);
    for _ in 0..2 {
        sso.add_group_member(GROUP, ANA).await.unwrap();
        assert!(fake.state().is_member(GROUP, ANA));
    }
    for user in [ANA, ANA, "nobody"] {
        sso.remove_group_member(GROUP, user).await.unwrap();
        assert!(!fake.state().is_member(GROUP, ANA));
    }
    let name = |error: sym_sdk::Error| error.code().name().to_owned();
    assert_eq!(name(sso.add_group_member("none", ANA).await.unwrap_err()), vendor_errors::GROUP_NOT_FOUND);
    assert_eq!(name(sso.add_group_member(GROUP, "nobody").await.unwrap_err()), vendor_errors::USER_NOT_FOUND);
    assert_eq!(name(sso.remove_group_member("none", ANA).await.unwrap_err()), vendor_errors::GROUP_NOT_FOUND);

    // A conflict that does not say that the membership exists is one.
    let conflict = json_failure(400, "ConflictException", "busy");
    fake.once("CreateGroupMembership", conflict.clone());
    assert_eq!(name(sso.add_group_member(GROUP, BEN).await.unwrap_err()), "CONFLICT");
    fake.state().join(GROUP, BEN);
    fake.once("CreateGroupMembership", conflict);
    sso.add_group_member(GROUP, BEN).await.unwrap();
    // An answer that says nothing about the group is not a no.
    fake.once("IsMemberInGroups", ResponseTemplate::new(200).set_body_json(json!({ "Results": [] })));
    assert_eq!(name(sso.is_group_member(GROUP, BEN).await.unwrap_err()), "INVALID_RESPONSE");
}

#[tokio::test]
async fn a_simulated_instance_keeps_members() {
    let sso = SimulatedSso::new().member("Admins", "ana@example.com").build().unwrap();
    assert!(sso.is_user_in_group(&person("ana@example.com"), "Admins").await.unwrap());
    sso.add_group_member("Audit", "ben@example.com").await.unwrap();
    assert_eq!(sso.users_in_group("Audit").await.unwrap()[0].username(), "ben@example.com");
    sso.remove_group_member("Audit", "ben@example.com").await.unwrap();
    assert!(sso.list_group_members("Audit").await.unwrap().is_empty());
}
