//! Settling: an open form changes only by its `on_change` handlers, and each sees every value of its field once before the form is sent.
//!
//! A front end acknowledges a change before its handler has run, and people send forms meanwhile. So the values that handlers have seen
//! are kept with the form, and those that they have not seen are settled first.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::Runtime;
use super::field_error::FieldError;
use super::flows::FlowEntry;
use super::forms;
use super::open_forms::{FormSnapshot, LockedForm, OpenForm, SeenValues};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::forms::{FieldSpec, FieldValue, PromptForm};
use crate::model::{RunId, User};

/// A form as it is sent: the entered values, after all `on_change` handlers have seen them. Returned by [`Runtime::settle_form`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Settling {
    /// The form.
    pub form: PromptForm,
    /// The errors of handlers, by field. With any, the form is not to be sent.
    pub errors: Vec<FieldError>,
}

impl Settling {
    /// Returns a form as people see it, for which no handler was called. A form that somebody else than its user sends is submitted like
    /// that: it is refused, and the refusal is recorded.
    pub fn as_shown<P>(form: &OpenForm<P>) -> Self {
        Self { form: form.snapshot().form.clone(), errors: Vec::new() }
    }

    /// Adds the values of hidden fields, which handlers set, to what was entered.
    pub(super) fn complete(&self, mut entered: Map<String, Value>) -> Map<String, Value> {
        for field in self.form.fields().iter().filter(|field| !field.visible) {
            // An empty field is submitted as `null`, so that the default does not apply.
            let value = || field.value.as_ref().map(FieldValue::to_json).unwrap_or_default();
            entered.entry(field.name()).or_insert_with(value);
        }
        entered
    }
}

/// A form after a change of one of its fields. Returned by [`Runtime::change_open_form`].
#[derive(Debug)]
#[non_exhaustive]
pub struct FormChange<P> {
    /// The state that people are to see, with new [revisions](FormSnapshot::revisions) of the fields that the handler changed.
    pub snapshot: FormSnapshot<P>,
    /// The error of the handler, which has changed nothing.
    pub error: Option<Error>,
}

impl Runtime {
    /// Applies a change of a field to an open form, and calls its `on_change` handler. `entered` are the values that the front end shows.
    ///
    /// From now on the form has these values, but not yet what the handler changed: show the returned snapshot, and then
    /// [set](LockedForm::set_snapshot) it.
    ///
    /// # Errors
    /// If the flow is no longer configured. An error of the handler is part of the result.
    pub async fn change_open_form<P: Clone + Send + Sync>(
        &self,
        form: &LockedForm<'_, P>,
        field: &str,
        entered: &Map<String, Value>,
    ) -> Result<FormChange<P>> {
        let flow = self.executor.flows.by_srn(form.flow())?.flow.name();
        let mut snapshot = FormSnapshot::clone(&form.snapshot());
        snapshot.form.fill(entered);
        form.set_snapshot(snapshot.clone());
        let filled = snapshot.form.clone();
        let error = match self.change_form(flow.as_str(), form.user(), field, filled.clone()).await {
            Ok(changed) => {
                mark_seen(&mut snapshot.seen, field, &filled, &changed);
                snapshot.change(changed);
                None
            }
            Err(error) => Some(error),
        };
        Ok(FormChange { snapshot, error })
    }

    /// Returns an open form as it is sent: with the entered values, and after calling the `on_change` handlers that have not seen them.
    /// The form that people see stays as it is.
    ///
    /// # Errors
    /// If the flow is no longer configured, or a handler is to be called and the user may not request the flow any more. Errors of
    /// handlers are part of the result.
    pub async fn settle_form<P>(&self, form: &LockedForm<'_, P>, entered: &Map<String, Value>) -> Result<Settling>
    where
        P: Send + Sync,
    {
        let entry = self.executor.flows.by_srn(form.flow())?;
        let snapshot = form.snapshot();
        let (mut settled, mut seen) = (snapshot.form.clone(), snapshot.seen.clone());
        settled.fill(entered);
        let errors = self.run_pending_handlers(entry, form.user(), &mut settled, &mut seen).await?;
        Ok(Settling { form: settled, errors })
    }

    /// Rebuilds the open form of a Run, for [`OpenForms::rebuild_once`](super::OpenForms::rebuild_once): with current options, and after
    /// calling `on_change` handlers for what `entered` returns, the values that the front end shows. It is called again for the form as
    /// changed by them. `revisions` are those that the front end shows.
    ///
    /// A handler that fails is logged, and called again when the form is settled.
    ///
    /// # Errors
    /// Those of [`form`](Self::form); if the Run has no user who opened the form.
    pub async fn rebuild_form<P>(
        &self,
        run: RunId,
        place: P,
        revisions: BTreeMap<String, u32>,
        entered: impl Fn(&FormSnapshot<P>) -> Map<String, Value> + Send,
    ) -> Result<OpenForm<P>>
    where
        P: Send + Sync,
    {
        let prompt = self.prompt(run).await?;
        let entry = self.executor.flows.by_srn(prompt.flow())?;
        let form = self.form(run).await?;
        let Some(user) = prompt.user().cloned() else {
            return Err(Error::new(ErrorKind::Conflict, codes::INVALID_EVENT, "this form was not opened by a user"));
        };
        let mut snapshot = FormSnapshot { revisions, ..FormSnapshot::new(form, place) };
        let shown = entered(&snapshot);
        snapshot.form.fill(&shown);
        let FormSnapshot { form, seen, .. } = &mut snapshot;
        for failed in self.run_pending_handlers(entry, &user, form, seen).await? {
            let field = failed.field.as_deref().unwrap_or_default();
            tracing::warn!(%run, field, error = %failed.error, "a handler failed while a form was rebuilt");
        }
        // What people see decides.
        let shown = entered(&snapshot);
        snapshot.form.fill(&shown);
        for field in snapshot.form.fields_mut().filter(|field| snapshot.revisions.contains_key(field.name())) {
            field.visible = true;
        }
        Ok(OpenForm::new(run, prompt.flow().clone(), user, self.clock().now(), snapshot))
    }

    /// Calls the `on_change` handlers that have not seen the current value of their field. Returns the errors by field.
    async fn run_pending_handlers(
        &self,
        entry: &FlowEntry,
        user: &Arc<User>,
        form: &mut PromptForm,
        seen: &mut SeenValues,
    ) -> Result<Vec<FieldError>> {
        let (mut errors, mut is_checked) = (Vec::new(), false);
        for name in entry.flow.fields().iter().filter(|spec| spec.has_on_change()).map(FieldSpec::name) {
            let is_seen = form.field(name).map_or(true, |field| seen.get(name) == Some(&field.value));
            if is_seen {
                continue;
            }
            if !is_checked {
                self.requestable(entry.flow.name().as_str(), user).await?;
                is_checked = true;
            }
            match forms::change_form(&self.executor, entry, user, name, form.clone()).await {
                Ok(changed) => {
                    mark_seen(seen, name, form, &changed);
                    *form = changed;
                }
                Err(error) => {
                    let failed = entry.handlers.on_change(name).filter(|_| error.kind() == ErrorKind::Handler);
                    let handler = failed.map(|handler| handler.to_ref());
                    errors.push(FieldError { handler, ..FieldError::new(name, error) });
                }
            }
        }
        Ok(errors)
    }
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
