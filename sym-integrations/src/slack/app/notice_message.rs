//! Direct messages that notify a user.
//!
//! As in the message of a request, text of others is literal, and what does not fit is never left out without saying so.

use sym_sdk::delivery::RequestView;
use sym_sdk::error::Result;
use sym_sdk::machine::Notice;

use super::request_message::{revoke_button, show_button};
use super::request_text::{LabelledText, shortened};
use super::text_layout;
use crate::slack::blocks::{Actions, Block, Button, Message, Mrkdwn, RichText, Spans, TimeStyle};

/// The maximum length of a target or a person in a sentence.
const MAX_NAME_LENGTH: usize = 200;

/// The maximum length of a sentence that contains a message of a handler or a service. A longer one, or one of several lines,
/// is a quotation.
const MAX_SENTENCE_LENGTH: usize = 1_000;

/// Builds the message of a notice. The notice of a grant has a button that revokes the access.
pub(super) fn notice_message(request: &RequestView, notice: &Notice) -> Result<Message> {
    let flow = request.event().flow().label();
    let NoticeText { sentence, quoted } = notice_text(flow, notice);
    let sentence: Block = RichText::section(sentence).into();
    let mut buttons: Vec<Button> = Vec::new();
    if matches!(notice, Notice::Granted { .. }) && request.can_revoke() {
        buttons.push(revoke_button(request)?);
    }
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

/// Returns the text of a notice, with times in the reader's time zone.
fn notice_text(flow: &str, notice: &Notice) -> NoticeText {
    let text = Spans::new();
    let (sentence, quoted) = match notice {
        Notice::Granted { target, until } => {
            let text = text.text("You have access to ").bold(shortened(target, MAX_NAME_LENGTH)).text(" until ");
            let text = match until {
                Some(until) => text.time(*until, TimeStyle::DateTime).text("."),
                None => text.text("it is revoked."),
            };
            (text, None)
        }
        Notice::RequestedAgain { target, gives_access: true, until: Some(until) } => {
            let target = shortened(target.as_deref().unwrap_or(flow), MAX_NAME_LENGTH);
            let text = text.text("You already have access to ").bold(target).text(" until ");
            let text = text.time(*until, TimeStyle::DateTime);
            (text.text(". Your new request was sent all the same; withdraw it if you do not need it."), None)
        }
        Notice::Approved { by, reason } => {
            (decision_text("approved", by.as_deref(), reason.is_some(), flow), reason.as_ref())
        }
        Notice::Denied { by, reason } => {
            (decision_text("denied", by.as_deref(), reason.is_some(), flow), reason.as_ref())
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

fn decision_text(decision: &str, by: Option<&str>, has_reason: bool, flow: &str) -> Spans {
    let end = if has_reason { ":" } else { "." };
    match by {
        Some(by) => {
            let text = Spans::new().bold(shortened(by, MAX_NAME_LENGTH));
            text.text(format!(" {decision} your request for ")).bold(flow).text(end)
        }
        None => Spans::new().text("Your request for ").bold(flow).text(format!(" was {decision}{end}")),
    }
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
