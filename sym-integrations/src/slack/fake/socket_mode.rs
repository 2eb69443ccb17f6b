//! Socket Mode as Slack serves it: the app opens a socket, and what people do arrives there in envelopes, which it acknowledges.
//!
//! The address of the socket is another than that of the Web API, as in Slack, and is valid for one connection. A message of the app that is
//! too long ends its socket, and what is not acknowledged within three seconds has failed.

use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use sym_sdk::error::Result;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::app_requests::{APP_TIMEOUT, AppError, AppResponse};
use super::shared::configuration_error;
use super::{FakeSlack, Shared};

/// Maximum size of a message of the app, in bytes. Slack documents none, but closes the socket after a longer one.
const MAX_MESSAGE_BYTES: usize = 20_480;

/// Interval between pings.
const PING_INTERVAL: Duration = Duration::from_secs(10);

/// The host that the messages of the socket name.
const HOST: &str = "applink-sandbox";

/// Messages that can wait to be sent on a socket.
const CAPACITY: usize = 256;

/// Why Slack announces the end of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The socket will be replaced in about ten seconds.
    Warning,
    /// The socket is replaced: the app should open another.
    RefreshRequested,
    /// Socket Mode was disabled in the app's settings.
    LinkDisabled,
}

impl DisconnectReason {
    fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::RefreshRequested => "refresh_requested",
            Self::LinkDisabled => "link_disabled",
        }
    }
}

/// The sockets of the app.
#[derive(Default)]
pub(super) struct Sockets(Mutex<SocketState>);

#[derive(Default)]
struct SocketState {
    /// The address at which sockets are opened, in Socket Mode.
    address: Option<SocketAddr>,
    tickets: HashSet<String>,
    /// Open sockets, the latest last.
    open: Vec<(u64, mpsc::Sender<Value>)>,
    /// Envelopes that wait for their acknowledgement.
    waiting: HashMap<String, oneshot::Sender<Value>>,
    counter: u64,
}

impl Sockets {
    fn state<T>(&self, change: impl FnOnce(&mut SocketState) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the app is in Socket Mode.
    pub(super) fn is_enabled(&self) -> bool {
        self.state(|state| state.address.is_some())
    }

    /// Returns the address of one more socket.
    pub(super) fn url(&self, app: &str) -> Option<String> {
        self.state(|state| {
            let address = state.address?;
            let ticket: String = std::iter::repeat_with(fastrand::alphanumeric).take(32).collect();
            let url = format!("ws://{address}/link/?ticket={ticket}&app_id={app}");
            state.tickets.insert(ticket);
            Some(url)
        })
    }

    /// Announces the end of all open sockets. Except after a warning, they receive nothing from now on.
    pub(super) async fn disconnect(&self, reason: DisconnectReason) {
        let open = self.state(|state| match reason {
            DisconnectReason::Warning => state.open.clone(),
            _ => std::mem::take(&mut state.open),
        });
        let message = json!({ "type": "disconnect", "reason": reason.as_str(), "debug_info": { "host": HOST } });
        for (_, socket) in open {
            // A socket that is gone needs no announcement.
            let _ = socket.send(message.clone()).await;
        }
    }
}

impl FakeSlack {
    /// Delivers what people do on sockets that the app opens, instead of HTTP requests.
    ///
    /// # Errors
    /// `SymSDK:CONFIGURATION` if no port is free.
    pub async fn enable_socket_mode(&self) -> Result<()> {
        self.shared().enable_socket_mode().await
    }

    /// Announces the end of the app's open sockets.
    pub async fn disconnect_sockets(&self, reason: DisconnectReason) {
        self.shared().sockets.disconnect(reason).await;
    }
}

impl Shared {
    /// Begins to accept sockets on a free port.
    pub(super) async fn enable_socket_mode(self: &Arc<Self>) -> Result<()> {
        let taken =
            |error: std::io::Error| configuration_error("the fake Slack cannot listen for sockets").with_source(error);
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.map_err(taken)?;
        let address = listener.local_addr().map_err(taken)?;
        self.sockets.state(|state| state.address = Some(address));
        let (shared, stop) = (Arc::downgrade(self), self.stop.clone());
        tokio::spawn(async move {
            loop {
                let stream = tokio::select! {
                    () = stop.cancelled() => return,
                    accepted = listener.accept() => accepted,
                };
                let Some(shared) = shared.upgrade() else { return };
                if let Ok((stream, _)) = stream {
                    tokio::spawn(async move { shared.serve_socket(stream).await });
                }
            }
        });
        Ok(())
    }

    async fn serve_socket(self: Arc<Self>, stream: TcpStream) {
        #[allow(clippy::result_large_err, reason = "the library's callback returns a response as its error")]
        let ticket = |request: &Request, response: Response| {
            let query = request.uri().query().unwrap_or_default();
            let ticket = query.split('&').find_map(|field| field.strip_prefix("ticket=")).unwrap_or_default();
            if self.sockets.state(|state| state.tickets.remove(ticket)) {
                return Ok(response);
            }
            let mut refused = ErrorResponse::new(None);
            *refused.status_mut() = StatusCode::FORBIDDEN;
            Err(refused)
        };
        let Ok(mut socket) = accept_hdr_async(stream, ticket).await else { return };
        let (sender, mut messages) = mpsc::channel(CAPACITY);
        let (id, count) = self.sockets.state(|state| {
            state.counter = state.counter.saturating_add(1);
            state.open.push((state.counter, sender));
            (state.counter, state.open.len())
        });
        let hello = json!({
            "type": "hello",
            "num_connections": count,
            "connection_info": { "app_id": self.look(|workspace| workspace.names.app.clone()) },
            "debug_info": { "host": HOST, "approximate_connection_time": 3_600 },
        });
        let mut is_open = socket.send(Message::text(hello.to_string())).await.is_ok();
        while is_open {
            is_open = tokio::select! {
                () = self.stop.cancelled() => false,
                // A socket whose end was announced waits for the app to close it.
                Some(message) = messages.recv() => socket.send(Message::text(message.to_string())).await.is_ok(),
                () = self.clock.sleep(PING_INTERVAL) => socket.send(Message::Ping("Ping".into())).await.is_ok(),
                received = socket.next() => match received {
                    Some(Ok(Message::Text(text))) if text.len() > MAX_MESSAGE_BYTES => {
                        let fault = format!("a message of {} bytes is longer than {MAX_MESSAGE_BYTES}", text.len());
                        self.change(|workspace, _| workspace.fault("socket", &[fault]));
                        let frame = CloseFrame { code: CloseCode::Size, reason: "message too long".into() };
                        let _ = socket.close(Some(frame)).await;
                        false
                    }
                    Some(Ok(Message::Text(text))) => {
                        self.acknowledged(&text);
                        true
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => false,
                    Some(Ok(_)) => true,
                },
            };
        }
        self.sockets.state(|state| state.open.retain(|(other, _)| *other != id));
    }

    fn acknowledged(&self, text: &str) {
        let Ok(answer) = serde_json::from_str::<Value>(text) else {
            return self.change(|workspace, _| workspace.fault("socket", &["the message is not JSON".to_owned()]));
        };
        let id = answer["envelope_id"].as_str().unwrap_or_default();
        if let Some(waiting) = self.sockets.state(|state| state.waiting.remove(id)) {
            // Whoever sent the envelope may have given up.
            let _ = waiting.send(answer["payload"].clone());
        }
    }

    /// Sends an envelope on the latest socket, and waits for its acknowledgement.
    pub(super) async fn send_envelope(&self, mut envelope: Value) -> Result<AppResponse, AppError> {
        let id: String = std::iter::repeat_with(fastrand::alphanumeric).take(24).collect();
        envelope["envelope_id"] = json!(id);
        let (sender, acknowledged) = oneshot::channel();
        let socket = self.sockets.state(|state| {
            let (_, socket) = state.open.last()?;
            state.waiting.insert(id.clone(), sender);
            Some(socket.clone())
        });
        let sent = async {
            socket.ok_or(AppError::NoResponse)?.send(envelope).await.map_err(|_| AppError::NoResponse)?;
            acknowledged.await.map_err(|_| AppError::NoResponse)
        };
        let answer = tokio::select! {
            answer = sent => answer,
            () = self.timeout(APP_TIMEOUT) => Err(AppError::NoResponse),
        };
        self.sockets.state(|state| state.waiting.remove(&id));
        Ok(AppResponse::of(&answer?))
    }
}
