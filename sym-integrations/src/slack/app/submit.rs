//! A form is sent.

use serde_json::{Map, Value};
use sym_sdk::engine::InputKey;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::model::RunId;
use sym_sdk::runtime::Submission;

use super::answer::{Answer, in_words, is_refusal};
use super::inputs::inputs;
use super::modal::REQUEST;
use super::payload::{Submitted, View, block_of, team_of};
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
        let user = self.app.people().acting(self.app.slack(), account, self.runtime.clock().now()).await?;
        let state = self.runtime.run(run).await.map_err(forgotten)?.state;
        let flow = self.runtime.flow(state.flow.slug())?;
        let team = team_of(submitted.team.as_ref(), &submitted.user);
        let key = submitted.trigger_id.as_ref();
        let key = key.map(|trigger| InputKey::new(format!("slack:{team}:{account}:{trigger}:request")));
        if !state.is_form_open() {
            // Slack sends the one that was taken again if it has not heard so.
            return match &key {
                Some(key) if self.runtime.is_accepted(key).await? => Ok(Answer::Done),
                _ => Err(over()),
            };
        }
        let open = self.form_of(view).await?;
        // What is being changed is changed first.
        let _turn = open.turn.lock().await;
        let form = if user.id() == open.user.id() {
            match self.settled(&open, &flow, view).await {
                Ok(form) => form,
                Err((field, error)) => return Ok(at_fields(view, [(Some(field.as_str()), &error)])),
            }
        } else {
            // Refused, and on the record.
            open.shown().form.clone()
        };
        let inputs = inputs(&form, view);
        let faults = self.runtime.check_form(flow.name().as_str(), &inputs)?;
        if !faults.is_empty() {
            return Ok(at_fields(view, faults.iter().map(|fault| (fault.field.as_deref(), &fault.error))));
        }
        let channel = state.run.source_channel().clone();
        let submission = Submission::request(flow.srn().to_string(), user).form(run).inputs(inputs).channel(channel);
        let submission = match key {
            Some(key) => submission.key(key),
            None => submission,
        };
        self.runtime.submit(submission).await?;
        self.app.forget(run);
        Ok(Answer::Done)
    }
}

/// The form was sent already, or came to nothing.
fn over() -> Error {
    let message = "this form was submitted already, or is no longer open";
    Error::new(ErrorKind::Conflict, codes::INVALID_EVENT, message).with_hint("begin a new request")
}

/// A form whose Run is not kept any more.
fn forgotten(error: Error) -> Error {
    if error.kind() == ErrorKind::NotFound { over().with_source(error) } else { error }
}

/// Each fault at the block of its field, and what belongs to none at the first.
fn at_fields<'a>(view: &View, faults: impl IntoIterator<Item = (Option<&'a str>, &'a Error)>) -> Answer {
    let seen = view.revisions();
    let mut errors = Map::new();
    for (field, error) in faults {
        let block = field.and_then(|field| seen.get(field).map(|revision| block_of(field, *revision)));
        let text = in_words(error);
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
