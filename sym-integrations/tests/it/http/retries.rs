use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sym_integrations::http::{Auth, BaseUrl, Client, Connection, CredentialsVersion, Signer, UnsignedRequest};
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::BoxFuture;
use sym_sdk::clock::Clock;
use sym_sdk::error::{ErrorKind, Result};
use wiremock::matchers::{header, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::support::{Toy, client, clock, code, hurry, limits};

async fn always(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET")).respond_with(template.clone()).mount(&server).await;
    Mock::given(method("POST")).respond_with(template).mount(&server).await;
    server
}

/// Answers so the first time, and well from then on.
async fn once(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(wiremock::matchers::any()).respond_with(template).up_to_n_times(1).mount(&server).await;
    Mock::given(wiremock::matchers::any())
        .respond_with(ResponseTemplate::new(200).set_body_string("1"))
        .mount(&server)
        .await;
    server
}

async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

fn passed(clock: &impl Clock, since: jiff::Timestamp) -> Duration {
    clock.now().duration_since(since).try_into().unwrap()
}

#[tokio::test]
async fn honours_the_services_delay() {
    let cases = [
        (ResponseTemplate::new(429).insert_header("retry-after", "7"), 7.0),
        (ResponseTemplate::new(429).insert_header("retry-after", "1.5"), 1.5),
        // The service's clock is an hour fast: what counts is the difference.
        (
            ResponseTemplate::new(429)
                .insert_header("date", "Thu, 29 Feb 2024 13:00:00 GMT")
                .insert_header("retry-after", "Thu, 29 Feb 2024 13:00:05 GMT"),
            5.0,
        ),
        (
            ResponseTemplate::new(429)
                .insert_header("date", "Thu, 29 Feb 2024 13:00:00 GMT")
                .insert_header("x-reset", (1_709_208_000 + 3_600 + 4).to_string()),
            5.0,
        ),
        (
            ResponseTemplate::new(429)
                .insert_header("date", "Thu, 29 Feb 2024 13:00:00 GMT")
                .insert_header("x-reset", "2024-02-29T13:00:04Z"),
            5.0,
        ),
        (ResponseTemplate::new(503).insert_header("retry-after", "3"), 3.0),
        // A time that is over, or nonsense, leaves the client to itself.
        (ResponseTemplate::new(429).insert_header("retry-after", "soon"), 0.5),
        (ResponseTemplate::new(429).insert_header("retry-after", "-1"), 0.5),
    ];
    for (template, seconds) in cases {
        let server = once(template).await;
        let clock = clock();
        let begun = clock.now();
        let number: u32 = hurry(&clock, client(&server.uri(), &clock).get("x", &[])).await.unwrap().json().unwrap();
        assert_eq!(number, 1);
        let waited = passed(&*clock, begun).as_secs_f64();
        assert!((seconds..=seconds + 0.6).contains(&waited), "expected {seconds} s, waited {waited} s");
    }
}

#[tokio::test]
async fn fails_immediately_if_the_delay_exceeds_the_time_left() {
    let server = always(ResponseTemplate::new(429).insert_header("retry-after", "120")).await;
    let clock = clock();
    let begun = clock.now();
    let error = client(&server.uri(), &clock).get("x", &[]).await.unwrap_err();
    assert_eq!(code(&error), "Toy:RATE_LIMITED");
    assert_eq!((error.kind(), error.status()), (ErrorKind::RateLimited, Some(429)));
    assert!(error.hint().unwrap().contains("120s"), "{error:?}");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(120)));
    assert_eq!(clock.now(), begun);
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test]
async fn attempts_are_limited_and_backoff_grows() {
    let server = always(ResponseTemplate::new(503).set_body_string("<html>busy</html>")).await;
    let clock = clock();
    let begun = clock.now();
    let error = hurry(&clock, client(&server.uri(), &clock).get("x", &[])).await.unwrap_err();
    assert_eq!(code(&error), "Toy:UNAVAILABLE");
    assert_eq!(error.message(), "GET x: the service is unavailable");
    assert_eq!(requests(&server).await, 4);
    let waited = passed(&*clock, begun).as_secs_f64();
    assert!((3.5..=7.0).contains(&waited), "0.5, 1 and 2 s, and as much again at most: {waited}");
}

#[tokio::test]
async fn the_timeout_covers_all_attempts() {
    let replay = Replay::new();
    replay.get("/x").times(3).reply(Reply::status(429).header("retry-after", "4"));
    let base = BaseUrl::of_host("toy.example.com", "").unwrap();
    let client = Client::builder(Toy, base).connection(replay.connection()).build().unwrap();
    let error = client.get("x", &[]).timeout(Duration::from_secs(10)).await.unwrap_err();
    assert_eq!(code(&error), "Toy:RATE_LIMITED");
    assert!((8.0..=9.0).contains(&replay.elapsed().as_secs_f64()), "{:?}", replay.elapsed());
    replay.check().unwrap();
}

#[tokio::test]
async fn retries_only_idempotent_calls_after_server_errors() {
    for (status, get, post) in
        [(429, 4, 4), (500, 1, 1), (502, 4, 1), (503, 4, 1), (504, 4, 1), (401, 1, 1), (400, 1, 1)]
    {
        for (method, tries) in [("GET", get), ("POST", post)] {
            let server = always(ResponseTemplate::new(status)).await;
            let clock = clock();
            let client = client(&server.uri(), &clock);
            let call = if method == "GET" { client.get("x", &[]) } else { client.post("x", &[]) };
            let error = hurry(&clock, call).await.unwrap_err();
            code(&error);
            assert_eq!(error.status(), Some(status));
            assert_eq!(requests(&server).await, tries, "{method} {status}");
        }
    }
}

#[tokio::test]
async fn a_call_can_override_idempotency() {
    let server = always(ResponseTemplate::new(503)).await;
    let clock = clock();
    let client = client(&server.uri(), &clock);
    hurry(&clock, client.post("x", &[]).idempotent(true)).await.unwrap_err();
    assert_eq!(requests(&server).await, 4);
    hurry(&clock, client.get("x", &[]).idempotent(false)).await.unwrap_err();
    assert_eq!(requests(&server).await, 5);
}

#[tokio::test]
async fn error_kinds_follow_the_status() {
    let cases = [
        (400, ErrorKind::InvalidInput, "INVALID_REQUEST"),
        (401, ErrorKind::Unauthorized, "AUTH_FAILED"),
        (403, ErrorKind::Forbidden, "FORBIDDEN"),
        (404, ErrorKind::NotFound, "NOT_FOUND"),
        (409, ErrorKind::Conflict, "CONFLICT"),
        (422, ErrorKind::InvalidInput, "INVALID_REQUEST"),
        (500, ErrorKind::Unavailable, "UNAVAILABLE"),
        (304, ErrorKind::Decode, "ERROR_RESPONSE"),
    ];
    for (status, kind, name) in cases {
        let server = always(ResponseTemplate::new(status).insert_header("x-request-id", "r-1")).await;
        let error = client(&server.uri(), &clock()).get("x", &[]).await.unwrap_err();
        assert_eq!(code(&error), format!("Toy:{name}"));
        assert_eq!((error.kind(), error.status(), error.request_id()), (kind, Some(status), Some("r-1")));
    }
}

/// Gives out a new token whenever the last was refused.
struct Login(Arc<AtomicU64>);

impl Signer for Login {
    fn sign<'a>(&'a self, mut request: UnsignedRequest<'a>) -> BoxFuture<'a, Result<CredentialsVersion>> {
        Box::pin(async move {
            let edition = self.0.load(Ordering::SeqCst);
            assert_eq!(request.method(), "POST");
            assert!(request.url().ends_with("/x%3Ay"), "{}", request.url());
            assert_eq!(request.body(), b"{\"a\":1}");
            request.set_header("x-date", "20240229")?;
            request.set_secret_header("authorization", "Bearer ", &format!("S3CRET-{edition}").into())?;
            Ok(edition)
        })
    }

    fn renew(&self, refused: CredentialsVersion) -> bool {
        self.0.compare_exchange(refused, refused + 1, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}

#[tokio::test]
async fn renews_rejected_credentials_once() {
    let server = MockServer::start().await;
    Mock::given(header("authorization", "Bearer S3CRET-2"))
        .respond_with(ResponseTemplate::new(201))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(401).set_body_string("who is S3CRET-0, S3CRET-1 or Bearer?"))
        .mount(&server)
        .await;
    let connection = Connection::default().with_clock(clock()).with_limits(limits(|limits| limits.attempts = 1));
    let edition = Arc::new(AtomicU64::new(0));
    let client = Client::builder(Toy, BaseUrl::parse(&server.uri()).unwrap())
        .auth(Auth::signer(Login(Arc::clone(&edition))))
        .connection(connection)
        .build()
        .unwrap();
    let call = || client.post("{x}", &["x:y"]).json(&serde_json::json!({ "a": 1 }));

    let error = call().await.unwrap_err();
    assert_eq!((error.code().name(), requests(&server).await), ("AUTH_FAILED", 2));
    assert!(!format!("{error:?}").contains("S3CRET-1"), "{error:?}");

    assert_eq!(call().await.unwrap().status(), 201);
    assert_eq!((edition.load(Ordering::SeqCst), requests(&server).await), (2, 4));
}
