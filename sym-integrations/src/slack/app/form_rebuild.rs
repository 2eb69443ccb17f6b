//! Rebuilding forms that are not in memory, after a restart or when another process showed them.
//!
//! A form is rebuilt from the Run and the view: the runtime fetches the options again, and `on_change` handlers are called for
//! the values that the view contains. Concurrent interactions wait for one rebuild.

use std::sync::Arc;

use sym_sdk::BoxFuture;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::model::RunId;

use super::dispatcher::Dispatcher;
use super::form_inputs::entered;
use super::form_open::ViewRef;
use super::form_place::{FormPlace, OpenForm, is_outdated};
use super::payload::View;

/// Returns the form that a view shows, rebuilding it if necessary.
///
/// # Errors
/// If the Run has no open form, or a handler fails.
pub(super) async fn find_or_rebuild(dispatcher: &Dispatcher, view: &Arc<View>) -> Result<Arc<OpenForm>> {
    let run: RunId = view.private_metadata.parse()?;
    let forms = dispatcher.app().forms();
    if let Some(open) = forms.get(run).filter(|open| !is_outdated(open, view)) {
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
    let snapshot = open.snapshot();
    match snapshot.place.account.get() {
        Some(owner) if owner == account => return Ok(open),
        Some(_) => {}
        None => {
            let user = dispatcher.app().user(account, dispatcher.now()).await?;
            if user.id() == open.user().id() {
                snapshot.place.account.get_or_init(|| account.to_owned());
                return Ok(open);
            }
        }
    }
    let message = format!("only {}, who opened this form, can fill it in", open.user().username());
    Err(Error::new(ErrorKind::Forbidden, codes::NOT_PERMITTED, message))
}

async fn rebuild(dispatcher: &Dispatcher, run: RunId, view: &View) -> Result<OpenForm> {
    let place = FormPlace::new(ViewRef { id: view.id.clone(), hash: view.hash.clone() });
    let revisions = view.revisions().into_iter().map(|(field, revision)| (field.to_owned(), revision)).collect();
    dispatcher.runtime().rebuild_form(run, place, revisions, |snapshot| entered(snapshot, view)).await
}
