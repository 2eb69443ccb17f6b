//! The message of a request: its fields, its status, and the buttons that are available now.

use jiff::Timestamp;
use sym_sdk::delivery::RequestView;
use sym_sdk::error::Result;
use sym_sdk::forms::{FieldValue, format_duration};
use sym_sdk::machine::EarlierRequest;
use sym_sdk::model::{RunStatus, User};
use sym_sdk::routing::SlackUser;

use crate::slack::blocks::{
    ActionId, Actions, Block, BlockId, Button, ButtonValue, Confirm, Context, Input, Message, Mrkdwn, PlainTextInput,
    Section, Style, TimeStyle,
};

pub(super) const APPROVE: ActionId = ActionId::from_static("approve");
pub(super) const DENY: ActionId = ActionId::from_static("deny");
pub(super) const REVOKE: ActionId = ActionId::from_static("revoke");

/// The block of the input for a decision message.
pub(super) const DECISION_MESSAGE: &str = "decision_message";
const TEXT: ActionId = ActionId::from_static("text");

/// The field that is shown as the reason.
const REASON_FIELD: &str = "reason";

/// The maximum number of sections with fields. The rest of the message needs fewer than 10 blocks.
const MAX_FIELD_SECTIONS: usize = MAX_BLOCKS - 10;

/// The maximum number of blocks in a message.
pub(super) const MAX_BLOCKS: usize = 50;

/// Builds the message of a request in its present state. `current` is false if the message belongs to an earlier notification,
/// which can no longer be decided on.
pub(super) fn request_message(request: &RequestView, workspace: &str, current: bool) -> Result<Message> {
    let title = title(request, workspace);
    let mut blocks: Vec<Block> = vec![Section::new(title.clone()).into()];
    blocks.extend(Section::split(fields(request)).into_iter().take(MAX_FIELD_SECTIONS).map(Block::from));
    if let Some(reason) = request.reason() {
        blocks.push(Section::new(Mrkdwn::new().trusted("*Reason*\n").quote(reason)).into());
    }
    if let Some(earlier) = request.earlier_request().filter(|_| request.can_decide()) {
        blocks.push(Context::new(earlier_text(earlier)).into());
    }
    blocks.push(Context::new(status_text(request, workspace, current)).into());
    if let Some(message) = request.decision_message() {
        blocks.push(Section::new(Mrkdwn::new().quote(message)).into());
    }
    if current && request.can_decide() {
        if request.event().flow().params().include_decision_message {
            let input = PlainTextInput::new(TEXT).multiline();
            let input = Input::new("Message for the requester", input).optional(true);
            blocks.push(input.block_id(BlockId::from_static(DECISION_MESSAGE)).into());
        }
        let run = run_value(request)?;
        let approve = Button::new(APPROVE, "Approve").style(Style::Primary).value(run.clone());
        let deny = Button::new(DENY, "Deny").style(Style::Danger).value(run);
        blocks.push(Actions::new([approve, deny])?.into());
    }
    if current && request.can_revoke() {
        blocks.push(Actions::new([revoke_button(request)?])?.into());
    }
    Message::new(title, blocks)
}

/// Builds the button that ends access early.
pub(super) fn revoke_button(request: &RequestView) -> Result<Button> {
    let question = match (request.event().requester(), request.target()) {
        (Some(requester), Some(target)) => {
            format!("{} will lose access to {} immediately.", name(requester), target.title())
        }
        _ => "Access will end immediately.".to_owned(),
    };
    let confirm = Confirm::new("Revoke access?", question, "Revoke", "Cancel").style(Style::Danger);
    Ok(Button::new(REVOKE, "Revoke").style(Style::Danger).value(run_value(request)?).confirm(confirm))
}

fn run_value(request: &RequestView) -> Result<ButtonValue> {
    ButtonValue::new(request.event().run().id().to_string())
}

fn title(request: &RequestView, workspace: &str) -> Mrkdwn {
    let event = request.event();
    let text = match event.requester() {
        Some(requester) => append_person(Mrkdwn::new(), requester, workspace),
        None => Mrkdwn::new().text("Someone"),
    };
    text.text(" asks for ").bold(event.flow().label())
}

fn fields(request: &RequestView) -> Vec<Mrkdwn> {
    let mut fields = Vec::new();
    if let Some(target) = request.target() {
        fields.push(Mrkdwn::new().bold("Target").text("\n").text(target.title()));
    }
    if let Some(duration) = request.duration() {
        fields.push(Mrkdwn::new().bold("Duration").text("\n").text(format_duration(duration)));
    }
    // In the order of the form.
    for spec in request.event().flow().fields().iter().filter(|spec| spec.name() != REASON_FIELD) {
        if let Some(value) = request.fields().and_then(|fields| fields.get(spec.name())) {
            let label = Mrkdwn::new().bold(spec.label()).text("\n");
            fields.push(append_value(label, value, |value| request.option_label(spec.name(), value)));
        }
    }
    fields
}

/// Appends the value of a field. An option is shown by its label, with its value beside it: different options may have one label.
fn append_value<'a>(text: Mrkdwn, value: &FieldValue, label: impl Fn(&str) -> Option<&'a str>) -> Mrkdwn {
    let mention = |text: Mrkdwn, id: &str| match SlackUser::new(id) {
        Ok(user) => text.user(&user),
        Err(_) => text.text(id),
    };
    match value {
        FieldValue::SlackUser(picked) => mention(text, picked.user_id()),
        FieldValue::SlackUsers(picked) => picked.iter().enumerate().fold(text, |text, (index, picked)| {
            mention(if index > 0 { text.text(", ") } else { text }, picked.user_id())
        }),
        FieldValue::TextList(texts) => texts.iter().enumerate().fold(text, |text, (index, value)| {
            append_option(if index > 0 { text.text(", ") } else { text }, value, label(value))
        }),
        value => {
            let value = value.to_string();
            append_option(text, &value, label(&value))
        }
    }
}

fn append_option(text: Mrkdwn, value: &str, label: Option<&str>) -> Mrkdwn {
    match label {
        Some(label) => text.text(label).text(" (").code(value).text(")"),
        None => text.text(value),
    }
}

/// Appends a person: a mention if their Slack account is known, or else the name.
fn append_person(text: Mrkdwn, user: &User, workspace: &str) -> Mrkdwn {
    let account = user.identity("slack", Some(workspace)).and_then(|account| SlackUser::new(account.user_id()).ok());
    match account {
        Some(account) => text.user(&account),
        None => text.bold(name(user)),
    }
}

fn name(user: &User) -> String {
    let name = user.full_name();
    if name.is_empty() { user.username().to_owned() } else { name }
}

/// Says that the requester has asked for the same before.
fn earlier_text(earlier: &EarlierRequest) -> Mrkdwn {
    let text = Mrkdwn::new();
    match (earlier.gives_access, earlier.until) {
        (false, _) => text.text("The requester already has an open request for this."),
        (true, Some(until)) => {
            text.text("The requester already has this access until ").time(until, TimeStyle::DateTime).text(".")
        }
        (true, None) => text.text("The requester already has this access until it is revoked."),
    }
}

/// Returns the status of the request, with who decided, when, and until when access lasts.
fn status_text(request: &RequestView, workspace: &str, current: bool) -> Mrkdwn {
    let text = Mrkdwn::new();
    match request.status() {
        RunStatus::Requested | RunStatus::Forwarded if !current => {
            text.text("Nobody responded here in time. The request was forwarded.")
        }
        RunStatus::Requested | RunStatus::Forwarded => match request.approvals() {
            (_, 0 | 1) => text.text("Waiting for a decision."),
            (given, needed) => text.text(format!("Waiting for a decision: {given} of {needed} approvals.")),
        },
        RunStatus::Expired => text.text("Nobody responded in time. The request has expired."),
        RunStatus::Denied => decision_text(request, text, workspace, "Denied"),
        RunStatus::Errored => {
            let text = decision_text(request, text, workspace, "Approved");
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
        RunStatus::Escalated => {
            let text = decision_text(request, text, workspace, "Approved");
            match (request.settles_at(), request.access_until()) {
                (Some(until), _) => settling_text(text, until),
                (None, Some(until)) => text.text("Access until ").time(until, TimeStyle::DateTime).text("."),
                (None, None) => text.text("Access until it is revoked."),
            }
        }
        RunStatus::Deescalated => {
            let text = decision_text(request, text, workspace, "Approved");
            match request.revoked_by() {
                Some(by) => append_person(text.text("Access was revoked by "), by, workspace).text("."),
                None => text.text("Access has ended."),
            }
        }
        _ => decision_text(request, text, workspace, "Approved"),
    }
}

/// Says that the access was revoked, and is revoked again because a grant may still take effect.
fn settling_text(text: Mrkdwn, until: Timestamp) -> Mrkdwn {
    text.text("Access was revoked; checking again until ").time(until, TimeStyle::DateTime).text(".")
}

fn decision_text(request: &RequestView, text: Mrkdwn, workspace: &str, decision: &str) -> Mrkdwn {
    let Some((by, at)) = request.decided_by() else { return text };
    let withdrawn =
        decision == "Denied" && request.event().requester().is_some_and(|requester| requester.id() == by.id());
    let text = if request.is_decided_by_flow() {
        text.text(format!("{decision} by the flow, "))
    } else {
        let decision = if withdrawn { "Withdrawn" } else { decision };
        append_person(text.text(format!("{decision} by ")), by, workspace).text(", ")
    };
    text.time(at, TimeStyle::DateTime).text(". ")
}
