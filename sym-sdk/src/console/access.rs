//! The access that people have now, as far as the viewer may see it.

use axum::Extension;
use axum::extract::{RawQuery, State};
use jiff::Timestamp;
use maud::{Markup, html};

use super::authentication::SignedIn;
use super::decide::{ActionButton, action_button, done_flash};
use super::form::FormData;
use super::page::{Page, Section};
use super::parts::{Role, countdown, empty, tag, time, who};
use super::refusal::Refusal;
use super::run_summary::RunSummary;
use super::state::ConsoleState;
use crate::engine::{Relation, RunFilter, StoredRun};
use crate::model::ChannelType;

/// The largest number of grants on the page.
const MAX_ACCESS: usize = 500;

pub(super) async fn page(
    State(state): State<ConsoleState>,
    Extension(viewer): Extension<SignedIn>,
    RawQuery(query): RawQuery,
) -> Result<Page, Refusal> {
    let query = FormData::parse(query.as_deref().unwrap_or_default());
    let now = state.now();
    let filter = RunFilter {
        may_hold_access: true,
        flow: query.text("flow").map(str::to_owned),
        target: query.text("target").map(str::to_owned),
        ..RunFilter::default()
    };
    let mut held = state.find(&viewer.user, Relation::Visible, filter, MAX_ACCESS).await?;
    let is_partial = held.len() >= MAX_ACCESS;
    if let Some(asked) = query.text("who").map(str::to_lowercase) {
        held.retain(|stored| {
            let names = stored.state.run.requester().map(|user| format!("{} {}", user.full_name(), user.username()));
            names.is_some_and(|names| names.to_lowercase().contains(&asked))
        });
    }
    // What should be gone comes first, then what ends next.
    held.sort_by_key(|stored| {
        let until = stored.state.access.grant().and_then(|grant| grant.until).unwrap_or(Timestamp::MAX);
        (!stored.state.is_stuck(), until, stored.state.run.id())
    });
    let is_filtered = ["who", "flow", "target"].iter().any(|name| query.text(name).is_some());
    let flows = state.runtime.flows();
    let main = html! {
        (done_flash(&query))
        div.row.apart { h1 { "Access now" } span.live hidden { "live" } }
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
            @else { (table(&state, &viewer, &held, now)) }
        }
        @if is_partial { p.muted.small { "Only the latest " (MAX_ACCESS) " are shown. Filter to see others." } }
    };
    Ok(Page::new("Access now", main).section(Section::Access).live("all"))
}

fn table(state: &ConsoleState, viewer: &SignedIn, held: &[StoredRun], now: Timestamp) -> Markup {
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
                    td role="cell" data-label="Since" { (time(stored.state.decision.as_ref().map_or(run.requested_at(), |decision| decision.at), now)) }
                    td role="cell" data-label="Ends" {
                        @match run.until() {
                            Some(until) if role == Role::Active => { (countdown(run.since(), until, now)) }
                            None if role == Role::Active => { (tag(Role::Waiting, "no end")) }
                            _ => { (tag(role, &standing)) }
                        }
                    }
                    td.act role="cell" { @if abilities.revoke.is_ok() { div.row {
                        @if is_own { (action_button(stored, &ActionButton { action: "revoke", label: "Give back", object: &run.title(), is_danger: false, back: "/console/access" })) }
                        @else { (action_button(stored, &ActionButton { action: "revoke", label: "Revoke", object: &run.title(), is_danger: true, back: "/console/access" })) }
                    } } }
                }
            } }
        } }
    }
}
