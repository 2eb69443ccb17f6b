//! Socket Mode.

use axum::http::StatusCode;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use sym_integrations::slack::app::SlackApp;
use sym_sdk::error::ErrorKind;
use sym_sdk::config::PromptField;
use sym_sdk::prelude::*;
use sym_sdk::runtime::FrontEnd;
use sym_sdk::testing::HarnessBuilder;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};
use tokio_util::sync::CancellationToken;

use super::views::suggestion;
use super::{WORKSPACE, World, builder, field, get_permissions, get_request_notifications, reason};

type Socket = WebSocketStream<TcpStream>;

async fn world() -> (World, TcpListener) {
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications];
    world_with(builder(vec![reason()]).handlers(handlers)).await
}

async fn world_with(harness: HarnessBuilder) -> (World, TcpListener) {
    let world = World::with_app(harness, |slack| SlackApp::socket_mode(slack.build().unwrap())).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    world.fake.set_socket(format!("ws://{}/link/?ticket=s3cret", listener.local_addr().unwrap()));
    (world, listener)
}

async fn accept(listener: &TcpListener) -> Socket {
    let (stream, _) = listener.accept().await.unwrap();
    let mut socket = accept_async(stream).await.unwrap();
    send(&mut socket, json!({ "type": "hello", "num_connections": 1 })).await;
    socket
}

async fn send(socket: &mut Socket, message: Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

async fn receive(socket: &mut Socket) -> Value {
    loop {
        if let Message::Text(text) = socket.next().await.unwrap().unwrap() {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

#[tokio::test]
async fn receives_interactions_and_follows_a_replaced_socket() {
    let (mut world, listener) = world().await;
    let stop = CancellationToken::new();
    let (app, runtime, until) = (world.app.clone(), world.harness.runtime().clone(), stop.clone());
    let running = tokio::spawn(async move { app.run(runtime, until).await });
    let mut socket = accept(&listener).await;

    let command = json!({
        "team_id": WORKSPACE, "user_id": "U0ADA", "text": "whoami", "trigger_id": "1.1", "command": "/sym",
    });
    send(&mut socket, json!({ "type": "slash_commands", "envelope_id": "e1", "payload": command })).await;
    let answer = receive(&mut socket).await;
    assert_eq!(answer["envelope_id"], "e1");
    assert_eq!(answer["payload"]["text"], "You are *ada@example.com*, an administrator.");

    let run = world.request().await;
    let click =
        json!({ "type": "interactive", "envelope_id": "e2", "payload": world.clicked("U0BEN", "approve", run) });
    send(&mut socket, json!({ "type": "something_new", "envelope_id": "e0", "payload": {} })).await;
    assert_eq!(receive(&mut socket).await, json!({ "envelope_id": "e0" }));
    send(&mut socket, json!("nonsense")).await;
    send(&mut socket, click.clone()).await;
    assert_eq!(receive(&mut socket).await, json!({ "envelope_id": "e2" }));
    world.settle().await;
    assert_eq!(world.harness.granted(), ["admins: ana@example.com"]);

    // The same interaction, redelivered on the next socket, has no further effect.
    send(&mut socket, json!({ "type": "disconnect", "reason": "refresh_requested" })).await;
    let mut socket = accept(&listener).await;
    send(&mut socket, click).await;
    assert_eq!(receive(&mut socket).await, json!({ "envelope_id": "e2" }));
    assert_eq!(world.harness.run(run).await.unwrap().run.approvals().len(), 1);
    assert!(world.fake.calls("response_url").is_empty());

    stop.cancel();
    running.await.unwrap().unwrap();
    assert_eq!(world.fake.calls("apps.connections.open").len(), 2);
}

/// S24: what people do while a socket is replaced still arrives on the old one, until Slack greets on the new one.
#[tokio::test]
async fn a_replaced_socket_is_read_until_its_successor_is_greeted() {
    let (world, listener) = world().await;
    let stop = CancellationToken::new();
    let (app, runtime, until) = (world.app.clone(), world.harness.runtime().clone(), stop.clone());
    let running = tokio::spawn(async move { app.run(runtime, until).await });
    let mut old = accept(&listener).await;
    send(&mut old, json!({ "type": "disconnect", "reason": "warning" })).await;
    let (stream, _) = listener.accept().await.unwrap();
    let mut new = accept_async(stream).await.unwrap();

    let whoami = |envelope: &str| {
        let command = json!({
            "team_id": WORKSPACE, "user_id": "U0ADA", "text": "whoami", "trigger_id": "1.1", "command": "/sym",
        });
        json!({ "type": "slash_commands", "envelope_id": envelope, "payload": command })
    };
    send(&mut old, whoami("e1")).await;
    assert_eq!(receive(&mut old).await["envelope_id"], "e1");
    send(&mut new, json!({ "type": "hello" })).await;
    // The old one is closed then.
    while let Some(Ok(message)) = old.next().await {
        assert!(message.is_close(), "{message}");
    }
    send(&mut new, whoami("e2")).await;
    assert_eq!(receive(&mut new).await["envelope_id"], "e2");
    stop.cancel();
    running.await.unwrap().unwrap();
}

/// S04: Slack closes the socket at a frame of more than 20,480 bytes. Options are counted in bytes as well as in number.
#[tokio::test]
async fn options_fit_in_a_frame_of_the_socket() {
    let label = |n: usize| format!("{n:0>3} {}", "ы".repeat(51));
    let values: Vec<_> = (0..150).map(label).collect();
    let menu = PromptField { allowed_values: Some(values), ..field("menu", "string") };
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications];
    let (mut world, listener) = world_with(builder(vec![menu]).handlers(handlers)).await;
    let stop = CancellationToken::new();
    let (app, runtime, until) = (world.app.clone(), world.harness.runtime().clone(), stop.clone());
    let running = tokio::spawn(async move { app.run(runtime, until).await });
    let mut socket = accept(&listener).await;
    let command = json!({
        "team_id": WORKSPACE, "user_id": "U0ANA", "text": "req prod", "trigger_id": world.fake.trigger(), "command": "/sym",
    });
    send(&mut socket, json!({ "type": "slash_commands", "envelope_id": "e1", "payload": command })).await;
    let view = world.shown(1).await;
    let typed = suggestion("U0ANA", &view, "menu:0", "");
    send(&mut socket, json!({ "type": "interactive", "envelope_id": "e2", "payload": typed })).await;
    let frame = loop {
        if let Message::Text(text) = socket.next().await.unwrap().unwrap()
            && text.contains("e2")
        {
            break text;
        }
    };
    let options = serde_json::from_str::<Value>(&frame).unwrap()["payload"]["options"].as_array().unwrap().len();
    assert!(frame.len() <= 20_480 && frame.len() > 20_000, "{} bytes", frame.len());
    assert!((50..100).contains(&options), "{options}");
    stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn failed_interactions_are_not_acknowledged() {
    let (mut world, listener) = world().await;
    let run = world.request().await;
    let click = world.clicked("U0BEN", "approve", run);
    let (app, runtime) = (world.app.clone(), world.harness.runtime().clone());
    let running = tokio::spawn(async move { app.run(runtime, CancellationToken::new()).await });
    let mut socket = accept(&listener).await;
    world.fake.refuse("users.info", "invalid_auth");
    for envelope in ["e1", "e2"] {
        send(&mut socket, json!({ "type": "interactive", "envelope_id": envelope, "payload": click })).await;
        if envelope == "e1" {
            world.fake.called("users.info", 1).await;
        }
    }
    assert_eq!(receive(&mut socket).await, json!({ "envelope_id": "e2" }));

    send(&mut socket, json!({ "type": "disconnect", "reason": "link_disabled" })).await;
    let error = running.await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Configuration, "Socket Mode is disabled"));
}

#[tokio::test]
async fn the_error_of_a_broken_socket_does_not_contain_its_url() {
    let (mut world, listener) = world().await;
    drop(listener);
    let error = world.app.run(world.harness.runtime().clone(), CancellationToken::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.code().to_string().as_str()), (ErrorKind::Unavailable, "Slack:SOCKET"));
    assert!(!format!("{error:?}").contains("s3cret"));

    // HTTP requests are rejected, whatever their signature.
    let run = world.request().await;
    assert_eq!(world.click("U0BEN", "approve", run).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Requested);
}
