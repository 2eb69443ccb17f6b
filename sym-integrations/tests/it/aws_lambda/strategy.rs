//! The strategy `aws_lambda`.

use std::sync::Arc;

use serde_json::{Value, json};
use sym_integrations::aws_lambda::{AwsLambda, LambdaStrategy};
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::machine::EffectKey;
use sym_sdk::model::{AccessTarget, DeescalateType, Event, Flow, Slug, Step, StepOutput, User};
use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult, RevocationScope};

use super::{FUNCTION, path_of};
use crate::aws::support::{code, context};

fn target(name: &str) -> AccessTarget {
    AccessTarget::new("acme", "aws_lambda_function", Slug::parse(name).unwrap()).with_setting("arn", FUNCTION)
}

fn event(step: Step, target: &AccessTarget) -> Event {
    let flow = Arc::new(Flow::builder(Slug::parse("prod").unwrap(), "acme").build());
    let user = |email| User::from_email(email).unwrap();
    Event::builder(flow, step, user("bob@example.com"))
        .actor(Step::Request, user("ann@example.com"))
        .target(target.clone())
        .deescalate_type(DeescalateType::Scheduled)
        .build()
}

fn key() -> EffectKey {
    "0190f5a4-0000-7000-8000-000000000000:7".parse().unwrap()
}

async fn grant(reply: Reply) -> Result<GrantResult> {
    let replay = Replay::new();
    replay.post(path_of(FUNCTION)).header("x-amz-invocation-type", "RequestResponse").reply(reply);
    let target = target("admins");
    let event = event(Step::Escalate, &target);
    let request = AccessRequest::new(&event, &target, "ann@example.com", key());
    let came = LambdaStrategy::new(AwsLambda::new(context(&replay))).escalate(&request).await;
    replay.check().unwrap();
    let sent: Value = serde_json::from_str(&replay.calls()[0].body).unwrap();
    assert_eq!(sent["type"], "event");
    assert_eq!(sent["state"]["status"], "processing");
    assert_eq!(sent["event"]["type"], "escalate");
    assert_eq!(sent["run"]["actors"]["request"]["username"], "ann@example.com");
    assert_eq!(sent["fields"]["target"]["name"], "admins");
    assert_eq!(sent["fields"]["target"]["settings"]["arn"], FUNCTION);
    assert_eq!(sent["idempotency_key"], key().to_string());
    came
}

async fn revoke(reply: Reply) -> Result<Option<StepOutput>> {
    let replay = Replay::new();
    replay.post(path_of(FUNCTION)).reply(reply);
    let target = target("admins");
    let event = event(Step::Deescalate, &target);
    let request = AccessRequest::new(&event, &target, "ann@example.com", key());
    let came = LambdaStrategy::new(AwsLambda::new(context(&replay))).deescalate(&request).await;
    replay.check().unwrap();
    let sent: Value = serde_json::from_str(&replay.calls()[0].body).unwrap();
    assert_eq!(
        (&sent["event"]["type"], &sent["fields"]["deescalate_type"]),
        (&json!("deescalate"), &json!("scheduled"))
    );
    assert_eq!(sent["run"]["actors"]["request"]["username"], "ann@example.com");
    came
}

#[tokio::test]
async fn the_response_is_the_output() {
    let answer = json!({ "body": { "group": "admins" }, "errors": [] });
    let granted = grant(Reply::json(&answer)).await.unwrap();
    assert_eq!(granted, GrantResult::granted().with_output(StepOutput(answer.clone())));
    assert_eq!(revoke(Reply::json(&answer)).await.unwrap(), Some(StepOutput(answer)));
}

#[tokio::test]
async fn reported_errors_fail_the_step() {
    let answer = json!({ "body": {}, "errors": ["no such group", "and no user"] });
    let rejected = grant(Reply::json(&answer)).await.unwrap();
    let errors = ["no such group".to_owned(), "and no user".to_owned()];
    assert_eq!(rejected, GrantResult::rejected(errors).with_output(StepOutput(answer.clone())));
    let error = revoke(Reply::json(&answer)).await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("AccessStrategy:REPORTED_ERRORS", ErrorKind::Strategy));
    assert_eq!(error.message(), "`grant` did not revoke the access: no such group; and no user");
}

/// L01: half of a surrogate pair in a text does not make it unknown whether there is access.
#[tokio::test]
async fn a_character_cut_in_half_does_not_spoil_a_response() {
    let answer = r#"{"body":{"note":"on it \ud83d"},"errors":[]}"#;
    let output = StepOutput(json!({ "body": { "note": "on it \u{fffd}" }, "errors": [] }));
    assert_eq!(grant(Reply::text(answer)).await.unwrap(), GrantResult::granted().with_output(output.clone()));
    assert_eq!(revoke(Reply::text(answer)).await.unwrap(), Some(output));

    let refused = r#"{"errors":["no \udc4d, \ud83d\udc4d"]}"#;
    let error = revoke(Reply::text(refused)).await.unwrap_err();
    assert_eq!(error.message(), "`grant` did not revoke the access: no \u{fffd}, 👍");

    let failed = Reply::text(r#"{"errorType":"ValueError","errorMessage":"no user \ud83d"}"#);
    let error = grant(failed.header("x-amz-function-error", "Unhandled")).await.unwrap_err();
    assert!(error.message().ends_with("the function failed: ValueError: no user \u{fffd}"), "{error}");
}

#[tokio::test]
async fn rejects_malformed_responses() {
    for answer in
        [json!(null), json!("ok"), json!({}), json!({ "body": {} }), json!({ "statusCode": 200, "body": "{}" })]
    {
        for error in [grant(Reply::json(&answer)).await.unwrap_err(), revoke(Reply::json(&answer)).await.unwrap_err()] {
            assert_eq!((code(&error).as_str(), error.kind()), ("AWSLambda:INVALID_REPLY", ErrorKind::Decode));
            assert!(
                error.message().starts_with("function `grant` does not follow the protocol of strategies: "),
                "{error}"
            );
        }
    }
    let failed = || {
        let body = json!({ "body": {}, "errors": [], "errorMessage": "boom" });
        Reply::json(body).header("x-amz-function-error", "Unhandled")
    };
    assert_eq!(code(&grant(failed()).await.unwrap_err()), "AWSLambda:FATAL_FUNCTION_ERROR");
    assert_eq!(code(&revoke(failed()).await.unwrap_err()), "AWSLambda:FATAL_FUNCTION_ERROR");
    assert_eq!(code(&grant(Reply::timed_out()).await.unwrap_err()), "AWSLambda:TIMED_OUT");
    let large = Reply::json(json!({ "body": "x".repeat(1 << 20), "errors": [] }));
    assert_eq!(code(&grant(large).await.unwrap_err()), "AWSLambda:TOO_LARGE");
}

#[tokio::test]
async fn targets_that_share_a_function_are_distinct() {
    let replay = Replay::new();
    let strategy = LambdaStrategy::new(AwsLambda::new(context(&replay)));
    assert_ne!(strategy.resource(&target("admins")), strategy.resource(&target("readers")));
    assert_eq!(strategy.resource(&target("admins")), strategy.resource(&target("admins")));
    assert_eq!(strategy.revocation_scope(), RevocationScope::Unknown);
    let ann = User::from_email("ann@example.com").unwrap();
    assert_eq!(strategy.fetch_remote_identity(&ann).await.unwrap().as_deref(), Some("ann@example.com"));

    replay.post(path_of(FUNCTION)).header("x-amz-invocation-type", "DryRun").reply(Reply::status(204));
    strategy.check(&target("admins")).await.unwrap();
    replay.check().unwrap();
    let bare = AccessTarget::new("acme", "aws_lambda_function", Slug::parse("admins").unwrap());
    assert_eq!(code(&strategy.check(&bare).await.unwrap_err()), "SymSDK:UNKNOWN_SETTING");
}

/// A function that is throttled for grants revokes all the same: Lambda has one limit, and revocations come first.
#[tokio::test]
async fn throttled_grants_do_not_delay_revocations() {
    let replay = Replay::new();
    let strategy = LambdaStrategy::new(AwsLambda::new(context(&replay)));
    let target = target("admins");
    let busy = Reply::status(429).header("x-amzn-errortype", "TooManyRequestsException").header("retry-after", "3600");
    replay.post(path_of(FUNCTION)).reply(busy);
    let granting = event(Step::Escalate, &target);
    let request = AccessRequest::new(&granting, &target, "ann@example.com", key());
    assert_eq!(strategy.escalate(&request).await.unwrap_err().kind(), ErrorKind::RateLimited);

    replay.post(path_of(FUNCTION)).reply(Reply::json(json!({ "body": {}, "errors": [] })));
    let revoking = event(Step::Deescalate, &target);
    strategy.deescalate(&AccessRequest::new(&revoking, &target, "ann@example.com", key())).await.unwrap();
    assert_eq!(replay.elapsed(), std::time::Duration::ZERO);
    replay.check().unwrap();
}
