//! The view of a whole request, for one that does not fit in a message.
//!
//! Whoever may see the request's message may see the view: it is opened by a button of a message that belongs to the request, or by
//! the requester. Slack signs which message was clicked, and shows a message only to members of its channel.

use std::fmt;
use std::str::FromStr;

use sym_sdk::delivery::{Delivery, RequestView};
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::machine::{self, MessageStatus};
use sym_sdk::model::RunId;

use super::decision::{message_ref, report_refusal};
use super::dispatcher::Dispatcher;
use super::known_accounts::KnownAccounts;
use super::payload::{Action, BlockActions, View};
use super::response::{Response, ResponseWithFollowUp};
use super::{log_error, request_text, text_layout};
use crate::slack::blocks::{ActionId, Block, Modal, RichText};

/// A request, or an extension of its access, as the content of the view. Its text is the value of buttons.
#[derive(Clone, Copy)]
pub(super) struct ShownRequest {
    run: RunId,
    is_extension: bool,
}

/// The end of the text for an extension.
const OF_EXTENSION: &str = ":extension";

impl ShownRequest {
    /// Returns what a message shows.
    pub(super) fn of(request: &RequestView) -> Self {
        Self { run: request.event().run().id(), is_extension: request.extension().is_some() }
    }

    /// Returns the view that is shown of a request.
    fn view(self, request: RequestView) -> RequestView {
        let extension = if self.is_extension { request.of_extension() } else { None };
        extension.unwrap_or(request)
    }
}

impl fmt::Display for ShownRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = if self.is_extension { OF_EXTENSION } else { "" };
        write!(f, "{}{end}", self.run)
    }
}

impl FromStr for ShownRequest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let run = text.strip_suffix(OF_EXTENSION);
        Ok(Self { run: run.unwrap_or(text).parse()?, is_extension: run.is_some() })
    }
}

const PREVIOUS_PAGE: ActionId = ActionId::from_static("previous_page");
const NEXT_PAGE: ActionId = ActionId::from_static("next_page");

/// Whether an action turns a page of the view.
pub(super) fn turns_page(action_id: &str) -> bool {
    PREVIOUS_PAGE == *action_id || NEXT_PAGE == *action_id
}

/// Opens the view of the request whose message was clicked.
pub(super) async fn on_show(dispatcher: Dispatcher, click: BlockActions, action: &Action) -> ResponseWithFollowUp {
    let shown = action.value.as_deref().and_then(|shown| shown.parse::<ShownRequest>().ok());
    let (Some(requested), Some(trigger)) = (shown, click.trigger_id.clone()) else { return Response::Ack.into() };
    ResponseWithFollowUp::ack_then(async move {
        let shown = async {
            let request = requested.view(visible_request(&dispatcher, &click, requested.run).await?);
            let accounts = dispatcher.app().known_accounts(&request).await;
            let view = whole_request_view(&request, &accounts, 0)?;
            dispatcher.app().slack().api().open_view(&trigger, view).await.map(drop)
        };
        if let Err(error) = shown.await {
            if !error.is_refusal() {
                log_error("showing a request", &error);
            }
            report_refusal(&dispatcher, &click, &error).await;
        }
    })
}

/// Shows another page of the view.
pub(super) fn on_page_turned(
    dispatcher: Dispatcher,
    click: &BlockActions,
    view: View,
    action: &Action,
) -> ResponseWithFollowUp {
    let target = action.value.as_deref().and_then(|value| value.split_once(' '));
    let target = target
        .and_then(|(page, requested)| Some((requested.parse::<ShownRequest>().ok()?, page.parse::<usize>().ok()?)));
    let Some((requested, page)) = target else { return Response::Ack.into() };
    let account = click.user.id.clone();
    ResponseWithFollowUp::ack_then(async move {
        let turned = async {
            // Whether the request may be seen was checked when the view was opened, but the account may be deactivated since.
            dispatcher.app().user(&account, dispatcher.now()).await?;
            let request = requested.view(dispatcher.runtime().request_view(requested.run).await?);
            let accounts = dispatcher.app().known_accounts(&request).await;
            let content = whole_request_view(&request, &accounts, page)?;
            dispatcher.app().slack().api().update_view(&view.id, content).await.map(drop)
        };
        if let Err(error) = turned.await {
            log_error("showing a page of a request", &error);
        }
    })
}

/// Returns the request, if the message that was clicked belongs to it or if it was made by the user who clicked.
async fn visible_request(dispatcher: &Dispatcher, click: &BlockActions, run: RunId) -> Result<RequestView> {
    let user = dispatcher.app().user(&click.user.id, dispatcher.now()).await?;
    let request = dispatcher.runtime().request_view(run).await?;
    let is_requester = request.event().requester().is_some_and(|requester| requester.id() == user.id());
    let is_message_of_request = || {
        let extension = request.of_extension();
        message_ref(click).map(|message| machine::MessageRef::from(&message)).is_some_and(|message| {
            let mut messages = request.messages().chain(extension.iter().flat_map(RequestView::messages));
            request.message_status(&message) != MessageStatus::Unknown
                || messages.any(|delivered| dispatcher.app().is_same_message(delivered, &message))
        })
    };
    if is_requester || is_message_of_request() {
        return Ok(request);
    }
    Err(Error::new(ErrorKind::Conflict, codes::UNKNOWN_MESSAGE, "this message does not belong to the request"))
}

/// Builds a page of the view, from 0. The last page if there are fewer.
fn whole_request_view(request: &RequestView, accounts: &KnownAccounts, page: usize) -> Result<Modal> {
    let mut pages = text_layout::pages(&request_text::texts(request));
    let last = pages.len().saturating_sub(1);
    let page = page.min(last);
    let mut blocks: Vec<Block> = vec![RichText::section(request_text::title(request, accounts)).into()];
    if page < pages.len() {
        blocks.extend(pages.swap_remove(page));
    }
    let shown = ShownRequest::of(request);
    let value = |page| format!("{page} {shown}");
    blocks.extend(text_layout::page_turner(page, last, [PREVIOUS_PAGE, NEXT_PAGE], value)?);
    Ok(Modal::new(request.event().flow().label(), blocks)?.close("Close"))
}
