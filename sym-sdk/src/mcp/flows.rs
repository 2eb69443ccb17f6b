//! Tools that look at flows. Nothing here begins a Run.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::arguments::RequestArguments;
use super::front_end::McpState;
use super::run_view::label;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::forms::{FieldOption, FieldSpec, FieldValue, format_duration};
use crate::machine::offered_durations;
use crate::model::{Channel, ChannelType, Flow, User};
use crate::runtime::{Actor, FieldError, Preview, Submission};
use crate::suggest;

/// The most options of a field in one result.
const MAX_OPTIONS: usize = 25;

/// The most targets of a flow in one result.
const MAX_TARGETS: usize = 100;

/// The most people in one result.
const MAX_PEOPLE: usize = 20;

pub(super) async fn list(state: &McpState, agent: &Arc<User>) -> Result<Value> {
    let flows = state.runtime.requestable_flows(agent, ChannelType::Mcp).await?;
    let flows: Vec<_> = flows
        .iter()
        .map(|flow| {
            json!({
                "name": flow.name().to_string(),
                "label": label(flow.label()),
                "gives_access": flow.strategy().is_some(),
            })
        })
        .collect();
    let next = match flows.is_empty() {
        true => "no flow admits agents; tell your user, who can ask an administrator",
        false => "call `describe_flow` before you request access",
    };
    Ok(json!({ "flows": flows, "next": next }))
}

/// Returns a flow in which the agent may request access. Others do not exist for it.
pub(super) async fn requestable(state: &McpState, agent: &Arc<User>, name: &str) -> Result<Arc<Flow>> {
    let flows = state.runtime.requestable_flows(agent, ChannelType::Mcp).await?;
    flows.get(name.trim()).cloned().ok_or_else(|| {
        let message = format!("there is no flow `{}` for you", label(name));
        let hint = suggest::hint(name, "flows", flows.iter().map(|flow| flow.name().as_str()));
        Error::new(ErrorKind::NotFound, codes::UNKNOWN_FLOW, message).with_hint(hint)
    })
}

pub(super) async fn describe(state: &McpState, agent: &Arc<User>, name: &str) -> Result<Value> {
    let flow = requestable(state, agent, name).await?;
    let targets = flow.strategy().map(|strategy| strategy.targets()).unwrap_or_default();
    let named = targets.iter().take(MAX_TARGETS).map(|target| {
        let name = flow.strategy().and_then(|strategy| strategy.target_by_name(target.name()));
        // A name that several targets share is ambiguous.
        let name = name.map_or_else(|| target.srn().to_string(), |target| target.name().to_string());
        json!({ "name": name, "label": label(&target.title()) })
    });
    let targets: Vec<_> = named.collect();
    let longest = flow.params().max_agent_duration;
    let is_offered = |duration: &Duration| longest.is_none_or(|longest| *duration <= longest);
    let durations: Vec<_> = offered_durations(&flow).into_iter().filter(is_offered).map(format_duration).collect();
    let fields: Vec<_> = flow.fields().iter().filter(|field| field.name() != "duration").map(field).collect();
    let mut described = json!({
        "name": flow.name().to_string(),
        "label": label(flow.label()),
        "gives_access": flow.strategy().is_some(),
        "targets": targets,
        "durations": durations,
        "fields": fields,
        "given_back_when_silent_for_seconds": flow.params().agent_grace_period.as_secs(),
    });
    if let Some(longest) = longest {
        described["longest_duration"] = format_duration(longest).into();
    }
    Ok(described)
}

fn field(spec: &FieldSpec) -> Value {
    let mut field = json!({
        "name": spec.name(),
        "label": label(spec.label()),
        "type": spec.field_type().as_str(),
        "required": spec.is_required(),
        "has_options": spec.is_prefetched() || !spec.allowed_values().is_empty(),
    });
    if !spec.allowed_values().is_empty() {
        let values = spec.allowed_values().iter().take(MAX_OPTIONS);
        field["allowed_values"] = values.map(FieldValue::to_json).collect();
    }
    if let Some(default) = spec.default() {
        field["default"] = default.to_json();
    }
    field
}

pub(super) async fn find_options(
    state: &McpState,
    agent: &Arc<User>,
    flow: &str,
    field: &str,
    text: &str,
) -> Result<Value> {
    let flow = requestable(state, agent, flow).await?;
    let found = state.runtime.field_options(flow.name().as_str(), field, agent, text, MAX_OPTIONS).await?;
    let option = |option: &FieldOption| json!({ "value": option.value().to_json(), "label": label(option.label()) });
    let options: Vec<_> = found.iter().map(option).collect();
    let is_cut = options.len() == MAX_OPTIONS;
    Ok(json!({ "options": options, "there_may_be_more": is_cut }))
}

pub(super) async fn preview(state: &McpState, agent: &Arc<User>, request: &RequestArguments) -> Result<Value> {
    let flow = requestable(state, agent, &request.flow).await?;
    let asked = Submission::request(flow.name().as_str(), Actor::User(agent.clone()))
        .inputs(request.inputs(&flow)?)
        .channel(Channel::of_agent(agent));
    let preview = state.runtime.preview(asked).await?;
    let errors: Vec<_> = preview.errors.iter().map(|error| field_error(error, &flow)).collect();
    let mut shown = json!({ "is_valid": preview.is_valid(), "errors": errors });
    if let Some(failure) = &preview.failure {
        shown["failure"] = json!({ "code": failure.code.to_string(), "message": "a reducer of the flow fails" });
    }
    if let Some(target) = &preview.target {
        shown["target"] = label(&target.title()).into();
    }
    if let Some(duration) = preview.duration {
        shown["duration_seconds"] = duration.as_secs().into();
    }
    if let Some(decided_by) = deciders(&preview) {
        shown["decided_by"] = decided_by;
    }
    if preview.hook.is_some() {
        shown["note"] = "the flow may decide the request by itself, before people are asked".into();
    }
    Ok(shown)
}

fn deciders(preview: &Preview) -> Option<Value> {
    let deciders = preview.deciders.as_ref()?;
    let names = |users: &[Arc<User>]| -> Vec<String> {
        users.iter().take(MAX_PEOPLE).map(|user| user.username().to_owned()).collect()
    };
    let mut shown = json!({
        "people": names(&deciders.users),
        "administrators": names(&deciders.admins),
        "approvals_needed": deciders.permission.required_approvals(),
    });
    if let Some(level) = deciders.level {
        shown["level"] = level.to_string().into();
    }
    Some(shown)
}

/// Returns the error of a field. What handlers and services have said is not for an agent.
fn field_error(error: &FieldError, flow: &Flow) -> Value {
    let (message, hint) = match &error.handler {
        Some(_) => (error.text(flow), None),
        None => (error.error.message().to_owned(), error.error.hint()),
    };
    let mut shown = json!({ "field": error.field, "code": error.code().to_string(), "message": message });
    if let Some(hint) = hint {
        shown["hint"] = hint.into();
    }
    shown
}
