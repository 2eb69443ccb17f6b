//! Forms without a Run: what a front end shows before anything is begun, and what it asks while somebody fills in the form.
//!
//! Each call takes the user, and refuses flows that they do not see and people who may not make requests: a form tells which targets and
//! options there are.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Runtime;
use super::field_error::FieldError;
use super::flows::FlowEntry;
use super::forms;
use super::offered_options::check_form_options;
use super::request_validation::parse_inputs;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::forms::PromptForm;
use crate::machine::{check_source, may_begin};
#[cfg(feature = "console")]
use crate::model::Hook;
use crate::model::{ChannelType, Flow, Flows, RunId, Step, User};

/// The form of a flow, and what could not be prepared of it. Returned by [`Runtime::flow_form`].
#[derive(Debug)]
#[non_exhaustive]
pub struct FlowForm {
    /// The flow.
    pub flow: Arc<Flow>,
    /// The form, in which no values are filled in but defaults. Its header text is
    /// [`additional_header_text`](PromptForm::additional_header_text).
    pub form: PromptForm,
    /// The errors of prefetch reducers, each with its field and handler. Such a field has no options, and a value for it is refused while
    /// its reducer fails.
    pub errors: Vec<FieldError>,
}

impl Runtime {
    /// Returns the flows that a user [sees](Self::flows_for) and that admit requests through a channel. Guests see flows too; they are
    /// refused when they begin a request.
    ///
    /// # Errors
    /// If the `get_flows` reducer fails, or could not be built.
    pub async fn requestable_flows(&self, user: &Arc<User>, channel: ChannelType) -> Result<Flows> {
        let flows = self.flows_for(user).await?;
        Ok(flows.iter().filter(|flow| check_source(flow, channel).is_ok()).cloned().collect())
    }

    /// Builds the form that a user would see, with options from prefetch reducers. No Run is begun.
    ///
    /// # Errors
    /// If there is no such flow, the user may not request it, or a prefetch reducer fails. [`flow_form`](Self::flow_form) returns the
    /// form also if a reducer fails.
    pub async fn preview_form(&self, flow: &str, user: &Arc<User>) -> Result<PromptForm> {
        let entry = self.requestable(flow, user).await?;
        let event = forms::prompt_event(&self.executor, entry, user);
        forms::build_form(&self.executor, entry, event).await.map_err(Error::from)
    }

    /// Builds the form that a user would see, and reports each prefetch reducer that fails at its field. No Run is begun.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use sym_sdk::model::User;
    /// use sym_sdk::runtime::Runtime;
    ///
    /// async fn show(runtime: &Runtime, user: &Arc<User>) -> sym_sdk::Result<()> {
    ///     let shown = runtime.flow_form("prod", user).await?;
    ///     for field in shown.form.fields().iter().filter(|field| field.visible) {
    ///         println!("{}: {} options", field.label, field.current_allowed_values.len());
    ///     }
    ///     for error in &shown.errors {
    ///         // Such as `database: databases (src/prod.rs:12)`.
    ///         println!("{}: {}", error.field.as_deref().unwrap_or_default(), error.handler.as_ref().unwrap());
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// If there is no such flow, or the user may not request it.
    pub async fn flow_form(&self, flow: &str, user: &Arc<User>) -> Result<FlowForm> {
        let entry = self.requestable(flow, user).await?;
        let event = forms::prompt_event(&self.executor, entry, user);
        let (form, errors) = forms::build_form_in_part(&self.executor, entry, event).await;
        Ok(FlowForm { flow: entry.flow.clone(), form, errors })
    }

    /// Rebuilds the open form of a Run, with current options from prefetch reducers and no values filled in. For front ends that
    /// lost the form, as in a restart.
    ///
    /// # Errors
    /// If there is no such Run, its form was submitted or has failed, the flow was removed or is hidden from the user, or a
    /// prefetch reducer fails.
    pub async fn form(&self, run: RunId) -> Result<PromptForm> {
        let state = self.run(run).await?.state;
        let asked = state.run.actors().get(&Step::Prompt).filter(|_| state.is_form_open());
        let Some(user) = asked else {
            let message = "this form was submitted already, or is no longer open";
            let error = Error::new(ErrorKind::Conflict, codes::INVALID_EVENT, message);
            return Err(error.with_hint("begin a new request"));
        };
        let entry = self.executor.flows.by_srn(&state.flow)?;
        self.executor.flows.check_accepts(entry)?;
        self.check_visible(entry.flow.srn(), user).await?;
        let event = forms::prompt_event_of(&self.executor, entry, user, &state.run);
        forms::build_form(&self.executor, entry, event).await.map_err(Error::from)
    }

    /// Returns whether a form of the flow begins a Run before it is shown, because a hook of the flow is called for it.
    #[cfg(feature = "console")]
    pub(crate) fn begins_with_prompt(&self, flow: &str) -> Result<bool> {
        let hooks = self.executor.flows.accepting(flow)?.rules().hooks;
        Ok(hooks.has(Hook::On(Step::Prompt)) || hooks.has(Hook::After(Step::Prompt)))
    }

    /// Builds the open form of a Run as [`flow_form`](Self::flow_form) does.
    #[cfg(feature = "console")]
    pub(crate) async fn flow_form_of(&self, run: RunId, user: &Arc<User>) -> Result<FlowForm> {
        let state = self.run(run).await?.state;
        let entry = self.requestable(state.flow.slug(), user).await?;
        let event = forms::prompt_event_of(&self.executor, entry, user, &state.run);
        let (form, errors) = forms::build_form_in_part(&self.executor, entry, event).await;
        Ok(FlowForm { flow: entry.flow.clone(), form, errors })
    }

    /// Validates the inputs of a form as it was last shown, and returns the errors by field: none if [`submit`](Self::submit) would
    /// accept them. No Run is begun.
    ///
    /// # Errors
    /// If there is no such flow, or the user may not request it.
    pub async fn check_form(
        &self,
        flow: &str,
        user: &Arc<User>,
        form: &PromptForm,
        inputs: &Map<String, Value>,
    ) -> Result<Vec<FieldError>> {
        let entry = self.requestable(flow, user).await?;
        Ok(self.check_inputs(entry, form, inputs))
    }

    /// Validates the inputs of a form.
    pub(super) fn check_inputs(
        &self,
        entry: &FlowEntry,
        form: &PromptForm,
        inputs: &Map<String, Value>,
    ) -> Vec<FieldError> {
        let parsed = parse_inputs(&entry.flow, &self.executor.limits, inputs);
        let checked = parsed.and_then(|(_, _, fields)| check_form_options(&entry.flow, form, &fields));
        checked.err().unwrap_or_default()
    }

    /// Calls the `on_change` handler of a field that was changed, and returns the form as changed by it. Without a handler the form
    /// is returned as it is.
    ///
    /// # Errors
    /// If there is no such flow, the user may not request it, or the handler fails. Errors that the handler creates with
    /// [`Error::handler`] have the kind [`ErrorKind::InvalidInput`] and may be shown to the user. All others, including those of
    /// clients and other crates, have the kind [`ErrorKind::Handler`] and must not be.
    pub async fn change_form(
        &self,
        flow: &str,
        user: &Arc<User>,
        changed: &str,
        form: PromptForm,
    ) -> Result<PromptForm> {
        let entry = self.requestable(flow, user).await?;
        forms::change_form(&self.executor, entry, user, changed, form).await
    }

    /// Returns the flow with this SRN or name, if the user may request it through some channel.
    pub(super) async fn requestable(&self, flow: &str, user: &Arc<User>) -> Result<&FlowEntry> {
        let entry = self.executor.flows.accepting(flow)?;
        may_begin(user)?;
        self.check_visible(entry.flow.srn(), user).await?;
        Ok(entry)
    }
}
