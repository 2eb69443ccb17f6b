//! Signing in through a proxy in front of the server, which names the person in a header of each request.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use sym_sdk::BoxFuture;
use sym_sdk::console::Console;
use sym_sdk::error::{Error, ErrorKind, codes};
use sym_sdk::handlers;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{AssertionVerifier, SignInProxy, SignInRules};
use sym_sdk::server::Server;
use sym_sdk::server::axum::http::{Method, StatusCode};

use super::browser::Browser;
use super::{World, get_permissions};

const URL: &str = "https://sym.example.com";
const PROXY: &str = "10.0.0.7";
const ISSUER: &str = "https://proxy.example.com";

/// A verifier of assertions that are JSON, if they begin with the signature `signed:`.
#[derive(Clone, Debug, Default)]
struct Assertions {
    verified: Arc<Mutex<usize>>,
}

impl AssertionVerifier for Assertions {
    fn issuer(&self) -> &str {
        ISSUER
    }

    fn audience(&self) -> &str {
        "sym"
    }

    fn verify<'a>(&'a self, assertion: &'a SecretString) -> BoxFuture<'a, Result<Map<String, Value>>> {
        *self.verified.lock().unwrap() += 1;
        let claims = assertion.expose_secret().strip_prefix("signed:").map(|text| text.replace(';', ","));
        let claims = claims.and_then(|claims| serde_json::from_str(&claims).ok());
        Box::pin(async {
            claims.ok_or_else(|| Error::new(ErrorKind::Unauthorized, codes::AUTHENTICATION_INVALID_JWT, "not signed"))
        })
    }
}

/// A program behind a proxy.
async fn world(proxy: impl Fn() -> SignInProxy + Send + Sync + 'static) -> World {
    let mut world = World::with(Console::new(), |builder| {
        builder.handlers(handlers![get_permissions]).runtime(move |builder| builder.sign_in_proxy(proxy()))
    })
    .await;
    let server = Server::new(world.harness.runtime().clone()).public_url(URL.parse().unwrap());
    world.routes = server.router();
    world
}

async fn plain() -> World {
    world(|| SignInProxy::plain("X-Forwarded-Email", [PROXY.parse().unwrap()]).unwrap()).await
}

/// Returns a browser behind the proxy, whose requests have these headers.
fn behind(world: &World, headers: &[(&'static str, &str)]) -> Browser {
    let mut browser = world.browser();
    browser.peer = Some(PROXY.parse().unwrap());
    browser.headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    browser
}

/// Returns the assertion about somebody, and with further claims.
fn assertion(world: &World, name: &str, claims: Value) -> String {
    let now = world.harness.runtime().clock().now().as_second();
    let mut all = json!({
        "iss": ISSUER, "aud": ["sym"], "sub": name, "email": format!("{name}@example.com"), "email_verified": true,
        "iat": now, "exp": now + 300,
    });
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    // Commas would stand for several headers.
    format!("signed:{}", all.to_string().replace(',', ";"))
}

#[tokio::test]
async fn the_proxy_signs_people_in_and_its_word_is_asked_each_time() {
    let mut world = plain().await;
    let mut ana = behind(&world, &[("x-forwarded-email", "Ana@Example.com")]);
    let home = ana.get("/console").await.ok();
    home.has("ana@example.com").lacks("Demonstration");
    assert_eq!(home.address, "/console");
    let cookie = ana.cookie("__Host-sym").unwrap().to_owned();
    let user = world.user("ana").await;
    assert_eq!(user.identity("oidc", Some("proxy")).unwrap().user_id(), "ana@example.com");
    let run = world.request(&mut ana, "INC-42").await.run();
    assert_eq!(ana.cookie("__Host-sym"), Some(cookie.as_str()), "it is one session");

    // The cookie alone is not enough, neither past the proxy nor behind it.
    let mut thief = world.browser();
    thief.set_cookie("__Host-sym", &cookie);
    let refused = thief.get("/console").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    refused.has("The proxy in front of this server has not said who you are").lacks("INC-42");
    // Somebody else at the same browser is somebody else here.
    ana.headers = vec![("x-forwarded-email", "ben@example.com".to_owned())];
    let page = ana.get(&format!("/r/{run}")).await.ok();
    page.has("Your decision").has("ben@example.com");
    assert_eq!(page.address, format!("/r/{run}"));
    assert!(world.harness.runtime().sessions_of(&user.id()).await.unwrap().is_empty(), "the session before has ended");
}

#[tokio::test]
async fn the_header_is_read_from_the_proxy_alone_and_once() {
    let world = plain().await;
    /// The peer, the headers, and the status of the answer.
    type Case = (&'static str, &'static [(&'static str, &'static str)], StatusCode);
    let table: [Case; 9] = [
        (PROXY, &[("x-forwarded-email", "ana@example.com")], StatusCode::OK),
        (PROXY, &[], StatusCode::UNAUTHORIZED),
        ("10.0.0.8", &[("x-forwarded-email", "ana@example.com")], StatusCode::UNAUTHORIZED),
        (
            "192.0.2.1",
            &[("x-forwarded-email", "ana@example.com"), ("x-forwarded-for", PROXY)],
            StatusCode::UNAUTHORIZED,
        ),
        (PROXY, &[("x_forwarded_email", "ana@example.com")], StatusCode::UNAUTHORIZED),
        (PROXY, &[("x-forwarded_email", "ana@example.com")], StatusCode::UNAUTHORIZED),
        (
            PROXY,
            &[("x-forwarded-email", "ana@example.com"), ("x-forwarded-email", "ada@example.com")],
            StatusCode::BAD_REQUEST,
        ),
        (PROXY, &[("x-forwarded-email", "ana@example.com, ada@example.com")], StatusCode::BAD_REQUEST),
        (PROXY, &[("x-forwarded-email", "")], StatusCode::UNAUTHORIZED),
    ];
    for (peer, headers, expected) in table {
        let mut browser = behind(&world, headers);
        browser.peer = Some(peer.parse().unwrap());
        let answer = browser.get("/console").await;
        assert_eq!(answer.status, expected, "{peer} {headers:?}: {}", answer.text);
        assert_eq!(browser.cookie("__Host-sym").is_some(), expected == StatusCode::OK, "{peer} {headers:?}");
    }
    // An IPv4 address that is mapped into IPv6 is the same proxy.
    let mut browser = behind(&world, &[("x-forwarded-email", "ana@example.com")]);
    browser.peer = Some("::ffff:10.0.0.7".parse().unwrap());
    browser.get("/console").await.ok().has("ana@example.com");
}

#[tokio::test]
async fn only_people_of_the_organization_are_joined_and_never_an_administrator() {
    let world = plain().await;
    for (email, part) in [
        ("eve@elsewhere.example", "in no domain of this organization"),
        ("ada@example.com", "the address of an administrator"),
        ("nobody", "in no domain of this organization"),
    ] {
        let mut browser = behind(&world, &[("x-forwarded-email", email)]);
        let refused = browser.get("/console").await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{email}: {}", refused.text);
        refused.has(part);
        assert_eq!(browser.cookie("__Host-sym"), None, "{email}");
    }
    // Another administrator, or the operator, adds her account.
    let ada = world.user("ada").await;
    let account = sym_sdk::model::UserIdentity::new("oidc", "proxy", "ada@example.com");
    world.harness.runtime().directory().put_identity(ada.id(), account).await.unwrap();
    let mut browser = behind(&world, &[("x-forwarded-email", "ada@example.com")]);
    browser.get("/console").await.ok().has("Operations");
}

#[tokio::test]
async fn a_signed_assertion_gives_identity_and_roles() {
    let rules = || SignInRules::new().role(UserRole::Admin, ["ops"]).role(UserRole::Member, ["eng"]);
    let world = world(move || {
        SignInProxy::signed("X-Assertion", [PROXY.parse().unwrap()], Assertions::default(), rules()).unwrap()
    })
    .await;
    let with = |name: &str, claims: Value| behind(&world, &[("x-assertion", &assertion(&world, name, claims))]);
    let mut ana = with("ana", json!({ "groups": ["eng"] }));
    ana.get("/console").await.ok().has("ana@example.com").lacks("Operations");
    assert_eq!(world.user("ana").await.identity("oidc", Some(ISSUER)).unwrap().user_id(), "ana");
    let mut cleo = with("cleo", json!({ "groups": ["ops", "eng"] }));
    cleo.get("/console").await.ok().has("Operations");

    for (claims, part) in [
        (json!({ "aud": "other" }), "audience"),
        (json!({ "iss": "https://evil.example" }), "issued"),
        (json!({ "exp": 1 }), "expired"),
        (json!({ "groups": ["eng"], "email_verified": false }), "has not verified the address"),
        (json!({ "groups": ["others"] }), "in none of the groups"),
        (json!({}), "does not tell your groups"),
    ] {
        let refused = with("dee", claims.clone()).get("/console").await;
        assert!(
            [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&refused.status),
            "{claims}: {}",
            refused.text
        );
        refused.has(part);
    }
    let mut forged = behind(&world, &[("x-assertion", "{}")]);
    assert_eq!(forged.get("/console").await.status, StatusCode::UNAUTHORIZED);

    // What has expired is no word of the proxy, also within a session.
    let mut world = world;
    ana.get("/console").await.ok();
    world.harness.advance(Duration::from_secs(400)).await.unwrap();
    let refused = ana.get("/console").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    refused.has("expired");
}

#[tokio::test]
async fn whoever_signs_out_is_sent_to_the_proxy() {
    let world = world(|| {
        let proxy = SignInProxy::plain("X-Forwarded-Email", [PROXY.parse().unwrap()]).unwrap();
        proxy.sign_out_path("/oauth2/sign_out").unwrap()
    })
    .await;
    let mut ana = behind(&world, &[("x-forwarded-email", "ana@example.com")]);
    ana.get("/console").await.ok();
    let answer = ana.send(Method::POST, "/console/sign-out", String::new()).await;
    assert_eq!(
        (answer.status, &answer.headers["location"]),
        (StatusCode::SEE_OTHER, &"/oauth2/sign_out".parse().unwrap())
    );
    assert_eq!(ana.cookie("__Host-sym"), None);
    let other = plain().await;
    let mut ana = behind(&other, &[("x-forwarded-email", "ana@example.com")]);
    ana.get("/console").await.ok();
    ana.post("/console/sign-out", &[]).await.ok().has("you have signed out here");
    assert!(other.harness.runtime().sessions_of(&other.user("ana").await.id()).await.unwrap().is_empty());
}

#[test]
fn a_proxy_needs_a_header_of_its_own_and_addresses() {
    let peers = |range: &str| [range.parse().unwrap()];
    for (header, range) in [
        ("Authorization", PROXY),
        ("cookie", PROXY),
        ("X-Forwarded-For", PROXY),
        ("no header", PROXY),
        ("X-Forwarded-Email", "0.0.0.0/0"),
        ("X-Forwarded-Email", "::/0"),
    ] {
        let error = SignInProxy::plain(header, peers(range)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{header} {range}");
    }
    assert!(SignInProxy::plain("X-Forwarded-Email", []).is_err());
    for path in ["https://evil.example", "//evil.example", "/\\evil.example", "sign_out", "/a\r\nset-cookie: a=b"] {
        let proxy = SignInProxy::plain("X-Forwarded-Email", peers(PROXY)).unwrap();
        assert!(proxy.sign_out_path(path).is_err(), "{path}");
    }
}
