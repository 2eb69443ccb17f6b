//! The actions on a Run: each is a form, whose receiver submits it and shows the page again.

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use uuid::Uuid;

use super::authentication::{SignedIn, SignedInAdmin};
use super::form::{FormData, Segment};
use super::page::Page;
use super::parts::{Role, flash, quote, who};
use super::refusal::Refusal;
use super::request;
use super::run_summary::RunSummary;
use super::sign_in::{return_address, see_other};
use super::state::ConsoleState;
use crate::engine::{InputKey, StoredRun};
use crate::error::{Error, ErrorKind, codes};
use crate::forms::parse_duration;
use crate::machine::RequestDigest;
use crate::model::{EventId, RunId};
use crate::runtime::Submission;

/// The messages for the page that follows a decision, by the name that its query gives.
const DONE: &[(&str, &str)] = &[
    ("approve", "Approved. The requester is told."),
    ("deny", "Denied. The requester is told."),
    ("withdraw", "Withdrawn. Nobody has to decide it any more."),
    ("revoke", "The access is being taken away."),
    ("give-back", "Given back. The access is being taken away."),
    ("extend", "More time is asked for. You keep the access meanwhile."),
    ("remind", "Those who can decide are reminded."),
    ("write-off", "Written off. Make sure that the access is gone."),
    ("request", "Requested. This page follows what becomes of it."),
    ("revoke-all", "All their access is being taken away."),
    ("saved", "Saved."),
];

/// Returns the message about what was done, if the query tells.
pub(super) fn done_flash(query: &FormData) -> Markup {
    let done = query.text("done").and_then(|done| DONE.iter().find(|(name, _)| *name == done));
    html! { @if let Some((_, text)) = done { (flash(Role::Ok, text)) } }
}

/// A button, which does something with a Run at once.
pub(super) struct ActionButton<'a> {
    pub(super) action: &'a str,
    pub(super) label: &'a str,
    /// The thing that the button is about, for those who hear the button alone.
    pub(super) object: &'a str,
    pub(super) is_danger: bool,
    /// The page that follows.
    pub(super) back: &'a str,
}

/// Returns the form of a button.
pub(super) fn action_button(stored: &StoredRun, button: &ActionButton<'_>) -> Markup {
    let run = stored.state.run.id();
    html! {
        form method="post" action={ "/r/" (run) } {
            (fixed_fields(stored))
            input type="hidden" name="back" value=(button.back);
            button.button.danger[button.is_danger] name="action" value=(button.action) { (button.label) span.sr { " " (button.object) } }
        }
    }
}

/// The hidden fields of each form about a Run: what was seen, and the key under which sending it twice has one effect.
pub(super) fn fixed_fields(stored: &StoredRun) -> Markup {
    let seen = RequestDigest::of(&stored.state).map(|digest| digest.to_string());
    let extension = stored.state.open_extension().map(|extension| extension.id.to_string());
    html! {
        input type="hidden" name="key" value=(Uuid::new_v4());
        @if let Some(seen) = seen { input type="hidden" name="seen" value=(seen); }
        @if let Some(extension) = extension { input type="hidden" name="extension" value=(extension); }
    }
}

/// Does with a Run what a form asks for.
pub(super) async fn act(
    State(state): State<ConsoleState>,
    Extension(viewer): Extension<SignedIn>,
    Segment(run): Segment<String>,
    form: FormData,
) -> Result<Response, Refusal> {
    let run: RunId = run.parse().map_err(|_| Refusal::not_found())?;
    let stored = state.runtime.run_for(run, &viewer.user).await?;
    let action = form.text("action").unwrap_or_default().to_owned();
    match submit(&state, &viewer, &stored, &action, &form).await {
        Ok(done) => {
            let back = form.text("back").map(return_address).map_or_else(|| format!("/r/{run}"), str::to_owned);
            Ok(see_other(&with_done(&back, done)))
        }
        // The page shows the request as it is now, with what was typed.
        Err(error) => {
            let changed = *error.code() == codes::REQUEST_CHANGED;
            let message = if changed {
                "The request has changed since you looked, so nothing was done. Look at it again.".to_owned()
            } else {
                error.user_message()
            };
            let status = crate::server::problem::status_of(&error);
            let stored = state.runtime.run_for(run, &viewer.user).await?;
            let page = request::show(&state, &viewer, &stored, flash(Role::Failed, &message), &form).await?;
            Ok(page.status(status).into_response())
        }
    }
}

/// Submits an action, and returns the name under which the next page says that it is done.
async fn submit(
    state: &ConsoleState,
    viewer: &SignedIn,
    stored: &StoredRun,
    action: &str,
    form: &FormData,
) -> Result<&'static str, Error> {
    let run = stored.state.run.id();
    let is_own = stored.state.run.requester().is_some_and(|requester| requester.is_same(&viewer.user));
    let actor = viewer.user.clone();
    let message = form.raw("message").filter(|message| !message.trim().is_empty());
    let duration = || form.text("duration").map(parse_duration).transpose();
    let (submission, done): (Submission, _) = match action {
        "approve" | "deny" => {
            let mut decision = match action {
                "approve" => Submission::approve(run, actor),
                _ => Submission::deny(run, actor),
            };
            if let Some(message) = message {
                decision = decision.message(message);
            }
            match form.text("seen") {
                Some(seen) => decision = decision.seen(seen.parse::<RequestDigest>()?),
                // Each form has it. Without it, nobody knows what was decided: the request may have changed meanwhile.
                None if RequestDigest::of(&stored.state).is_some() => return Err(unseen()),
                None => {}
            }
            if let Some(extension) = form.text("extension") {
                let id = extension.parse::<EventId>();
                decision = decision.of_extension(id.map_err(|_| not_understood("extension"))?);
            }
            if action == "approve"
                && let Some(shorter) = duration()?
            {
                decision = decision.for_duration(shorter);
            }
            let done = match action {
                "approve" => "approve",
                _ if is_own => "withdraw",
                _ => "deny",
            };
            (decision.channel(SignedIn::channel()).into(), done)
        }
        "revoke" => {
            let done = if is_own { "give-back" } else { "revoke" };
            (Submission::revoke(run, actor).channel(SignedIn::channel()).into(), done)
        }
        "extend" => {
            let duration = duration()?.ok_or_else(|| not_understood("duration"))?;
            let mut extension = Submission::extend(run, actor, duration);
            if let Some(reason) = message {
                extension = extension.reason(reason);
            }
            (extension.channel(SignedIn::channel()).into(), "extend")
        }
        "remind" => (Submission::remind(run, actor).channel(SignedIn::channel()).into(), "remind"),
        "write-off" => {
            let reason = message.unwrap_or_default();
            (Submission::write_off(run, actor, reason).channel(SignedIn::channel()).into(), "write-off")
        }
        _ => return Err(not_understood("action")),
    };
    let submission = match form.text("key").and_then(|key| key.parse::<Uuid>().ok()) {
        Some(key) => submission.key(key_of(viewer, run, action, key)),
        None => submission,
    };
    state.runtime.submit(submission).await?;
    Ok(done)
}

/// Returns the key of an input that comes from a form: sent twice, it is one input.
pub(super) fn key_of(viewer: &SignedIn, run: RunId, action: &str, key: Uuid) -> InputKey {
    InputKey::new(format!("{}:{}:{run}:{action}:{key}", super::NAME, viewer.user.id()))
}

/// Returns the error of a decision whose form does not say what was decided.
pub(super) fn unseen() -> Error {
    let message = "the form does not say which request you saw, so nothing was done";
    Error::new(ErrorKind::InvalidInput, codes::INVALID_FIELD_VALUE, message).with_hint("look at the request again")
}

/// Returns the address of a page that says what was done.
fn with_done(address: &str, done: &str) -> String {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let mut kept = form_urlencoded::Serializer::new(String::new());
    kept.extend_pairs(form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "done"));
    format!("{path}?{}", kept.append_pair("done", done).finish())
}

fn not_understood(field: &str) -> Error {
    let message = format!("the form lacks a valid `{field}`");
    Error::new(ErrorKind::InvalidInput, codes::INVALID_FIELD_VALUE, message)
}

/// The page that asks for the reason of a write-off.
pub(super) async fn write_off_page(
    State(state): State<ConsoleState>,
    SignedInAdmin(viewer): SignedInAdmin,
    Segment(run): Segment<String>,
) -> Result<Page, Refusal> {
    let run: RunId = run.parse().map_err(|_| Refusal::not_found())?;
    let stored = state.runtime.run_for(run, &viewer.user).await?;
    let summary = RunSummary::new(&state, &stored.state);
    let main = html! {
        section.card.narrow aria-labelledby="write-off" {
            header { h1 #write-off { "Write off " (summary.title()) } }
            form.body method="post" action=(summary.address()) {
                (fixed_fields(&stored))
                @if let Some(user) = summary.requester() { p { (who(user)) } }
                @if let Some(reason) = summary.reason() { (quote(reason)) }
                p { "Nobody tries to take this access away any more. Do so only once it is gone by other means." }
                div.field {
                    label for="message" { "How the access was taken away" }
                    textarea #message name="message" required {}
                }
                div.row { button.button.danger name="action" value="write-off" { "Write off" } a.button.quiet href=(summary.address()) { "Cancel" } }
            }
        }
    };
    Ok(Page::new("Write off", main))
}

#[cfg(test)]
mod tests {
    use super::with_done;

    #[test]
    fn the_filter_of_a_page_stays() {
        assert_eq!(with_done("/console", "revoke"), "/console?done=revoke");
        let filtered = "/console/access?who=ana+%26+co&flow=prod&done=deny";
        assert_eq!(with_done(filtered, "revoke"), "/console/access?who=ana+%26+co&flow=prod&done=revoke");
    }
}
