//! The audit log, for administrators: search, export, and its end.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::stream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::csv::csv_line;
use super::extract::{Params, page_size};
use super::people::user_id;
use super::state::ApiState;
use super::timeline::Entry;
use crate::audit::{AuditEntry, AuditRecord, LineWriter};
use crate::engine::{AuditOrder, AuditQuery};
use crate::error::{Error, Result, codes};
use crate::model::{EventId, RunId, UserId};
use crate::runtime::{Runtime, call_bounded};
use crate::server::caller::Caller;
use crate::server::problem::Problem;

/// The largest number of entries in one answer.
const MAX_ENTRIES: usize = 500;

/// The number of entries in one answer unless another one is asked for.
const DEFAULT_ENTRIES: usize = 50;

/// The number of records that are read at once.
const PAGE_SIZE: usize = 256;

/// Timeout of one page of an export.
const EXPORT_PAGE_TIMEOUT: Duration = Duration::from_secs(5);

/// The entries to find.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditParams {
    /// Only entries of this Run.
    run: Option<RunId>,
    /// Only entries of this flow.
    flow: Option<String>,
    /// Only entries of events of this user: the id, or the name.
    actor: Option<String>,
    /// Only entries of the event with this id.
    event: Option<EventId>,
    /// Only entries of this kind, such as `granted`.
    kind: Option<String>,
    /// Only entries that name the handler with this name: it was called, or it has failed.
    handler: Option<String>,
    /// Only entries whose text has all of these words, in any case and order. A page may then have fewer entries than the limit, or none,
    /// although there are more: go on with `next`.
    #[param(max_length = 200)]
    text: Option<String>,
    /// Only entries from this time on.
    since: Option<Timestamp>,
    /// Only entries before this time.
    until: Option<Timestamp>,
    /// The latest first, or in the order of the log.
    #[serde(default)]
    #[param(inline)]
    order: Order,
    /// The number of the record after which to go on, in this order: `next` of the page before.
    after: Option<u64>,
    /// The number of entries, from 1 to 500. The default is 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// The order of entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Order {
    #[default]
    Newest,
    Oldest,
}

/// Entries of the audit log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditPage)]
pub(super) struct AuditPageBody {
    entries: Vec<Entry>,
    /// The value of `after` to go on with. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

/// Search the audit log
#[utoipa::path(
    get, path = "/audit", operation_id = "search_audit", tag = "audit", params(AuditParams),
    responses((status = 200, description = "The entries that match.", body = AuditPageBody)),
)]
pub(super) async fn search(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Params(params): Params<AuditParams>,
) -> Result<Json<AuditPageBody>, Problem> {
    caller.require_admin()?;
    let limit = page_size(params.limit, DEFAULT_ENTRIES, MAX_ENTRIES)?;
    let Some(actor) = Actors::named(&state, params.actor.as_deref()).await? else {
        return Ok(Json(AuditPageBody { entries: Vec::new(), next: None }));
    };
    let mut query = AuditQuery { limit, after: params.after, ..AuditQuery::default() };
    (query.run, query.flow, query.event, query.kind) = (params.run, params.flow, params.event, params.kind);
    (query.handler, query.since, query.until, query.actor) = (params.handler, params.since, params.until, actor.0);
    query.order = match params.order {
        Order::Newest => AuditOrder::NewestFirst,
        Order::Oldest => AuditOrder::OldestFirst,
    };
    query.text = checked_text(params.text)?;
    let page = state.runtime.find_audit(&query).await?;
    let mut entries = Vec::with_capacity(page.records.len());
    for record in &page.records {
        entries.push(Entry::new(record, &record.entry()?, &caller));
    }
    Ok(Json(AuditPageBody { entries, next: page.next }))
}

/// The maximum length of a text to search for, in characters.
pub(crate) const MAX_TEXT_CHARS: usize = 200;

fn checked_text(text: Option<String>) -> Result<Option<String>> {
    if text.as_ref().is_some_and(|text| text.chars().count() > MAX_TEXT_CHARS) {
        let message = format!("`text` has more than {MAX_TEXT_CHARS} characters");
        return Err(Error::invalid(codes::INVALID_FIELD_VALUE, message).with_hint("search for fewer words"));
    }
    Ok(text)
}

/// The user to whose events a search is limited, if it is.
struct Actors(Option<UserId>);

impl Actors {
    /// Returns `None` if there is nobody of that name, so that nothing is found.
    async fn named(state: &ApiState, actor: Option<&str>) -> Result<Option<Self>, Problem> {
        let Some(actor) = actor else { return Ok(Some(Self(None))) };
        Ok(user_id(state, actor).await?.map(|id| Self(Some(id))))
    }
}

/// The form and the entries of an export.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ExportParams {
    /// `jsonl`, which can be verified, or `csv`, for people.
    #[serde(default)]
    #[param(inline)]
    format: ExportFormat,
    /// Only entries of this Run.
    run: Option<RunId>,
    /// Only entries of this flow.
    flow: Option<String>,
    /// Only entries of events of this user: the id, or the name.
    actor: Option<String>,
    /// Only entries of the event with this id.
    event: Option<EventId>,
    /// Only entries of this kind, such as `granted`.
    kind: Option<String>,
    /// Only entries that name the handler with this name: it was called, or it has failed.
    handler: Option<String>,
    /// Only entries whose text has all of these words, in any case and order.
    #[param(max_length = 200)]
    text: Option<String>,
    /// Only entries from this time on.
    since: Option<Timestamp>,
    /// Only entries before this time.
    until: Option<Timestamp>,
    /// The number of the record after which to begin.
    after: Option<u64>,
}

/// The form of an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ExportFormat {
    #[default]
    Jsonl,
    Csv,
}

/// Export the audit log
///
/// Streams the entries that match. Lines of `jsonl` are those that log destinations get, exact, and can be verified. In `csv`, a cell that a
/// spreadsheet would take for a formula begins with an apostrophe; do not verify it.
#[utoipa::path(
    get, path = "/audit/export", operation_id = "export_audit", tag = "audit", params(ExportParams),
    responses((status = 200, description = "The entries.", content((String = "application/x-ndjson"), (String = "text/csv")))),
)]
pub(super) async fn export(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Params(params): Params<ExportParams>,
) -> Result<Response, Problem> {
    caller.require_admin()?;
    let after = params.after.unwrap_or_default();
    let mut filter = AuditQuery::default();
    (filter.run, filter.flow, filter.event, filter.kind) = (params.run, params.flow, params.event, params.kind);
    (filter.handler, filter.since, filter.until) = (params.handler, params.since, params.until);
    filter.text = checked_text(params.text)?;
    let Some(actor) = Actors::named(&state, params.actor.as_deref()).await? else {
        // Nobody of that name has done anything.
        return Ok(Export::until(state.runtime.clone(), filter, params.format, after, 0).into_response());
    };
    filter.actor = actor.0;
    Ok(export_all(state.runtime.clone(), filter, params.format, after).await?.into_response())
}

/// Exports the entries that match and are recorded by now.
pub(crate) async fn export_all(
    runtime: Runtime,
    filter: AuditQuery,
    format: ExportFormat,
    after: u64,
) -> Result<impl IntoResponse> {
    // What is recorded from now on is not part of it, so that it ends.
    let head = runtime.engine().head().await?.seq;
    Ok(Export::until(runtime, filter, format, after, head))
}

/// An export that is being streamed.
struct Export {
    runtime: Runtime,
    filter: AuditQuery,
    format: ExportFormat,
    after: u64,
    head: u64,
    lines: LineWriter,
    is_first: bool,
}

impl IntoResponse for Export {
    fn into_response(self) -> Response {
        let (content_type, file) = match self.format {
            ExportFormat::Jsonl => ("application/x-ndjson", "attachment; filename=\"audit.jsonl\""),
            ExportFormat::Csv => ("text/csv; charset=utf-8", "attachment; filename=\"audit.csv\""),
        };
        let pages = stream::unfold(Some(self), async |export| {
            let mut export = export?;
            match export.page().await {
                Ok(Some(page)) => Some((Ok(page), Some(export))),
                Ok(None) => None,
                // The connection is cut, so that nobody takes a part for the whole.
                Err(error) => {
                    tracing::error!(error = %error.report(), "an export of the audit log failed");
                    Some((Err(io::Error::other("the export failed")), None))
                }
            }
        });
        let headers = [(header::CONTENT_TYPE, content_type), (header::CONTENT_DISPOSITION, file)];
        (headers, Body::from_stream(Box::pin(pages))).into_response()
    }
}

impl Export {
    fn until(runtime: Runtime, filter: AuditQuery, format: ExportFormat, after: u64, head: u64) -> Self {
        Self { runtime, filter, format, after, head, lines: LineWriter::default(), is_first: true }
    }

    /// Returns the next part. `None` at the end.
    async fn page(&mut self) -> Result<Option<Bytes>> {
        let clock = self.runtime.clock().clone();
        let runtime = self.runtime.clone();
        let mut text = String::new();
        if std::mem::take(&mut self.is_first) && self.format == ExportFormat::Csv {
            text.push_str(CSV_HEAD);
        }
        while self.after < self.head {
            let reading = runtime.engine().records_after(self.after, PAGE_SIZE);
            let what = || "a page of the audit log".to_owned();
            let records = call_bounded(&*clock, EXPORT_PAGE_TIMEOUT, what, reading).await.flatten()?;
            let Some(last) = records.last() else { break };
            self.after = last.seq;
            let head = self.head;
            for record in records.into_iter().filter(|record| record.seq <= head) {
                self.write(record, &mut text).await?;
            }
            if !text.is_empty() {
                break;
            }
        }
        Ok(Some(text).filter(|text| !text.is_empty()).map(Bytes::from))
    }

    async fn write(&mut self, record: AuditRecord, text: &mut String) -> Result<()> {
        let entry = record.entry()?;
        let matches = self.filter.matches(&entry);
        match self.format {
            ExportFormat::Csv if matches => write_row(&record, &entry, text),
            ExportFormat::Csv => {}
            ExportFormat::Jsonl => {
                // The writer reads all records: a line names the actors of earlier ones.
                let log = self.runtime.engine();
                if let Some(line) = self.lines.line(&**log, record, |_| matches).await? {
                    text.push_str(line.as_str());
                    text.push('\n');
                }
            }
        }
        Ok(())
    }
}

const CSV_HEAD: &str = "seq,at,run_id,flow,event,kind,actor,channel,status,target,reason,handler,details,hash\r\n";

fn write_row(record: &AuditRecord, entry: &AuditEntry, text: &mut String) {
    let (kind, details) = super::timeline::kind_and_details(&entry.kind);
    let target = entry.event.target.as_ref().map(|target| target.name().to_string()).unwrap_or_default();
    let reason = entry.event.reason.clone().or_else(|| entry.event.decision_message.clone()).unwrap_or_default();
    let details = serde_json::to_string(&details).unwrap_or_default();
    let cells = [
        record.seq.to_string(),
        entry.at.to_string(),
        entry.run.to_string(),
        entry.flow.slug().to_owned(),
        entry.event.name.to_string(),
        kind,
        entry.event.actor.username().to_owned(),
        entry.event.channel.kind().to_string(),
        entry.status.to_string(),
        target,
        reason,
        entry.kind.handler().map(|handler| handler.name().to_owned()).unwrap_or_default(),
        details,
        record.hash.to_string(),
    ];
    text.push_str(&csv_line(cells.iter().map(String::as_str)));
}

/// The end of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Head {
    /// The number of records.
    seq: u64,
    /// The hash of the last one.
    hash: String,
    /// Both, to be kept elsewhere: whoever has it notices a log that was cut or changed.
    #[schema(example = "1290:0b1e…")]
    head: String,
}

/// Show the end of the audit log
#[utoipa::path(get, path = "/audit/head", operation_id = "audit_head", tag = "audit", responses((status = 200, description = "The end.", body = Head)))]
pub(super) async fn head(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Head>, Problem> {
    caller.require_admin()?;
    let head = state.runtime.engine().head().await?;
    Ok(Json(Head { seq: head.seq, hash: head.hash.to_string(), head: format!("{}:{}", head.seq, head.hash) }))
}
