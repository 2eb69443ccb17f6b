//! The text of a request: what was asked for, as labelled texts that nothing in them can break out of.
//!
//! Approvers decide by what a message shows, and most of it was written by the requester or comes from a service. Such text is
//! placed in [rich text](crate::slack::blocks::RichText), in which Slack interprets nothing. A short value on one line stands beside
//! its label; everything else is a quotation below it.

use sym_sdk::delivery::{RequestView, agent_text, reveal_hidden};
use sym_sdk::forms::{FieldSpec, FieldValue, format_duration};
use sym_sdk::machine::ExtensionStatus;
use sym_sdk::model::{RunStatus, User};
use sym_sdk::routing::SlackUser;

use super::known_accounts::KnownAccounts;
use crate::slack::blocks::Spans;

/// The field that is shown as the reason.
const REASON_FIELD: &str = "reason";

/// The maximum length of a value beside its label.
const MAX_INLINE_LENGTH: usize = 80;

/// The maximum length of a label, which an administrator has chosen.
const MAX_LABEL_LENGTH: usize = 200;

/// The maximum length of a name in a sentence.
const MAX_NAME_LENGTH: usize = 100;

/// A text, mostly with its label.
#[derive(Clone, Debug)]
pub(super) struct LabelledText {
    pub(super) label: Option<String>,
    pub(super) text: Spans,
    /// Whether the text is a quotation, rather than on the line of its label.
    pub(super) is_quoted: bool,
}

impl LabelledText {
    fn new(label: &str, text: Spans) -> Self {
        let is_quoted = !is_inline(&text);
        Self { label: Some(shortened(label, MAX_LABEL_LENGTH)), text, is_quoted }
    }

    /// Creates a text that is a quotation, however short it is.
    pub(super) fn quoted(label: &str, text: Spans) -> Self {
        Self { is_quoted: true, ..Self::new(label, text) }
    }

    /// Creates a quotation without a label.
    pub(super) fn without_label(text: Spans) -> Self {
        Self { label: None, text, is_quoted: true }
    }
}

/// Whether a text may stand beside its label. It is short and on one line, and neither gaps nor right-to-left text make its line
/// look like several, or its end like something else.
fn is_inline(text: &Spans) -> bool {
    text.length() <= MAX_INLINE_LENGTH
        && text.texts().all(|text| {
            !text.contains("  ") && !text.chars().any(|c| (c.is_whitespace() && c != ' ') || is_right_to_left(c))
        })
}

fn is_right_to_left(c: char) -> bool {
    matches!(c,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' | '\u{10800}'..='\u{10fff}'
        | '\u{1e800}'..='\u{1efff}')
}

/// Returns who asks for what, or has asked for it: the sentence that begins the message.
pub(super) fn title(request: &RequestView, accounts: &KnownAccounts) -> Spans {
    let event = request.event();
    let text = match event.requester() {
        Some(requester) => append_person(Spans::new(), requester, accounts).text(agent_note(requester)),
        None => Spans::new().text("Someone"),
    };
    text.text(asks_for(request)).bold(event.flow().label())
}

/// Returns the words after the name of an agent, which say that it is one and who answers for it. Empty for everybody else.
pub(super) fn agent_note(user: &User) -> String {
    match user.owner() {
        Some(owner) => format!(" (an agent of {})", shortened(owner.username(), MAX_NAME_LENGTH)),
        None => String::new(),
    }
}

/// Returns whether an agent has written the texts of the request.
fn is_of_agent(request: &RequestView) -> bool {
    request.event().requester().is_some_and(User::is_agent)
}

/// Appends a person: a mention if their Slack account is known, or else the name.
pub(super) fn append_person(text: Spans, user: &User, accounts: &KnownAccounts) -> Spans {
    match accounts.of(user) {
        Some(account) => text.user(&account),
        None => text.bold(person_name(user)),
    }
}

/// Returns the verb of the title. What is decided is in the past.
pub(super) fn asks_for(request: &RequestView) -> &'static str {
    match (request.can_decide(), request.extension().is_some()) {
        (true, false) => " asks for ",
        (false, false) => " asked for ",
        (true, true) => " asks for more time for ",
        (false, true) => " asked for more time for ",
    }
}

/// Returns everything that the request asks for, and the text entered with the decision.
pub(super) fn texts(request: &RequestView) -> Vec<LabelledText> {
    let environment = request.event().flow().environment().label();
    let mut texts = vec![LabelledText::new("Environment", Spans::new().text(environment))];
    if let Some(target) = request.target() {
        texts.push(LabelledText::new("Target", Spans::new().text(target.title())));
    }
    if let Some(duration) = request.duration() {
        let label = if request.extension().is_some() { "Extend by" } else { "Duration" };
        texts.push(LabelledText::new(label, Spans::new().text(format_duration(duration))));
    }
    // In the order of the form.
    for spec in request.event().flow().fields().iter().filter(|spec| spec.name() != REASON_FIELD) {
        if let Some(value) = request.fields().and_then(|fields| fields.get(spec.name())) {
            let text = value_text(request, spec, value);
            let is_written = matches!(value, FieldValue::Text(_) | FieldValue::TextList(_));
            texts.push(match is_written && is_of_agent(request) {
                true => LabelledText::quoted(spec.label(), text),
                false => LabelledText::new(spec.label(), text),
            });
        }
    }
    match request.reason() {
        // What an agent writes is bounded, and nothing in it is invisible: it may have been written so that the request is approved.
        Some(reason) if is_of_agent(request) => {
            texts.push(LabelledText::quoted("Reason, as the agent says", Spans::new().text(agent_text(reason))));
        }
        Some(reason) => texts.push(LabelledText::quoted("Reason", Spans::new().text(reason))),
        None => {}
    }
    if let Some(message) = request.decision_message() {
        let is_denied = match request.extension() {
            Some(extension) => extension.status == ExtensionStatus::Denied,
            None => request.status() == RunStatus::Denied,
        };
        let label = if is_denied { "Reason for the denial" } else { "Message" };
        texts.push(LabelledText::quoted(label, Spans::new().text(message)));
    }
    texts
}

/// Returns the text of a value. An option is shown by its label, with its value beside it as code: different options may have one
/// label, and a label can contain what looks like a value, but no code. The items of a list are code too.
fn value_text(request: &RequestView, spec: &FieldSpec, value: &FieldValue) -> Spans {
    let label = |value: &str| request.option_label(spec.name(), value);
    // Whole, because all of it is approved.
    let shown = |text: &str| if is_of_agent(request) { reveal_hidden(text) } else { text.to_owned() };
    match value {
        FieldValue::SlackUser(picked) => mention(picked.user_id()),
        FieldValue::SlackUsers(picked) => listed(picked.iter().map(|picked| mention(picked.user_id()))),
        FieldValue::TextList(texts) => listed(texts.iter().map(|text| match label(text) {
            Some(label) => option_text(label, text),
            None => Spans::new().code(shown(text)),
        })),
        value => {
            let value = value.to_string();
            match label(&value) {
                Some(label) => option_text(label, &value),
                None => Spans::new().text(shown(&value)),
            }
        }
    }
}

fn option_text(label: &str, value: &str) -> Spans {
    Spans::new().text(label).text(" (").code(value).text(")")
}

fn listed(items: impl Iterator<Item = Spans>) -> Spans {
    items.fold(Spans::new(), |text, item| if text.is_blank() { item } else { text.text(", ").and(item) })
}

fn mention(id: &str) -> Spans {
    match SlackUser::new(id) {
        Ok(user) => Spans::new().user(&user),
        Err(_) => Spans::new().text(id),
    }
}

/// Returns the Slack account of a user.
pub(super) fn slack_account(user: &User, workspace: &str) -> Option<SlackUser> {
    user.identity("slack", Some(workspace)).and_then(|account| SlackUser::new(account.user_id()).ok())
}

/// Returns the name of a user, who may have chosen it, shortened to what a name needs.
pub(super) fn person_name(user: &User) -> String {
    let name = user.full_name();
    shortened(if name.is_empty() { user.username() } else { &name }, MAX_NAME_LENGTH)
}

/// Shortens a text that is part of a sentence.
pub(super) fn shortened(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
