//! Signing in, sessions, and their ends.

use std::time::Duration;

use sym_sdk::console::Console;
use sym_sdk::server::axum::http::{Method, StatusCode};

use super::{HOUR, World};

#[tokio::test]
async fn whoever_is_not_signed_in_chooses_a_user_and_comes_back() {
    let mut world = World::start().await;
    let mut ana = world.sign_in("ana").await;
    let run = world.request(&mut ana, "INC-42").await.run();

    let mut browser = world.browser();
    let chooser = browser.get(&format!("/r/{run}")).await.ok();
    chooser.has("Who are you?").has("ada@example.com").has(&format!("/r/{run}")).has("Demonstration");
    let ben = world.user("ben").await.id().to_string();
    let page = browser.press(&chooser, ("user", &ben), &[]).await.ok();
    assert_eq!(page.run(), run);
    page.has("INC-42");
}

#[tokio::test]
async fn nobody_signs_in_where_no_way_is_set_up() {
    let world =
        World::with(Console::new(), |builder| builder.handlers(sym_sdk::handlers![super::get_permissions])).await;
    let mut browser = world.browser();
    browser.get("/console").await.ok().has("Nobody can sign in").lacks("ada@example.com");
    let ada = world.user("ada").await.id().to_string();
    let refused = browser.post("/console/sign-in", &[("user", &ada)]).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.cookie("sym_dev"), None);
}

#[tokio::test]
async fn a_session_ends_by_its_time_by_idleness_and_by_signing_out() {
    let mut world = World::start().await;
    let mut idle = world.sign_in("ana").await;
    let mut busy = world.sign_in("ana").await;
    for _ in 0..14 {
        world.harness.advance(Duration::from_secs(3_000)).await.unwrap();
        busy.get("/console").await.ok().has("My access");
    }
    idle.get("/console").await.ok().has("Who are you?");
    world.harness.advance(Duration::from_secs(3_000)).await.unwrap();
    // More than twelve hours after the beginning.
    busy.get("/console").await.ok().has("Who are you?");

    let mut ana = world.sign_in("ana").await;
    let secret = ana.cookie("sym_dev").unwrap().to_owned();
    ana.post("/console/sign-out", &[]).await.ok().has("Who are you?");
    assert_eq!(ana.cookie("sym_dev"), None);
    ana.set_cookie("sym_dev", &secret);
    ana.get("/console").await.ok().has("Who are you?");
    let _ = HOUR;
}

#[tokio::test]
async fn whoever_is_locked_is_out_with_the_next_request() {
    let world = World::start().await;
    let mut cleo = world.sign_in("cleo").await;
    cleo.get("/console").await.ok().has("My access");
    world.harness.runtime().lock_user("cleo@example.com", "ada@example.com", "left").await.unwrap();
    cleo.get("/console").await.ok().has("Who are you?").lacks("cleo@example.com");
    let id = world.user("cleo").await.id().to_string();
    assert_eq!(cleo.post("/console/sign-in", &[("user", &id)]).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_form_that_is_sent_after_the_end_of_the_session_does_nothing_and_says_so() {
    let mut world = World::start().await;
    let mut ana = world.sign_in("ana").await;
    let form = ana.get("/console/new/prod").await.ok();
    world.harness.advance(Duration::from_secs(2 * 3_600)).await.unwrap();
    let target = world.target();
    let typed = [("target_id", target.as_str()), ("duration", "1h"), ("reason", "long <text>")];
    let page = ana.press(&form, ("action", "request"), &typed).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    page.has("Your session had ended, so nothing was done").has("What you typed is still there");
    assert!(world.harness.runtime().runs(Default::default(), 10).await.unwrap().is_empty());

    // Pressed before one has signed in, the same page is there again; afterwards, the form is sent as it was.
    let fields: Vec<_> = page.hidden_fields();
    assert!(fields.contains(&("reason".to_owned(), "long <text>".to_owned())), "{fields:?}");
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(ana.post("/console/new/prod", &fields).await.status, StatusCode::UNAUTHORIZED);
    let id = world.user("ana").await.id().to_string();
    ana.post("/console/sign-in", &[("user", &id)]).await.ok();
    let sent = ana.post("/console/new/prod", &fields).await.ok();
    sent.run();
    assert_eq!(ana.post("/console/new/prod", &fields).await.ok().run(), sent.run(), "sent twice, it is one request");
}

#[tokio::test]
async fn preferences_are_kept_in_the_browser() {
    let world = World::start().await;
    let mut ana = world.sign_in("ana").await;
    ana.get("/console").await.ok().lacks("data-theme").lacks("data-times");
    ana.post("/console/preferences", &[("theme", "dark"), ("times", "utc")]).await.ok();
    ana.get("/console").await.ok().has("data-theme=\"dark\"").has("data-times=\"utc\"").has("Times are UTC.");
    ana.post("/console/preferences", &[("theme", "<b>"), ("times", "local")]).await.ok();
    ana.get("/console").await.ok().lacks("data-theme").lacks("data-times");
}

#[tokio::test]
async fn cookies_are_safe_over_https() {
    use sym_sdk::server::Server;
    let world = World::start().await;
    let server = Server::new(world.harness.runtime().clone()).public_url("https://sym.example.com".parse().unwrap());
    let mut browser = super::Browser::new(server.router());
    let ana = world.user("ana").await.id().to_string();
    let answer = browser.send(Method::POST, "/console/sign-in", format!("user={ana}")).await;
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-sym="), "{cookie}");
    for part in ["; Path=/", "; SameSite=Lax", "; HttpOnly", "; Secure"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}
