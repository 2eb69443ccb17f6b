//! What people do in a form before they send it: they type into menus, and change fields that others depend on.

use std::sync::Arc;

use serde_json::json;
use sym_sdk::error::{Error, ErrorKind, Result};
use sym_sdk::forms::{FieldSpec, PromptForm};
use sym_sdk::model::{Flow, User};

use super::response::{Answer, Reply, in_words, is_refusal};
use super::open_forms::{OpenForm, Settled, Shown};
use super::form_inputs::fill;
use super::payload::{Action, Actions, Suggestion, View, field_of};
use super::dispatcher::{Front, log};

impl Front {
    /// The options that fit what is typed, of those that the form was opened with.
    pub(super) async fn suggest(&self, typing: Suggestion) -> Answer {
        let found = match typing.view.map(Arc::new) {
            Some(view) => self.options(&view, &typing.user.id, &typing.block_id, &typing.value).await,
            None => return no_options(),
        };
        found.unwrap_or_else(|error| {
            // A form that is over offers nothing.
            if !is_refusal(&error) || error.kind() == ErrorKind::Handler {
                log("offering options", &error);
            }
            no_options()
        })
    }

    async fn options(&self, view: &Arc<View>, account: &str, block: &str, typed: &str) -> Result<Answer> {
        let open = self.own_form_of(view, account).await?;
        let shown = open.shown();
        match field_of(block).and_then(|(name, _)| shown.form.field(name).ok()) {
            Some(field) => Ok(Answer::Written(self.app.menus().of(open.run, &shown, field)?.suggest(typed)?)),
            None => Ok(no_options()),
        }
    }

    /// A field was changed that has an `on_change` handler. The view follows.
    pub(super) fn changed(self, actions: &Actions, view: View, action: &Action) -> Reply {
        let Some((field, _)) = field_of(&action.block_id) else { return Answer::Done.into() };
        let (field, account, view) = (field.to_owned(), actions.user.id.clone(), Arc::new(view));
        Reply::then(Answer::Done, async move {
            let changed = async {
                let open = self.own_form_of(&view, &account).await?;
                self.change(&open, &view, &field).await
            };
            if let Err(error) = changed.await {
                log("changing a form", &error);
            }
        })
    }

    async fn change(&self, open: &OpenForm, view: &View, field: &str) -> Result<()> {
        let _turn = open.turn.lock().await;
        let before = open.shown();
        let state = self.runtime.run(open.run).await?.state;
        let flow = self.runtime.flow(state.flow.slug())?;
        let typed = fill(before.form.clone(), &before, view);
        // What the person has typed is what the view shows.
        open.show(Shown { form: typed.clone(), ..Shown::clone(&before) });
        let mut settled = before.settled.clone();
        let changed = self.runtime.change_form(state.flow.slug(), &open.user, field, typed.clone()).await;
        let shown = match changed {
            Ok(changed) => {
                settle(&mut settled, field, &typed, &changed);
                self.app.show_changed(open, &flow, changed, settled, None).await
            }
            Err(error) => self.app.show_changed(open, &flow, typed, settled, Some(&in_words(&error))).await,
        };
        match shown {
            // The person has closed it.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            shown => shown,
        }
    }

    /// The form as it is sent: what the view shows, after `on_change` handlers have seen all of it. One may have failed before, be
    /// under way, or have run in another process.
    ///
    /// # Errors
    /// The field whose handler fails, and how.
    pub(super) async fn settled(
        &self,
        open: &OpenForm,
        flow: &Flow,
        view: &View,
    ) -> std::result::Result<PromptForm, (String, Error)> {
        let shown = open.shown();
        let (form, settled) = (fill(shown.form.clone(), &shown, view), shown.settled.clone());
        let (form, _, failed) = self.settle_all(&open.user, flow, form, settled).await;
        match failed.into_iter().next() {
            Some(failed) => Err(failed),
            None => Ok(form),
        }
    }

    /// Has handlers see what they have not seen. What those that fail say is given by field.
    pub(super) async fn settle_all(
        &self,
        user: &Arc<User>,
        flow: &Flow,
        mut form: PromptForm,
        mut settled: Settled,
    ) -> (PromptForm, Settled, Vec<(String, Error)>) {
        let mut failed = Vec::new();
        for name in flow.fields().iter().filter(|spec| spec.has_on_change()).map(FieldSpec::name) {
            let is_settled = form.field(name).map_or(true, |field| settled.get(name) == Some(&field.value));
            if is_settled {
                continue;
            }
            match self.runtime.change_form(flow.name().as_str(), user, name, form.clone()).await {
                Ok(changed) => {
                    settle(&mut settled, name, &form, &changed);
                    form = changed;
                }
                Err(error) => failed.push((name.to_owned(), error)),
            }
        }
        (form, settled, failed)
    }
}

/// Notes that a field's handler has seen what stands there. What it has put into other fields is no change of the person's.
fn settle(settled: &mut Settled, field: &str, before: &PromptForm, after: &PromptForm) {
    for now in after.fields() {
        let is_changed = before.field(now.name()).map_or(true, |before| before.value != now.value);
        if now.name() == field || is_changed {
            settled.insert(now.name().to_owned(), now.value.clone());
        }
    }
}

fn no_options() -> Answer {
    Answer::Json(json!({ "options": [] }))
}
