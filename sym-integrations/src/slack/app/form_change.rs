//! Interactions with a form before it is submitted: searching menus, and changes of fields that have an `on_change` handler.
//!
//! An `on_change` handler is called once for each value of its field. The values that it has seen are tracked with the form, so
//! that submitting can call the handlers that failed, are still running or ran in another process.

use std::sync::Arc;

use serde_json::json;
use sym_sdk::error::{Error, ErrorKind, Result};
use sym_sdk::forms::{FieldSpec, PromptForm};
use sym_sdk::model::{Flow, User};

use super::dispatcher::Dispatcher;
use super::form_inputs::fill;
use super::form_open::show_changed;
use super::form_rebuild::find_or_rebuild_own;
use super::log_error;
use super::open_forms::{FormSnapshot, OpenForm, SeenValues};
use super::payload::{Action, BlockActions, BlockSuggestion, View, parse_block_id};
use super::response::{Response, ResponseWithFollowUp, is_refusal, user_message};

/// Responds with the options that match the typed text, from the options with which the form was opened.
pub(super) async fn suggest(dispatcher: &Dispatcher, suggestion: BlockSuggestion) -> Response {
    let BlockSuggestion { user, view, block_id, value, .. } = suggestion;
    let Some(view) = view.map(Arc::new) else { return no_options() };
    search(dispatcher, &view, &user.id, &block_id, &value).await.unwrap_or_else(|error| {
        // A refusal is expected: the form is no longer open.
        if !is_refusal(&error) || error.kind() == ErrorKind::Handler {
            log_error("searching the options of a field", &error);
        }
        no_options()
    })
}

async fn search(
    dispatcher: &Dispatcher,
    view: &Arc<View>,
    account: &str,
    block_id: &str,
    typed: &str,
) -> Result<Response> {
    let open = find_or_rebuild_own(dispatcher, view, account).await?;
    let snapshot = open.snapshot();
    match parse_block_id(block_id).and_then(|(name, _)| snapshot.form.field(name).ok()) {
        Some(field) => {
            let index = dispatcher.app().option_indexes().get_or_build(open.run, &snapshot, field)?;
            Ok(Response::SerializedJson(index.search(typed)?))
        }
        None => Ok(no_options()),
    }
}

fn no_options() -> Response {
    Response::Json(json!({ "options": [] }))
}

/// Acknowledges the change of a field, and then runs its handler and updates the view.
pub(super) fn on_field_changed(
    dispatcher: Dispatcher,
    dispatched: &BlockActions,
    view: View,
    action: &Action,
) -> ResponseWithFollowUp {
    let Some((field, _)) = parse_block_id(&action.block_id) else { return Response::Ack.into() };
    let (field, account, view) = (field.to_owned(), dispatched.user.id.clone(), Arc::new(view));
    ResponseWithFollowUp::ack_then(async move {
        let changed = async {
            let open = find_or_rebuild_own(&dispatcher, &view, &account).await?;
            change(&dispatcher, &open, &view, &field).await
        };
        if let Err(error) = changed.await {
            log_error("changing a form", &error);
        }
    })
}

async fn change(dispatcher: &Dispatcher, open: &OpenForm, view: &View, field: &str) -> Result<()> {
    let _guard = open.changes.lock().await;
    let before = open.snapshot();
    let runtime = dispatcher.runtime();
    let flow = runtime.flow(runtime.prompt(open.run).await?.flow().slug())?;
    let filled = fill(before.form.clone(), &before, view);
    open.set_snapshot(FormSnapshot { form: filled.clone(), ..FormSnapshot::clone(&before) });
    let mut seen = before.seen.clone();
    let app = dispatcher.app();
    let shown = match runtime.change_form(flow.name().as_str(), &open.user, field, filled.clone()).await {
        Ok(changed) => {
            mark_seen(&mut seen, field, &filled, &changed);
            show_changed(app, open, &flow, changed, seen, None).await
        }
        Err(error) => show_changed(app, open, &flow, filled, seen, Some(&user_message(&error))).await,
    };
    match shown {
        // The user has closed the view.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        shown => shown,
    }
}

/// Returns the form as it is submitted: the values in the view, after all `on_change` handlers have seen them.
///
/// # Errors
/// The first field whose handler fails, and its error.
pub(super) async fn apply_pending_changes(
    dispatcher: &Dispatcher,
    open: &OpenForm,
    flow: &Flow,
    view: &View,
) -> std::result::Result<PromptForm, (String, Error)> {
    let snapshot = open.snapshot();
    let (form, seen) = (fill(snapshot.form.clone(), &snapshot, view), snapshot.seen.clone());
    let (form, _, failed) = run_pending_handlers(dispatcher, &open.user, flow, form, seen).await;
    match failed.into_iter().next() {
        Some(failed) => Err(failed),
        None => Ok(form),
    }
}

/// Calls the `on_change` handlers that have not seen the current value of their field. Returns the form, the values seen, and
/// the errors by field.
pub(super) async fn run_pending_handlers(
    dispatcher: &Dispatcher,
    user: &Arc<User>,
    flow: &Flow,
    mut form: PromptForm,
    mut seen: SeenValues,
) -> (PromptForm, SeenValues, Vec<(String, Error)>) {
    let mut failed = Vec::new();
    for name in flow.fields().iter().filter(|spec| spec.has_on_change()).map(FieldSpec::name) {
        let is_seen = form.field(name).map_or(true, |field| seen.get(name) == Some(&field.value));
        if is_seen {
            continue;
        }
        match dispatcher.runtime().change_form(flow.name().as_str(), user, name, form.clone()).await {
            Ok(changed) => {
                mark_seen(&mut seen, name, &form, &changed);
                form = changed;
            }
            Err(error) => failed.push((name.to_owned(), error)),
        }
    }
    (form, seen, failed)
}

/// Marks the value of a field as seen by its handler. Values that the handler itself set in other fields count as seen too.
fn mark_seen(seen: &mut SeenValues, field: &str, before: &PromptForm, after: &PromptForm) {
    for now in after.fields() {
        let is_changed = before.field(now.name()).map_or(true, |before| before.value != now.value);
        if now.name() == field || is_changed {
            seen.insert(now.name().to_owned(), now.value.clone());
        }
    }
}
