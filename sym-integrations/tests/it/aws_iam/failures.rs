//! Failures of IAM.

use std::time::Duration;

use serde_json::json;
use sym_integrations::aws_iam::AwsIam;
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::{Error, ErrorKind};

use super::fake::{ACCOUNT, arn, client, start};
use crate::aws::support::{code, context, refusal};

fn replayed(replay: &Replay) -> AwsIam {
    AwsIam::builder(&context(replay), ACCOUNT).unwrap().build().unwrap()
}

/// Returns the error of a look-up that gets this response.
async fn answered(reply: Reply) -> Error {
    let replay = Replay::new();
    replay.post("/").form("Action", "GetGroup").form("Version", "2010-05-08").always().reply(reply);
    let error = replayed(&replay).get_group("Admins").await.unwrap_err();
    replay.check().unwrap();
    error
}

#[tokio::test]
async fn maps_the_codes_of_iam() {
    for (status, theirs, ours, kind) in [
        (403, "InvalidClientTokenId", "INVALID_CLIENT_TOKEN_ID", ErrorKind::Unauthorized),
        (403, "SignatureDoesNotMatch", "SIGNATURE_DOES_NOT_MATCH", ErrorKind::Unauthorized),
        (403, "ExpiredToken", "EXPIRED_TOKEN", ErrorKind::Unauthorized),
        (403, "AccessDenied", "ACCESS_DENIED", ErrorKind::Forbidden),
        (404, "NoSuchEntity", "GROUP_NOT_FOUND", ErrorKind::NotFound),
        (409, "LimitExceeded", "LIMIT_EXCEEDED", ErrorKind::Conflict),
        (409, "EntityTemporarilyUnmodifiable", "ENTITY_TEMPORARILY_UNMODIFIABLE", ErrorKind::Unavailable),
        (400, "ValidationError", "VALIDATION_ERROR", ErrorKind::InvalidInput),
        (400, "Throttling", "THROTTLING", ErrorKind::RateLimited),
        (500, "ServiceFailure", "SERVICE_FAILURE", ErrorKind::Unavailable),
        (503, "ServiceUnavailable", "SERVICE_UNAVAILABLE", ErrorKind::Unavailable),
        (400, "SomethingNew", "SOMETHING_NEW", ErrorKind::InvalidInput),
    ] {
        let error = answered(refusal(status, theirs, "said so")).await;
        assert_eq!((code(&error), error.kind()), (format!("AWSIAM:{ours}"), kind));
        assert_eq!((error.service(), error.status(), error.request_id()), (Some("aws_iam"), Some(status), Some("r-1")));
    }
    let error = answered(refusal(403, "AccessDenied", "User: x is not authorized to perform: iam:GetGroup")).await;
    assert_eq!(error.message(), "POST /: GetGroup: User: x is not authorized to perform: iam:GetGroup");
    assert!(error.hint().unwrap().contains("the action that the message names"));
}

#[tokio::test]
async fn rejects_responses_that_are_not_from_iam() {
    let html = |status| Reply::text("<html><body>Sign in</body></html>").with_status(status);
    // It does not show that the group does not exist.
    let error = answered(html(404)).await;
    assert_eq!((code(&error).as_str(), error.kind()), ("AWSIAM:INVALID_RESPONSE", ErrorKind::Configuration));
    for reply in [
        html(200),
        Reply::status(200),
        Reply::text("<GetGroupResponse><GetGroupResult><Group><GroupName>Adm"),
        Reply::text("<GetGroupResponse><GetGroupResult/></GetGroupResponse>"),
        Reply::text("<ListGroupsResponse><ListGroupsResult/></ListGroupsResponse>"),
        Reply::text("<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"),
        Reply::json(json!({ "GetGroupResponse": {} })),
    ] {
        let error = answered(reply).await;
        assert_eq!((code(&error).as_str(), error.kind()), ("AWSIAM:INVALID_RESPONSE", ErrorKind::Decode), "{error}");
    }
    assert_eq!(code(&answered(Reply::text("x".repeat(17 << 20))).await), "AWSIAM:TOO_LARGE");
    let error = answered(Reply::status(307).header("location", "https://elsewhere.example.com/")).await;
    assert_eq!(code(&error), "AWSIAM:REDIRECTED");
}

#[tokio::test]
async fn throttled_calls_are_repeated() {
    let replay = Replay::new();
    replay.post("/").reply(refusal(400, "Throttling", "Rate exceeded"));
    replay.post("/").reply(refusal(400, "Throttling", "Rate exceeded").header("retry-after", "7"));
    replay.post("/").reply(Reply::connection_lost());
    replay.post("/").reply(Reply::text("<AddUserToGroupResponse/>"));
    replayed(&replay).add_user_to_group("Admins", "ben").await.unwrap();
    assert!(replay.elapsed() >= Duration::from_secs(7));
    replay.check().unwrap();
}

#[tokio::test]
async fn throttled_grants_do_not_delay_revocations() {
    let replay = Replay::new();
    let iam = replayed(&replay);
    let throttled = Reply::status(429).header("retry-after", "90");
    replay.post("/").form("Action", "AddUserToGroup").reply(throttled);
    for _ in 0..2 {
        assert_eq!(iam.add_user_to_group("Admins", "ben").await.unwrap_err().kind(), ErrorKind::RateLimited);
    }
    replay.post("/").form("Action", "RemoveUserFromGroup").reply(Reply::text("<RemoveUserFromGroupResponse/>"));
    iam.remove_user_from_group("Admins", "ben").await.unwrap();
    assert_eq!(replay.elapsed(), Duration::ZERO);
    replay.check().unwrap();
}

#[tokio::test]
async fn an_endless_list_is_an_error() {
    let replay = Replay::new();
    let page = "<ListGroupsResponse><ListGroupsResult><Groups/><IsTruncated>true</IsTruncated><Marker>m</Marker>\
                </ListGroupsResult></ListGroupsResponse>";
    replay.post("/").always().reply(Reply::text(page));
    assert_eq!(code(&replayed(&replay).list_groups().await.unwrap_err()), "AWSIAM:BAD_PAGING");
}

#[tokio::test]
async fn changes_are_idempotent_and_report_what_is_missing() {
    let fake = start().await;
    let iam = client(&fake);
    for _ in 0..2 {
        iam.add_user_to_group("Admins", "ben").await.unwrap();
        assert!(fake.state().is_member("Admins", "ben"));
    }
    for user in ["ben", "ben", "nobody", &arn("team/ben")] {
        iam.remove_user_from_group("Admins", user).await.unwrap();
        assert!(!fake.state().is_member("Admins", "ben"));
    }
    for (group, user, expected) in [
        ("None", "ben", "AWSIAM:GROUP_NOT_FOUND"),
        ("Admins", "nobody", "AWSIAM:USER_NOT_FOUND"),
        ("Admins", "arn:aws:iam::999999999999:user/ben", "AWSIAM:NOT_A_USER_ID"),
        ("Admins", "arn:aws:iam::123456789012:role/ben", "AWSIAM:NOT_A_USER_ID"),
        ("Admins", "", "AWSIAM:NOT_A_USER_ID"),
        ("arn:aws:iam::123456789012:group/Admins", "ben", "AWSIAM:INVALID_REQUEST"),
    ] {
        assert_eq!(code(&iam.add_user_to_group(group, user).await.unwrap_err()), expected, "{group} {user}");
    }
    assert!(fake.state().members.is_empty());
    assert_eq!(code(&iam.remove_user_from_group("None", "ben").await.unwrap_err()), "AWSIAM:GROUP_NOT_FOUND");
}

/// A sign-in page in the answer to a change confirms nothing.
#[tokio::test]
async fn a_sign_in_page_is_not_a_confirmation() {
    for action in ["AddUserToGroup", "RemoveUserFromGroup"] {
        let replay = Replay::new();
        replay.post("/").form("Action", action).reply(Reply::text("<html></html>"));
        let iam = replayed(&replay);
        let changed = match action {
            "AddUserToGroup" => iam.add_user_to_group("Admins", "ben").await,
            _ => iam.remove_user_from_group("Admins", "ben").await,
        };
        assert_eq!(code(&changed.unwrap_err()), "AWSIAM:INVALID_RESPONSE");
        replay.check().unwrap();
    }
}

/// A member may have been added by an attempt whose response was lost, before a replica that lags behind does not know the group.
#[tokio::test]
async fn a_failure_after_a_lost_response_leaves_the_outcome_unknown() {
    for is_lost in [true, false] {
        let replay = Replay::new();
        if is_lost {
            replay.post("/").form("Action", "AddUserToGroup").reply(Reply::connection_lost());
        }
        replay.post("/").form("Action", "AddUserToGroup").reply(refusal(404, "NoSuchEntity", "The group cannot be found."));
        replay.post("/").form("Action", "GetGroup").reply(refusal(403, "AccessDenied", "no"));
        let error = replayed(&replay).add_user_to_group("Admins", "ben").await.unwrap_err();
        assert_eq!((error.kind(), error.is_outcome_unknown()), (ErrorKind::Forbidden, is_lost), "{error}");
        replay.check().unwrap();
    }
}
