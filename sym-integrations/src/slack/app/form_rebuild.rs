//! Rebuilding forms that are not in memory, after a restart or when another process showed them.
//!
//! A form is rebuilt from the Run and the view: the runtime fetches the options again, and `on_change` handlers are called for
//! the values that the view contains. Concurrent interactions wait for one rebuild.

use std::sync::Arc;

use sym_sdk::BoxFuture;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::model::{Flow, RunId, User};

use super::dispatcher::Dispatcher;
use super::form_change::run_pending_handlers;
use super::form_inputs::fill;
use super::log_error;
use super::open_forms::{FormSnapshot, OpenForm};
use super::payload::View;

/// Returns the form that a view shows, rebuilding it if necessary.
///
/// # Errors
/// If the Run has no open form, or a handler fails.
pub(super) async fn find_or_rebuild(dispatcher: &Dispatcher, view: &Arc<View>) -> Result<Arc<OpenForm>> {
    let run: RunId = view.private_metadata.parse()?;
    let forms = dispatcher.app().forms();
    if let Some(open) = forms.get(run, view) {
        return Ok(open);
    }
    let (dispatcher, view) = (dispatcher.clone(), view.clone());
    let start = || Box::pin(async move { rebuild(&dispatcher, run, &view).await }) as BoxFuture<'_, _>;
    forms.rebuild_once(run, start).await
}

/// Returns the form that a view shows, if the account belongs to the user who opened it.
///
/// # Errors
/// Those of [`find_or_rebuild`], and `SymSDK:NOT_PERMITTED` for anyone else.
pub(super) async fn find_or_rebuild_own(
    dispatcher: &Dispatcher,
    view: &Arc<View>,
    account: &str,
) -> Result<Arc<OpenForm>> {
    let open = find_or_rebuild(dispatcher, view).await?;
    match open.account.get() {
        Some(owner) if owner == account => return Ok(open),
        Some(_) => {}
        None => {
            let user = dispatcher.app().user(account, dispatcher.now()).await?;
            if user.id() == open.user.id() {
                open.account.get_or_init(|| account.to_owned());
                return Ok(open);
            }
        }
    }
    let message = format!("only {}, who opened this form, can fill it in", open.user.username());
    Err(Error::new(ErrorKind::Forbidden, codes::NOT_PERMITTED, message))
}

async fn rebuild(dispatcher: &Dispatcher, run: RunId, view: &View) -> Result<OpenForm> {
    let runtime = dispatcher.runtime();
    let prompt = runtime.prompt(run).await?;
    let flow = runtime.flow(prompt.flow().slug())?;
    let form = runtime.form(run).await?;
    let Some(user) = prompt.user().cloned() else {
        return Err(Error::new(ErrorKind::Conflict, codes::INVALID_EVENT, "this form was not opened by a user"));
    };
    let mut snapshot = FormSnapshot::new(form);
    snapshot.hash = view.hash.clone();
    snapshot.revisions = view.revisions().into_iter().map(|(field, revision)| (field.to_owned(), revision)).collect();
    replay_changes(dispatcher, &flow, &user, &mut snapshot, view).await;
    Ok(OpenForm::new(run, view.id.clone(), user, dispatcher.now(), snapshot))
}

/// Calls the `on_change` handlers for the values in the view. The view decides what the user sees. A handler that fails is
/// called again when the form is submitted.
async fn replay_changes(
    dispatcher: &Dispatcher,
    flow: &Flow,
    user: &Arc<User>,
    snapshot: &mut FormSnapshot,
    view: &View,
) {
    let form = fill(snapshot.form.clone(), snapshot, view);
    let (form, seen, failed) = run_pending_handlers(dispatcher, user, flow, form, snapshot.seen.clone()).await;
    for (_, error) in failed {
        log_error("rebuilding a form", &error);
    }
    snapshot.seen = seen;
    snapshot.form = fill(form, snapshot, view);
    for field in snapshot.form.fields_mut().filter(|field| snapshot.revisions.contains_key(field.name())) {
        field.visible = true;
    }
}
