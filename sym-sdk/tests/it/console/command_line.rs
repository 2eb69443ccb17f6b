//! Command lines that people let in.

use std::time::Duration;

use serde_json::{Value, json};
use sym_sdk::api::Api;
use sym_sdk::audit::AuditKind;
use sym_sdk::console::Console;
use sym_sdk::handlers;
use sym_sdk::server::axum::body::{Body, to_bytes};
use sym_sdk::server::axum::http::{Request, StatusCode};
use tower::ServiceExt as _;

use super::{World, get_permissions};

const PAGE: &str = "/console/command-line";

impl World {
    async fn with_api() -> Self {
        let change = |builder: sym_sdk::testing::HarnessBuilder| {
            builder.handlers(handlers![get_permissions]).runtime(|builder| builder.front_end(Api::new()))
        };
        Self::with(Console::new().with_user_chooser(), change).await
    }

    /// Calls the API as a command line does.
    async fn call(&self, path: &str, token: Option<&str>, body: &Value) -> (u16, Value) {
        let mut request = Request::post(format!("/api/v1{path}")).header("content-type", "application/json");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Body::from(body.to_string())).unwrap();
        let response = self.routes.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&to_bytes(response.into_body(), usize::MAX).await.unwrap()).unwrap())
    }

    /// Begins a sign-in, and returns its secret and its code.
    async fn begin(&self) -> (String, String) {
        let (status, begun) = self.call("/command-line/sign-ins", None, &json!({ "machine": "ana@<laptop>" })).await;
        assert_eq!(status, 201, "{begun}");
        assert_eq!((&begun["path"], &begun["expires_in"]), (&json!(PAGE), &json!(600)));
        let text = |name: &str| begun[name].as_str().unwrap().to_owned();
        (text("secret"), text("code"))
    }

    async fn fetch(&self, secret: &str) -> (u16, Value) {
        self.call("/command-line/sessions", None, &json!({ "secret": secret })).await
    }

    async fn record(&self) -> Vec<String> {
        let entries = self.harness.runtime().audit(None, usize::MAX).await.unwrap();
        let of_accounts = entries.iter().filter_map(|entry| match &entry.kind {
            AuditKind::Account(event) => Some(format!("{}: {event}", entry.event.actor.username())),
            _ => None,
        });
        of_accounts.filter(|line| line.contains("command line")).collect()
    }
}

#[tokio::test]
async fn a_person_lets_a_command_line_in() {
    let world = World::with_api().await;
    let (secret, code) = world.begin().await;
    assert_eq!(world.fetch(&secret).await, (200, json!({ "state": "waiting", "interval": 5 })));
    // Whoever is not signed in comes back here.
    let mut browser = world.browser();
    let chooser = browser.get(PAGE).await.ok();
    let ana = world.user("ana").await.id().to_string();
    let page = browser.press(&chooser, ("user", &ana), &[]).await.ok();
    page.has("Enter the code").has("Has somebody sent you a code");
    let asked = browser.press(&page, ("action", "find"), &[("code", &code.to_lowercase())]).await.ok();
    asked.has(&code).has("0.0.0.0").has("ana@&lt;laptop&gt;").has("nobody has verified").has("(ana@example.com)");
    assert_eq!(world.fetch(&secret).await.1["state"], "waiting", "it was looked at, and not answered");
    browser.press(&asked, ("action", "allow"), &[]).await.ok().has("You are signed in").lacks("symcli_");

    let (status, session) = world.fetch(&secret).await;
    assert_eq!(
        (status, &session["state"], &session["user"]["username"]),
        (200, &json!("signed_in"), &json!("ana@example.com"))
    );
    let token = session["token"].as_str().unwrap();
    assert!(token.starts_with("symcli_"));
    // Once, and the code, too.
    assert_eq!(world.fetch(&secret).await.0, 401);
    browser.post(PAGE, &[("code", &code), ("action", "allow")]).await.ok().has("No command line waits with this code");
    // It is one of the person's sessions.
    let sessions = world.harness.runtime().sessions_of(&world.user("ana").await.id()).await.unwrap();
    assert_eq!(sessions.len(), 2);
    let (status, ended) = world.call("/me/sign-out", Some(token), &json!({})).await;
    assert_eq!((status, &ended["sessions"]), (200, &json!(1)));
    assert_eq!(world.call("/me/sign-out", Some(token), &json!({})).await.0, 401);
    browser.get("/console").await.ok().has("My access");
    assert_eq!(world.record().await, ["ana@example.com: signed in on a command line at 0.0.0.0"],);
}

#[tokio::test]
async fn a_command_line_that_is_not_known_gets_nothing() {
    let mut world = World::with_api().await;
    let mut ana = world.sign_in("ana").await;
    let (secret, code) = world.begin().await;
    let asked = ana.post(PAGE, &[("code", &code), ("action", "find")]).await.ok();
    ana.press(&asked, ("action", "refuse"), &[]).await.ok().has("It was refused");
    let (status, refused) = world.fetch(&secret).await;
    assert_eq!((status, &refused["code"]), (403, &json!("Authentication:SIGN_IN_REFUSED")));
    assert_eq!(world.fetch(&secret).await.0, 401);
    assert_eq!(
        world.record().await,
        [
            "ana@example.com: could not sign in on a command line at 0.0.0.0: the person has not let this command line in \
          (Authentication:SIGN_IN_REFUSED)"
        ],
    );
    // After ten minutes, neither is good.
    let (secret, code) = world.begin().await;
    world.harness.advance(Duration::from_secs(600)).await.unwrap();
    ana.post(PAGE, &[("code", &code), ("action", "allow")]).await.ok().has("No command line waits");
    assert_eq!(world.fetch(&secret).await.0, 401);
    // Nor is a secret that nobody has.
    for secret in ["", "x", &"0".repeat(64)] {
        assert_eq!(world.fetch(secret).await.0, 401, "{secret}");
    }
}

/// Whoever was signed out everywhere in between does not get in by the back door.
#[tokio::test]
async fn the_end_of_the_session_ends_what_was_allowed_in_it() {
    let world = World::with_api().await;
    let mut ana = world.sign_in("ana").await;
    let allowed = async |ana: &mut super::Browser| {
        let (secret, code) = world.begin().await;
        ana.post(PAGE, &[("code", &code), ("action", "allow")]).await.ok().has("You are signed in");
        secret
    };
    let secret = allowed(&mut ana).await;
    let id = world.user("ana").await.id();
    world.harness.runtime().end_sessions_of(&id, id).await.unwrap();
    assert_eq!(world.fetch(&secret).await.0, 403);
    // Signing out everywhere ends a session that has begun.
    let mut ana = world.sign_in("ana").await;
    let secret = allowed(&mut ana).await;
    let token = world.fetch(&secret).await.1["token"].as_str().unwrap().to_owned();
    world.harness.runtime().end_sessions_of(&id, id).await.unwrap();
    assert_eq!(world.call("/me/sign-out", Some(&token), &json!({})).await.0, 401);
    // Whoever is locked gets nothing.
    let mut ana = world.sign_in("ana").await;
    let secret = allowed(&mut ana).await;
    world.harness.runtime().lock_user(id, "ada@example.com", "lost").await.unwrap();
    assert_eq!(world.fetch(&secret).await.0, 403);
}

#[tokio::test]
async fn codes_and_sign_ins_are_limited() {
    let world = World::with_api().await;
    let mut ana = world.sign_in("ana").await;
    let (_, code) = world.begin().await;
    for number in 0..10 {
        let wrong = ana.post(PAGE, &[("code", "BCDF-GHJK"), ("action", "find")]).await;
        assert_eq!(wrong.status, StatusCode::OK, "{number}");
        wrong.has("No command line waits");
    }
    // The right one, too: else one could go on guessing.
    let limited = ana.post(PAGE, &[("code", &code), ("action", "find")]).await;
    assert_eq!(limited.status, StatusCode::TOO_MANY_REQUESTS);
    let mut ben = world.sign_in("ben").await;
    ben.post(PAGE, &[("code", &code), ("action", "find")]).await.ok().has("Let this command line in?");
    for _ in 0..29 {
        world.begin().await;
    }
    assert_eq!(world.call("/command-line/sign-ins", None, &json!({})).await.0, 429);
}

#[tokio::test]
async fn forms_of_other_sites_let_nothing_in() {
    let world = World::with_api().await;
    let mut ana = world.sign_in("ana").await;
    let (secret, code) = world.begin().await;
    ana.origin = vec![("sec-fetch-site", "cross-site".to_owned())];
    assert_eq!(ana.post(PAGE, &[("code", &code), ("action", "allow")]).await.status, StatusCode::FORBIDDEN);
    // An address does nothing but show the form.
    ana.get(&format!("{PAGE}?code={code}&action=allow")).await.ok().has("Enter the code").lacks(&code);
    assert_eq!(world.fetch(&secret).await.1["state"], "waiting");
}
