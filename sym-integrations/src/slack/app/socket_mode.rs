//! What Slack sends on a socket that the app has opened: Socket Mode, for machines without a public address.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use tokio::sync::mpsc;
use tokio_tungstenite::connect_async_with_config;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_util::sync::CancellationToken;

use super::response::Answer;
use super::payload::Incoming;
use super::dispatcher::Front;

/// Slack sends something every few seconds. After such a silence the connection is taken for dead.
const SILENCE: Duration = Duration::from_secs(60);

/// For the connection to come about.
const CONNECT: Duration = Duration::from_secs(15);

/// The longest message that is taken, in bytes.
const LONGEST: usize = 4 * 1024 * 1024;

/// For answers that are under way when a socket is replaced: Slack waits no longer.
const FINISH: Duration = Duration::from_secs(5);

/// When a socket is closed without a word, there is a pause before the next one, and also when sockets in a row did not last for so
/// long. It doubles with each of those.
const SHORT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_secs(1);
const MOST_DOUBLED: u32 = 5;

/// So many answers can wait for the socket.
const WAITING: usize = 256;

/// What comes [on the socket](https://docs.slack.dev/apis/events-api/using-socket-mode).
#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: String,
    envelope_id: Option<String>,
    #[serde(default)]
    payload: Value,
    reason: Option<String>,
}

/// Why a socket is used no longer.
enum End {
    /// Slack has said that another one is to take its place.
    Replaced,
    /// Slack has said nothing.
    Closed,
    Stopped,
}

impl Front {
    /// Listens until it is told to stop. Slack has sockets replaced every now and then.
    pub(super) async fn listen(self, stop: CancellationToken) -> Result<()> {
        let clock = self.runtime.clock().clone();
        // How many in a row did not last.
        let mut short = 0_u32;
        loop {
            let opened = clock.now();
            let end = self.listen_once(&stop).await?;
            let has_lasted = clock.now().duration_since(opened).unsigned_abs() >= SHORT;
            short = if has_lasted { 0 } else { short.saturating_add(1) };
            match end {
                End::Stopped => return Ok(()),
                End::Replaced if short <= 1 => continue,
                End::Replaced | End::Closed => {}
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = clock.sleep(PAUSE * 2_u32.pow(short.min(MOST_DOUBLED))) => {}
            }
        }
    }

    async fn listen_once(&self, stop: &CancellationToken) -> Result<End> {
        let clock = self.runtime.clock();
        let connect = async {
            let url = self.app.slack().api().open_socket().await?;
            let limits = WebSocketConfig::default().max_message_size(Some(LONGEST)).max_frame_size(Some(LONGEST));
            // The address is a secret, and stands in errors.
            let connected = connect_async_with_config(url.expose_secret(), Some(limits), false).await;
            connected.map_err(|_| unavailable("the socket to Slack could not be opened"))
        };
        let (socket, _) = tokio::select! {
            () = stop.cancelled() => return Ok(End::Stopped),
            () = clock.sleep(CONNECT) => return Err(unavailable("the socket to Slack did not open in time")),
            connected = connect => connected?,
        };
        let (mut write, mut read) = socket.split();
        let (answer, mut answers) = mpsc::channel::<String>(WAITING);
        let end = loop {
            tokio::select! {
                () = stop.cancelled() => break End::Stopped,
                Some(text) = answers.recv() => {
                    let sent = write.send(Message::text(text)).await;
                    sent.map_err(|_| unavailable("the socket to Slack broke"))?;
                }
                () = clock.sleep(SILENCE) => return Err(unavailable("the socket to Slack has gone silent")),
                message = read.next() => match message {
                    Some(Ok(Message::Text(text))) => {
                        if let Some(end) = self.take(&text, &answer)? {
                            break end;
                        }
                    }
                    Some(Ok(Message::Close(_))) | None => return Ok(End::Closed),
                    Some(Ok(_)) => {}
                    Some(Err(_)) => return Err(unavailable("the socket to Slack broke")),
                },
            }
        };
        // What came on this socket is answered on it, while the next one is opened.
        drop(answer);
        let clock = clock.clone();
        let finishing = async move {
            let answering = async {
                while let Some(text) = answers.recv().await {
                    if write.send(Message::text(text)).await.is_err() {
                        return;
                    }
                }
                // Slack does not wait for a farewell.
                let _ = write.close().await;
            };
            tokio::select! {
                () = answering => {}
                () = clock.sleep(FINISH) => {}
            }
        };
        self.app.tasks().spawn(finishing);
        Ok(end)
    }

    /// Takes what came. Only what was taken is acknowledged; the rest comes again.
    fn take(&self, text: &str, answers: &mpsc::Sender<String>) -> Result<Option<End>> {
        let Ok(envelope) = serde_json::from_str::<Envelope>(text) else {
            tracing::warn!("what Slack sent on the socket cannot be read");
            return Ok(None);
        };
        match (envelope.kind.as_str(), envelope.reason.as_deref()) {
            ("disconnect", Some("link_disabled")) => {
                let error = Error::new(ErrorKind::Configuration, codes::CONFIGURATION, "Socket Mode is switched off");
                return Err(error.with_service(super::NAME).with_hint("switch it on in the app's settings"));
            }
            ("disconnect", _) => return Ok(Some(End::Replaced)),
            _ => {}
        }
        let Some(id) = envelope.envelope_id else { return Ok(None) };
        let incoming = match Incoming::of_envelope(&envelope.kind, envelope.payload) {
            Ok(incoming) => incoming,
            Err(error) => {
                tracing::warn!(%error, "what Slack sent on the socket is passed over");
                Incoming::Check
            }
        };
        let (front, answers) = (self.clone(), answers.clone());
        tokio::spawn(async move {
            let acknowledged = match front.answer_in_time(incoming).await {
                Answer::Done => json!({ "envelope_id": id }),
                Answer::Json(payload) => json!({ "envelope_id": id, "payload": payload }),
                Answer::Written(payload) => match serde_json::from_slice::<Value>(&payload) {
                    Ok(payload) => json!({ "envelope_id": id, "payload": payload }),
                    Err(_) => return,
                },
                Answer::Unavailable => return,
            };
            // If the socket is gone, Slack sends the same again on the next one.
            let _ = answers.send(acknowledged.to_string()).await;
        });
        Ok(None)
    }
}

fn unavailable(message: &str) -> Error {
    Error::new(ErrorKind::Unavailable, crate::slack::codes::SOCKET, message).with_service(super::NAME)
}
