//! The page of a Run: what is asked for, what the viewer can do, who can decide and why, and the timeline so far.

use axum::Extension;
use axum::extract::State;
use maud::{Markup, html};

use super::authentication::SignedIn;
use super::decide::{done_flash, fixed_fields};
use super::form::{FormData, PageQuery, Segment};
use super::page::{Page, Section};
use super::parts::{ago, avatar, barred, countdown, name_of, quote, sentence, span, tag, time, who};
use super::refusal::Refusal;
use super::run_summary::RunSummary;
use super::state::ConsoleState;
use super::timeline::{Timeline, Track};
use crate::audit::AuditRecord;
use crate::delivery::reveal_hidden;
use crate::engine::{AuditOrder, AuditQuery, StoredRun};
use crate::forms::format_duration;
use crate::machine::Abilities;
use crate::model::{ChannelType, RunId, User};
use crate::runtime::Deciders;

/// The largest number of entries of the timeline.
const MAX_ENTRIES: usize = 250;

/// The largest number of people of a kind who are listed.
const MAX_PEOPLE: usize = 12;

pub(super) async fn page(
    State(state): State<ConsoleState>,
    Extension(viewer): Extension<SignedIn>,
    Segment(run): Segment<String>,
    query: PageQuery,
) -> Result<Page, Refusal> {
    let run: RunId = run.parse().map_err(|_| Refusal::not_found())?;
    let stored = state.runtime.run_for(run, &viewer.user).await?;
    let done = done_flash(&query);
    show(&state, &viewer, &stored, done, &query).await
}

/// Returns the page, with a message on top. `typed` has what was typed in a form that was refused, and the track of the timeline.
pub(super) async fn show(
    state: &ConsoleState,
    viewer: &SignedIn,
    stored: &StoredRun,
    message: Markup,
    typed: &FormData,
) -> Result<Page, Refusal> {
    let now = state.now();
    let run = RunSummary::new(state, &stored.state);
    let id = stored.state.run.id();
    let abilities = state.runtime.abilities_on(stored, &viewer.user, ChannelType::Web);
    let deciders = state.runtime.deciders_of(stored).await?;
    let mut query = AuditQuery { run: Some(id), limit: MAX_ENTRIES, ..AuditQuery::default() };
    // Of a Run that has more, the latest are shown.
    query.order = AuditOrder::NewestFirst;
    let mut records = state.runtime.find_audit(&query).await?.records;
    records.reverse();
    let names = deciders.users.iter().chain(&deciders.admins).chain(deciders.barred.iter().map(|barred| &barred.user));
    let names = names.map(|user| (user.id(), name_of(user))).collect();
    let timeline = Timeline::new(&records, &names, viewer.user.is_admin())?;
    let track = Track::ALL.into_iter().find(|track| typed.text("track") == Some(track.name()));
    let (role, standing) = run.standing(now);
    let length = run.length().map(|length| format!(" · {length}")).unwrap_or_default();
    let links = state.runtime.message_links(&stored.state).await;
    let main = html! {
        (message)
        div.stack.tight {
            div.row { (tag(role, &standing)) " " span.live.no-print hidden { "live" } }
            h1 { (run.title()) (length) }
            p.muted {
                @if let Some(user) = run.requester() { (name_of(user)) " asked " } @else { "Begun " }
                (time(run.requested_at(), now)) ", " (ago(run.requested_at(), now)) (place(stored)) " · " (run.flow) " · Run " span.mono { (id) }
            }
            @if let Some(owner) = run.requester().and_then(|user| user.owner()) { p.why { "An agent of " (owner.username()) ": its words are quoted, and may come from elsewhere." } }
        }
        div.columns {
            div.stack {
                @if stored.state.is_form_open() && stored.state.opener_id() == Some(viewer.user.id()) {
                    section.card.is-waiting aria-labelledby="form-title" {
                        header { h2 #form-title { "Your form" } }
                        div.body { p { "Nothing is asked of anybody before you send it." } p.row { a.button href=(super::prompt::address(id)) { "Go on with the form" } } }
                    }
                }
                (decision_card(state, viewer, stored, &run, &abilities, typed))
                (access_card(state, viewer, stored, &run, &abilities))
                (timeline_card(&timeline, track, &run, now))
            }
            aside.stack {
                (deciders_card(&deciders, stored, viewer))
                (facts_card(state, stored, &run, links.get("slack").map(String::as_str)))
                (record_card(&records, id, viewer))
            }
        }
    };
    let requester = run.requester().map(|user| format!(" for {}", name_of(user))).unwrap_or_default();
    let section = if abilities.approve.is_ok() { Section::Inbox } else { Section::None };
    Ok(Page::new(format!("{}{requester}", run.title()), main).section(section).live(id.to_string()))
}

fn place(stored: &StoredRun) -> &'static str {
    match stored.state.run.source_channel().kind() {
        ChannelType::Slack => " in Slack",
        ChannelType::Web => " in the console",
        ChannelType::Api => " through the API",
        ChannelType::Cli => " on the command line",
        ChannelType::Mcp => " as an agent",
        _ => "",
    }
}

/// The card with what the viewer can decide; for those who cannot, why not.
fn decision_card(
    state: &ConsoleState,
    viewer: &SignedIn,
    stored: &StoredRun,
    run: &RunSummary<'_>,
    abilities: &Abilities,
    typed: &FormData,
) -> Markup {
    let extension = stored.state.open_extension();
    if !stored.state.is_open() && extension.is_none() {
        return html! {};
    }
    let is_own = run.requester().is_some_and(|requester| requester.is_same(&viewer.user));
    let params = state.runtime.flow(stored.state.flow.slug()).ok();
    let needs_reason = params.as_ref().is_some_and(|flow| flow.params().require_denial_reason) && !is_own;
    let asked = extension.map_or(run.duration(), |extension| Some(extension.duration));
    let shorter: Vec<_> = params
        .as_ref()
        .map(|flow| flow.params().durations.clone())
        .unwrap_or_default()
        .into_iter()
        .filter(|offered| extension.is_none() && asked.is_some_and(|asked| *offered < asked))
        .collect();
    let reason = extension.map_or(run.reason(), |extension| extension.reason.as_deref());
    let title = if extension.is_some() {
        "More time is asked for"
    } else if is_own {
        "Your request"
    } else {
        "Your decision"
    };
    let can_decide = abilities.approve.is_ok();
    let deny_label = if is_own { "Withdraw" } else { "Deny" };
    html! {
        form.card.is-waiting #decide method="post" action=(run.address()) aria-labelledby="decide-title" {
            header {
                h2 #decide-title { (title) }
                @if can_decide { " " span.why { "You can decide it." } }
            }
            div.body {
                (fixed_fields(stored))
                @if let Some(user) = run.requester() { div.row { (avatar(user)) @match reason { Some(reason) => { (quote(reason)) } None => { span.muted { (name_of(user)) " gave no reason." } } } } }
                @if let (Some(extension), Some(until)) = (extension, run.until()) { p { (span(extension.duration)) " more than until " (time(until, state.now())) "." } }
                @if can_decide || abilities.deny.is_ok() {
                    div.pair {
                        @if !is_own || can_decide {
                            div.field {
                                label for="message" { "Message " span.why { "to the requester" @if needs_reason { ", needed to deny" } } }
                                textarea #message name="message" { (typed.raw("message").unwrap_or_default()) }
                            }
                        }
                        @if can_decide && !shorter.is_empty() {
                            div.field {
                                label for="duration" { "For" }
                                select #duration name="duration" aria-describedby="duration-hint" {
                                    option value="" { (asked.map(span).unwrap_or_default()) ", as asked" }
                                    @for offered in &shorter { option value=(format_duration(*offered)) selected[typed.text("duration") == Some(&format_duration(*offered))] { (span(*offered)) } }
                                }
                                span.why #duration-hint { "You may shorten it. It counts from the approval." }
                            }
                        }
                    }
                    div.row.pin {
                        @match &abilities.approve {
                            Ok(()) => { button.button.primary name="action" value="approve" { "Approve" } }
                            Err(error) if !is_own => { (barred("Approve", &error.message, "why-approve")) }
                            Err(_) => {}
                        }
                        @match &abilities.deny {
                            Ok(()) => { button.button name="action" value="deny" { (deny_label) } }
                            Err(error) => { (barred(deny_label, &error.message, "why-deny")) }
                        }
                        @if abilities.remind.is_ok() { button.button.quiet name="action" value="remind" { "Remind those who can decide" } }
                    }
                } @else if let Err(error) = &abilities.approve {
                    div.row { (barred("Approve", &error.message, "why-approve")) }
                }
            }
        }
    }
}

/// The card with the access: how long it lasts, and what can be done with it.
fn access_card(
    state: &ConsoleState,
    viewer: &SignedIn,
    stored: &StoredRun,
    run: &RunSummary<'_>,
    abilities: &Abilities,
) -> Markup {
    if !stored.state.may_hold_access() {
        return html! {};
    }
    let now = state.now();
    let is_own = run.requester().is_some_and(|requester| requester.is_same(&viewer.user));
    let (role, standing) = run.standing(now);
    let pending = stored.state.is_stuck();
    let durations =
        state.runtime.flow(stored.state.flow.slug()).map(|flow| flow.params().durations.clone()).unwrap_or_default();
    let (label, class) = match (is_own, pending) {
        (_, true) => ("Try now", ""),
        (true, false) => ("Give back", ""),
        (false, false) => ("Revoke", "danger"),
    };
    html! {
        section.card.(role.class()) aria-labelledby="access-title" {
            header { h2 #access-title { "Access" } " " (tag(role, &standing)) }
            div.body {
                @if let Some(until) = run.until() { @if now < until { (countdown(run.since(), until, now)) } @else { p { "It should have ended at " (time(until, now)) "." } } }
                @else { p { "It lasts until somebody ends it." } }
                @if let Some(grant) = stored.state.access.grant() { p.why { "Account " span.mono { (grant.identity) } @if grant.is_standing { ", which had it before and keeps it" } } }
                form method="post" action=(run.address()) {
                    (fixed_fields(stored))
                    div.row {
                        @match &abilities.revoke {
                            Ok(()) => { button.button.(class) name="action" value="revoke" { (label) } }
                            Err(error) => { (barred(label, &error.message, "why-revoke")) }
                        }
                        @if abilities.write_off.is_ok() { a.button.danger href={ (run.address()) "/write-off" } { "Write off…" } }
                    }
                }
                @if is_own && abilities.extend.is_ok() {
                    form.stack.tight #extend method="post" action=(run.address()) {
                        (fixed_fields(stored))
                        div.pair {
                            div.field { label for="extend-by" { "More time" }
                                @if durations.is_empty() { input #extend-by name="duration" placeholder="30m" required; }
                                @else { select #extend-by name="duration" { @for offered in &durations { option value=(format_duration(*offered)) { (span(*offered)) } } } }
                            }
                            div.field { label for="extend-reason" { "Reason" } input #extend-reason name="message"; }
                        }
                        div.row { button.button name="action" value="extend" { "Ask for more time" } }
                    }
                }
            }
        }
    }
}

fn timeline_card(timeline: &Timeline, track: Option<Track>, run: &RunSummary<'_>, now: jiff::Timestamp) -> Markup {
    html! {
        section.card aria-labelledby="timeline-title" {
            header { h2 #timeline-title { "Timeline" } }
            nav.tabs aria-label="Timeline" {
                a href=(run.address()) aria-current=[track.is_none().then_some("page")] { "All " (timeline.count(None)) }
                @for each in Track::ALL {
                    a href={ (run.address()) "?track=" (each.name()) } aria-current=[(track == Some(each)).then_some("page")] { (each.label()) " " (timeline.count(Some(each))) }
                }
            }
            @if timeline.count(track) == 0 { (super::parts::empty("Nothing on this track.", "The others tell what has happened.")) }
            @else { (timeline.render(track, now)) }
        }
    }
}

fn deciders_card(deciders: &Deciders, stored: &StoredRun, viewer: &SignedIn) -> Markup {
    if deciders.needed == 0 {
        return html! {};
    }
    let is_open = stored.state.is_open() || stored.state.open_extension().is_some();
    let person = |user: &User| html! { li { (who(user)) @if user.is_same(&viewer.user) { ", you" } } };
    let level = deciders.level.map(|level| match level {
        crate::routing::PermissionLevel::Admin => "Every administrator",
        crate::routing::PermissionLevel::Member => "Every member",
        _ => "Everybody",
    });
    html! {
        section.card aria-labelledby="deciders-title" {
            header { h2 #deciders-title { @if is_open { "Who can decide" } @else { "Who could decide" } } " " span.why { (deciders.needed) " needed" } }
            div.body {
                @if let Some(level) = level { p { (level) "." } }
                ul.stack.tight { @for user in deciders.users.iter().take(MAX_PEOPLE) { (person(user)) } }
                @if deciders.users.len() > MAX_PEOPLE { p.why { "and " (deciders.users.len() - MAX_PEOPLE) " more" } }
                @if !deciders.approved.is_empty() { p { b { "Approved: " } @for (at, user) in deciders.approved.iter().enumerate() { @if at > 0 { ", " } (name_of(user)) } } }
                p.why {
                    @if let Some(reducer) = &deciders.reducer { "Named by " code { (reducer.name()) } " " code.src { (reducer.file()) ":" (reducer.line()) } ". " }
                    @if !deciders.admins.is_empty() && deciders.level.is_none() { "Administrators can decide too." }
                }
                @for barred in deciders.barred.iter().take(MAX_PEOPLE) { p.why { b { "Not " (name_of(&barred.user)) ": " } (sentence(&barred.reason.message)) } }
                @if !deciders.unknown.is_empty() { p.why { (deciders.unknown.len()) " of those named are not in the directory any more." } }
            }
        }
    }
}

fn facts_card(state: &ConsoleState, stored: &StoredRun, run: &RunSummary<'_>, slack: Option<&str>) -> Markup {
    let request = stored.state.request.as_ref();
    let flow = state.runtime.flow(stored.state.flow.slug()).ok();
    let label = |name: &str| {
        flow.as_ref()
            .and_then(|flow| flow.field(name))
            .map_or_else(|| name.to_owned(), |field| field.label().to_owned())
    };
    let again = request.and_then(|request| request.target.as_ref()).map(|target| target.id().to_string());
    let again = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(again.iter().map(|target| ("target_id", target.as_str())))
        .extend_pairs(run.duration().map(|duration| ("duration", format_duration(duration))))
        .extend_pairs(run.reason().map(|reason| ("reason", reason)))
        .finish();
    let decision = stored.state.decision.as_deref();
    html! {
        section.card aria-labelledby="facts-title" {
            header { h2 #facts-title { "Request" } }
            div.body {
                dl.facts {
                    dt { "Flow" } dd { (run.flow) }
                    @if let Some(target) = request.and_then(|request| request.target.as_ref()) { dt { "Target" } dd { (target.title()) br; code.src { (target.name()) } } }
                    @if let Some(length) = run.length() { dt { "For" } dd { (length) } }
                    @if let Some(request) = request {
                        @for (name, value) in request.fields.iter() { dt { (label(name)) } dd { (reveal_hidden(&value.to_string())) } }
                    }
                    @if let Some(decision) = decision { dt { "Decided" } dd { (name_of(&decision.actor)) ", " (time(decision.at, state.now())) @if decision.decided_by_hook { " (by the flow)" } @if let Some(message) = &decision.decision_message { (quote(message)) } } }
                    @if let Some(parent) = stored.state.run.parent() { dt { "Follows" } dd { a href={ "/r/" (parent) } { "an earlier Run" } } }
                }
                p.row.small.no-print {
                    @if let Some(slack) = slack { a href=(slack) { "Open in Slack" } }
                    @if flow.is_some() { a href={ "/console/new/" (stored.state.flow.slug()) "?" (again) } { "Request again" } }
                }
            }
        }
    }
}

fn record_card(records: &[AuditRecord], run: RunId, viewer: &SignedIn) -> Markup {
    let (Some(first), Some(last)) = (records.first(), records.last()) else { return html! {} };
    html! {
        section.card aria-labelledby="record-title" {
            header { h2 #record-title { "Record" } }
            div.body {
                p { (records.len()) @if records.len() == 1 { " entry" } @else { " entries" } ", " (first.seq) "–" (last.seq) "." }
                p.mono.src { (last.seq) ":" (last.hash.to_string()) }
                @if viewer.user.is_admin() { p.row.no-print { a.button href={ "/console/audit?run=" (run) } { "Audit record" } } }
            }
        }
    }
}
