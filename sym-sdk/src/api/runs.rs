//! Runs: lists of them, and one, which can be waited for.

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::future::{Either, select};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Params, Segment};
use super::run_body::RunBody;
use super::state::ApiState;
use crate::engine::StoredRun;
use crate::error::{Error, ErrorKind, codes};
use crate::model::RunId;
use crate::server::caller::Caller;
use crate::server::problem::Problem;

/// The longest wait for a change, in seconds. The call has to be answered within its limit.
const MAX_WAIT_SECONDS: u64 = 25;

/// Interval at which a Run is read again although no commit was announced: one that timed out and was written later is not.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// The change to wait for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WaitParams {
    /// The version that the caller knows.
    version: Option<u64>,
    /// The seconds to wait for another version, at most 25.
    #[param(maximum = 25)]
    wait: Option<u64>,
}

/// Show a Run
///
/// With `version` and `wait`, or `If-None-Match` and `Prefer: wait=25`, the answer comes with the next change, or with 304 if there is none in
/// time. A gate of a build is one loop of this.
#[utoipa::path(
    get, path = "/runs/{run}", operation_id = "show_run", tag = "runs",
    params(
        ("run" = RunId, Path, description = "The id of the Run."),
        WaitParams,
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the version that the caller knows."),
        ("Prefer" = Option<String>, Header, description = "`wait=25` waits for another version."),
    ),
    responses(
        (status = 200, description = "The Run.", body = RunBody, headers(("ETag" = String, description = "The version, as a weak tag."))),
        (status = 304, description = "The caller knows this version."),
    ),
)]
pub(super) async fn one(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(run): Segment<RunId>,
    Params(params): Params<WaitParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let known = KnownVersions::read(&params, &headers);
    let wait = wait_seconds(&params, &headers)?;
    let stored = wait_for_change(&state, &caller, run, &known, Duration::from_secs(wait)).await?;
    let tag = etag(&stored);
    if known.contains(stored.version) {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        response.headers_mut().insert(header::ETAG, tag);
        if state.stop.is_cancelled() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        return Ok(response);
    }
    let body = RunBody::new(&state, &stored, &caller).with_message_links(&state, &stored).await;
    Ok(([(header::ETAG, tag)], Json(body)).into_response())
}

/// Tags are weak, because proxies that compress make weak ones of strong ones, or drop them.
pub(super) fn etag(stored: &StoredRun) -> HeaderValue {
    HeaderValue::try_from(format!("W/\"{}\"", stored.version)).unwrap_or(HeaderValue::from_static("W/\"0\""))
}

async fn wait_for_change(
    state: &ApiState,
    caller: &Caller,
    run: RunId,
    known: &KnownVersions,
    wait: Duration,
) -> Result<StoredRun, Problem> {
    let clock = state.runtime.clock().clone();
    let mut deadline = std::pin::pin!(clock.sleep(wait));
    loop {
        // Subscribe before reading, so that a commit in between is not missed.
        let changed = state.runtime.engine().next_commit();
        let stored = state.runtime.run_for(run, caller.user()).await?;
        if !known.contains(stored.version) || wait.is_zero() {
            return Ok(stored);
        }
        let stopped = std::pin::pin!(state.stop.cancelled());
        let again = select(changed, clock.sleep(POLL_INTERVAL));
        match select(select(again, stopped), &mut deadline).await {
            Either::Left((Either::Left(_), _)) => {}
            Either::Left((Either::Right(_), _)) | Either::Right(_) => return Ok(stored),
        }
    }
}

/// The versions that the caller knows.
#[derive(Debug, Default)]
struct KnownVersions {
    versions: Vec<u64>,
    any: bool,
}

impl KnownVersions {
    fn read(params: &WaitParams, headers: &HeaderMap) -> Self {
        let mut known = Self { versions: params.version.into_iter().collect(), any: false };
        let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        for tag in values.flat_map(|value| value.split(',')).map(str::trim) {
            known.any |= tag == "*";
            // Weak comparison: a proxy may have made the tag weak.
            let opaque = tag.strip_prefix("W/").unwrap_or(tag);
            let version = opaque.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
            // A proxy that compresses appends its own suffix.
            let version = version.map(|version| version.split('-').next().unwrap_or(version));
            known.versions.extend(version.and_then(|version| version.parse::<u64>().ok()));
        }
        known
    }

    fn contains(&self, version: u64) -> bool {
        self.any || self.versions.contains(&version)
    }
}

fn wait_seconds(params: &WaitParams, headers: &HeaderMap) -> Result<u64, Problem> {
    if let Some(wait) = params.wait {
        if wait > MAX_WAIT_SECONDS {
            let message = format!("`wait` is at most {MAX_WAIT_SECONDS} seconds, got {wait}");
            return Err(Error::new(ErrorKind::InvalidInput, codes::INVALID_PARAMETER, message).into());
        }
        return Ok(wait);
    }
    // A preference that cannot be met is no error.
    let values = headers.get_all(HeaderName::from_static("prefer")).iter().filter_map(|value| value.to_str().ok());
    let preferences = values.flat_map(|value| value.split(',')).map(str::trim);
    let wait = preferences.filter_map(|preference| preference.strip_prefix("wait=")?.parse::<u64>().ok()).next();
    Ok(wait.unwrap_or(0).min(MAX_WAIT_SECONDS))
}
