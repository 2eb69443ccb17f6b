//! Extensions: asking for more time, in a view.

use std::time::Duration;

use sym_sdk::delivery::RequestView;
use sym_sdk::error::Result;
use sym_sdk::forms::format_duration;
use sym_sdk::model::RunId;
use sym_sdk::runtime::{Actor, Submission};

use super::decision::{report_unopened, submit_view};
use super::dispatcher::Dispatcher;
use super::form_open::Opening;
use super::payload::{Action, BlockActions, View, ViewSubmission};
use super::request_text::shortened;
use super::response::{Response, ResponseWithFollowUp};
use crate::slack::blocks::{
    ActionId, Block, BlockId, CallbackId, Input, Modal, OptionObject, OptionValue, Options, PlainTextInput,
    PrivateMetadata, RichText, Spans, StaticSelect, TimeStyle,
};

const EXTEND_VIEW: CallbackId = CallbackId::from_static("extend");
const DURATION: BlockId = BlockId::from_static("duration");
const REASON: BlockId = BlockId::from_static("reason");
const VALUE: ActionId = ActionId::from_static("value");

/// The maximum length of a target in a sentence.
const MAX_TARGET_LENGTH: usize = 200;

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
    let about: Option<Block> = about(request).map(|text| RichText::section(text).into());
    let blocks = about.into_iter().chain([duration.into(), reason.into()]);
    let view = Modal::new("Extend access", blocks)?.submit("Request").close("Cancel");
    let run = PrivateMetadata::new(request.event().run().id().to_string())?;
    Ok(view.callback_id(EXTEND_VIEW).private_metadata(run))
}

/// Says which access is to be extended, and when it ends.
fn about(request: &RequestView) -> Option<Spans> {
    let target = shortened(&request.target()?.title(), MAX_TARGET_LENGTH);
    let text = Spans::new().text("Your access to ").bold(target).text(" ends ");
    Some(text.time(request.access_until()?, TimeStyle::DateTime).text("."))
}

/// Handles the submission of the view: asks for the extension, or says at the input why not.
pub(super) async fn submit(dispatcher: &Dispatcher, submitted: &ViewSubmission) -> Response {
    let view = &submitted.view;
    let duration = view.state.in_block(DURATION.as_str()).and_then(|input| input.selected_option.as_ref());
    let duration = duration.and_then(|selected| selected.value.parse().ok()).map(Duration::from_secs);
    let (Ok(run), Some(duration)) = (view.private_metadata.parse::<RunId>(), duration) else { return Response::Ack };
    let reason = view.state.in_block(REASON.as_str()).and_then(|input| input.value.as_deref()).unwrap_or_default();
    let extend = |actor: Actor| Submission::extend(run, actor, duration).reason(reason);
    submit_view(dispatcher, submitted, "extend", run, &DURATION, extend).await
}
