//! Sym's calls: a request, the end of access, and the state of an event. Their members are Sym's, and some more.

use axum::extract::State;
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::ApiLimits;
use super::extract::{Body, CallBody, Segment};
use super::flows::hide_flow;
use super::idempotency::{IdempotencyHeader, IdempotencyKey};
use super::state::ApiState;
use crate::audit::{EventStatus, EventSummary};
use crate::error::{Error, ErrorKind, codes};
use crate::model::{Channel, EventId, RunId, Step, UserId};
use crate::runtime::{Actor, Limits, Submission};
use crate::server::caller::Caller;
use crate::server::problem::Problem;

/// The room for everything in a request's body besides the fields and the context.
const ENVELOPE_BYTES: usize = 64 * 1024;

/// A request for access, or for an approval.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestBody {
    /// The flow, by SRN or name. In an SRN, `latest` is advised as the version.
    #[schema(example = "acme:flow:prod:latest")]
    flow_srn: String,
    /// The values of the form's fields. For access also `target_srn`, and `duration` in seconds or as `1h`. Optional fields may be left out.
    #[schema(value_type = Object, example = json!({ "target_srn": "acme:access_target:okta_group:prod-db:latest", "duration": 3600, "reason": "INC-42" }))]
    flow_inputs: Map<String, Value>,
    /// Further values for the handlers of the flow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    context: Option<Map<String, Value>>,
    /// The user who gets the access, by e-mail address. Without it and `user_id`, the caller does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "cleo@example.com")]
    user_email: Option<String>,
    /// The user who gets the access, by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
}

impl CallBody for RequestBody {
    fn max_bytes(_: &ApiLimits, runtime: &Limits) -> usize {
        runtime.fields_bytes.saturating_add(runtime.context_bytes).saturating_add(ENVELOPE_BYTES)
    }
}

/// The receipt of a request. What becomes of it is seen in the event and in the Run.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RequestReceipt {
    run_id: RunId,
    event_id: EventId,
    /// The request, as it was sent.
    request_body: RequestBody,
}

/// The end of access.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeescalateBody {
    run_id: RunId,
}

impl CallBody for DeescalateBody {}

/// The receipt of an end of access.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeescalateReceipt {
    event_id: EventId,
    run_id: RunId,
    /// The body, as it was sent.
    request_body: DeescalateBody,
}

/// An event of a Run.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(super) struct EventBody {
    event_id: EventId,
    run_id: RunId,
    name: Step,
    timestamp: Timestamp,
    status: EventStatus,
    /// The reason for which it was refused, ignored or failed. `null` if it was not.
    error: Option<String>,
}

/// Make a request
///
/// The request is accepted, and durable, once this is answered. What becomes of it follows: poll the event, or wait for the Run. A bot makes
/// it for itself, or for the person that the body names.
#[utoipa::path(
    post, path = "/events/request", operation_id = "request", tag = "events", request_body = RequestBody,
    params(IdempotencyHeader),
    responses((status = 200, description = "The receipt.", body = RequestReceipt)),
)]
pub(super) async fn request(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    key: IdempotencyKey,
    Body(body): Body<RequestBody>,
) -> Result<Json<RequestReceipt>, Problem> {
    let (actor, channel) = requester(&caller, body.user_email.as_deref(), body.user_id)?;
    let mut submission = Submission::request(&body.flow_srn, actor).inputs(body.flow_inputs.clone()).channel(channel);
    if let Some(context) = body.context.clone() {
        submission = submission.context(context);
    }
    if let Some(key) = key.input_key(&caller, "events/request", &body) {
        submission = submission.key(key);
    }
    match state.runtime.submit(submission).await {
        Ok(receipt) => Ok(Json(RequestReceipt { run_id: receipt.run, event_id: receipt.event, request_body: body })),
        Err(error) => Err(hide_flow(&state, &caller, &body.flow_srn, error).await),
    }
}

/// Returns the one for whom a request is made, and its channel.
///
/// # Errors
/// If the caller may not make requests for others, or the requester is named twice.
pub(super) fn requester(caller: &Caller, email: Option<&str>, id: Option<UserId>) -> Result<(Actor, Channel), Problem> {
    match (email, id) {
        (Some(_), Some(_)) => {
            let message = "the body has both `user_email` and `user_id`";
            let error = Error::new(ErrorKind::InvalidInput, codes::INVALID_FIELD_VALUE, message);
            Err(error.with_hint("name the user by one of them").into())
        }
        (None, None) => Ok((Actor::Id(caller.user().id()), caller.channel())),
        (None, Some(id)) if id == caller.user().id() => Ok((Actor::Id(id), caller.channel())),
        (None, Some(id)) => Ok((Actor::Id(id), caller.channel_for_others()?)),
        (Some(email), None) => Ok((Actor::Email(email.to_owned()), caller.channel_for_others()?)),
    }
}

/// End access
///
/// Revokes access before it expires. Fails with 400 and `DeescalateAPI:INVALID_RUN` if the Run gives none.
#[utoipa::path(
    post, path = "/events/deescalate", operation_id = "deescalate", tag = "events", request_body = DeescalateBody,
    params(IdempotencyHeader),
    responses((status = 200, description = "The receipt.", body = DeescalateReceipt)),
)]
pub(super) async fn deescalate(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    key: IdempotencyKey,
    Body(body): Body<DeescalateBody>,
) -> Result<Json<DeescalateReceipt>, Problem> {
    state.runtime.run_for(body.run_id, caller.user()).await?;
    let mut submission = Submission::revoke(body.run_id, caller.user().id()).channel(caller.channel());
    if let Some(key) = key.input_key(&caller, "events/deescalate", &body) {
        submission = submission.key(key);
    }
    let receipt = state.runtime.submit(submission).await?;
    Ok(Json(DeescalateReceipt { event_id: receipt.event, run_id: receipt.run, request_body: body }))
}

/// Show an event
///
/// `success` and `error` are final.
#[utoipa::path(
    get, path = "/events/{event}", operation_id = "show_event", tag = "events",
    params(("event" = EventId, Path, description = "The id of the event.")),
    responses((status = 200, description = "The event.", body = EventBody)),
)]
pub(super) async fn event(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(event): Segment<EventId>,
) -> Result<Json<EventBody>, Problem> {
    let missing = || {
        let message = format!("there is no event {event}");
        Problem::from(Error::new(ErrorKind::NotFound, codes::UNKNOWN_EVENT, message))
    };
    let run = state.runtime.run_of_event(event).await?;
    // An event of a Run that the caller may not see is one that does not exist.
    let entries = state.runtime.audit_for(run, caller.user()).await;
    let entries =
        entries.map_err(|error| if error.kind() == ErrorKind::NotFound { missing() } else { error.into() })?;
    let found = EventSummary::of(&entries).into_iter().find(|found| found.event_id == event);
    let found = found.ok_or_else(missing)?;
    let is_admin = caller.is_admin();
    Ok(Json(EventBody {
        event_id: found.event_id,
        run_id: found.run_id,
        name: found.name,
        timestamp: found.timestamp,
        status: found.status,
        // It repeats what handlers and services have said.
        error: found.error.map(|error| if is_admin { error } else { format!("{} failed", found.name) }),
    }))
}
