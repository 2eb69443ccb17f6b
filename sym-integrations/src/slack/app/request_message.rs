//! The message of a request: what is asked for, its status, and the buttons that are available now.

use std::time::Duration;

use jiff::Timestamp;
use sym_sdk::delivery::RequestView;
use sym_sdk::error::Result;
use sym_sdk::forms::format_duration;
use sym_sdk::machine::{EarlierRequest, Extension, ExtensionStatus};
use sym_sdk::model::{RunStatus, User};
use sym_sdk::routing::{PermissionLevel, PermissionScope, RequestPermission};
use url::Url;

use super::known_accounts::KnownAccounts;
use super::request_text::{self, person_name, shortened};
use super::text_layout::{self, FittedTexts, more_characters};
use super::whole_request::ShownRequest;
use crate::slack::blocks::{
    ActionId, Actions, Block, BlockId, Button, ButtonValue, Confirm, Context, Element, Input, Message, Mrkdwn,
    OptionObject, OptionValue, Options, PlainTextInput, RichText, StaticSelect, Style, TimeStyle,
};

pub(super) const APPROVE: ActionId = ActionId::from_static("approve");
pub(super) const APPROVE_FOR_LESS: ActionId = ActionId::from_static("approve_for_less");
pub(super) const DENY: ActionId = ActionId::from_static("deny");
pub(super) const REVOKE: ActionId = ActionId::from_static("revoke");
pub(super) const SHOW: ActionId = ActionId::from_static("show_request");

const SHOW_LABEL: &str = "Show the whole request";

/// The block of the input for a decision message.
pub(super) const DECISION_MESSAGE: &str = "decision_message";
const TEXT: ActionId = ActionId::from_static("text");

/// The maximum length of a target in a question.
const MAX_TARGET_LENGTH: usize = 120;

/// The maximum number of shorter durations that are offered.
const MAX_SHORTER_DURATIONS: usize = 20;

/// The maximum number of blocks in a message.
pub(super) const MAX_BLOCKS: usize = 50;

/// Builds the message of a request in its present state. `current` is false if the message belongs to an earlier notification,
/// which can no longer be decided on.
///
/// If the message cannot show all of the request, it says what is missing and has a button that shows the whole, and an approval
/// must be confirmed. `page` is the address of its page.
pub(super) fn request_message(
    request: &RequestView,
    accounts: &KnownAccounts,
    current: bool,
    page: Option<&Url>,
) -> Result<Message> {
    let is_open = current && request.can_decide();
    let title: Block = RichText::section(request_text::title(request, accounts)).into();
    let mut below: Vec<Block> = Vec::new();
    if let Some(earlier) = request.earlier_request().filter(|_| request.can_decide()) {
        below.push(Context::new(earlier_text(earlier, ["The requester", "has"])).into());
    }
    below.push(Context::new(origin_text(request, page)).into());
    below.push(Context::new(status_text(request, accounts, current)).into());
    if is_open && request.event().flow().params().include_decision_message {
        let input = PlainTextInput::new(TEXT).multiline();
        let input = Input::new("Message for the requester", input).optional(true);
        below.push(input.block_id(BlockId::from_static(DECISION_MESSAGE)).into());
    }
    if current && request.can_revoke() {
        below.push(Actions::new([revoke_button(request)?])?.into());
    }
    // Which buttons there are depends on what is shown, so the larger ones are measured.
    let measured = |hidden| -> Result<Vec<Block>> { Ok(buttons(request, is_open, hidden)?.into_iter().collect()) };
    let largest = [measured(0)?, measured(usize::MAX)?].into_iter().max_by_key(text_layout::json_size);
    let others: Vec<Block> =
        [title.clone()].into_iter().chain(below.clone()).chain(largest.into_iter().flatten()).collect();
    let FittedTexts { blocks: texts, hidden } = text_layout::fit(&request_text::texts(request), &others);
    let blocks = [title].into_iter().chain(texts).chain(below).chain(measured(hidden)?);
    Message::new(fallback(request, accounts), blocks)
}

/// Returns the buttons for a request of which `hidden` characters are not shown.
fn buttons(request: &RequestView, is_open: bool, hidden: usize) -> Result<Option<Block>> {
    let mut buttons: Vec<Element> = Vec::new();
    if is_open {
        let run = run_value(request)?;
        let approve = Button::new(APPROVE, "Approve").style(Style::Primary).value(run.clone());
        buttons.push(match hidden {
            0 => approve.into(),
            hidden => approve.confirm(approve_unseen(hidden)).into(),
        });
        // Only for what is shown as a whole: the menu would have to ask as Approve does, and take as much room again.
        if hidden == 0
            && let Some(menu) = shorter_menu(request)?
        {
            buttons.push(menu.into());
        }
        buttons.push(Button::new(DENY, "Deny").style(Style::Danger).value(run).into());
    }
    if hidden > 0 {
        buttons.push(show_button(request)?.into());
    }
    Ok(if buttons.is_empty() { None } else { Some(Actions::new(buttons)?.into()) })
}

/// Builds the menu of the shorter durations for which the request can be approved.
fn shorter_menu(request: &RequestView) -> Result<Option<StaticSelect>> {
    let run = request.event().run().id();
    let option = |duration: Duration| {
        let value = OptionValue::new(format!("{run}:{}", duration.as_secs()))?;
        Ok(OptionObject::new(value, format!("Approve for {}", format_duration(duration))))
    };
    let shorter = request.shorter_durations().into_iter().take(MAX_SHORTER_DURATIONS);
    let options = shorter.map(option).collect::<Result<Vec<_>>>()?;
    if options.is_empty() {
        return Ok(None);
    }
    Ok(Some(StaticSelect::new(APPROVE_FOR_LESS, Options::new(options)?).placeholder("Approve for less")))
}

/// Asks whether to approve a request of which a part is not shown.
fn approve_unseen(hidden: usize) -> Confirm {
    let question = format!(
        "{} not shown in the message, and would be approved too. “{SHOW_LABEL}” shows all of it.",
        more_characters(hidden)
    );
    Confirm::new("Approve without seeing everything?", question, "Approve", "Cancel").style(Style::Primary)
}

/// Builds the button that shows the whole request, or the whole extension.
pub(super) fn show_button(request: &RequestView) -> Result<Button> {
    let shown = ShownRequest::of(request);
    Ok(Button::new(SHOW, SHOW_LABEL).value(ButtonValue::new(shown.to_string())?))
}

/// Builds the button that ends access early.
pub(super) fn revoke_button(request: &RequestView) -> Result<Button> {
    let question = match (request.event().requester(), request.target()) {
        (Some(requester), Some(target)) => {
            let target = shortened(&target.title(), MAX_TARGET_LENGTH).replace(char::is_whitespace, " ");
            format!("{} will lose access to {target} immediately.", person_name(requester))
        }
        _ => "Access will end immediately.".to_owned(),
    };
    let confirm = Confirm::new("Revoke access?", question, "Revoke", "Cancel").style(Style::Danger);
    Ok(Button::new(REVOKE, "Revoke").style(Style::Danger).value(run_value(request)?).confirm(confirm))
}

/// Builds the button with which requesters end their own access.
pub(super) fn revoke_own_button(request: &RequestView) -> Result<Button> {
    let target = request.target().map(|target| shortened(&target.title(), MAX_TARGET_LENGTH));
    let target = target.map(|target| target.replace(char::is_whitespace, " "));
    let question = match target {
        Some(target) => format!("You will lose access to {target} immediately."),
        None => "Your access will end immediately.".to_owned(),
    };
    let confirm = Confirm::new("Give access back?", question, "Give back", "Cancel").style(Style::Danger);
    Ok(Button::new(REVOKE, "Give back").style(Style::Danger).value(run_value(request)?).confirm(confirm))
}

pub(super) fn run_value(request: &RequestView) -> Result<ButtonValue> {
    ButtonValue::new(request.event().run().id().to_string())
}

/// Returns the text of the notification.
fn fallback(request: &RequestView, accounts: &KnownAccounts) -> Mrkdwn {
    let event = request.event();
    let text = match event.requester() {
        Some(requester) => append_person(Mrkdwn::new(), requester, accounts).text(request_text::agent_note(requester)),
        None => Mrkdwn::new().text("Someone"),
    };
    text.text(request_text::asks_for(request)).bold(event.flow().label())
}

/// Appends a person: a mention if their Slack account is known, or else the name.
pub(super) fn append_person(text: Mrkdwn, user: &User, accounts: &KnownAccounts) -> Mrkdwn {
    match accounts.of(user) {
        Some(account) => text.user(&account),
        None => text.bold(person_name(user)),
    }
}

/// Says that somebody, `The requester has` or `You have`, has asked for the same before.
pub(super) fn earlier_text(earlier: &EarlierRequest, [who, has]: [&str; 2]) -> Mrkdwn {
    let text = Mrkdwn::new().text(format!("{who} already {has} "));
    match (earlier.gives_access, earlier.until) {
        (false, _) => text.text("an open request for this."),
        (true, Some(until)) => text.text("this access until ").time(until, TimeStyle::DateTime).text("."),
        (true, None) => text.text("this access until it is revoked."),
    }
}

/// Returns the status of the request, with who decided, when, and until when access lasts.
pub(super) fn status_text(request: &RequestView, accounts: &KnownAccounts, current: bool) -> Mrkdwn {
    let text = Mrkdwn::new();
    if let Some(extension) = request.extension() {
        return extension_status_text(request, extension, accounts, current);
    }
    match request.status() {
        RunStatus::Requested | RunStatus::Forwarded if !current => {
            text.text("Nobody responded here in time. The request was forwarded.")
        }
        RunStatus::Requested | RunStatus::Forwarded => waiting_text(request, text),
        RunStatus::Expired => text.text("Nobody responded in time. The request has expired."),
        RunStatus::Denied => decision_text(request, text, accounts, "Denied"),
        RunStatus::Errored => {
            let text = decision_text(request, text, accounts, "Approved");
            let text = text.text(if request.is_grant_stopped() {
                "Access was not granted."
            } else {
                "Something went wrong. The administrators have been notified."
            });
            match request.settles_at() {
                Some(until) => settling_text(text.text(" "), until),
                None => text,
            }
        }
        RunStatus::Escalated | RunStatus::Deescalated if request.has_standing_access() => {
            let text = decision_text(request, text, accounts, "Approved");
            text.text("The requester had this access before the request, and keeps it when the request ends.")
        }
        RunStatus::Escalated => {
            let text = decision_text(request, text, accounts, "Approved");
            match (request.settles_at(), request.access_until()) {
                (Some(until), _) => settling_text(text, until),
                (None, Some(until)) => text.text("Access until ").time(until, TimeStyle::DateTime).text("."),
                (None, None) => text.text("Access until it is revoked."),
            }
        }
        RunStatus::Deescalated => {
            let text = decision_text(request, text, accounts, "Approved");
            let text = match request.revoked_by() {
                Some(by) => append_person(text.text("Access was revoked by "), by, accounts),
                None => text.text("Access has ended"),
            };
            match request.ended_at() {
                Some(at) => text.text(", ").time(at, TimeStyle::DateTime).text("."),
                None => text.text("."),
            }
        }
        _ => decision_text(request, text, accounts, "Approved"),
    }
}

/// Says when the request was made, by which id operators find it, and where its page is.
pub(super) fn origin_text(request: &RequestView, page: Option<&Url>) -> Mrkdwn {
    let text = Mrkdwn::new().text("Requested ").time(request.requested_at(), TimeStyle::DateTime);
    let text = text.text(" · Run ").code(request.event().run().id().to_string());
    match page {
        Some(page) => text.text(" · ").link(page, "Open in the console"),
        None => text,
    }
}

/// Says that an open request waits, for whom, and until when.
pub(super) fn waiting_text(request: &RequestView, text: Mrkdwn) -> Mrkdwn {
    let text = match request.approvals() {
        (_, 0 | 1) => text.text("Waiting for a decision."),
        (given, needed) => text.text(format!("Waiting for a decision: {given} of {needed} approvals.")),
    };
    let Some(permission) = request.permission() else { return text };
    let text = text.text(format!(" {} can decide", deciders(permission)));
    match request.expires_at() {
        Some(at) => text.text(" until ").time(at, TimeStyle::DateTime).text("."),
        None => text.text("."),
    }
}

/// Returns who may decide, at the beginning of a sentence.
fn deciders(permission: &RequestPermission) -> String {
    match permission.approve_deny() {
        PermissionScope::Level(PermissionLevel::Admin) => "Administrators".to_owned(),
        PermissionScope::Level(PermissionLevel::Member) => "Members".to_owned(),
        PermissionScope::Users(users) => match users.as_user_ids().iter().count() {
            1 => "1 person or an administrator".to_owned(),
            count => format!("{count} people and administrators"),
        },
        _ => "Everybody".to_owned(),
    }
}

/// Returns the status of an extension, with who decided, when, and until when access lasts.
fn extension_status_text(
    request: &RequestView,
    extension: &Extension,
    accounts: &KnownAccounts,
    current: bool,
) -> Mrkdwn {
    let text = Mrkdwn::new();
    match extension.status {
        ExtensionStatus::Pending | ExtensionStatus::Open if !current => {
            text.text("Nobody responded here in time. The request was forwarded.")
        }
        ExtensionStatus::Pending | ExtensionStatus::Open => {
            let text = match request.approvals() {
                (_, 0 | 1) => text.text("Waiting for a decision. "),
                (given, needed) => text.text(format!("Waiting for a decision: {given} of {needed} approvals. ")),
            };
            let text = match request.permission() {
                Some(permission) => text.text(format!("{} can decide. ", deciders(permission))),
                None => text,
            };
            text.text("The access ends ").time(extension.access_until, TimeStyle::DateTime).text(" otherwise.")
        }
        ExtensionStatus::Approved => decision_text(request, text, accounts, "Approved"),
        ExtensionStatus::Granted => {
            let text = decision_text(request, text, accounts, "Approved");
            match (request.status(), extension.until) {
                (RunStatus::Escalated, Some(until)) => {
                    text.text("Access until ").time(until, TimeStyle::DateTime).text(".")
                }
                _ => text.text("Access has ended."),
            }
        }
        ExtensionStatus::Denied => decision_text(request, text, accounts, "Denied"),
        ExtensionStatus::Expired => text.text("Nobody responded in time. The access was not extended."),
        _ => decision_text(request, text, accounts, "Approved").text("The access was not extended."),
    }
}

/// Says that the access was revoked, and is revoked again because a grant may still take effect.
pub(super) fn settling_text(text: Mrkdwn, until: Timestamp) -> Mrkdwn {
    text.text("Access was revoked; checking again until ").time(until, TimeStyle::DateTime).text(".")
}

pub(super) fn decision_text(request: &RequestView, text: Mrkdwn, accounts: &KnownAccounts, decision: &str) -> Mrkdwn {
    let Some((by, at)) = request.decided_by() else { return text };
    let withdrawn =
        decision == "Denied" && request.event().requester().is_some_and(|requester| requester.id() == by.id());
    let text = if request.is_decided_by_flow() {
        text.text(format!("{decision} by the flow, "))
    } else {
        let decision = if withdrawn { "Withdrawn" } else { decision };
        append_person(text.text(format!("{decision} by ")), by, accounts).text(", ")
    };
    text.time(at, TimeStyle::DateTime).text(". ")
}
