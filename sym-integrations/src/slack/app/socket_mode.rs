//! Socket Mode: interactions arrive on a WebSocket that the app opens, for machines without a public address.
//!
//! Slack replaces each socket every few hours and announces that. The next socket is then opened immediately. The old one is served
//! until Slack greets on the next, because what people do meanwhile still arrives on it. An interaction is acknowledged only when it
//! was accepted, so Slack redelivers anything that was lost with a socket.

use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use sym_sdk::clock::Clock;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use tokio_util::sync::CancellationToken;

use super::deadline::respond_in_time;
use super::dispatcher::Dispatcher;
use super::payload::Incoming;
use super::response::Response;
use crate::http::repaired_json::repaired;

/// The time without a message after which a socket counts as broken. Slack sends a ping every few seconds.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);

/// The timeout for opening a socket.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// The maximum size of a message, in bytes.
const MAX_MESSAGE_SIZE: usize = 4 * 1024 * 1024;

/// The maximum time for which a replaced socket is served. Slack closes it earlier.
const REPLACED_TIMEOUT: Duration = Duration::from_secs(60);

/// The timeout for sending the remaining responses on a socket. Slack waits no longer for them.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// The maximum size of a message to Slack, in bytes. At a larger one, Slack closes the socket.
const MAX_RESPONSE_BYTES: usize = 20_480;

/// A socket that lasts less than this counts as short-lived.
const MIN_LIFETIME: Duration = Duration::from_secs(10);

/// The delay before the next socket after one was closed unannounced, or after several short-lived ones. It doubles with each
/// consecutive short-lived socket, at most [`MAX_BACKOFF_DOUBLINGS`] times.
const BACKOFF_BASE: Duration = Duration::from_secs(1);
const MAX_BACKOFF_DOUBLINGS: u32 = 5;

/// The number of responses that can wait to be sent.
const RESPONSES_CAPACITY: usize = 256;

/// A message [on the socket](https://docs.slack.dev/apis/events-api/using-socket-mode).
#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: String,
    envelope_id: Option<String>,
    #[serde(default)]
    payload: Value,
    reason: Option<String>,
}

/// The meaning of a message for its socket.
enum Signal {
    /// Slack greets: what people do arrives on this socket from now on.
    Hello,
    /// Slack announced that it replaces the socket.
    Replaced,
    /// The message is an interaction, which is handled in a task of its own, or something unknown.
    Other,
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A socket, and the responses that are to be sent on it.
struct Connection {
    write: SplitSink<Socket, Message>,
    read: SplitStream<Socket>,
    sender: mpsc::Sender<String>,
    responses: mpsc::Receiver<String>,
}

/// The reason why a socket is no longer used.
enum SocketEnd {
    /// Slack announced that it replaces the socket.
    Replaced(Box<Connection>),
    /// Slack closed the socket unannounced.
    Closed,
    Stopped,
}

/// Receives interactions until stopped.
///
/// # Errors
/// If a socket cannot be opened or breaks. The caller may listen again.
pub(super) async fn listen(dispatcher: Dispatcher, stop: CancellationToken) -> Result<()> {
    let clock = dispatcher.runtime().clock().clone();
    let mut consecutive_short = 0_u32;
    // Cancelled once the socket that it belongs to has a successor.
    let mut succeeded: Option<CancellationToken> = None;
    loop {
        let opened = clock.now();
        let end = listen_once(&dispatcher, &stop, &mut succeeded).await?;
        let is_short = clock.now().duration_since(opened).unsigned_abs() < MIN_LIFETIME;
        consecutive_short = if is_short { consecutive_short.saturating_add(1) } else { 0 };
        match end {
            SocketEnd::Stopped => return Ok(()),
            SocketEnd::Closed => {}
            SocketEnd::Replaced(connection) => {
                let until = CancellationToken::new();
                succeeded = Some(until.clone());
                let served = serve_replaced(dispatcher.clone(), *connection, until, stop.clone());
                dispatcher.app().tasks().spawn(served);
                if consecutive_short <= 1 {
                    continue;
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = clock.sleep(BACKOFF_BASE * 2_u32.pow(consecutive_short.min(MAX_BACKOFF_DOUBLINGS))) => {}
        }
    }
}

/// Opens a socket and receives interactions on it until it ends. Cancels `predecessor` when Slack greets on it.
async fn listen_once(
    dispatcher: &Dispatcher,
    stop: &CancellationToken,
    predecessor: &mut Option<CancellationToken>,
) -> Result<SocketEnd> {
    let clock = dispatcher.runtime().clock();
    let connect = async {
        let url = dispatcher.app().slack().api().open_socket().await?;
        let limits =
            WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE_SIZE)).max_frame_size(Some(MAX_MESSAGE_SIZE));
        // The original error may contain the URL, which is a secret.
        let connected = connect_async_with_config(url.expose_secret(), Some(limits), false).await;
        connected.map_err(|_| unavailable("the socket to Slack could not be opened"))
    };
    let (socket, _) = tokio::select! {
        () = stop.cancelled() => return Ok(SocketEnd::Stopped),
        () = clock.sleep(CONNECT_TIMEOUT) => return Err(unavailable("opening the socket to Slack timed out")),
        connected = connect => connected?,
    };
    let (write, read) = socket.split();
    let (sender, responses) = mpsc::channel::<String>(RESPONSES_CAPACITY);
    let mut connection = Connection { write, read, sender, responses };
    loop {
        let Connection { write, read, sender, responses } = &mut connection;
        tokio::select! {
            () = stop.cancelled() => break,
            Some(text) = responses.recv() => {
                let sent = write.send(Message::text(text)).await;
                sent.map_err(|_| unavailable("the socket to Slack broke"))?;
            }
            () = clock.sleep(SILENCE_TIMEOUT) => return Err(unavailable("the socket to Slack went silent")),
            message = read.next() => match message {
                Some(Ok(Message::Text(text))) => match on_message(dispatcher, &text, sender)? {
                    Signal::Hello => {
                        if let Some(predecessor) = predecessor.take() {
                            predecessor.cancel();
                        }
                    }
                    Signal::Replaced => return Ok(SocketEnd::Replaced(Box::new(connection))),
                    Signal::Other => {}
                },
                Some(Ok(Message::Close(_))) | None => return Ok(SocketEnd::Closed),
                Some(Ok(_)) => {}
                Some(Err(_)) => return Err(unavailable("the socket to Slack broke")),
            },
        }
    }
    let clock = clock.clone();
    dispatcher.app().tasks().spawn(async move { connection.drain(&*clock).await });
    Ok(SocketEnd::Stopped)
}

/// Serves a replaced socket until it has a successor or Slack closes it.
async fn serve_replaced(
    dispatcher: Dispatcher,
    mut connection: Connection,
    succeeded: CancellationToken,
    stop: CancellationToken,
) {
    let clock = dispatcher.runtime().clock().clone();
    let mut timeout = std::pin::pin!(clock.sleep(REPLACED_TIMEOUT));
    loop {
        let Connection { write, read, sender, responses } = &mut connection;
        tokio::select! {
            () = succeeded.cancelled() => break,
            () = stop.cancelled() => break,
            () = &mut timeout => break,
            Some(text) = responses.recv() => {
                let sent = tokio::select! {
                    () = clock.sleep(DRAIN_TIMEOUT) => return,
                    sent = write.send(Message::text(text)) => sent,
                };
                if sent.is_err() {
                    return;
                }
            }
            message = read.next() => match message {
                // What is announced about this socket is known.
                Some(Ok(Message::Text(text))) => {
                    let _ = on_message(&dispatcher, &text, sender);
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
        }
    }
    connection.drain(&*clock).await;
}

impl Connection {
    /// Sends the remaining responses and closes the socket.
    async fn drain(self, clock: &dyn Clock) {
        let Self { mut write, sender, mut responses, .. } = self;
        drop(sender);
        let drain = async {
            while let Some(text) = responses.recv().await {
                if write.send(Message::text(text)).await.is_err() {
                    return;
                }
            }
            // Slack does not wait for the closing handshake, so its failure does not matter.
            let _ = write.close().await;
        };
        tokio::select! {
            () = drain => {}
            () = clock.sleep(DRAIN_TIMEOUT) => {}
        }
    }
}

/// Handles a message. Its acknowledgement is sent to `responses`; without one, Slack redelivers the message.
fn on_message(dispatcher: &Dispatcher, text: &str, responses: &mpsc::Sender<String>) -> Result<Signal> {
    let Ok(envelope) = serde_json::from_slice::<Envelope>(&repaired(text.as_bytes())) else {
        tracing::warn!("ignored a malformed message on the socket from Slack");
        return Ok(Signal::Other);
    };
    match (envelope.kind.as_str(), envelope.reason.as_deref()) {
        ("disconnect", Some("link_disabled")) => {
            let error = Error::new(ErrorKind::Configuration, codes::CONFIGURATION, "Socket Mode is disabled");
            return Err(error.with_service(super::NAME).with_hint("enable it in the app's settings"));
        }
        ("disconnect", _) => return Ok(Signal::Replaced),
        ("hello", _) => return Ok(Signal::Hello),
        _ => {}
    }
    let Some(id) = envelope.envelope_id else { return Ok(Signal::Other) };
    let incoming = match Incoming::from_envelope(&envelope.kind, envelope.payload) {
        Ok(incoming) => incoming,
        Err(error) => {
            tracing::warn!(%error, "ignored a malformed payload on the socket from Slack");
            Incoming::Ping
        }
    };
    let (dispatcher, responses) = (dispatcher.clone(), responses.clone());
    tokio::spawn(async move {
        let acknowledgement = match respond_in_time(dispatcher, incoming).await {
            // Unless it is acknowledged, Slack delivers it again.
            Response::Ack | Response::Refused => acknowledgement(&id, None),
            Response::Json(payload) => acknowledgement(&id, Some(payload)),
            Response::SerializedJson(payload) => match serde_json::from_slice::<Value>(&payload) {
                Ok(payload) => acknowledgement(&id, Some(payload)),
                Err(_) => return,
            },
            Response::Unavailable => return,
        };
        // If the socket is gone, Slack redelivers the message on the next one.
        let _ = responses.send(acknowledgement).await;
    });
    Ok(Signal::Other)
}

/// Returns the acknowledgement of an envelope, with as many options as a message may have. Anything else that is too large is left out:
/// without an acknowledgement, Slack would deliver the envelope again.
fn acknowledgement(id: &str, payload: Option<Value>) -> String {
    let plain = || json!({ "envelope_id": id }).to_string();
    let Some(payload) = payload else { return plain() };
    let mut whole = json!({ "envelope_id": id, "payload": payload });
    let text = whole.to_string();
    let Some(mut excess) = text.len().checked_sub(MAX_RESPONSE_BYTES).filter(|excess| *excess > 0) else {
        return text;
    };
    let Some(options) = whole.pointer_mut("/payload/options").and_then(Value::as_array_mut) else {
        tracing::warn!(bytes = text.len(), "left out a response that is too large for the socket to Slack");
        return plain();
    };
    while excess > 0
        && let Some(option) = options.pop()
    {
        // One byte for the comma.
        excess = excess.saturating_sub(option.to_string().len().saturating_add(1));
    }
    whole.to_string()
}

fn unavailable(message: &str) -> Error {
    Error::new(ErrorKind::Unavailable, crate::slack::codes::SOCKET, message).with_service(super::NAME)
}
