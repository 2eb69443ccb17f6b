//! What people do in a form before they send it: they type into menus, and change fields that others depend on.

use serde_json::json;
use sym_sdk::error::{ErrorKind, Result};

use super::answer::{Answer, Reply, in_words};
use super::forms::OpenForm;
use super::inputs::fill;
use super::modal::field_of;
use super::payload::{Action, Actions, Suggestion, View};
use super::receive::{Front, log};

impl Front {
    /// The options that fit what is typed, of those that the form was opened with.
    pub(super) fn suggest(&self, typing: &Suggestion) -> Answer {
        let nothing = || Answer::Json(json!({ "options": [] }));
        let Some(open) = typing.view.as_ref().and_then(|view| self.app.forms().of_view(&view.private_metadata)) else {
            return nothing();
        };
        let shown = open.shown();
        let field = field_of(&typing.block_id).zip(shown.form.as_ref());
        let field = field.and_then(|((name, _), form)| form.field(name).ok());
        let Some(field) = field.filter(|_| open.account == typing.user.id) else { return nothing() };
        let menu = self.app.menus().of(open.run, &shown, field);
        menu.and_then(|menu| menu.suggest(&typing.value)).map_or_else(
            |error| {
                log("offering options", &error);
                nothing()
            },
            Answer::Written,
        )
    }

    /// A field was changed that has an `on_change` handler. The view follows.
    pub(super) fn changed(self, actions: &Actions, view: View, action: &Action) -> Reply {
        let open = self.app.forms().of_view(&view.private_metadata).filter(|open| open.account == actions.user.id);
        let field = field_of(&action.block_id).map(|(field, _)| field.to_owned());
        let (Some(open), Some(field)) = (open, field) else { return Answer::Done.into() };
        Reply::then(Answer::Done, async move {
            if let Err(error) = self.change(&open, &view, &field).await {
                log("changing a form", &error);
            }
        })
    }

    async fn change(&self, open: &OpenForm, view: &View, field: &str) -> Result<()> {
        let _turn = open.turn.lock().await;
        let before = open.shown();
        let Some(form) = before.form.clone() else { return Ok(()) };
        let state = self.runtime.run(open.run).await?.state;
        let flow = self.runtime.flow(state.flow.slug())?;
        let typed = fill(form, &before, &view.state);
        // What the person has typed is what the view shows.
        let mut shown = (*before).clone();
        shown.form = Some(typed.clone());
        open.show(shown);
        let changed = self.runtime.change_form(state.flow.slug(), &open.user, field, typed.clone()).await;
        let shown = match changed {
            Ok(changed) => self.app.show_form(open, &flow, changed, None).await,
            Err(error) => self.app.show_form(open, &flow, typed, Some(&in_words(&error))).await,
        };
        match shown {
            // The person has closed it.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            shown => shown,
        }
    }
}
