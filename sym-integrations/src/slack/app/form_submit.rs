//! Submitting forms.
//!
//! A form is validated before it is submitted, so that each error is shown at its field and the form stays open. Only then is the
//! request submitted, and the view closed once the request is durable. A form that is refused without being submitted is on the record
//! like a request that the runtime refuses.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Map, Value};
use sym_sdk::engine::InputKey;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::forms::FieldType;
use sym_sdk::integration::IntegrationClient;
use sym_sdk::model::{Channel, ChannelType, Flow, RunId, User, UserIdentity};
use sym_sdk::runtime::{Actor, FieldError, FlowRequest, PromptView, Settling, Submission};

use super::dispatcher::Dispatcher;
use super::form_inputs::{entered, inputs};
use super::form_rebuild::find_or_rebuild;
use super::form_view::{REQUEST, message_view};
use super::payload::{View, ViewSubmission, block_id, team_id};
use super::response::{Response, user_message};
use crate::slack::Slack;

/// The number of selected accounts that Slack is asked about at once. It waits for the answer.
const ACCOUNT_CONCURRENCY: usize = 4;

/// Handles the submission of a view: makes a request, or responds with the validation errors.
pub(super) async fn submit(dispatcher: &Dispatcher, submission: ViewSubmission) -> Response {
    if REQUEST != *submission.view.callback_id.as_str() {
        return Response::Ack;
    }
    match submit_request(dispatcher, &submission).await {
        Ok(response) => response,
        Err(error) if error.is_refusal() => error_at_first_input(&submission.view, &user_message(&error)),
        Err(error) => {
            tracing::warn!(%error, "submitting a form from Slack failed");
            Response::Unavailable
        }
    }
}

/// A submission of the form of a Run.
struct Attempt {
    run: RunId,
    /// Derived from the payload, so that a redelivered submission is one request.
    key: Option<InputKey>,
}

impl Attempt {
    fn request(&self, flow: impl Into<String>, actor: impl Into<Actor>) -> FlowRequest {
        let request = Submission::request(flow, actor).form(self.run);
        match &self.key {
            Some(key) => request.key(key.clone()),
            None => request,
        }
    }

    /// Records that the form is refused before it is submitted, of which the runtime knows nothing.
    async fn record_refusal(
        &self,
        dispatcher: &Dispatcher,
        prompt: Option<&PromptView>,
        actor: impl Into<Actor>,
        error: &Error,
    ) {
        let (flow, channel) = match prompt {
            Some(prompt) => (prompt.flow().to_string(), prompt.channel().clone()),
            None => (String::new(), Channel::new(ChannelType::Slack)),
        };
        dispatcher.runtime().record_refusal(self.request(flow, actor).channel(channel), error).await;
    }
}

/// The reason why no request was made.
enum Rejection {
    /// The form is refused before it is submitted. The response shows the error, unless it is to be built from it.
    Invalid { error: Error, response: Option<Response> },
    /// The runtime has refused the request, and has recorded that, or has failed.
    ByRuntime { errors: Vec<FieldError>, flow: Arc<Flow> },
}

impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        Self::Invalid { error, response: None }
    }
}

async fn submit_request(dispatcher: &Dispatcher, submitted: &ViewSubmission) -> Result<Response> {
    let account = &submitted.user.id;
    let (app, runtime) = (dispatcher.app(), dispatcher.runtime());
    let team = team_id(submitted.team.as_ref(), &submitted.user);
    let key = submitted.trigger_id.as_ref();
    let key = key.map(|trigger| InputKey::new(format!("slack:{team}:{account}:{trigger}:request")));
    let attempt = Attempt { run: submitted.view.private_metadata.parse()?, key };
    let user = match app.fresh_user(account, dispatcher.now()).await {
        Ok(user) => user,
        Err(error) => {
            let claimed = UserIdentity::new(Slack::TYPE, team, account);
            attempt.record_refusal(dispatcher, None, claimed, &error).await;
            return Err(error);
        }
    };
    let prompt = match runtime.prompt(attempt.run).await.map_err(run_pruned) {
        Ok(prompt) => prompt,
        Err(error) => {
            attempt.record_refusal(dispatcher, None, user, &error).await;
            return Err(error);
        }
    };
    if !prompt.is_form_open()
        && let Some(key) = &attempt.key
        && runtime.is_accepted(key).await?
    {
        // Slack redelivers a submission whose acknowledgement it did not receive.
        return Ok(Response::Ack);
    }
    match submit_form(dispatcher, submitted, &attempt, &prompt, &user).await {
        Ok(()) => {
            app.discard_form(attempt.run);
            Ok(Response::Ack)
        }
        Err(Rejection::Invalid { error, response }) => {
            attempt.record_refusal(dispatcher, Some(&prompt), user, &error).await;
            response.ok_or(error)
        }
        Err(Rejection::ByRuntime { mut errors, flow }) => match errors.as_slice() {
            [FieldError { field: None, .. }] => Err(errors.swap_remove(0).error),
            _ => Ok(errors_at_fields(&submitted.view, &flow, &errors)),
        },
    }
}

/// Validates a form as a whole, and submits it.
async fn submit_form(
    dispatcher: &Dispatcher,
    submitted: &ViewSubmission,
    attempt: &Attempt,
    prompt: &PromptView,
    user: &Arc<User>,
) -> Result<(), Rejection> {
    if !prompt.is_form_open() {
        return Err(form_closed().into());
    }
    let (view, runtime) = (&submitted.view, dispatcher.runtime());
    let flow = runtime.flow(prompt.flow().slug())?;
    let open = find_or_rebuild(dispatcher, view).await?;
    // Wait for changes in progress.
    let form = open.lock().await;
    let settled = if user.id() == form.user().id() {
        runtime.settle_form(&form, &entered(&form.snapshot(), view)).await?
    } else {
        // The machine refuses it and records the refusal.
        Settling::as_shown(&form)
    };
    let inputs = inputs(&settled.form, view);
    let is_valid = settled.errors.is_empty() && runtime.check_open_form(&form, &settled, &inputs)?.is_empty();
    if is_valid && let Some((field, problem)) = find_unselectable(dispatcher, &flow, &inputs).await? {
        let problem = FieldError::new(field, Error::new(ErrorKind::InvalidInput, codes::INVALID_FIELD_VALUE, problem));
        let response = Some(errors_at_fields(view, &flow, std::slice::from_ref(&problem)));
        return Err(Rejection::Invalid { error: problem.error, response });
    }
    let sent = runtime.submit_form(&form, settled, inputs, user.clone(), attempt.key.clone()).await;
    sent.map(drop).map_err(|errors| Rejection::ByRuntime { errors, flow })
}

/// Returns the first field in which something else than a person is selected, with the problem. Slack's menus of users also offer bots
/// and deactivated accounts.
async fn find_unselectable(
    dispatcher: &Dispatcher,
    flow: &Flow,
    inputs: &Map<String, Value>,
) -> Result<Option<(String, &'static str)>> {
    let (app, now) = (dispatcher.app(), dispatcher.now());
    let mut problems = stream::iter(selected_accounts(flow, inputs))
        .map(|(field, account)| async move {
            let problem = app.unselectable(&account, now).await;
            problem.map(|problem| problem.map(|problem| (field, problem)))
        })
        .buffered(ACCOUNT_CONCURRENCY);
    while let Some(problem) = problems.try_next().await? {
        if problem.is_some() {
            return Ok(problem);
        }
    }
    Ok(None)
}

/// Returns the accounts that are selected in a form, each with the first field that has it.
fn selected_accounts(flow: &Flow, inputs: &Map<String, Value>) -> Vec<(String, String)> {
    let (mut selected, mut seen) = (Vec::new(), HashSet::new());
    for spec in flow.fields().iter().filter(|spec| spec.field_type().member() == FieldType::SlackUser) {
        let accounts = match inputs.get(spec.name()) {
            Some(Value::Array(several)) => several.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => continue,
        };
        let new = accounts.iter().filter_map(Value::as_str).filter(|account| seen.insert(*account));
        selected.extend(new.map(|account| (spec.name().to_owned(), account.to_owned())));
    }
    selected
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
fn errors_at_fields(view: &View, flow: &Flow, failed: &[FieldError]) -> Response {
    let revisions = view.revisions();
    let mut errors = Map::new();
    for failed in failed {
        let field = failed.field.as_deref();
        let block = field.and_then(|field| revisions.get(field).map(|revision| block_id(field, *revision)));
        let text = match &block {
            Some(_) => failed.text(flow),
            // Elsewhere, the text has to name the field.
            None => user_message(&failed.error),
        };
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
