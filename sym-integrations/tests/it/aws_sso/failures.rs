//! Failures of the services behind Identity Center.

use std::time::Duration;

use serde_json::{Value, json};
use sym_integrations::aws_sso::AwsSso;
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::{Error, ErrorKind};

use super::fake::{GROUP, INSTANCE, STORE};
use crate::aws::support::{code, context};

fn replayed(replay: &Replay) -> AwsSso {
    let instances = json!({ "Instances": [{ "InstanceArn": INSTANCE, "IdentityStoreId": STORE }] });
    replay.post("/").header("x-amz-target", "SWBExternalService.ListInstances").reply(Reply::json(instances));
    AwsSso::builder(&context(replay), INSTANCE).build().unwrap()
}

/// Returns the error of a look-up that gets this response.
async fn answered(reply: Reply) -> Error {
    let replay = Replay::new();
    let sso = replayed(&replay);
    let describe = replay.post("/").header("x-amz-target", "AWSIdentityStore.DescribeGroup");
    describe.header("content-type", "application/x-amz-json-1.1").always().reply(reply);
    let error = sso.get_group(GROUP).await.unwrap_err();
    replay.check().unwrap();
    error
}

fn refusal(status: u16, body: Value) -> Reply {
    Reply::json(body).with_status(status).header("x-amzn-requestid", "r-1")
}

#[tokio::test]
async fn maps_the_codes_of_aws() {
    let missing = |kind: Value| json!({ "__type": "ResourceNotFoundException", "ResourceType": kind });
    for (body, ours, kind) in [
        (json!({ "__type": "AccessDeniedException", "Message": "no" }), "ACCESS_DENIED", ErrorKind::Forbidden),
        (
            json!({ "__type": "UnrecognizedClientException", "message": "no", "Message": null }),
            "UNRECOGNIZED_CLIENT",
            ErrorKind::Unauthorized,
        ),
        (json!({ "__type": "com.amazonaws#ValidationException" }), "INVALID_REQUEST", ErrorKind::InvalidInput),
        (missing(json!("GROUP")), "GROUP_NOT_FOUND", ErrorKind::NotFound),
        (missing(json!(null)), "GROUP_NOT_FOUND", ErrorKind::NotFound),
        (
            json!({ "__type": "ResourceNotFoundException", "resourceType": "IDENTITY_STORE" }),
            "IDENTITY_STORE_NOT_FOUND",
            ErrorKind::Configuration,
        ),
        (json!({ "__type": "ServiceQuotaExceededException" }), "SERVICE_QUOTA_EXCEEDED", ErrorKind::Conflict),
        (json!({ "__type": "ConflictException", "Reason": null }), "CONFLICT", ErrorKind::Conflict),
        (json!({ "__type": "ThrottlingException", "Message": "Rate exceeded" }), "THROTTLING", ErrorKind::RateLimited),
        (json!({ "__type": "TooManyRequestsException" }), "TOO_MANY_REQUESTS", ErrorKind::RateLimited),
        (json!({ "__type": "SomethingNewException", "Message": "new" }), "SOMETHING_NEW", ErrorKind::InvalidInput),
    ] {
        let error = answered(refusal(400, body.clone())).await;
        assert_eq!((code(&error), error.kind()), (format!("AWSSSO:{ours}"), kind), "{body}");
        assert_eq!((error.service(), error.status(), error.request_id()), (Some("aws_sso"), Some(400), Some("r-1")));
    }
    let error = answered(refusal(500, json!({ "__type": "InternalServerException" }))).await;
    assert_eq!((code(&error).as_str(), error.kind()), ("AWSSSO:INTERNAL_SERVER", ErrorKind::Unavailable));
    let cut = Reply::text(r#"{"__type":"ValidationException","Message":"cut \ud83d"}"#).with_status(400);
    assert_eq!(answered(cut).await.message(), "POST /: DescribeGroup: cut \u{fffd}");
}

#[tokio::test]
async fn rejects_responses_that_are_not_from_aws() {
    let html = |status| Reply::text("<html>Sign in</html>").header("content-type", "text/html").with_status(status);
    let error = answered(html(404)).await;
    assert_eq!((code(&error).as_str(), error.kind()), ("AWSSSO:INVALID_RESPONSE", ErrorKind::Configuration));
    for reply in
        [html(200), Reply::status(200), Reply::text("{\"GroupId\": \"9067"), Reply::json(json!({ "GroupId": null }))]
    {
        let error = answered(reply).await;
        assert_eq!((code(&error).as_str(), error.kind()), ("AWSSSO:INVALID_RESPONSE", ErrorKind::Decode), "{error}");
    }
    assert_eq!(code(&answered(Reply::text("x".repeat(17 << 20))).await), "AWSSSO:TOO_LARGE");
    let error = answered(Reply::status(307).header("location", "https://elsewhere.example.com/")).await;
    assert_eq!(code(&error), "AWSSSO:REDIRECTED");
}

#[tokio::test]
async fn waits_as_long_as_the_identity_store_asks_for() {
    let replay = Replay::new();
    let sso = replayed(&replay);
    let busy = json!({ "__type": "ThrottlingException", "Message": "Rate exceeded", "RetryAfterSeconds": 7 });
    replay.post("/").reply(refusal(400, busy));
    replay.post("/").reply(Reply::connection_lost());
    replay.post("/").reply(Reply::json(json!({ "GroupId": GROUP, "DisplayName": null })));
    assert_eq!(sso.get_group(GROUP).await.unwrap().name(), GROUP);
    assert!(replay.elapsed() >= Duration::from_secs(7));
    replay.check().unwrap();
}

#[tokio::test]
async fn throttled_grants_do_not_delay_revocations() {
    let replay = Replay::new();
    let sso = replayed(&replay);
    let operation = |name: &str| replay.post("/").header("x-amz-target", format!("AWSIdentityStore.{name}"));
    operation("CreateGroupMembership").reply(Reply::status(429).header("retry-after", "90"));
    for _ in 0..2 {
        assert_eq!(sso.add_group_member(GROUP, "u-1").await.unwrap_err().kind(), ErrorKind::RateLimited);
    }
    operation("GetGroupMembershipId").reply(Reply::json(json!({ "MembershipId": "m-1" })));
    operation("DeleteGroupMembership").reply(Reply::json(json!({})));
    sso.remove_group_member(GROUP, "u-1").await.unwrap();
    assert_eq!(replay.elapsed(), Duration::ZERO);
    replay.check().unwrap();
}

#[tokio::test]
async fn an_endless_list_is_an_error() {
    let replay = Replay::new();
    let sso = replayed(&replay);
    replay.post("/").always().reply(Reply::json(json!({ "Groups": [], "NextToken": "again" })));
    assert_eq!(code(&sso.list_groups().await.unwrap_err()), "AWSSSO:BAD_PAGING");
}

#[tokio::test]
async fn concurrent_modifications_are_tried_again() {
    let replay = Replay::new();
    let sso = replayed(&replay);
    let busy = json!({ "__type": "ConflictException", "Message": "busy", "Reason": "CONCURRENT_MODIFICATION" });
    replay.post("/").times(2).reply(refusal(400, busy));
    replay.post("/").reply(Reply::json(json!({ "MembershipId": "m-1" })));
    sso.add_group_member(GROUP, "u-1").await.unwrap();
    replay.check().unwrap();
}
