use serde::Serialize;

use super::element::Style;
use super::limits;
use super::text::{PlainText, Shown};

/// Asks once more before something is done.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Confirm {
    title: Shown,
    text: Shown,
    confirm: Shown,
    deny: Shown,
    #[serde(skip_serializing_if = "Option::is_none")]
    style: Option<Style>,
}

impl Confirm {
    /// A title of 100 characters, a text of 300, and what the two buttons say, of 30 each: the one that goes on and the one that
    /// does not.
    pub fn new(
        title: impl Into<PlainText>,
        text: impl Into<PlainText>,
        confirm: impl Into<PlainText>,
        deny: impl Into<PlainText>,
    ) -> Self {
        Self {
            title: title.into().cut(limits::CONFIRM_TITLE),
            text: text.into().cut(limits::CONFIRM_TEXT),
            confirm: confirm.into().cut(limits::CONFIRM_BUTTON),
            deny: deny.into().cut(limits::CONFIRM_BUTTON),
            style: None,
        }
    }

    /// The colour of the button that goes on.
    pub fn style(mut self, style: Style) -> Self {
        self.style = Some(style);
        self
    }
}
