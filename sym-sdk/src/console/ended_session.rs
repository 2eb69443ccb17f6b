//! The page for a form that was sent after the end of its session: nothing was done, and nothing that was typed is lost.
//!
//! It has the form's fields, and a button that sends them again, to be pressed once one has signed in on another page. What was sent once has an
//! effect once: the fields have the key that the form had.

use axum::http::StatusCode;
use maud::html;

use super::form::FormData;
use super::page::Page;
use super::parts::{Role, flash};
use super::sign_in::is_own_page;

/// Returns the page for a form that was sent to this address of ours.
pub(super) fn page(address: &str, form: &FormData) -> Page {
    let main = html! {
        (flash(Role::Waiting, "Your session had ended, so nothing was done. What you typed is still there."))
        section.card.narrow {
            div.body {
                h1 { "Sign in, and send it again" }
                @if is_own_page(address) {
                    p { "Sign in on another page. Then come back to this one, and send what you typed." }
                    form method="post" action=(address) {
                        @for (name, value) in form.pairs() { input type="hidden" name=(name) value=(value); }
                        div.row {
                            a.button.primary href="/console/sign-in" target="_blank" { "Sign in on another page" }
                            button.button { "Send it again" }
                        }
                    }
                } @else {
                    p.row { a.button.primary href="/console/sign-in" { "Sign in" } }
                }
            }
        }
    };
    Page::new("Your session had ended", main).status(StatusCode::UNAUTHORIZED).without_counts()
}
