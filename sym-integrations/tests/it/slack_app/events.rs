//! Events of the workspace.

use axum::http::StatusCode;
use serde_json::json;
use sym_integrations::slack::fake::Member;
use sym_sdk::prelude::*;

use super::{WORKSPACE, World, sign};

#[tokio::test]
async fn the_url_of_events_is_verified() {
    let world = World::with_reason().await;
    let body = json!({ "type": "url_verification", "token": "x", "challenge": "3eZbrw1aB" }).to_string();
    let answer = world.send("/events", body.clone(), "application/json").await;
    assert_eq!((answer.status, answer.body), (StatusCode::OK, json!({ "challenge": "3eZbrw1aB" })));
    // Only for Slack.
    let now = world.harness.runtime().clock().now().as_second().to_string();
    let forged = axum::http::Request::post("/events")
        .header("content-type", "application/json")
        .header("x-slack-request-timestamp", &now)
        .header("x-slack-signature", sign(&now, "other"))
        .body(axum::body::Body::from(body))
        .unwrap();
    assert_eq!(world.send_as(forged).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn events_that_are_unknown_or_of_other_workspaces_change_nothing() {
    let world = World::with_reason().await;
    for event in [json!({ "type": "something_new" }), json!({ "type": "app_home_opened", "user": "U0ANA", "tab": "messages" })] {
        assert_eq!(world.event(event).await.status, StatusCode::OK);
    }
    let other = json!({ "type": "event_callback", "team_id": "T0OTHER", "event": { "type": "app_uninstalled" } });
    assert_eq!(world.send("/events", other.to_string(), "application/json").await.status, StatusCode::FORBIDDEN);
    for malformed in ["", "[]", "{}", r#"{"type":"event_callback"}"#, r#"{"type":"event_callback","event":{}}"#] {
        assert_eq!(world.send("/events", malformed.into(), "application/json").await.status, StatusCode::BAD_REQUEST);
    }
    assert!(world.fake.calls("views.publish").is_empty());
}

/// A workspace that uninstalls the app: requests wait, and are delivered when it is installed again.
#[tokio::test]
async fn requests_wait_while_the_app_is_uninstalled() {
    let mut world = World::with_reason().await;
    for _ in 0..10 {
        world.fake.refuse("chat.postMessage", "account_inactive");
    }
    assert_eq!(world.event(json!({ "type": "tokens_revoked", "tokens": { "oauth": null, "bot": ["U0SANDBOX"] } })).await.status, StatusCode::OK);
    assert_eq!(world.event(json!({ "type": "app_uninstalled" })).await.status, StatusCode::OK);
    let run = world.request().await;
    world.harness.advance(Duration::from_secs(2 * 60 * 60)).await.unwrap();
    assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Requested);
    assert_eq!(world.harness.run(run).await.unwrap().delivered.len(), 1);
    world.click("U0BEN", "approve", run).await;
    world.settle().await;
    assert_eq!(world.harness.granted(), ["admins: ana@example.com"]);
}

/// S03: Slack says when a channel gets another id.
#[tokio::test]
async fn messages_of_a_channel_with_another_id_are_updated_there() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    let moved = json!({ "type": "channel_id_changed", "old_channel_id": "CACCESS", "new_channel_id": "C0NEWID" });
    assert_eq!(world.event(moved).await.status, StatusCode::OK);
    world.fake.join(Member::new("U0EVE").email("eve@example.com"));
    world.harness.approve_as(run, "ben@example.com").await.unwrap();
    world.settle().await;
    let updates = world.fake.card_updates();
    assert!(!updates.is_empty() && updates.iter().all(|update| update["channel"] == "C0NEWID"), "{updates:?}");
}

/// A channel is renamed between the configuration and a message: the id that it had then is still its own.
#[tokio::test]
async fn a_channel_that_was_renamed_is_found_by_its_id() {
    let mut world = World::with_reason().await;
    world.request().await;
    world.fake.refuse("chat.postMessage", "channel_not_found");
    world.request().await;
    let posted = world.fake.calls("chat.postMessage");
    let channels: Vec<_> = posted.iter().filter_map(|post| post["channel"].as_str()).collect();
    assert_eq!(channels.iter().filter(|channel| **channel == "#access").count(), 2, "{channels:?}");
    assert_eq!(channels.iter().filter(|channel| **channel == "CACCESS").count(), 1, "{channels:?}");
}

/// An app that is installed for a whole organization has a token of no workspace.
#[tokio::test]
async fn a_token_of_an_organization_is_accepted() {
    use sym_integrations::testing::{Replay, Reply};
    use sym_sdk::integration::IntegrationClient;
    let replay = Replay::new();
    let owner = json!({
        "ok": true, "team_id": null, "user_id": "U1", "bot_id": "B1", "enterprise_id": "E1", "is_enterprise_install": true,
    });
    replay.post("/api/auth.test").reply(Reply::json(owner));
    replay.post("/api/conversations.list").form("team_id", WORKSPACE).reply(Reply::json(json!({ "ok": true, "channels": [] })));
    replay.post("/api/users.list").form("team_id", WORKSPACE).reply(Reply::json(json!({ "ok": true, "members": [] })));
    let builder = sym_integrations::slack::Slack::builder(WORKSPACE).token("xoxb-1").connection(replay.connection());
    let slack = builder.build().unwrap();
    assert_eq!(IntegrationClient::check(&slack).await.unwrap().as_deref(), Some("B1 in organization E1"));
    assert!(slack.list_channels().await.unwrap().is_empty());
    assert!(slack.list_users().await.unwrap().is_empty());
    replay.check().unwrap();
}
