use std::time::Duration;

use sym_integrations::http::{BaseUrl, Client, RateLimit};
use sym_integrations::testing::{Replay, Reply};

use super::support::{Toy, code};

fn limited(replay: &Replay, limits: &[(&'static str, RateLimit)]) -> Client {
    let base = BaseUrl::of_host("toy.example.com", "").unwrap();
    let builder = Client::builder(Toy, base).connection(replay.connection());
    limits.iter().fold(builder, |builder, (class, limit)| builder.rate_limit(class, *limit)).build().unwrap()
}

#[tokio::test]
async fn calls_are_spread_over_the_period() {
    let replay = Replay::new();
    replay.get("/x").always().reply(Reply::status(204));
    let client = limited(&replay, &[("", RateLimit::per_second(4)), ("", RateLimit::per_minute(50))]);
    for _ in 0..50 {
        client.get("x", &[]).await.unwrap();
    }
    let waited = replay.waited().as_secs_f64();
    assert!((45.0..=60.0).contains(&waited), "{waited} s for 50 calls at 50 a minute");
}

#[tokio::test]
async fn classes_have_limits_of_their_own_and_tries_count() {
    let replay = Replay::new();
    replay.get("/x").times(2).reply(Reply::status(204));
    let client = limited(&replay, &[("slow", RateLimit::new(1, Duration::from_secs(10)))]);
    client.get("x", &[]).await.unwrap();
    client.get("x", &[]).await.unwrap();
    assert_eq!(replay.waited(), Duration::ZERO);

    replay.get("/x").reply(Reply::status(429));
    replay.get("/x").reply(Reply::status(204));
    client.get("x", &[]).class("slow").await.unwrap();
    assert_eq!(replay.waited(), Duration::from_secs(10));
}

#[tokio::test]
async fn a_turn_that_comes_too_late_is_not_waited_for() {
    let replay = Replay::new();
    replay.get("/x").reply(Reply::status(204));
    let client = limited(&replay, &[("", RateLimit::new(1, Duration::from_secs(60)))]);
    client.get("x", &[]).await.unwrap();
    let error = client.get("x", &[]).await.unwrap_err();
    assert_eq!(code(&error), "Toy:RATE_LIMITED");
    assert_eq!(
        error.message(),
        "GET x: the client's own limit of 1 calls in 60s lets it through in 60.0s, and 30.0s are left"
    );
    assert_eq!(replay.waited(), Duration::ZERO);
}

#[tokio::test]
async fn what_the_service_tells_one_call_holds_for_its_class() {
    let replay = Replay::new();
    replay.get("/x").reply(Reply::status(429).header("retry-after", "40"));
    replay.get("/x").always().reply(Reply::status(204));
    let client = limited(&replay, &[]);
    let error = client.get("x", &[]).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(40)));

    // The others have no more time than they have.
    let error = client.get("x", &[]).await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.is_retryable()), ("Toy:RATE_LIMITED", true));
    assert_eq!(
        error.message(),
        "GET x: the service asked to be called less often, and no more for 40.0s; 30.0s are left"
    );
    assert_eq!(error.retry_after(), Some(Duration::from_secs(40)));
    assert_eq!((replay.calls().len(), replay.waited()), (1, Duration::ZERO));

    // Another class goes on.
    client.get("x", &[]).class("revocations").await.unwrap();
    assert_eq!(replay.waited(), Duration::ZERO);

    client.get("x", &[]).within(Duration::from_secs(50)).await.unwrap();
    let waited = replay.waited().as_secs_f64();
    assert!((40.0..=40.6).contains(&waited), "{waited}");
    client.get("x", &[]).await.unwrap();
    assert_eq!(replay.waited().as_secs_f64(), waited, "it is over");
}

#[tokio::test]
async fn only_too_many_calls_hold_back_others_and_not_for_ever() {
    let replay = Replay::new();
    let client = limited(&replay, &[]);
    replay.get("/x").reply(Reply::status(503).header("retry-after", "90"));
    let error = client.get("x", &[]).await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.retry_after()), ("Toy:UNAVAILABLE", Some(Duration::from_secs(90))));
    replay.get("/x").reply(Reply::status(204));
    client.get("x", &[]).await.unwrap();
    assert_eq!(replay.waited(), Duration::ZERO);

    replay.get("/x").reply(Reply::status(429).header("retry-after", "86400"));
    client.get("x", &[]).await.unwrap_err();
    replay.get("/x").reply(Reply::status(204));
    client.get("x", &[]).within(Duration::from_secs(120)).await.unwrap();
    let waited = replay.waited().as_secs_f64();
    assert!((60.0..=60.6).contains(&waited), "{waited}");
}
