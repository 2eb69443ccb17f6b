//! Confirmation dialogs.

use serde::Serialize;

use super::element::Style;
use super::limits;
use super::text::{PlainText, TextObject};

/// A confirmation dialog, shown before an action is performed.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Confirm {
    title: TextObject,
    text: TextObject,
    confirm: TextObject,
    deny: TextObject,
    #[serde(skip_serializing_if = "Option::is_none")]
    style: Option<Style>,
}

impl Confirm {
    /// Creates a dialog of a title, truncated to 100 characters, a text, truncated to 300, and the labels of the confirming and
    /// the canceling button, truncated to 30 each.
    pub fn new(
        title: impl Into<PlainText>,
        text: impl Into<PlainText>,
        confirm: impl Into<PlainText>,
        deny: impl Into<PlainText>,
    ) -> Self {
        Self {
            title: title.into().truncate(limits::CONFIRM_TITLE),
            text: text.into().truncate(limits::CONFIRM_TEXT),
            confirm: confirm.into().truncate(limits::CONFIRM_BUTTON),
            deny: deny.into().truncate(limits::CONFIRM_BUTTON),
            style: None,
        }
    }

    /// Sets the color of the confirming button.
    pub fn style(mut self, style: Style) -> Self {
        self.style = Some(style);
        self
    }
}
