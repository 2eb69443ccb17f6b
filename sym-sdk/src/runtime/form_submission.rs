//! Sending an open form: it is validated as a whole, so that each error is shown at its field and the form stays open, and submitted only
//! then. A form that is refused without being submitted is on the record like a request that the runtime refuses.

use serde_json::{Map, Value};

use super::Runtime;
use super::field_error::FieldError;
use super::form_settling::Settling;
use super::open_forms::{LockedForm, OpenForm};
use super::submission::{Actor, Receipt, Submission};
use crate::engine::InputKey;
use crate::error::Result;

impl Runtime {
    /// Validates what was entered in a form that was [settled](Self::settle_form), and returns the errors by field: none if
    /// [`submit_form`](Self::submit_form) would submit it. For a front end with rules of its own, which apply to valid inputs.
    ///
    /// # Errors
    /// If the flow is no longer configured.
    pub fn check_open_form<P>(
        &self,
        form: &OpenForm<P>,
        settled: &Settling,
        entered: &Map<String, Value>,
    ) -> Result<Vec<FieldError>> {
        let entry = self.executor.flows.by_srn(form.flow())?;
        Ok(self.check_inputs(entry, &settled.form, &settled.complete(entered.clone())))
    }

    /// Makes a request of an open form that was [settled](Self::settle_form). `entered` are the values of the fields that people see; a
    /// field that they left empty is `null`. Handlers set the values of hidden fields.
    ///
    /// `key` is the [idempotency key](super::FlowRequest::key): a form that is sent again with the same key is one request.
    ///
    /// ```
    /// # use serde_json::{Map, Value};
    /// # use sym_sdk::engine::InputKey;
    /// # use sym_sdk::runtime::{OpenForm, Runtime, Receipt};
    /// # async fn send(
    /// #     runtime: &Runtime,
    /// #     open: &OpenForm<String>,
    /// #     entered: Map<String, Value>,
    /// #     key: InputKey,
    /// # ) -> sym_sdk::Result<Option<Receipt>> {
    /// // Wait for changes in progress.
    /// let form = open.lock().await;
    /// let settled = runtime.settle_form(&form, &entered).await?;
    /// match runtime.submit_form(&form, settled, entered, open.user().clone(), Some(key)).await {
    ///     Ok(receipt) => Ok(Some(receipt)),
    ///     Err(errors) => {
    ///         let flow = runtime.flow(open.flow().slug())?;
    ///         for error in errors {
    ///             println!("{}: {}", error.field.as_deref().unwrap_or("request"), error.text(&flow));
    ///         }
    ///         Ok(None)
    ///     }
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// All errors of handlers and inputs, by field, or the error of [`submit`](Self::submit), without one. Then nothing has changed, and
    /// the refusal is recorded, with the code of the first error.
    pub async fn submit_form<P: Send + Sync>(
        &self,
        form: &LockedForm<'_, P>,
        mut settled: Settling,
        entered: Map<String, Value>,
        actor: impl Into<Actor> + Send,
        key: Option<InputKey>,
    ) -> Result<Receipt, Vec<FieldError>> {
        let of_request = |error| vec![FieldError::of_request(error)];
        let channel = self.prompt(form.run()).await.map_err(of_request)?.channel().clone();
        let inputs = settled.complete(entered);
        let mut errors = std::mem::take(&mut settled.errors);
        if errors.is_empty() {
            match self.executor.flows.by_srn(form.flow()) {
                Ok(entry) => errors = self.check_inputs(entry, &settled.form, &inputs),
                Err(error) => errors.push(FieldError::of_request(error)),
            }
        }
        let request = Submission::request(form.flow().to_string(), actor).form(form.run()).channel(channel);
        let request = request.inputs(inputs).shown_form(settled.form);
        let request = match &key {
            Some(key) => request.key(key.clone()),
            None => request,
        };
        if let Some(first) = errors.first() {
            // A form that was accepted stays accepted, even if it would fail validation now.
            let is_accepted = match &key {
                Some(key) => self.is_accepted(key).await.map_err(of_request)?,
                None => false,
            };
            if !is_accepted {
                self.record_refusal(request, &first.error).await;
                return Err(errors);
            }
        }
        self.submit(request).await.map_err(of_request)
    }
}
