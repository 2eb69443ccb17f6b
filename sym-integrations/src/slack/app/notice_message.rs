//! Direct messages that notify a user.
//!
//! As in the message of a request, text of others is literal, and what does not fit is never left out without saying so.

use jiff::Timestamp;
use sym_sdk::delivery::RequestView;
use sym_sdk::error::Result;
use sym_sdk::forms::format_duration;
use sym_sdk::machine::Notice;
use sym_sdk::model::User;

use super::known_accounts::KnownAccounts;
use super::request_message::show_button;
use super::request_text::{LabelledText, append_person, shortened};
use super::text_layout;
use crate::slack::blocks::{Actions, Block, Button, Message, Mrkdwn, RichText, Spans, TimeStyle};

/// The maximum length of a target or a person in a sentence.
const MAX_NAME_LENGTH: usize = 200;

/// The maximum length of a sentence that contains a message of a handler or a service. A longer one, or one of several lines,
/// is a quotation.
const MAX_SENTENCE_LENGTH: usize = 1_000;

/// Builds the message of a notice. It has no buttons that may not work later: those are in the receipt, which is kept up to date.
pub(super) fn notice_message(request: &RequestView, notice: &Notice, accounts: &KnownAccounts) -> Result<Message> {
    let flow = request.event().flow().label();
    let NoticeText { sentence, quoted } = notice_text(request, notice, accounts);
    let sentence: Block = RichText::section(sentence).into();
    let mut buttons: Vec<Button> = Vec::new();
    let quoted: Vec<_> = quoted.map(LabelledText::without_label).into_iter().collect();
    let fitted = text_layout::fit(&quoted, std::slice::from_ref(&sentence));
    // Only the text of a decision is part of the request.
    let is_decision = matches!(notice, Notice::Approved { .. } | Notice::Denied { .. });
    if fitted.hidden > 0 && is_decision && request.decision_message().is_some() {
        buttons.push(show_button(request)?);
    }
    let buttons = if buttons.is_empty() { None } else { Some(Actions::new(buttons)?.into()) };
    Message::new(fallback(flow, notice), [sentence].into_iter().chain(fitted.blocks).chain(buttons))
}

/// The text of a notice.
struct NoticeText {
    sentence: Spans,
    /// The text that somebody has written, below the sentence.
    quoted: Option<Spans>,
}

/// Whether the receipt says what a notice does: a message would be a second one of the same moment.
pub(super) fn is_in_receipt(request: &RequestView, notice: &Notice) -> bool {
    match notice {
        // The grant follows, or a notice that there is none.
        Notice::Approved { .. } => request.sends_receipt() && request.event().flow().strategy().is_some(),
        Notice::Withdrawn => request.receipt().is_some(),
        Notice::Ended { held_by_other_run: false, .. } => {
            request.receipt().is_some() && is_revoked_by_requester(request)
        }
        // The receipt is yet to be sent.
        Notice::RequestedAgain { .. } => request.sends_receipt(),
        _ => false,
    }
}

fn is_revoked_by_requester(request: &RequestView) -> bool {
    let requester = request.event().requester().map(User::id);
    requester.is_some() && request.revoked_by().map(User::id) == requester
}

/// Returns the text of a notice, with times in the reader's time zone.
fn notice_text(request: &RequestView, notice: &Notice, accounts: &KnownAccounts) -> NoticeText {
    let flow = request.event().flow().label();
    let text = Spans::new();
    let (sentence, quoted) = match notice {
        Notice::Ended { target, held_by_other_run: false } if is_revoked_by_requester(request) => {
            (text.text("You gave back your access to ").bold(shortened(target, MAX_NAME_LENGTH)).text("."), None)
        }
        Notice::Ended { target, held_by_other_run: false } => {
            let text = text.text("Your access to ").bold(shortened(target, MAX_NAME_LENGTH));
            match request.revoked_by() {
                Some(by) => (append_person(text.text(" was ended by "), by, accounts).text("."), None),
                None if request.has_expired() => (text.text(" has ended, because its time is up."), None),
                None => (text.text(" has ended."), None),
            }
        }
        Notice::Granted { target, until } => {
            let text = text.text("You have access to ").bold(shortened(target, MAX_NAME_LENGTH)).text(" until ");
            let text = match until {
                Some(until) => text.time(*until, TimeStyle::DateTime).text("."),
                None => text.text("it is revoked."),
            };
            // The receipt has buttons.
            (if request.receipt().is_some() { text } else { text.text(LIST_HINT) }, None)
        }
        Notice::RequestedAgain { target, gives_access: true, until: Some(until) } => {
            let target = shortened(target.as_deref().unwrap_or(flow), MAX_NAME_LENGTH);
            let text = text.text("You already have access to ").bold(target).text(" until ");
            let text = text.time(*until, TimeStyle::DateTime);
            (text.text(". Your new request was sent all the same; withdraw it if you do not need it."), None)
        }
        Notice::EndsSoon { target, until, can_extend } => {
            let text = text.text("Your access to ").bold(shortened(target, MAX_NAME_LENGTH)).text(" ends ");
            let text = text.time(*until, TimeStyle::DateTime);
            (text.text(if *can_extend { EXTEND_HINT } else { "." }), None)
        }
        Notice::Extended { target, until, by } => {
            let text = text.text("You have access to ").bold(shortened(target, MAX_NAME_LENGTH)).text(" until ");
            let text = text.time(*until, TimeStyle::DateTime).text(". ");
            match by {
                Some(by) => (append_named(text, request, by, accounts).text(" extended it."), None),
                None => (text.text("It was extended."), None),
            }
        }
        Notice::ExtensionDenied { target, until, by, reason } => {
            let target = shortened(target, MAX_NAME_LENGTH);
            let text = match by {
                Some(by) => {
                    append_named(text, request, by, accounts).text(" denied more time for your access to ").bold(target)
                }
                None => text.text("More time for your access to ").bold(target).text(" was denied"),
            };
            let text = ends_as_before(text, *until);
            (text.text(if reason.is_some() { ":" } else { "." }), reason.as_ref())
        }
        Notice::ApprovedForLess { by, asked, duration } => {
            let (asked, duration) = (format_duration(*asked), format_duration(*duration));
            let text = append_named(text, request, by, accounts).text(" approved your request for ").bold(flow);
            (text.text(format!(", for {duration} instead of {asked}.")), None)
        }
        Notice::Approved { by, reason } => {
            (decision_text(request, "approved", by.as_deref(), reason.is_some(), accounts), reason.as_ref())
        }
        Notice::Denied { by, reason } => {
            (decision_text(request, "denied", by.as_deref(), reason.is_some(), accounts), reason.as_ref())
        }
        other => {
            let whole = other.text(flow);
            let sentence = text.text(&whole).text(".");
            // Other line breaks have become `\n` there.
            if sentence.length() > MAX_SENTENCE_LENGTH || sentence.texts().any(|text| text.contains('\n')) {
                let sentence = Spans::new().text("About your request for ").bold(flow).text(":");
                return NoticeText { sentence, quoted: Some(Spans::new().text(whole)) };
            }
            (sentence, None)
        }
    };
    NoticeText { sentence, quoted: quoted.map(|quoted| Spans::new().text(quoted)) }
}

/// Says how to ask for an extension, after the end of the access.
const EXTEND_HINT: &str =
    ". If you need it for longer, choose Extend in the message of your request or in the home tab.";

/// Says where to give access back, for requests without a receipt.
const LIST_HINT: &str = " The home tab and /sym list show your access, and let you give it back.";

/// Appends a person by name; a mention if it is the one who decided the request or its extension.
fn append_named(text: Spans, request: &RequestView, by: &str, accounts: &KnownAccounts) -> Spans {
    let extension = request.of_extension();
    let deciders = [Some(request), extension.as_ref()].into_iter().flatten();
    let mut deciders = deciders.filter_map(|decided| decided.decided_by().map(|(decider, _)| decider));
    match deciders.find(|decider| decider.username() == by) {
        Some(decider) => append_person(text, decider, accounts),
        None => text.bold(shortened(by, MAX_NAME_LENGTH)),
    }
}

/// Says that the end of the access has not moved.
fn ends_as_before(text: Spans, until: Option<Timestamp>) -> Spans {
    match until {
        Some(until) => text.text(", which ends as before, ").time(until, TimeStyle::DateTime),
        None => text,
    }
}

/// Returns who decided how. The person is mentioned if `by` is the one who decided the request.
fn decision_text(
    request: &RequestView,
    decision: &str,
    by: Option<&str>,
    has_reason: bool,
    accounts: &KnownAccounts,
) -> Spans {
    let flow = request.event().flow().label();
    let end = if has_reason { ":" } else { "." };
    let decider = request.decided_by().map(|(decider, _)| decider);
    let text = match (by, decider.filter(|decider| by == Some(decider.username()))) {
        (Some(_), Some(decider)) => append_person(Spans::new(), decider, accounts),
        (Some(by), None) => Spans::new().bold(shortened(by, MAX_NAME_LENGTH)),
        (None, _) => {
            return Spans::new().text("Your request for ").bold(flow).text(format!(" was {decision}{end}"));
        }
    };
    text.text(format!(" {decision} your request for ")).bold(flow).text(end)
}

/// Returns the text of the notification.
fn fallback(flow: &str, notice: &Notice) -> Mrkdwn {
    let text = Mrkdwn::new();
    match notice {
        Notice::Granted { target, until } => {
            let text = text.text("You have access to ").bold(target).text(" until ");
            match until {
                Some(until) => text.time(*until, TimeStyle::DateTime).text("."),
                None => text.text("it is revoked."),
            }
        }
        Notice::RequestedAgain { target, gives_access: true, until: Some(until) } => {
            let text = text.text("You already have access to ").bold(target.as_deref().unwrap_or(flow)).text(" until ");
            text.time(*until, TimeStyle::DateTime)
                .text(". Your new request was sent all the same; withdraw it if you do not need it.")
        }
        Notice::EndsSoon { target, until, .. } => {
            let text = text.text("Your access to ").bold(target).text(" ends ");
            text.time(*until, TimeStyle::DateTime).text(".")
        }
        Notice::Extended { target, until, by } => {
            let text = text.text("You have access to ").bold(target).text(" until ");
            let text = text.time(*until, TimeStyle::DateTime).text(". ");
            match by {
                Some(by) => text.bold(by).text(" extended it."),
                None => text.text("It was extended."),
            }
        }
        Notice::Approved { by, reason } => fallback_decision(text, "approved", by.as_deref(), reason.as_deref(), flow),
        Notice::Denied { by, reason } => fallback_decision(text, "denied", by.as_deref(), reason.as_deref(), flow),
        other => text.text(other.text(flow)).text("."),
    }
}

fn fallback_decision(text: Mrkdwn, decision: &str, by: Option<&str>, reason: Option<&str>, flow: &str) -> Mrkdwn {
    let text = match by {
        Some(by) => text.bold(by).text(format!(" {decision} your request for ")).bold(flow),
        None => text.text("Your request for ").bold(flow).text(format!(" was {decision}")),
    };
    match reason {
        Some(reason) => text.text(":\n").quote(reason),
        None => text.text("."),
    }
}
