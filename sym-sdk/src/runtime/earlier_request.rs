//! Requests made twice: whoever is to decide the second should know of the first, and so should the requester.

use super::bounded_call::call_bounded;
use super::effect_executor::EffectExecutor;
use crate::engine::RunFilter;
use crate::machine::{EarlierRequest, RunState};
use crate::model::UserType;

/// The maximum number of a requester's Runs that are compared.
const MAX_COMPARED_RUNS: usize = 50;

/// Returns the requester's latest earlier request for the same target in the same flow, if it is open or gives access.
///
/// Bots are left out: they make requests in parallel.
pub(super) async fn earlier_request(executor: &EffectExecutor, state: &RunState) -> Option<EarlierRequest> {
    let requester = state.run.requester().filter(|requester| requester.user_type() == UserType::Normal)?;
    let engine = executor.engine()?;
    let filter = RunFilter {
        flow: Some(state.flow.slug().to_owned()),
        requester: Some(requester.id()),
        active: true,
        ..RunFilter::default()
    };
    let listed = call_bounded(
        &*executor.clock,
        executor.limits.store,
        || "the store".to_owned(),
        engine.runs(filter, MAX_COMPARED_RUNS),
    );
    match listed.await.and_then(|runs| runs) {
        Ok(runs) => runs.iter().map(|run| &*run.state).find(|other| repeats(state, other)).map(EarlierRequest::of),
        // This only serves a hint: the request can be decided without it.
        Err(error) => {
            tracing::warn!(%error, run = %state.run.id(), "the requester's earlier requests could not be listed");
            None
        }
    }
}

/// Whether `later` asks for what `earlier` has asked for and is waiting for or gives.
fn repeats(later: &RunState, earlier: &RunState) -> bool {
    let (Some(asked), Some(before)) = (&later.request, &earlier.request) else { return false };
    let is_earlier = (earlier.created_at, earlier.run.id()) < (later.created_at, later.run.id());
    // Requests without a target are told apart by their fields.
    let is_same = asked.target == before.target && (asked.target.is_some() || asked.fields == before.fields);
    is_earlier && is_same && !earlier.is_finished()
}
