//! Denials: Deny asks for a reason, which the requester is told.
//!
//! A text that was entered in the message is the reason already, and requesters who deny their own request withdraw it; neither is asked.
//! Whether the denial is allowed is decided when the view is submitted, as for a click.

use std::fmt;
use std::str::FromStr;

use sym_sdk::error::Result;
use sym_sdk::integration::IntegrationClient;
use sym_sdk::model::RunId;
use sym_sdk::runtime::{Actor, Submission};

use super::decision::{self, ReplyTo, report_unopened, submit_view};
use super::dispatcher::Dispatcher;
use super::payload::{Action, BlockActions, View, ViewSubmission};
use super::request_message::DECISION_MESSAGE;
use super::response::{Response, ResponseWithFollowUp};
use crate::slack::blocks::{ActionId, BlockId, CallbackId, Input, Modal, PlainTextInput, PrivateMetadata};
use crate::slack::{MessageRef, Slack};

const DENY_VIEW: CallbackId = CallbackId::from_static("deny");
const REASON: BlockId = BlockId::from_static("reason");
const TEXT: ActionId = ActionId::from_static("text");

/// The request that a view denies, and the message that was clicked.
struct Denial {
    run: RunId,
    message: MessageRef,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.run, self.message)
    }
}

impl FromStr for Denial {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (run, message) = text.split_once(' ').ok_or(())?;
        Ok(Self { run: run.parse().map_err(drop)?, message: message.parse().map_err(drop)? })
    }
}

/// Whether a view asks for the reason of a denial.
pub(super) fn is_denial(view: &View) -> bool {
    DENY_VIEW == *view.callback_id
}

/// Handles a click on Deny.
pub(super) async fn on_click(dispatcher: Dispatcher, click: BlockActions, action: Action) -> ResponseWithFollowUp {
    let run = action.value.as_deref().and_then(|run| run.parse::<RunId>().ok());
    let (Some(run), Some(message), Some(trigger)) = (run, decision::message_ref(&click), click.trigger_id.clone())
    else {
        return decision::on_click(dispatcher, click, action).await;
    };
    let entered = click.state.in_block(DECISION_MESSAGE).and_then(|entered| entered.value.as_deref());
    let is_entered = entered.is_some_and(|text| !text.trim().is_empty());
    if is_entered {
        return decision::on_click(dispatcher, click, action).await;
    }
    let Some(is_required) = asks(&dispatcher, &click, run).await else {
        return decision::on_click(dispatcher, click, action).await;
    };
    match open(&dispatcher, &Denial { run, message }, &trigger, is_required).await {
        Ok(()) => Response::Ack.into(),
        Err(error) => {
            let to = ReplyTo::from(&click);
            report_unopened(dispatcher, to, "asking for the reason of a denial", &error)
        }
    }
}

/// Returns whether a reason is required, if there is to be asked for one: the request is open, and somebody else's. Anything else gets its
/// reply as it is.
async fn asks(dispatcher: &Dispatcher, click: &BlockActions, run: RunId) -> Option<bool> {
    let request = dispatcher.runtime().request_view(run).await.ok()?;
    // This must make nobody known: who appears with a decision is refused when it is submitted.
    let workspace = dispatcher.app().slack().workspace();
    let known = dispatcher.runtime().actor_by_identity(Slack::TYPE, workspace, &click.user.id).await.ok().flatten();
    let is_own = match (&known, request.event().requester()) {
        (Some(Actor::Resolved(by)), Some(requester)) => requester.is_same(by.user()),
        _ => false,
    };
    let is_open = request.can_decide() || request.of_extension().is_some_and(|extension| extension.can_decide());
    (is_open && !is_own).then(|| request.event().flow().params().require_denial_reason)
}

async fn open(dispatcher: &Dispatcher, denial: &Denial, trigger: &str, is_required: bool) -> Result<()> {
    let input = Input::new("Reason", PlainTextInput::new(TEXT).multiline()).optional(!is_required);
    let input = input.block_id(REASON).hint("The requester will see it.");
    let view = Modal::new("Deny the request", [input])?.submit("Deny").close("Cancel").callback_id(DENY_VIEW);
    let view = view.private_metadata(PrivateMetadata::new(denial.to_string())?);
    dispatcher.app().slack().api().open_view(trigger, view).await.map(drop)
}

/// Handles the submission of the view: denies the request, or says at the input why not.
pub(super) async fn submit(dispatcher: &Dispatcher, submitted: &ViewSubmission) -> Response {
    let view = &submitted.view;
    let Ok(Denial { run, message }) = view.private_metadata.parse() else { return Response::Ack };
    let reason = view.state.in_block(REASON.as_str()).and_then(|input| input.value.as_deref()).unwrap_or_default();
    let deny = |actor: Actor| Submission::deny(run, actor).in_message((&message).into()).message(reason);
    submit_view(dispatcher, submitted, "deny", run, &REASON, deny).await
}
