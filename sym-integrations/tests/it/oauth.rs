//! Access tokens got with signed assertions.

use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use secrecy::SecretString;
use serde_json::{Value, json};
use sym_integrations::http::{Auth, BaseUrl, Connection};
use sym_integrations::kit::{
    AccessTokens, Credentials, ErrorRule, ErrorTable, ServiceClient, SigningKey, Vendor, VendorBuilder, VendorClient,
};
use sym_integrations::testing::{ReceivedCall, Replay, Reply};
use sym_sdk::error::{Error, ErrorKind, Result};
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

const VAULT: Vendor = Vendor::new("vault", "Vault").request_id_headers(&["x-request"]);

const ERRORS: ErrorTable =
    ErrorTable::new(&[ErrorRule::hint_only(&["unauthorized_client"], "look into the vault's console")]);

/// The time at which a replay starts: 2024-02-29T12:00:00Z.
const START: i64 = 1_709_208_000;

/// A private key, made once: it takes a while.
pub(crate) static KEY: LazyLock<String> = LazyLock::new(|| {
    let der = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap().serialize_der();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der))
});

/// A service whose clients sign assertions. The account says which form they have.
#[derive(Clone, Debug)]
struct Vault(ServiceClient);

impl VendorClient for Vault {
    const VENDOR: Vendor = VAULT;

    fn base_url(_: &str) -> Result<BaseUrl> {
        BaseUrl::of_host("vault.example.com", "api")
    }

    fn auth(credentials: &Credentials<'_>) -> Result<Auth> {
        let key = SigningKey::from_pem(&credentials.secret("key_secret")?)?.with_id("k1");
        let endpoint = BaseUrl::parse(&credentials.base_url().as_str().replace("/api", "/login/token"))?;
        let tokens = match credentials.account() {
            "service-app" => AccessTokens::private_key_jwt(credentials, endpoint, key, "client-17"),
            subject => {
                let subject = (!subject.is_empty()).then(|| subject.to_owned());
                AccessTokens::jwt_bearer(credentials, endpoint, key, "sa@example.com", subject)
            }
        };
        tokens.scopes(&["items.read"], &["items.read", "items.write"]).errors(ERRORS).auth()
    }

    fn from_service(service: ServiceClient) -> Self {
        Self(service)
    }

    fn service(&self) -> &ServiceClient {
        &self.0
    }
}

fn builder(account: &str) -> VendorBuilder<Vault> {
    Vault::builder_for(account).secret("key_secret", KEY.as_str())
}

fn vault(account: &str, replay: &Replay) -> Vault {
    builder(account).connection(replay.connection()).build().unwrap()
}

fn token(name: &str) -> Reply {
    Reply::json(json!({ "access_token": name, "token_type": "Bearer", "expires_in": 3_600 }))
}

fn refusal(status: u16, code: &str) -> Reply {
    let body = json!({ "error": code, "error_description": "The assertion is no good." });
    Reply::json(body).with_status(status).header("x-request", "Rq1")
}

async fn wait(connection: &Connection, minutes: u64) {
    connection.clock().sleep(Duration::from_secs(60 * minutes)).await;
}

/// The calls of the token endpoint.
fn exchanges(replay: &Replay) -> Vec<ReceivedCall> {
    replay.calls().into_iter().filter(|call| call.path == "/login/token").collect()
}

fn field(call: &ReceivedCall, name: &str) -> String {
    call.form().into_iter().find(|(other, _)| other == name).unwrap().1
}

/// The header and the claims of an assertion.
fn parts(assertion: &str) -> [Value; 2] {
    let mut parts = assertion.split('.');
    [parts.next(), parts.next()].map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part.unwrap()).unwrap()).unwrap())
}

async fn get(vault: &Vault) -> Result<()> {
    vault.0.get("items", &[]).await.map(drop)
}

/// Returns the error of a call whose token is refused in this way.
async fn refused(reply: Reply) -> Error {
    let replay = Replay::new();
    replay.post("/login/token").reply(reply);
    let error = get(&vault("service-app", &replay)).await.unwrap_err();
    replay.check().unwrap();
    error
}

/// OK02
#[tokio::test]
async fn a_token_is_renewed_a_minute_before_it_expires() {
    let replay = Replay::new();
    let vault = vault("", &replay);
    replay.post("/login/token").reply(token("t1"));
    replay.get("/api/items").header("authorization", "Bearer t1").times(3).reply(Reply::status(200));
    for minutes in [0, 30, 28] {
        wait(&replay.connection(), minutes).await;
        get(&vault).await.unwrap();
    }
    // 59 and 61 minutes after the first.
    replay.post("/login/token").reply(token("t2"));
    replay.get("/api/items").header("authorization", "Bearer t2").times(2).reply(Reply::status(200));
    for minutes in [1, 2] {
        wait(&replay.connection(), minutes).await;
        get(&vault).await.unwrap();
    }
    replay.check().unwrap();
    let issued = |call: &ReceivedCall| parts(&field(call, "assertion"))[1]["iat"].as_i64().unwrap();
    let issued: Vec<_> = exchanges(&replay).iter().map(issued).collect();
    // GG08: each token has an assertion of its own.
    assert_eq!(issued, [START - 30, START + 59 * 60 - 30]);
}

/// OK02
#[tokio::test]
async fn a_rejected_token_is_replaced_once() {
    let replay = Replay::new();
    let vault = vault("", &replay);
    replay.post("/login/token").reply(token("t1"));
    replay.get("/api/items").header("authorization", "Bearer t1").reply(Reply::status(401));
    replay.post("/login/token").reply(token("t2"));
    replay.get("/api/items").header("authorization", "Bearer t2").times(2).reply(Reply::status(200));
    get(&vault).await.unwrap();
    get(&vault).await.unwrap();

    replay.get("/api/items").header("authorization", "Bearer t2").reply(Reply::status(401));
    replay.post("/login/token").reply(token("t3"));
    replay.get("/api/items").header("authorization", "Bearer t3").reply(Reply::status(401));
    let error = get(&vault).await.unwrap_err();
    assert_eq!((error.kind(), error.code().to_string()), (ErrorKind::Unauthorized, "Vault:AUTH_FAILED".to_owned()));
    replay.check().unwrap();
}

/// OK03
#[tokio::test]
async fn calls_that_wait_for_a_token_share_one_exchange() {
    let server = MockServer::start().await;
    let body = json!({ "access_token": "t1", "token_type": "bearer", "expires_in": "3600" });
    let exchange = ResponseTemplate::new(200).set_body_json(body);
    Mock::given(path("/login/token")).respond_with(exchange).expect(1).mount(&server).await;
    Mock::given(path("/api/items")).respond_with(ResponseTemplate::new(200)).expect(8).mount(&server).await;
    let base = BaseUrl::parse(&format!("{}/api", server.uri())).unwrap();
    let vault = builder("").base_url(base).build().unwrap();
    for done in join_all((0..8).map(|_| get(&vault))).await {
        done.unwrap();
    }
}

/// OK03, OK05
#[tokio::test]
async fn the_exchange_is_retried_with_a_fresh_assertion() {
    let replay = Replay::new();
    let vault = vault("service-app", &replay);
    replay.post("/login/token").reply(Reply::status(429).header("retry-after", "7"));
    replay.post("/login/token").reply(Reply::connection_lost());
    replay.post("/login/token").reply(token("t1"));
    replay.get("/api/items").reply(Reply::status(200));
    get(&vault).await.unwrap();
    assert!(replay.elapsed() >= Duration::from_secs(7));
    let mut ids: Vec<_> = exchanges(&replay)
        .iter()
        .map(|call| parts(&field(call, "client_assertion"))[1]["jti"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    replay.check().unwrap();
}

/// GG06
#[tokio::test]
async fn reads_do_not_need_the_scopes_of_writes() {
    let replay = Replay::new();
    let vault = vault("", &replay);
    replay.post("/login/token").reply(token("reader"));
    replay.get("/api/items").header("authorization", "Bearer reader").times(2).reply(Reply::status(200));
    get(&vault).await.unwrap();
    replay.post("/login/token").reply(refusal(401, "unauthorized_client"));
    let error = vault.0.delete("items", &[]).await.unwrap_err();
    let expected = "POST: the access token was refused (unauthorized_client); it was asked for by `sa@example.com` without a subject, \
                    with the scopes `items.read items.write`: The assertion is no good";
    assert_eq!(error.message(), expected);
    assert_eq!(error.hint(), Some("look into the vault's console"));
    get(&vault).await.unwrap();
    replay.check().unwrap();
    let scopes = |call: &ReceivedCall| parts(&field(call, "assertion"))[1]["scope"].clone();
    let scopes: Vec<_> = exchanges(&replay).iter().map(scopes).collect();
    assert_eq!(scopes, ["items.read", "items.read items.write"]);
}

/// OK05, GG08
#[tokio::test]
async fn an_assertion_says_who_where_and_when() {
    for account in ["service-app", "admin@example.com", ""] {
        let replay = Replay::new();
        replay.post("/login/token").reply(token("t1"));
        replay.get("/api/items").reply(Reply::status(200));
        get(&vault(account, &replay)).await.unwrap();
        let call = exchanges(&replay).remove(0);
        assert_eq!(call.host, "vault.example.com");
        let name = if account == "service-app" { "client_assertion" } else { "assertion" };
        let [header, mut claims] = parts(&field(&call, name));
        assert_eq!(header, json!({ "alg": "RS256", "typ": "JWT", "kid": "k1" }));
        let id = claims.as_object_mut().unwrap().remove("jti");
        let (issued, expires) = (START - 30, START - 30 + 3_000);
        let audience = "https://vault.example.com/login/token";
        let times = json!({ "aud": audience, "iat": issued, "exp": expires });
        let who = match account {
            "service-app" => {
                assert!(id.unwrap().as_str().unwrap().len() > 20);
                assert_eq!(field(&call, "grant_type"), "client_credentials");
                assert_eq!(field(&call, "scope"), "items.read");
                let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                assert_eq!(field(&call, "client_assertion_type"), kind);
                json!({ "iss": "client-17", "sub": "client-17" })
            }
            "" => json!({ "iss": "sa@example.com", "scope": "items.read" }),
            subject => json!({ "iss": "sa@example.com", "sub": subject, "scope": "items.read" }),
        };
        let expected: serde_json::Map<_, _> =
            [times, who].into_iter().flat_map(|part| part.as_object().unwrap().clone()).collect();
        assert_eq!(claims, Value::Object(expected));
        if account != "service-app" {
            assert_eq!(field(&call, "grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
        }
    }
}

/// GG08
#[tokio::test]
async fn a_wrong_local_clock_is_corrected_once() {
    let replay = Replay::new();
    let vault = vault("", &replay);
    let late = || refusal(400, "invalid_grant").header("date", "Thu, 29 Feb 2024 11:55:00 GMT");
    replay.post("/login/token").reply(late());
    replay.post("/login/token").reply(token("t1"));
    replay.get("/api/items").reply(Reply::status(200));
    get(&vault).await.unwrap();
    replay.check().unwrap();
    let issued = |call: &ReceivedCall| parts(&field(call, "assertion"))[1]["iat"].as_i64().unwrap();
    let times: Vec<_> = exchanges(&replay).iter().map(issued).collect();
    assert_eq!(times, [START - 30, START - 330]);

    // The next exchange begins with the corrected time, and is not sent again for the same difference.
    wait(&replay.connection(), 60).await;
    let late = refusal(400, "invalid_grant").header("date", "Thu, 29 Feb 2024 12:55:00 GMT");
    replay.post("/login/token").reply(late);
    let error = get(&vault).await.unwrap_err();
    assert!(!error.message().contains("clock"), "{error}");
    assert_eq!(exchanges(&replay).last().map(issued), Some(START + 3_600 - 330));
    replay.check().unwrap();
}

/// GG08
#[tokio::test]
async fn a_refusal_says_by_how_much_the_clock_is_wrong() {
    let replay = Replay::new();
    let slow = || refusal(400, "invalid_grant").header("date", "Thu, 29 Feb 2024 13:01:00 GMT");
    replay.post("/login/token").reply(slow());
    let slower = refusal(400, "invalid_grant").header("date", "Thu, 29 Feb 2024 14:01:00 GMT");
    replay.post("/login/token").reply(slower);
    let error = get(&vault("", &replay)).await.unwrap_err();
    assert!(error.message().ends_with("; the local clock is 7260 s behind the server's"), "{error}");
    assert_eq!(error.hint(), Some("correct the clock of this machine"));
    replay.check().unwrap();
}

/// OK01
#[tokio::test]
async fn proof_of_possession_is_refused_with_the_box_to_untick() {
    let dpop = Reply::json(json!({ "access_token": "t0", "token_type": "DPoP", "expires_in": 3_600 }));
    let nonce = refusal(400, "use_dpop_nonce").header("dpop-nonce", "n0nce");
    for reply in [refusal(400, "invalid_dpop_proof"), nonce, dpop] {
        let error = refused(reply).await;
        let code = "Vault:DPOP_REQUIRED".to_owned();
        assert_eq!((error.kind(), error.code().to_string()), (ErrorKind::Configuration, code));
        assert!(error.hint().unwrap().contains("\"Require Demonstrating Proof of Possession (DPoP)\""), "{error}");
    }
}

#[tokio::test]
async fn a_failed_exchange_is_not_taken_for_the_result_of_the_call() {
    let ok = |body: Value| Reply::json(body);
    let html = |status| Reply::text("<html>Sign in</html>").with_status(status).header("content-type", "text/html");
    for (reply, kind, name) in [
        (refusal(400, "invalid_grant"), ErrorKind::Unauthorized, "AUTH_FAILED"),
        (refusal(401, "invalid_client"), ErrorKind::Unauthorized, "AUTH_FAILED"),
        (refusal(403, "access_denied"), ErrorKind::Unauthorized, "FORBIDDEN"),
        (refusal(400, "invalid_scope"), ErrorKind::Configuration, "INVALID_SCOPE"),
        (refusal(400, "unsupported_grant_type"), ErrorKind::Configuration, "INVALID_REQUEST"),
        (refusal(400, "something_new"), ErrorKind::Configuration, "INVALID_RESPONSE"),
        // The status says success, and the body does not.
        (refusal(200, "invalid_client"), ErrorKind::Unauthorized, "AUTH_FAILED"),
        (Reply::status(404), ErrorKind::Configuration, "INVALID_RESPONSE"),
        (Reply::status(409), ErrorKind::Configuration, "INVALID_RESPONSE"),
        (html(404), ErrorKind::Configuration, "INVALID_RESPONSE"),
        (html(200), ErrorKind::Decode, "INVALID_RESPONSE"),
        (Reply::text("{\"access_token\": \"t"), ErrorKind::Decode, "INVALID_RESPONSE"),
        (ok(json!({})), ErrorKind::Decode, "INVALID_RESPONSE"),
        (ok(json!({ "access_token": null })), ErrorKind::Decode, "INVALID_RESPONSE"),
        (ok(json!({ "access_token": "" })), ErrorKind::Decode, "INVALID_RESPONSE"),
        (Reply::status(500), ErrorKind::Unavailable, "UNAVAILABLE"),
    ] {
        let error = refused(reply.clone()).await;
        assert_eq!((error.kind(), error.code().name()), (kind, name), "{reply:?}");
        assert_eq!(error.service(), Some("vault"));
    }
    // OK05
    let error = refused(refusal(401, "invalid_client")).await;
    assert!(error.message().contains("(invalid_client)") && error.message().ends_with(": The assertion is no good"), "{error}");
    assert!(error.message().contains("client `client-17`"), "{error}");
    assert_eq!(error.request_id(), Some("Rq1"));
}

#[tokio::test]
async fn tokens_without_a_lifetime_are_used_for_minutes() {
    for lifetime in [json!(null), json!("soon"), json!(-1), json!(1e300)] {
        let replay = Replay::new();
        let vault = vault("", &replay);
        let reply = |name| Reply::json(json!({ "access_token": name, "expires_in": lifetime }));
        replay.post("/login/token").reply(reply("t1"));
        replay.post("/login/token").reply(reply("t2"));
        replay.get("/api/items").header("authorization", "Bearer t1").times(2).reply(Reply::status(200));
        replay.get("/api/items").header("authorization", "Bearer t2").reply(Reply::status(200));
        for minutes in [0, 3, 2] {
            wait(&replay.connection(), minutes).await;
            get(&vault).await.unwrap();
        }
        replay.check().unwrap();
    }
}

#[tokio::test]
async fn a_token_that_expires_soon_is_used_while_there_is_no_other() {
    let replay = Replay::new();
    let vault = vault("", &replay);
    replay.post("/login/token").reply(token("t1"));
    replay.get("/api/items").header("authorization", "Bearer t1").times(2).reply(Reply::status(200));
    get(&vault).await.unwrap();
    wait(&replay.connection(), 59).await;
    replay.post("/login/token").times(4).reply(Reply::status(503));
    get(&vault).await.unwrap();
    wait(&replay.connection(), 1).await;
    replay.post("/login/token").times(4).reply(Reply::status(503));
    assert_eq!(get(&vault).await.unwrap_err().kind(), ErrorKind::Unavailable);
    replay.check().unwrap();
}

#[tokio::test]
async fn neither_key_nor_assertion_nor_token_is_shown() {
    let replay = Replay::new();
    let vault = vault("service-app", &replay);
    replay.post("/login/token").reply(refusal(400, "invalid_client"));
    get(&vault).await.unwrap_err();
    let assertion = field(&exchanges(&replay)[0], "client_assertion");
    replay.check().unwrap();

    // A server that repeats what it was sent: the assertion of the next attempt is another, so a local one answers.
    let server = MockServer::start().await;
    let echo = |request: &wiremock::Request| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        ResponseTemplate::new(400).set_body_json(json!({ "error": "invalid_client", "error_description": body }))
    };
    Mock::given(path("/login/token")).respond_with(echo).mount(&server).await;
    let base = BaseUrl::parse(&format!("{}/api", server.uri())).unwrap();
    let echoed = builder("service-app").base_url(base).build().unwrap();
    let error = get(&echoed).await.unwrap_err();
    let header = assertion.split('.').next().unwrap();
    let shown = format!("{error:#?} {error} {vault:#?}");
    assert!(!shown.contains(header), "{shown}");
    assert!(error.message().contains("client_assertion=[redacted]"), "{error}");

    let leak = Reply::text("{\"access_token\": [\"T0PSECRET\"]}");
    let shown = format!("{:#?}", refused(leak).await);
    assert!(!shown.contains("T0PSECRET"), "{shown}");
    let error = Vault::builder_for("").secret("key_secret", SecretString::from("S3CRET")).build().unwrap_err();
    assert!(!format!("{error:#?}").contains("S3CRET"), "{error}");
}
