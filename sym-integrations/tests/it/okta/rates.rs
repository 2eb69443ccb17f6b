//! Rate limits.

use std::time::Duration;

use serde_json::json;
use sym_integrations::http::RateLimit;
use sym_integrations::okta::Okta;
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::ErrorKind;

use super::fake::DOMAIN;
use crate::vendor_support::code;

fn okta(replay: &Replay) -> Okta {
    Okta::builder(DOMAIN).token("00token").connection(replay.connection()).build().unwrap()
}

fn too_many(limit: &str, reset: &str) -> Reply {
    Reply::json(
        json!({ "errorCode": "E0000047", "errorSummary": "API call exceeded rate limit due to too many requests." }),
    )
    .with_status(429)
    .header("date", "Thu, 29 Feb 2024 12:00:00 GMT")
    .header("x-rate-limit-limit", limit)
    .header("x-rate-limit-remaining", "0")
    .header("x-rate-limit-reset", reset)
}

fn group() -> Reply {
    Reply::json(json!({ "id": "00g1", "type": "OKTA_GROUP" }))
}

#[tokio::test]
async fn keeps_the_delay_by_the_clock_of_okta() {
    // The local clock is hours off.
    let replay = Replay::at("2024-02-29T09:30:00Z".parse().unwrap());
    replay.get("/api/v1/groups/00g1").reply(too_many("600", "1709208012"));
    replay.get("/api/v1/groups/00g1").reply(group());
    okta(&replay).get_group("00g1").await.unwrap();
    let waited = replay.elapsed();
    assert!((13.0..14.0).contains(&waited.as_secs_f64()), "{waited:?}");
}

#[tokio::test]
async fn a_delay_beyond_the_timeout_fails_the_call() {
    let replay = Replay::new();
    replay.get("/api/v1/groups/00g1").reply(too_many("600", "1709208059"));
    let error = okta(&replay).get_group("00g1").await.unwrap_err();
    assert_eq!((error.kind(), code(&error)), (ErrorKind::RateLimited, "Okta:RATE_LIMITED".to_owned()));
    assert!(error.is_retryable());
    assert_eq!(replay.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn concurrency_limits_cause_short_delays() {
    let replay = Replay::new();
    replay.get("/api/v1/groups/00g1").reply(too_many("0", "1709208059"));
    replay.get("/api/v1/groups/00g1").reply(Reply::status(429));
    replay.get("/api/v1/groups/00g1").reply(group());
    okta(&replay).get_group("00g1").await.unwrap();
    assert!(replay.elapsed() < Duration::from_secs(5), "{:?}", replay.elapsed());
}

#[tokio::test]
async fn listings_do_not_delay_revocations() {
    let replay = Replay::new();
    let okta = Okta::builder(DOMAIN)
        .token("00token")
        .connection(replay.connection())
        .rate_limit(RateLimit::new(2, Duration::from_secs(3_600)))
        .build()
        .unwrap();
    replay.get("/api/v1/groups/00g1/users").reply(Reply::json(json!([])));
    okta.list_group_members("00g1").await.unwrap();
    let error = okta.list_group_members("00g1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);

    replay.delete("/api/v1/groups/00g1/users/00u1").times(20).reply(Reply::status(204));
    for _ in 0..20 {
        okta.remove_group_member("00g1", "00u1").await.unwrap();
    }
    // The call that tells a missing user from a missing group is part of the revocation.
    let missing = json!({ "errorCode": "E0000007", "errorSummary": "Not found" });
    replay.delete("/api/v1/groups/00g1/users/00u1").reply(Reply::json(missing).with_status(404));
    replay.get("/api/v1/groups/00g1").reply(group());
    okta.remove_group_member("00g1", "00u1").await.unwrap();
    assert_eq!(replay.elapsed(), Duration::ZERO);
    replay.check().unwrap();
}
