//! Requests of flows that have a hook of the prompt, which decides before the form is shown whether somebody may make one.
//!
//! The form of such a flow begins a Run, as in Slack: the button that asks for it is a form of its own, since looking at a page changes
//! nothing. The page of the form waits until the hook has returned, and shows what it said.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use uuid::Uuid;

use super::authentication::SignedIn;
use super::decide::key_of;
use super::form::{FormData, PageQuery, Segment};
use super::new_request::{FormState, Place, send_form, visible};
use super::page::Page;
use super::parts::sentence;
use super::refusal::Refusal;
use super::sign_in::see_other;
use super::state::ConsoleState;
use crate::audit::AuditKind;
use crate::engine::StoredRun;
use crate::model::{Flow, RunId, RunStatus};
use crate::runtime::Submission;

/// The fields of a form that say what to do with it, and are no values of the flow's fields.
const OWN_FIELDS: [&str; 4] = ["action", "key", "changed", "done"];

/// The seconds after which a browser without scripts looks again whether the hook has returned.
const LOOK_AGAIN: HeaderValue = HeaderValue::from_static("2");

/// Returns the address of the form that a Run has open.
pub(super) fn address(run: RunId) -> String {
    format!("/console/forms/{run}")
}

/// Returns the page from which one begins a request, with values that the form will have.
pub(super) fn beginning(flow: &Flow, values: &FormData, message: Markup) -> Page {
    let main = html! {
        (message)
        section.card.narrow aria-labelledby="begin" {
            header { h1 #begin { (flow.label()) } }
            form.body method="post" action={ "/console/new/" (flow.name()) } {
                p { "This flow looks first at whether you can make a request, and then shows its form." }
                input type="hidden" name="key" value=(Uuid::new_v4());
                @for (name, value) in values.pairs().filter(|(name, _)| !OWN_FIELDS.contains(name)) {
                    input type="hidden" name=(name) value=(value);
                }
                div.row { button.button.primary name="action" value="begin" { "Begin a request" } a.button.quiet href="/console/new" { "Cancel" } }
            }
        }
    };
    Page::new(format!("Request {}", flow.label()), main).request_form()
}

/// Begins a Run with the flow's form. What was sent from a form that began none, because the flow had no such hook yet, is kept for the form.
pub(super) async fn begin(
    state: &ConsoleState,
    viewer: &SignedIn,
    flow: &Arc<Flow>,
    form: &FormData,
) -> Result<Response, Refusal> {
    if form.text("action") != Some("begin") {
        return Ok(beginning(flow, form, html! {}).into_response());
    }
    let key: Uuid = form.parsed("key")?;
    let prompt = Submission::prompt(flow.name().as_str(), viewer.user.clone()).channel(SignedIn::channel());
    let begun = state.runtime.submit(prompt.key(key_of(viewer, RunId::from(key), "prompt", key))).await?;
    let values = form.query_without(&OWN_FIELDS).finish();
    let query = if values.is_empty() { String::new() } else { format!("?{values}") };
    Ok(see_other(&format!("{}{query}", address(begun.run))))
}

/// The form that a Run has open, or what has become of it.
pub(super) async fn page(
    State(state): State<ConsoleState>,
    Extension(viewer): Extension<SignedIn>,
    Segment(run): Segment<String>,
    query: PageQuery,
) -> Result<Response, Refusal> {
    let (stored, flow) = prompted(&state, &viewer, &run).await?;
    let run = stored.state.run.id();
    if stored.state.is_form_open() {
        let form = FormState::settle(&state, &viewer, Place::Run(flow, run), query.0, Vec::new()).await?;
        return Ok(form.page(&[], None, None).into_response());
    }
    let is_begun = stored.state.run.status() == RunStatus::Pending && stored.state.request.is_none();
    if is_begun && !stored.state.is_finished() {
        let page = Page::new(
            "One moment",
            outcome(&flow, "One moment", "The flow looks at whether you can make a request.", None),
        );
        let mut waiting = page.request_form().live(run.to_string()).into_response();
        waiting.headers_mut().insert(HeaderName::from_static("refresh"), LOOK_AGAIN);
        return Ok(waiting);
    }
    if is_begun {
        let said = refusal_of(&state, &viewer, run).await?;
        let text = said.as_deref().unwrap_or("The flow does not let you make a request.");
        return Ok(Page::new("Not open to you", outcome(&flow, "Not open to you", text, None)).into_response());
    }
    let text = "The flow has taken the request from here.";
    Ok(Page::new("Requested", outcome(&flow, "Requested", text, Some(run))).into_response())
}

/// Takes the form that a Run has open.
pub(super) async fn send(
    State(state): State<ConsoleState>,
    Extension(viewer): Extension<SignedIn>,
    Segment(run): Segment<String>,
    form: FormData,
) -> Result<Response, Refusal> {
    let (stored, flow) = prompted(&state, &viewer, &run).await?;
    send_form(&state, &viewer, Place::Run(flow, stored.state.run.id()), form).await
}

/// Returns the Run that somebody has begun with a form, and its flow. That of somebody else is not there.
async fn prompted(state: &ConsoleState, viewer: &SignedIn, run: &str) -> Result<(StoredRun, Arc<Flow>), Refusal> {
    let run: RunId = run.parse().map_err(|_| Refusal::not_found())?;
    let stored = state.runtime.run_for(run, &viewer.user).await?;
    let owner = stored.state.requester_id().or(stored.state.opener_id());
    if owner != Some(viewer.user.id()) {
        return Err(Refusal::not_found());
    }
    let flow = visible(state, viewer, stored.state.flow.slug()).await?;
    Ok((stored, flow))
}

/// Returns what the hook has said to whoever may not make a request.
async fn refusal_of(state: &ConsoleState, viewer: &SignedIn, run: RunId) -> Result<Option<String>, Refusal> {
    let record = state.runtime.audit_for(run, &viewer.user).await?;
    Ok(record.into_iter().rev().find_map(|entry| match entry.kind {
        AuditKind::Ignored { message } => message,
        _ => None,
    }))
}

fn outcome(flow: &Flow, title: &str, text: &str, run: Option<RunId>) -> Markup {
    html! {
        section.card.narrow aria-labelledby="outcome" {
            header { h1 #outcome { (title) } " " span.live hidden { "live" } }
            div.body {
                p { (sentence(text)) }
                p.why { (flow.label()) }
                @if let Some(run) = run { p.row { a.button.primary href={ "/r/" (run) } { "Open the request" } } }
                @else { p.row { a.button href="/console" { "Home" } } }
            }
        }
    }
}
