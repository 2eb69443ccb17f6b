//! Lists of Runs, with filters and cursors.

use axum::extract::State;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Params, page_size};
use super::people::user_id;
use super::run_body::RunBody;
use super::state::ApiState;
use crate::engine::{Relation, RunFilter, RunQuery, Viewer};
use crate::model::{ChannelType, RunStatus};
use crate::server::caller::Caller;
use crate::server::problem::Problem;

/// The largest number of Runs in one answer.
const MAX_RUNS: usize = 200;

/// The number of Runs in one answer unless another one is asked for.
const DEFAULT_RUNS: usize = 50;

/// The Runs to list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RunParams {
    /// The relation of the caller to them. The default is `visible`.
    #[serde(default)]
    #[param(inline)]
    relation: RelationParam,
    /// `true`: only those with a request or an extension that waits for a decision.
    #[serde(default)]
    open: bool,
    /// `true`: only those that give access, or may.
    #[serde(default)]
    holding: bool,
    /// `true`: only those whose access has not ended when it was to.
    #[serde(default)]
    stuck: bool,
    /// Only those with this status.
    status: Option<RunStatus>,
    /// Only those of this flow.
    flow: Option<String>,
    /// Only those of this requester: the id, or the name.
    requester: Option<String>,
    /// Only those for the target of this name.
    target: Option<String>,
    /// Only those that came through this channel.
    #[param(inline)]
    source: Option<SourceParam>,
    /// Only those made from this time on.
    since: Option<Timestamp>,
    /// Only those made before this time.
    until: Option<Timestamp>,
    /// The number of Runs, from 1 to 200. The default is 50.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// `next` of the page before, with the same filters.
    after: Option<String>,
}

/// The relation of a caller to a Run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum RelationParam {
    /// All that they may see.
    #[default]
    Visible,
    /// Their own requests.
    Mine,
    /// Those that wait for a decision that they are admitted to.
    CanDecide,
    /// Those that they have approved or denied.
    Decided,
}

impl From<RelationParam> for Relation {
    fn from(relation: RelationParam) -> Self {
        match relation {
            RelationParam::Visible => Self::Visible,
            RelationParam::Mine => Self::Mine,
            RelationParam::CanDecide => Self::CanDecide,
            RelationParam::Decided => Self::Decided,
        }
    }
}

/// A channel through which people and bots make requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum SourceParam {
    Slack,
    /// This API.
    Sym,
    Web,
    /// An agent, through the Model Context Protocol.
    Mcp,
    /// A handler.
    Sdk,
}

impl From<SourceParam> for ChannelType {
    fn from(source: SourceParam) -> Self {
        match source {
            SourceParam::Slack => Self::Slack,
            SourceParam::Sym => Self::Api,
            SourceParam::Web => Self::Web,
            SourceParam::Mcp => Self::Mcp,
            SourceParam::Sdk => Self::Sdk,
        }
    }
}

/// A page of Runs, the latest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Runs)]
pub(super) struct RunPageBody {
    runs: Vec<RunBody>,
    /// The value of `after` for the next page. Absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// List Runs
///
/// Those that the caller may see, the latest first. The header `Link` has the address of the next page.
#[utoipa::path(
    get, path = "/runs", operation_id = "list_runs", tag = "runs", params(RunParams),
    responses((
        status = 200, description = "A page of Runs.", body = RunPageBody,
        headers(("Link" = String, description = "The address of the next page, with `rel=\"next\"`.")),
    )),
)]
pub(super) async fn list(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    Params(params): Params<RunParams>,
) -> Result<Response, Problem> {
    let limit = page_size(params.limit, DEFAULT_RUNS, MAX_RUNS)?;
    let mut filter = RunFilter {
        flow: params.flow,
        status: params.status,
        may_hold_access: params.holding,
        stuck: params.stuck,
        open: params.open,
        target: params.target,
        since: params.since,
        until: params.until,
        ..RunFilter::default()
    };
    filter.source = params.source.map(ChannelType::from);
    if let Some(requester) = &params.requester {
        filter.requester = user_id(&state, requester).await?;
        if filter.requester.is_none() {
            return Ok(Json(RunPageBody { runs: Vec::new(), next: None }).into_response());
        }
    }
    let viewer = Viewer::new(caller.user().clone()).related(params.relation.into());
    let mut query = RunQuery::new(filter, Some(viewer)).with_limit(limit);
    if let Some(after) = &params.after {
        query = query.after(after.parse()?)?;
    }
    let page = state.runtime.find_runs(&query).await?;
    let next = page.next.map(|cursor| cursor.to_string());
    let runs = page.runs.iter().map(|stored| RunBody::new(&state, stored, &caller)).collect();
    Ok(page_response(&uri, "/runs", next.clone(), &RunPageBody { runs, next }))
}

/// Returns the response with a page of a list at this path, with the address of the next page if there is one.
pub(super) fn page_response(uri: &Uri, path: &str, next: Option<String>, page: &impl Serialize) -> Response {
    let mut response = Json(page).into_response();
    if let Some(link) = next.and_then(|next| next_link(uri, path, &next)) {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

/// Returns the header with the address of the next page.
fn next_link(uri: &Uri, path: &str, next: &str) -> Option<HeaderValue> {
    let query = uri.query().unwrap_or_default();
    let others = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("after="));
    let pairs: Vec<_> = others.map(str::to_owned).chain([format!("after={next}")]).collect();
    HeaderValue::try_from(format!("</api/v1{path}?{}>; rel=\"next\"", pairs.join("&"))).ok()
}
