//! Interactions with a form before it is submitted: searching menus, and changes of fields that have an `on_change` handler.
//!
//! The runtime calls an `on_change` handler once for each value of its field, before the form is submitted at the latest.

use std::sync::Arc;

use serde_json::json;
use sym_sdk::error::{ErrorKind, Result};

use super::dispatcher::Dispatcher;
use super::form_inputs::entered;
use super::form_open::show_changed;
use super::form_place::OpenForm;
use super::form_rebuild::find_or_rebuild_own;
use super::log_error;
use super::payload::{Action, BlockActions, BlockSuggestion, View, parse_block_id};
use super::response::{Response, ResponseWithFollowUp, user_message};

/// Responds with the options that match the typed text, from the options with which the form was opened.
pub(super) async fn suggest(dispatcher: &Dispatcher, suggestion: BlockSuggestion) -> Response {
    let BlockSuggestion { user, view, block_id, value, .. } = suggestion;
    let Some(view) = view.map(Arc::new) else { return no_options() };
    search(dispatcher, &view, &user.id, &block_id, &value).await.unwrap_or_else(|error| {
        // A refusal is expected: the form is no longer open.
        if !error.is_refusal() || error.kind() == ErrorKind::Handler {
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
            let index = dispatcher.app().option_indexes().get_or_build(open.run(), &snapshot, field)?;
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
    let form = open.lock().await;
    let runtime = dispatcher.runtime();
    let flow = runtime.flow(form.flow().slug())?;
    let changed = runtime.change_open_form(&form, field, &entered(&form.snapshot(), view)).await?;
    let error = changed.error.as_ref().map(user_message);
    match show_changed(dispatcher.app(), &form, &flow, changed.snapshot, error.as_deref()).await {
        // The user has closed the view.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        shown => shown,
    }
}
