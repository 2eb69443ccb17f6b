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
use super::paging::RunRows;
use super::parts::{Role, countdown, empty, tag, time, who};
use super::refusal::Refusal;
use super::run_summary::RunSummary;
use super::state::ConsoleState;
use crate::api::access_state;
use crate::api::csv::csv_line;
use crate::engine::{Relation, RunCursor, RunFilter, RunOrder, RunQuery, StoredRun, Viewer};
use crate::error::Result;
use crate::model::ChannelType;

/// The number of Runs that are read at once for the file.
const READ_SIZE: usize = 500;

/// The fields of the filter.
const FILTERS: [&str; 4] = ["of", "who", "target", "flow"];

/// Returns the query of the access that passes the filter, as far as the viewer may see it.
fn held(viewer: &SignedIn, query: &FormData) -> RunQuery {
    let filter = RunFilter {
        may_hold_access: true,
        flow: query.text("flow").map(str::to_owned),
        target: query.text("target").map(str::to_owned),
        requester_name: query.text("who").map(str::to_owned),
        ..RunFilter::default()
    };
    let relation = if query.text("of") == Some("mine") { Relation::Mine } else { Relation::Visible };
    RunQuery::new(filter, Some(Viewer::new(viewer.user.clone()).related(relation)))
}

/// The Runs of a query in batches, the latest first: in that order none comes twice or is left out because its end changes meanwhile.
struct RunBatches {
    state: ConsoleState,
    query: RunQuery,
    after: Option<RunCursor>,
    is_read: bool,
}

impl RunBatches {
    fn new(state: &ConsoleState, query: RunQuery) -> Self {
        Self { state: state.clone(), query: query.with_limit(READ_SIZE), after: None, is_read: false }
    }

    /// Reads the next batch. `None` at the end.
    async fn next(&mut self) -> Result<Option<Vec<StoredRun>>> {
        if self.is_read {
            return Ok(None);
        }
        let query = match self.after {
            Some(after) => self.query.clone().after(after)?,
            None => self.query.clone(),
        };
        let page = self.state.runtime.find_runs(&query).await?;
        (self.after, self.is_read) = (page.next, page.next.is_none());
        Ok(Some(page.runs))
    }
}

pub(super) async fn page(
    State(state): State<ConsoleState>,
    Extension(viewer): Extension<SignedIn>,
    query: PageQuery,
) -> Result<Page, Refusal> {
    // What should be gone comes first, then what ends next.
    let list = held(&viewer, &query).in_order(RunOrder::SoonestEndFirst);
    let rows = RunRows::read(&state, &list, &query).await?;
    let filter = query.query_with(&FILTERS).finish();
    // One comes back to the same page of the list.
    let back = match query.query_with(&["of", "who", "target", "flow", "after", "from"]).finish().as_str() {
        "" => "/console/access".to_owned(),
        place => format!("/console/access?{place}"),
    };
    let file = match filter.as_str() {
        "" => "/console/access.csv".to_owned(),
        filter => format!("/console/access.csv?{filter}"),
    };
    let is_mine = query.text("of") == Some("mine");
    let is_filtered = ["who", "target", "flow"].iter().any(|field| query.text(field).is_some());
    let flows = state.flow_choices(&viewer.user, &rows.runs, query.text("flow"));
    let main = html! {
        (done_flash(&query))
        div.row.apart {
            h1 { "Access now" }
            div.row { span.live hidden { "live" } @if !rows.is_empty() { a.button href=(file) { "CSV" } } }
        }
        form.filters method="get" action="/console/access" aria-label="Filter" {
            @if is_mine { input type="hidden" name="of" value="mine"; }
            div.field { label for="who" { "Person" } input #who name="who" value=[query.text("who")] autocomplete="off" data-search=""; }
            div.field { label for="target" { "Target" } input #target name="target" value=[query.text("target")] autocomplete="off"; }
            div.field { label for="flow" { "Flow" } select #flow name="flow" {
                option value="" { "All flows" }
                @for (name, label) in &flows { option value=(name) selected[query.text("flow") == Some(name)] { (label) } }
            } }
            button.button { "Filter" }
        }
        section.card aria-label="Access" {
            nav.tabs aria-label="Whose" {
                a href="/console/access" aria-current=[(!is_mine).then_some("page")] { "All that I may see" }
                a href="/console/access?of=mine" aria-current=[is_mine.then_some("page")] { "Mine" }
            }
            @if rows.is_empty() && is_filtered { (empty("No access passes the filter.", "Change it, or show all.")) p.body { a.button href="/console/access" { "Show all" } } }
            @else if rows.is_empty() && is_mine { (empty("You hold no access.", "Access that you request appears here once it is approved.")) }
            @else if rows.is_empty() { (empty("Nobody holds access.", "Access that was given appears here until it has ended. You see your own, and what you may decide or look at.")) }
            @else { (table(&state, &viewer, &rows.runs, &back)) }
        }
        (rows.links("/console/access", &query))
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
    let mut access = RunBatches::new(&state, held(&viewer, &query));
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
