//! The access that people have now, as far as the viewer may see it: a page, and a CSV file.

use std::io;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use jiff::Timestamp;
use maud::{Markup, html};

use super::authentication::SignedIn;
use super::decide::{ActionButton, action_button, done_flash};
use super::form::{FormData, PageQuery};
use super::page::{Page, Section};
use super::paging::Rows;
use super::parts::{Role, countdown, empty, tag, time, who};
use super::refusal::Refusal;
use super::run_summary::RunSummary;
use super::state::ConsoleState;
use crate::api::access_state;
use crate::api::csv::csv_line;
use crate::engine::{RunCursor, RunFilter, RunQuery, StoredRun, Viewer};
use crate::error::Result;
use crate::model::ChannelType;

/// The largest number of grants that the page lists.
const MAX_ACCESS: usize = 500;

/// The number of Runs that are read at once.
const READ_SIZE: usize = 500;

/// The largest number of Runs that are read for the page. The file has all.
const MAX_READ: usize = 5_000;

/// The fields of the filter.
const FILTERS: [&str; 3] = ["who", "target", "flow"];

/// The Runs that may hold access and pass the filter, part by part, the latest first.
struct HeldAccess {
    state: ConsoleState,
    viewer: Viewer,
    filter: RunFilter,
    /// A part of the requester's name or address, in lower case.
    requester: Option<String>,
    after: Option<RunCursor>,
    is_read: bool,
}

impl HeldAccess {
    fn new(state: &ConsoleState, viewer: &SignedIn, query: &FormData) -> Self {
        let filter = RunFilter {
            may_hold_access: true,
            flow: query.text("flow").map(str::to_owned),
            target: query.text("target").map(str::to_owned),
            ..RunFilter::default()
        };
        let viewer = Viewer::new(viewer.user.clone());
        let requester = query.text("who").map(str::to_lowercase);
        Self { state: state.clone(), viewer, filter, requester, after: None, is_read: false }
    }

    fn admits(&self, stored: &StoredRun) -> bool {
        let Some(asked) = &self.requester else { return true };
        let names = stored.state.run.requester().map(|user| format!("{} {}", user.full_name(), user.username()));
        names.is_some_and(|names| names.to_lowercase().contains(asked))
    }

    /// Reads the next part, which may be empty. `None` at the end.
    async fn next(&mut self) -> Result<Option<Vec<StoredRun>>> {
        if self.is_read {
            return Ok(None);
        }
        let query = RunQuery::new(self.filter.clone(), Some(self.viewer.clone())).with_limit(READ_SIZE);
        let query = match self.after {
            Some(after) => query.after(after)?,
            None => query,
        };
        let mut page = self.state.runtime.find_runs(&query).await?;
        (self.after, self.is_read) = (page.next, page.next.is_none());
        page.runs.retain(|stored| self.admits(stored));
        Ok(Some(page.runs))
    }

    /// Reads what the page shows, and returns whether that is not all.
    async fn first(&mut self) -> Result<(Vec<StoredRun>, bool)> {
        let mut found = Vec::new();
        for _ in 0..MAX_READ / READ_SIZE {
            let Some(part) = self.next().await? else { break };
            found.extend(part);
            if found.len() > MAX_ACCESS {
                break;
            }
        }
        let is_partial = !self.is_read || found.len() > MAX_ACCESS;
        found.truncate(MAX_ACCESS);
        Ok((found, is_partial))
    }
}

pub(super) async fn page(
    State(state): State<ConsoleState>,
    Extension(viewer): Extension<SignedIn>,
    query: PageQuery,
) -> Result<Page, Refusal> {
    let (mut held, is_partial) = HeldAccess::new(&state, &viewer, &query).first().await?;
    // What should be gone comes first, then what ends next.
    held.sort_by_key(|stored| {
        let until = stored.state.access.grant().and_then(|grant| grant.until).unwrap_or(Timestamp::MAX);
        (!stored.state.is_stuck(), until, stored.state.run.id())
    });
    let filter = query.query_with(&FILTERS).finish();
    let (back, file) = match filter.as_str() {
        "" => ("/console/access".to_owned(), "/console/access.csv".to_owned()),
        filter => (format!("/console/access?{filter}"), format!("/console/access.csv?{filter}")),
    };
    let is_filtered = !filter.is_empty();
    let rows = Rows::of(&held, &query);
    let flows = state.runtime.flows();
    let main = html! {
        (done_flash(&query))
        div.row.apart {
            h1 { "Access now" }
            div.row { span.live hidden { "live" } @if !held.is_empty() { a.button href=(file) { "CSV" } } }
        }
        form.filters method="get" action="/console/access" aria-label="Filter" {
            div.field { label for="who" { "Person" } input #who name="who" value=[query.text("who")] autocomplete="off" data-search=""; }
            div.field { label for="target" { "Target" } input #target name="target" value=[query.text("target")] autocomplete="off"; }
            div.field { label for="flow" { "Flow" } select #flow name="flow" {
                option value="" { "All flows" }
                @for flow in flows.iter() { option value=(flow.name()) selected[query.text("flow") == Some(flow.name().as_str())] { (flow.label()) } }
            } }
            button.button { "Filter" }
        }
        section.card aria-label="Access" {
            @if held.is_empty() && is_filtered { (empty("No access passes the filter.", "Change it, or show all.")) p.body { a.button href="/console/access" { "Show all" } } }
            @else if held.is_empty() { (empty("Nobody holds access.", "Access that was given appears here until it has ended. You see your own, and what you may decide or look at.")) }
            @else { (table(&state, &viewer, rows.shown, &back)) }
        }
        (rows.links("/console/access", &query))
        @if is_partial { p.muted.small { "Not all are shown: filter to see others, or take the CSV file, which has all." } }
    };
    Ok(Page::new("Access now", main).section(Section::Access).live("all"))
}

const CSV_HEAD: [&str; 11] =
    ["run_id", "flow", "target", "target_label", "user", "name", "account", "state", "since", "until", "is_stuck"];

/// Streams the access that passes the filter as a CSV file, the latest Run first.
pub(super) async fn export(
    State(state): State<ConsoleState>,
    Extension(viewer): Extension<SignedIn>,
    query: PageQuery,
) -> Result<Response, Refusal> {
    let mut access = HeldAccess::new(&state, &viewer, &query);
    // A failure of the first read is answered as such; later ones cut the file.
    let first = access.next().await?.unwrap_or_default();
    let parts = stream::unfold((Some(access), Some(first)), async |(access, first)| {
        let mut access = access?;
        let (mut text, runs) = match first {
            Some(first) => (csv_line(CSV_HEAD), first),
            None => match access.next().await {
                Ok(part) => (String::new(), part?),
                // The connection is cut, so that nobody takes a part for the whole.
                Err(error) => {
                    tracing::error!(error = %error.report(), "an export of the access list failed");
                    return Some((Err(io::Error::other("the export failed")), (None, None)));
                }
            },
        };
        runs.iter().for_each(|stored| text.push_str(&csv_row(stored)));
        Some((Ok(text), (Some(access), None)))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"access.csv\""),
    ];
    Ok((headers, Body::from_stream(Box::pin(parts))).into_response())
}

fn csv_row(stored: &StoredRun) -> String {
    let run = &*stored.state;
    let (grant, user) = (run.access.grant(), run.run.requester());
    let cells = [
        run.run.id().to_string(),
        run.flow.slug().to_owned(),
        grant.map(|grant| grant.target.name().to_string()).unwrap_or_default(),
        grant.map(|grant| grant.target.title()).unwrap_or_default(),
        user.map(|user| user.username().to_owned()).unwrap_or_default(),
        user.map(|user| user.full_name()).unwrap_or_default(),
        grant.map(|grant| grant.identity.clone()).unwrap_or_default(),
        access_state(run).to_owned(),
        since(stored).to_string(),
        grant.and_then(|grant| grant.until).map(|until| until.to_string()).unwrap_or_default(),
        run.is_stuck().to_string(),
    ];
    csv_line(cells.iter().map(String::as_str))
}

/// The time of the decision that gave the access.
fn since(stored: &StoredRun) -> Timestamp {
    stored.state.decision.as_ref().map_or(stored.state.created_at, |decision| decision.at)
}

/// Returns the table. The buttons lead back to the page at this address.
fn table(state: &ConsoleState, viewer: &SignedIn, held: &[StoredRun], back: &str) -> Markup {
    let now = state.now();
    html! {
        div.table { table role="table" aria-label="Access, the soonest end first" {
            thead role="rowgroup" { tr role="row" {
                @for title in ["Access", "Who", "Account", "Since", "Ends"] { th role="columnheader" scope="col" { (title) } }
                th role="columnheader" scope="col" { span.sr { "Action" } }
            } }
            tbody role="rowgroup" { @for stored in held {
                @let run = RunSummary::new(state, &stored.state);
                @let (role, standing) = run.standing(now);
                @let abilities = state.runtime.abilities_on(stored, &viewer.user, ChannelType::Web);
                @let is_own = run.requester().is_some_and(|requester| requester.is_same(&viewer.user));
                tr role="row" {
                    th role="rowheader" scope="row" { a href=(run.address()) { (run.title()) } br; span.why { (run.flow) } }
                    td role="cell" data-label="Who" { @if let Some(user) = run.requester() { (who(user)) } }
                    td.mono role="cell" data-label="Account" { @if let Some(grant) = stored.state.access.grant() { (grant.identity) } }
                    td role="cell" data-label="Since" { (time(since(stored), now)) }
                    td role="cell" data-label="Ends" {
                        @match run.until() {
                            Some(until) if role == Role::Active => { (countdown(run.since(), until, now)) }
                            None if role == Role::Active => { (tag(Role::Waiting, "no end")) }
                            _ => { (tag(role, &standing)) }
                        }
                    }
                    td.act role="cell" { @if abilities.revoke.is_ok() { div.row {
                        @if is_own { (action_button(stored, &ActionButton { action: "revoke", label: "Give back", object: &run.title(), is_danger: false, back })) }
                        @else { (action_button(stored, &ActionButton { action: "revoke", label: "Revoke", object: &run.title(), is_danger: true, back })) }
                    } } }
                }
            } }
        } }
    }
}
