//! What Slack sends over HTTP: verified, read, carried out, answered in time.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use serde_json::json;
use sym_sdk::error::Error;
use sym_sdk::runtime::Runtime;
use tokio::sync::oneshot;

use super::SlackApp;
use super::response::{Answer, Reply};
use super::payload::{Incoming, Interaction};
use crate::slack::signature::{SIGNATURE_HEADER, TIMESTAMP_HEADER};

/// Slack waits for 3 seconds, the way there and back included.
const IN_TIME: Duration = Duration::from_millis(2_500);

/// What carries out what Slack tells.
#[derive(Clone)]
pub(super) struct Front {
    pub(super) app: SlackApp,
    pub(super) runtime: Runtime,
}

pub(super) fn router(app: SlackApp, runtime: Runtime) -> Router {
    Router::new()
        .route("/commands", post(receive))
        .route("/interactions", post(receive))
        .route("/options", post(receive))
        .with_state(Front { app, runtime })
}

async fn receive(State(front): State<Front>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let now = front.runtime.clock().now();
    let (sent, signature) = (header(TIMESTAMP_HEADER), header(SIGNATURE_HEADER));
    if let Err(error) = front.app.verify(sent, signature, &body, now) {
        tracing::warn!(%error, "a request to the Slack front end is refused");
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let form = header(CONTENT_TYPE.as_str()).and_then(|kind| kind.split(';').next());
    if !form.is_some_and(|form| form.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")) {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    match Incoming::of_form(&body) {
        Ok(incoming) => front.answer_in_time(incoming).await.into_response(),
        Err(error) => {
            tracing::warn!(%error, "a request of Slack is passed over");
            StatusCode::BAD_REQUEST.into_response()
        }
    }
}

impl Front {
    /// Carries it out in a task of its own, which goes on whether somebody waits or not.
    pub(super) async fn answer_in_time(self, incoming: Incoming) -> Answer {
        let late = match &incoming {
            Incoming::Interaction(interaction) if matches!(**interaction, Interaction::BlockSuggestion(_)) => {
                Answer::Json(json!({ "options": [] }))
            }
            _ => Answer::Unavailable,
        };
        let clock = self.runtime.clock().clone();
        let tasks = self.app.tasks().clone();
        let mut work = Box::pin(AssertUnwindSafe(self.carry_out(incoming)).catch_unwind());
        // What is done at once, as most keystrokes are, needs neither a task nor a timer.
        match (&mut work).now_or_never() {
            Some(Ok(Reply { answer, then })) => {
                if let Some(then) = then {
                    tasks.spawn(then);
                }
                return answer;
            }
            Some(Err(_)) => return Answer::Unavailable,
            None => {}
        }
        let (send, answer) = oneshot::channel();
        tasks.spawn(async move {
            let Ok(Reply { answer, then }) = work.await else { return };
            // Nobody waits for an answer that comes too late.
            let _ = send.send(answer);
            if let Some(then) = then {
                then.await;
            }
        });
        match select(answer, clock.sleep(IN_TIME)).await {
            Either::Left((Ok(answer), _)) => answer,
            // The task has panicked.
            Either::Left((Err(_), _)) => Answer::Unavailable,
            Either::Right(_) => {
                tracing::warn!("Slack is answered before the work is done, as it waits no longer");
                late
            }
        }
    }

    async fn carry_out(self, incoming: Incoming) -> Reply {
        match incoming {
            Incoming::Check => Answer::Done.into(),
            Incoming::Command(command) => self.command(command).await,
            Incoming::Interaction(interaction) => match *interaction {
                Interaction::BlockActions(actions) => self.act(actions).await,
                Interaction::BlockSuggestion(typing) => self.suggest(typing).await.into(),
                Interaction::ViewSubmission(submitted) => self.submitted(submitted).await.into(),
                Interaction::ViewClosed(closed) => {
                    if let Ok(run) = closed.view.private_metadata.parse() {
                        self.app.forget(run);
                    }
                    Answer::Done.into()
                }
                Interaction::Shortcut(shortcut) => self.shortcut(shortcut).await,
                Interaction::Other => Answer::Done.into(),
            },
        }
    }
}

/// For what goes wrong after Slack was answered.
pub(super) fn log(doing: &str, error: &Error) {
    tracing::warn!(%error, "{doing} in Slack failed");
}
