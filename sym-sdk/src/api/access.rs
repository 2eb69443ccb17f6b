//! The access that there is now.

use axum::extract::State;
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::Params;
use super::people::UserRef;
use super::run_body::{AccessBody, Named};
use super::state::ApiState;
use crate::engine::RunFilter;
use crate::model::{RunId, RunStatus, UserId};
use crate::server::caller::Caller;
use crate::server::problem::Problem;

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
    let filter = RunFilter { may_hold_access: true, flow: params.flow, requester: params.user, ..RunFilter::default() };
    let runs = state.runtime.runs(filter, usize::MAX).await?;
    let blocked = state.runtime.blocked_access();
    let mut access = Vec::new();
    for stored in &runs {
        let run = &*stored.state;
        let grant = run.access.grant();
        let target = grant.map(|grant| Named::from(&grant.target));
        let is_asked_for = params
            .username
            .as_deref()
            .is_none_or(|name| run.run.requester().is_some_and(|user| user.username().eq_ignore_ascii_case(name)))
            && params.target.as_deref().is_none_or(|name| target.as_ref().is_some_and(|target| target.name == name));
        if !is_asked_for || !run.is_visible_to(caller.user()) {
            continue;
        }
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
    access.sort_by_key(|access| (access.access.ends_at().unwrap_or(Timestamp::MAX), access.run_id));
    Ok(Json(AccessList { access }))
}
