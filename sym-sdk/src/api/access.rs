//! The access that there is now, and the end of all that somebody has.

use axum::extract::State;
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::decisions::{DecisionResults, revoke_each};
use super::extract::{Body, CallBody, Params};
use super::people::UserRef;
use super::run_body::{AccessBody, Named};
use super::state::ApiState;
use crate::engine::{RunFilter, StoredRun};
use crate::error::{Error, codes};
use crate::model::{RunId, RunStatus, UserId};
use crate::server::caller::Caller;
use crate::server::problem::Problem;
use crate::server::request_id::RequestId;

/// The access to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AccessParams {
    /// Only access of the user with this id.
    user: Option<UserId>,
    /// Only access of the user with this name, which is the e-mail address of a person.
    username: Option<String>,
    /// Only access that this flow gave.
    flow: Option<String>,
    /// Only access to the target of this name.
    target: Option<String>,
}

/// The access that there is now, that which ends first at the top.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AccessList {
    access: Vec<HeldAccess>,
}

/// Access that somebody has, or may have.
#[derive(Debug, Serialize, ToSchema)]
struct HeldAccess {
    run_id: RunId,
    flow: Named,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserRef>,
    target: Option<Named>,
    /// The account of the user in the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<String>,
    status: RunStatus,
    since: Timestamp,
    #[serde(flatten)]
    access: AccessBody,
    /// The code of the reason for which it cannot be taken away as things are.
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked: Option<String>,
}

/// List access
///
/// The access that people have now, until when, and since which Run, as far as the caller may see the Run.
#[utoipa::path(
    get, path = "/access", operation_id = "list_access", tag = "access", params(AccessParams),
    responses((status = 200, description = "The access.", body = AccessList)),
)]
pub(super) async fn list(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Params(params): Params<AccessParams>,
) -> Result<Json<AccessList>, Problem> {
    let runs = find(&state, &caller, &params).await?;
    let blocked = state.runtime.blocked_access();
    let mut access = Vec::new();
    for stored in &runs {
        let run = &*stored.state;
        let grant = run.access.grant();
        let target = grant.map(|grant| Named::from(&grant.target));
        let label = state
            .runtime
            .flow(run.flow.slug())
            .map_or_else(|_| run.flow.slug().to_owned(), |flow| flow.label().to_owned());
        let is_blocked = blocked.iter().find(|blocked| blocked.run == run.run.id());
        access.push(HeldAccess {
            run_id: run.run.id(),
            flow: Named { name: run.flow.slug().to_owned(), label },
            user: run.run.requester().map(UserRef::from),
            target,
            identity: grant.map(|grant| grant.identity.clone()),
            status: run.run.status(),
            since: run.decision.as_ref().map_or(run.created_at, |decision| decision.at),
            access: AccessBody::of(run),
            blocked: is_blocked.map(|blocked| blocked.error.code.to_string()),
        });
    }
    Ok(Json(AccessList { access }))
}

/// The access to end.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AccessToRevoke {
    /// The id of the user.
    #[serde(default)]
    user: Option<UserId>,
    /// The name of the user, which is the e-mail address of a person.
    #[serde(default)]
    #[schema(example = "ana@example.com")]
    username: Option<String>,
    /// Only access that this flow gave.
    #[serde(default)]
    flow: Option<String>,
    /// Only access to the target of this name.
    #[serde(default)]
    target: Option<String>,
}

impl CallBody for AccessToRevoke {}

/// End all access of a user
///
/// Ends the access that `GET /access` lists for the user, which `user` or `username` names. Each Run has a result of its own: whether the caller
/// may end its access is decided as for one alone. Repeated, it ends what is left; what is being revoked already is done.
#[utoipa::path(
    post, path = "/access/revoke", operation_id = "revoke_all", tag = "access", request_body = AccessToRevoke,
    responses((status = 200, description = "The results, that of the access which would have ended first at the top.", body = DecisionResults)),
)]
pub(super) async fn revoke(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Extension(request_id): Extension<RequestId>,
    Body(AccessToRevoke { user, username, flow, target }): Body<AccessToRevoke>,
) -> Result<Json<DecisionResults>, Problem> {
    if user.is_none() && username.is_none() {
        let error = Error::invalid(codes::MISSING_ARGUMENT, "nobody is named whose access is to end");
        return Err(error.with_hint("send `username`, or the id as `user`").into());
    }
    let runs = find(&state, &caller, &AccessParams { user, username, flow, target }).await?;
    let runs = runs.iter().map(|stored| stored.state.run.id());
    Ok(Json(revoke_each(&state, &caller, &request_id, runs).await))
}

/// Returns the Runs that give the access which is asked for, as far as the caller may see them; that which ends first comes first.
async fn find(state: &ApiState, caller: &Caller, params: &AccessParams) -> Result<Vec<StoredRun>, Problem> {
    let filter =
        RunFilter { may_hold_access: true, flow: params.flow.clone(), requester: params.user, ..RunFilter::default() };
    let mut runs = state.runtime.runs(filter, usize::MAX).await?;
    runs.retain(|stored| {
        let run = &*stored.state;
        let has_name = |name: &str| run.run.requester().is_some_and(|user| user.username().eq_ignore_ascii_case(name));
        let is_target = |name: &str| run.access.grant().is_some_and(|grant| grant.target.name().as_str() == name);
        params.username.as_deref().is_none_or(has_name)
            && params.target.as_deref().is_none_or(is_target)
            && run.is_visible_to(caller.user())
    });
    runs.sort_by_key(|stored| {
        let ends_at = AccessBody::of(&stored.state).ends_at();
        (ends_at.unwrap_or(Timestamp::MAX), stored.state.run.id())
    });
    Ok(runs)
}
