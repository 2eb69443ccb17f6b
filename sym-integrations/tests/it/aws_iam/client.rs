//! Users, groups and their members.

use sym_integrations::aws::{AssumeRole, PermissionContext, Region};
use sym_integrations::aws_iam::{AwsIam, SimulatedIam};
use sym_integrations::field_options;
use sym_sdk::error::ErrorKind;
use sym_sdk::model::UserIdentity;

use super::fake::{ACCOUNT, arn, client, start};
use crate::aws::support::{code, keys};
use crate::vendor_support::person;

#[tokio::test]
async fn finds_members_and_users() {
    let fake = start().await;
    let iam = client(&fake);
    fake.state().join("Admins", "ana@example.com");
    fake.state().join("Admins", "ben");
    let ana = person("ana@example.com");
    assert!(iam.is_user_in_group(&ana, "Admins").await.unwrap());
    assert!(!iam.is_user_in_group(&ana, "Auditors").await.unwrap());
    // Names of groups have no case.
    assert!(iam.is_group_member("ADMINS", &arn("ana@example.com")).await.unwrap());
    assert_eq!(code(&iam.is_user_in_group(&ana, "None").await.unwrap_err()), "AWSIAM:GROUP_NOT_FOUND");
    let ben = person("ben@example.com");
    assert_eq!(code(&iam.is_user_in_group(&ben, "Admins").await.unwrap_err()), "Identity:NOT_FOUND");
    let ben = ben.with_identity(UserIdentity::new("aws_iam", ACCOUNT, arn("team/ben")));
    assert!(iam.is_user_in_group(&ben, "Admins").await.unwrap());

    // `ben` has no address, and nobody is known to have his account.
    let users = iam.users_in_group("Admins").await.unwrap();
    assert_eq!(users.iter().map(|user| user.username()).collect::<Vec<_>>(), ["ana@example.com"]);
    let user = iam.get_user(&arn("team/ben")).await.unwrap();
    assert_eq!((user.user_name.as_str(), user.arn.as_str()), ("ben", arn("team/ben").as_str()));
    assert_eq!(user.raw()["UserId"], "AIDAben");
    assert_eq!(iam.get_group("Admins").await.unwrap().raw()["Path"], "/");
}

/// IA03: a group of more than a page is read to its end, and the marker of the next page arrives as IAM gave it.
#[tokio::test]
async fn lists_are_read_to_their_end() {
    let fake = start().await;
    fake.state().page = 2;
    for n in 0..5 {
        let name = format!("user-{n}");
        fake.state().users.insert(name.clone(), "/".to_owned());
        fake.state().join("Admins", &name);
    }
    let iam = client(&fake);
    let names: Vec<_> = iam.list_group_users("Admins").await.unwrap().iter().map(|user| user.user_name.clone()).collect();
    assert_eq!(names, ["user-0", "user-1", "user-2", "user-3", "user-4"]);
    let markers: Vec<_> = fake.operations().iter().map(|call| call.text("Marker").to_owned()).collect();
    assert_eq!(markers, ["", "a+b/c==2", "a+b/c==4"]);
    assert_eq!(iam.list_users().await.unwrap().len(), 8);

    let options = field_options(&iam.list_groups().await.unwrap()).unwrap();
    assert_eq!(options.iter().map(|option| option.label()).collect::<Vec<_>>(), ["Admins", "Auditors"]);
}

/// A list that ends in the middle is an error.
#[tokio::test]
async fn a_truncated_list_without_a_marker_is_an_error() {
    let fake = start().await;
    let content = "<Groups><member><GroupName>Admins</GroupName></member></Groups><IsTruncated>true</IsTruncated>";
    fake.once("ListGroups", crate::aws::fake::xml("ListGroups", content));
    assert_eq!(code(&client(&fake).list_groups().await.unwrap_err()), "AWSIAM:INVALID_RESPONSE");
}

/// IAM compares names without regard to case where it looks for duplicates, and people write addresses as they like.
#[tokio::test]
async fn users_are_found_by_their_address_in_lower_case() {
    let fake = start().await;
    let iam = client(&fake);
    let found = iam.find_user_by_email("Ana@Example.com").await.unwrap().unwrap();
    assert_eq!(found.user_name, "ana@example.com");
    assert!(iam.find_user_by_email("dora@example.com").await.unwrap().is_none());
    fake.calls();
    // IAM would reject the name.
    assert!(iam.find_user_by_email("o'hara@example.com").await.unwrap().is_none());
    assert!(fake.calls().is_empty());
}

/// IA01: the partition of the region decides where calls go, and what is configured for another partition is rejected.
#[tokio::test]
async fn calls_the_endpoint_of_the_partition() {
    let fake = start().await;
    let context = |region: &str| PermissionContext::builder(Region::parse(region).unwrap()).credentials(keys());
    for (region, host, scope) in [
        ("eu-central-1", "https://iam.amazonaws.com", "iam/us-east-1"),
        ("us-gov-east-1", "https://iam.us-gov.amazonaws.com", "iam/us-gov-west-1"),
        ("cn-northwest-1", "https://iam.cn-north-1.amazonaws.com.cn", "iam/cn-north-1"),
    ] {
        let iam = AwsIam::builder(&context(region).build().unwrap(), ACCOUNT).unwrap();
        let debug = format!("{:?}", iam.build().unwrap());
        assert!(debug.contains(&format!("{host:?}")), "{debug}");
        let iam = context(region).base_url(fake.base_url()).build().unwrap();
        AwsIam::builder(&iam, ACCOUNT).unwrap().build().unwrap().list_groups().await.unwrap();
        assert_eq!(fake.operations()[0].scope, scope);
    }

    let role = AssumeRole::new("arn:aws-us-gov:iam::123456789012:role/sym").unwrap();
    let error = context("eu-central-1").role(role.clone()).build().unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("SymSDK:CONFIGURATION", ErrorKind::Configuration));
    assert_eq!(
        error.message(),
        "role `arn:aws-us-gov:iam::123456789012:role/sym` belongs to partition `aws-us-gov`, and region \
         `eu-central-1` to `aws`"
    );
    let context = context("us-gov-west-1").role(role).build().unwrap();
    let error = AwsIam::builder(&context, "210987654321").unwrap_err();
    assert_eq!(
        error.message(),
        "role `arn:aws-us-gov:iam::123456789012:role/sym` does not belong to account `210987654321`"
    );
    for account in ["", "1234", "arn:aws:sso:::instance/ssoins-1"] {
        let context = PermissionContext::builder(Region::parse("us-east-1").unwrap()).credentials(keys());
        let built = AwsIam::builder(&context.build().unwrap(), account).unwrap().build();
        assert_eq!(code(&built.unwrap_err()), "SymSDK:CONFIGURATION");
    }
}

#[tokio::test]
async fn a_simulated_account_keeps_members() {
    let iam = SimulatedIam::new().member("Admins", "ana@example.com").build().unwrap();
    assert!(iam.is_user_in_group(&person("ana@example.com"), "Admins").await.unwrap());
    iam.add_user_to_group("R&D", "ben").await.unwrap_err();
    iam.add_user_to_group("Audit", "ben").await.unwrap();
    assert!(iam.is_group_member("Audit", "ben").await.unwrap());
    iam.remove_user_from_group("Audit", "ben").await.unwrap();
    assert!(iam.list_group_users("Audit").await.unwrap().is_empty());
}
