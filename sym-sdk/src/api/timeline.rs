//! The timeline of a Run, and its deciders.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Params, Segment, page_size};
use super::people::UserRef;
use super::state::ApiState;
use crate::audit::{AuditEntry, AuditKind, AuditRecord};
use crate::engine::{AuditOrder, AuditQuery};
use crate::machine::EffectError;
use crate::model::{EventId, RunId, RunStatus, Step, User};
use crate::routing::PermissionLevel;
use crate::server::caller::Caller;
use crate::server::problem::Problem;

/// The largest number of entries in one answer.
const MAX_ENTRIES: usize = 500;

/// The number of entries in one answer unless another one is asked for.
const DEFAULT_ENTRIES: usize = 200;

/// The part of a timeline.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TimelineParams {
    /// The number of the record after which to go on: `next` of the page before.
    after: Option<u64>,
    /// The number of entries, from 1 to 500. The default is 200.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// The timeline of a Run, in order.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Timeline {
    entries: Vec<Entry>,
    /// The value of `after` for the next page. Absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// An entry of the record.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Entry {
    /// The number in the record.
    seq: u64,
    /// The hash, by which the record is verified.
    hash: String,
    at: Timestamp,
    run_id: RunId,
    flow: String,
    event: EntryEvent,
    /// The status of the Run from here on.
    status: RunStatus,
    /// The kind of entry, such as `granted`.
    #[schema(example = "granted")]
    kind: String,
    /// The handler that was called, with its place in the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    handler: Option<String>,
    /// The number of the attempt, for what is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<String>,
    /// The details, by the kind. What handlers and services have said is for administrators alone.
    #[schema(value_type = Object)]
    details: Map<String, Value>,
}

/// The event during which something happened.
#[derive(Debug, Serialize, ToSchema)]
struct EntryEvent {
    id: EventId,
    name: Step,
    actor: UserRef,
    #[schema(example = "sym")]
    channel: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_identifier: Option<String>,
    /// The message of a decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// The reason that an administrator gave, or a hook in place of that of the requester.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Entry {
    pub(super) fn new(record: &AuditRecord, entry: &AuditEntry, caller: &Caller) -> Self {
        let (kind, mut details) = kind_and_details(&entry.kind);
        if !caller.is_admin() {
            hide_words_of_services(&mut details, caller.user().username());
        }
        let handler = entry.kind.handler().map(ToString::to_string);
        details.remove("handler");
        Self {
            seq: record.seq,
            hash: record.hash.to_string(),
            at: entry.at,
            run_id: entry.run,
            flow: entry.flow.slug().to_owned(),
            event: EntryEvent {
                id: entry.event.id,
                name: entry.event.name,
                actor: UserRef::from(&*entry.event.actor),
                channel: entry.event.channel.kind().as_str(),
                channel_identifier: entry.event.channel.identifier().map(str::to_owned),
                message: entry.event.decision_message.clone(),
                reason: entry.event.reason.clone(),
            },
            status: entry.status,
            kind,
            handler,
            attempt: details.remove("attempt").and_then(|attempt| attempt.as_u64()),
            next_attempt_at: details.remove("retry_at").and_then(|at| at.as_str().map(str::to_owned)),
            details,
        }
    }
}

/// Returns the name of a kind and its members.
pub(super) fn kind_and_details(kind: &AuditKind) -> (String, Map<String, Value>) {
    let json = match kind {
        // The name is that of the event.
        AuditKind::Account(event) => serde_json::to_value(event),
        kind => serde_json::to_value(kind),
    };
    match json {
        Ok(Value::String(name)) => (name, Map::new()),
        Ok(Value::Object(members)) => match members.into_iter().next() {
            Some((name, Value::Object(details))) => (name, details),
            Some((name, _)) => (name, Map::new()),
            None => (String::new(), Map::new()),
        },
        _ => (String::new(), Map::new()),
    }
}

/// Keeps the codes of errors alone, and no message to somebody else.
fn hide_words_of_services(details: &mut Map<String, Value>, own_name: &str) {
    if details.get("to").is_some_and(|to| to != own_name) {
        details.remove("text");
    }
    // What services have answered to handlers.
    details.remove("answers");
    for value in details.values_mut() {
        hide_errors(value);
    }
}

fn hide_errors(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if members.contains_key("code") && members.contains_key("message") {
                members.retain(|name, _| ["code", "kind"].contains(&name.as_str()));
            }
            members.values_mut().for_each(hide_errors);
        }
        Value::Array(values) => values.iter_mut().for_each(hide_errors),
        _ => {}
    }
}

/// Show what has happened in a Run
#[utoipa::path(
    get, path = "/runs/{run}/timeline", operation_id = "show_timeline", tag = "runs",
    params(("run" = RunId, Path, description = "The id of the Run."), TimelineParams),
    responses((status = 200, description = "The entries, in order.", body = Timeline)),
)]
pub(super) async fn timeline(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(run): Segment<RunId>,
    Params(params): Params<TimelineParams>,
) -> Result<Json<Timeline>, Problem> {
    let limit = page_size(params.limit, DEFAULT_ENTRIES, MAX_ENTRIES)?;
    state.runtime.run_for(run, caller.user()).await?;
    let mut query = AuditQuery { limit, after: params.after, ..AuditQuery::default() };
    (query.run, query.order) = (Some(run), AuditOrder::OldestFirst);
    let page = state.runtime.find_audit(&query).await?;
    let mut entries = Vec::with_capacity(page.records.len());
    for record in &page.records {
        entries.push(Entry::new(record, &record.entry()?, &caller));
    }
    Ok(Json(Timeline { entries, next: page.next }))
}

/// The people who can decide a request, or the extension that was routed last. After the decision: who could have.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Deciders)]
pub(super) struct DecidersBody {
    /// Whether it waits for a decision.
    is_open: bool,
    /// The role from which on users can decide: `member` or `admin`. `null` if single users are named, or it was not routed yet.
    level: Option<String>,
    /// The users who are named.
    users: Vec<UserRef>,
    /// The administrators who are not named: they can decide every request.
    admins: Vec<UserRef>,
    /// The users who have approved so far.
    approved: Vec<UserRef>,
    approvals_needed: u8,
    /// The users who cannot approve although one might expect it, with the reason.
    barred: Vec<Barred>,
    /// The handler that has named them, with its place in the source.
    reducer: Option<String>,
}

/// Somebody who cannot approve.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Barred {
    user: UserRef,
    #[schema(example = "SymSDK:SELF_APPROVAL")]
    code: String,
    message: String,
}

impl Barred {
    pub(super) fn new(user: &User, reason: &EffectError) -> Self {
        Self { user: UserRef::from(user), code: reason.code.to_string(), message: reason.message.clone() }
    }
}

/// Show who can decide
#[utoipa::path(
    get, path = "/runs/{run}/deciders", operation_id = "list_deciders", tag = "runs",
    params(("run" = RunId, Path, description = "The id of the Run.")),
    responses((status = 200, description = "Who can decide, and why.", body = DecidersBody)),
)]
pub(super) async fn deciders(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Segment(run): Segment<RunId>,
) -> Result<Json<DecidersBody>, Problem> {
    let stored = state.runtime.run_for(run, caller.user()).await?;
    let found = state.runtime.deciders_of(&stored).await?;
    let people = |users: &[Arc<User>]| users.iter().map(|user| UserRef::from(&**user)).collect();
    let barred = found.barred.iter().map(|barred| Barred::new(&barred.user, &barred.reason));
    Ok(Json(DecidersBody {
        is_open: stored.state.is_open() || stored.state.open_extension().is_some(),
        level: found.level.map(level_name),
        users: people(&found.users),
        admins: people(&found.admins),
        approved: people(&found.approved),
        approvals_needed: found.needed,
        barred: barred.collect(),
        reducer: found.reducer.map(|handler| handler.to_string()),
    }))
}

pub(super) fn level_name(level: PermissionLevel) -> String {
    match serde_json::to_value(level) {
        Ok(Value::String(name)) => name,
        _ => String::new(),
    }
}
