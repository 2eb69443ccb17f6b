//! Direct messages that notify a user.

use sym_sdk::delivery::RequestView;
use sym_sdk::error::Result;
use sym_sdk::machine::Notice;

use super::request_message::revoke_button;
use crate::slack::blocks::{Actions, Block, Message, Mrkdwn, Section, TimeStyle};

/// Builds the message of a notice. The notice of a grant has a button that revokes the access.
pub(super) fn notice_message(request: &RequestView, notice: &Notice) -> Result<Message> {
    let text = notice_text(request.event().flow().label(), notice);
    let mut blocks: Vec<Block> = vec![Section::new(text.clone()).into()];
    if matches!(notice, Notice::Granted { .. }) && request.can_revoke() {
        blocks.push(Actions::new([revoke_button(request)?])?.into());
    }
    Message::new(text, blocks)
}

/// Returns the text of a notice, with times in the reader's time zone.
fn notice_text(flow: &str, notice: &Notice) -> Mrkdwn {
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
        Notice::Approved { by, reason } => decision_text(text, "approved", by.as_deref(), reason.as_deref(), flow),
        Notice::Denied { by, reason } => decision_text(text, "denied", by.as_deref(), reason.as_deref(), flow),
        other => text.text(other.text(flow)).text("."),
    }
}

fn decision_text(text: Mrkdwn, decision: &str, by: Option<&str>, reason: Option<&str>, flow: &str) -> Mrkdwn {
    let text = match by {
        Some(by) => text.bold(by).text(format!(" {decision} your request for ")).bold(flow),
        None => text.text("Your request for ").bold(flow).text(format!(" was {decision}")),
    };
    match reason {
        Some(reason) => text.text(":\n").quote(reason),
        None => text.text("."),
    }
}
