//! Assignments of permission sets.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use sym_integrations::aws_sso::{AwsSsoStrategy, SimulatedSso};
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::model::{AccessTarget, StepOutput};
use sym_sdk::strategy::{AccessStrategy, GrantResult, PriorAccess};
use wiremock::ResponseTemplate;

use super::fake::{
    ACCOUNT, ANA, BEN, FakeSso, GROUP, MANAGEMENT, SET, STORE, account, client, client_at, group_target, set_target,
    start, user,
};
use crate::aws::fake::{json_failure, xml};
use crate::aws::support::{Asked, code};
use crate::http::support::{at, leap};

fn target() -> AccessTarget {
    set_target(SET, ACCOUNT)
}

/// Waits between calls pass at once; the limits of the calls themselves do not.
fn is_short(wait: Duration) -> bool {
    wait < Duration::from_secs(9)
}

async fn grant_of(fake: &FakeSso, user: &str) -> Result<GrantResult> {
    let clock = at("2024-02-29T12:00:00Z");
    let strategy = AwsSsoStrategy::new(client_at(fake, &clock, None));
    leap(&clock, is_short, Asked::new(&strategy, target(), user).grant()).await
}

async fn revoke_of(fake: &FakeSso, user: &str) -> Result<Option<StepOutput>> {
    let clock = at("2024-02-29T12:00:00Z");
    let strategy = AwsSsoStrategy::new(client_at(fake, &clock, None));
    leap(&clock, is_short, Asked::new(&strategy, target(), user).revoke()).await
}

#[tokio::test]
async fn grants_and_revocations_are_idempotent() {
    let fake = start().await;
    for _ in 0..2 {
        let output =
            json!({ "permission_set_arn": SET, "account_id": ACCOUNT, "account_name": "production", "user_id": ANA });
        let granted = GrantResult::granted().with_output(StepOutput(output));
        assert_eq!(grant_of(&fake, ANA).await.unwrap(), granted);
        assert!(fake.state().is_assigned(ANA));
    }
    let strategy = AwsSsoStrategy::new(client(&fake));
    assert_eq!(strategy.list_current(&target()).await.unwrap().unwrap(), [ANA]);
    for _ in 0..2 {
        revoke_of(&fake, ANA).await.unwrap();
        assert!(!fake.state().is_assigned(ANA));
    }
    assert_eq!(fake.calls().iter().filter(|name| *name == "DeleteAccountAssignment").count(), 1);
    revoke_of(&fake, "nobody").await.unwrap();
}

/// IC10: sessions that were issued right before the end last for the session duration of the permission set.
#[tokio::test]
async fn the_output_says_until_when_sessions_may_last() {
    let fake = start().await;
    fake.state().assign(ANA);
    let output = revoke_of(&fake, ANA).await.unwrap().unwrap();
    assert_eq!(output.0["sessions_may_last_until"], "2024-03-01T00:00:00Z");
    // That it cannot be read does not hold up the revocation.
    fake.state().assign(ANA);
    fake.once("DescribePermissionSet", json_failure(400, "AccessDeniedException", "no"));
    assert!(revoke_of(&fake, ANA).await.unwrap().unwrap().0.get("sessions_may_last_until").is_none());
    // Nothing ended now.
    assert!(revoke_of(&fake, ANA).await.unwrap().unwrap().0.get("sessions_may_last_until").is_none());
}

/// IC02: access is granted when AWS has made the assignment, and not when it has accepted the request.
#[tokio::test]
async fn an_assignment_counts_when_it_is_made() {
    let fake = start().await;
    fake.state().polls = 3;
    assert!(grant_of(&fake, ANA).await.is_ok());
    assert!(fake.state().is_assigned(ANA));
    // The first status is that of the request itself.
    let polls = fake.calls().iter().filter(|name| *name == "DescribeAccountAssignmentCreationStatus").count();
    assert_eq!(polls, 3);
    revoke_of(&fake, ANA).await.unwrap();
    assert!(!fake.state().is_assigned(ANA));
}

/// IC02: a failure has AWS's reason and request id. That a quota is exhausted does not pass by itself.
#[tokio::test]
async fn a_failed_assignment_says_why() {
    let fake = start().await;
    fake.state().polls = 1;
    fake.state().failure = Some("Received a 404 status error: the role's provisioning failed.".to_owned());
    let error = grant_of(&fake, ANA).await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.is_retryable()), ("AWSSSO:ASSIGNMENT_FAILED", true));
    assert!(error.message().ends_with("the role's provisioning failed (request request-1)"), "{error}");
    fake.state().failure = Some("Cannot exceed quota for RolesPerAccount: 1000".to_owned());
    let error = grant_of(&fake, ANA).await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("AWSSSO:ASSIGNMENT_FAILED", ErrorKind::Conflict));
    assert!(!error.is_retryable() && error.hint().unwrap().contains("quota"));
}

/// IC02: what is in progress at the deadline may yet be made, so its outcome is unknown.
#[tokio::test]
async fn an_assignment_in_progress_has_an_unknown_outcome() {
    let fake = start().await;
    fake.state().polls = 1_000;
    let error = grant_of(&fake, ANA).await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("AWSSSO:ASSIGNMENT_IN_PROGRESS", ErrorKind::Timeout));
    assert!(error.is_outcome_unknown() && error.is_retryable());
    assert!(error.message().contains("request-1"), "{error}");

    // So it is if the change cannot be looked at.
    let fake = start().await;
    fake.state().polls = 1;
    fake.once("DescribeAccountAssignmentCreationStatus", json_failure(400, "AccessDeniedException", "no"));
    assert!(grant_of(&fake, ANA).await.unwrap_err().is_outcome_unknown());
    // A look that fails is repeated.
    let fake = start().await;
    fake.state().polls = 1;
    fake.once("DescribeAccountAssignmentCreationStatus", ResponseTemplate::new(500));
    assert!(grant_of(&fake, ANA).await.is_ok());
}

/// A change whose response was lost is in progress, so what AWS refuses afterwards may be refused because of it.
#[tokio::test]
async fn conflicts_after_a_lost_response_leave_the_outcome_unknown() {
    for conflicts in [1, 40] {
        let fake = start().await;
        fake.once("CreateAccountAssignment", ResponseTemplate::new(504));
        for _ in 0..conflicts {
            fake.once("CreateAccountAssignment", json_failure(400, "ConflictException", "another operation"));
        }
        if conflicts == 1 {
            fake.once("CreateAccountAssignment", json_failure(400, "ServiceQuotaExceededException", "no more"));
        }
        let error = grant_of(&fake, ANA).await.unwrap_err();
        assert!(error.is_outcome_unknown(), "{conflicts}: {error}");
        assert_eq!(error.kind(), ErrorKind::Conflict);
    }
    // What failed was the repetition.
    let fake = start().await;
    fake.state().failure = Some("the quota is used up".to_owned());
    assert!(!grant_of(&fake, ANA).await.unwrap_err().is_outcome_unknown());
    fake.once("CreateAccountAssignment", ResponseTemplate::new(504));
    assert!(grant_of(&fake, ANA).await.unwrap_err().is_outcome_unknown());
    // Refusals alone have made nothing.
    let fake = start().await;
    for _ in 0..40 {
        fake.once("CreateAccountAssignment", json_failure(400, "ConflictException", "another operation"));
    }
    assert!(!grant_of(&fake, ANA).await.unwrap_err().is_outcome_unknown());
}

/// IC05: conflicts with other changes, and throttling, are tried again until the deadline.
#[tokio::test]
async fn conflicts_are_tried_again() {
    let fake = start().await;
    for _ in 0..6 {
        fake.once("CreateAccountAssignment", json_failure(400, "ConflictException", "another operation"));
    }
    for _ in 0..5 {
        fake.once("CreateAccountAssignment", json_failure(400, "ThrottlingException", "Rate exceeded"));
    }
    assert!(grant_of(&fake, ANA).await.is_ok());
    for _ in 0..6 {
        fake.once("DeleteAccountAssignment", json_failure(400, "ConflictException", "another operation"));
    }
    revoke_of(&fake, ANA).await.unwrap();
    assert!(!fake.state().is_assigned(ANA));
    for _ in 0..100 {
        fake.once("CreateAccountAssignment", json_failure(400, "ConflictException", "another operation"));
    }
    assert_eq!(code(&grant_of(&fake, ANA).await.unwrap_err()), "AWSSSO:CONFLICT");
}

/// IC05: of twenty grants at once, six are in flight, which leaves two of eight places to revocations.
#[tokio::test]
async fn few_changes_are_in_flight_at_once() {
    let fake = start().await;
    fake.state().polls = 2;
    let users: Vec<_> = (0..20).map(|n| format!("9067aaaa-{n}")).collect();
    for id in &users {
        fake.state().users.push(user(id, id, "x@example.com"));
    }
    let clock = at("2024-02-29T12:00:00Z");
    let strategy = AwsSsoStrategy::new(client_at(&fake, &clock, None));
    let requests: Vec<_> = users.iter().map(|user| Asked::new(&strategy, target(), user)).collect();
    let granted = join_all(requests.iter().map(Asked::grant));
    for granted in leap(&clock, is_short, granted).await {
        assert!(granted.is_ok(), "{granted:?}");
    }
    let state = fake.state();
    assert_eq!((state.assignments.len(), state.most_pending), (20, 6));
}

/// IC03: an account that is not in use never gets ready, and AWS would say to try again.
#[tokio::test]
async fn accounts_that_are_not_in_use_are_refused() {
    let fake = start().await;
    let strategy = AwsSsoStrategy::new(client(&fake));
    for (id, message) in [
        ("300000000000", "account `old` (`300000000000`) is CLOSED"),
        ("400000000000", "the organization has no account `400000000000`"),
    ] {
        let error = Asked::new(&strategy, set_target(SET, id), ANA).grant().await.unwrap_err();
        assert_eq!((code(&error).as_str(), error.message()), ("AWSSSO:ACCOUNT_NOT_ACTIVE", message));
        assert!(!error.is_retryable());
        assert_eq!(code(&strategy.check(&set_target(SET, id)).await.unwrap_err()), "AWSSSO:ACCOUNT_NOT_ACTIVE");
    }
    assert!(!fake.calls().contains(&"CreateAccountAssignment".to_owned()));
    // The old name of the state counts where there is no new one.
    let mut suspended = account(ACCOUNT, "production", "SUSPENDED");
    suspended["Status"] = suspended["State"].take();
    fake.state().accounts[1] = suspended;
    assert_eq!(code(&grant_of(&fake, ANA).await.unwrap_err()), "AWSSSO:ACCOUNT_NOT_ACTIVE");

    // A role that may not ask the organization can grant access all the same.
    fake.once("ListAccounts", json_failure(400, "AccessDeniedException", "You don't have permissions"));
    assert!(grant_of(&fake, ANA).await.is_ok());
    fake.once("ListAccounts", json_failure(400, "AWSOrganizationsNotInUseException", "no organization"));
    assert!(grant_of(&fake, ANA).await.is_ok());
}

/// IC03: a revocation that AWS cannot carry out counts only if the assignment is gone.
#[tokio::test]
async fn a_failed_deletion_counts_if_nothing_is_left() {
    let fake = start().await;
    fake.state().assign(ANA);
    fake.state().failure = Some("takes longer than usual, try again".to_owned());
    let error = revoke_of(&fake, ANA).await.unwrap_err();
    assert_eq!(code(&error), "AWSSSO:ASSIGNMENT_FAILED");
    // It was gone before AWS began.
    let missing = json!({ "AccountAssignmentDeletionStatus": { "Status": "FAILED", "FailureReason": "not found" } });
    fake.once("DeleteAccountAssignment", ResponseTemplate::new(200).set_body_json(missing));
    let listed = json!({ "AccountAssignments": [{ "PrincipalType": "USER", "PrincipalId": BEN }] });
    fake.once("ListAccountAssignments", ResponseTemplate::new(200).set_body_json(listed));
    revoke_of(&fake, BEN).await.unwrap();
}

/// An assignment of a group is nobody's own, and its id is not that of a user.
#[tokio::test]
async fn assignments_of_groups_are_not_listed() {
    let fake = start().await;
    fake.state().assign(ANA);
    fake.state().assign(GROUP);
    let listed = AwsSsoStrategy::new(client(&fake)).list_current(&set_target(SET, ACCOUNT)).await.unwrap();
    assert_eq!(listed.unwrap(), [ANA]);
}

/// IC04: from a delegated administrator's account, some sets cannot be changed at all.
#[tokio::test]
async fn explains_the_limits_of_delegated_administrators() {
    let fake = start().await;
    fake.once("CreateAccountAssignment", json_failure(400, "AccessDeniedException", "not authorized"));
    let error = grant_of(&fake, ANA).await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("AWSSSO:ACCESS_DENIED", ErrorKind::Forbidden));
    let hint = error.hint().unwrap();
    assert!(hint.contains("neither the management account nor any permission set that is provisioned in it"), "{hint}");

    let check = async |role: &str, account: &str| {
        let strategy = AwsSsoStrategy::new(client_at(&fake, &at("2024-02-29T12:00:00Z"), Some(role)));
        let session = xml(
            "AssumeRole",
            "<Credentials><AccessKeyId>ASID</AccessKeyId><SecretAccessKey>x</SecretAccessKey>\
             <SessionToken>y</SessionToken><Expiration>2024-02-29T13:00:00Z</Expiration></Credentials>",
        );
        fake.once("AssumeRole", session);
        strategy.check(&set_target(SET, account)).await
    };
    check("500000000000", ACCOUNT).await.unwrap();
    check(MANAGEMENT, MANAGEMENT).await.unwrap();
    let error = check("500000000000", MANAGEMENT).await.unwrap_err();
    assert_eq!(code(&error), "AWSSSO:DELEGATED_ADMINISTRATOR");
    fake.state().provisioned = vec![ACCOUNT.to_owned(), MANAGEMENT.to_owned()];
    let error = check("500000000000", ACCOUNT).await.unwrap_err();
    let expected = format!("permission set `Power` is provisioned in the management account `{MANAGEMENT}`, and only");
    assert!(error.message().starts_with(&expected), "{error}");
    check(MANAGEMENT, ACCOUNT).await.unwrap();
}

/// IC11: an assignment to the user stays as it was; one by way of a group is another thing.
#[tokio::test]
async fn only_an_assignment_to_the_user_is_sufficient() {
    let fake = start().await;
    let strategy = AwsSsoStrategy::new(client(&fake));
    let prior = async |user: &str| strategy.prior_access(&target(), user).await.unwrap();
    fake.state().assign(GROUP);
    fake.state().join(GROUP, ANA);
    assert_eq!(prior(ANA).await, PriorAccess::None);
    fake.state().assign(ANA);
    assert_eq!(prior(ANA).await, PriorAccess::Sufficient);
    assert_eq!(prior(BEN).await, PriorAccess::None);
    assert_eq!(strategy.prior_access(&group_target(GROUP), ANA).await.unwrap(), PriorAccess::Sufficient);
    assert_eq!(strategy.prior_access(&group_target(GROUP), BEN).await.unwrap(), PriorAccess::None);
}

/// IC01: targets that give the same thing share it, however they are written.
#[tokio::test]
async fn targets_of_one_assignment_are_one_resource() {
    let strategy = AwsSsoStrategy::new(SimulatedSso::new().build().unwrap());
    let resource = strategy.resource(&target());
    assert_eq!(resource, strategy.resource(&set_target("ps-power", ACCOUNT)));
    assert_ne!(resource, strategy.resource(&set_target("ps-power", MANAGEMENT)));
    assert_ne!(resource, strategy.resource(&set_target("ps-other", ACCOUNT)));
    let group = strategy.resource(&group_target(GROUP));
    assert_eq!(group, strategy.resource(&group_target(&format!("{STORE}/{GROUP}"))));
    assert_ne!(group, strategy.resource(&group_target("other")));
}

#[tokio::test]
async fn reports_what_is_missing() {
    let fake = start().await;
    let strategy = AwsSsoStrategy::new(client(&fake));
    let grant = async |target, user: &str| code(&Asked::new(&strategy, target, user).grant().await.unwrap_err());
    let gone = "arn:aws:sso:::permissionSet/ssoins-7223aaaa/ps-gone";
    assert_eq!(grant(set_target(gone, ACCOUNT), ANA).await, "AWSSSO:PERMISSION_SET_NOT_FOUND");
    assert_eq!(grant(target(), "nobody").await, "AWSSSO:USER_NOT_FOUND");
    fake.state().users[1]["UserStatus"] = json!("DISABLED");
    assert_eq!(grant(target(), BEN).await, "AWSSSO:USER_DEPROVISIONED");
    for (set, account) in [
        ("arn:aws:sso:::permissionSet/ssoins-other/ps-power", ACCOUNT),
        ("arn:aws-cn:sso:::permissionSet/ssoins-7223aaaa/ps-power", ACCOUNT),
        ("Power", ACCOUNT),
        (SET, "20000000000"),
    ] {
        assert_eq!(grant(set_target(set, account), ANA).await, "SymSDK:CONFIGURATION", "{set} {account}");
    }
    let other = AccessTarget::new("acme", "okta_group", "x".parse().unwrap());
    assert_eq!(grant(other, ANA).await, "SymSDK:CONFIGURATION");
    assert!(fake.state().assignments.is_empty());

    let error = Asked::new(&strategy, set_target(gone, ACCOUNT), ANA).revoke().await;
    assert!(error.is_ok(), "AWS lists nothing for a permission set that is gone");
    fake.once("ListAccountAssignments", json_failure(400, "ResourceNotFoundException", "no permission set"));
    let error = Asked::new(&strategy, set_target(gone, ACCOUNT), ANA).revoke().await.unwrap_err();
    assert!(error.hint().unwrap().contains("written off"));
    // A set that is in no account yet has no assignments.
    fake.once("ListAccountAssignments", json_failure(400, "ResourceNotFoundException", "not provisioned"));
    assert!(strategy.list_current(&target()).await.unwrap().unwrap().is_empty());
    assert_eq!(code(&strategy.check(&set_target(gone, ACCOUNT)).await.unwrap_err()), "AWSSSO:PERMISSION_SET_NOT_FOUND");
    strategy.check(&target()).await.unwrap();
    strategy.check(&group_target(GROUP)).await.unwrap();
}

/// IC10: sessions last as long as the permission set says, which a check compares with the access.
#[tokio::test]
async fn sessions_last_as_long_as_the_permission_set_says() {
    let fake = start().await;
    let strategy = AwsSsoStrategy::new(client(&fake));
    let hours = |hours: u64| Some(std::time::Duration::from_secs(hours * 3_600));
    assert_eq!(strategy.session_duration(&target()).await.unwrap(), hours(12));
    let picked = AccessTarget::new("acme", "aws_sso_permission_set", "any".parse().unwrap());
    assert_eq!(strategy.session_duration(&picked.with_field_binding("permission_set_arn")).await.unwrap(), None);
    assert_eq!(strategy.session_duration(&group_target(GROUP)).await.unwrap(), None);
    assert!(!fake.calls().iter().any(|call| call.starts_with("Create") || call.starts_with("Delete")));
}
