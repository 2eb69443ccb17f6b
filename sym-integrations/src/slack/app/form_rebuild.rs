//! Forms that are not held in memory any more: a restart came between, or another process showed them.

use std::sync::Arc;

use sym_sdk::BoxFuture;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::model::{Flow, RunId, User};
use sym_sdk::template::Step;

use super::open_forms::{OpenForm, Shown};
use super::form_inputs::fill;
use super::payload::View;
use super::dispatcher::{Front, log};

impl Front {
    /// The form that a view shows. If it is not held, it is made anew.
    ///
    /// # Errors
    /// If there is none any more, or a handler fails.
    pub(super) async fn form_of(&self, view: &Arc<View>) -> Result<Arc<OpenForm>> {
        let run: RunId = view.private_metadata.parse()?;
        if let Some(open) = self.app.forms().get(run, view) {
            return Ok(open);
        }
        let (front, view) = (self.clone(), view.clone());
        let make = || Box::pin(async move { front.make_anew(run, &view).await }) as BoxFuture<'_, _>;
        self.app.forms().make(run, make).await
    }

    /// The same, for whoever opened the form and nobody else.
    pub(super) async fn own_form_of(&self, view: &Arc<View>, account: &str) -> Result<Arc<OpenForm>> {
        let open = self.form_of(view).await?;
        match open.account.get() {
            Some(known) if known == account => return Ok(open),
            Some(_) => {}
            None => {
                let user = self.app.people().user(self.app.slack(), account, self.runtime.clock().now()).await?;
                if user.id() == open.user.id() {
                    open.account.get_or_init(|| account.to_owned());
                    return Ok(open);
                }
            }
        }
        let message = format!("only {}, who opened the form, can use it", open.user.username());
        Err(Error::new(ErrorKind::Forbidden, codes::NOT_PERMITTED, message))
    }

    async fn make_anew(&self, run: RunId, view: &View) -> Result<OpenForm> {
        let state = self.runtime.run(run).await?.state;
        let flow = self.runtime.flow(state.flow.slug())?;
        let form = self.runtime.form(run).await?;
        let Some(user) = state.run.actors().get(&Step::Prompt).cloned() else {
            return Err(Error::new(ErrorKind::Conflict, codes::INVALID_EVENT, "nobody opened this form"));
        };
        let mut shown = Shown::new(form);
        shown.hash = view.hash.clone();
        shown.revisions = view.revisions().into_iter().map(|(field, revision)| (field.to_owned(), revision)).collect();
        self.change_anew(&flow, &user, &mut shown, view).await;
        Ok(OpenForm::new(run, view.id.clone(), user, self.runtime.clock().now(), shown))
    }

    /// Has `on_change` handlers change the form by what stands in it. What the person sees is what the view shows. A handler that
    /// fails is asked again when the form is sent.
    async fn change_anew(&self, flow: &Flow, user: &Arc<User>, shown: &mut Shown, view: &View) {
        let form = fill(shown.form.clone(), shown, view);
        let (form, settled, failed) = self.settle_all(user, flow, form, shown.settled.clone()).await;
        for (_, error) in failed {
            log("changing a form anew", &error);
        }
        shown.settled = settled;
        shown.form = fill(form, shown, view);
        for field in shown.form.fields_mut().filter(|field| shown.revisions.contains_key(field.name())) {
            field.visible = true;
        }
    }
}
