//! People and bots, for administrators: who there is, what they may, and locking them out.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::authentication::{SignedIn, SignedInAdmin};
use super::bots;
use super::decide::done_flash;
use super::form::{FormData, PageQuery, Segment};
use super::page::{Page, Section};
use super::parts::{Role, ago, empty, linked_who, name_of, tag, time};
use super::refusal::Refusal;
use super::run_summary::RunSummary;
use super::sign_in::see_other;
use super::state::{ConsoleState, MAX_COUNT};
use crate::directory::{Session, SessionKind};
use crate::engine::{RunFilter, RunQuery};
use crate::error::codes;
use crate::model::{User, UserId, UserRole, UserType};
use crate::runtime::Submission;

/// The largest number of users on the page.
const MAX_USERS: usize = 100;

/// The largest number of Runs of a user that are shown.
const MAX_RUNS: usize = 20;

pub(super) async fn page(
    State(state): State<ConsoleState>,
    _: SignedInAdmin,
    query: PageQuery,
) -> Result<Page, Refusal> {
    let users = state.runtime.directory().users().await?;
    let asked = query.text("q").map(str::to_lowercase);
    let matches = |user: &User| {
        let names = format!("{} {}", user.full_name(), user.username()).to_lowercase();
        user.user_type() != UserType::System && asked.as_ref().is_none_or(|asked| names.contains(asked))
    };
    let mut found: Vec<_> = users.iter().filter(|user| matches(user)).collect();
    found.sort_by(|one, other| one.username().cmp(other.username()));
    let main = html! {
        (done_flash(&query))
        h1 { "People and bots" }
        form.filters method="get" action="/console/people" aria-label="Filter" {
            div.field { label for="q" { "Name or address" } input #q name="q" type="search" value=[query.text("q")] data-search=""; }
            button.button { "Search" }
        }
        section.card aria-label="Users" {
            @if found.is_empty() { (empty("Nobody is found.", "Add users with the command `users add`, or let them write to the app in Slack.")) }
            @else { div.table { table role="table" aria-label="Users" {
                thead role="rowgroup" { tr role="row" { @for title in ["Who", "Address", "Role", "Accounts", "State"] { th role="columnheader" scope="col" { (title) } } } }
                tbody role="rowgroup" { @for user in found.iter().take(MAX_USERS) { tr role="row" {
                    th role="rowheader" scope="row" { (linked_who(user, &format!("/console/people/{}", user.id()))) }
                    td role="cell" data-label="Address" { (user.username()) }
                    td role="cell" data-label="Role" { (role_name(user)) }
                    td role="cell" data-label="Accounts" { @for (at, identity) in user.identities().iter().enumerate() { @if at > 0 { ", " } (identity.service()) } @if user.identities().is_empty() { "–" } }
                    td role="cell" data-label="State" { @if user.is_locked() { (tag(Role::Failed, "locked")) } @else { (tag(Role::Ok, "good")) } }
                } } }
            } } }
        }
        (bots::new_bot_card())
        @if found.len() > MAX_USERS { p.muted.small { "The first " (MAX_USERS) " of " (found.len()) ". Search to see others." } }
    };
    Ok(Page::new("People and bots", main).section(Section::People))
}

fn role_name(user: &User) -> &'static str {
    match user.role() {
        UserRole::Admin => "administrator",
        UserRole::Member => "member",
        _ => "guest",
    }
}

/// The page of a user.
pub(super) async fn user(
    State(state): State<ConsoleState>,
    SignedInAdmin(viewer): SignedInAdmin,
    Segment(user): Segment<String>,
    query: PageQuery,
) -> Result<Page, Refusal> {
    let user = find(&state, &user).await?;
    show(&state, &viewer, &user, done_flash(&query)).await
}

/// Returns the page of a user, with a message on top.
pub(super) async fn show(
    state: &ConsoleState,
    viewer: &SignedIn,
    user: &User,
    message: Markup,
) -> Result<Page, Refusal> {
    let now = state.now();
    let filter = RunFilter { requester: Some(user.id()), ..RunFilter::default() };
    let runs = state.find(&viewer.user, crate::engine::Relation::Visible, filter, MAX_RUNS).await?;
    let is_self = user.is_same(&viewer.user);
    let bot_cards = bots::cards(state, user).await?;
    let sessions = state.runtime.sessions_of(&user.id()).await?;
    let held = state.runtime.count_runs(&RunQuery::new(held_by(user), None).with_limit(MAX_COUNT + 1)).await?;
    let main = html! {
        (message)
        div.row { h1 { (name_of(user)) } @if user.is_locked() { (tag(Role::Failed, "locked")) } }
        div.columns {
            div.stack {
                (bot_cards)
                section.card aria-labelledby="runs" {
                    header { h2 #runs { "Requests" } }
                    @if runs.is_empty() { (empty("No requests.", "What they request appears here.")) }
                    ul.list { @for stored in &runs {
                        @let run = RunSummary::new(state, &stored.state);
                        @let (role, standing) = run.standing(now);
                        li { div { a href=(run.address()) { (run.title()) } p.why { (run.flow) } } (tag(role, &standing)) }
                    } }
                }
            }
            aside.stack {
                section.card aria-labelledby="facts" {
                    header { h2 #facts { "Account" } }
                    div.body {
                        dl.facts {
                            dt { "Address" } dd { (user.username()) }
                            dt { "Role" } dd { (role_name(user)) }
                            @if let Some(owner) = user.owner() { dt { "Owner" } dd { (owner.username()) } }
                            @for identity in user.identities() { dt { (identity.service()) } dd.mono { (identity.user_id()) } }
                        }
                        @if user.user_type() == UserType::Normal { p.row.small { a href={ "/console/access?who=" (user.username()) } { "Their access" } a href={ "/console/audit?who=" (user.username()) } { "What they did" } } }
                    }
                }
                @if user.user_type() == UserType::Normal { (sessions_card(state, user, &sessions)) }
                @if held > 0 { (access_card(user, held)) }
                section.card aria-labelledby="lock" {
                    header { h2 #lock { @if user.is_locked() { "Let them in again" } @else { "Lock out" } } }
                    form.body method="post" action={ "/console/people/" (user.id()) } {
                        @if user.is_locked() { p.why { "Access that has ended does not come back." } }
                        @else { p.why { "Everything they send is refused, their open requests are denied, and all their access is taken away." } }
                        @if is_self { p.why { b { "This is you." } } }
                        div.field { label for="reason" { "Reason" } input #reason name="reason" required; }
                        div.row { @if user.is_locked() { button.button name="action" value="unlock" { "Unlock" } } @else { button.button.danger name="action" value="lock" { "Lock out" } } }
                    }
                }
            }
        }
    };
    Ok(Page::new(name_of(user), main).section(Section::People))
}

fn access_card(user: &User, held: usize) -> Markup {
    html! {
        section.card aria-labelledby="access" {
            header { h2 #access { "Access now" } }
            form.body method="post" action={ "/console/people/" (user.id()) } {
                p { a href={ "/console/access?who=" (user.username()) } { @if held > MAX_COUNT { (MAX_COUNT) "+" } @else { (held) } @if held == 1 { " grant" } @else { " grants" } } }
                p.why { "They stay who they are, and can ask again." }
                div.row { button.button.danger name="action" value="revoke-all" { "End all access" } }
            }
        }
    }
}

fn sessions_card(state: &ConsoleState, user: &User, sessions: &[Session]) -> Markup {
    let now = state.now();
    let place = |session: &Session| match session.kind {
        SessionKind::Browser => "Browser",
        SessionKind::CommandLine => "Command line",
    };
    html! {
        section.card aria-labelledby="sessions" {
            header { h2 #sessions { "Signed in" } }
            @if sessions.is_empty() { (empty("Nowhere.", "Browsers and command lines in which they have signed in appear here.")) }
            @else {
                ul.list { @for session in sessions { li {
                    div { h3 { (place(session)) } p.why { "Since " (time(session.created_at, now)) ", used " (ago(session.last_used_at, now)) ", until " (time(session.expires_at(), now)) } }
                } } }
                form.body method="post" action={ "/console/people/" (user.id()) } {
                    div.row { button.button.danger name="action" value="sign-out" { "Sign out everywhere" } }
                }
            }
        }
    }
}

/// Returns the filter for the Runs that may give a user access.
fn held_by(user: &User) -> RunFilter {
    RunFilter { requester: Some(user.id()), may_hold_access: true, ..RunFilter::default() }
}

/// Ends all access of a user, who stays who they are.
async fn end_all_access(state: &ConsoleState, viewer: &SignedIn, user: &User) -> Result<Response, Refusal> {
    let mut failure = None;
    for stored in state.runtime.runs(held_by(user), usize::MAX).await? {
        let revocation = Submission::revoke(stored.state.run.id(), viewer.user.clone()).channel(SignedIn::channel());
        match state.runtime.submit(revocation).await {
            Ok(_) => {}
            // It is being taken away already.
            Err(error) if *error.code() == codes::DEESCALATE_INVALID_RUN => {}
            // One Run keeps the access of no other from ending.
            Err(error) => {
                failure.get_or_insert(error);
            }
        }
    }
    if let Some(error) = failure {
        return Err(error.into());
    }
    Ok(see_other(&format!("/console/people/{}?done=revoke-all", user.id())))
}

/// Locks a user, unlocks them, or ends their sessions or their access.
pub(super) async fn change(
    State(state): State<ConsoleState>,
    SignedInAdmin(viewer): SignedInAdmin,
    Segment(user): Segment<String>,
    form: FormData,
) -> Result<Response, Refusal> {
    let user = find(&state, &user).await?;
    if form.text("action") == Some("sign-out") {
        state.runtime.end_sessions_of(&user.id(), viewer.administrator()).await?;
        return Ok(see_other(&format!("/console/people/{}?done=saved", user.id())));
    }
    if form.text("action") == Some("revoke-all") {
        return end_all_access(&state, &viewer, &user).await;
    }
    let Some(reason) = form.text("reason") else {
        return Err(Refusal::invalid("Enter a reason: it stands in the record."));
    };
    match form.text("action") {
        Some("lock") => drop(state.runtime.lock_user(user.id(), viewer.administrator(), reason).await?),
        Some("unlock") => drop(state.runtime.unlock_user(user.id(), viewer.administrator(), reason).await?),
        _ => return Err(Refusal::invalid("The form names nothing to do.")),
    }
    Ok(see_other(&format!("/console/people/{}?done=saved", user.id())))
}

pub(super) async fn find(state: &ConsoleState, user: &str) -> Result<std::sync::Arc<User>, Refusal> {
    let id: UserId = user.parse().map_err(|_| Refusal::not_found())?;
    state.runtime.directory().user(id).await?.ok_or_else(Refusal::not_found)
}
