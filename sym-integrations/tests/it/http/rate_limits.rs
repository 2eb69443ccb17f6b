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
async fn spreads_calls_over_the_period() {
    let replay = Replay::new();
    replay.get("/x").always().reply(Reply::status(204));
    let client = limited(&replay, &[("", RateLimit::per_second(4)), ("", RateLimit::per_minute(50))]);
    for _ in 0..50 {
        client.get("x", &[]).await.unwrap();
    }
    let waited = replay.elapsed().as_secs_f64();
    assert!((45.0..=60.0).contains(&waited), "{waited} s for 50 calls at 50 a minute");
}

#[tokio::test]
async fn groups_have_separate_limits_and_attempts_count() {
    let replay = Replay::new();
    replay.get("/x").times(2).reply(Reply::status(204));
    let client = limited(&replay, &[("slow", RateLimit::new(1, Duration::from_secs(10)))]);
    client.get("x", &[]).await.unwrap();
    client.get("x", &[]).await.unwrap();
    assert_eq!(replay.elapsed(), Duration::ZERO);

    replay.get("/x").reply(Reply::status(429));
    replay.get("/x").reply(Reply::status(204));
    client.get("x", &[]).rate_group("slow").await.unwrap();
    assert_eq!(replay.elapsed(), Duration::from_secs(10));
}

#[tokio::test]
async fn keys_are_limited_separately() {
    let replay = Replay::new();
    replay.get("/x").always().reply(Reply::status(204));
    let base = BaseUrl::of_host("toy.example.com", "").unwrap();
    let builder = Client::builder(Toy, base).connection(replay.connection());
    let client = builder.keyed_rate_limit("post", RateLimit::per_second(1)).build().unwrap();
    for key in ["C1", "C2", "C3"] {
        client.get("x", &[]).rate_group("post").key(key).await.unwrap();
    }
    client.get("x", &[]).rate_group("post").await.unwrap();
    client.get("x", &[]).rate_group("other").key("C1").await.unwrap();
    assert_eq!(replay.elapsed(), Duration::ZERO);

    client.get("x", &[]).rate_group("post").key("C1").await.unwrap();
    assert_eq!(replay.elapsed(), Duration::from_secs(1));
    client.get("x", &[]).rate_group("post").key("C2").await.unwrap();
    assert_eq!(replay.elapsed(), Duration::from_secs(1));
}

#[tokio::test]
async fn fails_immediately_if_the_limit_delays_beyond_the_timeout() {
    let replay = Replay::new();
    replay.get("/x").reply(Reply::status(204));
    let client = limited(&replay, &[("", RateLimit::new(1, Duration::from_secs(60)))]);
    client.get("x", &[]).await.unwrap();
    let error = client.get("x", &[]).await.unwrap_err();
    assert_eq!(code(&error), "Toy:RATE_LIMITED");
    assert_eq!(error.message(), "GET x: the client's rate limit of 1 calls in 60s delays it by 60.0s, with 30.0s left");
    assert_eq!(replay.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn throttling_pauses_the_whole_group() {
    let replay = Replay::new();
    replay.get("/x").reply(Reply::status(429).header("retry-after", "40"));
    replay.get("/x").always().reply(Reply::status(204));
    let client = limited(&replay, &[]);
    let error = client.get("x", &[]).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(40)));

    // The others have no more time than they have.
    let error = client.get("x", &[]).await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.is_retryable()), ("Toy:RATE_LIMITED", true));
    assert_eq!(error.message(), "GET x: the service throttles these calls for another 40.0s, with 30.0s left");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(40)));
    assert_eq!((replay.calls().len(), replay.elapsed()), (1, Duration::ZERO));

    // Another class goes on.
    client.get("x", &[]).rate_group("revocations").await.unwrap();
    assert_eq!(replay.elapsed(), Duration::ZERO);

    client.get("x", &[]).timeout(Duration::from_secs(50)).await.unwrap();
    let waited = replay.elapsed().as_secs_f64();
    assert!((40.0..=40.6).contains(&waited), "{waited}");
    client.get("x", &[]).await.unwrap();
    assert_eq!(replay.elapsed().as_secs_f64(), waited, "it is over");
}

#[tokio::test]
async fn only_throttling_pauses_a_group_and_not_forever() {
    let replay = Replay::new();
    let client = limited(&replay, &[]);
    replay.get("/x").reply(Reply::status(503).header("retry-after", "90"));
    let error = client.get("x", &[]).await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.retry_after()), ("Toy:UNAVAILABLE", Some(Duration::from_secs(90))));
    replay.get("/x").reply(Reply::status(204));
    client.get("x", &[]).await.unwrap();
    assert_eq!(replay.elapsed(), Duration::ZERO);

    replay.get("/x").reply(Reply::status(429).header("retry-after", "86400"));
    client.get("x", &[]).await.unwrap_err();
    replay.get("/x").reply(Reply::status(204));
    client.get("x", &[]).timeout(Duration::from_secs(120)).await.unwrap();
    let waited = replay.elapsed().as_secs_f64();
    assert!((60.0..=60.6).contains(&waited), "{waited}");
}
