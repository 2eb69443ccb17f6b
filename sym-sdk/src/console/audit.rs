//! The audit record, for administrators: searched, exported, and verified on the spot.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use maud::{Markup, html};

use super::authentication::SignedInAdmin;
use super::form::{FormData, PageQuery};
use super::page::{Page, Section};
use super::parts::{Role, empty, flash, time_to_second, who};
use super::refusal::Refusal;
use super::state::ConsoleState;
use crate::api::audit::{ExportFormat, MAX_TEXT_CHARS, export_all};
use crate::audit::{AuditKind, Verifier};
use crate::engine::{AuditOrder, AuditQuery};
use crate::model::{RunId, UserId};

/// The number of entries on a page.
const PAGE_SIZE: usize = 50;

/// The number of entries that are verified in one read.
const VERIFY_PAGE: usize = 500;

pub(super) async fn page(
    State(state): State<ConsoleState>,
    _: SignedInAdmin,
    query: PageQuery,
) -> Result<Page, Refusal> {
    show(&state, &query, html! {}).await
}

/// Reads the whole record, and checks each entry against the one before it.
pub(super) async fn verify(State(state): State<ConsoleState>, _: SignedInAdmin) -> Result<Page, Refusal> {
    let log = state.runtime.engine();
    let head = log.head().await?;
    let (mut verifier, mut after) = (Verifier::new().expect_head(head), 0);
    let broken = loop {
        let records = log.records_after(after, VERIFY_PAGE).await?;
        let Some(last) = records.last() else { break None };
        after = last.seq;
        let broken =
            records.iter().filter(|record| record.seq <= head.seq).find_map(|record| verifier.check(record).err());
        if broken.is_some() || after >= head.seq {
            break broken;
        }
    };
    let result = match broken {
        Some(error) => Err(error),
        None => verifier.finish().map(drop),
    };
    let message = match result {
        Ok(()) => flash(
            Role::Ok,
            &format!("Verified, entries 1 to {}. Keep the head elsewhere, to notice a record that was cut.", head.seq),
        ),
        Err(error) => {
            tracing::error!(%error, "the audit log is not intact");
            flash(
                Role::Failed,
                &format!(
                    "The record is not intact: {error}. Keep a copy of the store, and find out who could write it."
                ),
            )
        }
    };
    show(&state, &FormData::default(), message).await
}

/// Streams the entries that pass the filter.
pub(super) async fn export(
    State(state): State<ConsoleState>,
    _: SignedInAdmin,
    query: PageQuery,
) -> Result<Response, Refusal> {
    let format = match query.text("format") {
        Some("csv") => ExportFormat::Csv,
        _ => ExportFormat::Jsonl,
    };
    let Some(filter) = filter_of(&state, &query).await? else {
        return Err(Refusal::invalid("Nobody has this name, so there is nothing to export."));
    };
    Ok(export_all(state.runtime.clone(), filter, format, 0).await?.into_response())
}

/// Returns the entries that the query asks for; `None` if it names somebody whom nobody knows.
async fn filter_of(state: &ConsoleState, query: &FormData) -> Result<Option<AuditQuery>, Refusal> {
    let mut filter = AuditQuery::default();
    if let Some(name) = query.text("who") {
        let id = match name.parse::<UserId>() {
            Ok(id) => Some(id),
            Err(_) => {
                let users = state.runtime.directory().users().await?;
                users.iter().find(|user| user.username().eq_ignore_ascii_case(name)).map(|user| user.id())
            }
        };
        let Some(id) = id else { return Ok(None) };
        filter.actor = Some(id);
    }
    filter.run = match query.text("run") {
        Some(run) => Some(run.parse::<RunId>().map_err(|_| Refusal::invalid("The id of a Run is a UUID."))?),
        None => None,
    };
    filter.flow = query.text("flow").map(str::to_owned);
    filter.kind = query.text("kind").map(|kind| kind.replace(' ', "_"));
    filter.handler = query.text("handler").map(str::to_owned);
    filter.text = query.text("text").map(|text| text.chars().take(MAX_TEXT_CHARS).collect());
    let day = |name: &str, end: &str| {
        let Some(text) = query.text(name) else { return Ok(None) };
        let at = format!("{text}T{end}Z").parse::<Timestamp>();
        at.map(Some).map_err(|_| Refusal::invalid("A day has the form 2026-12-31."))
    };
    filter.since = day("from", "00:00:00")?;
    filter.until = day("to", "23:59:59.999999999")?;
    Ok(Some(filter))
}

async fn show(state: &ConsoleState, query: &FormData, message: Markup) -> Result<Page, Refusal> {
    let now = state.now();
    let head = state.runtime.engine().head().await?;
    let filter = filter_of(state, query).await?;
    let page = match filter {
        Some(mut filter) => {
            filter.limit = PAGE_SIZE;
            filter.order = AuditOrder::NewestFirst;
            filter.after = query.text("after").and_then(|after| after.parse().ok());
            Some(state.runtime.find_audit(&filter).await?)
        }
        None => None,
    };
    let records = page.as_ref().map(|page| page.records.as_slice()).unwrap_or_default();
    let next = page.as_ref().and_then(|page| page.next);
    let is_cut_short = page.as_ref().is_some_and(|page| page.is_cut_short);
    let older = next.map(|next| query.query_without(&["after"]).append_pair("after", &next.to_string()).finish());
    let export = query.query_without(&["after"]).finish();
    let mut rows = Vec::with_capacity(records.len());
    for record in records {
        rows.push((record, record.entry()?));
    }
    let text = |name: &str, label: &str, kind: &str| {
        html! { div.field.wide-field[name == "text"] { label for=(name) { (label) } input id=(name) name=(name) type=(kind) value=[query.text(name)] autocomplete="off" data-search=[(name == "text").then_some("")]; } }
    };
    let main = html! {
        (message)
        div.row.apart {
            h1 { "Audit record" }
            div.row { a.button href={ "/console/audit/export?format=csv&" (export) } { "CSV" } a.button href={ "/console/audit/export?format=jsonl&" (export) } { "JSON Lines" } }
        }
        section.card aria-label="Head" { form.body method="post" action="/console/audit/verify" { div.row.apart {
            p { (head.seq) @if head.seq == 1 { " entry. " } @else { " entries. " } "Head " span.mono { (head.seq) ":" (head.hash) } }
            button.button { "Verify all" }
        } } }
        form.filters method="get" action="/console/audit" aria-label="Filter" {
            (text("text", "Words", "search")) (text("who", "Who", "text")) (text("run", "Run", "text")) (text("flow", "Flow", "text")) (text("kind", "Kind", "text")) (text("handler", "Handler", "text")) (text("from", "From (UTC)", "date")) (text("to", "To (UTC)", "date"))
            button.button { "Search" }
        }
        section.card aria-label="Entries" {
            @if rows.is_empty() && is_cut_short { (empty("No entries so far.", "Nothing in the part of the record that was read has these words. Go on to earlier entries below.")) }
            @else if rows.is_empty() { (empty("No entries.", "Change the filter. A kind is a word such as granted or revoke_failed.")) }
            @else { div.table { table role="table" aria-label="Entries, the latest first" {
                thead role="rowgroup" { tr role="row" { @for title in ["Entry", "Time", "What", "Event", "Who", "Flow", "Hash"] { th role="columnheader" scope="col" { (title) } } } }
                tbody role="rowgroup" { @for (record, entry) in &rows { tr role="row" {
                    th.mono role="rowheader" scope="row" { @match &entry.kind {
                        kind if !kind.is_of_run() => { (record.seq) }
                        _ => { a href={ "/r/" (entry.run) } { (record.seq) } }
                    } }
                    td role="cell" data-label="Time" { (time_to_second(entry.at, now)) }
                    td role="cell" data-label="What" { @match &entry.kind {
                        AuditKind::UserAction { action, username, .. } => { (action.past_participle()) " " (username) }
                        AuditKind::Account(event) => { (event.name().replace('_', " ")) br; span.why { (event) } }
                        kind => { (kind.name().replace('_', " ")) }
                    } @if let Some(handler) = entry.kind.handler() { br; code.src { (handler.name()) } } }
                    td role="cell" data-label="Event" { @if entry.kind.is_of_run() { (entry.event.name.to_string().replace('_', " ")) } }
                    td role="cell" data-label="Who" { (who(&entry.event.actor)) }
                    td role="cell" data-label="Flow" { (entry.flow.slug()) }
                    td.mono.src role="cell" data-label="Hash" { (record.hash.to_string().chars().take(8).collect::<String>()) }
                } } }
            } } }
        }
        @if is_cut_short { p.muted.small { "A part of the record was searched for the words" @if let Some(next) = next { ", down to entry " (next) } ". Older entries may have them too: limit the time, or go on." } }
        @if older.is_some() || query.text("after").is_some() {
            nav.row.apart aria-label="Pages" {
                span { @if query.text("after").is_some() { a.button href={ "/console/audit?" (export) } { "Latest" } } }
                @if let Some(older) = older { a.button href={ "/console/audit?" (older) } { "Older" } }
            }
        }
    };
    Ok(Page::new("Audit record", main).section(Section::Audit))
}
