//! Request signatures.

use std::sync::Arc;

use sym_integrations::aws::{Credentials, PermissionContext, Region, SigV4};
use sym_integrations::http::{Auth, BaseUrl, Client, Connection, Service};
use sym_integrations::testing::{Replay, Reply};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::support::{assert_silent, keys, region};
use crate::http::support::{Ear, at};

struct Example;

impl Service for Example {
    fn name(&self) -> &'static str {
        "example"
    }

    fn error_type(&self) -> &'static str {
        "Example"
    }
}

/// A client with the keys of AWS's published test vectors.
fn example(replay: &Replay, credentials: Credentials) -> Client {
    let region = Region::parse("us-east-1").unwrap();
    let signer = SigV4::new("service", region, credentials, Arc::clone(replay.connection().clock()));
    Client::builder(Example, BaseUrl::of_host("example.amazonaws.com", "").unwrap())
        .auth(Auth::signer(signer))
        .connection(replay.connection())
        .build()
        .unwrap()
}

fn example_keys() -> Credentials {
    Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into())
}

#[tokio::test]
async fn signatures_match_the_published_vectors() {
    let replay = Replay::at("2015-08-30T12:36:00Z".parse().unwrap());
    let scope = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request";
    // `get-vanilla`
    let signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    replay
        .get("/")
        .header("x-amz-date", "20150830T123600Z")
        .header("authorization", format!("{scope}, SignedHeaders=host;x-amz-date, Signature={signature}"))
        .reply(Reply::status(204));
    // `post-sts-header-before`
    let token = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
    let signature = "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead";
    replay
        .post("/")
        .header("x-amz-security-token", token)
        .header(
            "authorization",
            format!("{scope}, SignedHeaders=host;x-amz-date;x-amz-security-token, Signature={signature}"),
        )
        .reply(Reply::status(204));

    example(&replay, example_keys()).get("/", &[]).await.unwrap();
    let with_token = example_keys().with_session_token(token.into());
    example(&replay, with_token).post("/", &[]).await.unwrap();
    replay.check().unwrap();
}

fn signature(request: &Request) -> &str {
    request.headers["authorization"].to_str().unwrap().rsplit_once("Signature=").unwrap().1
}

#[tokio::test]
async fn sends_what_was_signed() {
    let (ear, _guard) = Ear::listen();
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    let clock = at("2024-02-29T12:00:00Z");
    let signer = || {
        let credentials = keys().with_session_token("own-TOKEN".into());
        Auth::signer(SigV4::new("lambda", region(), credentials, clock.clone()))
    };
    let base = BaseUrl::parse(&server.uri()).unwrap();
    let connection = Connection::default().with_clock(clock.clone());
    let client = Client::builder(Example, base).auth(signer()).connection(connection).build().unwrap();
    for body in ["one", "two"] {
        client.post("functions/{name}", &["a:b"]).header("x-amz-extra", "x").json(&body).await.unwrap();
    }
    client.post("functions/{name}", &["a:c"]).header("x-amz-extra", "x").json(&"one").await.unwrap();
    client.post("functions/{name}", &["a:b"]).header("x-amz-extra", "y").json(&"one").await.unwrap();

    let requests = server.received_requests().await.unwrap();
    let authorization = requests[0].headers["authorization"].to_str().unwrap();
    let expected = "AWS4-HMAC-SHA256 Credential=AKIDOWN/20240229/eu-central-1/lambda/aws4_request, \
                    SignedHeaders=content-type;host;x-amz-date;x-amz-extra;x-amz-security-token, Signature=";
    assert!(authorization.starts_with(expected), "{authorization}");
    assert_eq!(requests[0].headers["x-amz-date"], "20240229T120000Z");
    assert_eq!(requests[0].headers["x-amz-security-token"], "own-TOKEN");
    assert_eq!(requests[0].url.path(), "/functions/a%3Ab");
    for other in &requests[1..] {
        assert_ne!(signature(&requests[0]), signature(other), "{:?}", other.url);
    }
    drop(client);
    assert_silent(&ear.heard());
}

#[test]
fn debug_output_contains_no_keys() {
    let replay = Replay::new();
    let credentials = keys().with_session_token("own-TOKEN".into());
    let context = PermissionContext::builder(region()).credentials(credentials.clone());
    let signer = SigV4::new("lambda", region(), credentials.clone(), Arc::clone(replay.connection().clock()));
    assert_silent(&format!("{credentials:?} {context:?} {:?} {signer:?}", super::support::in_role(&replay)));
}
