//! Socket Mode as the fake serves it.

use futures_util::{SinkExt, StreamExt};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sym_integrations::slack::fake::DisconnectReason;
use sym_sdk::clock::Clock;
use sym_sdk::prelude::*;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::people::{World, world};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn open(world: &World) -> Socket {
    let url = world.slack.api().open_socket().await.unwrap();
    let (mut socket, _) = connect_async(url.expose_secret()).await.unwrap();
    let hello = receive(&mut socket).await;
    assert_eq!((&hello["type"], &hello["connection_info"]["app_id"]), (&json!("hello"), &json!("A0SANDBOX")));
    // One connection for each address.
    assert!(connect_async(url.expose_secret()).await.is_err());
    socket
}

async fn receive(socket: &mut Socket) -> Value {
    loop {
        if let Message::Text(text) = socket.next().await.unwrap().unwrap() {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

async fn acknowledge(socket: &mut Socket, envelope: &Value, payload: Value) {
    let answer = json!({ "envelope_id": envelope["envelope_id"], "payload": payload });
    socket.send(Message::text(answer.to_string())).await.unwrap();
}

#[tokio::test]
async fn delivers_envelopes_and_waits_for_their_acknowledgement() {
    let world = world().await;
    world.fake.enable_socket_mode().await.unwrap();
    let ana = world.fake.person("U0ANA");
    // Without a socket, nobody hears of it.
    assert_eq!(ana.command("/sym").await.unwrap_err().code().name(), "APP_DID_NOT_RESPOND");
    let mut socket = open(&world).await;
    let (sent, ()) = tokio::join!(ana.command("/sym whoami"), async {
        let envelope = receive(&mut socket).await;
        assert_eq!(
            (&envelope["type"], &envelope["accepts_response_payload"]),
            (&json!("slash_commands"), &json!(true))
        );
        assert_eq!(
            (&envelope["payload"]["text"], &envelope["payload"]["user_id"]),
            (&json!("whoami"), &json!("U0ANA"))
        );
        acknowledge(&mut socket, &envelope, json!({ "text": "You are Ana." })).await;
    });
    sent.unwrap();
    ana.message("You are Ana").await.unwrap();
    let (sent, ()) = tokio::join!(ana.shortcut("request"), async {
        let envelope = receive(&mut socket).await;
        assert_eq!((&envelope["type"], &envelope["payload"]["type"]), (&json!("interactive"), &json!("shortcut")));
        acknowledge(&mut socket, &envelope, Value::Null).await;
    });
    sent.unwrap();
    // Nothing came over HTTP.
    assert_eq!(world.app.count(), 0);

    // An announced end leaves the socket open for answers; what is new goes to the next one.
    world.fake.disconnect_sockets(DisconnectReason::Warning).await;
    assert_eq!(receive(&mut socket).await["reason"], "warning");
    world.fake.disconnect_sockets(DisconnectReason::RefreshRequested).await;
    let disconnect = receive(&mut socket).await;
    assert_eq!((&disconnect["type"], &disconnect["reason"]), (&json!("disconnect"), &json!("refresh_requested")));
    let mut next = open(&world).await;
    let (sent, ()) = tokio::join!(ana.shortcut("request"), async {
        let envelope = receive(&mut next).await;
        acknowledge(&mut next, &envelope, Value::Null).await;
    });
    sent.unwrap();
    assert!(world.fake.faults().is_empty());
}

/// S04: Slack closes a socket after a message of more than 20,480 bytes.
#[tokio::test]
async fn closes_the_socket_after_a_message_that_is_too_long() {
    let world = world().await;
    world.fake.enable_socket_mode().await.unwrap();
    let mut socket = open(&world).await;
    socket.send(Message::text(format!("{{\"x\":\"{}\"}}", "y".repeat(20_472)))).await.unwrap();
    world.fake.disconnect_sockets(DisconnectReason::Warning).await;
    assert_eq!(receive(&mut socket).await["type"], "disconnect");
    assert!(world.fake.faults().is_empty());
    socket.send(Message::text("y".repeat(20_481))).await.unwrap();
    let closed = socket.next().await.unwrap().unwrap();
    assert!(matches!(closed, Message::Close(Some(_))), "{closed:?}");
    assert_eq!(world.fake.faults(), ["socket: a message of 20481 bytes is longer than 20480"]);
}

#[tokio::test]
async fn repeats_an_event_that_is_not_acknowledged() {
    let world = world().await;
    world.fake.enable_socket_mode().await.unwrap();
    let mut socket = open(&world).await;
    let ana = world.fake.person("U0ANA");
    let opening = tokio::spawn(async move { ana.open_home().await });
    let first = receive(&mut socket).await;
    assert_eq!((&first["type"], &first["retry_attempt"]), (&json!("events_api"), &json!(0)));
    world.clock.advance(Duration::from_secs(3));
    assert!(opening.await.unwrap().is_err());
    let again = receive(&mut socket).await;
    assert_eq!((&again["retry_attempt"], &again["retry_reason"]), (&json!(1), &json!("timeout")));
    assert_eq!(again["payload"]["event_id"], first["payload"]["event_id"]);
    assert_ne!(again["envelope_id"], first["envelope_id"]);
    acknowledge(&mut socket, &again, Value::Null).await;
    assert!(world.clock.now() < "2024-02-29T12:00:05Z".parse().unwrap());
}
