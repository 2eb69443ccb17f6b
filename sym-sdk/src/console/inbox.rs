//! The inbox: the requests that wait for the viewer's decision, decided one by one or several at once.

use axum::Extension;
use axum::extract::State;
use jiff::Timestamp;
use maud::{Markup, html};
use uuid::Uuid;

use super::authentication::SignedIn;
use super::decide::{done_flash, key_of, unseen};
use super::form::{FormData, PageQuery};
use super::page::{Page, Section};
use super::paging::RunRows;
use super::parts::{Role, between, empty, sentence, span, tag, who};
use super::refusal::Refusal;
use super::run_summary::RunSummary;
use super::state::{ConsoleState, Waiting};
use crate::delivery::reveal_hidden;
use crate::engine::RunFilter;
use crate::error::ErrorKind;
use crate::machine::RequestDigest;
use crate::model::RunId;
use crate::runtime::Submission;
use crate::time::TimestampExt as _;

/// The wait from which on a request stands out.
const LONG_WAIT: std::time::Duration = std::time::Duration::from_secs(3_600);

/// The largest number of requests that are decided at once.
const MAX_AT_ONCE: usize = 100;

pub(super) async fn page(
    State(state): State<ConsoleState>,
    Extension(viewer): Extension<SignedIn>,
    query: PageQuery,
) -> Result<Page, Refusal> {
    // The pages of a list have the same requests although time goes by.
    let as_of = query.text("as-of").and_then(|at| at.parse::<Timestamp>().ok()).unwrap_or_else(|| state.now());
    let waits_long = query.text("waits") == Some("long");
    let filter = RunFilter {
        flow: query.text("flow").map(str::to_owned),
        requester_name: query.text("who").map(str::to_owned),
        until: waits_long.then(|| as_of.minus(LONG_WAIT)),
        ..RunFilter::default()
    };
    let rows = RunRows::read(&state, &ConsoleState::inbox(&viewer.user, filter), &query).await?;
    let is_filtered = ["flow", "who"].iter().any(|field| query.text(field).is_some()) || waits_long;
    let flows = state.flow_choices(&viewer.user, &rows.runs, query.text("flow"));
    let total = rows.total();
    let found = match is_filtered {
        true => rows.total_of("request passes the filter", "requests pass the filter"),
        false => rows.total_of("open request", "open requests"),
    };
    let place = FormData::clone(&query).with("as-of", waits_long.then(|| as_of.to_string()));
    let links = rows.links("/console/inbox", &place);
    let waiting = state.waiting(&viewer.user, rows.runs);
    let main = html! {
        (done_flash(&query))
        div.row.apart { h1 { "For you to decide" } span.live hidden { "live" } }
        @if is_filtered || !waiting.is_empty() { (filters(&flows, &query)) }
        @if waiting.is_empty() && is_filtered {
            section.card { (empty("No request passes the filter.", "Change it, or show all.")) p.body { a.button href="/console/inbox" { "Show all" } } }
        } @else if waiting.is_empty() {
            section.card { (empty("Nothing waits for you.", "Requests that you may decide appear here by themselves.")) }
        } @else {
            (table(&state, &waiting))
            (links)
            p.muted.small { (found) ", longest wait first" }
        }
    };
    let page = Page::new("Inbox", main).section(Section::Inbox).live("all");
    Ok(if is_filtered { page } else { page.with_to_decide(total) })
}

fn filters(flows: &[(String, String)], query: &FormData) -> Markup {
    html! {
        form.filters method="get" action="/console/inbox" aria-label="Filter" {
            div.field { label for="flow" { "Flow" } select #flow name="flow" {
                option value="" { "All flows" }
                @for (name, label) in flows { option value=(name) selected[query.text("flow") == Some(name)] { (label) } }
            } }
            div.field { label for="who" { "Requester" } input #who name="who" value=[query.text("who")] autocomplete="off" data-search=""; }
            div.field { label for="waits" { "Waiting" } select #waits name="waits" {
                option value="" { "Any time" }
                option value="long" selected[query.text("waits") == Some("long")] { "More than 1 h" }
            } }
            button.button { "Filter" }
        }
    }
}

fn table(state: &ConsoleState, shown: &[Waiting]) -> Markup {
    let now = state.now();
    html! {
        form.card method="post" action="/console/inbox" data-bulk="" {
            header.pin {
                p { span.why data-hint="" { "Mark requests to decide several at once." } }
                div.row { button.button name="bulk" value="approve" { "Approve marked…" } button.button name="bulk" value="deny" { "Deny marked…" } }
            }
            div.table { table role="table" aria-label="Requests for you to decide" {
                thead role="rowgroup" { tr role="row" {
                    td role="cell" {}
                    @for title in ["Access", "For", "Requester", "Reason", "Waiting"] { th role="columnheader" scope="col" { (title) } }
                    th role="columnheader" scope="col" { span.sr { "Decision" } }
                } }
                tbody role="rowgroup" { @for waiting in shown {
                    @let run = RunSummary::new(state, &waiting.stored.state);
                    @let id = waiting.stored.state.run.id();
                    @let wait = between(run.requested_at(), now);
                    tr role="row" {
                        td role="cell" { @if waiting.why_not.is_none() { label { input.mark type="checkbox" name="run" value=(id); span.sr { "Mark " (run.title()) @if let Some(user) = run.requester() { " for " (user.username()) } } } } }
                        th role="rowheader" scope="row" { a href=(run.address()) { (run.title()) } br; span.why { (run.flow) } }
                        td.nowrap role="cell" data-label="For" { (run.length().unwrap_or_else(|| "–".to_owned())) }
                        td role="cell" data-label="Requester" { @if let Some(user) = run.requester() { (who(user)) } }
                        td.text role="cell" data-label="Reason" { (run.reason().map(reveal_hidden).unwrap_or_else(|| "–".to_owned())) }
                        td.nowrap role="cell" data-label="Waiting" { @if wait >= LONG_WAIT { (tag(Role::Waiting, &span(wait))) } @else { (span(wait)) } }
                        td.act role="cell" {
                            @match &waiting.why_not {
                                None => { a.button href=(run.address()) { "Decide" span.sr { " " (run.title()) } } }
                                Some(why) => { p.why { (sentence(why)) } }
                            }
                        }
                    }
                } }
            } }
        }
    }
}

/// Shows the marked requests once more, before they are decided.
pub(super) async fn review(
    State(state): State<ConsoleState>,
    Extension(viewer): Extension<SignedIn>,
    form: FormData,
) -> Result<Page, Refusal> {
    let (action, verb) = action_of(&form)?;
    let marked: Vec<RunId> = form.all("run").filter_map(|run| run.parse().ok()).take(MAX_AT_ONCE).collect();
    let mut found = Vec::new();
    for run in &marked {
        match state.runtime.run_for(*run, &viewer.user).await {
            Ok(stored) => found.push(stored),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    let waiting = state.waiting(&viewer.user, found);
    let open: Vec<_> = waiting.iter().filter(|waiting| waiting.why_not.is_none()).collect();
    let gone = marked.len().saturating_sub(open.len());
    let main = html! {
        h1 { (verb) " " (open.len()) @if open.len() == 1 { " request" } @else { " requests" } }
        @if gone > 0 { p.flash.is-waiting role="status" { (gone) " of those that you marked can no longer be decided by you, and are left out." } }
        @if open.is_empty() {
            section.card { (empty("Nothing is marked that you can decide.", "Mark requests in the inbox first.")) p.body { a.button href="/console/inbox" { "Back to the inbox" } } }
        } @else {
            form.card method="post" action="/console/inbox/decide" {
                ul.list { @for waiting in &open {
                    @let run = RunSummary::new(&state, &waiting.stored.state);
                    @let id = waiting.stored.state.run.id();
                    li {
                        div { h3 { a href=(run.address()) { (run.title()) } @if let Some(length) = run.length() { " · " (length) } } @if let Some(reason) = run.reason() { p.why { (reveal_hidden(reason)) } } }
                        @if let Some(user) = run.requester() { (who(user)) }
                        input type="hidden" name="run" value=(id);
                        input type="hidden" name={ "seen." (id) } value=(RequestDigest::of(&waiting.stored.state).map(|digest| digest.to_string()).unwrap_or_default());
                    }
                } }
                div.body {
                    input type="hidden" name="key" value=(Uuid::new_v4());
                    div.field { label for="message" { "Message " span.why { "to each requester" } } input #message name="message"; }
                    div.row { button.button.primary name="bulk" value=(action) { (verb) " " (open.len()) } a.button.quiet href="/console/inbox" { "Cancel" } }
                }
            }
        }
    };
    Ok(Page::new(format!("{verb} several"), main).section(Section::Inbox))
}

fn action_of(form: &FormData) -> Result<(&'static str, &'static str), Refusal> {
    match form.text("bulk") {
        Some("approve") => Ok(("approve", "Approve")),
        Some("deny") => Ok(("deny", "Deny")),
        _ => Err(Refusal::invalid("The form names no decision.")),
    }
}

/// Decides each of the requests, and reports what became of each.
pub(super) async fn decide(
    State(state): State<ConsoleState>,
    Extension(viewer): Extension<SignedIn>,
    form: FormData,
) -> Result<Page, Refusal> {
    let (action, verb) = action_of(&form)?;
    let key: Uuid = form.parsed("key")?;
    let mut results = Vec::new();
    for run in form.all("run").filter_map(|run| run.parse::<RunId>().ok()).take(MAX_AT_ONCE) {
        let Ok(stored) = state.runtime.run_for(run, &viewer.user).await else { continue };
        let actor = viewer.user.clone();
        let decision = if action == "approve" { Submission::approve(run, actor) } else { Submission::deny(run, actor) };
        let decision = decision.channel(SignedIn::channel()).key(key_of(&viewer, run, action, key));
        let decision = match form.text("message") {
            Some(message) => decision.message(message),
            None => decision,
        };
        let seen = form.text(&format!("seen.{run}")).and_then(|seen| seen.parse::<RequestDigest>().ok());
        // Without the digest it is not known what was decided.
        let result = match seen {
            Some(seen) => {
                state.runtime.submit(decision.seen(seen)).await.map(drop).map_err(|error| error.user_message())
            }
            None => Err(unseen().user_message()),
        };
        results.push((stored, result));
    }
    let failed = results.iter().filter(|(_, result)| result.is_err()).count();
    let done = if action == "approve" { "approved" } else { "denied" };
    let main = html! {
        h1 { (results.len() - failed) " of " (results.len()) " " (done) }
        section.card {
            ul.list { @for (stored, result) in &results {
                @let run = RunSummary::new(&state, &stored.state);
                li {
                    div { h3 { a href=(run.address()) { (run.title()) } } @if let Some(user) = run.requester() { (who(user)) } @if let Err(message) = result { p.error { (sentence(message)) } } }
                    @if result.is_ok() { (tag(Role::Ok, done)) } @else { (tag(Role::Failed, "not done")) }
                }
            } }
            p.body { a.button href="/console/inbox" { "Back to the inbox" } }
        }
    };
    Ok(Page::new(format!("{verb} several"), main).section(Section::Inbox))
}
