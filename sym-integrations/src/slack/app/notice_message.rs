//! What a person is told in direct messages.

use sym_sdk::delivery::RequestView;
use sym_sdk::error::Result;
use sym_sdk::machine::Notice;

use super::request_message::revoke;
use crate::slack::blocks::{Actions, Block, Message, Mrkdwn, Section, TimeStyle};

/// A notice as a message. Who has access can end it from there.
pub(super) fn message(request: &RequestView, notice: &Notice) -> Result<Message> {
    let text = words(request.event().flow().label(), notice);
    let mut blocks: Vec<Block> = vec![Section::new(text.clone()).into()];
    if matches!(notice, Notice::Granted { .. }) && request.can_revoke() {
        blocks.push(Actions::new([revoke(request)?])?.into());
    }
    Message::new(text, blocks)
}

/// The notice in words, with times in the reader's zone.
fn words(flow: &str, notice: &Notice) -> Mrkdwn {
    let text = Mrkdwn::new();
    match notice {
        Notice::Granted { target, until } => {
            let text = text.text("You have access to ").bold(target).text(" until ");
            match until {
                Some(until) => text.time(*until, TimeStyle::DateTime).text("."),
                None => text.text("it is revoked."),
            }
        }
        Notice::Approved { by, reason } => decided(text, "approved", by.as_deref(), reason.as_deref(), flow),
        Notice::Denied { by, reason } => decided(text, "denied", by.as_deref(), reason.as_deref(), flow),
        other => text.text(other.text(flow)).text("."),
    }
}

fn decided(text: Mrkdwn, how: &str, by: Option<&str>, reason: Option<&str>, flow: &str) -> Mrkdwn {
    let text = match by {
        Some(by) => text.bold(by).text(format!(" {how} your request for ")).bold(flow),
        None => text.text("Your request for ").bold(flow).text(format!(" was {how}")),
    };
    match reason {
        Some(reason) => text.text(":\n").quote(reason),
        None => text.text("."),
    }
}
