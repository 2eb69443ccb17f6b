//! A form is sent.

use std::sync::Arc;

use serde_json::{Map, Value};
use sym_sdk::engine::InputKey;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::forms::{FieldSpec, FieldType, PromptField, PromptForm};
use sym_sdk::model::{Flow, RunId};
use sym_sdk::runtime::{FieldFault, Submission};

use super::answer::{Answer, in_words, is_refusal};
use super::forms::Shown;
use super::inputs::inputs;
use super::modal::{REQUEST, block_of, field_of};
use super::payload::{State, Submitted, View, team_of};
use super::receive::Front;

impl Front {
    /// Makes the request, or shows what is wrong with it, each fault at its field.
    pub(super) async fn submitted(&self, submitted: Submitted) -> Answer {
        if REQUEST != *submitted.view.callback_id.as_str() {
            return Answer::Done;
        }
        match self.request_of(&submitted).await {
            Ok(answer) => answer,
            Err(error) if is_refusal(&error) => at_first_input(&submitted.view, &in_words(&error)),
            Err(error) => {
                tracing::warn!(%error, "a form that was sent in Slack could not be taken");
                Answer::Unavailable
            }
        }
    }

    async fn request_of(&self, submitted: &Submitted) -> Result<Answer> {
        let (view, account) = (&submitted.view, &submitted.user.id);
        let run: RunId = view.private_metadata.parse()?;
        let user = self.app.people().user(self.app.slack(), account, self.runtime.clock().now()).await?;
        let state = self.runtime.run(run).await?.state;
        let flow = self.runtime.flow(state.flow.slug())?;
        let shown = self.shown(run, &flow, &view.state)?;
        let Some(form) = &shown.form else {
            return Err(Error::new(ErrorKind::Conflict, codes::INVALID_EVENT, "the form is not there yet"));
        };
        let inputs = inputs(form, &shown, &view.state);
        let faults = self.runtime.check_form(flow.name().as_str(), &inputs)?;
        if !faults.is_empty() {
            return Ok(at_fields(form, &shown, view, &faults));
        }
        let channel = state.run.source_channel().clone();
        let submission = Submission::request(flow.srn().to_string(), user).form(run).inputs(inputs).through(channel);
        let submission = match &submitted.trigger_id {
            Some(trigger) => {
                let team = team_of(submitted.team.as_ref(), &submitted.user);
                submission.key(InputKey::new(format!("slack:{team}:{account}:{trigger}:request")))
            }
            None => submission,
        };
        self.runtime.submit(submission).await?;
        self.app.forms().remove(run);
        Ok(Answer::Done)
    }

    /// What the form showed. If that is not known any more, it is told by what Slack sends and by the flow.
    fn shown(&self, run: RunId, flow: &Flow, state: &State) -> Result<Arc<Shown>> {
        if let Some(open) = self.app.forms().get(run) {
            return Ok(open.shown());
        }
        let mut shown = Shown::default();
        let mut fields = Vec::new();
        for (name, revision) in state.values.keys().filter_map(|block| field_of(block)) {
            shown.revisions.insert(name.to_owned(), revision);
            let spec = match (flow.field(name), name) {
                (Some(spec), _) => spec.clone().with_visible(true),
                (None, "duration") => FieldSpec::new(name, FieldType::Duration)?,
                (None, _) => FieldSpec::new(name, FieldType::String)?,
            };
            fields.push(PromptField::from_spec(&spec));
        }
        shown.form = Some(PromptForm::new(fields));
        Ok(Arc::new(shown))
    }
}

/// Each fault at the block of its field, and what belongs to none at the first.
fn at_fields(form: &PromptForm, shown: &Shown, view: &View, faults: &[FieldFault]) -> Answer {
    let seen = |name: &&str| form.field(name).is_ok_and(|field| field.visible);
    let mut errors = Map::new();
    for fault in faults {
        let block = fault.field.as_deref().filter(seen).map(|name| block_of(name, shown));
        let text = in_words(&fault.error);
        let Some(block) = block.or_else(|| view.first_input().map(str::to_owned)) else {
            return at_first_input(view, &text);
        };
        let text = match errors.get(&block).and_then(Value::as_str) {
            Some(before) => format!("{before} {text}"),
            None => text,
        };
        errors.insert(block, text.into());
    }
    Answer::errors(errors)
}

/// For what is wrong with the request as a whole: Slack shows errors at inputs only.
fn at_first_input(view: &View, text: &str) -> Answer {
    match view.first_input() {
        Some(block) => Answer::errors([(block.to_owned(), Value::from(text))].into_iter().collect()),
        None => Answer::Json(serde_json::json!({ "response_action": "update", "view": refusal(text) })),
    }
}

/// A form without inputs has no place for an error.
fn refusal(text: &str) -> Value {
    let view = super::modal::refused("Request access", text).and_then(|view| Ok(serde_json::to_value(view)?));
    view.unwrap_or_default()
}
