//! The state that the pages share, and the time limit of each.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::future::{Either, select};
use jiff::Timestamp;

use super::SignIn;
use super::refusal::Refusal;
use crate::api::ApiLimits;
use crate::api::streams::Streams;
use crate::engine::{Relation, RunFilter, RunQuery, StoredRun, Viewer};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::{ChannelType, User};
use crate::runtime::{PublicUrl, RouterContext, Runtime};
use crate::server::rate::RateLimit;
use crate::server::{CancellationToken, Rate};

/// The largest number of requests that the inbox shows.
pub(super) const MAX_INBOX: usize = 200;

/// The largest number that the menu shows beside an entry. More are not counted.
pub(super) const MAX_COUNT: usize = 99;

/// Timeout of a page.
const PAGE_TIMEOUT: Duration = Duration::from_secs(30);

/// The rate at which one person may send codes of command lines, wrong ones or not. To let one in takes two: the code is looked up, and then
/// answered.
const CODE_RATE: Rate = Rate::per_minute(10);

/// The state of the routes.
#[derive(Clone)]
pub(super) struct ConsoleState(Arc<Shared>);

pub(super) struct Shared {
    pub(super) runtime: Runtime,
    /// Cancelled when the server stops: streams end then.
    pub(super) stop: CancellationToken,
    pub(super) public_url: Option<PublicUrl>,
    pub(super) sign_in: SignIn,
    pub(super) streams: Streams,
    pub(super) reads: RateLimit<String>,
    pub(super) writes: RateLimit<String>,
    /// Codes of command lines that people enter.
    pub(super) codes: RateLimit<String>,
}

impl ConsoleState {
    pub(super) fn new(context: RouterContext, sign_in: SignIn) -> Self {
        let RouterContext { runtime, stop, public_url, .. } = context;
        let limits = ApiLimits::default();
        let reads = RateLimit::new("pages", limits.reads, runtime.clock());
        let streams = Streams::new(limits.streams, limits.streams_per_caller);
        let writes = RateLimit::new("changes", limits.writes, runtime.clock());
        let codes = RateLimit::new("codes", CODE_RATE, runtime.clock());
        Self(Arc::new(Shared { runtime, stop, public_url, sign_in, streams, reads, writes, codes }))
    }

    pub(super) fn now(&self) -> Timestamp {
        self.runtime.clock().now()
    }

    /// Returns the label of a flow, or its name if it is gone.
    pub(super) fn flow_label(&self, name: &str) -> String {
        self.runtime.flow(name).map_or_else(|_| name.to_owned(), |flow| flow.label().to_owned())
    }

    /// Finds Runs that the user may see, the latest first.
    pub(super) async fn find(
        &self,
        user: &Arc<User>,
        relation: Relation,
        filter: RunFilter,
        limit: usize,
    ) -> Result<Vec<StoredRun>> {
        let viewer = Viewer::new(user.clone()).related(relation);
        let query = RunQuery::new(filter, Some(viewer)).with_limit(limit);
        Ok(self.runtime.find_runs(&query).await?.runs)
    }

    /// Counts the requests of the user's inbox, up to one more than the menu shows.
    pub(super) async fn count_inbox(&self, user: &Arc<User>) -> Result<usize> {
        let viewer = Viewer::new(user.clone()).related(Relation::CanDecide);
        let filter = RunFilter { open: true, ..RunFilter::default() };
        self.runtime.count_runs(&RunQuery::new(filter, Some(viewer)).with_limit(MAX_COUNT + 1)).await
    }

    /// Counts the Runs whose access cannot be taken away, up to one more than the menu shows.
    pub(super) async fn count_stuck(&self) -> Result<usize> {
        let filter = RunFilter { stuck: true, ..RunFilter::default() };
        self.runtime.count_runs(&RunQuery::new(filter, None).with_limit(MAX_COUNT + 1)).await
    }

    /// Returns the requests that wait for a decision which the user is admitted to, the longest wait first, each with whether the user
    /// can approve or deny it now.
    pub(super) async fn inbox(&self, user: &Arc<User>) -> Result<Vec<Waiting>> {
        let filter = RunFilter { open: true, ..RunFilter::default() };
        let mut found = self.find(user, Relation::CanDecide, filter, MAX_INBOX).await?;
        found.sort_by_key(|stored| (stored.state.created_at, stored.state.run.id()));
        let waiting = found.into_iter().map(|stored| {
            let abilities = self.runtime.abilities_on(&stored, user, ChannelType::Web);
            let is_own = stored.state.run.requester().is_some_and(|requester| requester.is_same(user));
            Waiting { why_not: abilities.approve.err().map(|error| error.message), is_own, stored }
        });
        // One's own request is among one's own, unless one may approve it.
        Ok(waiting.filter(|waiting| !waiting.is_own || waiting.why_not.is_none()).collect())
    }
}

/// A request that waits for a decision.
pub(super) struct Waiting {
    pub(super) stored: StoredRun,
    /// The reason for which the viewer cannot approve it.
    pub(super) why_not: Option<String>,
    pub(super) is_own: bool,
}

impl std::ops::Deref for ConsoleState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// Limits the time until the head of an answer is there.
pub(super) async fn bounded(State(state): State<ConsoleState>, request: Request, next: Next) -> Response {
    let answering = std::pin::pin!(next.run(request));
    match select(answering, state.runtime.clock().sleep(PAGE_TIMEOUT)).await {
        Either::Left((response, _)) => response,
        Either::Right(((), _)) => {
            let message = "the page took too long; what was sent may still take effect";
            Refusal::from(Error::new(ErrorKind::Timeout, codes::REQUEST_TIMED_OUT, message)).into_response()
        }
    }
}
