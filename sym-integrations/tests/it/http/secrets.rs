//! A token that a service throws back in every way it can.

use serde_json::json;
use sym_integrations::http::{Auth, SecretString};
use wiremock::matchers::{any, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::support::{Ear, Raw, TOKEN, assert_silent, builder, clock, faces, hurry, limits, token};

/// Says the token wherever there is a place for it.
fn echo(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status)
        .insert_header("x-request-id", TOKEN)
        .insert_header("location", "https://elsewhere.example.com/?token=tok/en+S3CRET=%22x")
        .set_body_json(json!({ "error": format!("`{TOKEN}` is not valid"), "header": format!("Bearer {TOKEN}") }))
}

#[tokio::test]
async fn errors_and_logs_never_contain_the_token() {
    let (ear, _listening) = Ear::listen();
    let server = MockServer::start().await;
    for status in [200, 201, 302, 307, 400, 401, 403, 404, 409, 418, 429, 500, 503] {
        Mock::given(path(format!("/{status}"))).respond_with(echo(status)).mount(&server).await;
    }
    Mock::given(path("/inside")).respond_with(echo(200).insert_header("x-toy-error", TOKEN)).mount(&server).await;
    let clock = clock();
    let client = builder(&server.uri(), &clock).build().unwrap();
    for auth in [Auth::bearer(token()), Auth::token("SSWS ", token()), Auth::basic("ana", token())] {
        assert_silent(&format!("{auth:?}"));
    }
    assert_silent(&format!("{client:?}"));

    for page in ["200", "201", "302", "307", "400", "401", "403", "404", "409", "418", "429", "500", "503"] {
        for call in [client.get("{page}", &[page]), client.post("{page}", &[page]).secret_form("token", &token())] {
            assert_silent(&format!("{call:?}"));
            match hurry(&clock, call).await {
                Ok(response) => {
                    assert_silent(&format!("{response:?}"));
                    assert_silent(&faces(&response.json::<Vec<u8>>().unwrap_err()));
                }
                Err(error) => assert_silent(&faces(&error)),
            }
        }
    }
    assert_silent(&faces(&client.get("200", &[]).pages::<Vec<u8>>().await.unwrap_err()));
    let error = client.get("inside", &[]).await.unwrap_err();
    assert!(error.message().contains("[redacted]"), "{error}");
    assert_eq!(error.code().name(), "_REDACTED_");

    let heard = ear.heard();
    assert!(heard.contains("call{service=\"toy\" method=\"POST\" route=\"{page}\""), "{heard}");
    assert!(heard.contains("is retried"), "{heard}");
    assert_silent(&heard);
}

#[tokio::test]
async fn lost_connections_do_not_reveal_the_token() {
    let (ear, _listening) = Ear::listen();
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let broken = Raw::answer(format!("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{TOKEN}")).await;
    let nonsense = Raw::answer(format!("HTTP/1.1 {TOKEN}\r\n\r\n")).await;
    let clock = clock();
    for base in [&gone, &broken.base, &nonsense.base] {
        let client = builder(base, &clock).build().unwrap();
        let call =
            client.get("x", &[]).query("cursor", TOKEN).secret_header("x-other", &SecretString::from("S3CRET-2"));
        assert_silent(&faces(&hurry(&clock, call).await.unwrap_err()));
    }
    assert!(ear.heard().contains("is retried"));
    assert_silent(&ear.heard());
}

#[tokio::test]
async fn the_call_span_records_the_outcome() {
    let (ear, _listening) = Ear::listen();
    let server = MockServer::start().await;
    let busy = ResponseTemplate::new(503).insert_header("x-request-id", "r-1");
    Mock::given(any()).respond_with(busy).mount(&server).await;
    let clock = clock();
    let connection = sym_integrations::http::Connection::default()
        .with_clock(clock.clone())
        .with_limits(limits(|limits| limits.attempts = 2));
    let client = builder(&server.uri(), &clock).connection(connection).build().unwrap();
    hurry(&clock, client.get("users/{user}", &["ana@example.com"]).query("cursor", "c")).await.unwrap_err();
    let heard = ear.heard();
    let expected = "call{service=\"toy\" method=\"GET\" route=\"users/{user}\" attempts=2 status=503 request=\"r-1\" \
                    error=Toy:UNAVAILABLE}";
    assert!(heard.contains(expected), "{heard}");
    let own: Vec<&str> = heard.lines().filter(|line| line.contains("sym_integrations")).collect();
    assert!(!own.is_empty() && own.iter().all(|line| !line.contains("ana") && !line.contains("cursor")), "{own:#?}");
}
