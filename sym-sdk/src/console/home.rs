//! The home page: what one has, what one waits for, and what waits for one.

use axum::Extension;
use axum::extract::State;
use axum::response::IntoResponse;
use jiff::Timestamp;
use maud::{Markup, html};

use super::authentication::SignedIn;
use super::decide::{ActionButton, action_button, done_flash};
use super::form::PageQuery;
use super::page::{Page, Section};
use super::parts::{ago, avatar, countdown, empty, name_of, quote, tag, time};
use super::refusal::Refusal;
use super::run_summary::RunSummary;
use super::state::{ConsoleState, MAX_COUNT};
use crate::engine::{Relation, RunFilter, RunOrder, RunPage, RunQuery, StoredRun, Viewer};
use crate::model::ChannelType;

/// The largest number of one's own Runs in each list.
const MAX_OWN: usize = 50;

/// The number of requests of the past that are shown.
const RECENT: usize = 5;

/// The number of waiting requests that are shown here; the inbox has all.
const MAX_WAITING: usize = 3;

/// The number of waiting requests among which are those that the viewer can decide now.
const MAX_WAITING_READ: usize = 20;

pub(super) async fn page(
    State(state): State<ConsoleState>,
    Extension(viewer): Extension<SignedIn>,
    query: PageQuery,
) -> Result<impl IntoResponse, Refusal> {
    let now = state.now();
    let mine = |filter| {
        RunQuery::new(filter, Some(Viewer::new(viewer.user.clone()).related(Relation::Mine))).with_limit(MAX_OWN)
    };
    let held = mine(RunFilter::default()).in_order(RunOrder::SoonestEndFirst);
    let RunPage { runs: held, next: more_held, .. } = state.runtime.find_runs(&held).await?;
    let open = mine(RunFilter { open: true, ..RunFilter::default() });
    let RunPage { runs: open, next: more_open, .. } = state.runtime.find_runs(&open).await?;
    let latest = state.runtime.find_runs(&mine(RunFilter::default())).await?.runs;
    let is_past = |run: &&StoredRun| run.state.is_finished();
    let recent: Vec<_> = latest.iter().filter(is_past).take(RECENT).collect();
    let inbox = state.count_inbox(&viewer.user).await?;
    let first_waiting = ConsoleState::inbox(&viewer.user, RunFilter::default()).with_limit(MAX_WAITING_READ);
    let mut waiting = state.waiting(&viewer.user, state.runtime.find_runs(&first_waiting).await?.runs);
    waiting.retain(|waiting| waiting.why_not.is_none());
    let first = viewer.user.first_name().filter(|name| !name.is_empty());
    let main = html! {
        (done_flash(&query))
        h1 { @match first { Some(name) => { "Hello, " (name) } None => { "Your access" } } }
        div.columns {
            div.stack {
                section.card aria-labelledby="mine" {
                    header { h2 #mine { "My access" } " " @if !held.is_empty() { span.why { "Ends by itself. Give it back when you are done." } } }
                    @if held.is_empty() { (empty("You hold no access.", "Access that you request appears here once it is approved.")) }
                    @else { ul.list { @for run in &held { li { (held_row(&state, &viewer, run, now)) } } } }
                    @if more_held.is_some() { p.body.why { "What ends first is shown. " a href="/console/access?of=mine" { "All my access" } } }
                }
                section.card aria-labelledby="open" {
                    header { h2 #open { "My open requests" } }
                    @if open.is_empty() { (empty("Nothing of yours waits for a decision.", "A request stays here until somebody decides, or it expires.")) }
                    @else { ul.list { @for run in &open { li { (open_row(&state, run, now)) } } } }
                    @if more_open.is_some() { p.body.why { "The latest are shown. " a href="/console/requests" { "All my requests" } } }
                }
            }
            div.stack {
                // Of more than were looked at, those that the viewer can decide may be behind.
                @if !waiting.is_empty() || inbox > MAX_WAITING_READ {
                    section.card.is-waiting aria-labelledby="decide" {
                        header { h2 #decide { "For you to decide" } " " a href="/console/inbox" { "Inbox, " @if inbox > MAX_COUNT { (MAX_COUNT) "+" } @else { (inbox) } } }
                        ul.list {
                            @for waiting in waiting.iter().take(MAX_WAITING) {
                                @let run = RunSummary::new(&state, &waiting.stored.state);
                                li { div.stack.tight {
                                    p.who {
                                        @if let Some(user) = run.requester() { (avatar(user)) span { b { (name_of(user)) } br; span.small { a href=(run.address()) { (run.title()) } @if let Some(length) = run.length() { " · " (length) } " · " (ago(run.requested_at(), now)) } } }
                                    }
                                    @if let Some(reason) = run.reason() { (quote(reason)) }
                                    p.row { a.button href=(run.address()) { "Look and decide" } }
                                } }
                            }
                        }
                    }
                }
                section.card aria-labelledby="latest" {
                    header { h2 #latest { "Latest requests" } " " a href="/console/requests" { "All my requests" } }
                    @if recent.is_empty() { (empty("No requests of the past.", "What you have requested stays in this list.")) }
                    @else { ul.list { @for stored in recent { li { (recent_row(&state, stored, now)) } } } }
                }
            }
        }
    };
    Ok(Page::new("Home", main).section(Section::Home).with_to_decide(inbox).live("all"))
}

fn held_row(state: &ConsoleState, viewer: &SignedIn, stored: &StoredRun, now: Timestamp) -> Markup {
    let run = RunSummary::new(state, &stored.state);
    let abilities = state.runtime.abilities_on(stored, &viewer.user, ChannelType::Web);
    let (role, standing) = run.standing(now);
    html! {
        div {
            h3 { a href=(run.address()) { (run.title()) } }
            p.why { (run.flow) @if let Some(reason) = run.reason() { " · “" (crate::delivery::reveal_hidden(reason)) "”" } }
        }
        @match run.until() {
            Some(until) if now < until && role == super::parts::Role::Active => { (countdown(run.since(), until, now)) }
            _ => { (tag(role, &standing)) }
        }
        div.row {
            @if abilities.extend.is_ok() { a.button.quiet href={ (run.address()) "#extend" } { "Extend" span.sr { " " (run.title()) } } }
            @if abilities.revoke.is_ok() { (action_button(stored, &ActionButton { action: "revoke", label: "Give back", object: &run.title(), is_danger: false, back: "/console" })) }
        }
    }
}

fn open_row(state: &ConsoleState, stored: &StoredRun, now: Timestamp) -> Markup {
    let run = RunSummary::new(state, &stored.state);
    let (role, standing) = run.standing(now);
    html! {
        div {
            h3 { a href=(run.address()) { (run.title()) } @if let Some(length) = run.length() { " · " (length) } }
            p.why { "Asked " (time(run.requested_at(), now)) ", " (ago(run.requested_at(), now)) }
        }
        (tag(role, &standing))
        @if stored.state.is_open() { (action_button(stored, &ActionButton { action: "deny", label: "Withdraw", object: &run.title(), is_danger: false, back: "/console" })) }
    }
}

fn recent_row(state: &ConsoleState, stored: &StoredRun, now: Timestamp) -> Markup {
    let run = RunSummary::new(state, &stored.state);
    let (role, standing) = run.standing(now);
    html! {
        div {
            a href=(run.address()) { (run.title()) }
            p.why { @if let Some(length) = run.length() { (length) ", " } (time(stored.state.updated_at, now)) @if let Some(outcome) = run.outcome() { " · " (outcome) } }
        }
        (tag(role, &standing))
    }
}
