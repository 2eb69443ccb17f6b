//! Home tabs, and the event that one was opened.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sym_sdk::clock::Clock;
use sym_sdk::error::ErrorKind;
use sym_sdk::prelude::*;

use super::http::{get, post};
use super::people::world;
use super::{modal, plain};

fn home(text: &str) -> Value {
    json!({ "type": "home", "callback_id": "home", "blocks": [
        { "type": "section", "text": plain(text) },
        { "type": "actions", "block_id": "access", "elements": [
            { "type": "button", "action_id": "back", "value": "7", "text": plain("Give back") },
        ] },
    ] })
}

#[tokio::test]
async fn opening_the_home_tab_is_an_event() {
    let world = world().await;
    let ana = world.fake.person("U0ANA");
    ana.open_home().await.unwrap();
    let (path, heard) = world.app.heard();
    assert_eq!((path.as_str(), &heard["type"]), ("/slack/events", &json!("event_callback")));
    assert_eq!((&heard["team_id"], &heard["api_app_id"]), (&json!("T0SANDBOX"), &json!("A0SANDBOX")));
    assert_eq!(heard["authorizations"][0]["is_enterprise_install"], false);
    let event = &heard["event"];
    assert_eq!(
        (&event["type"], &event["user"], &event["tab"], &event["channel"]),
        (&json!("app_home_opened"), &json!("U0ANA"), &json!("home"), &json!("DU0ANA"))
    );
    assert!(event.get("view").is_none() && ana.home().is_none());

    let published = world.slack.api().publish_view("U0ANA", home("one access")).await.unwrap();
    assert_eq!(ana.home_with("one access").await.unwrap().id(), published.id);
    assert!(world.fake.person("U0BEN").home().is_none() && ana.view().is_none());
    // Published again, it is the same view with another hash.
    let again = world.slack.api().publish_view("U0ANA", home("two")).hash(published.hash.unwrap()).await.unwrap();
    assert_eq!(again.id, published.id);
    ana.open_home().await.unwrap();
    let (_, heard) = world.app.heard();
    assert_eq!(heard["event"]["view"]["hash"], json!(again.hash));

    ana.click_in_home("Give back").await.unwrap();
    let (_, heard) = world.app.heard();
    assert_eq!((&heard["type"], &heard["actions"][0]["value"]), (&json!("block_actions"), &json!("7")));
    assert_eq!((&heard["view"]["type"], &heard["container"]["view_id"]), (&json!("home"), &json!(again.id)));
    let state = get(&world.fake, "/state?as=U0ANA").await.json();
    assert_eq!(state["home"]["buttons"], json!(["Give back"]));
    assert_eq!(post(&world.fake, "/home", &[("as", "U0ANA")]).await.status, 200);
    let click = [("as", "U0ANA"), ("button", "Give back"), ("ts", "home")];
    assert_eq!(post(&world.fake, "/click", &click).await.status, 200);
    assert!(world.fake.faults().is_empty());
}

#[tokio::test]
async fn rejects_home_tabs_as_slack_does() {
    let world = world().await;
    let api = world.slack.api();
    let code = |error: Error| error.code().name().to_owned();
    for (view, what) in [
        (modal(&json!([{ "type": "divider" }])), "must be a valid enum value"),
        (json!({ "type": "home" }), "missing required field: blocks"),
        // Neither title nor buttons, and nothing that closes.
        (json!({ "type": "home", "blocks": [], "title": plain("Access") }), "invalid additional property: title"),
        (json!({ "type": "home", "blocks": [], "clear_on_close": true }), "invalid additional property"),
        (json!({ "type": "home", "blocks": vec![json!({ "type": "divider" }); 101] }), "no more than 100 items"),
    ] {
        let error = api.publish_view("U0ANA", &view).await.unwrap_err();
        assert!(error.message().contains(what), "{error}");
    }
    let error = api.open_view(&world.fake.trigger("U0ANA"), home("x")).await.unwrap_err();
    assert!(error.message().contains("must be a valid enum value"), "{error}");
    assert!(api.publish_view("U0NOBODY", home("x")).await.unwrap_err().message().contains("user_id"));

    let first = api.publish_view("U0ANA", home("1")).await.unwrap().hash.unwrap();
    api.publish_view("U0ANA", home("2")).hash(&first).await.unwrap();
    let error = api.publish_view("U0ANA", home("3")).hash(&first).await.unwrap_err();
    assert_eq!((error.kind(), code(error).as_str()), (ErrorKind::Conflict, "HASH_CONFLICT"));
    assert_eq!(world.fake.person("U0ANA").home().unwrap().all_text(), "2");

    // A view can be named by the app, and the name is given once.
    let mut named = modal(&json!([{ "type": "section", "text": plain("named") }]));
    named["external_id"] = json!("request-1");
    api.open_view(&world.fake.trigger("U0ANA"), &named).await.unwrap();
    let error = api.open_view(&world.fake.trigger("U0BEN"), &named).await.unwrap_err();
    assert_eq!(code(error), "DUPLICATE_EXTERNAL_ID");
}

/// An event is repeated immediately, after a minute and after five, and never when the app says so.
#[tokio::test]
async fn repeats_events_that_are_not_accepted() {
    let world = world().await;
    let ana = world.fake.person("U0ANA");
    let refused = |count: usize| {
        let mut answers = world.app.answers.lock().unwrap();
        answers.extend(vec![(StatusCode::INTERNAL_SERVER_ERROR, String::new()); count]);
    };
    refused(3);
    let error = ana.open_home().await.unwrap_err();
    assert!(error.message().contains("status 500"), "{error}");
    // Shorter than these waits is only the time limit of a delivery.
    let mut waits = Vec::new();
    while waits.len() < 2 {
        let now = world.clock.now();
        match world.clock.next_sleeper().filter(|at| at.duration_since(now).as_secs() > 3) {
            Some(at) => {
                waits.push(at.duration_since(now).as_secs());
                world.clock.advance_to(at);
            }
            None => tokio::task::yield_now().await,
        }
    }
    assert_eq!(waits, [60, 300]);
    while world.app.count() < 4 {
        tokio::task::yield_now().await;
    }
    let heard = world.app.heard.lock().unwrap().clone();
    let numbers: Vec<_> = heard.iter().map(|(_, fields)| fields.get("x-slack-retry-num").cloned()).collect();
    assert_eq!(numbers, [None, Some("1".to_owned()), Some("2".to_owned()), Some("3".to_owned())]);
    assert_eq!(heard[1].1["x-slack-retry-reason"], "http_error");
    let event = |index: usize| serde_json::from_str::<Value>(&heard[index].1["payload"]).unwrap()["event_id"].clone();
    assert_eq!(event(0), event(3));
}
