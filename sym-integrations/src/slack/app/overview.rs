//! The overview of one person: the list of `/sym list`, and the home tab.
//!
//! Both show the same, page by page: what waits for the person's decision, with a link to the message in which to decide it; the person's
//! own requests, which can be withdrawn; and their access, which can be given back. After each action the view is shown again.

use sym_sdk::delivery::RequestView;
use sym_sdk::error::Result;
use sym_sdk::runtime::Overview;

use super::dispatcher::Dispatcher;
use super::form_open::{Opening, report_failure};
use super::known_accounts::KnownAccounts;
use super::payload::{Action, BlockActions, SlashCommand, View};
use super::receipt_message::{EXTEND, REMIND, REQUEST_AGAIN, WITHDRAW, access_buttons, state_buttons, status_text};
use super::request_message::{REVOKE, append_person, run_value};
use super::request_text::shortened;
use super::response::{Response, ResponseWithFollowUp};
use super::{SlackApp, decision, extension, form_open, form_view, log_error, text_layout};
use crate::slack::MessageRef;
use crate::slack::blocks::{
    ActionId, Actions, Block, Button, ButtonValue, CallbackId, Context, Header, HomeTab, Modal, Mrkdwn,
    PrivateMetadata, RichText, Spans, TimeStyle,
};

const TITLE: &str = "Access";

/// Identifies the views of this module.
const LIST: CallbackId = CallbackId::from_static("list");

const PREVIOUS_PAGE: ActionId = ActionId::from_static("list_previous");
const NEXT_PAGE: ActionId = ActionId::from_static("list_next");
const OPEN_MESSAGE: ActionId = ActionId::from_static("open_message");
const NEW_REQUEST: ActionId = ActionId::from_static("new_request");

/// The number of requests in a page. With at most three blocks for each, a view has at most 100.
const PAGE_LENGTH: usize = 15;

/// The maximum length of a target in a line.
const MAX_TARGET_LENGTH: usize = 200;

/// The place where the list is shown.
#[derive(Clone, Debug)]
enum Place {
    /// In a view that is open.
    Modal(String),
    /// In the home tab of the account.
    Home,
}

/// Opens the list.
pub(super) async fn on_command(dispatcher: Dispatcher, command: SlashCommand) -> ResponseWithFollowUp {
    let opened = async {
        let api = dispatcher.app().slack().api();
        api.open_view(&command.trigger_id, form_view::loading(TITLE)?).await
    };
    match opened.await {
        Ok(view) => ResponseWithFollowUp::ack_then(async move {
            let shown = show(&dispatcher, &command.user_id, &Place::Modal(view.id.clone()), 0).await;
            report_failure(&dispatcher.app().clients().follow_up, &view.id, shown).await;
        }),
        Err(error) => {
            log_error("opening a list", &error);
            Response::ephemeral("The list could not be opened. Please try again.").into()
        }
    }
}

/// Shows the home tab to somebody who has opened it.
pub(super) async fn on_home_opened(dispatcher: Dispatcher, account: String) {
    if let Err(error) = show(&dispatcher, &account, &Place::Home, 0).await {
        log_error("showing the home tab", &error);
        let text = super::response::user_message(&error);
        let shown = async {
            let home = HomeTab::new([Block::from(Context::new(Mrkdwn::new().text(text)))])?;
            dispatcher.app().clients().follow_up.api().publish_view(&account, home).await.map(drop)
        };
        if let Err(error) = shown.await {
            log_error("showing an error in the home tab", &error);
        }
    }
}

/// Whether a view is one of this module.
pub(super) fn is_list(view: &View) -> bool {
    LIST == *view.callback_id
}

/// Handles a click in the list.
pub(super) async fn on_click(
    dispatcher: Dispatcher,
    click: BlockActions,
    view: View,
    action: &Action,
) -> ResponseWithFollowUp {
    let place = if view.is_home() { Place::Home } else { Place::Modal(view.id.clone()) };
    let opening = if view.is_home() { Opening::First } else { Opening::OnTop };
    let account = click.user.id.clone();
    let page = match action.action_id.as_str() {
        // A link, which Slack has opened.
        id if OPEN_MESSAGE == *id => return Response::Ack.into(),
        id if REQUEST_AGAIN == *id => return form_open::on_request_again(dispatcher, &click, action, opening).await,
        id if NEW_REQUEST == *id => return form_open::on_new_request(dispatcher, &click, action, opening).await,
        id if PREVIOUS_PAGE == *id || NEXT_PAGE == *id => {
            action.value.as_deref().and_then(|page| page.parse().ok()).unwrap_or_default()
        }
        id if EXTEND == *id => return extension::on_click(dispatcher, &click, action, opening).await,
        id if WITHDRAW == *id || REVOKE == *id || REMIND == *id => {
            let page = view.private_metadata.parse().unwrap_or_default();
            let ResponseWithFollowUp { response, follow_up } =
                decision::on_click(dispatcher.clone(), click, action.clone()).await;
            let shown = async move {
                if let Some(follow_up) = follow_up {
                    follow_up.await;
                }
                show_again(&dispatcher, &account, &place, page).await;
            };
            return ResponseWithFollowUp { response, follow_up: Some(Box::pin(shown)) };
        }
        _ => return Response::Ack.into(),
    };
    ResponseWithFollowUp::ack_then(async move { show_again(&dispatcher, &account, &place, page).await })
}

async fn show_again(dispatcher: &Dispatcher, account: &str, place: &Place, page: usize) {
    if let Err(error) = show(dispatcher, account, place, page).await {
        log_error("showing a list", &error);
    }
}

/// Shows a page of the list, from 0; the last one if there are fewer.
async fn show(dispatcher: &Dispatcher, account: &str, place: &Place, page: usize) -> Result<()> {
    let app = dispatcher.app();
    let user = app.user(account, dispatcher.now()).await?;
    let overview = dispatcher.runtime().overview(&user).await?;
    let (page, blocks) = page_blocks(app, &overview, page).await?;
    let metadata = PrivateMetadata::new(page.to_string())?;
    let api = app.clients().follow_up.api();
    match place {
        Place::Modal(view) => {
            let content = Modal::new(TITLE, blocks)?.close("Close").callback_id(LIST).private_metadata(metadata);
            api.update_view(view, content).await.map(drop)
        }
        Place::Home => {
            let content = HomeTab::new(blocks)?.callback_id(LIST).private_metadata(metadata);
            api.publish_view(account, content).await.map(drop)
        }
    }
}

/// The part of the list that a request is in.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    ToDecide,
    Open,
    Access,
}

impl Part {
    fn title(self, count: usize) -> String {
        match self {
            Self::ToDecide => format!("Waiting for your decision ({count})"),
            Self::Open => format!("Your open requests ({count})"),
            Self::Access => format!("Your access ({count})"),
        }
    }

    const fn nothing(self) -> &'static str {
        match self {
            Self::ToDecide => "Nothing waits for your decision.",
            Self::Open => "You have no open requests.",
            Self::Access => "You have no access that you requested.",
        }
    }
}

/// Returns the blocks of a page, and its number.
async fn page_blocks(app: &SlackApp, overview: &Overview, page: usize) -> Result<(usize, Vec<Block>)> {
    let parts = [(Part::ToDecide, &overview.to_decide), (Part::Open, &overview.open), (Part::Access, &overview.access)];
    let all: Vec<(Part, &RequestView)> =
        parts.iter().flat_map(|(part, requests)| requests.iter().map(move |request| (*part, request))).collect();
    let last = all.len().saturating_sub(1) / PAGE_LENGTH;
    let page = page.min(last);
    let shown: Vec<_> = all.iter().skip(page.saturating_mul(PAGE_LENGTH)).take(PAGE_LENGTH).collect();

    let new = Button::new(NEW_REQUEST, "Request access").value(ButtonValue::new("new")?);
    let mut blocks: Vec<Block> = vec![Actions::new([new])?.into()];
    let mut nothing = Vec::new();
    for (part, requests) in parts {
        let on_page: Vec<_> = shown.iter().filter(|(of, _)| *of == part).collect();
        if requests.is_empty() && page == 0 {
            nothing.push(part.nothing());
        }
        if on_page.is_empty() {
            continue;
        }
        blocks.push(Header::new(part.title(requests.len())).into());
        for (_, request) in on_page {
            blocks.extend(entry(app, part, request).await?);
        }
    }
    if !nothing.is_empty() {
        blocks.push(Context::new(nothing.join(" ")).into());
    }
    if overview.is_partial {
        blocks.push(Context::new("There may be more: only the latest requests were searched.").into());
    }
    blocks.extend(text_layout::page_turner(page, last, [PREVIOUS_PAGE, NEXT_PAGE], |page| page.to_string())?);
    Ok((page, blocks))
}

/// Returns the blocks of one request.
async fn entry(app: &SlackApp, part: Part, request: &RequestView) -> Result<Vec<Block>> {
    let flow = request.event().flow();
    let accounts = match part {
        Part::ToDecide => app.known_accounts(request).await,
        Part::Open | Part::Access => KnownAccounts::of_workspace(app.slack().workspace()),
    };
    let mut line = Spans::new().bold(flow.label()).text(format!(" · {}", flow.environment().label()));
    if let Some(target) = request.target() {
        line = line.text(" · ").text(shortened(&target.title(), MAX_TARGET_LENGTH));
    }
    let status = match (part, request.event().requester()) {
        (Part::ToDecide, Some(requester)) => append_person(Mrkdwn::new().text("Asked for by "), requester, &accounts)
            .text(", ")
            .time(request.requested_at(), TimeStyle::DateTime),
        (Part::Open, _) => {
            let text = Mrkdwn::new().text("Requested ").time(request.requested_at(), TimeStyle::DateTime).text(". ");
            text.trusted(status_text(request, &accounts).to_string())
        }
        _ => status_text(request, &accounts),
    };
    let mut buttons = Vec::new();
    match part {
        Part::Open => buttons.extend(state_buttons(request)?),
        Part::Access => {
            buttons.extend(access_buttons(request)?);
            buttons.push(Button::new(REQUEST_AGAIN, "Request again").value(run_value(request)?));
        }
        Part::ToDecide => {}
    }
    // Decided is in the message, which shows all of the request.
    let delivered = request.current_deliveries().find_map(|d| MessageRef::try_from(&d.message).ok());
    if let Some(message) = delivered.filter(|_| part != Part::Access)
        && let Some(link) = app.permalink(&app.present_ref(&message)).await
    {
        buttons.push(Button::new(OPEN_MESSAGE, "Open the message").value(run_value(request)?).url(link)?);
    }
    let blocks: [Block; 2] = [RichText::section(line).into(), Context::new(status).into()];
    let buttons: Option<Block> = if buttons.is_empty() { None } else { Some(Actions::new(buttons)?.into()) };
    Ok(blocks.into_iter().chain(buttons).collect())
}
