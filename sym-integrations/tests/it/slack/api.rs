//! The methods of the Web API that a front end calls.

use serde_json::json;
use sym_integrations::http::{BaseUrl, SecretString};
use sym_integrations::slack::{MessageRef, Slack};
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::ErrorKind;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{TOKEN, WORKSPACE, code, ok, refused, slack};

const HOOK: &str = "https://hooks.slack.com/actions/T012AB3CD/39770/S3CRETpath";

#[tokio::test]
async fn updates_messages_and_posts_ephemeral_ones() {
    let replay = Replay::new();
    let slack = slack(&replay);
    let message = MessageRef::new("C1", "1.1");
    let update =
        || replay.post("/api/chat.update").json(json!({ "channel": "C1", "ts": "1.1", "text": "done", "blocks": [] }));
    update().reply(Reply::connection_lost());
    update().reply(ok(json!({ "channel": "C1", "ts": "1.1", "text": "done" })));
    let blocks: [u8; 0] = [];
    assert_eq!(slack.api().update_message(&message).text("done").blocks(blocks).await.unwrap(), message);

    let body = json!({ "channel": "C1", "user": "U1", "text": "you may not", "thread_ts": "1.1" });
    replay.post("/api/chat.postEphemeral").json(body).reply(ok(json!({ "message_ts": "2.2" })));
    slack.api().post_ephemeral("C1", "U1").text("you may not").in_thread("1.1").await.unwrap();

    replay.post("/api/chat.postEphemeral").reply(Reply::timed_out());
    let error = slack.api().post_ephemeral("C1", "U1").text("x").await.unwrap_err();
    assert_eq!(code(&error), "Slack:TIMED_OUT");
    replay.post("/api/chat.update").reply(refused("message_not_found"));
    let error = slack.api().update_message(&message).text("done").await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("Slack:MESSAGE_NOT_FOUND", ErrorKind::NotFound));
    replay.check().unwrap();
}

#[tokio::test]
async fn opening_a_view_is_not_retried() {
    let replay = Replay::new();
    let slack = slack(&replay);
    let view = json!({ "type": "modal", "blocks": [] });
    let shown = json!({ "view": { "id": "V1", "hash": "h1", "root_view_id": "V1", "type": "modal" } });
    let body = json!({ "trigger_id": "12.34", "view": view });
    replay.post("/api/views.open").json(&body).reply(ok(shown.clone()));
    let opened = slack.api().open_view("12.34", &view).await.unwrap();
    assert_eq!(
        (opened.id.as_str(), opened.hash.as_deref(), opened.extra["type"].as_str()),
        ("V1", Some("h1"), Some("modal"))
    );
    replay.post("/api/views.push").json(&body).reply(ok(shown));
    slack.api().push_view("12.34", &view).await.unwrap();

    for (reply, name) in [
        (refused("expired_trigger_id"), "Slack:EXPIRED_TRIGGER_ID"),
        (Reply::timed_out(), "Slack:TIMED_OUT"),
        (Reply::status(429).header("retry-after", "5"), "Slack:RATE_LIMITED"),
    ] {
        replay.post("/api/views.open").reply(reply);
        let error = slack.api().open_view("12.34", &view).await.unwrap_err();
        assert_eq!(code(&error), name);
    }
    replay.check().unwrap();
}

#[tokio::test]
async fn updates_with_a_hash_detect_conflicts() {
    let replay = Replay::new();
    let slack = slack(&replay);
    let view = json!({ "type": "modal" });
    let shown = || ok(json!({ "view": { "id": "V1", "hash": "h2" } }));
    replay.post("/api/views.update").reply(Reply::connection_lost());
    replay.post("/api/views.update").json(json!({ "view_id": "V1", "view": view })).reply(shown());
    slack.api().update_view("V1", &view).await.unwrap();

    // The first attempt may have changed the hash.
    let body = json!({ "view_id": "V1", "view": view, "hash": "h1" });
    replay.post("/api/views.update").json(&body).reply(Reply::connection_lost());
    let error = slack.api().update_view("V1", &view).hash("h1").await.unwrap_err();
    assert_eq!(code(&error), "Slack:CONNECTION_LOST");
    replay.post("/api/views.update").json(&body).reply(refused("hash_conflict"));
    let error = slack.api().update_view("V1", &view).hash("h1").await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("Slack:HASH_CONFLICT", ErrorKind::Conflict));

    replay.post("/api/views.publish").json(json!({ "user_id": "U1", "view": { "type": "home" } })).reply(shown());
    slack.api().publish_view("U1", json!({ "type": "home" })).await.unwrap();
    replay.check().unwrap();
}

#[tokio::test]
async fn responses_are_sent_without_the_token() {
    let replay = Replay::new();
    let slack = slack(&replay);
    let url = SecretString::from(HOOK);
    let path = "/actions/T012AB3CD/39770/S3CRETpath";
    replay
        .post(path)
        .json(json!({ "text": "denied", "blocks": [], "replace_original": true, "response_type": "in_channel" }))
        .reply(Reply::text("ok"));
    let blocks: [u8; 0] = [];
    slack.api().respond(&url).text("denied").blocks(blocks).replace_original().in_channel().await.unwrap();
    replay.post(path).json(json!({ "delete_original": true })).reply(ok(json!({})));
    slack.api().respond(&url).delete_original().await.unwrap();

    for (reply, name) in [
        (refused("used_url").with_status(404), "Slack:USED_URL"),
        (Reply::text("expired_url S3CRETpath").with_status(404), "Slack:NOT_FOUND"),
        (Reply::timed_out(), "Slack:TIMED_OUT"),
    ] {
        replay.post(path).reply(reply);
        assert_eq!(code(&slack.api().respond(&url).text("x").await.unwrap_err()), name);
    }
    assert!(!format!("{:?}", slack.api().respond(&url)).contains("S3CRET"));
    replay.check().unwrap();
}

#[tokio::test]
async fn each_token_is_sent_where_it_belongs() {
    let server = MockServer::start().await;
    let body = json!({ "ok": true, "url": "wss://example.com", "channel": "C1", "ts": "1.1" });
    let ok = ResponseTemplate::new(200).set_body_json(body);
    Mock::given(wiremock::matchers::any()).respond_with(ok).mount(&server).await;
    let base = BaseUrl::parse(&format!("{}/api", server.uri())).unwrap();
    let slack = Slack::builder(WORKSPACE).token(TOKEN).app_token("xapp-1-S3CRET").base_url(base).build().unwrap();
    slack.api().post_message("C1").text("x").await.unwrap();
    slack.api().open_socket().await.unwrap();
    let url = format!("{}/actions/T012AB3CD/39770/S3CRETpath", server.uri());
    slack.api().respond(&url.into()).text("x").await.unwrap();

    let sent = server.received_requests().await.unwrap();
    let tokens = sent.iter().map(|sent| sent.headers.get("authorization").map(|value| value.to_str().unwrap()));
    let bot = format!("Bearer {TOKEN}");
    assert_eq!(tokens.collect::<Vec<_>>(), [Some(bot.as_str()), Some("Bearer xapp-1-S3CRET"), None]);
}

#[tokio::test]
async fn rejects_response_urls_of_other_hosts() {
    let replay = Replay::new();
    let slack = slack(&replay);
    for url in [
        "",
        "http://hooks.slack.com/actions/T1/1/S3CRET",
        "https://hooks.slack.com.example.com/actions/T1/1/S3CRET",
        "https://hooks.slack.com@example.com/actions/T1/1/S3CRET",
        "https://ana:S3CRET@hooks.slack.com/actions/T1/1/x",
        "https://hooks.slack.com:8443/actions/T1/1/S3CRET",
        "https://slack.com/actions/T1/1/S3CRET",
        "https://127.0.0.1/actions/T1/1/S3CRET",
        "https://hooks.slack.com/actions/T1/S3CRET",
        "https://hooks.slack.com/actions/T1//S3CRET",
        "https://hooks.slack.com/actions/T1/1/S3CRET?x=y",
        "https://hooks.slack.com/actions/T1/1/%2e%2e",
    ] {
        let error = slack.api().respond(&url.into()).text("x").await.unwrap_err();
        assert_eq!(code(&error), "Slack:INVALID_RESPONSE_URL", "{url}");
    }
    assert!(replay.calls().is_empty());
}

#[tokio::test]
async fn opening_a_socket_uses_the_app_level_token() {
    let replay = Replay::new();
    let error = slack(&replay).api().open_socket().await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("SymSDK:CONFIGURATION", ErrorKind::Configuration));

    let builder = Slack::builder(WORKSPACE).token(TOKEN).app_token("xapp-1-S3CRET");
    let slack = builder.connection(replay.connection()).build().unwrap();
    let open = || replay.post("/api/apps.connections.open").header("authorization", "Bearer xapp-1-S3CRET");
    open().reply(ok(json!({ "url": "wss://wss-primary.slack.com/link/?ticket=S3CRET" })));
    let url = slack.api().open_socket().await.unwrap();
    assert!(!format!("{url:?} {slack:?}").contains("S3CRET"));
    open().reply(ok(json!({ "uri": "wss://wss-primary.slack.com/link/?ticket=S3CRET" })));
    assert_eq!(code(&slack.api().open_socket().await.unwrap_err()), "Slack:INVALID_RESPONSE");
    open().reply(refused("not_allowed_token_type"));
    assert_eq!(code(&slack.api().open_socket().await.unwrap_err()), "Slack:NOT_ALLOWED_TOKEN_TYPE");
    replay.check().unwrap();
}
