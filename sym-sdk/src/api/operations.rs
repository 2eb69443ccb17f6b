//! The state of the program, and the comparison of what Runs grant with what targets list, for administrators.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::State;
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::extract::{CallBody, OptionalBody};
use super::people::UserRef;
use super::run_body::Named;
use super::state::ApiState;
use crate::model::{HandlerRef, RunId, UserType};
use crate::runtime::{HandlerFailures, Reconcile, Reconciliation, Repair};
use crate::server::caller::Caller;
use crate::server::problem::Problem;
use crate::time::TimestampExt as _;

/// The time for which failures of handlers are shown.
const HANDLER_ERRORS_WINDOW: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The state of the program.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Operations {
    access: AccessState,
    #[serde(skip_serializing_if = "Option::is_none")]
    backlog: Option<BacklogState>,
    destinations: Vec<Destination>,
    front_ends: Vec<String>,
    /// The parts that could not be built, with their faults.
    #[schema(value_type = Vec<Object>)]
    unavailable: Vec<Value>,
    /// The access that cannot be revoked as things are.
    #[schema(value_type = Vec<Object>)]
    blocked_access: Vec<Value>,
    /// The flows, each with the handlers that it calls.
    flows: Vec<OperatedFlow>,
    /// The handlers that have failed in the last seven days; the one that failed last comes first.
    handler_errors: Vec<HandlerErrors>,
    /// The end of the audit log.
    audit_head: u64,
}

/// Counts of Runs that hold access. All but `holding` should be 0.
#[derive(Debug, Serialize, ToSchema)]
struct AccessState {
    /// Runs that hold access, or may, by flow.
    holding: BTreeMap<String, u64>,
    /// Runs whose access should have ended.
    late: u64,
    /// Runs whose revocation has failed and is not confirmed yet.
    stuck: u64,
    /// Runs whose access would never end, although it has an expiry.
    missing_expiry: u64,
}

/// Work that is due.
#[derive(Debug, Serialize, ToSchema)]
struct BacklogState {
    due: usize,
    late: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest: Option<Timestamp>,
    stuck: usize,
}

/// A destination of the audit log.
#[derive(Debug, Serialize, ToSchema)]
struct Destination {
    name: String,
    /// The number of the last record that it has.
    delivered: u64,
    /// The number of records that it lacks.
    behind: u64,
}

/// A flow, as those see it who operate it.
#[derive(Debug, Serialize, ToSchema)]
struct OperatedFlow {
    #[serde(flatten)]
    flow: Named,
    handlers: Vec<OperatedHandler>,
}

/// A handler of a flow.
#[derive(Debug, Serialize, ToSchema)]
struct OperatedHandler {
    #[schema(example = "get_permissions (src/main.rs:28)")]
    handler: String,
    /// The time at which it failed last, if it has in the last seven days.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failed_at: Option<Timestamp>,
}

/// The failures of a handler.
#[derive(Debug, Serialize, ToSchema)]
struct HandlerErrors {
    #[schema(example = "get_permissions (src/main.rs:28)")]
    handler: String,
    /// The number of failures, among the latest of all handlers.
    count: usize,
    last_at: Timestamp,
    /// The Run of the last failure.
    last_run_id: RunId,
    code: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl From<HandlerFailures> for HandlerErrors {
    fn from(failures: HandlerFailures) -> Self {
        let error = failures.last_error;
        Self {
            handler: failures.handler.to_string(),
            count: failures.count,
            last_at: failures.last_at,
            last_run_id: failures.last_run,
            code: error.code.to_string(),
            message: error.message,
            hint: error.hint,
        }
    }
}

/// Show the state of the program
#[utoipa::path(
    get, path = "/operations", operation_id = "show_operations", tag = "operations",
    responses((status = 200, description = "The state of the program.", body = Operations)),
)]
pub(super) async fn overview(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Operations>, Problem> {
    caller.require_admin()?;
    let runtime = &state.runtime;
    let health = runtime.health().await?;
    let backlog = match runtime.drive() {
        Some(drive) => Some(drive.measure_backlog().await?),
        None => None,
    };
    let progress = runtime.audit_progress().await?.into_iter();
    let since = runtime.clock().now().minus(HANDLER_ERRORS_WINDOW);
    let failures = runtime.handler_failures(since).await?;
    let last_failed_at = |handler: &HandlerRef| {
        let failed = failures.iter().find(|failures| failures.handler == *handler);
        failed.map(|failures| failures.last_at)
    };
    let flows = runtime.flow_handlers().map(|(flow, handlers)| OperatedFlow {
        flow: Named { name: flow.name().to_string(), label: flow.label().to_owned() },
        handlers: handlers
            .iter()
            .map(|handler| OperatedHandler { handler: handler.to_string(), last_failed_at: last_failed_at(handler) })
            .collect(),
    });
    let flows = flows.collect();
    let json = |value: serde_json::Result<Value>| value.unwrap_or_default();
    Ok(Json(Operations {
        access: AccessState {
            holding: health.holding,
            late: health.late,
            stuck: health.stuck,
            missing_expiry: health.missing_expiry,
        },
        backlog: backlog.map(|backlog| BacklogState {
            due: backlog.due,
            late: backlog.late,
            oldest: backlog.oldest,
            stuck: backlog.stuck,
        }),
        destinations: progress
            .map(|progress| Destination {
                name: progress.destination,
                delivered: progress.delivered,
                behind: progress.behind,
            })
            .collect(),
        front_ends: runtime.front_ends().iter().map(|front_end| front_end.name().to_owned()).collect(),
        unavailable: runtime.unavailable().iter().map(|part| json(serde_json::to_value(part))).collect(),
        blocked_access: runtime.blocked_access().iter().map(|access| json(serde_json::to_value(access))).collect(),
        flows,
        handler_errors: failures.into_iter().map(HandlerErrors::from).collect(),
        audit_head: runtime.engine().head().await?.seq,
    }))
}

/// The repairs to make.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReconcileBody {
    /// Grant access again that a Run grants and its target does not list.
    #[serde(default)]
    regrant_missing: bool,
    /// Revoke access that a target lists and no Run grants, of users whose identity is known.
    #[serde(default)]
    revoke_extra: bool,
}

impl CallBody for ReconcileBody {}

/// The differences between what Runs grant and what targets list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reconciliation)]
pub(super) struct ReconciliationBody {
    /// The number of grants that were compared.
    compared: usize,
    /// Whether there are no differences and no target is unknown.
    is_clean: bool,
    missing: Vec<Difference>,
    extra: Vec<Difference>,
    unknown: Vec<UnknownTarget>,
    /// The targets that were compared.
    targets: Vec<ComparedTargetBody>,
}

/// A target that was compared.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ComparedTarget)]
struct ComparedTargetBody {
    flow: String,
    target: String,
    /// The number of accounts that it lists.
    identities: usize,
}

/// A grant that is on one side only.
#[derive(Debug, Serialize, ToSchema)]
struct Difference {
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<RunId>,
    flow: String,
    target: String,
    identity: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserRef>,
    /// The repair that was made.
    #[schema(value_type = Object)]
    repair: Map<String, Value>,
}

/// A target that could not be compared.
#[derive(Debug, Serialize, ToSchema)]
struct UnknownTarget {
    flow: String,
    target: String,
    /// The reason. Absent if the strategy cannot list access.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// Compare, or repair
///
/// Compares the access that Runs grant with what the targets list, and makes the repairs that are asked for. Without a body nothing is
/// repaired.
#[utoipa::path(
    post, path = "/operations/reconcile", operation_id = "reconcile", tag = "operations", request_body = Option<ReconcileBody>,
    responses((status = 200, description = "The differences.", body = ReconciliationBody)),
)]
pub(super) async fn reconcile(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    OptionalBody(body): OptionalBody<ReconcileBody>,
) -> Result<Json<ReconciliationBody>, Problem> {
    caller.require_admin()?;
    let mut what = Reconcile::new();
    // On the command line, nobody need be named who only looks.
    if caller.user().user_type() != UserType::System {
        what = what.by(caller.user().clone());
    }
    if body.regrant_missing {
        what = what.regrant_missing();
    }
    if body.revoke_extra {
        what = what.revoke_extra();
    }
    let found = state.runtime.reconcile(what).await?;
    Ok(Json(found.into()))
}

impl From<Reconciliation> for ReconciliationBody {
    fn from(found: Reconciliation) -> Self {
        let is_clean = found.is_clean();
        let missing = found.missing.into_iter().map(|missing| Difference {
            run_id: Some(missing.run),
            flow: missing.flow,
            target: missing.target.title(),
            identity: missing.identity,
            user: None,
            repair: repair(&missing.repair),
        });
        let extra = found.extra.into_iter().map(|extra| Difference {
            run_id: None,
            flow: extra.flow,
            target: extra.target.title(),
            identity: extra.identity,
            user: extra.user.as_deref().map(UserRef::from),
            repair: repair(&extra.repair),
        });
        let targets = found.targets.into_iter().map(|compared| ComparedTargetBody {
            flow: compared.flow,
            target: compared.target.title(),
            identities: compared.identities,
        });
        let unknown = found.unknown.into_iter().map(|unknown| UnknownTarget {
            flow: unknown.flow,
            target: unknown.target.title(),
            message: unknown.error.map(|error| error.message),
        });
        Self {
            compared: found.compared,
            is_clean,
            missing: missing.collect(),
            extra: extra.collect(),
            unknown: unknown.collect(),
            targets: targets.collect(),
        }
    }
}

fn repair(repair: &Repair) -> Map<String, Value> {
    let mut json = Map::new();
    let result = match repair {
        Repair::None => "none",
        Repair::Begun(run) => {
            json.insert("run_id".to_owned(), run.to_string().into());
            "begun"
        }
        Repair::Refused(error) => {
            json.insert("message".to_owned(), error.message.clone().into());
            "refused"
        }
    };
    json.insert("result".to_owned(), result.into());
    json
}
