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
use futures_util::{StreamExt as _, stream};
use serde_json::json;

use super::authentication::SignedIn;
use super::refusal::Refusal;
use super::state::ConsoleState;
use crate::error::{Error, ErrorKind, codes};
use crate::time::TimestampExt as _;

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
    let next_comment = state.runtime.clock().now().plus(COMMENT_INTERVAL);
    let feed = (state, viewer, changes, next_comment, slot);
    let events = stream::unfold(feed, async |(state, viewer, mut changes, mut next_comment, slot)| {
        let event = loop {
            if state.stop.is_cancelled() {
                return None;
            }
            let comment = state.runtime.clock().sleep_until(next_comment);
            let next = pin!(changes.next());
            let stop = pin!(state.stop.cancelled());
            // The comment comes first: the session of a page whose changes never pause is looked at as often as others.
            match select(select(comment, next), stop).await {
                Either::Left((Either::Right((Ok(change), _)), _)) => {
                    let stored = state.runtime.changed_run(&change).await.ok()?;
                    if let Some(stored) = stored.filter(|stored| stored.state.is_visible_to(&viewer.user)) {
                        let data = json!({ "run_id": change.run, "status": stored.state.run.status() });
                        break Event::default().event("run").data(data.to_string());
                    }
                }
                Either::Left((Either::Right((Err(_), _)), _)) | Either::Right(_) => return None,
                Either::Left((Either::Left(_), _)) => {
                    // A session that has ended sees nothing more.
                    // To look is no use of it: an open page keeps nobody signed in.
                    let sessions = state.runtime.sessions_of(&viewer.user.id()).await.ok()?;
                    if !sessions.iter().any(|session| session.id == viewer.session) {
                        return None;
                    }
                    next_comment = state.runtime.clock().now().plus(COMMENT_INTERVAL);
                    break Event::default().comment("open");
                }
            }
        };
        Some((Ok::<_, Infallible>(event), (state, viewer, changes, next_comment, slot)))
    });
    // Proxies pass the head of a response on with the first bytes of its body.
    let first = stream::once(async { Ok::<_, Infallible>(Event::default().comment("open")) });
    let mut response = Sse::new(Box::pin(first.chain(events))).into_response();
    let headers = response.headers_mut();
    // Proxies that buffer or compress would hold events back.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}
