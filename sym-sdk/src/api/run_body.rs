//! A Run, as the API shows it to one caller.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::NAME;
use super::people::UserRef;
use super::state::ApiState;
use crate::engine::StoredRun;
use crate::machine::{
    Abilities, Access, EffectError, EffectKind, EventRecord, ExtensionStatus, Grant, RequestDigest, RunState, TimerKind,
};
use crate::model::{AccessTarget, EventId, RunId, RunStatus};
use crate::server::caller::Caller;

/// A Run: the life of one request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Run)]
pub(super) struct RunBody {
    run_id: RunId,
    /// The resource name.
    #[schema(example = "acme:run:prod:2.0.0:0199c1a2-7b1e-7cc3-98c4-dc0c0c07398f")]
    run_srn: String,
    status: RunStatus,
    /// The reason for which the Run failed. `null` unless it has.
    error: Option<RunErrorBody>,
    /// The number of changes so far. It is the `ETag`, too.
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    flow: Named,
    /// The user who gets the access.
    requester: Option<UserRef>,
    /// The channel through which it was requested, such as `sym` for this API; for a request that a bot made for somebody else, also the bot.
    source: Source,
    /// The target of the access.
    target: Option<Named>,
    /// The seconds for which access is requested.
    duration: Option<u64>,
    /// The fields of the form.
    #[schema(value_type = Object)]
    fields: Map<String, Value>,
    reason: Option<String>,
    /// The time at which the request expires unless it is decided. `null` unless it waits for a decision.
    expires_at: Option<Timestamp>,
    approvals: Approvals,
    decision: Option<DecisionBody>,
    /// The digest of what is decided: a decision that names another one is refused, because the request has changed. `null` before the request.
    seen: Option<String>,
    access: AccessBody,
    /// The extension of the access that was requested last.
    extension: Option<ExtensionBody>,
    /// The Run that led to this one.
    parent_run_id: Option<RunId>,
    you: You,
    /// The addresses at which it is shown, by front end: `api` is its own here and `console` its page, if the server knows its public address, and the others are
    /// those of the latest messages about it. Lists have these two alone.
    #[schema(example = json!({ "api": "https://sym.example.com/api/v1/runs/0199c1a2-7b1e-7cc3-98c4-dc0c0c07398f", "slack": "https://acme.slack.com/archives/C0123456/p1712345678000100" }))]
    links: BTreeMap<String, String>,
}

/// A thing with a name, and a label for people.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) label: String,
}

impl From<&AccessTarget> for Named {
    fn from(target: &AccessTarget) -> Self {
        Self { name: target.name().to_string(), label: target.title() }
    }
}

/// The channel of a request.
#[derive(Debug, Serialize, ToSchema)]
struct Source {
    #[serde(rename = "type")]
    #[schema(example = "sym")]
    kind: &'static str,
    identifier: Option<String>,
}

/// The reason for which a Run failed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RunError)]
struct RunErrorBody {
    code: String,
    /// The message. For administrators it names handlers and services.
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    event: String,
}

/// The approvals of a request.
#[derive(Debug, Serialize, ToSchema)]
struct Approvals {
    given: usize,
    /// `null` before the request was routed.
    needed: Option<u8>,
    by: Vec<UserRef>,
}

/// A decision.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Decision)]
struct DecisionBody {
    /// `approve` or `deny`.
    action: String,
    by: UserRef,
    at: Timestamp,
    message: Option<String>,
    /// Whether a hook of the flow decided, in response to an event of the person.
    by_flow: bool,
}

/// The access that a Run gives.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Access)]
pub(super) struct AccessBody {
    /// `none`, `granting`, `held`, `revoking`, `ended`, or `written_off` if it may be there although nobody takes it away.
    #[schema(example = "held")]
    state: &'static str,
    /// The time at which it ends. `null` if it lasts until it is revoked, or there is none.
    until: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    /// Whether the requester had it before the request, and keeps it.
    is_standing: bool,
    /// Whether it has not ended when it was to.
    is_stuck: bool,
    /// The number of attempts to grant or revoke it that have failed in a row.
    failed_attempts: u32,
    next_attempt_at: Option<Timestamp>,
    /// The time until which access that was revoked is revoked again, because a grant may still take effect.
    settles_at: Option<Timestamp>,
}

/// An extension of access.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Extension)]
struct ExtensionBody {
    id: EventId,
    #[schema(value_type = String, example = "requested")]
    status: ExtensionStatus,
    duration: u64,
    reason: Option<String>,
    approvals: usize,
    until: Option<Timestamp>,
}

/// The actions that the caller may take now.
#[derive(Debug, Serialize, ToSchema)]
struct You {
    /// Approve the extension that waits for a decision, or else the request.
    approve: Ability,
    /// Deny or withdraw the extension that waits for a decision, or else the request.
    deny: Ability,
    revoke: Ability,
    extend: Ability,
    remind: Ability,
    write_off: Ability,
}

/// Whether the caller may do something now, and why not.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Ability {
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl From<Result<(), EffectError>> for Ability {
    fn from(verdict: Result<(), EffectError>) -> Self {
        match verdict {
            Ok(()) => Self { allowed: true, code: None, message: None },
            Err(error) => Self { allowed: false, code: Some(error.code.to_string()), message: Some(error.message) },
        }
    }
}

impl RunBody {
    /// Returns a Run as the caller sees it.
    pub(super) fn new(state: &ApiState, stored: &StoredRun, caller: &Caller) -> Self {
        let run = &stored.state.run;
        let current = &*stored.state;
        let flow = state.runtime.flow(current.flow.slug()).ok();
        let request = current.request.as_ref();
        let label = flow.as_ref().map_or_else(|| current.flow.slug(), |flow| flow.label());
        Self {
            run_id: run.id(),
            run_srn: run.srn().to_string(),
            status: run.status(),
            error: run_error(current, caller),
            version: stored.version,
            created_at: current.created_at,
            updated_at: current.updated_at,
            flow: Named { name: current.flow.slug().to_owned(), label: label.to_owned() },
            requester: run.requester().map(UserRef::from),
            source: Source {
                kind: run.source_channel().kind().as_str(),
                identifier: run.source_channel().identifier().map(str::to_owned),
            },
            target: request.and_then(|request| request.target.as_ref()).map(Named::from),
            duration: request.and_then(|request| request.duration).map(|duration| duration.as_secs()),
            fields: fields(current),
            reason: request.and_then(|request| request.reason.clone()),
            expires_at: current.timers.get(&TimerKind::Lifetime).map(|timer| timer.at),
            approvals: Approvals {
                given: run.approvals().len(),
                needed: current.routing.as_ref().map(|routing| routing.permission.required_approvals()),
                by: run.approvals().iter().map(|user| UserRef::from(&**user)).collect(),
            },
            decision: current.decision.as_deref().map(DecisionBody::from),
            seen: RequestDigest::of(current).map(|digest| digest.to_string()),
            access: AccessBody::of(current),
            extension: current.extension.as_deref().map(|extension| ExtensionBody {
                id: extension.id,
                status: extension.status,
                duration: extension.duration.as_secs(),
                reason: extension.reason.clone(),
                approvals: extension.approvals.len(),
                until: extension.until,
            }),
            parent_run_id: run.parent(),
            you: state.runtime.abilities_on(stored, caller.user(), caller.channel().kind()).into(),
            links: own_link(state, run.id()),
        }
    }

    /// Adds the addresses of messages, for which front ends may have to be asked.
    pub(super) async fn with_message_links(mut self, state: &ApiState, stored: &StoredRun) -> Self {
        self.links.extend(state.runtime.message_links(&stored.state).await);
        self
    }

    /// Returns the JSON, for a problem that shows the request as it is.
    pub(super) fn to_json(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        }
    }
}

fn own_link(state: &ApiState, run: RunId) -> BTreeMap<String, String> {
    let Some(url) = &state.public_url else { return BTreeMap::new() };
    let mut links = BTreeMap::from([(NAME.to_owned(), url.join(&format!("/{NAME}/v1/runs/{run}")))]);
    links.extend(state.run_links.as_ref().map(|pages| ("console".to_owned(), pages.link(run))));
    links
}

fn fields(state: &RunState) -> Map<String, Value> {
    let fields = state.request.as_ref().map(|request| serde_json::to_value(&request.fields));
    match fields {
        Some(Ok(Value::Object(fields))) => fields,
        _ => Map::new(),
    }
}

fn run_error(state: &RunState, caller: &Caller) -> Option<RunErrorBody> {
    let error = state.error.as_ref()?;
    let is_admin = caller.is_admin();
    // The message names handlers and repeats what services have said.
    let message = if is_admin { error.message.clone() } else { format!("{} failed", error.event) };
    Some(RunErrorBody {
        code: error.code.to_string(),
        message,
        hint: error.hint.clone().filter(|_| is_admin),
        event: error.event.to_string(),
    })
}

impl From<&EventRecord> for DecisionBody {
    fn from(record: &EventRecord) -> Self {
        Self {
            action: record.name.to_string(),
            by: UserRef::from(&*record.actor),
            at: record.at,
            message: record.decision_message.clone(),
            by_flow: record.decided_by_hook,
        }
    }
}

/// Returns the name of the state of the access.
pub(crate) fn access_state(state: &RunState) -> &'static str {
    match &state.access {
        Access::None => "none",
        Access::Granting(_) => "granting",
        Access::Held(_) => "held",
        Access::Revoking { .. } => "revoking",
        Access::Ended => "ended",
        Access::WrittenOff(_) => "written_off",
    }
}

impl AccessBody {
    pub(super) fn of(state: &RunState) -> Self {
        let grant: Option<&Grant> = state.access.grant();
        let is_access = |kind: &EffectKind| matches!(kind, EffectKind::Grant { .. } | EffectKind::Revoke { .. });
        let attempt = state.pending.values().find(|pending| is_access(&pending.kind));
        Self {
            state: access_state(state),
            until: grant.and_then(|grant| grant.until),
            ended_at: state.ended_at,
            is_standing: grant.is_some_and(|grant| grant.is_standing),
            is_stuck: state.is_stuck(),
            failed_attempts: attempt.map_or(0, |pending| pending.attempt.saturating_sub(1)),
            next_attempt_at: attempt.filter(|pending| pending.attempt > 1).and_then(|pending| pending.not_before),
            settles_at: state.settles_at(),
        }
    }
}

impl From<Abilities> for You {
    fn from(abilities: Abilities) -> Self {
        Self {
            approve: abilities.approve.into(),
            deny: abilities.deny.into(),
            revoke: abilities.revoke.into(),
            extend: abilities.extend.into(),
            remind: abilities.remind.into(),
            write_off: abilities.write_off.into(),
        }
    }
}
