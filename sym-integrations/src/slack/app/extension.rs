//! Extensions: asking for more time, in a view.

use std::time::Duration;

use serde_json::Value;
use sym_sdk::delivery::RequestView;
use sym_sdk::engine::InputKey;
use sym_sdk::error::Result;
use sym_sdk::forms::format_duration;
use sym_sdk::integration::IntegrationClient;
use sym_sdk::model::{Channel, ChannelType, RunId, UserIdentity};
use sym_sdk::runtime::{Actor, Submission};

use super::decision::report_unopened;
use super::dispatcher::Dispatcher;
use super::form_open::Opening;
use super::payload::{Action, BlockActions, View, ViewSubmission, team_id};
use super::response::{Response, ResponseWithFollowUp, is_refusal, user_message};
use crate::slack::Slack;
use crate::slack::blocks::{
    ActionId, BlockId, CallbackId, Input, Modal, OptionObject, OptionValue, Options, PlainTextInput, PrivateMetadata,
    StaticSelect,
};

const EXTEND_VIEW: CallbackId = CallbackId::from_static("extend");
const DURATION: BlockId = BlockId::from_static("duration");
const REASON: BlockId = BlockId::from_static("reason");
const VALUE: ActionId = ActionId::from_static("value");

/// The maximum number of options in a menu.
const MAX_OPTIONS: usize = 100;

/// Whether a view asks for an extension.
pub(super) fn is_extension(view: &View) -> bool {
    EXTEND_VIEW == *view.callback_id
}

/// Opens the view that asks for an extension.
pub(super) async fn on_click(
    dispatcher: Dispatcher,
    click: &BlockActions,
    action: &Action,
    opening: Opening,
) -> ResponseWithFollowUp {
    let run = action.value.as_deref().and_then(|run| run.parse::<RunId>().ok());
    let (Some(run), Some(trigger)) = (run, click.trigger_id.as_deref()) else { return Response::Ack.into() };
    let opened = async {
        let view = view(&dispatcher.runtime().request_view(run).await?)?;
        let api = dispatcher.app().slack().api();
        match opening {
            Opening::First => api.open_view(trigger, view).await,
            Opening::OnTop => api.push_view(trigger, view).await,
        }
    };
    match opened.await {
        Ok(_) => Response::Ack.into(),
        Err(error) => report_unopened(dispatcher, click.into(), "asking for an extension", &error),
    }
}

/// Builds the view. Whether there may be an extension, and for how long, is decided when it is submitted.
fn view(request: &RequestView) -> Result<Modal> {
    let mut durations = request.offered_durations();
    if durations.is_empty() {
        durations.extend(request.duration());
    }
    let option = |duration: Duration| {
        Ok(OptionObject::new(OptionValue::new(duration.as_secs().to_string())?, format_duration(duration)))
    };
    let options = durations.into_iter().take(MAX_OPTIONS).map(option).collect::<Result<Vec<_>>>()?;
    let duration = Input::new("How much longer?", StaticSelect::new(VALUE, Options::new(options)?)).block_id(DURATION);
    let reason = Input::new("Reason", PlainTextInput::new(VALUE).multiline()).optional(true).block_id(REASON);
    let view = Modal::new("Extend access", [duration, reason])?.submit("Request").close("Cancel");
    let run = PrivateMetadata::new(request.event().run().id().to_string())?;
    Ok(view.callback_id(EXTEND_VIEW).private_metadata(run))
}

/// Handles the submission of the view: asks for the extension, or says at the input why not.
pub(super) async fn submit(dispatcher: &Dispatcher, submission: &ViewSubmission) -> Response {
    match extend(dispatcher, submission).await {
        Ok(()) => Response::Ack,
        Err(error) if is_refusal(&error) => {
            let text = Value::from(user_message(&error));
            Response::validation_errors([(DURATION.to_string(), text)].into_iter().collect())
        }
        Err(error) => {
            tracing::warn!(%error, "asking for an extension from Slack failed");
            Response::Unavailable
        }
    }
}

async fn extend(dispatcher: &Dispatcher, submitted: &ViewSubmission) -> Result<()> {
    let (view, account) = (&submitted.view, &submitted.user.id);
    let duration = view.state.in_block(DURATION.as_str()).and_then(|input| input.selected_option.as_ref());
    let duration = duration.and_then(|selected| selected.value.parse().ok()).map(Duration::from_secs);
    let (Ok(run), Some(duration)) = (view.private_metadata.parse::<RunId>(), duration) else { return Ok(()) };
    let reason = view.state.in_block(REASON.as_str()).and_then(|input| input.value.as_deref()).unwrap_or_default();
    let team = team_id(submitted.team.as_ref(), &submitted.user);
    // Another submission of the same view, after it was refused, is another one.
    let attempt = submitted.trigger_id.as_deref().unwrap_or(&view.id);
    let key = InputKey::new(format!("slack:{team}:{account}:{attempt}:extend:{run}"));
    let submission = |actor: Actor| {
        let extension = Submission::extend(run, actor, duration);
        let extension = if reason.trim().is_empty() { extension } else { extension.reason(reason.trim()) };
        extension.channel(Channel::new(ChannelType::Slack)).key(key.clone())
    };
    match dispatcher.actor(account).await {
        Ok(actor) => dispatcher.runtime().submit(submission(actor)).await.map(drop),
        Err(error) => {
            let claimed = Actor::Account(UserIdentity::new(Slack::TYPE, team, account));
            dispatcher.runtime().record_refusal(submission(claimed), &error).await;
            Err(error)
        }
    }
}
