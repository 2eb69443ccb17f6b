//! Roles: assumed once for all callers, until shortly before the session expires.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sym_integrations::aws::{
    CachedCredentials, Credentials, CredentialsSource, EnvironmentCredentials, PermissionContext,
};
use sym_integrations::http::SecretString;
use sym_sdk::clock::VirtualClock;
use sym_sdk::error::{Error, ErrorCode, ErrorKind, Result};
use tokio::sync::Notify;

use super::support::{ROLE, code};
use crate::http::support::at;

#[cfg(feature = "aws-lambda")]
mod called {
    //! By way of a client, which is what calls in a role.

    use std::time::Duration;

    use sym_integrations::aws_lambda::AwsLambda;

    use serde_json::json;
    use sym_integrations::aws::AssumeRole;
    use sym_integrations::testing::{Replay, Reply};

    use super::super::support::{builder, context, in_role, refusal, session};
    use super::*;

    const FUNCTION: &str = "arn:aws:lambda:eu-central-1:123456789012:function:grant";

    fn path() -> String {
        format!("/2015-03-31/functions/{FUNCTION}/invocations")
    }

    async fn call(lambda: &AwsLambda) -> Result<serde_json::Value> {
        lambda.invoke(FUNCTION, &json!({})).await
    }

    #[tokio::test]
    async fn a_role_is_assumed_once_for_its_session() {
        let replay = Replay::at("2024-02-29T12:00:00Z".parse().unwrap());
        replay
            .post("/")
            .header("accept", "text/xml")
            .form("Action", "AssumeRole")
            .form("Version", "2011-06-15")
            .form("RoleArn", ROLE)
            .form("RoleSessionName", "sym-main")
            .form("ExternalId", "acme-1")
            .form("DurationSeconds", 3600)
            .reply(session(1, "2024-02-29T13:00:00Z"));
        replay.post(path()).header("x-amz-security-token", "role-TOKEN1").times(5).reply(Reply::json(1));
        let lambda = AwsLambda::new(in_role(&replay));
        let all = tokio::join!(call(&lambda), call(&lambda), call(&lambda), call(&lambda), call(&lambda));
        assert!(all.0.is_ok() && all.1.is_ok() && all.2.is_ok() && all.3.is_ok() && all.4.is_ok());
        replay.check().unwrap();

        let clock = Arc::clone(replay.connection().clock());
        let until = |text: &str| {
            clock.sleep(text.parse::<jiff::Timestamp>().unwrap().duration_since(clock.now()).unsigned_abs())
        };
        until("2024-02-29T12:54:59Z").await;
        replay.post(path()).header("x-amz-security-token", "role-TOKEN1").reply(Reply::json(1));
        call(&lambda).await.unwrap();
        replay.check().unwrap();
        until("2024-02-29T12:55:00Z").await;
        replay.post("/").reply(session(2, "2024-02-29T13:55:00Z"));
        replay.post(path()).header("x-amz-security-token", "role-TOKEN2").reply(Reply::json(1));
        call(&lambda).await.unwrap();
        replay.check().unwrap();
    }

    #[tokio::test]
    async fn a_role_that_cannot_be_assumed_is_told_and_tried_again_by_the_next_call() {
        let replay = Replay::new();
        let said = "User: arn:aws:iam::1:user/x is not authorized to perform: sts:AssumeRole on resource: role/sym";
        replay.post("/").reply(refusal(403, "AccessDenied", said));
        let lambda = AwsLambda::new(in_role(&replay));
        let error = call(&lambda).await.unwrap_err();
        assert_eq!(code(&error), "AWS:ASSUME_ROLE_FAILED");
        assert_eq!((error.kind(), error.status()), (ErrorKind::Unauthorized, Some(403)));
        assert_eq!((error.service(), error.request_id()), (Some("sts"), Some("r-1")));
        assert_eq!(error.message(), format!("POST /: cannot assume role `{ROLE}`: {said}"));
        assert!(error.hint().unwrap().contains("trust policy"));
        replay.check().unwrap();

        replay.post("/").reply(session(1, "2024-02-29T13:00:00Z"));
        replay.post(path()).reply(Reply::json(1));
        call(&lambda).await.unwrap();
    }

    #[tokio::test]
    async fn what_sts_answers_instead_is_told() {
        for (reply, expected, kind) in [
            (refusal(403, "RegionDisabledException", "off"), "AWS:ASSUME_ROLE_FAILED", ErrorKind::Unauthorized),
            (refusal(403, "ExpiredToken", "old"), "AWS:ASSUME_ROLE_FAILED", ErrorKind::Unauthorized),
            (refusal(403, "InvalidClientTokenId", "who"), "AWS:ASSUME_ROLE_FAILED", ErrorKind::Unauthorized),
            (Reply::text("<html>log in</html>"), "AWS:INVALID_RESPONSE", ErrorKind::Decode),
            (Reply::text("<AssumeRoleResponse><Assume"), "AWS:INVALID_RESPONSE", ErrorKind::Decode),
            (session(1, "soon"), "AWS:INVALID_RESPONSE", ErrorKind::Decode),
            (Reply::json(json!({ "SecretAccessKey": "role/S3CRET" })), "AWS:INVALID_RESPONSE", ErrorKind::Decode),
            (Reply::status(500), "AWS:ASSUME_ROLE_FAILED", ErrorKind::Unavailable),
        ] {
            let replay = Replay::new();
            replay.post("/").reply(reply);
            let error = call(&AwsLambda::new(in_role(&replay))).await.unwrap_err();
            assert_eq!((code(&error).as_str(), error.kind()), (expected, kind), "{error}");
            replay.check().unwrap();
        }
    }

    #[tokio::test]
    async fn a_throttled_role_is_waited_for() {
        let replay = Replay::new();
        replay.post("/").reply(refusal(400, "Throttling", "Rate exceeded"));
        replay.post("/").reply(session(1, "2024-02-29T13:00:00Z"));
        replay.post(path()).reply(Reply::json(1));
        call(&AwsLambda::new(in_role(&replay))).await.unwrap();
        assert!(replay.elapsed() > Duration::ZERO);
        replay.check().unwrap();
    }

    #[tokio::test]
    async fn a_session_that_aws_does_not_accept_any_more_is_renewed_once() {
        let expired = || {
            Reply::json(json!({ "message": "The security token included in the request is expired" }))
                .with_status(403)
                .header("x-amzn-errortype", "ExpiredTokenException")
        };
        let replay = Replay::new();
        replay.post("/").reply(session(1, "2024-02-29T13:00:00Z"));
        replay.post("/").reply(session(2, "2024-02-29T13:00:00Z"));
        replay.post(path()).header("x-amz-security-token", "role-TOKEN1").reply(expired());
        replay.post(path()).header("x-amz-security-token", "role-TOKEN2").reply(Reply::json(1));
        let lambda = AwsLambda::new(in_role(&replay));
        call(&lambda).await.unwrap();
        replay.check().unwrap();

        replay.post(path()).times(2).reply(expired());
        replay.post("/").reply(session(3, "2024-02-29T13:00:00Z"));
        let error = call(&lambda).await.unwrap_err();
        assert_eq!((code(&error).as_str(), error.kind()), ("AWSLambda:EXPIRED_TOKEN", ErrorKind::Unauthorized));
        replay.check().unwrap();

        // There are no other calls.
        replay.post(path()).reply(expired());
        call(&AwsLambda::new(context(&replay))).await.unwrap_err();
        replay.check().unwrap();
    }

    #[tokio::test]
    async fn the_names_of_sessions_are_such_as_aws_takes() {
        let replay = Replay::new();
        replay.post("/").form("RoleSessionName", "sym-Zug_nge_").reply(session(1, "2024-02-29T13:00:00Z"));
        replay.post(path()).reply(Reply::json(1));
        let role = AssumeRole::new(ROLE).unwrap().session_name("sym-Zugänge!");
        call(&AwsLambda::new(builder(&replay).role(role).build().unwrap())).await.unwrap();
        replay.check().unwrap();
    }
}

/// Credentials that are delivered when the test says so.
#[derive(Clone, Default)]
struct Slow {
    asked: Arc<AtomicUsize>,
    go: Arc<Notify>,
}

impl Slow {
    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl CredentialsSource for Slow {
    async fn credentials(&self) -> Result<Credentials> {
        let n = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        self.go.notified().await;
        // Every second fetch fails.
        if n % 2 == 1 {
            let error = Error::new(ErrorKind::Unavailable, ErrorCode::new("AWS", "UNREACHABLE"), format!("no {n}"));
            return Err(error.with_hint("wait").with_status(503).with_source("the cable is out"));
        }
        let expiry = "2024-02-29T13:00:00Z".parse().unwrap();
        Ok(Credentials::new(format!("AKID{n}"), SecretString::from("k3y")).with_expiry(expiry))
    }
}

fn cached() -> (Slow, CachedCredentials, Arc<VirtualClock>) {
    let (slow, clock) = (Slow::default(), at("2024-02-29T12:00:00Z"));
    (slow.clone(), CachedCredentials::new(slow, clock.clone()), clock)
}

#[tokio::test]
async fn waiters_share_a_failure() {
    let (slow, cached, _) = cached();
    let failed = three(&cached, &slow).await;
    for error in failed.into_iter().map(Result::unwrap_err) {
        assert_eq!(error.to_string(), "no 1 (AWS:UNREACHABLE, status 503)");
        assert_eq!((error.kind(), error.hint()), (ErrorKind::Unavailable, Some("wait")));
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "the cable is out");
    }
    assert_eq!(slow.asked(), 1);

    for credentials in three(&cached, &slow).await {
        assert_eq!(credentials.unwrap().access_key_id(), "AKID2");
    }
    assert_eq!(slow.asked(), 2);
}

/// Three callers wait, and then the response arrives.
async fn three(cached: &CachedCredentials, slow: &Slow) -> [Result<Credentials>; 3] {
    let ask = || cached.credentials();
    let (a, b, c, ()) = tokio::join!(ask(), ask(), ask(), async { slow.go.notify_one() });
    [a, b, c]
}

#[tokio::test]
async fn a_cancelled_fetch_leaves_nothing_behind() {
    let (slow, cached, _) = cached();
    {
        let mut first = Box::pin(cached.credentials());
        let mut second = Box::pin(cached.credentials());
        tokio::select! { biased; _ = &mut first => panic!(), () = std::future::ready(()) => {} }
        tokio::select! { biased; _ = &mut second => panic!(), () = std::future::ready(()) => {} }
        drop(first);
        // The second caller continues the fetch of the first.
        slow.go.notify_one();
        second.await.unwrap_err();
        assert_eq!(slow.asked(), 1);
        let mut third = Box::pin(cached.credentials());
        tokio::select! { biased; _ = &mut third => panic!(), () = std::future::ready(()) => {} }
        assert_eq!(slow.asked(), 2);
    }
    // Its last waiter is gone, so the next caller starts another fetch.
    slow.go.notify_one();
    cached.credentials().await.unwrap_err();
    assert_eq!(slow.asked(), 3);
}

#[tokio::test]
async fn uses_credentials_until_they_expire() {
    let (slow, cached, clock) = cached();
    slow.go.notify_one();
    cached.credentials().await.unwrap_err();
    slow.go.notify_one();
    assert_eq!(cached.credentials().await.unwrap().access_key_id(), "AKID2");
    clock.advance_to("2024-02-29T12:59:59Z".parse().unwrap());
    slow.go.notify_one();
    assert_eq!(cached.credentials().await.unwrap().access_key_id(), "AKID2");
    assert_eq!(slow.asked(), 3);
    slow.go.notify_one();
    cached.rejected("AKID2");
    // The fourth session has already expired.
    assert_eq!(cached.credentials().await.unwrap().access_key_id(), "AKID4");
    clock.advance_to("2024-02-29T13:00:00Z".parse().unwrap());
    slow.go.notify_one();
    assert_eq!(cached.credentials().await.unwrap_err().message(), "no 5");
}

#[tokio::test]
async fn reports_missing_environment_variables() {
    let full =
        [("AWS_ACCESS_KEY_ID", "AKIDENV"), ("AWS_SECRET_ACCESS_KEY", "own/S3CRET"), ("AWS_SESSION_TOKEN", "own-TOKEN")];
    let read = EnvironmentCredentials::with_variables(full).credentials().await.unwrap();
    assert_eq!(read.access_key_id(), "AKIDENV");
    assert!(read.session_token().is_some());
    let without_token = EnvironmentCredentials::with_variables(full.into_iter().take(2)).credentials().await.unwrap();
    assert!(without_token.session_token().is_none());
    for (at, name) in [(0, "AWS_ACCESS_KEY_ID"), (1, "AWS_SECRET_ACCESS_KEY")] {
        let mut variables = full;
        variables[at].1 = "";
        let error = EnvironmentCredentials::with_variables(variables).credentials().await.unwrap_err();
        assert_eq!(code(&error), "SymSDK:CONFIGURATION");
        assert_eq!(error.message(), format!("the environment variable `{name}` is not set"));
    }
}

#[test]
fn builds_a_context_from_its_integration() {
    let built = |settings: &[(&str, &str)]| {
        let integration = settings.iter().fold(
            sym_sdk::model::Integration::new(sym_sdk::model::Slug::parse("main").unwrap(), "permission_context", "1"),
            |integration, (name, value)| integration.with_setting(*name, *value),
        );
        let secrets = std::collections::BTreeMap::new();
        PermissionContext::from_config(&sym_sdk::integration::IntegrationConfig::new(&integration, &secrets))
    };
    let context =
        built(&[("cloud", "aws"), ("region", "us-west-2"), ("role_arn", ROLE), ("external_id", "x")]).unwrap();
    assert_eq!(context.region().as_str(), "us-west-2");
    assert!(format!("{context:?}").contains(ROLE));
    for (settings, message) in [
        (&[("role_arn", ROLE)][..], "integration `main` has no setting `region`"),
        (&[("region", "Frankfurt")], "`Frankfurt` is not an AWS region"),
        (&[("region", "us-west-2"), ("role_arn", "sym")], "`sym` is not the ARN of a role"),
        (
            &[("region", "us-west-2"), ("cloud", "gcp")],
            "integration `main` is of cloud `gcp`, and only `aws` is supported",
        ),
        // Without the role, the program's own credentials would be used, which may have more permissions.
        (&[("region", "us-west-2"), ("role_arm", ROLE)], "integration `main` has an unknown setting `role_arm`"),
        (
            &[("region", "us-west-2"), ("base_url", "http://aws.example.com")],
            "the base URL of host `aws.example.com` must use https",
        ),
    ] {
        assert_eq!(built(settings).unwrap_err().message(), message);
    }
}
