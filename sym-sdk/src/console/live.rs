//! The stream of changes, by which open pages follow what happens.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::future::{Either, select};
use futures_util::stream;
use serde_json::json;

use super::authentication::SignedIn;
use super::refusal::Refusal;
use super::state::ConsoleState;
use crate::error::{Error, ErrorKind, codes};

/// Interval of comments, at which the session is looked at again too.
const COMMENT_INTERVAL: Duration = Duration::from_secs(15);

/// Sends an event for each change of a Run that the viewer may see. It names the Run, and no more: the page reads itself anew.
pub(super) async fn changes(
    State(state): State<ConsoleState>,
    Extension(viewer): Extension<SignedIn>,
) -> Result<Response, Refusal> {
    let changes = state.runtime.changes(None).await?;
    let slot = state.streams.open(viewer.user.id().to_string()).map_err(|_| {
        let message = "too many pages are open; this one is not updated";
        Refusal::from(Error::new(ErrorKind::Unavailable, codes::TOO_MANY_STREAMS, message))
    })?;
    let feed = (state, viewer, changes, slot);
    let events = stream::unfold(feed, async |(state, viewer, mut changes, slot)| {
        let event = loop {
            if state.stop.is_cancelled() {
                return None;
            }
            let pause = pin!(state.runtime.clock().sleep(COMMENT_INTERVAL));
            let next = pin!(changes.next());
            let stop = pin!(state.stop.cancelled());
            match select(select(next, pause), stop).await {
                Either::Left((Either::Left((Ok(change), _)), _)) => {
                    if let Ok(stored) = state.runtime.run_for(change.run, &viewer.user).await {
                        let data = json!({ "run_id": change.run, "status": stored.state.run.status() });
                        break Event::default().event("run").data(data.to_string());
                    }
                }
                Either::Left((Either::Left((Err(_), _)), _)) | Either::Right(_) => return None,
                Either::Left((Either::Right(_), _)) => {
                    // A session that has ended sees nothing more.
                    // To look is no use of it: an open page keeps nobody signed in.
                    let sessions = state.runtime.sessions_of(&viewer.user.id()).await.ok()?;
                    if !sessions.iter().any(|session| session.id == viewer.session) {
                        return None;
                    }
                    break Event::default().comment("open");
                }
            }
        };
        Some((Ok::<_, Infallible>(event), (state, viewer, changes, slot)))
    });
    let mut response = Sse::new(Box::pin(events)).into_response();
    let headers = response.headers_mut();
    // Proxies that buffer or compress would hold events back.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}
