//! Failures that AWS reports, and the correction of the clock.

use std::time::Duration;

use serde_json::{Value, json};
use sym_integrations::aws_lambda::AwsLambda;
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::{Error, ErrorKind, Result};

use super::support::{code, context, in_role, refusal, session};

const FUNCTION: &str = "arn:aws:lambda:eu-central-1:123456789012:function:grant";

fn path() -> String {
    format!("/2015-03-31/functions/{FUNCTION}/invocations")
}

async fn call(lambda: &AwsLambda) -> Result<Value> {
    lambda.invoke(FUNCTION, &json!({})).await
}

/// Returns the error of a call that is not retried.
async fn fails(reply: Reply) -> Error {
    let replay = Replay::new();
    replay.post(path()).reply(reply);
    let error = call(&AwsLambda::new(context(&replay))).await.unwrap_err();
    replay.check().unwrap();
    error
}

/// A01: services spell the members of an error in two ways, some of them in both at once, and leave some `null`.
#[tokio::test]
async fn reads_errors_however_their_members_are_spelled() {
    for body in [
        r#"{"__type":"ThrottlingException","message":"Rate exceeded","Message":"Rate exceeded"}"#,
        r#"{"__type":"ThrottlingException","code":404,"message":"Rate exceeded"}"#,
        r#"{"code":"ThrottlingException","message":null,"Message":"Rate exceeded"}"#,
        r#"{"__type":null,"__Type":"com.amazonaws#ThrottlingException","message":"","Message":"Rate exceeded"}"#,
        r#"{"Code":"ThrottlingException:http://internal.amazon.com/","message":{"x":1},"MESSAGE":"Rate exceeded"}"#,
        r#"{"__type":"ThrottlingException","message":"Rate exceeded","detail":"\ud83d","__type":"ThrottlingException"}"#,
        "\u{feff}{\"__type\":\"ThrottlingException\",\"message\":\"Rate exceeded\"}",
    ] {
        let replay = Replay::new();
        replay.post(path()).times(4).reply(Reply::text(body).with_status(400).header("x-amzn-errortype", ""));
        let error = call(&AwsLambda::new(context(&replay))).await.unwrap_err();
        assert_eq!((code(&error).as_str(), error.kind()), ("AWSLambda:THROTTLING", ErrorKind::RateLimited), "{body}");
        assert!(error.message().ends_with("function `grant`: Rate exceeded"), "{body}: {error}");
        replay.check().unwrap();
    }
    let error = fails(Reply::text(r#"{"__type":"AccessDeniedException","message":null}"#).with_status(400)).await;
    assert_eq!((code(&error).as_str(), error.kind()), ("AWSLambda:ACCESS_DENIED", ErrorKind::Forbidden));
}

#[tokio::test]
async fn reads_errors_in_xml() {
    for body in [
        "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no &amp; no</Message></Error></ErrorResponse>",
        "<Response><Errors><Error><Code>AccessDenied</Code><Message>no &amp; no</Message></Error></Errors></Response>",
        "<?xml version=\"1.0\"?><Error><Code/><Code>AccessDenied</Code><Code>x</Code><Message>no &amp; no</Message></Error>",
        "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no &amp; no</Message></Error><RequestId>cut",
    ] {
        let error = fails(Reply::text(body).with_status(403)).await;
        assert_eq!((code(&error).as_str(), error.kind()), ("AWSLambda:ACCESS_DENIED", ErrorKind::Forbidden), "{body}");
        assert!(error.message().ends_with("no & no"), "{error}");
    }
}

#[tokio::test]
async fn waits_as_long_as_the_body_asks_for() {
    let replay = Replay::new();
    let busy = json!({ "__type": "ThrottlingException", "Message": "busy", "RetryAfterSeconds": 9 });
    replay.post(path()).reply(Reply::json(busy).with_status(400));
    replay.post(path()).reply(Reply::json(1));
    call(&AwsLambda::new(context(&replay))).await.unwrap();
    assert!(replay.elapsed() >= Duration::from_secs(9));
    replay.check().unwrap();
}

fn expired(date: &str) -> Reply {
    Reply::json(json!({ "message": "Signature expired: 20240229T120000Z is now earlier than …" }))
        .with_status(403)
        .header("x-amzn-errortype", "InvalidSignatureException")
        .header("date", date)
}

/// A03: the time of AWS counts. It is found once, for all clients of a context.
#[tokio::test]
async fn a_wrong_clock_is_corrected_by_that_of_aws() {
    for (date, signed) in [
        ("Thu, 29 Feb 2024 12:30:00 GMT", "20240229T123000Z"),
        ("Thu, 29 Feb 2024 11:30:00 GMT", "20240229T113000Z"),
        ("Tue, 05 Mar 2024 12:00:00 GMT", "20240305T120000Z"),
    ] {
        let replay = Replay::at("2024-02-29T12:00:00Z".parse().unwrap());
        let sts = refusal(403, "SignatureDoesNotMatch", "Signature expired: …").header("date", date);
        replay.post("/").header("x-amz-date", "20240229T120000Z").reply(sts);
        replay.post("/").header("x-amz-date", signed).reply(session(1, "2024-03-29T13:00:00Z"));
        replay.post(path()).header("x-amz-date", signed).times(2).reply(Reply::json(1));
        let lambda = AwsLambda::new(in_role(&replay));
        call(&lambda).await.unwrap();
        call(&lambda).await.unwrap();
        assert_eq!(replay.elapsed(), Duration::ZERO);
        replay.check().unwrap();
    }
}

#[tokio::test]
async fn a_clock_is_corrected_once_for_a_call() {
    let replay = Replay::at("2024-02-29T12:00:00Z".parse().unwrap());
    replay.post(path()).times(2).reply(expired("Thu, 29 Feb 2024 12:20:00 GMT"));
    let lambda = AwsLambda::new(context(&replay));
    let error = call(&lambda).await.unwrap_err();
    assert_eq!(code(&error), "AWSLambda:INVALID_SIGNATURE");
    assert_eq!(error.hint(), Some("the clock of this machine is 1200 s off that of AWS: correct it"));
    replay.check().unwrap();

    // The correction is known, so the time is not to blame.
    replay.post(path()).header("x-amz-date", "20240229T122000Z").reply(expired("Thu, 29 Feb 2024 12:20:01 GMT"));
    assert!(call(&lambda).await.is_err());
    replay.check().unwrap();

    // A clock that is set right is noticed in the same way.
    replay.post(path()).header("x-amz-date", "20240229T122000Z").reply(expired("Thu, 29 Feb 2024 12:00:00 GMT"));
    replay.post(path()).header("x-amz-date", "20240229T120000Z").reply(Reply::json(1));
    call(&lambda).await.unwrap();
    replay.check().unwrap();
}
