//! Requests as they are sent.

use serde_json::json;
use sym_integrations::http::{Auth, BaseUrl, Client, SecretString};
use sym_sdk::error::ErrorKind;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::support::{TOKEN, Toy, assert_silent, builder, clock, code, faces, token};

async fn server() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(204)).mount(&server).await;
    server
}

async fn last(server: &MockServer) -> Request {
    server.received_requests().await.unwrap().pop().unwrap()
}

#[tokio::test]
async fn each_auth_scheme_sends_its_header() {
    let cases = [
        (Auth::bearer("t".into()), "authorization", "Bearer t"),
        (Auth::token("SSWS ", "t".into()), "authorization", "SSWS t"),
        (Auth::token("Token token=", "t".into()), "authorization", "Token token=t"),
        (Auth::basic("ana@example.com", "t".into()), "authorization", "Basic YW5hQGV4YW1wbGUuY29tOnQ="),
        (Auth::header("x-api-key", "t".into()), "x-api-key", "t"),
    ];
    let server = server().await;
    for (auth, name, value) in cases {
        let client = builder(&server.uri(), &clock()).auth(auth).build().unwrap();
        client.get("x", &[]).await.unwrap();
        assert_eq!(last(&server).await.headers[name], value);
    }
    builder(&server.uri(), &clock()).auth(Auth::none()).build().unwrap().get("x", &[]).await.unwrap();
    assert!(!last(&server).await.headers.contains_key("authorization"));
}

#[test]
fn build_rejects_credentials_that_are_invalid_in_a_header() {
    let base = || BaseUrl::of_host("toy.example.com", "").unwrap();
    for secret in ["", "S3CRET\n", "S3CRET\r\nx-evil: 1", "S3CRET\u{0}"] {
        for auth in [Auth::bearer(secret.into()), Auth::header("x-api-key", secret.into())] {
            let error = Client::builder(Toy, base()).auth(auth).build().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert_silent(&faces(&error));
        }
    }
    let error = Client::builder(Toy, base()).auth(Auth::basic("a", "".into())).build().unwrap_err();
    assert_eq!(error.to_string(), "the password is empty (SymSDK:CONFIGURATION, service toy)");
    let error = Client::builder(Toy, base()).auth(Auth::basic("a:b", token())).build().unwrap_err();
    assert_eq!(error.message(), "the user name contains a colon, which basic authentication does not allow");
}

#[tokio::test]
async fn encodes_paths_and_queries() {
    let server = server().await;
    let base = format!("{}/api/v1/", server.uri());
    let client = builder(&base, &clock()).header("accept", "application/vnd.toy+json;version=2").build().unwrap();
    let call = client
        .get("/groups/{group}/users/{user}:find", &["a/../b?c", "ana+x@example.com"])
        .query("filter", "type eq \"OKTA_GROUP\"")
        .query_opt("limit", Some(200))
        .query_opt("after", None::<&str>)
        .query_all("ids[]", ["1", "2"])
        .header("x-one", "1");
    call.await.unwrap();
    let request = last(&server).await;
    assert_eq!(request.url.path(), "/api/v1/groups/a%2F..%2Fb%3Fc/users/ana%2Bx%40example.com:find");
    assert_eq!(request.url.query(), Some("filter=type%20eq%20%22OKTA_GROUP%22&limit=200&ids%5B%5D=1&ids%5B%5D=2"));
    assert_eq!(request.headers["accept"], "application/vnd.toy+json;version=2");
    assert_eq!(request.headers["x-one"], "1");
    assert!(request.headers["user-agent"].to_str().unwrap().starts_with("sym-integrations/"));
    assert!(!request.headers.contains_key("content-type"));
    assert!(request.body.is_empty());
}

#[tokio::test]
async fn bodies_set_their_content_type() {
    let server = server().await;
    let client = builder(&server.uri(), &clock()).build().unwrap();

    client.post("x", &[]).json(&json!({ "a": [1, null] })).await.unwrap();
    let request = last(&server).await;
    assert_eq!(request.headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(request.body, br#"{"a":[1,null]}"#);

    client.post("x", &[]).form("channel", "C1&x=").secret_form("client_secret", &token()).await.unwrap();
    let request = last(&server).await;
    assert_eq!(request.headers["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(request.body, b"channel=C1%26x%3D&client_secret=tok%2Fen%2BS3CRET%3D%22x");

    client.put("x", &[]).await.unwrap();
    assert_eq!(last(&server).await.headers["content-length"], "0");

    client.patch("x", &[]).body("text/csv", "1,2").await.unwrap();
    assert_eq!(last(&server).await.headers["content-type"], "text/csv");

    client.delete("x", &[]).json(&[7]).header("content-type", "application/hal+json").await.unwrap();
    let request = last(&server).await;
    assert_eq!((request.method.as_str(), &request.body[..]), ("DELETE", &b"[7]"[..]));
    assert_eq!(request.headers["content-type"], "application/hal+json");
}

#[tokio::test]
async fn an_invalid_call_fails_before_it_is_sent() {
    let server = server().await;
    let client = builder(&server.uri(), &clock()).build().unwrap();
    let error = client.get("groups/{group}", &[".."]).query("a", 1).await.unwrap_err();
    assert_eq!(error.message(), "GET groups/{group}: `..` is not a valid `group`");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(code(&client.get("groups/{group}", &[]).await.unwrap_err()), "Toy:INVALID_REQUEST");

    let bad: Vec<sym_integrations::http::Call> = vec![
        client.get("x", &[]).header("x-one", "a\nb"),
        client.get("x", &[]).secret_header("x-two", &SecretString::from(format!("{TOKEN}\n"))),
        client.get("x", &[]).json(&std::collections::BTreeMap::from([((1, 2), 3)])),
    ];
    for call in bad {
        assert_silent(&format!("{call:?}"));
        assert_silent(&faces(&call.await.unwrap_err()));
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[test]
fn a_base_url_is_https_or_loopback() {
    for good in [
        "https://api.example.com",
        "http://localhost:1",
        "http://127.9.9.9/x",
        "http://[::1]:8080",
        "https://[2001:db8::1]/",
    ] {
        assert!(BaseUrl::parse(good).is_ok(), "{good}");
    }
    let bad = [
        "http://api.example.com",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "ftp://127.0.0.1",
        "https://ana:S3CRET@api.example.com",
        "https://S3CRET@api.example.com",
        "https://api.example.com/?t=S3CRET",
        "https://api.example.com/#S3CRET",
        "S3CRET",
        "file:///etc/S3CRET",
        "",
    ];
    for bad in bad {
        let error = BaseUrl::parse(bad).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{bad}");
        assert_silent(&faces(&error));
    }
}

#[test]
fn of_host_rejects_more_than_a_host() {
    assert_eq!(
        BaseUrl::of_host("example.okta.com:8443", "/api/v1").unwrap().as_str(),
        "https://example.okta.com:8443/api/v1"
    );
    for bad in ["", "a.com/b", "https://a.com", "a@b.com", "a.com?b", "a.com#b", "a b.com", "a.com\\b", "a.com\n"] {
        assert!(BaseUrl::of_host(bad, "api").is_err(), "{bad:?}");
    }
}
