//! The page on which a person lets a command line in.
//!
//! The code is typed, and never part of an address: a link would let a command line in that somebody else has started, with one click. What
//! the page knows of the command line is shown before it is answered, and the note says when not to.

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};

use super::authentication::SignedIn;
use super::form::FormData;
use super::page::Page;
use super::parts::{Role, ago, flash, name_of};
use super::refusal::Refusal;
use super::state::ConsoleState;
use crate::directory::{SignInCode, WaitingCommandLine};
use crate::error::{Error, ErrorKind, codes};
use crate::model::UserRole;

const ADDRESS: &str = "/console/command-line";

pub(super) async fn page(Extension(_): Extension<SignedIn>) -> Page {
    enter_code(html! {})
}

/// Finds the command line that shows a code, lets it in, or refuses it.
pub(super) async fn answer(
    State(state): State<ConsoleState>,
    Extension(viewer): Extension<SignedIn>,
    form: FormData,
) -> Result<Response, Refusal> {
    if state.codes.check(&viewer.user.id().to_string()).is_err() {
        let message = "you have entered too many codes; wait a minute";
        return Err(Error::new(ErrorKind::RateLimited, codes::TOO_MANY_CALLS, message).into());
    }
    let Ok(code) = form.raw("code").unwrap_or_default().parse::<SignInCode>() else {
        return Ok(enter_code(wrong_code()).into_response());
    };
    let runtime = &state.runtime;
    let answered = match form.text("action") {
        Some("find") => {
            let waiting = runtime.waiting_command_line(&code).await?;
            return Ok(match waiting {
                Some(waiting) => ask(&state, &viewer, &code, &waiting),
                None => enter_code(wrong_code()),
            }
            .into_response());
        }
        Some("allow") => runtime.allow_command_line(&code, &viewer.user, viewer.session).await?,
        Some("refuse") => runtime.refuse_command_line(&code, &viewer.user).await?,
        _ => return Err(Refusal::invalid("The form names nothing to do.")),
    };
    if answered.is_none() {
        return Ok(enter_code(wrong_code()).into_response());
    }
    let is_allowed = form.text("action") == Some("allow");
    Ok(answered_page(is_allowed).into_response())
}

fn wrong_code() -> Markup {
    flash(
        Role::Denied,
        "No command line waits with this code. Codes are good once, for ten minutes. Start `sign-in` again if it has ended.",
    )
}

fn enter_code(message: Markup) -> Page {
    let main = html! {
        (message)
        section.card.narrow {
            header { h1 { "Sign in on a command line" } }
            form.body method="post" action=(ADDRESS) {
                p { "Enter the code that the command " code { "sign-in" } " shows on your own screen." }
                div.field {
                    label for="code" { "Code" }
                    input #code.mono name="code" required autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="20" placeholder="BCDF-GHJK" autofocus;
                }
                p.why { "Has somebody sent you a code, or asked you for one? Do not enter it: they would act as you." }
                div.row { button.button name="action" value="find" { "Continue" } }
            }
        }
    };
    Page::new("Sign in on a command line", main)
}

fn ask(state: &ConsoleState, viewer: &SignedIn, code: &SignInCode, waiting: &WaitingCommandLine) -> Page {
    let is_admin = viewer.user.role() == UserRole::Admin;
    let main = html! {
        section.card.narrow {
            header { h1 { "Let this command line in?" } }
            form.body method="post" action=(ADDRESS) {
                dl.facts {
                    dt { "Code" } dd.mono { (code) }
                    dt { "Calls from" } dd.mono { (waiting.address.as_deref().unwrap_or("an unknown address")) }
                    @if let Some(machine) = &waiting.machine { dt { "Says that it is" } dd { (machine) " " span.why { "which nobody has verified" } } }
                    dt { "Started" } dd { (ago(waiting.began_at, state.now())) }
                }
                p { "It will act as " b { (name_of(&viewer.user)) } " (" (viewer.user.username()) ")" @if is_admin { ", " b { "an administrator" } } ", and do all that you may, for twelve hours or until you sign out." }
                p.why { "Let it in only if you have started it yourself, just now, and this is the code on your screen. If somebody has sent you here, or told you the code, it is theirs." }
                input type="hidden" name="code" value=(code);
                div.row {
                    button.button.primary name="action" value="allow" { "Let it in" }
                    button.button.danger name="action" value="refuse" { "It is not mine" }
                }
            }
        }
    };
    Page::new("Let this command line in?", main)
}

fn answered_page(is_allowed: bool) -> Page {
    let (title, text) = if is_allowed {
        (
            "You are signed in",
            "Go back to the command line; it goes on within a few seconds. Keep this browser signed in until then.",
        )
    } else {
        (
            "It was refused",
            "The command line gets nothing, and this is on record. If somebody has asked you to let it in, tell your administrators.",
        )
    };
    let main = html! {
        section.card.narrow { div.body {
            h1 { (title) }
            p { (text) }
            p.row { a.button href="/console" { "Home" } }
        } }
    };
    Page::new(title, main)
}
