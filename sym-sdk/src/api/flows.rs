//! Flows and their forms: what the caller may request, and what has to be filled in. Nothing here begins a Run.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::ApiLimits;
use super::events::requester;
use super::extract::{Body, CallBody, Name, OptionalBody, Params, Segment, Segments, page_size};
use super::people::UserRef;
use super::run_body::Named;
use super::state::ApiState;
use super::timeline::{Barred, level_name};
use crate::error::{Error, ErrorKind, codes};
use crate::forms::{FieldOption, FieldSpec, FieldValue, PromptField, PromptForm};
use crate::model::{ChannelType, Flow, Flows, User, UserId};
use crate::runtime::{
    FieldError, FlowForm, Limits, PreviewDeciders, PreviewDestination, PreviewNotification, Submission,
};
use crate::server::caller::Caller;
use crate::server::problem::{FieldProblem, Problem};
use crate::suggest;

/// The largest number of options of a field in one answer.
const MAX_OPTIONS: usize = 100;

/// The number of options of a field in one answer unless another one is asked for.
const DEFAULT_OPTIONS: usize = 20;

/// The largest number of changes of a form in one call. The handlers of each are called.
const MAX_CHANGES: usize = 100;

/// The flows that the caller may request.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FlowList {
    flows: Vec<FlowSummary>,
}

/// A flow.
#[derive(Debug, Serialize, ToSchema)]
struct FlowSummary {
    name: String,
    label: String,
    #[schema(example = "acme:flow:prod:latest")]
    srn: String,
    /// Whether it gives access. Otherwise it is about an approval alone.
    gives_access: bool,
}

impl From<&Flow> for FlowSummary {
    fn from(flow: &Flow) -> Self {
        Self {
            name: flow.name().to_string(),
            label: flow.label().to_owned(),
            srn: flow.srn().to_string(),
            gives_access: flow.strategy().is_some(),
        }
    }
}

/// A flow with what a request to it consists of.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Flow)]
pub(super) struct FlowBody {
    #[serde(flatten)]
    summary: FlowSummary,
    fields: Vec<FieldBody>,
    /// The targets that access can be requested to.
    targets: Vec<TargetBody>,
    /// The durations that are offered, in seconds. Empty if any is taken.
    durations: Vec<u64>,
    /// Whether the access can be ended early by others than administrators.
    allow_revoke: bool,
    /// Whether more time can be asked for.
    allow_extension: bool,
    /// Whether a denial needs a reason.
    require_denial_reason: bool,
}

/// A target.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Target)]
struct TargetBody {
    id: String,
    #[serde(flatten)]
    named: Named,
    #[schema(example = "acme:access_target:okta_group:prod-db:latest")]
    srn: String,
}

/// A field of a flow, as it is declared.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Field)]
struct FieldBody {
    name: String,
    label: String,
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "string")]
    kind: Value,
    required: bool,
    visible: bool,
    /// The values that are offered. Those of a field with `has_options` are found with the call `options`.
    #[schema(value_type = Vec<Value>)]
    allowed_values: Vec<Value>,
    has_options: bool,
}

impl From<&FieldSpec> for FieldBody {
    fn from(spec: &FieldSpec) -> Self {
        Self {
            name: spec.name().to_owned(),
            label: spec.label().to_owned(),
            kind: serde_json::to_value(spec.field_type()).unwrap_or_default(),
            required: spec.is_required(),
            visible: spec.is_visible(),
            allowed_values: spec.allowed_values().iter().map(FieldValue::to_json).collect(),
            has_options: spec.is_prefetched(),
        }
    }
}

/// The form of a flow, as it is shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Form)]
pub(super) struct FormBody {
    flow: Named,
    /// A text above the form, in Slack's markup.
    #[serde(skip_serializing_if = "Option::is_none")]
    header_text: Option<String>,
    fields: Vec<FormField>,
    /// The fields whose options could not be fetched.
    errors: Vec<FieldProblem>,
}

/// A field of a form.
#[derive(Debug, Serialize, ToSchema)]
struct FormField {
    name: String,
    label: String,
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "string")]
    kind: Value,
    required: bool,
    visible: bool,
    #[schema(value_type = Value)]
    value: Value,
    /// At most 100 options. The others are found with the call `options`.
    options: Vec<OptionBody>,
    options_total: usize,
}

/// An option of a field.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FieldOption)]
pub(super) struct OptionBody {
    #[schema(value_type = Value)]
    value: Value,
    label: String,
}

impl From<&FieldOption> for OptionBody {
    fn from(option: &FieldOption) -> Self {
        Self { value: option.value().to_json(), label: option.label().to_owned() }
    }
}

impl FormBody {
    fn new(flow: &Flow, form: &PromptForm, errors: Vec<FieldProblem>) -> Self {
        let field = |field: &PromptField| FormField {
            name: field.name().to_owned(),
            label: field.label.clone(),
            kind: serde_json::to_value(field.field_type()).unwrap_or_default(),
            required: field.required,
            visible: field.visible,
            value: field.value.as_ref().map_or(Value::Null, FieldValue::to_json),
            options: field.current_allowed_values.iter().take(MAX_OPTIONS).map(OptionBody::from).collect(),
            options_total: field.current_allowed_values.len(),
        };
        Self {
            flow: Named { name: flow.name().to_string(), label: flow.label().to_owned() },
            header_text: form.additional_header_text.clone(),
            fields: form.fields().iter().map(field).collect(),
            errors,
        }
    }
}

/// The values of a form that were entered so far, and the fields that were changed.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FormInputs {
    #[serde(default)]
    #[schema(value_type = Object)]
    inputs: Map<String, Value>,
    /// The fields that were changed, in order. The handlers of each are called again, because no form is kept.
    #[serde(default)]
    changed: Vec<String>,
}

impl CallBody for FormInputs {
    fn max_bytes(_: &ApiLimits, runtime: &Limits) -> usize {
        runtime.fields_bytes.saturating_add(64 * 1024)
    }
}

/// The options to find.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OptionParams {
    /// The text that was typed so far.
    q: Option<String>,
    /// The number of options, from 1 to 100. The default is 20.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
}

/// The options of a field that match what was typed, the best first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Options {
    options: Vec<OptionBody>,
}

/// A request that is not made yet.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PreviewRequest {
    /// The values of the form's fields, as for a request.
    #[serde(default)]
    #[schema(value_type = Object)]
    inputs: Map<String, Value>,
    /// The user who would get the access, by e-mail address. Without it and `user_id`, the caller would.
    #[serde(default)]
    user_email: Option<String>,
    /// The user who would get the access, by id.
    #[serde(default)]
    user_id: Option<UserId>,
}

impl CallBody for PreviewRequest {
    fn max_bytes(_: &ApiLimits, runtime: &Limits) -> usize {
        runtime.fields_bytes.saturating_add(64 * 1024)
    }
}

/// The outcome that a request would have.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Preview)]
pub(super) struct PreviewBody {
    /// Whether it would be accepted and routed to people, as far as the values and the reducers tell.
    is_valid: bool,
    /// The errors by field. With any, nothing else was looked at.
    errors: Vec<FieldProblem>,
    /// The error of a reducer, with which it would fail. What the reducer has said is for administrators alone.
    failure: Option<FieldProblem>,
    target: Option<Named>,
    /// The seconds for which access would be requested.
    duration: Option<u64>,
    deciders: Option<PreviewDecidersBody>,
    /// The notifications that would be sent, one after the other.
    notifications: Vec<PreviewNotificationBody>,
    /// The `on_request` hook, which is not called. It may decide the request before people are asked.
    hook: Option<String>,
}

/// The people who would decide a request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PreviewDeciders)]
struct PreviewDecidersBody {
    /// The role from which on users could decide. `null` if single users would be named.
    level: Option<String>,
    users: Vec<UserRef>,
    admins: Vec<UserRef>,
    /// The users who could not approve although one might expect it, with the reason.
    barred: Vec<Barred>,
    approvals_needed: u8,
    /// The reducer that names them, with its place in the source.
    reducer: Option<String>,
}

/// A notification that would be sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PreviewNotification)]
struct PreviewNotificationBody {
    destinations: Vec<PreviewDestinationBody>,
    /// The seconds after which the next one would be sent.
    timeout: Option<u64>,
}

/// A destination of a notification.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PreviewDestination)]
struct PreviewDestinationBody {
    #[schema(example = "#access-requests")]
    destination: String,
    /// The front end that reaches it. `null` if none does.
    front_end: Option<String>,
}

/// List flows
#[utoipa::path(get, path = "/flows", operation_id = "list_flows", tag = "flows", responses((status = 200, description = "What the caller may request.", body = FlowList)))]
pub(super) async fn list(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<FlowList>, Problem> {
    let flows = state.runtime.requestable_flows(caller.user(), ChannelType::Api).await?;
    Ok(Json(FlowList { flows: flows.iter().map(|flow| FlowSummary::from(&**flow)).collect() }))
}

/// Show a flow
#[utoipa::path(
    get, path = "/flows/{flow}", operation_id = "show_flow", tag = "flows",
    params(("flow" = String, Path, description = "The name of the flow.")),
    responses((status = 200, description = "The flow.", body = FlowBody)),
)]
pub(super) async fn one(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(Name(name)): Segment<Name>,
) -> Result<Json<FlowBody>, Problem> {
    let flow = visible_flow(&state, &caller, &name).await?;
    let targets = flow.strategy().map(|strategy| strategy.targets()).unwrap_or_default();
    let targets = targets.iter().map(|target| TargetBody {
        id: target.id().to_string(),
        named: Named::from(target),
        srn: target.srn().to_string(),
    });
    let params = flow.params();
    Ok(Json(FlowBody {
        summary: FlowSummary::from(&*flow),
        fields: flow.fields().iter().map(FieldBody::from).collect(),
        targets: targets.collect(),
        durations: params.durations.iter().map(Duration::as_secs).collect(),
        allow_revoke: params.allow_revoke,
        allow_extension: params.allow_extension,
        require_denial_reason: params.require_denial_reason,
    }))
}

/// Show the form
///
/// With options from prefetch reducers.
#[utoipa::path(
    post, path = "/flows/{flow}/form", operation_id = "open_form", tag = "flows", request_body = Option<FormInputs>,
    params(("flow" = String, Path, description = "The name of the flow.")),
    responses((status = 200, description = "The form.", body = FormBody)),
)]
pub(super) async fn form(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(Name(name)): Segment<Name>,
    OptionalBody(body): OptionalBody<FormInputs>,
) -> Result<Json<FormBody>, Problem> {
    let flow = visible_flow(&state, &caller, &name).await?;
    settled_form(&state, &caller, &flow, &body).await.map(Json)
}

/// Change the form
///
/// Calls the `on_change` handlers of the fields that were changed.
#[utoipa::path(
    post, path = "/flows/{flow}/form/change", operation_id = "change_form", tag = "flows", request_body = FormInputs,
    params(("flow" = String, Path, description = "The name of the flow.")),
    responses((status = 200, description = "The form as it is then.", body = FormBody)),
)]
pub(super) async fn change(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(Name(name)): Segment<Name>,
    Body(body): Body<FormInputs>,
) -> Result<Json<FormBody>, Problem> {
    let flow = visible_flow(&state, &caller, &name).await?;
    settled_form(&state, &caller, &flow, &body).await.map(Json)
}

/// Find options
///
/// For type-ahead. The options of a form are fetched once for a caller and minute.
#[utoipa::path(
    get, path = "/flows/{flow}/fields/{field}/options", operation_id = "find_options", tag = "flows",
    params(
        ("flow" = String, Path, description = "The name of the flow."),
        ("field" = String, Path, description = "The name of the field."),
        OptionParams,
    ),
    responses((status = 200, description = "The options.", body = Options)),
)]
pub(super) async fn options(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segments(name, field): Segments,
    Params(params): Params<OptionParams>,
) -> Result<Json<Options>, Problem> {
    let limit = page_size(params.limit, DEFAULT_OPTIONS, MAX_OPTIONS)?;
    let flow = visible_flow(&state, &caller, &name).await?;
    let typed = params.q.unwrap_or_default();
    let found = state.runtime.field_options(flow.name().as_str(), &field, caller.user(), &typed, limit).await;
    let found = found.map_err(|error| match *error.code() == codes::UNKNOWN_FIELD {
        true => error.with_kind(ErrorKind::NotFound),
        false => error,
    })?;
    Ok(Json(Options { options: found.iter().map(OptionBody::from).collect() }))
}

/// Preview a request
///
/// The errors by field, who would decide, and who would be told. The reducers are called, and no hooks; nothing is stored.
#[utoipa::path(
    post, path = "/flows/{flow}/preview", operation_id = "preview_request", tag = "flows", request_body = PreviewRequest,
    params(("flow" = String, Path, description = "The name of the flow.")),
    responses((status = 200, description = "What would become of it.", body = PreviewBody)),
)]
pub(super) async fn preview(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(Name(name)): Segment<Name>,
    Body(body): Body<PreviewRequest>,
) -> Result<Json<PreviewBody>, Problem> {
    let flow = visible_flow(&state, &caller, &name).await?;
    let (actor, channel) = requester(&caller, body.user_email.as_deref(), body.user_id)?;
    let channel = caller.preview_channel(channel);
    let request = Submission::request(flow.name().as_str(), actor).inputs(body.inputs).channel(channel);
    let preview = state.runtime.preview(request).await?;
    let is_admin = caller.is_admin();
    let failure = preview.failure.as_ref().map(|failure| FieldProblem {
        field: None,
        message: if is_admin { failure.message.clone() } else { "a reducer of the flow fails".to_owned() },
        code: failure.code.clone(),
        hint: failure.hint.clone().filter(|_| is_admin),
    });
    Ok(Json(PreviewBody {
        is_valid: preview.is_valid(),
        errors: preview.errors.iter().map(|error| field_problem(error, &preview.flow, is_admin)).collect(),
        failure,
        target: preview.target.as_ref().map(Named::from),
        duration: preview.duration.map(|duration| duration.as_secs()),
        deciders: preview.deciders.as_ref().map(PreviewDecidersBody::from),
        notifications: preview.notifications.iter().map(PreviewNotificationBody::from).collect(),
        hook: preview.hook.as_ref().map(ToString::to_string),
    }))
}

impl From<&PreviewDeciders> for PreviewDecidersBody {
    fn from(deciders: &PreviewDeciders) -> Self {
        let people = |users: &[Arc<User>]| users.iter().map(|user| UserRef::from(&**user)).collect();
        Self {
            level: deciders.level.map(level_name),
            users: people(&deciders.users),
            admins: people(&deciders.admins),
            barred: deciders.barred.iter().map(|(user, reason)| Barred::new(user, reason)).collect(),
            approvals_needed: deciders.permission.required_approvals(),
            reducer: deciders.reducer.as_ref().map(ToString::to_string),
        }
    }
}

impl From<&PreviewNotification> for PreviewNotificationBody {
    fn from(notification: &PreviewNotification) -> Self {
        let destination = |found: &PreviewDestination| PreviewDestinationBody {
            destination: found.destination.to_string(),
            front_end: found.front_end.clone(),
        };
        Self {
            destinations: notification.destinations.iter().map(destination).collect(),
            timeout: notification.timeout.map(|timeout| timeout.as_secs()),
        }
    }
}

/// Returns the error of a field. What handlers and services have said is for administrators alone.
fn field_problem(error: &FieldError, flow: &Flow, is_admin: bool) -> FieldProblem {
    let problem = FieldProblem::from(error);
    if error.handler.is_none() || is_admin {
        return problem;
    }
    FieldProblem { message: error.text(flow), hint: None, ..problem }
}

/// Builds the form with these values, as it is after the changes.
async fn settled_form(state: &ApiState, caller: &Caller, flow: &Flow, body: &FormInputs) -> Result<FormBody, Problem> {
    if body.changed.len() > MAX_CHANGES {
        let message = format!("at most {MAX_CHANGES} changes are taken at once, got {}", body.changed.len());
        let error = Error::new(ErrorKind::InvalidInput, codes::TOO_LARGE, message);
        return Err(error.with_hint("name each field once, where it was changed last").into());
    }
    let name = flow.name().as_str();
    let FlowForm { mut form, errors, .. } = state.runtime.flow_form(name, caller.user()).await?;
    form.fill(&body.inputs);
    for changed in &body.changed {
        form.field(changed).map_err(|error| error.with_kind(ErrorKind::InvalidInput))?;
        form = state.runtime.change_form(name, caller.user(), changed, form).await?;
    }
    let errors = errors.iter().map(|error| field_problem(error, flow, caller.is_admin())).collect();
    Ok(FormBody::new(flow, &form, errors))
}

/// Returns a flow that the caller may see.
async fn visible_flow(state: &ApiState, caller: &Caller, name: &str) -> Result<Arc<Flow>, Problem> {
    let flows = state.runtime.flows_for(caller.user()).await?;
    flows.get(name).cloned().ok_or_else(|| unknown_flow(&flows, name))
}

/// The hint names flows that the caller may see, and no others.
fn unknown_flow(flows: &Flows, name: &str) -> Problem {
    let hint = suggest::hint(name, "flow", flows.iter().map(|flow| flow.name().as_str()));
    let message = format!("there is no flow `{name}`, or you may not see it");
    Error::new(ErrorKind::NotFound, codes::UNKNOWN_FLOW, message).with_hint(hint).into()
}

/// Returns the problem for a request that was refused. Of a flow that is hidden from the caller, it says as much as of one that does not exist.
pub(super) async fn hide_flow(state: &ApiState, caller: &Caller, flow: &str, error: Error) -> Problem {
    let may_tell = ![codes::UNKNOWN_FLOW, codes::NOT_PERMITTED].contains(error.code());
    if may_tell || caller.is_admin() {
        return error.into();
    }
    let Ok(flows) = state.runtime.flows_for(caller.user()).await else { return error.into() };
    let named = state.runtime.flow(flow).ok();
    match named.filter(|named| flows.get(named.name().as_str()).is_some()) {
        Some(_) => error.into(),
        None => unknown_flow(&flows, flow),
    }
}
