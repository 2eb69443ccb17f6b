//! Decisions about requests, and what happens to access afterwards. The machine decides whether the caller may; a call here only submits.

use axum::extract::State;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::extract::{Body, CallBody, OptionalBody, Segment};
use super::idempotency::{IdempotencyHeader, IdempotencyKey};
use super::run_body::RunBody;
use super::state::ApiState;
use crate::engine::InputKey;
use crate::error::{Error, ErrorKind, codes};
use crate::forms::parse_duration;
use crate::machine::{Access, RequestDigest};
use crate::model::{EventId, RunId};
use crate::runtime::{Receipt, Submission};
use crate::server::caller::Caller;
use crate::server::problem::{Problem, ProblemBody};
use crate::server::request_id::RequestId;

/// The largest number of decisions in one call.
const MAX_DECISIONS: usize = 100;

/// An approval.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Approval {
    /// A text for the requester and the record.
    #[serde(default)]
    message: Option<String>,
    /// The digest of what was seen: `seen` of the Run. If the request has changed since, the approval is refused with 409.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    seen: Option<RequestDigest>,
    /// A shorter duration than was asked for: one that the flow offers, such as `30m`, or in seconds.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "30m")]
    duration: Option<Value>,
    /// The extension to approve, rather than the request.
    #[serde(default)]
    extension: Option<EventId>,
}

impl CallBody for Approval {}

/// A denial.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Denial {
    /// A text for the requester and the record. Some flows require it.
    #[serde(default)]
    message: Option<String>,
    /// The digest of what was seen: `seen` of the Run.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    seen: Option<RequestDigest>,
    /// The extension to deny, rather than the request.
    #[serde(default)]
    extension: Option<EventId>,
}

impl CallBody for Denial {}

/// The reason of a write-off.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WriteOffBody {
    /// The way in which the access is taken away instead. It stands in the record.
    reason: String,
}

impl CallBody for WriteOffBody {}

/// A request for more time.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExtensionRequest {
    /// The time by which the access is to last longer: a duration that the flow offers, such as `30m`, or in seconds.
    #[schema(value_type = String, example = "30m")]
    duration: Value,
    /// The reason, for those who decide.
    #[serde(default)]
    reason: Option<String>,
}

impl CallBody for ExtensionRequest {}

/// A body without members, for calls that need none.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Empty {}

impl CallBody for Empty {}

/// The receipt of a decision.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DecisionReceipt {
    run_id: RunId,
    event_id: EventId,
}

impl From<Receipt> for DecisionReceipt {
    fn from(receipt: Receipt) -> Self {
        Self { run_id: receipt.run, event_id: receipt.event }
    }
}

/// Several decisions.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Decisions {
    /// At most 100.
    #[schema(max_items = 100)]
    decisions: Vec<OneDecision>,
}

impl CallBody for Decisions {}

/// One of several decisions.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OneDecision {
    run_id: RunId,
    action: DecisionAction,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    seen: Option<RequestDigest>,
}

/// An action on a request or on access.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DecisionAction {
    Approve,
    Deny,
    Revoke,
}

impl DecisionAction {
    fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Deny => "deny",
            Self::Revoke => "revoke",
        }
    }
}

/// The results of several decisions, in their order.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DecisionResults {
    results: Vec<DecisionResult>,
}

/// The result of one of several decisions.
#[derive(Debug, Serialize, ToSchema)]
struct DecisionResult {
    run_id: RunId,
    done: bool,
    /// The event that did it. Absent if it had been done before, as with access that is being revoked already.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<EventId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<ProblemBody>,
}

impl DecisionResult {
    fn new(run_id: RunId, done: Result<DecisionReceipt, Problem>, caller: &Caller, request_id: &RequestId) -> Self {
        let (event_id, problem) = match done {
            Ok(receipt) => (Some(receipt.event_id), None),
            Err(problem) => (None, Some(problem.body(caller.is_admin(), request_id.as_str()))),
        };
        Self { run_id, done: problem.is_none(), event_id, problem }
    }
}

/// Approve
#[utoipa::path(
    post, path = "/runs/{run}/approve", operation_id = "approve", tag = "decisions", request_body = Option<Approval>,
    params(
        ("run" = RunId, Path, description = "The id of the Run."),
        IdempotencyHeader,
    ),
    responses((status = 200, description = "The receipt.", body = DecisionReceipt)),
)]
pub(super) async fn approve(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(run): Segment<RunId>,
    key: IdempotencyKey,
    OptionalBody(body): OptionalBody<Approval>,
) -> Result<Json<DecisionReceipt>, Problem> {
    let key = key.input_key(&caller, &route(run, "approve"), &body);
    submit_approval(&state, &caller, run, body, key).await.map(Json)
}

/// Deny
///
/// The requester withdraws their request with it.
#[utoipa::path(
    post, path = "/runs/{run}/deny", operation_id = "deny", tag = "decisions", request_body = Option<Denial>,
    params(
        ("run" = RunId, Path, description = "The id of the Run."),
        IdempotencyHeader,
    ),
    responses((status = 200, description = "The receipt.", body = DecisionReceipt)),
)]
pub(super) async fn deny(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(run): Segment<RunId>,
    key: IdempotencyKey,
    OptionalBody(body): OptionalBody<Denial>,
) -> Result<Json<DecisionReceipt>, Problem> {
    let key = key.input_key(&caller, &route(run, "deny"), &body);
    submit_denial(&state, &caller, run, body, key).await.map(Json)
}

/// Extend
///
/// Asks for more time for the access that the caller has. It is decided as the request was: `event_id` of the receipt is the `extension` of
/// the decision.
#[utoipa::path(
    post, path = "/runs/{run}/extend", tag = "decisions", request_body = ExtensionRequest,
    params(
        ("run" = RunId, Path, description = "The id of the Run."),
        IdempotencyHeader,
    ),
    responses((status = 200, description = "The receipt.", body = DecisionReceipt)),
)]
pub(super) async fn extend(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(run): Segment<RunId>,
    key: IdempotencyKey,
    Body(body): Body<ExtensionRequest>,
) -> Result<Json<DecisionReceipt>, Problem> {
    state.runtime.run_for(run, caller.user()).await?;
    let key = key.input_key(&caller, &route(run, "extend"), &body);
    let mut extension =
        Submission::extend(run, caller.user().id(), duration_of(&body.duration)?).channel(caller.channel());
    if let Some(reason) = body.reason {
        extension = extension.reason(reason);
    }
    submit(&state, extension.into(), key).await.map(Json)
}

/// Remind
///
/// Reminds those who can decide the caller's request, or its extension. This is possible only now and then: `you.remind` of the Run tells.
#[utoipa::path(
    post, path = "/runs/{run}/remind", tag = "decisions", request_body = Option<Empty>,
    params(
        ("run" = RunId, Path, description = "The id of the Run."),
        IdempotencyHeader,
    ),
    responses((status = 200, description = "The receipt.", body = DecisionReceipt)),
)]
pub(super) async fn remind(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(run): Segment<RunId>,
    key: IdempotencyKey,
    OptionalBody(Empty {}): OptionalBody<Empty>,
) -> Result<Json<DecisionReceipt>, Problem> {
    state.runtime.run_for(run, caller.user()).await?;
    let key = key.input_key(&caller, &route(run, "remind"), &());
    let reminder = Submission::remind(run, caller.user().id()).channel(caller.channel());
    submit(&state, reminder.into(), key).await.map(Json)
}

/// Revoke
///
/// Ends access before it expires. A revocation that keeps failing is tried again now.
#[utoipa::path(
    post, path = "/runs/{run}/revoke", operation_id = "revoke", tag = "decisions", request_body = Option<Empty>,
    params(
        ("run" = RunId, Path, description = "The id of the Run."),
        IdempotencyHeader,
    ),
    responses((status = 200, description = "The receipt.", body = DecisionReceipt)),
)]
pub(super) async fn revoke(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(run): Segment<RunId>,
    key: IdempotencyKey,
    OptionalBody(Empty {}): OptionalBody<Empty>,
) -> Result<Json<DecisionReceipt>, Problem> {
    let key = key.input_key(&caller, &route(run, "revoke"), &());
    submit_revocation(&state, &caller, run, key).await.map(Json)
}

/// Write off a revocation
///
/// Gives up a revocation that keeps failing. The access has to be taken away by other means.
#[utoipa::path(
    post, path = "/runs/{run}/write-off", operation_id = "write_off", tag = "decisions", request_body = WriteOffBody,
    params(
        ("run" = RunId, Path, description = "The id of the Run."),
        IdempotencyHeader,
    ),
    responses((status = 200, description = "The receipt.", body = DecisionReceipt)),
)]
pub(super) async fn write_off(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(run): Segment<RunId>,
    key: IdempotencyKey,
    Body(body): Body<WriteOffBody>,
) -> Result<Json<DecisionReceipt>, Problem> {
    state.runtime.run_for(run, caller.user()).await?;
    let key = key.input_key(&caller, &route(run, "write-off"), &body);
    let submission = Submission::write_off(run, caller.user().id(), body.reason).channel(caller.channel());
    submit(&state, submission.into(), key).await.map(Json)
}

/// Decide many
///
/// Each decision has a result of its own: some may be done although others are refused.
#[utoipa::path(
    post, path = "/runs/decide", operation_id = "decide_many", tag = "decisions", request_body = Decisions,
    params(IdempotencyHeader),
    responses((status = 200, description = "The results, in order.", body = DecisionResults)),
)]
pub(super) async fn decide_many(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Extension(request_id): Extension<RequestId>,
    key: IdempotencyKey,
    Body(Decisions { decisions }): Body<Decisions>,
) -> Result<Json<DecisionResults>, Problem> {
    if decisions.len() > MAX_DECISIONS {
        let message = format!("at most {MAX_DECISIONS} decisions are taken at once, got {}", decisions.len());
        return Err(Error::new(ErrorKind::InvalidInput, codes::TOO_LARGE, message).into());
    }
    let mut results = Vec::with_capacity(decisions.len());
    for decision in decisions {
        let route = format!("runs/decide/{}/{}", decision.run_id, decision.action.as_str());
        let key = key.input_key(&caller, &route, &decision);
        let OneDecision { run_id, action, message, seen } = decision;
        let done = match action {
            DecisionAction::Approve => {
                let approval = Approval { message, seen, ..Approval::default() };
                submit_approval(&state, &caller, run_id, approval, key).await
            }
            DecisionAction::Deny => {
                let denial = Denial { message, seen, ..Denial::default() };
                submit_denial(&state, &caller, run_id, denial, key).await
            }
            DecisionAction::Revoke => submit_revocation(&state, &caller, run_id, key).await,
        };
        results.push(DecisionResult::new(run_id, done, &caller, &request_id));
    }
    Ok(Json(DecisionResults { results }))
}

/// Revokes the access of several Runs, each with a result of its own. What is being revoked already, or has ended meanwhile, is done.
pub(super) async fn revoke_each(
    state: &ApiState,
    caller: &Caller,
    request_id: &RequestId,
    runs: impl Iterator<Item = RunId>,
) -> DecisionResults {
    let mut results = Vec::new();
    for run in runs {
        let done = submit_revocation(state, caller, run, None).await;
        let is_done_already = match &done {
            Err(problem) if *problem.error().code() == codes::DEESCALATE_INVALID_RUN => is_ending(state, run).await,
            _ => false,
        };
        results.push(if is_done_already {
            DecisionResult { run_id: run, done: true, event_id: None, problem: None }
        } else {
            DecisionResult::new(run, done, caller, request_id)
        });
    }
    DecisionResults { results }
}

/// Whether the access of a Run is being revoked, or has ended. One that is about to be granted is neither.
async fn is_ending(state: &ApiState, run: RunId) -> bool {
    let stored = state.runtime.run(run).await;
    stored.is_ok_and(|stored| matches!(stored.state.access, Access::Revoking { .. }) || !stored.state.may_hold_access())
}

fn route(run: RunId, action: &str) -> String {
    format!("runs/{run}/{action}")
}

async fn submit_approval(
    state: &ApiState,
    caller: &Caller,
    run: RunId,
    body: Approval,
    key: Option<InputKey>,
) -> Result<DecisionReceipt, Problem> {
    state.runtime.run_for(run, caller.user()).await?;
    let mut decision = Submission::approve(run, caller.user().id()).channel(caller.channel());
    if let Some(message) = body.message {
        decision = decision.message(message);
    }
    if let Some(seen) = body.seen {
        decision = decision.seen(seen);
    }
    if let Some(duration) = body.duration {
        decision = decision.for_duration(duration_of(&duration)?);
    }
    if let Some(extension) = body.extension {
        decision = decision.of_extension(extension);
    }
    show_changed(state, caller, run, submit(state, decision.into(), key).await).await
}

async fn submit_denial(
    state: &ApiState,
    caller: &Caller,
    run: RunId,
    body: Denial,
    key: Option<InputKey>,
) -> Result<DecisionReceipt, Problem> {
    state.runtime.run_for(run, caller.user()).await?;
    let mut decision = Submission::deny(run, caller.user().id()).channel(caller.channel());
    if let Some(message) = body.message {
        decision = decision.message(message);
    }
    if let Some(seen) = body.seen {
        decision = decision.seen(seen);
    }
    if let Some(extension) = body.extension {
        decision = decision.of_extension(extension);
    }
    show_changed(state, caller, run, submit(state, decision.into(), key).await).await
}

async fn submit_revocation(
    state: &ApiState,
    caller: &Caller,
    run: RunId,
    key: Option<InputKey>,
) -> Result<DecisionReceipt, Problem> {
    state.runtime.run_for(run, caller.user()).await?;
    submit(state, Submission::revoke(run, caller.user().id()).channel(caller.channel()).into(), key).await
}

async fn submit(state: &ApiState, submission: Submission, key: Option<InputKey>) -> Result<DecisionReceipt, Problem> {
    let submission = match key {
        Some(key) => submission.key(key),
        None => submission,
    };
    state.runtime.submit(submission).await.map(DecisionReceipt::from).map_err(Problem::from)
}

/// Adds the request as it is to the refusal of a decision about what it was.
async fn show_changed(
    state: &ApiState,
    caller: &Caller,
    run: RunId,
    done: Result<DecisionReceipt, Problem>,
) -> Result<DecisionReceipt, Problem> {
    match done {
        Err(problem) if *problem.error().code() == codes::REQUEST_CHANGED => {
            let stored = state.runtime.run_for(run, caller.user()).await?;
            Err(problem.with_run(RunBody::new(state, &stored, caller).to_json()))
        }
        done => done,
    }
}

/// Reads a duration: a number of seconds, or a text such as `30m`.
pub(super) fn duration_of(value: &Value) -> Result<std::time::Duration, Problem> {
    match value {
        Value::String(text) => parse_duration(text).map_err(Problem::from),
        value => match value.as_u64() {
            Some(seconds) => parse_duration(&format!("{seconds}s")).map_err(Problem::from),
            None => {
                let message = format!("expected a duration such as `30m` or 1800, got {value}");
                Err(Error::new(ErrorKind::InvalidInput, codes::INVALID_DURATION, message).into())
            }
        },
    }
}
