//! The receipt: the message in which requesters follow their request, from its delivery to the end of the access.
//!
//! It says where the request went, who may decide it and until when; later how it was decided, until when access lasts, and who ended it.
//! Its buttons are those that work now. What approvers see is in the [message of the request](super::request_message).

use sym_sdk::delivery::RequestView;
use sym_sdk::error::Result;
use sym_sdk::model::RunStatus;
use url::Url;

use super::known_accounts::KnownAccounts;
use super::request_message::{
    append_person, decision_text, earlier_text, origin_text, revoke_own_button, run_value, settling_text, show_button,
    waiting_text,
};
use super::request_text::{self, shortened};
use super::text_layout::{self, FittedTexts};
use crate::slack::blocks::{
    ActionId, Actions, Block, Button, Confirm, Context, Message, Mrkdwn, RichText, Spans, TimeStyle,
};

/// The button that withdraws a request.
pub(super) const WITHDRAW: ActionId = ActionId::from_static("withdraw");

/// The button that reminds those who can decide.
pub(super) const REMIND: ActionId = ActionId::from_static("remind");

/// The button that asks for an extension.
pub(super) const EXTEND: ActionId = ActionId::from_static("extend");

/// The button that opens the form of a request's flow.
pub(super) const REQUEST_AGAIN: ActionId = ActionId::from_static("request_again");

/// The maximum length of the names of the destinations.
const MAX_DESTINATIONS_LENGTH: usize = 200;

/// Builds the receipt of a request in its present state. `link` is the address of the message that those who decide have, and `page` that of
/// the request's page.
pub(super) fn receipt_message(
    request: &RequestView,
    accounts: &KnownAccounts,
    link: Option<&Url>,
    page: Option<&Url>,
) -> Result<Message> {
    let flow = request.event().flow().label();
    let title: Block = RichText::section(Spans::new().text("You asked for ").bold(flow)).into();
    let mut below: Vec<Block> = Vec::new();
    if let Some(earlier) = request.earlier_request().filter(|_| request.can_decide()) {
        below.push(Context::new(earlier_text(earlier, ["You", "have"])).into());
    }
    if request.can_decide() {
        below.push(Context::new(sent_text(request, link)).into());
    }
    below.push(Context::new(origin_text(request, page)).into());
    below.push(Context::new(status_text(request, accounts)).into());
    let measured = |hidden: usize| -> Result<Option<Block>> {
        let mut buttons = state_buttons(request)?;
        if hidden > 0 {
            buttons.push(show_button(request)?);
        }
        Ok(if buttons.is_empty() { None } else { Some(Actions::new(buttons)?.into()) })
    };
    let others: Vec<Block> = [title.clone()].into_iter().chain(below.clone()).chain(measured(usize::MAX)?).collect();
    let FittedTexts { blocks: texts, hidden } = text_layout::fit(&request_text::texts(request), &others);
    let blocks = [title].into_iter().chain(texts).chain(below).chain(measured(hidden)?);
    Message::new(Mrkdwn::new().text("Your request for ").bold(flow), blocks)
}

/// Returns the buttons that work now.
pub(super) fn state_buttons(request: &RequestView) -> Result<Vec<Button>> {
    let value = || run_value(request);
    if request.can_decide() {
        let question = "Nobody can approve it any more.";
        let confirm = Confirm::new("Withdraw the request?", question, "Withdraw", "Cancel");
        let remind = Button::new(REMIND, "Remind").value(value()?);
        return Ok(vec![remind, Button::new(WITHDRAW, "Withdraw").value(value()?).confirm(confirm)]);
    }
    let access = access_buttons(request)?;
    if !access.is_empty() {
        return Ok(access);
    }
    let is_over = matches!(
        request.status(),
        RunStatus::Denied | RunStatus::Expired | RunStatus::Deescalated | RunStatus::Errored
    );
    Ok(if is_over { vec![Button::new(REQUEST_AGAIN, "Request again").value(value()?)] } else { Vec::new() })
}

/// Returns the buttons for access that is there.
pub(super) fn access_buttons(request: &RequestView) -> Result<Vec<Button>> {
    let mut buttons = Vec::new();
    if request.can_extend() {
        buttons.push(Button::new(EXTEND, "Extend").value(run_value(request)?));
    }
    if request.can_revoke() {
        buttons.push(revoke_own_button(request)?);
    }
    Ok(buttons)
}

/// Says where the request went.
fn sent_text(request: &RequestView, link: Option<&Url>) -> Mrkdwn {
    let destinations: Vec<_> = request.current_deliveries().map(|delivered| delivered.destination.as_str()).collect();
    let text = Mrkdwn::new();
    if destinations.is_empty() {
        return text.text("Nobody could be notified of it so far.");
    }
    let text = text.text("Sent to ").text(shortened(&destinations.join(", "), MAX_DESTINATIONS_LENGTH)).text(".");
    match link {
        Some(link) => text.text(" ").link(link, "Show the message"),
        None => text,
    }
}

/// Returns the state of the request in the words of whoever made it.
pub(super) fn status_text(request: &RequestView, accounts: &KnownAccounts) -> Mrkdwn {
    let text = Mrkdwn::new();
    match request.status() {
        RunStatus::Requested | RunStatus::Forwarded => waiting_text(request, text),
        RunStatus::Expired => text.text("Nobody decided in time. Your request has expired."),
        RunStatus::Denied if is_withdrawn(request) => match request.decided_by() {
            Some((_, at)) => text.text("You withdrew your request, ").time(at, TimeStyle::DateTime).text("."),
            None => text.text("You withdrew your request."),
        },
        RunStatus::Denied => decision_text(request, text, accounts, "Denied"),
        RunStatus::Errored => {
            let text = decision_text(request, text, accounts, "Approved");
            let text = match (request.is_grant_stopped(), request.failure()) {
                (true, _) => text.text("The flow did not let access be granted."),
                (false, Some(code)) => text
                    .text("You were not given access: something went wrong (")
                    .code(code.to_string())
                    .text("). The operators have been notified. Request again once they say so, or ask them."),
                (false, None) => text.text("You were not given access."),
            };
            match request.settles_at() {
                Some(until) => settling_text(text.text(" "), until),
                None => text,
            }
        }
        RunStatus::Escalated | RunStatus::Deescalated if request.has_standing_access() => {
            let text = decision_text(request, text, accounts, "Approved");
            text.text("You had this access before the request, and keep it when the request ends.")
        }
        RunStatus::Escalated => {
            let text = decision_text(request, text, accounts, "Approved");
            match (request.settles_at(), request.is_being_revoked(), request.access_until()) {
                (Some(until), _, _) => settling_text(text, until),
                (None, true, _) => text.text("Your access is being taken away."),
                (None, false, Some(until)) => {
                    let text = text.text("You have access until ").time(until, TimeStyle::DateTime).text(".");
                    match request.last_extension().filter(|extension| extension.is_open()) {
                        Some(_) => text.text(" Your request for more time waits for a decision."),
                        None => text,
                    }
                }
                (None, false, None) => text.text("You have access until it is revoked."),
            }
        }
        RunStatus::Deescalated => ended_text(request, accounts, decision_text(request, text, accounts, "Approved")),
        RunStatus::Approved if request.target().is_some() => {
            decision_text(request, text, accounts, "Approved").text("Your access is being granted.")
        }
        _ => decision_text(request, text, accounts, "Approved"),
    }
}

/// Says that the access has ended, who ended it, and when.
fn ended_text(request: &RequestView, accounts: &KnownAccounts, text: Mrkdwn) -> Mrkdwn {
    let own = || request.event().requester().map(|requester| requester.id());
    let text = match request.revoked_by() {
        Some(by) if own() == Some(by.id()) => text.text("You gave your access back"),
        Some(by) => append_person(text.text("Your access was ended by "), by, accounts),
        None if request.has_expired() => text.text("Your access has ended, because its time is up"),
        None => text.text("Your access has ended"),
    };
    match request.ended_at() {
        Some(at) => text.text(", ").time(at, TimeStyle::DateTime).text("."),
        None => text.text("."),
    }
}

/// Returns whether the requester has withdrawn the request.
pub(super) fn is_withdrawn(request: &RequestView) -> bool {
    let decider = request.decided_by().map(|(decider, _)| decider);
    let requester = request.event().requester();
    request.status() == RunStatus::Denied
        && !request.is_decided_by_flow()
        && decider.zip(requester).is_some_and(|(decider, requester)| decider.is_same(requester))
}
