//! Rates, sizes and numbers of streams.

use std::time::Duration;

use serde_json::json;
use sym_sdk::api::ApiLimits;
use sym_sdk::server::Rate;

use super::TestApi;
use super::client::Call;

fn few() -> ApiLimits {
    let mut limits = ApiLimits::default();
    limits.reads = Rate::per_second(1).with_burst(3);
    limits.writes = Rate::per_second(1).with_burst(1);
    limits.failed_authentications = Rate::per_minute(2);
    limits.streams_per_caller = 2;
    limits.streams = 3;
    limits
}

#[tokio::test]
async fn callers_are_limited_each_for_themselves() {
    let mut api = TestApi::with(few(), |builder| builder).await;
    for left in ["2", "1", "0"] {
        let answer = api.get(&api.ci, "/me").await;
        answer.ok();
        let rate = answer.header("ratelimit").unwrap();
        assert!(rate.contains(&format!("r={left};")), "{rate}");
    }
    let refused = api.get(&api.ci, "/me").await;
    assert_eq!(refused.problem(), (429, "SymSDK:TOO_MANY_CALLS".to_owned()));
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.header("ratelimit-policy"), Some("\"reads\";q=3;w=3"));
    assert_eq!(refused.json()["is_retryable"], true);
    api.get(&api.deployer, "/me").await.ok();
    // Writes are counted by themselves.
    api.post(&api.ci, "/flows/prod/form", json!({})).await.ok();
    assert_eq!(api.post(&api.ci, "/flows/prod/form", json!({})).await.problem().0, 429);
    api.harness.advance(Duration::from_secs(1)).await.unwrap();
    api.get(&api.ci, "/me").await.ok();
}

/// Whoever has a good token is not touched by those who have none.
#[tokio::test]
async fn bad_tokens_lock_nobody_else_out() {
    let api = TestApi::with(few(), |builder| builder).await;
    let bad = || Call::get("/me").token("symbot_00000000000000000000000000000000_x").send(&api.routes);
    assert_eq!((bad().await.status, bad().await.status), (401.try_into().unwrap(), 401.try_into().unwrap()));
    let refused = bad().await;
    assert_eq!(refused.problem(), (429, "SymSDK:TOO_MANY_CALLS".to_owned()));
    assert_eq!(refused.header("retry-after"), Some("30"));
    api.get(&api.ci, "/me").await.ok();
    let other = Call::get("/me").token("symbot_11111111111111111111111111111111_x").send(&api.routes).await;
    assert_eq!(other.status, 401, "another token behind the same proxy");
}

#[tokio::test]
async fn streams_are_limited_by_caller_and_in_all() {
    let api = TestApi::with(few(), |builder| builder).await;
    let open = |token: &str| Call::get("/changes").token(token).open(&api.routes);
    let first = open(&api.ci).await;
    let _second = open(&api.ci).await;
    let third = Call::get("/changes").token(&api.ci).send(&api.routes).await;
    assert_eq!(third.problem(), (503, "SymSDK:TOO_MANY_STREAMS".to_owned()));
    assert!(third.header("retry-after").is_some());
    let _of_another = open(&api.ops).await;
    assert_eq!(Call::get("/changes").token(&api.deployer).send(&api.routes).await.problem().0, 503);
    drop(first);
    assert_eq!(open(&api.deployer).await.status(), 200, "a stream that was closed makes room");
}

/// A handler that hangs is the machine's to limit; a call is answered all the same.
#[tokio::test]
async fn calls_are_answered_within_their_limit() {
    let mut limits = ApiLimits::default();
    limits.request = Duration::from_secs(3);
    let mut api = TestApi::with(limits, |builder| builder).await;
    let run = api.request().await;
    let clock = api.harness.runtime().clock().clone();
    let started = clock.now();
    let call = Call::get(&format!("/runs/{run}?version=99&wait=0")).token(&api.ops).send(&api.routes);
    call.await.ok();
    let version = api.get(&api.ops, &format!("/runs/{run}")).await.ok()["version"].clone();
    let path = format!("/runs/{run}?version={version}&wait=25");
    let waiting = Call::get(&path).token(&api.ops).send(&api.routes);
    let (answer, ()) = tokio::join!(waiting, async {
        tokio::task::yield_now().await;
        api.harness.advance(Duration::from_secs(4)).await.unwrap();
    });
    assert_eq!(answer.problem(), (504, "SymSDK:REQUEST_TIMED_OUT".to_owned()));
    assert!(clock.now() > started);
}

#[tokio::test]
async fn bodies_of_requests_may_be_as_large_as_their_fields_and_context() {
    let api = TestApi::start().await;
    let context = json!({ "log": "x".repeat(1_000_000) });
    let body = json!({
        "flow_srn": "prod", "context": context,
        "flow_inputs": { "target_srn": api.target(), "duration": "1h" },
    });
    api.post(&api.ci, "/events/request", body).await.ok();
    let message = json!({ "message": "x".repeat(200_000) });
    let run = "0199c1a2-7b1e-7cc3-98c4-dc0c0c07398f";
    let refused = api.post(&api.ci, &format!("/runs/{run}/approve"), message).await;
    assert_eq!(refused.problem(), (413, "SymSDK:TOO_LARGE".to_owned()));
}
