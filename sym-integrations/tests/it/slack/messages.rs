//! Messages sent by handlers.

use std::time::Duration;

use serde_json::{Value, json};
use sym_integrations::http::{BaseUrl, Connection, Limits};
use sym_integrations::slack::{self, MessageRef, Slack};
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::clock::{Clock, VirtualClock};
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::machine;
use sym_sdk::routing::RequestDestination;
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{TOKEN, WORKSPACE, code, directory, known, member, ok, refused, slack, slack_with, user};

const TS: &str = "1709208000.000100";

fn posted() -> Reply {
    ok(json!({ "channel": "D024BE91L", "ts": TS, "message": { "text": "hi", "bot_id": "B1" } }))
}

/// Expects one message to a channel.
fn expect(replay: &Replay, channel: &str) {
    replay.post("/api/chat.postMessage").json(json!({ "channel": channel, "text": "hi" })).reply(posted());
}

#[tokio::test]
async fn sends_to_every_kind_of_destination() {
    let replay = Replay::new();
    let slack = slack(&replay);

    expect(&replay, "#access");
    let message = slack.send_message(slack::channel("access").unwrap(), "hi").await.unwrap();
    assert_eq!(message, MessageRef::new("D024BE91L", TS));

    expect(&replay, "C012AB3CD");
    slack.send_message(&slack::channel("C012AB3CD").unwrap(), "hi").await.unwrap();
    expect(&replay, "U012AB3CD");
    slack.send_message(slack::user("U012AB3CD").unwrap(), "hi").await.unwrap();

    replay
        .post("/api/conversations.open")
        .json(json!({ "users": "U1,U2" }))
        .reply(ok(json!({ "channel": { "id": "G1" } })));
    expect(&replay, "G1");
    slack.send_message(slack::group(["U1", "U2"]).unwrap(), "hi").await.unwrap();

    expect(&replay, "U7");
    slack.send_message(&known("ana@example.com", "U7"), "hi").await.unwrap();

    let legacy: RequestDestination =
        serde_json::from_value(json!({ "lookup_type": "on_call", "allow_self": false })).unwrap();
    let error = slack.send_message(legacy, "hi").await.unwrap_err();
    assert_eq!(
        (code(&error), error.message()),
        (codes::INVALID_DESTINATION.to_string(), "`on_call` is not a Slack destination")
    );
    replay.check().unwrap();
}

#[tokio::test]
async fn the_account_of_a_user_is_looked_up_once() {
    let replay = Replay::new();
    let directory = directory();
    let ana = directory.get_or_create_user_by_email("ana@example.com").await.unwrap();
    let slack = slack_with(&replay, &directory);

    replay
        .post("/api/users.lookupByEmail")
        .form("email", "ana@example.com")
        .reply(ok(json!({ "user": member("U7", "Ana") })));
    expect(&replay, "U7");
    expect(&replay, "U7");
    slack.send_message(&ana, "hi").await.unwrap();
    slack.send_message(&ana, "hi").await.unwrap();
    let identity = directory.identity(ana.id(), "slack", Some(WORKSPACE)).await.unwrap().unwrap();
    assert_eq!(identity.user_id(), "U7");

    replay.post("/api/users.lookupByEmail").reply(refused("users_not_found"));
    let error = slack.send_message(&user("zoe@example.com"), "hi").await.unwrap_err();
    assert_eq!(code(&error), "Identity:NOT_FOUND");
    replay.check().unwrap();
}

#[tokio::test]
async fn rejects_lookup_results_that_do_not_match_the_user() {
    let replay = Replay::new();
    let slack = slack(&replay);
    let others = [
        ("team_id", json!("T999")),
        ("deleted", json!(true)),
        ("is_email_confirmed", json!(false)),
        ("profile", json!({ "email": "anna@example.com" })),
    ];
    for (field, value) in others {
        let impostor = super::with(member("U7", "Ana"), |user| user[field] = value);
        replay.post("/api/users.lookupByEmail").reply(ok(json!({ "user": impostor })));
        let error = slack.send_message(&user("ana@example.com"), "hi").await.unwrap_err();
        assert_eq!(code(&error), "Identity:NOT_FOUND", "{field}");
    }
    replay.check().unwrap();
}

#[tokio::test]
async fn replies_are_sent_to_the_thread() {
    let replay = Replay::new();
    let body = json!({ "channel": "C012AB3CD", "thread_ts": TS, "text": "hi" });
    replay.post("/api/chat.postMessage").json(body).reply(posted());
    let request = MessageRef::new("C012AB3CD", TS);
    slack(&replay).send_thread_message(&request, "hi").await.unwrap();
    replay.check().unwrap();
}

#[test]
fn message_refs_round_trip_through_the_machine() {
    let message = MessageRef::new("C012AB3CD", TS);
    let kept = machine::MessageRef::from(&message);
    assert_eq!((kept.front_end.as_str(), kept.reference.as_str()), ("slack", "C012AB3CD/1709208000.000100"));
    assert_eq!(MessageRef::try_from(&kept).unwrap(), message);

    let other = machine::MessageRef::new("web", "C012AB3CD/1");
    assert_eq!(code(&MessageRef::try_from(&other).unwrap_err()), "Slack:INVALID_MESSAGE_REF");
    for text in ["", "C1", "C1/", "/1"] {
        assert_eq!(code(&text.parse::<MessageRef>().unwrap_err()), "Slack:INVALID_MESSAGE_REF", "{text}");
    }
}

#[tokio::test]
async fn does_not_retry_messages_that_may_have_been_sent() {
    for (reply, name) in [
        (Reply::timed_out(), "Slack:TIMED_OUT"),
        (Reply::connection_lost(), "Slack:CONNECTION_LOST"),
        (Reply::status(503), "Slack:UNAVAILABLE"),
        (Reply::status(500), "Slack:UNAVAILABLE"),
        (refused("fatal_error"), "Slack:FATAL_ERROR"),
        (refused("internal_error"), "Slack:INTERNAL_ERROR"),
        (ok(json!({})), "Slack:INVALID_RESPONSE"),
    ] {
        let replay = Replay::new();
        replay.post("/api/chat.postMessage").reply(reply);
        let error = slack(&replay).send_message(slack::user("U1").unwrap(), "hi").await.unwrap_err();
        assert_eq!(code(&error), name);
        replay.check().unwrap();
    }
}

#[tokio::test]
async fn retries_messages_that_were_not_sent() {
    for reply in [
        Reply::unreachable(),
        Reply::status(429).header("retry-after", "7"),
        refused("ratelimited").header("retry-after", "7").with_status(429),
        refused("rate_limited").header("retry-after", "7"),
        Reply::status(429),
    ] {
        let replay = Replay::new();
        let waits = format!("{reply:?}").contains("retry-after");
        replay.post("/api/chat.postMessage").reply(reply);
        expect(&replay, "U1");
        slack(&replay).send_message(slack::user("U1").unwrap(), "hi").await.unwrap();
        assert_eq!(replay.elapsed() >= Duration::from_secs(7), waits, "{:?}", replay.elapsed());
        replay.check().unwrap();
    }
}

#[tokio::test]
async fn sends_one_message_per_second_to_a_channel() {
    let replay = Replay::new();
    let slack = slack(&replay);
    replay.post("/api/chat.postMessage").times(6).reply(posted());
    for channel in ["#a", "#b", "#c"] {
        slack.send_message(slack::channel(channel).unwrap(), "hi").await.unwrap();
    }
    assert_eq!(replay.elapsed(), Duration::ZERO);
    for _ in 0..3 {
        slack.send_message(slack::channel("#a").unwrap(), "hi").await.unwrap();
    }
    assert_eq!(replay.elapsed(), Duration::from_secs(3));
    replay.check().unwrap();
}

#[tokio::test]
async fn rate_limits_can_be_disabled_for_a_fake() {
    let replay = Replay::new();
    let builder = Slack::builder(WORKSPACE).token(TOKEN).connection(replay.connection());
    let slack = builder.without_rate_limits().build().unwrap();
    replay.post("/api/chat.postMessage").times(5).reply(posted());
    for _ in 0..5 {
        slack.send_message(slack::channel("#a").unwrap(), "hi").await.unwrap();
    }
    assert_eq!(replay.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn sends_over_the_network() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/api/chat.postMessage"))
        .and(header("authorization", format!("Bearer {TOKEN}")))
        .and(header("content-type", "application/json; charset=utf-8"))
        .and(body_json(json!({ "channel": "#a", "text": "naïve 🦀 <b>" })))
        .respond_with(
            ResponseTemplate::new(200)
                .insert_header("x-slack-req-id", "r1")
                .set_body_json(json!({ "ok": true, "channel": "C1", "ts": TS, "warning": "missing_charset" })),
        )
        .expect(1)
        .mount(&server)
        .await;
    let builder =
        Slack::builder(WORKSPACE).token(TOKEN).base_url(BaseUrl::parse(&format!("{}/api", server.uri())).unwrap());
    let slack = builder.build().unwrap();
    let message = slack.send_message(slack::channel("#a").unwrap(), "naïve 🦀 <b>").await.unwrap();
    assert_eq!(message, MessageRef::new("C1", TS));
    assert!(!format!("{slack:?}").contains("S3CRET"));
}

#[tokio::test]
async fn a_timeout_is_not_retried() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(
            ResponseTemplate::new(200).set_delay(Duration::from_secs(60)).set_body_json(json!({ "ok": true })),
        )
        .expect(1)
        .mount(&server)
        .await;
    let clock = std::sync::Arc::new(VirtualClock::at("2024-02-29T12:00:00Z".parse().unwrap()));
    let mut limits = Limits::default();
    limits.read = Duration::from_secs(5);
    let connection = Connection::default().with_clock(clock.clone()).with_limits(limits);
    let builder =
        Slack::builder(WORKSPACE).token(TOKEN).base_url(BaseUrl::parse(&format!("{}/api", server.uri())).unwrap());
    let slack = builder.connection(connection).build().unwrap();
    let mut sending = std::pin::pin!(slack.send_message(slack::channel("#a").unwrap(), "hi"));
    let error = loop {
        tokio::select! {
            biased;
            done = &mut sending => break done.unwrap_err(),
            () = tokio::task::yield_now() => {}
        }
        // The timeout starts once the request has arrived.
        if let Some(at) = clock.next_sleeper()
            && !server.received_requests().await.unwrap().is_empty()
        {
            clock.advance_to(at.max(clock.now()));
        }
    };
    assert_eq!((code(&error).as_str(), error.kind()), ("Slack:TIMED_OUT", ErrorKind::Timeout));
    assert!(error.hint().unwrap().contains("may have carried out the request"));
}

#[tokio::test]
async fn blocks_can_be_any_type_that_serializes() {
    #[derive(serde::Serialize)]
    struct Divider {
        r#type: &'static str,
    }
    let replay = Replay::new();
    let blocks: Value = json!([{ "type": "divider" }]);
    replay
        .post("/api/chat.postMessage")
        .json(json!({
            "channel": "C1",
            "text": "hi",
            "blocks": blocks,
            "thread_ts": "1.1",
            "metadata": { "event_type": "request", "event_payload": { "run": 1 } },
            "unfurl_links": false,
            "unfurl_media": false,
        }))
        .reply(posted());
    slack(&replay)
        .api()
        .post_message("C1")
        .text("hi")
        .blocks([Divider { r#type: "divider" }])
        .in_thread("1.1")
        .metadata(json!({ "event_type": "request", "event_payload": { "run": 1 } }))
        .unfurl(false)
        .await
        .unwrap();
    replay.check().unwrap();

    let unfit = std::collections::BTreeMap::from([((1, 2), "keys of JSON are text")]);
    let error = slack(&replay).api().post_message("C1").blocks(unfit).await.unwrap_err();
    assert_eq!(code(&error), codes::INVALID_JSON.to_string());
}
