//! Invocations and their results.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use sym_integrations::aws::{Credentials, PermissionContext};
use sym_integrations::aws_lambda::{AwsLambda, FunctionArn};
use sym_integrations::http::{BaseUrl, Connection};
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::{Error, ErrorKind};
use sym_sdk::model::{Event, Flow, Slug, Step, User};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{FUNCTION, path_of};
use crate::aws::support::{code, context, keys, region};
use crate::http::support::{at, leap};

fn lambda(replay: &Replay) -> AwsLambda {
    AwsLambda::new(context(replay))
}

/// Returns the error of an invocation that gets this response, and that is not retried.
async fn fails(reply: Reply) -> Error {
    let replay = Replay::new();
    replay.post(path_of(FUNCTION)).reply(reply);
    let error = lambda(&replay).invoke(FUNCTION, &json!({})).await.unwrap_err();
    replay.check().unwrap();
    error
}

fn refusal(status: u16, kind: &str, message: &str) -> Reply {
    Reply::json(json!({ "Type": "User", "message": message }))
        .with_status(status)
        .header("x-amzn-errortype", &format!("{kind}:http://internal.amazon.com/coral/com.amazon.coral.service/"))
        .header("x-amzn-requestid", "r-7")
}

#[tokio::test]
async fn invokes_functions_in_their_region() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "ok": true })))
        .mount(&server)
        .await;
    let clock = at("2024-02-29T12:00:00Z");
    let context = PermissionContext::builder(region())
        .credentials(keys())
        .base_url(BaseUrl::parse(&server.uri()).unwrap())
        .connection(Connection::default().with_clock(clock))
        .build()
        .unwrap();
    let lambda = AwsLambda::new(context);
    let function = FunctionArn::parse("arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:grant:live").unwrap();
    let answer = lambda.invoke(&function, &json!({ "n": 1 })).await.unwrap();
    assert_eq!(answer, json!({ "ok": true }));

    let request = &server.received_requests().await.unwrap()[0];
    assert_eq!((request.method.as_str(), request.url.query()), ("POST", None));
    let path = "/2015-03-31/functions/\
                arn%3Aaws-us-gov%3Alambda%3Aus-gov-west-1%3A123456789012%3Afunction%3Agrant%3Alive/invocations";
    assert_eq!(request.url.path(), path);
    assert_eq!(request.headers["x-amz-invocation-type"], "RequestResponse");
    assert_eq!(request.body, b"{\"n\":1}");
    let authorization = request.headers["authorization"].to_str().unwrap();
    assert!(authorization.contains("Credential=AKIDOWN/20240229/us-gov-west-1/lambda/aws4_request"), "{authorization}");
    assert!(authorization.contains("SignedHeaders=content-type;host;x-amz-date;x-amz-invocation-type,"));
}

#[tokio::test]
async fn reads_responses() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Verdict {
        approve: bool,
    }

    let replay = Replay::new();
    let function = || replay.post(path_of(FUNCTION));
    let lambda = lambda(&replay);
    function().reply(Reply::json(json!({ "approve": true, "more": 1 })));
    assert_eq!(lambda.invoke_as::<Verdict>(FUNCTION, &()).await.unwrap(), Verdict { approve: true });
    for nothing in [Reply::status(200), Reply::json(Value::Null)] {
        function().reply(nothing.clone());
        assert_eq!(lambda.invoke(FUNCTION, &()).await.unwrap(), Value::Null);
        function().reply(nothing.clone());
        assert_eq!(lambda.invoke_as::<Option<Verdict>>(FUNCTION, &()).await.unwrap(), None);
        function().reply(nothing);
        let error = lambda.invoke_as::<Verdict>(FUNCTION, &()).await.unwrap_err();
        assert_eq!((code(&error).as_str(), error.kind()), ("AWSLambda:INVALID_RESPONSE", ErrorKind::Decode));
    }
    for other in [Reply::text("{\"approve\": tr"), Reply::text("<html></html>"), Reply::json(json!({ "approve": 1 }))] {
        function().reply(other);
        let error = lambda.invoke_as::<Verdict>(FUNCTION, &()).await.unwrap_err();
        assert_eq!((code(&error).as_str(), error.kind()), ("AWSLambda:INVALID_RESPONSE", ErrorKind::Decode));
    }
    replay.check().unwrap();
}

#[tokio::test]
async fn accepts_events_as_payloads() {
    let flow = Arc::new(Flow::builder(Slug::parse("prod").unwrap(), "acme").build());
    let ann = User::from_email("ann@example.com").unwrap();
    let event = Event::builder(flow, Step::Request, ann).field("reason", "an alert").build();
    let replay = Replay::new();
    replay.post(path_of(FUNCTION)).json(event.to_json()).reply(Reply::status(200));
    lambda(&replay).invoke(FUNCTION, &event).await.unwrap();
    replay.check().unwrap();
    let call = serde_json::from_str::<Value>(&replay.calls()[0].body).unwrap();
    assert_eq!(call["run"]["actors"]["request"]["username"], "ann@example.com");
    assert_eq!((&call["event"]["type"], &call["fields"]["reason"]), (&json!("request"), &json!("an alert")));
}

#[tokio::test]
async fn queues_and_checks_functions() {
    let replay = Replay::new();
    let of = |kind: &str| replay.post(path_of(FUNCTION)).header("x-amz-invocation-type", kind);
    let lambda = lambda(&replay);
    of("Event").json(json!([1])).reply(Reply::status(202));
    assert!(lambda.invoke_async(FUNCTION, &[1]).await.unwrap());
    of("Event").reply(Reply::status(200));
    assert!(!lambda.invoke_async(FUNCTION, &[1]).await.unwrap());
    of("Event").reply(Reply::timed_out());
    let error = lambda.invoke_async(FUNCTION, &[1]).await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("AWSLambda:TIMED_OUT", ErrorKind::Timeout));
    of("DryRun").reply(Reply::status(204));
    lambda.check(FUNCTION).await.unwrap();
    of("DryRun").reply(refusal(404, "ResourceNotFoundException", "Function not found"));
    assert_eq!(code(&lambda.check(FUNCTION).await.unwrap_err()), "AWSLambda:FUNCTION_NOT_FOUND");
    replay.check().unwrap();
}

#[tokio::test]
async fn a_function_that_fails_is_an_error_though_the_status_is_200() {
    for (kind, body, said) in [
        (
            "Unhandled",
            json!({ "errorMessage": "no such user", "errorType": "ValueError", "stackTrace": ["at own/S3CRET"] }),
            "ValueError: no such user",
        ),
        (
            "Unhandled",
            json!({ "errorMessage": "2024-02-29T12:00:03Z r-7 Task timed out after 3.00 seconds" }),
            "2024-02-29T12:00:03Z r-7 Task timed out after 3.00 seconds",
        ),
        ("Handled", json!({ "errorType": "Runtime.ExitError" }), "Runtime.ExitError"),
        ("Unhandled", json!(null), "no reason given"),
        ("Unhandled", json!({ "errorMessage": 7 }), "7"),
        ("Unhandled", json!({ "body": {}, "errors": [] }), "no reason given"),
    ] {
        let error =
            fails(Reply::json(body).header("x-amz-function-error", kind).header("x-amzn-requestid", "r-7")).await;
        assert_eq!(code(&error), "AWSLambda:FATAL_FUNCTION_ERROR");
        let message = format!("function `grant`: the function failed: {said}");
        assert!(error.message().ends_with(&message), "{error}");
        assert_eq!((error.status(), error.request_id()), (Some(200), Some("r-7")));
        assert!(error.is_retryable());
    }
}

#[tokio::test]
async fn explains_errors_of_lambda() {
    for (status, kind, expected, of_kind) in [
        (404, "ResourceNotFoundException", "FUNCTION_NOT_FOUND", ErrorKind::NotFound),
        (403, "AccessDeniedException", "ACCESS_DENIED", ErrorKind::Forbidden),
        (403, "UnrecognizedClientException", "UNRECOGNIZED_CLIENT", ErrorKind::Unauthorized),
        (403, "InvalidSignatureException", "INVALID_SIGNATURE", ErrorKind::Unauthorized),
        (403, "MissingAuthenticationTokenException", "MISSING_AUTHENTICATION_TOKEN", ErrorKind::Unauthorized),
        (413, "RequestTooLargeException", "REQUEST_TOO_LARGE", ErrorKind::InvalidInput),
        (409, "ResourceConflictException", "RESOURCE_CONFLICT", ErrorKind::Unavailable),
        (400, "InvalidRequestContentException", "INVALID_REQUEST_CONTENT", ErrorKind::InvalidInput),
        (400, "RecursiveInvocationException", "RECURSIVE_INVOCATION", ErrorKind::InvalidInput),
        (502, "KMSAccessDeniedException", "KMS_ACCESS_DENIED", ErrorKind::Unavailable),
        (502, "ENILimitReachedException", "ENI_LIMIT_REACHED", ErrorKind::Unavailable),
        (502, "ResourceNotReadyException", "RESOURCE_NOT_READY", ErrorKind::Unavailable),
        (408, "EFSMountTimeoutException", "EFS_MOUNT_TIMEOUT", ErrorKind::Timeout),
        (500, "ServiceException", "SERVICE", ErrorKind::Unavailable),
        (400, "SomethingNewException", "SOMETHING_NEW", ErrorKind::InvalidInput),
    ] {
        let error = fails(refusal(status, kind, "said so")).await;
        assert_eq!((code(&error), error.kind()), (format!("AWSLambda:{expected}"), of_kind), "{error}");
        assert_eq!((error.status(), error.request_id()), (Some(status), Some("r-7")));
        assert!(error.message().contains("grant"), "{error}");
    }
    let error = fails(Reply::text("<html>502 Bad Gateway</html>").with_status(502)).await;
    assert_eq!((code(&error).as_str(), error.kind()), ("AWSLambda:UNAVAILABLE", ErrorKind::Unavailable));
}

#[tokio::test]
async fn does_not_retry_functions_that_may_have_run() {
    for (reply, expected) in [(Reply::timed_out(), "TIMED_OUT"), (Reply::connection_lost(), "CONNECTION_LOST")] {
        let error = fails(reply).await;
        assert_eq!(code(&error), format!("AWSLambda:{expected}"));
        let hint = "the service may have carried out the request: check there before sending it again";
        assert_eq!(error.hint(), Some(hint));
    }
}

#[tokio::test]
async fn retries_functions_that_did_not_run() {
    let replay = Replay::new();
    let function = || replay.post(path_of(FUNCTION));
    let busy = json!({ "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "message": "Rate Exceeded." });
    let busy = Reply::json(busy).with_status(429).header("x-amzn-errortype", "TooManyRequestsException");
    function().reply(busy.clone().header("retry-after", "7"));
    function().reply(Reply::unreachable());
    function().reply(Reply::json(1));
    let lambda = lambda(&replay);
    lambda.invoke(FUNCTION, &()).await.unwrap();
    assert!(replay.elapsed() >= Duration::from_secs(7));
    replay.check().unwrap();

    function().reply(busy.header("retry-after", "90"));
    let error = lambda.invoke(FUNCTION, &()).timeout(Duration::from_secs(60)).await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("AWSLambda:TOO_MANY_REQUESTS", ErrorKind::RateLimited));
    assert!(error.message().ends_with("Rate Exceeded. (ReservedFunctionConcurrentInvocationLimitExceeded)"), "{error}");
}

#[tokio::test]
async fn a_throttled_function_does_not_delay_others() {
    let replay = Replay::new();
    let busy = Reply::status(429).header("x-amzn-errortype", "TooManyRequestsException").header("retry-after", "3600");
    replay.post(path_of(FUNCTION)).reply(busy);
    let lambda = lambda(&replay);
    assert!(lambda.invoke(FUNCTION, &()).await.is_err());

    let other = FUNCTION.replace("function:grant", "function:revoke");
    replay.post(path_of(&other)).reply(Reply::json(1));
    lambda.invoke(&other, &()).await.unwrap();
    assert_eq!(replay.elapsed(), Duration::ZERO);
    replay.check().unwrap();
}

#[tokio::test]
async fn waits_for_the_maximum_run_time() {
    let server = MockServer::start().await;
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(3600));
    Mock::given(any()).respond_with(slow).mount(&server).await;
    for (limit, expected) in [(None, 15 * 60 + 30), (Some(Duration::from_secs(20)), 20)] {
        let clock = at("2024-02-29T12:00:00Z");
        let context = PermissionContext::builder(region())
            .credentials(keys())
            .base_url(BaseUrl::parse(&server.uri()).unwrap())
            .connection(Connection::default().with_clock(clock.clone()))
            .build()
            .unwrap();
        let call = AwsLambda::new(context).invoke(FUNCTION, &());
        let call = match limit {
            Some(limit) => call.timeout(limit),
            None => call,
        };
        let error = leap(&clock, |_| true, call).await.unwrap_err();
        assert_eq!(code(&error), "AWSLambda:TIMED_OUT");
        let begun: jiff::Timestamp = "2024-02-29T12:00:00Z".parse().unwrap();
        assert_eq!(sym_sdk::clock::Clock::now(&*clock).duration_since(begun).as_secs(), expected);
    }
    // The timeout of the call counts, whatever the other limits are.
    assert!(server.received_requests().await.unwrap().len() <= 2);
}

#[tokio::test]
async fn a_clock_that_is_slightly_wrong_is_not_suspected() {
    let refused = |date: &str| {
        refusal(403, "InvalidSignatureException", "Signature expired: 20240229T120000Z is now earlier than …")
            .header("date", date)
    };
    let error = fails(refused("Thu, 29 Feb 2024 12:00:20 GMT")).await;
    assert_eq!(error.hint(), Some("check the secret access key"));
}

#[tokio::test]
async fn redacts_echoed_tokens() {
    let replay = Replay::new();
    let message = "The Canonical String should have been 'x-amz-security-token:own-TOKEN'";
    replay.post(path_of(FUNCTION)).reply(refusal(403, "InvalidSignatureException", message));
    let credentials: Credentials = keys().with_session_token("own-TOKEN".into());
    let context = PermissionContext::builder(region()).credentials(credentials).connection(replay.connection());
    let error = AwsLambda::new(context.build().unwrap()).invoke(FUNCTION, &()).await.unwrap_err();
    assert_eq!(code(&error), "AWSLambda:INVALID_SIGNATURE");
    assert!(error.message().contains("[redacted]"), "{error}");
}

#[tokio::test]
async fn rejects_invalid_arns() {
    let replay = Replay::new();
    for arn in ["", "grant", "arn:aws:lambda:evil.example.com/:123456789012:function:grant"] {
        let error = lambda(&replay).invoke(arn, &()).await.unwrap_err();
        assert_eq!((code(&error).as_str(), error.kind()), ("AWSLambda:INVALID_ARN", ErrorKind::InvalidInput));
    }
    assert!(replay.calls().is_empty());
}
