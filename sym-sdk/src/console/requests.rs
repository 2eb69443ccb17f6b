//! The requests of the past and of now: one's own, or all that one may see.

use axum::Extension;
use axum::extract::State;
use maud::html;

use super::authentication::SignedIn;
use super::form::PageQuery;
use super::page::Page;
use super::parts::{ago, empty, tag, time, who};
use super::refusal::Refusal;
use super::run_summary::RunSummary;
use super::state::ConsoleState;
use crate::engine::{Relation, RunCursor, RunFilter, RunQuery, Viewer};

/// The number of requests on a page.
const PAGE_SIZE: usize = 50;

pub(super) async fn page(
    State(state): State<ConsoleState>,
    Extension(viewer): Extension<SignedIn>,
    query: PageQuery,
) -> Result<Page, Refusal> {
    let now = state.now();
    let of_all = query.text("of") == Some("all");
    let relation = if of_all { Relation::Visible } else { Relation::Mine };
    let filter = RunFilter {
        flow: query.text("flow").map(str::to_owned),
        target: query.text("target").map(str::to_owned),
        ..RunFilter::default()
    };
    let asked = Viewer::new(viewer.user.clone()).related(relation);
    let mut runs = RunQuery::new(filter, Some(asked)).with_limit(PAGE_SIZE);
    if let Some(after) = query.text("after") {
        runs = runs.after(after.parse::<RunCursor>()?)?;
    }
    let page = state.runtime.find_runs(&runs).await?;
    let next =
        page.next.map(|cursor| query.query_without(&["after"]).append_pair("after", &cursor.to_string()).finish());
    let main = html! {
        h1 { "Requests" }
        section.card aria-label="Requests" {
            nav.tabs aria-label="Whose" {
                a href="/console/requests" aria-current=[(!of_all).then_some("page")] { "Mine" }
                a href="/console/requests?of=all" aria-current=[of_all.then_some("page")] { "All that I may see" }
            }
            @if page.runs.is_empty() { (empty("No requests.", "What is requested appears here, the latest first.")) }
            @else { div.table { table role="table" aria-label="Requests, the latest first" {
                thead role="rowgroup" { tr role="row" { @for title in ["Access", "For", "Requester", "Asked", "State"] { th role="columnheader" scope="col" { (title) } } } }
                tbody role="rowgroup" { @for stored in &page.runs {
                    @let run = RunSummary::new(&state, &stored.state);
                    @let (role, standing) = run.standing(now);
                    tr role="row" {
                        th role="rowheader" scope="row" { a href=(run.address()) { (run.title()) } br; span.why { (run.flow) } }
                        td.nowrap role="cell" data-label="For" { (run.length().unwrap_or_else(|| "–".to_owned())) }
                        td role="cell" data-label="Requester" { @if let Some(user) = run.requester() { (who(user)) } }
                        td role="cell" data-label="Asked" { (time(run.requested_at(), now)) br; span.why { (ago(run.requested_at(), now)) } }
                        td role="cell" data-label="State" { (tag(role, &standing)) }
                    }
                } }
            } } }
        }
        @if next.is_some() || query.text("after").is_some() {
            nav.row.apart aria-label="Pages" {
                span { @if query.text("after").is_some() { a.button href={ "/console/requests?" (query.query_without(&["after"]).finish()) } { "Latest" } } }
                @if let Some(next) = next { a.button href={ "/console/requests?" (next) } { "Older" } }
            }
        }
    };
    Ok(Page::new("Requests", main))
}
