//! The state that the handlers of the API share, and the time limit of each call.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::future::{Either, select};

use super::ApiLimits;
use super::streams::Streams;
use crate::error::{Error, ErrorKind, codes};
use crate::runtime::{PublicUrl, RouterContext, RunLinks, Runtime};
use crate::server::problem::Problem;
use crate::server::rate::RateLimit;
use crate::server::{CancellationToken, Rate};

/// The rate at which one client may begin to sign in on command lines. All people behind a proxy may be one client.
const SIGN_IN_RATE: Rate = Rate::per_minute(30);

/// The rate at which one client may ask whether somebody has let its command lines in. Each asks twelve times a minute.
const POLL_RATE: Rate = Rate::per_minute(240).with_burst(60);

/// The state of the routes.
#[derive(Clone)]
pub(super) struct ApiState(Arc<Shared>);

pub(super) struct Shared {
    pub(super) runtime: Runtime,
    /// Cancelled when the server stops: streams and long polls end then.
    pub(super) stop: CancellationToken,
    pub(super) limits: ApiLimits,
    pub(super) streams: Streams,
    pub(super) sign_ins: RateLimit<String>,
    pub(super) polls: RateLimit<String>,
    /// The address under which the server is reached, if it is known.
    pub(super) public_url: Option<PublicUrl>,
    /// The addresses of the pages of Runs, if there are such pages.
    pub(super) run_links: Option<RunLinks>,
}

impl ApiState {
    pub(super) fn new(context: RouterContext, limits: ApiLimits) -> Self {
        let streams = Streams::new(limits.streams, limits.streams_per_caller);
        let run_links = context.run_links();
        let RouterContext { runtime, stop, public_url, .. } = context;
        let sign_ins = RateLimit::new("sign-ins", SIGN_IN_RATE, runtime.clock());
        let polls = RateLimit::new("polls", POLL_RATE, runtime.clock());
        Self(Arc::new(Shared { runtime, stop, limits, streams, sign_ins, polls, public_url, run_links }))
    }
}

impl std::ops::Deref for ApiState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// Limits the time until a call is answered. What follows the head of the answer, as in a stream, is not counted.
pub(super) async fn bounded(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    let limit = state.limits.request;
    let answering = std::pin::pin!(next.run(request));
    match select(answering, state.runtime.clock().sleep(limit)).await {
        Either::Left((response, _)) => response,
        Either::Right(((), _)) => {
            let message = format!("the call was not answered within {limit:?}");
            let error = Error::new(ErrorKind::Timeout, codes::REQUEST_TIMED_OUT, message);
            let hint = "what it asked for may still happen: repeat it with the same `Idempotency-Key`";
            Problem::from(error.with_hint(hint)).into_response()
        }
    }
}
