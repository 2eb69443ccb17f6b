//! Signing in and out, and what a browser keeps of how somebody likes the pages.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::html;

use super::SignIn;
use super::authentication::{SignedIn, cookie_names, signed_in};
use super::form::{FormData, PageQuery};
use super::page::{Page, THEME_COOKIE, TIMES_COOKIE};
use super::parts::{avatar, name_of};
use super::refusal::Refusal;
use super::state::ConsoleState;
use crate::directory::SessionKind;
use crate::model::{UserId, UserRole, UserType};
use crate::server::sign_in::cookies::CookieNames;

/// The largest number of users that one can choose from.
const MAX_CHOICE: usize = 50;

/// The time for which preferences are kept, in seconds.
const PREFERENCES_AGE: u64 = 365 * 24 * 60 * 60;

/// Returns the address to come back to: a page of this server, and nothing else.
pub(super) fn return_address(asked: &str) -> &str {
    if is_own_page(asked) { asked } else { "/console" }
}

/// Returns whether an address is one of a page of this server, and not of those by which one signs in and out.
pub(super) fn is_own_page(address: &str) -> bool {
    // Browsers read a backslash as a slash, and two of them as the beginning of another host.
    let is_path =
        (address.starts_with("/console") || address.starts_with("/r/")) && !address.contains(['\\', '\r', '\n']);
    is_path && !address.starts_with("/console/sign-")
}

pub(super) async fn page(State(state): State<ConsoleState>, query: PageQuery) -> Result<Response, Refusal> {
    let return_to = return_address(query.text("return").unwrap_or_default()).to_owned();
    if state.sign_in == SignIn::Provider {
        let main = html! {
            section.card.narrow { div.body {
                h1 { "Nobody can sign in" }
                p { "This console has no way to sign in yet. Until an administrator sets one up, use Slack or the command line." }
            } }
        };
        return Ok(Page::new("Sign in", main).into_response());
    }
    let users = state.runtime.directory().users().await?;
    let mut people: Vec<_> =
        users.iter().filter(|user| user.user_type() == UserType::Normal && !user.is_locked()).collect();
    people.sort_by(|one, other| one.username().cmp(other.username()));
    let main = html! {
        section.card.narrow {
            header { h1 { "Who are you?" } }
            @if return_to != "/console" { p.body.why { "You go on to " code { (return_to) } "." } }
            form method="post" action="/console/sign-in" {
                input type="hidden" name="return" value=(return_to);
                ul.list {
                    @for user in people.iter().take(MAX_CHOICE) {
                        li {
                            span.who { (avatar(user)) span { b { (name_of(user)) } br; span.why { (user.username()) @if user.role() == UserRole::Admin { " · administrator" } } } }
                            button.button name="user" value=(user.id()) { "Continue" span.sr { " as " (name_of(user)) } }
                        }
                    }
                }
            }
            @if people.is_empty() { div.empty { p { b { "There is nobody yet." } br; span.muted { "Add users with the command `users add`." } } } }
            @if people.len() > MAX_CHOICE { p.body.why { "Only the first " (MAX_CHOICE) " users are shown." } }
        }
    };
    Ok(Page::new("Sign in", main).into_response())
}

/// Signs a user in who was chosen.
pub(super) async fn choose(
    State(state): State<ConsoleState>,
    headers: HeaderMap,
    form: FormData,
) -> Result<Response, Refusal> {
    if state.sign_in != SignIn::Chooser {
        return Err(Refusal::not_found());
    }
    let id: UserId = form.parsed("user")?;
    let user = state.runtime.directory().user(id).await?;
    let user = user.filter(|user| user.user_type() == UserType::Normal && !user.is_locked());
    let Some(user) = user else { return Err(Refusal::invalid("This user cannot sign in.")) };
    // A session that somebody else has begun in this browser is not continued.
    if let Some(old) = signed_in(&state, None, &headers).await? {
        state.runtime.end_session(old.session).await?;
    }
    let Some(names) = cookie_names(&state) else {
        return Err(Refusal::invalid("Nobody can sign in over HTTP, but on this machine alone."));
    };
    let (_, secret) = state.runtime.begin_session(&user.id(), SessionKind::Browser).await?;
    let mut response = see_other(return_address(form.text("return").unwrap_or_default()));
    names.set_session(&mut response, &secret);
    Ok(response)
}

pub(super) async fn sign_out(
    State(state): State<ConsoleState>,
    Extension(viewer): Extension<SignedIn>,
) -> Result<Response, Refusal> {
    state.runtime.end_session(viewer.session).await?;
    let mut response = see_other("/console/sign-in");
    if let Some(names) = cookie_names(&state) {
        names.clear_session(&mut response);
    }
    Ok(response)
}

/// Keeps the theme and the times in cookies.
pub(super) async fn set_preferences(
    State(state): State<ConsoleState>,
    Extension(_): Extension<SignedIn>,
    headers: HeaderMap,
    form: FormData,
) -> Response {
    let mut response = see_other(referring_page(&headers));
    for (cookie, field, values) in [(THEME_COOKIE, "theme", ["light", "dark"]), (TIMES_COOKIE, "times", ["utc", "utc"])]
    {
        match form.text(field).filter(|value| values.contains(value)) {
            Some(value) => set_cookie(&state, &mut response, cookie, value, PREFERENCES_AGE),
            None => set_cookie(&state, &mut response, cookie, "", 0),
        }
    }
    response
}

/// Returns the page on which a form was sent.
pub(super) fn referring_page(headers: &HeaderMap) -> &str {
    let page = headers.get(header::REFERER).and_then(|referer| referer.to_str().ok()).unwrap_or_default();
    let path = page.split_once("://").and_then(|(_, rest)| rest.find('/').and_then(|at| rest.get(at..)));
    return_address(path.unwrap_or_default())
}

/// Sends the browser to a page, which it reads anew.
pub(super) fn see_other(address: &str) -> Response {
    Redirect::to(address).into_response()
}

fn set_cookie(state: &ConsoleState, response: &mut Response, name: &str, value: &str, age: u64) {
    let mut cookie = format!("{name}={value}; Path=/; SameSite=Lax; HttpOnly; Max-Age={age}");
    if cookie_names(state) == Some(CookieNames::Https) {
        cookie.push_str("; Secure");
    }
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

#[cfg(test)]
mod tests {
    use super::return_address;

    #[test]
    fn one_comes_back_to_pages_of_this_server_alone() {
        for address in ["/console", "/console/inbox?flow=prod", "/r/0199c1a2"] {
            assert_eq!(return_address(address), address);
        }
        for address in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/r/\\..",
            "/api/v1/me",
            "/console/sign-out",
        ] {
            assert_eq!(return_address(address), "/console", "{address}");
        }
    }
}
