//! People who sign in with a browser, at an identity provider that says what a test wants.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use sym_sdk::BoxFuture;
use sym_sdk::directory::SessionKind;
use sym_sdk::error::ErrorKind;
use sym_sdk::handlers;
use sym_sdk::model::{User, UserIdentity};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{IdentityProvider, Runtime, SignInRequest, SignInRules, SignedIn};
use sym_sdk::server::Server;
use sym_sdk::server::axum::Router;
use sym_sdk::server::axum::body::{Body, to_bytes};
use sym_sdk::server::axum::http::{HeaderMap, Method, Request};
use sym_sdk::testing::Harness;
use tower::ServiceExt as _;

use super::{account_record, get_permissions};

const ISSUER: &str = "https://id.example.com";
const CLIENT: &str = "sym";
const CALLBACK: &str = "https://sym.example.com/console/sign-in/callback";

/// A provider whose tokens have these claims, and the nonce of the request unless the claims have one.
#[derive(Clone, Debug, Default)]
struct Provider {
    claims: Arc<Mutex<Map<String, Value>>>,
}

impl Provider {
    fn says(&self, claims: &Value) {
        *self.claims.lock().unwrap() = claims.as_object().unwrap().clone();
    }
}

impl IdentityProvider for Provider {
    fn issuer(&self) -> &str {
        ISSUER
    }

    fn client_id(&self) -> &str {
        CLIENT
    }

    fn authorization_url<'a>(&'a self, request: &'a SignInRequest) -> BoxFuture<'a, Result<String>> {
        let url = format!("{ISSUER}/authorize?state={}&redirect_uri={}", request.state(), request.redirect_uri());
        Box::pin(async { Ok(url) })
    }

    fn redeem<'a>(
        &'a self,
        code: &'a SecretString,
        request: &'a SignInRequest,
    ) -> BoxFuture<'a, Result<Map<String, Value>>> {
        let mut claims = self.claims.lock().unwrap().clone();
        claims.entry("nonce").or_insert_with(|| request.nonce().into());
        assert_eq!((code.expose_secret(), request.verifier().expose_secret().len()), ("code", 64));
        Box::pin(async { Ok(claims) })
    }
}

/// A program at whose provider people sign in.
struct Fixture {
    harness: Harness,
    provider: Provider,
    routes: Router,
}

/// An answer to a browser.
struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn location(&self) -> &str {
        self.headers["location"].to_str().unwrap()
    }

    fn cookies(&self) -> Vec<&str> {
        self.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect()
    }
}

/// A browser, which keeps cookies by name.
#[derive(Clone, Default)]
struct Browser {
    cookies: Vec<(String, String)>,
}

impl Browser {
    async fn send(&mut self, fixture: &Fixture, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !self.cookies.is_empty() {
            let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", cookies.join("; "));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = fixture.routes.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
        let answer = Answer { status: parts.status.as_u16(), headers: parts.headers, text };
        for cookie in answer.cookies() {
            let (pair, attributes) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !attributes.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }

    async fn get(&mut self, fixture: &Fixture, path: &str) -> Answer {
        self.send(fixture, Method::GET, path, &[]).await
    }

    /// Begins to sign in, and returns the path that the provider sends the browser to.
    async fn begin(&mut self, fixture: &Fixture, return_path: &str) -> String {
        let answer = self.get(fixture, &format!("/console/sign-in?return={return_path}")).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        let (_, state) = answer.location().split_once("?state=").unwrap();
        let (state, redirect_uri) = state.split_once("&redirect_uri=").unwrap();
        assert_eq!(redirect_uri, CALLBACK);
        format!("/console/sign-in/callback?code=code&state={state}")
    }

    fn session(&self) -> Option<SecretString> {
        self.cookies.iter().find(|(name, _)| name == "__Host-sym").map(|(_, value)| value.clone().into())
    }

    async fn user(&self, fixture: &Fixture) -> Option<Arc<User>> {
        let session = self.session()?;
        fixture.runtime().session(&session).await.unwrap().map(|(_, user)| user)
    }
}

impl Fixture {
    async fn start(rules: SignInRules) -> Self {
        let provider = Provider::default();
        let of_builder = provider.clone();
        let harness = Harness::builder()
            .access_flow("prod", ["prod-db"])
            .handlers(handlers![get_permissions])
            .admin("ada@example.com")
            .runtime(move |builder| builder.identity_provider(of_builder.clone(), rules.clone()))
            .build()
            .await
            .unwrap();
        let server = Server::new(harness.runtime().clone()).public_url("https://sym.example.com".parse().unwrap());
        Self { routes: server.router(), provider, harness }
    }

    fn runtime(&self) -> &Runtime {
        self.harness.runtime()
    }

    /// The claims of a good token.
    fn claims(&self, subject: &str) -> Value {
        let now = self.runtime().clock().now().as_second();
        json!({
            "iss": ISSUER, "aud": CLIENT, "sub": subject, "exp": now + 300, "iat": now,
            "email": format!("{subject}@example.com"), "email_verified": true,
        })
    }

    /// Signs in without a browser.
    async fn sign_in(&self, claims: &Value) -> Result<SignedIn> {
        self.provider.says(claims);
        let (secret, _) = self.runtime().start_sign_in("/console".parse().unwrap(), CALLBACK).await.unwrap();
        self.runtime().complete_sign_in(&secret, CALLBACK, &"code".into()).await
    }

    async fn refusal(&self, claims: &Value) -> String {
        match self.sign_in(claims).await {
            Ok(signed_in) => panic!("{claims}: signed in as {}", signed_in.user.username()),
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Unauthorized | ErrorKind::Forbidden), "{error}");
                format!("{}; {}", error.message(), error.hint().unwrap_or_default())
            }
        }
    }

    async fn user(&self, email: &str) -> Arc<User> {
        self.runtime().directory().user_by_email(email).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn a_person_signs_in_and_out() {
    let fixture = Fixture::start(SignInRules::new()).await;
    let mut browser = Browser::default();
    let callback = browser.begin(&fixture, "/r/0199c1?a=b").await;
    fixture.provider.says(&fixture.claims("ana"));
    let answer = browser.get(&fixture, &callback).await;
    assert_eq!((answer.status, answer.location()), (303, "/r/0199c1?a=b"), "{}", answer.text);
    assert_eq!(answer.headers["cache-control"], "no-store");
    let cookie = answer.cookies().into_iter().find(|cookie| cookie.starts_with("__Host-sym=")).unwrap();
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
    assert_eq!(browser.cookies.len(), 1, "that of the sign-in is gone");
    let ana = browser.user(&fixture).await.unwrap();
    assert_eq!((ana.username(), ana.role()), ("ana@example.com", UserRole::Member));
    assert_eq!(ana.identity("oidc", Some(ISSUER)).unwrap().user_id(), "ana");

    // A sign-in makes a new session, and ends the one before.
    let old = browser.session().unwrap();
    let callback = browser.begin(&fixture, "/console").await;
    browser.get(&fixture, &callback).await;
    assert!(fixture.runtime().session(&old).await.unwrap().is_none());
    assert_eq!(browser.user(&fixture).await.unwrap().id(), ana.id());
    assert_eq!(fixture.runtime().sessions_of(&ana.id()).await.unwrap().len(), 1);

    // Another address of the same subject is the same person; the same address of another subject is not.
    let mut claims = fixture.claims("ana");
    claims["email"] = "ana.married@example.com".into();
    assert_eq!(fixture.sign_in(&claims).await.unwrap().user.id(), ana.id());
    let mut claims = fixture.claims("somebody-else");
    claims["email"] = "ana@example.com".into();
    assert!(fixture.refusal(&claims).await.contains("another account"));

    let session = browser.session().unwrap();
    let same_origin = [("origin", "https://sym.example.com")];
    let answer = browser.send(&fixture, Method::POST, "/console/sign-out", &same_origin).await;
    assert_eq!((answer.status, answer.location()), (303, "/console"));
    assert!(browser.session().is_none());
    assert!(fixture.runtime().session(&session).await.unwrap().is_none());
}

#[tokio::test]
async fn a_sign_in_is_finished_once_in_its_browser_and_soon() {
    let mut fixture = Fixture::start(SignInRules::new()).await;
    fixture.provider.says(&fixture.claims("ana"));
    let mut browser = Browser::default();
    let callback = browser.begin(&fixture, "/console").await;
    // Somebody who has the address of the callback, but not the cookie.
    let mut other = Browser::default();
    let answer = other.get(&fixture, &callback).await;
    assert_eq!(answer.status, 401, "{}", answer.text);
    let other_callback = other.begin(&fixture, "/console").await;
    assert_eq!(other.get(&fixture, &callback).await.status, 401);
    assert_eq!(browser.get(&fixture, &other_callback).await.status, 401, "the one of another browser is not planted");

    let copy = browser.clone();
    assert_eq!(browser.get(&fixture, &callback).await.status, 303);
    assert_eq!(copy.clone().get(&fixture, &callback).await.status, 401, "once");
    assert_eq!(browser.get(&fixture, &callback).await.location(), "/console", "loaded again, with a session");

    fixture.harness.advance(Duration::from_secs(601)).await.unwrap();
    fixture.provider.says(&fixture.claims("ana"));
    let answer = other.get(&fixture, &other_callback).await;
    assert_eq!(answer.status, 401, "ten minutes: {}", answer.text);
    assert!(other.session().is_none());
}

#[tokio::test]
async fn answers_of_the_provider_that_are_refusals_end_the_sign_in() {
    let fixture = Fixture::start(SignInRules::new()).await;
    fixture.provider.says(&fixture.claims("ana"));
    for (change, part) in [
        ("error=access_denied", "has refused the sign-in: access_denied"),
        ("error=%3Cscript%3E", "has refused the sign-in: script"),
        ("code=", "no code"),
        ("code=code&iss=https%3A%2F%2Fevil.example", "another identity provider"),
    ] {
        let mut browser = Browser::default();
        let callback = browser.begin(&fixture, "/console").await;
        let refused = callback.replace("code=code", change);
        let answer = browser.get(&fixture, &refused).await;
        assert_eq!(answer.status, 403, "{change}");
        assert!(answer.text.contains(part), "{}", answer.text);
        assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
        assert!(browser.cookies.is_empty());
        assert_eq!(browser.get(&fixture, &callback).await.status, 401, "it cannot be finished later");
    }
}

#[tokio::test]
async fn return_addresses_are_paths_of_this_server() {
    let fixture = Fixture::start(SignInRules::new()).await;
    for elsewhere in [
        "https://evil.example",
        "//evil.example",
        "/%5Cevil.example",
        "%5C%5Cevil.example",
        "/%09/evil.example",
        "/%0d%0aset-cookie:x=y",
        "console",
        "",
        "javascript:alert(1)",
        "/%C3%A9",
    ] {
        let answer = Browser::default().get(&fixture, &format!("/console/sign-in?return={elsewhere}")).await;
        assert_eq!(answer.status, 400, "{elsewhere}");
        assert!(answer.cookies().is_empty());
    }
    let long = format!("/console/sign-in?return=/{}", "x".repeat(3_000));
    assert_eq!(Browser::default().get(&fixture, &long).await.status, 400);
}

/// QB11: the request does not tell us who we are.
#[tokio::test]
async fn our_address_is_the_configured_one_whatever_a_request_says() {
    let fixture = Fixture::start(SignInRules::new()).await;
    let headers = [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "http"),
        ("forwarded", "host=evil.example;proto=http"),
    ];
    let mut browser = Browser::default();
    let answer = browser.send(&fixture, Method::GET, "/console/sign-in", &headers).await;
    assert!(answer.location().ends_with(&format!("&redirect_uri={CALLBACK}")), "{}", answer.location());
    assert!(answer.cookies()[0].ends_with("; Secure"));

    let runtime = fixture.runtime();
    for (url, expected) in [(None, 500), (Some("http://sym.example.com"), 500), (Some("http://localhost:3000"), 303)] {
        let server = Server::new(runtime.clone());
        let server = match url {
            Some(url) => server.public_url(url.parse().unwrap()),
            None => server,
        };
        let request = Request::get("/console/sign-in").header("host", "sym.example.com").body(Body::empty()).unwrap();
        let response = server.router().oneshot(request).await.unwrap();
        assert_eq!(response.status().as_u16(), expected, "{url:?}");
        if let Some(cookie) = response.headers().get("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.starts_with("sym_dev_in_") && cookie.ends_with("; SameSite=Lax"), "{cookie}");
        }
    }
}

/// QB12: a form of another site signs nobody out, and a proxy that rewrites `Host` locks nobody out.
#[tokio::test]
async fn only_pages_of_this_server_sign_out() {
    let fixture = Fixture::start(SignInRules::new()).await;
    fixture.provider.says(&fixture.claims("ana"));
    let mut browser = Browser::default();
    let callback = browser.begin(&fixture, "/console").await;
    browser.get(&fixture, &callback).await;
    let refused: [&[(&str, &str)]; 9] = [
        &[],
        &[("origin", "null")],
        &[("origin", "https://evil.example")],
        &[("origin", "http://sym.example.com")],
        &[("origin", "https://sister.example.com"), ("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[("sec-fetch-site", "cross-site"), ("origin", "https://sym.example.com")],
        &[("host", "sym.example.com")],
    ];
    for headers in refused {
        let answer = browser.send(&fixture, Method::POST, "/console/sign-out", headers).await;
        assert_eq!(answer.status, 403, "{headers:?}");
    }
    assert_eq!(browser.get(&fixture, "/console/sign-out").await.status, 405);
    assert!(browser.user(&fixture).await.is_some());
    let good: [&[(&str, &str)]; 3] = [
        &[("host", "internal:8080"), ("origin", "https://sym.example.com")],
        &[("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "same-origin"), ("origin", "https://sym.example.com")],
    ];
    for headers in good {
        let answer = browser.send(&fixture, Method::POST, "/console/sign-out", headers).await;
        assert_eq!(answer.status, 303, "{headers:?}");
    }
    assert!(browser.user(&fixture).await.is_none());
}

/// QB13: several tabs sign in at once.
#[tokio::test]
async fn tabs_that_sign_in_do_not_disturb_each_other() {
    let fixture = Fixture::start(SignInRules::new()).await;
    fixture.provider.says(&fixture.claims("ana"));
    let mut browser = Browser::default();
    let mut tabs = Vec::new();
    for number in 0..3 {
        tabs.push(browser.begin(&fixture, &format!("/r/{number}")).await);
    }
    for (number, callback) in tabs.iter().enumerate().rev() {
        assert_eq!(browser.get(&fixture, callback).await.location(), format!("/r/{number}"));
    }
    assert_eq!(browser.cookies.len(), 1);
    // A tab that was left open, whose sign-in nobody knows any more.
    let stale = format!("/console/sign-in/callback?code=code&state={}", "0".repeat(64));
    assert_eq!(browser.get(&fixture, &stale).await.location(), "/console");

    // The same name twice: one of another path.
    let (name, value) = browser.cookies[0].clone();
    for planted in ["symweb_0", "x", ""] {
        let cookies = vec![(name.clone(), planted.to_owned()), (name.clone(), value.clone())];
        assert_eq!(Browser { cookies }.get(&fixture, &stale).await.status, 303, "{planted}");
    }

    // Not more than five, whatever is begun.
    let mut browser = Browser::default();
    let first = browser.begin(&fixture, "/console").await;
    let mut last = String::new();
    for _ in 0..8 {
        last = browser.begin(&fixture, "/console").await;
    }
    assert_eq!(browser.cookies.len(), 5);
    assert_eq!(browser.clone().get(&fixture, &first).await.status, 401, "the oldest are gone");
    assert_eq!(browser.get(&fixture, &last).await.status, 303);
}

/// QB15: browsers send no cookie of ours with a form that another site posts.
#[tokio::test]
async fn a_posted_answer_is_refused_with_the_reason() {
    let fixture = Fixture::start(SignInRules::new()).await;
    let answer = Browser::default().send(&fixture, Method::POST, "/console/sign-in/callback", &[]).await;
    assert_eq!((answer.status, answer.headers["allow"].to_str().unwrap()), (405, "GET"));
    assert!(answer.text.contains("response_mode=query"), "{}", answer.text);
}

/// QB01: groups that are not told are not no groups.
#[tokio::test]
async fn unknown_groups_are_not_no_groups() {
    let rules = SignInRules::new().role(UserRole::Admin, ["sym-admins"]).role(UserRole::Member, ["eng", "ops"]);
    let fixture = Fixture::start(rules).await;
    let with_groups = |groups: Value| {
        let mut claims = fixture.claims("ana");
        claims["groups"] = groups;
        claims
    };
    let role = async || fixture.user("ana@example.com").await.role();
    for (groups, expected) in [
        (json!(["eng"]), UserRole::Member),
        (json!("ops"), UserRole::Member),
        (json!(["eng", "sym-admins", "other"]), UserRole::Admin),
    ] {
        let signed_in = fixture.sign_in(&with_groups(groups)).await.unwrap();
        assert_eq!((signed_in.user.role(), role().await), (expected, expected));
    }
    let ana = fixture.user("ana@example.com").await.id();
    let (_, cli) = fixture.runtime().begin_session(&ana, SessionKind::CommandLine).await.unwrap();

    let absent = fixture.claims("ana");
    let mut elsewhere = absent.clone();
    elsewhere["_claim_names"] = json!({ "groups": "src1" });
    elsewhere["_claim_sources"] = json!({ "src1": { "endpoint": "https://graph.example.com" } });
    let mut too_many = absent.clone();
    too_many["hasgroups"] = true.into();
    for (claims, part) in [
        (&elsewhere, "app roles"),
        (&too_many, "app roles"),
        (&absent, "add the claim"),
        (&with_groups(Value::Null), "add the claim"),
        (&with_groups(json!({ "eng": true })), "add the claim"),
        (&with_groups(json!(["eng", 7])), "add the claim"),
    ] {
        let refusal = fixture.refusal(claims).await;
        assert!(refusal.contains(part), "{claims}: {refusal}");
        assert_eq!(role().await, UserRole::Admin, "the role stays");
        assert!(fixture.runtime().session(&cli).await.unwrap().is_some(), "so do the sessions");
    }

    for groups in [json!([]), json!(["Eng", "eng "]), json!([""])] {
        assert!(fixture.refusal(&with_groups(groups)).await.contains("in none of the groups"));
        assert_eq!(role().await, UserRole::Guest);
        assert!(fixture.runtime().session(&cli).await.unwrap().is_none());
    }
    // Nobody is added who cannot sign in.
    let mut stranger = fixture.claims("stranger");
    stranger["groups"] = json!([]);
    fixture.refusal(&stranger).await;
    assert!(fixture.runtime().directory().user_by_email("stranger@example.com").await.unwrap().is_none());
    assert_eq!(fixture.sign_in(&with_groups(json!(["eng"]))).await.unwrap().user.role(), UserRole::Member);
}

/// QB02: an address counts only if the provider has verified it, and never as that of an administrator.
#[tokio::test]
async fn accounts_are_joined_by_verified_addresses_alone() {
    let values = [
        (Some(json!(true)), true),
        (Some(json!("true")), true),
        (None, false),
        (Some(json!(false)), false),
        (Some(json!("false")), false),
        (Some(json!(1)), false),
        (Some(Value::Null), false),
        (Some(json!("TRUE")), false),
    ];
    for (verified, is_joined) in values {
        for email in ["new@example.com", "ben@example.com", "ada@example.com"] {
            let fixture = Fixture::start(SignInRules::new()).await;
            fixture.runtime().directory().get_or_create_user_by_email("ben@example.com").await.unwrap();
            let mut claims = fixture.claims("subject");
            claims["email"] = email.into();
            match &verified {
                Some(verified) => claims["email_verified"] = verified.clone(),
                None => drop(claims.as_object_mut().unwrap().remove("email_verified")),
            }
            if is_joined && email != "ada@example.com" {
                let user = fixture.sign_in(&claims).await.unwrap().user;
                assert_eq!((user.username(), user.role()), (email, UserRole::Member), "{verified:?}");
            } else {
                let refusal = fixture.refusal(&claims).await;
                let part = if is_joined { "another administrator" } else { "has not verified" };
                assert!(refusal.contains(part), "{verified:?} {email}: {refusal}");
            }
        }
    }

    let fixture = Fixture::start(SignInRules::new().email_is_verified(true)).await;
    let mut claims = fixture.claims("subject");
    claims.as_object_mut().unwrap().remove("email_verified");
    fixture.sign_in(&claims).await.unwrap();
    let mut claims = fixture.claims("other");
    claims["email_verified"] = false.into();
    assert!(fixture.refusal(&claims).await.contains("has not verified"), "a no is a no");
}

#[tokio::test]
async fn addresses_that_look_like_ours_are_not() {
    let fixture = Fixture::start(SignInRules::new()).await;
    let mut claims = fixture.claims("subject");
    for email in [
        "ana@example.com.evil.org",
        "ana@sub.example.com",
        "ana@notexample.com",
        "ana@evil.org",
        "ana@example.c\u{43e}m",
        "ana",
        "@example.com",
        "ana@example.com@evil.org",
    ] {
        claims["email"] = email.into();
        assert!(fixture.sign_in(&claims).await.is_err(), "{email}");
    }
    claims.as_object_mut().unwrap().remove("email");
    assert!(fixture.refusal(&claims).await.contains("does not tell your e-mail address"));
    claims["email"] = "Ana@Example.com".into();
    assert_eq!(fixture.sign_in(&claims).await.unwrap().user.username(), "ana@example.com");
    // Ren\u{e9} is one person, however the accent is written.
    let directory = fixture.runtime().directory();
    let rene = directory.get_or_create_user_by_email("ren\u{e9}@example.com").await.unwrap();
    let mut claims = fixture.claims("rene");
    claims["email"] = "rene\u{301}@example.com".into();
    assert_eq!(fixture.sign_in(&claims).await.unwrap().user.id(), rene.id());
}

#[tokio::test]
async fn an_administrator_signs_in_with_an_account_that_another_one_has_added() {
    let fixture = Fixture::start(SignInRules::new()).await;
    let ada = fixture.user("ada@example.com").await.id();
    assert!(fixture.refusal(&fixture.claims("ada")).await.contains("another administrator"));
    let directory = fixture.runtime().directory();
    directory.put_identity(ada, UserIdentity::new("oidc", ISSUER, "ada")).await.unwrap();
    let signed_in = fixture.sign_in(&fixture.claims("ada")).await.unwrap();
    assert_eq!((signed_in.user.id(), signed_in.user.role()), (ada, UserRole::Admin));
}

#[tokio::test]
async fn people_who_are_locked_or_deleted_do_not_sign_in() {
    let fixture = Fixture::start(SignInRules::new()).await;
    let (runtime, claims) = (fixture.runtime(), fixture.claims("ana"));
    fixture.sign_in(&claims).await.unwrap();
    runtime.lock_user("ana@example.com", "ada@example.com", "").await.unwrap();
    assert!(fixture.refusal(&claims).await.contains("is locked"));
    runtime.unlock_user("ana@example.com", "ada@example.com", "").await.unwrap();
    fixture.sign_in(&claims).await.unwrap();
    runtime.delete_user("ana@example.com", "ada@example.com", "").await.unwrap();
    assert!(fixture.refusal(&claims).await.contains("was deleted"));
    // Another account with the address of somebody who was deleted.
    let mut other = fixture.claims("other");
    other["email"] = "ana@example.com".into();
    assert!(fixture.refusal(&other).await.contains("was deleted"));
}

/// QB05: tokens that are wrong in one thing.
#[tokio::test]
async fn tokens_that_are_wrong_in_one_thing_are_refused() {
    let fixture = Fixture::start(SignInRules::new()).await;
    let now = fixture.runtime().clock().now().as_second();
    let good = fixture.claims("ana");
    let table = [
        ("iss", json!("https://id.example.com/"), "only the slash at the end differs"),
        ("iss", json!("https://evil.example"), "is expected"),
        ("iss", Value::Null, "is expected"),
        ("aud", json!("other"), "`aud`"),
        ("aud", json!([]), "`aud`"),
        ("aud", Value::Null, "`aud`"),
        ("aud", json!([CLIENT, "other"]), "`azp`"),
        ("azp", json!("other"), "`azp`"),
        ("exp", Value::Null, "`exp`"),
        ("exp", json!("tomorrow"), "`exp`"),
        ("exp", json!(now - 60), "expired"),
        ("nbf", json!(now + 61), "`nbf`"),
        ("iat", json!(now + 61), "`iat`"),
        ("nonce", json!("another"), "`nonce`"),
        ("sub", json!(""), "`sub`"),
        ("sub", json!(7), "`sub`"),
        ("sub", json!("x".repeat(256)), "`sub`"),
    ];
    for (claim, value, part) in table {
        let mut claims = good.clone();
        claims[claim] = value;
        let refusal = fixture.refusal(&claims).await;
        assert!(refusal.contains(part), "{claim}: {refusal}");
    }
    let several = [
        ("iat", json!(now + 3)),
        ("nbf", json!(now + 60)),
        ("exp", json!(now - 59)),
        ("exp", json!(1e11)),
        ("aud", json!([CLIENT])),
        ("azp", json!(CLIENT)),
    ];
    for (claim, value) in several {
        let mut claims = good.clone();
        claims[claim] = value;
        assert!(fixture.sign_in(&claims).await.is_ok(), "{claims}");
    }
    let mut for_several = good.clone();
    (for_several["aud"], for_several["azp"]) = (json!(["other", CLIENT]), json!(CLIENT));
    fixture.sign_in(&for_several).await.unwrap();
}

#[tokio::test]
async fn without_a_provider_there_is_nothing_to_sign_in_at() {
    let api = super::TestApi::start().await;
    for path in ["/console/sign-in", "/console/sign-in/callback"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = api.routes.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status().as_u16(), 404, "{path}");
    }
    assert_eq!(api.harness.runtime().sign_in_issuer(), None);
}

#[tokio::test]
async fn sign_ins_and_sign_outs_are_on_record() {
    let fixture =
        Fixture::start(SignInRules::new().role(UserRole::Admin, ["ops"]).role(UserRole::Member, ["eng"])).await;
    let of_groups = |groups: &[&str]| {
        let mut claims = fixture.claims("ana");
        claims["groups"] = json!(groups);
        claims
    };
    fixture.provider.says(&of_groups(&["eng"]));
    let mut browser = Browser::default();
    let callback = browser.begin(&fixture, "/console").await;
    browser.get(&fixture, &callback).await;
    let secret = browser.session().unwrap();
    let origin = [("origin", "https://sym.example.com"), ("sec-fetch-site", "same-origin")];
    browser.send(&fixture, Method::POST, "/console/sign-out", &origin).await;
    // More rights, none at all, and a token that is not good.
    fixture.sign_in(&of_groups(&["ops"])).await.unwrap();
    fixture.refusal(&of_groups(&[])).await;
    let mut claims = of_groups(&["eng"]);
    claims["nonce"] = json!("another");
    fixture.refusal(&claims).await;
    // The provider refuses, and the page is loaded again.
    let callback = browser.begin(&fixture, "/console").await.replace("code=code", "error=access_denied");
    for _ in 0..2 {
        browser.get(&fixture, &callback).await;
    }
    let record = account_record(fixture.runtime(), &[secret.expose_secret()]).await;
    assert_eq!(
        record,
        [
            "ana@example.com: signed in on a browser, at https://id.example.com",
            "ana@example.com: ended a session of ana@example.com",
            "sym: changed the role of ana@example.com from member to admin",
            "ana@example.com: signed in on a browser, at https://id.example.com",
            "sym: changed the role of ana@example.com from admin to guest",
            "ana@example.com: could not sign in on a browser: you are in none of the groups whose members may sign in \
             (Authentication:SIGN_IN_REFUSED)",
            "unknown: could not sign in on a browser: the token does not have the nonce (`nonce`) of this sign-in \
             (Authentication:INVALID_JWT)",
            "unknown: could not sign in on a browser: the identity provider has refused the sign-in: access_denied \
             (Authentication:SIGN_IN_REFUSED)",
        ]
    );
}
