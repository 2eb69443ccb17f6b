//! Submitting forms.
//!
//! A form is validated before it is submitted, so that each error is shown at its field and the form stays open. Only then is the
//! request submitted, and the view closed once the request is durable.

use serde_json::{Map, Value};
use sym_sdk::engine::InputKey;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::integration::IntegrationClient;
use sym_sdk::model::{Channel, ChannelType, RunId, UserIdentity};
use sym_sdk::runtime::Submission;

use super::dispatcher::Dispatcher;
use super::form_change::apply_pending_changes;
use super::form_inputs::inputs;
use super::form_rebuild::find_or_rebuild;
use super::form_view::{REQUEST, message_view};
use super::payload::{View, ViewSubmission, block_id, team_id};
use super::response::{Response, is_refusal, user_message};
use crate::slack::Slack;

/// Handles the submission of a view: makes a request, or responds with the validation errors.
pub(super) async fn submit(dispatcher: &Dispatcher, submission: ViewSubmission) -> Response {
    if REQUEST != *submission.view.callback_id.as_str() {
        return Response::Ack;
    }
    match submit_request(dispatcher, &submission).await {
        Ok(response) => response,
        Err(error) if is_refusal(&error) => error_at_first_input(&submission.view, &user_message(&error)),
        Err(error) => {
            tracing::warn!(%error, "submitting a form from Slack failed");
            Response::Unavailable
        }
    }
}

async fn submit_request(dispatcher: &Dispatcher, submitted: &ViewSubmission) -> Result<Response> {
    let (view, account) = (&submitted.view, &submitted.user.id);
    let (app, runtime) = (dispatcher.app(), dispatcher.runtime());
    let run: RunId = view.private_metadata.parse()?;
    let team = team_id(submitted.team.as_ref(), &submitted.user);
    let key = submitted.trigger_id.as_ref();
    let key = key.map(|trigger| InputKey::new(format!("slack:{team}:{account}:{trigger}:request")));
    let user = match app.fresh_user(account, dispatcher.now()).await {
        Ok(user) => user,
        Err(error) => {
            let refused = Submission::request("", UserIdentity::new(Slack::TYPE, team, account)).form(run);
            let refused = refused.channel(Channel::new(ChannelType::Slack));
            let refused = match key {
                Some(key) => refused.key(key),
                None => refused,
            };
            runtime.record_refusal(refused, &error).await;
            return Err(error);
        }
    };
    let prompt = runtime.prompt(run).await.map_err(run_pruned)?;
    let flow = runtime.flow(prompt.flow().slug())?;
    if !prompt.is_form_open() {
        // Slack redelivers a submission whose acknowledgement it did not receive.
        return match &key {
            Some(key) if runtime.is_accepted(key).await? => Ok(Response::Ack),
            _ => Err(form_closed()),
        };
    }
    let open = find_or_rebuild(dispatcher, view).await?;
    // Wait for changes in progress.
    let _guard = open.changes.lock().await;
    let form = if user.id() == open.user.id() {
        match apply_pending_changes(dispatcher, &open, &flow, view).await {
            Ok(form) => form,
            Err((field, error)) => return Ok(errors_at_fields(view, [(Some(field.as_str()), &error)])),
        }
    } else {
        // Submitted unchanged: the machine refuses it and records the refusal.
        open.snapshot().form.clone()
    };
    let inputs = inputs(&form, view);
    let errors = runtime.check_form(flow.name().as_str(), &form, &inputs)?;
    if !errors.is_empty() {
        return Ok(errors_at_fields(view, errors.iter().map(|invalid| (invalid.field.as_deref(), &invalid.error))));
    }
    let submission = Submission::request(flow.srn().to_string(), user);
    let submission = submission.form(run).inputs(inputs).channel(prompt.channel().clone()).shown_form(form);
    let submission = match key {
        Some(key) => submission.key(key),
        None => submission,
    };
    runtime.submit(submission).await?;
    app.discard_form(run);
    Ok(Response::Ack)
}

fn form_closed() -> Error {
    let message = "this form was already submitted, or is no longer open";
    Error::new(ErrorKind::Conflict, codes::INVALID_EVENT, message).with_hint("start a new request")
}

/// Reports a Run that was pruned as a form that is closed.
fn run_pruned(error: Error) -> Error {
    if error.kind() == ErrorKind::NotFound { form_closed().with_source(error) } else { error }
}

/// Responds with each error at the input of its field. Errors without a field are shown at the first input.
fn errors_at_fields<'a>(view: &View, failed: impl IntoIterator<Item = (Option<&'a str>, &'a Error)>) -> Response {
    let revisions = view.revisions();
    let mut errors = Map::new();
    for (field, error) in failed {
        let block = field.and_then(|field| revisions.get(field).map(|revision| block_id(field, *revision)));
        let text = user_message(error);
        let Some(block) = block.or_else(|| view.first_input().map(str::to_owned)) else {
            return error_at_first_input(view, &text);
        };
        let text = match errors.get(&block).and_then(Value::as_str) {
            Some(before) => format!("{before} {text}"),
            None => text,
        };
        errors.insert(block, text.into());
    }
    Response::validation_errors(errors)
}

/// Responds with an error of the whole request. Slack shows errors at inputs only, so a form without inputs is replaced.
fn error_at_first_input(view: &View, text: &str) -> Response {
    match view.first_input() {
        Some(block) => Response::validation_errors([(block.to_owned(), Value::from(text))].into_iter().collect()),
        None => {
            let view = message_view("Request access", text).and_then(|view| Ok(serde_json::to_value(view)?));
            Response::Json(serde_json::json!({ "response_action": "update", "view": view.unwrap_or_default() }))
        }
    }
}
