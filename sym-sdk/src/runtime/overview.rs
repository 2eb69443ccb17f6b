//! The overview of one person: the requests that they wait for, the access that they have, and the requests that wait for their decision.
//!
//! Front ends show it as a list or a home page. It is read from the store, so every front end shows the same; what may be decided follows
//! from the rules by which decisions are admitted. Nobody sees a request in it that they did not make and may not decide.

use std::sync::Arc;

use super::Runtime;
use super::bounded_call::call_bounded;
use super::effect_executor::build_event;
use crate::delivery::RequestView;
use crate::engine::RunFilter;
use crate::error::Result;
use crate::machine::{ActionKind, EventRecord, Extension, RunState};
use crate::model::{RunStatus, User};

/// The maximum number of a person's own requests that are read.
const MAX_OWN_RUNS: usize = 500;

/// The maximum number of open requests, in each status, among which those are searched for that a person may decide.
const MAX_OPEN_RUNS: usize = 1_000;

/// The requests that concern one person. Returned by [`Runtime::overview`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Overview {
    /// The requests of others that the person may approve, those that have waited longest first.
    pub to_decide: Vec<RequestView>,
    /// The person's own requests that wait for a decision or for their grant, the latest first.
    pub open: Vec<RequestView>,
    /// The requests that give the person access, the latest first.
    pub access: Vec<RequestView>,
    /// Whether there may be more, because only so many requests were read.
    pub is_partial: bool,
}

impl Overview {
    /// Returns the number of requests.
    pub fn len(&self) -> usize {
        self.to_decide.len().saturating_add(self.open.len()).saturating_add(self.access.len())
    }

    /// Returns whether there are no requests.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Runtime {
    /// Returns the requests that concern a user: those that they made and that are not over, and those of others, and
    /// extensions, that they may approve now.
    ///
    /// # Errors
    /// If the store fails, or does not respond in time.
    pub async fn overview(&self, user: &User) -> Result<Overview> {
        let mut overview = Overview::default();
        let own = RunFilter { requester: Some(user.id()), active: true, ..RunFilter::default() };
        for state in self.listed(own, MAX_OWN_RUNS, &mut overview.is_partial).await? {
            let Some(view) = self.view_of(&state) else { continue };
            if state.may_hold_access() && view.status() != RunStatus::Errored && view.status() != RunStatus::Approved {
                overview.access.push(view);
            } else if !state.is_finished() {
                overview.open.push(view);
            }
        }
        let now = self.clock().now();
        for status in [RunStatus::Requested, RunStatus::Forwarded] {
            let open = RunFilter { status: Some(status), active: true, ..RunFilter::default() };
            for state in self.listed(open, MAX_OPEN_RUNS, &mut overview.is_partial).await? {
                // Who may approve their own request finds it among those.
                let is_own = state.run.requester().is_some_and(|requester| requester.is_same(user));
                let view = if is_own { None } else { self.view_of(&state) };
                overview
                    .to_decide
                    .extend(view.filter(|view| view.allowed_actions(user, now).contains(&ActionKind::Approve)));
            }
        }
        // Only access that is given can be extended, and the store finds it without looking at all other Runs.
        let held = RunFilter {
            status: Some(RunStatus::Escalated),
            may_hold_access: true,
            active: true,
            ..RunFilter::default()
        };
        for state in self.listed(held, MAX_OPEN_RUNS, &mut overview.is_partial).await? {
            let is_own = state.run.requester().is_some_and(|requester| requester.is_same(user));
            if is_own || !state.extension.as_deref().is_some_and(Extension::is_open) {
                continue;
            }
            let view = self.view_of(&state).and_then(|view| view.of_extension());
            let may_decide =
                |view: &RequestView| view.allowed_actions(user, now).contains(&ActionKind::ApproveExtension);
            overview.to_decide.extend(view.filter(may_decide));
        }
        overview.to_decide.sort_by_key(RequestView::requested_at);
        Ok(overview)
    }

    /// Returns the states of Runs, the latest first.
    async fn listed(&self, filter: RunFilter, limit: usize, is_partial: &mut bool) -> Result<Vec<Arc<RunState>>> {
        let (clock, timeout) = (&*self.executor.clock, self.executor.limits.store);
        let listed = call_bounded(clock, timeout, || "the store".to_owned(), self.engine.runs(filter, limit)).await??;
        *is_partial |= listed.len() >= limit;
        Ok(listed.into_iter().map(|run| run.state).collect())
    }

    /// Returns the request of a Run as front ends display it. `None` if it has none yet, or its flow was removed.
    fn view_of(&self, state: &Arc<RunState>) -> Option<RequestView> {
        let record = EventRecord::request_of(state)?;
        let flow = self.executor.flows.by_srn(&state.flow).ok()?.flow.clone();
        Some(RequestView::new(build_event(&flow, state, &record), state.clone()))
    }
}
