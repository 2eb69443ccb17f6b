//! The access that there is now, and the end of all that somebody has.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::decisions::{DecisionResults, revoke_each};
use super::extract::{Body, CallBody, Params, page_size};
use super::people::UserRef;
use super::run_body::{AccessBody, Named};
use super::run_list::page_response;
use super::state::ApiState;
use crate::engine::{RunFilter, RunOrder, RunPage, RunQuery, Viewer};
use crate::error::{Error, codes};
use crate::model::{RunId, RunStatus, UserId};
use crate::server::caller::Caller;
use crate::server::problem::Problem;
use crate::server::request_id::RequestId;

/// The largest number of grants in one answer.
const MAX_GRANTS: usize = 200;

/// The number of grants in one answer unless another one is asked for.
const DEFAULT_GRANTS: usize = 50;

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
    /// The number of grants, from 1 to 200. The default is 50. With `username`, a page can have fewer, and others follow it.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// `next` of the page before, with the same filters.
    after: Option<String>,
}

/// A page of the access that there is now: what has not ended when it was to, and then what ends next.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AccessList {
    access: Vec<HeldAccess>,
    /// The value of `after` for the next page. Absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
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
/// The access that people have now, until when, and since which Run, as far as the caller may see the Run. What has not ended when it was to
/// comes first, then what ends next. The header `Link` has the address of the next page.
#[utoipa::path(
    get, path = "/access", operation_id = "list_access", tag = "access", params(AccessParams),
    responses((
        status = 200, description = "A page of the access.", body = AccessList,
        headers(("Link" = String, description = "The address of the next page, with `rel=\"next\"`.")),
    )),
)]
pub(super) async fn list(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    Params(params): Params<AccessParams>,
) -> Result<Response, Problem> {
    let AccessParams { user, username, flow, target, limit, after } = params;
    let limit = page_size(limit, DEFAULT_GRANTS, MAX_GRANTS)?;
    // Somebody who was deleted still has what they hold, so the directory cannot say who has this name.
    let filter = RunFilter { requester: user, requester_name: username, flow, target, ..RunFilter::default() };
    let mut query = held(&caller, filter).with_limit(limit);
    if let Some(after) = after {
        query = query.after(after.parse()?)?;
    }
    let RunPage { runs, next, .. } = read(&state, &query).await?;
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
    let next = next.map(|cursor| cursor.to_string());
    Ok(page_response(&uri, "/access", next.clone(), &AccessList { access, next }))
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
    let filter = RunFilter { requester: user, requester_name: username, flow, target, ..RunFilter::default() };
    let mut query = held(&caller, filter).with_limit(MAX_GRANTS);
    let mut runs = Vec::new();
    // All of it, before anything ends: what ends while it is read would not be on the pages that follow, and what is there would be.
    loop {
        let page = read(&state, &query).await?;
        runs.extend(page.runs.iter().map(|stored| stored.state.run.id()));
        match page.next {
            Some(next) => query = query.after(next)?,
            None => break,
        }
    }
    Ok(Json(revoke_each(&state, &caller, &request_id, runs.into_iter()).await))
}

/// Returns the query of the Runs that give the access which is asked for, as far as the caller may see them; that which ends first comes first.
fn held(caller: &Caller, filter: RunFilter) -> RunQuery {
    RunQuery::new(filter, Some(Viewer::new(caller.user().clone()))).in_order(RunOrder::SoonestEndFirst)
}

/// Reads a page. The filter also finds names that contain the one which is asked for, and these Runs are left out.
async fn read(state: &ApiState, query: &RunQuery) -> Result<RunPage, Problem> {
    let mut page = state.runtime.find_runs(query).await?;
    if let Some(name) = &query.filter().requester_name {
        page.runs.retain(|stored| {
            stored.state.run.requester().is_some_and(|user| user.username().eq_ignore_ascii_case(name))
        });
    }
    Ok(page)
}
