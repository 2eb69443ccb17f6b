//! Streams of changes, as server-sent events: which Runs have changed, so that programs need not poll.
//!
//! An event says that a Run has changed, and its status; the rest is read from the Run. Its id is the number of a record of the audit log with
//! the beginning of the record's hash, so a client goes on exactly after the last event that it has seen, also after a restart, and notices
//! that it talks to another store, such as a restored backup. A stream sends a comment now and then, so that clients and proxies notice a dead
//! connection; at the same time, the caller is authenticated again.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::future::{Either, select};
use futures_util::stream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Params, Segment};
use super::state::ApiState;
use super::streams::StreamSlot;
use crate::engine::Change;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::{RunId, RunStatus};
use crate::runtime::{ChangeCursor, Changes};
use crate::server::caller::{Caller, Credentials};
use crate::server::problem::Problem;
use crate::time::TimestampExt as _;

/// Interval of comments.
const COMMENT_INTERVAL: Duration = Duration::from_secs(15);

/// The place at which to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ChangesParams {
    /// The id of the last event that was seen, or the number of a record. `0` begins with the first record. Without it and `Last-Event-ID`, the
    /// stream begins with what happens from now on.
    after: Option<String>,
}

/// The data of an event `run`: a Run that has changed.
#[derive(Debug, Serialize, ToSchema)]
struct RunChange {
    /// The number of the last record of the change.
    seq: u64,
    run_id: RunId,
    /// The status after the change, or a later one.
    status: RunStatus,
    /// The version that has this status.
    version: u64,
}

/// Stream the changes
///
/// Server-sent events: `run` for each Run that has changed and that the caller may see, with its id, status and version, and `resync` if the
/// stream cannot go on where it ended, so that everything has to be read anew.
#[utoipa::path(
    get, path = "/changes", operation_id = "follow_changes", tag = "changes",
    params(ChangesParams, ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was seen.")),
    responses((status = 200, description = "The stream.", content_type = "text/event-stream", body = RunChange)),
)]
pub(super) async fn all(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Extension(credentials): Extension<Arc<Credentials>>,
    Params(params): Params<ChangesParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    open(state, caller, credentials, None, params, &headers).await
}

/// Stream the changes of a Run
#[utoipa::path(
    get, path = "/runs/{run}/changes", operation_id = "follow_run", tag = "changes",
    params(
        ("run" = RunId, Path, description = "The id of the Run."),
        ChangesParams,
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was seen."),
    ),
    responses((status = 200, description = "The stream.", content_type = "text/event-stream", body = RunChange)),
)]
pub(super) async fn of_run(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Extension(credentials): Extension<Arc<Credentials>>,
    Segment(run): Segment<RunId>,
    Params(params): Params<ChangesParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    state.runtime.run_for(run, caller.user()).await?;
    open(state, caller, credentials, Some(run), params, &headers).await
}

async fn open(
    state: ApiState,
    caller: Caller,
    credentials: Arc<Credentials>,
    run: Option<RunId>,
    params: ChangesParams,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    if state.stop.is_cancelled() {
        return Err(Error::new(ErrorKind::Unavailable, codes::STOPPING, "the server is stopping").into());
    }
    let slot = state.streams.open(caller.key())?;
    let last_seen = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let position = last_seen.map(str::to_owned).or(params.after);
    let (changes, can_resume) = feed_after(&state, position.as_deref()).await?;
    let now = state.runtime.clock().now();
    let mut queue = VecDeque::from([Event::default().comment("open")]);
    if !can_resume {
        queue.push_back(Event::default().event("resync").data("{}"));
    }
    let next_comment = now.plus(COMMENT_INTERVAL);
    let feed = Feed { state, caller, credentials, run, changes, queue, next_comment, _slot: slot };
    let events = stream::unfold(feed, async |mut feed| {
        let event = feed.next().await?;
        Some((Ok::<_, Infallible>(event), feed))
    });
    let mut response = Sse::new(Box::pin(events)).into_response();
    // Proxies that buffer or compress would hold events back.
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

/// Opens the feed where the client has stopped. Returns also whether that is possible: the client may come from another store.
async fn feed_after(state: &ApiState, position: Option<&str>) -> Result<(Changes, bool), Problem> {
    let Some(position) = position else { return Ok((state.runtime.changes(None).await?, true)) };
    let cursor: ChangeCursor = position.parse()?;
    match state.runtime.changes(Some(cursor)).await {
        Ok(changes) => Ok((changes, true)),
        Err(error) if *error.code() == codes::INVALID_CURSOR => {
            // A number from the future is an error: an empty stream would look like one in which nothing happens.
            if cursor.seq() > state.runtime.engine().head().await?.seq {
                return Err(error.into());
            }
            Ok((state.runtime.changes(None).await?, false))
        }
        Err(error) => Err(error.into()),
    }
}

/// A stream for one client.
struct Feed {
    state: ApiState,
    caller: Caller,
    credentials: Arc<Credentials>,
    /// The Run to which the stream is limited.
    run: Option<RunId>,
    changes: Changes,
    queue: VecDeque<Event>,
    next_comment: Timestamp,
    _slot: StreamSlot,
}

/// The end of a stream's wait.
enum Wake {
    Stopped,
    Changed(Result<Change>),
    CommentDue,
}

impl Feed {
    /// Returns the next event. `None` ends the stream: the server stops, the caller is not good any more, or the store fails. Clients connect
    /// again, and learn why they cannot.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Some(event);
            }
            let state = self.state.clone();
            if state.stop.is_cancelled() {
                return None;
            }
            match self.wait(&state).await {
                Wake::Stopped => return None,
                Wake::Changed(change) => {
                    let event = self.event(&change.ok()?).await.ok()?;
                    self.queue.extend(event);
                }
                Wake::CommentDue => {
                    self.caller = self.credentials.authenticate(&state.runtime).await.ok()?;
                    self.next_comment = state.runtime.clock().now().plus(COMMENT_INTERVAL);
                    return Some(Event::default().comment("alive"));
                }
            }
        }
    }

    async fn wait(&mut self, state: &ApiState) -> Wake {
        let (stopped, changed) = (pin!(state.stop.cancelled()), pin!(self.changes.next()));
        let comment = state.runtime.clock().sleep_until(self.next_comment);
        // The comment comes first: a caller whose changes never pause is checked as often as others.
        match select(comment, select(stopped, changed)).await {
            Either::Left(_) => Wake::CommentDue,
            Either::Right((Either::Left(_), _)) => Wake::Stopped,
            Either::Right((Either::Right((change, _)), _)) => Wake::Changed(change),
        }
    }

    /// Returns the event of a change, unless it is none of this stream.
    async fn event(&self, change: &Change) -> Result<Option<Event>> {
        if self.run.is_some_and(|run| run != change.run) {
            return Ok(None);
        }
        // An entry that belongs to no Run, such as that of a refusal, changes none.
        let Some(stored) = self.state.runtime.changed_run(change).await? else { return Ok(None) };
        if !stored.state.is_visible_to(self.caller.user()) {
            return Ok(None);
        }
        let status = stored.state.run.status();
        let data = RunChange { seq: change.seq, run_id: change.run, status, version: stored.version };
        let id = ChangeCursor::from(change).to_string();
        Ok(Some(Event::default().event("run").id(id).data(serde_json::to_string(&data)?)))
    }
}
