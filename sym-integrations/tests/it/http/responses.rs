//! Answers that are complete, and not what they should be.

use serde::Deserialize;
use sym_sdk::error::ErrorKind;
use wiremock::matchers::{any, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::support::{TOKEN, client, clock, code, hurry};

#[derive(Debug, Deserialize)]
struct User {
    profile: Profile,
}

#[derive(Debug, Deserialize)]
struct Profile {
    email: String,
}

async fn answer(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(template).mount(&server).await;
    server
}

fn json(body: impl Into<Vec<u8>>) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body, "application/json").insert_header("x-request-id", "r-7")
}

/// The message of the error that reading users from this answer gives.
async fn misread(template: ResponseTemplate) -> String {
    let server = answer(template).await;
    let error = client(&server.uri(), &clock()).get("users", &[]).await.unwrap().json::<Vec<User>>().unwrap_err();
    assert_eq!(code(&error), "Toy:INVALID_RESPONSE");
    assert_eq!((error.kind(), error.status()), (ErrorKind::Decode, Some(200)));
    assert!(!error.is_retryable());
    error.message().to_owned()
}

#[tokio::test]
async fn decode_errors_name_the_json_path() {
    let body = r#"[{"profile":{"email":"a@example.com"}},{"profile":{"email":null}}]"#;
    let message = misread(json(body)).await;
    let expected = "GET users: unexpected JSON at `[1].profile.email`: \
                    invalid type: null, expected a string at line 1 column 63";
    assert_eq!(message, expected);
}

#[tokio::test]
async fn reports_truncated_json() {
    let message = misread(json(r#"[{"profile":{"email":"a@exam"#)).await;
    assert!(message.ends_with("at `[0].profile.email`: it is truncated"), "{message}");
}

#[tokio::test]
async fn reports_html() {
    let page = "<!doctype html>\n<title>Log in</title>";
    let expected = "GET users: expected JSON, got HTML";
    assert_eq!(misread(ResponseTemplate::new(200).set_body_raw(page, "text/html; charset=utf-8")).await, expected);
    assert_eq!(misread(json(page)).await, expected);
}

#[tokio::test]
async fn reports_an_empty_body() {
    assert_eq!(misread(json(" \n")).await, "GET users: expected JSON, got an empty body");
}

#[tokio::test]
async fn reports_a_body_that_is_not_text() {
    let message = misread(json(b"\x1f\x8b\x08\xff\xfe".to_vec())).await;
    assert!(message.starts_with("GET users: unexpected JSON: expected value at line 1 column 1"), "{message}");
}

/// L01: one bad character leaves the rest of a response readable.
#[tokio::test]
async fn characters_that_cannot_be_decoded_are_replaced() {
    for body in [b"[{\"profile\":{\"email\":\"a\xff@x\"}}]".as_slice(), br#"[{"profile":{"email":"a\ud83d@x"}}]"#] {
        let server = answer(json(body)).await;
        let users: Vec<User> = client(&server.uri(), &clock()).get("users", &[]).await.unwrap().json().unwrap();
        assert_eq!(users[0].profile.email, "a\u{fffd}@x");
    }
}

#[tokio::test]
async fn decode_errors_redact_the_token() {
    let body = serde_json::json!([{ "profile": { "email": [TOKEN] } }, { "profile": TOKEN }]);
    misread(json(body.to_string())).await;
    let message = misread(json(serde_json::json!([{ "profile": TOKEN }]).to_string())).await;
    assert!(message.contains("[redacted]"), "{message}");

    let server = answer(json("{}")).await;
    let response = client(&server.uri(), &clock()).get("users", &[]).await.unwrap();
    let error = response.invalid(format_args!("expected two lines, got `{TOKEN}`\n"));
    assert_eq!(code(&error), "Toy:INVALID_RESPONSE");
    assert_eq!(error.message(), "GET users: expected two lines, got `[redacted]`");
}

#[tokio::test]
async fn errors_do_not_quote_confidential_responses() {
    let server = answer(json(r#"{"access_token":"fresh-s3cret"}"#)).await;
    let client = client(&server.uri(), &clock());
    let response = client.post("token", &[]).confidential().await.unwrap();
    let error = response.json::<std::collections::BTreeMap<String, u32>>().unwrap_err();
    assert_eq!(error.message(), "POST token: unexpected JSON at `access_token`: line 1 column 30");
    assert!(!format!("{error:?} {response:?}").contains("fresh-s3cret"));

    let server = answer(ResponseTemplate::new(400).set_body_string("used up: fresh-s3cret")).await;
    let error = super::support::client(&server.uri(), &clock()).post("token", &[]).confidential().await.unwrap_err();
    assert_eq!(error.message(), "POST token: the request was rejected");
}

#[tokio::test]
async fn classify_finds_failures_inside_a_success() {
    let body = format!("no such channel, says {TOKEN}\nat 12:00");
    let template = ResponseTemplate::new(200).insert_header("x-toy-error", "channel_not_found").set_body_string(body);
    let server = answer(template).await;
    let error = client(&server.uri(), &clock()).post("send", &[]).await.unwrap_err();
    assert_eq!(code(&error), "Toy:CHANNEL_NOT_FOUND");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(error.message(), "POST send: no such channel, says [redacted] at 12:00");
}

#[tokio::test]
async fn explain_refines_failures() {
    let server = answer(ResponseTemplate::new(404).set_body_string("E0000007")).await;
    let client = client(&server.uri(), &clock());
    let call =
        client.get("groups/{group}", &["g1"]).not_found(sym_sdk::error::codes::OKTA_GROUP_NOT_FOUND, "no group `g1`");
    let error = call.await.unwrap_err();
    assert_eq!((error.code().to_string().as_str(), error.kind()), ("Okta:GROUP_NOT_FOUND", ErrorKind::NotFound));
    assert_eq!(error.message(), "GET groups/{group}: no group `g1`");

    let gone = client.delete("groups/{group}/users/{user}", &["g1", "u1"]).accept(404).await.unwrap();
    assert_eq!((gone.status(), gone.text().as_ref()), (404, "E0000007"));
}

#[tokio::test]
async fn does_not_follow_redirects_to_another_host() {
    let elsewhere = answer(json("1")).await;
    for status in [301, 302, 303, 307, 308] {
        for target in [
            elsewhere.uri(),
            format!("//{}/x", elsewhere.address()),
            "https://example.org/?t=tok/en+S3CRET=".to_owned(),
        ] {
            let server = answer(ResponseTemplate::new(status).insert_header("location", target.as_str())).await;
            let client = client(&server.uri(), &clock());
            for (call, is_change) in [(client.get("x", &[]), false), (client.post("x", &[]), true)] {
                let error = call.await.unwrap_err();
                // 303 answers a change that was made; 307 and 308 ask for it to be made elsewhere.
                assert_eq!(error.is_outcome_unknown(), is_change && status < 304, "{status}");
                assert_eq!(code(&error), "Toy:REDIRECTED");
                assert_eq!((error.kind(), error.status()), (ErrorKind::Configuration, Some(status)));
            }
        }
    }
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn follows_redirects_within_the_service() {
    let server = MockServer::start().await;
    Mock::given(path("/old"))
        .respond_with(ResponseTemplate::new(301).insert_header("location", "/new?a=1"))
        .mount(&server)
        .await;
    Mock::given(path("/moved"))
        .respond_with(ResponseTemplate::new(307).insert_header("location", "/new"))
        .mount(&server)
        .await;
    Mock::given(path("/round"))
        .respond_with(ResponseTemplate::new(302).insert_header("location", "/round"))
        .mount(&server)
        .await;
    Mock::given(path("/new")).respond_with(json("1")).mount(&server).await;
    let client = client(&server.uri(), &clock());

    assert_eq!(client.get("old", &[]).await.unwrap().text(), "1");
    assert_eq!(client.put("moved", &[]).json(&1).await.unwrap().text(), "1");
    let requests = server.received_requests().await.unwrap();
    let [_, new, _, put] = &requests[..] else { panic!("{requests:?}") };
    assert_eq!((new.url.query(), put.method.as_str(), &put.body[..]), (Some("a=1"), "PUT", &b"1"[..]));

    // Clients disagree on the method after a redirect.
    assert_eq!(code(&client.put("old", &[]).await.unwrap_err()), "Toy:REDIRECTED");
    let error = hurry(&clock(), client.get("round", &[])).await.unwrap_err();
    assert_eq!(code(&error), "Toy:REDIRECTED");
    assert!(error.message().contains("more than 3 times"), "{error}");
}
