//! The state that the pages share, and the time limit of each.

use std::collections::BTreeSet;
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
use crate::engine::{Relation, RunFilter, RunOrder, RunQuery, StoredRun, Viewer};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::{ChannelType, User};
use crate::runtime::{PublicUrl, RouterContext, Runtime};
use crate::server::rate::RateLimit;
use crate::server::{CancellationToken, Rate};

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

    /// Returns the flows to choose from in a filter, by name, with their labels: those of the Runs that are shown, and what was chosen, which
    /// may be a name that somebody has guessed. Administrators see all flows; of others it is not known which of those that they do not see
    /// here they may know of.
    pub(super) fn flow_choices(&self, user: &User, shown: &[StoredRun], chosen: Option<&str>) -> Vec<(String, String)> {
        let all = user.is_admin().then(|| self.runtime.flows());
        let all = all.iter().flat_map(|flows| flows.iter()).map(|flow| flow.name().as_str().to_owned());
        let shown = shown.iter().map(|stored| stored.state.flow.slug().to_owned());
        let names: BTreeSet<String> = all.chain(shown).collect();
        let guessed =
            chosen.filter(|chosen| !names.contains(*chosen)).map(|chosen| (chosen.to_owned(), chosen.to_owned()));
        let mut choices: Vec<_> = names.into_iter().map(|name| (self.flow_label(&name), name)).chain(guessed).collect();
        choices.sort();
        choices.into_iter().map(|(label, name)| (name, label)).collect()
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
        self.runtime.count_runs(&Self::inbox(user, RunFilter::default()).with_limit(MAX_COUNT + 1)).await
    }

    /// Counts the Runs whose access cannot be taken away, up to one more than the menu shows.
    pub(super) async fn count_stuck(&self) -> Result<usize> {
        let filter = RunFilter { stuck: true, ..RunFilter::default() };
        self.runtime.count_runs(&RunQuery::new(filter, None).with_limit(MAX_COUNT + 1)).await
    }

    /// Returns the query of the requests that wait for a decision which the user is admitted to, the longest wait first.
    pub(super) fn inbox(user: &Arc<User>, filter: RunFilter) -> RunQuery {
        let viewer = Viewer::new(user.clone()).related(Relation::CanDecide);
        RunQuery::new(RunFilter { open: true, ..filter }, Some(viewer)).in_order(RunOrder::OldestFirst)
    }

    /// Returns whether the user can decide each of the requests now.
    pub(super) fn waiting(&self, user: &User, runs: Vec<StoredRun>) -> Vec<Waiting> {
        let waiting = runs.into_iter().map(|stored| {
            let abilities = self.runtime.abilities_on(&stored, user, ChannelType::Web);
            Waiting { why_not: abilities.approve.err().map(|error| error.message), stored }
        });
        waiting.collect()
    }
}

/// A request that waits for a decision.
pub(super) struct Waiting {
    pub(super) stored: StoredRun,
    /// The reason for which the viewer cannot approve it.
    pub(super) why_not: Option<String>,
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
