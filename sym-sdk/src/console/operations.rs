//! The state of the program, for administrators: what is stuck, what is late, where the record goes, and what differs.

use std::time::Duration;

use axum::extract::State;
use maud::{Markup, html};

use super::authentication::{SignedIn, SignedInAdmin};
use super::decide::{ActionButton, action_button, done_flash};
use super::form::{FormData, PageQuery};
use super::page::{Page, Section};
use super::parts::{Role, ago, empty, flash, name_of, sentence, tag, time};
use super::refusal::Refusal;
use super::run_summary::RunSummary;
use super::state::ConsoleState;
use crate::engine::{Relation, RunFilter, StoredRun};
use crate::machine::EffectKind;
use crate::runtime::{Reconcile, Reconciliation};
use crate::time::TimestampExt as _;

/// The time for which failures of handlers are shown.
pub(super) const FAILURES_WINDOW: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The largest number of Runs in the list of what is stuck.
const MAX_STUCK: usize = 50;

pub(super) async fn page(
    State(state): State<ConsoleState>,
    SignedInAdmin(viewer): SignedInAdmin,
    query: PageQuery,
) -> Result<Page, Refusal> {
    show(&state, &viewer, done_flash(&query), None).await
}

/// Compares what Runs grant with what targets list. Nothing is repaired.
pub(super) async fn reconcile(
    State(state): State<ConsoleState>,
    SignedInAdmin(viewer): SignedInAdmin,
    form: FormData,
) -> Result<Page, Refusal> {
    let mut what = Reconcile::new().by(viewer.user.clone());
    let is_repair = form.text("action") == Some("repair");
    if is_repair {
        what = what.regrant_missing().revoke_extra();
    }
    let found = state.runtime.reconcile(what).await?;
    let message = match (is_repair, found.is_clean()) {
        (true, _) => flash(Role::Ok, "The repairs were begun. Compare again in a while."),
        (false, true) => flash(Role::Ok, "Compared: everything is as recorded."),
        (false, false) => flash(Role::Waiting, "Compared: some access differs from the record."),
    };
    show(&state, &viewer, message, Some(&found)).await
}

async fn show(
    state: &ConsoleState,
    viewer: &SignedIn,
    message: Markup,
    found: Option<&Reconciliation>,
) -> Result<Page, Refusal> {
    let now = state.now();
    let runtime = &state.runtime;
    let health = runtime.health().await?;
    let backlog = match runtime.drive() {
        Some(drive) => Some(drive.measure_backlog().await?),
        None => None,
    };
    let filter = RunFilter { stuck: true, ..RunFilter::default() };
    let stuck = state.find(&viewer.user, Relation::Visible, filter, MAX_STUCK).await?;
    let progress = runtime.audit_progress().await?;
    let failures = runtime.handler_failures(now.minus(FAILURES_WINDOW)).await?;
    let held: u64 = health.holding.values().sum();
    let number = |label: &str, count: u64, role: Role| {
        html! { div.(if count > 0 { role.class() } else { "" }) { dt { (label) } dd { (count) } } }
    };
    let (due, late) = backlog.map_or((0, 0), |backlog| (backlog.due, backlog.late));
    let whole = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let main = html! {
        (message)
        div.row.apart { h1 { "Operations" } span.live hidden { "live" } }
        section.card aria-label="Now" {
            dl.stats {
                (number("revocations stuck", health.stuck, Role::Failed))
                (number("access late", health.late, Role::Failed))
                (number("without an end that is due", health.missing_expiry, Role::Failed))
                (number("work late", whole(late), Role::Waiting))
                div { dt { "work due" } dd { (due) } }
                div { dt { "access held" } dd { (held) } }
            }
        }
        @let unavailable = runtime.unavailable();
        @if !unavailable.is_empty() {
            section.card.is-failed aria-labelledby="parts" {
                header { h2 #parts { "Parts that could not be built" } }
                ul.list { @for part in &unavailable { li { div { b { (part.part.noun()) " " (part.name) } @for fault in &part.faults { p.why { (fault.to_string()) } } } } } }
            }
        }
        section.card.is-failed[!stuck.is_empty()] aria-labelledby="stuck" {
            header { h2 #stuck { "Access that is still there" } @if !stuck.is_empty() { " " span.why { "It should have ended. It is tried again by itself." } } }
            @if stuck.is_empty() { (empty("Nothing is stuck.", "Access that could not be taken away appears here, with the last error.")) }
            @else { ul.list { @for stored in &stuck { li { (stuck_row(state, stored)) } } } }
            @if health.stuck > whole(stuck.len()) { p.body.why { "The latest " (stuck.len()) " of " (health.stuck) " are shown. " a href="/console/access" { "All of them, the longest first" } } }
        }
        div.columns {
            div.stack {
                section.card aria-labelledby="destinations" {
                    header { h2 #destinations { "Destinations of the record" } }
                    @if progress.is_empty() { (empty("The record goes nowhere else.", "Add a log destination to the configuration, so that it survives this machine.")) }
                    ul.list { @for destination in &progress { li {
                        div { b { (destination.destination) } p.why { "has " (destination.delivered) " entries" } }
                        @if destination.behind == 0 { (tag(Role::Ok, "up to date")) } @else { (tag(Role::Waiting, &format!("{} behind", destination.behind))) }
                    } } }
                }
                section.card aria-labelledby="failures" {
                    header { h2 #failures { "Handlers that failed" } " " span.why { "in the last 7 days" } }
                    @if failures.is_empty() { (empty("No handler has failed.", "A handler that fails appears here, with its last error and the request.")) }
                    ul.list { @for failure in &failures { li {
                        div {
                            p { code { (failure.handler.name()) } " " code.src { (failure.handler.file()) ":" (failure.handler.line()) } }
                            p.why { (sentence(&failure.last_error.message)) }
                        }
                        div { p.small { (failure.count) @if failure.count == 1 { " time" } @else { " times" } ", last " (ago(failure.last_at, now)) } a.small href={ "/r/" (failure.last_run) } { "The request" } }
                    } } }
                }
            }
            aside.stack { (comparison(found)) }
        }
    };
    Ok(Page::new("Operations", main).section(Section::Operations).live("all"))
}

fn stuck_row(state: &ConsoleState, stored: &StoredRun) -> Markup {
    let run = RunSummary::new(state, &stored.state);
    let now = state.now();
    let (role, standing) = run.standing(now);
    let attempt = stored.state.pending.values().find(|pending| matches!(pending.kind, EffectKind::Revoke { .. }));
    html! {
        div {
            h3 { a href=(run.address()) { (run.title()) } }
            p.why { @if let Some(user) = run.requester() { (name_of(user)) } @if let Some(attempt) = attempt { " · attempt " (attempt.attempt) @if let Some(next) = attempt.not_before { ", next " (time(next, now)) } } }
        }
        (tag(role, &standing))
        div.row {
            (action_button(stored, &ActionButton { action: "revoke", label: "Try now", object: &run.title(), is_danger: false, back: "/console/operations" }))
            a.button.danger href={ (run.address()) "/write-off" } { "Write off…" span.sr { " " (run.title()) } }
        }
    }
}

fn comparison(found: Option<&Reconciliation>) -> Markup {
    html! {
        section.card aria-labelledby="compare" {
            header { h2 #compare { "Compare with services" } }
            form.body method="post" action="/console/operations/reconcile" {
                @match found {
                    None => { p { "Asks each target who has access, and shows what differs from the record." } }
                    Some(found) => {
                        p { (found.compared) " compared." }
                        @if !found.missing.is_empty() { h3 { "Missing" } ul.stack.tight { @for missing in &found.missing { li { b { (missing.target.title()) } " · " (missing.identity) br; a.small href={ "/r/" (missing.run) } { "The request that gives it" } } } } }
                        @if !found.extra.is_empty() { h3 { "Not by any request" } ul.stack.tight { @for extra in &found.extra { li { b { (extra.target.title()) } " · " (extra.identity) } } } }
                        @if !found.unknown.is_empty() { h3 { "Could not be read" } ul.stack.tight { @for unknown in &found.unknown { li { (unknown.target.title()) } } } }
                    }
                }
                div.row {
                    button.button name="action" value="compare" { "Compare now" }
                    @if let Some(found) = found { @if !found.missing.is_empty() || !found.extra.is_empty() { button.button.danger name="action" value="repair" { "Repair what differs" } } }
                }
            }
        }
    }
}
