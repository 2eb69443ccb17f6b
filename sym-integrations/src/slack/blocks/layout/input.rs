//! Input blocks.

use serde::Serialize;

use crate::slack::blocks::element::InputElement;
use crate::slack::blocks::id::BlockId;
use crate::slack::blocks::limits;
use crate::slack::blocks::text::{PlainText, TextObject};

/// An input with a label. Its value is part of the view's submission.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/blocks/input-block).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Input {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) block_id: Option<BlockId>,
    label: TextObject,
    element: InputElement,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<TextObject>,
    optional: bool,
    dispatch_action: bool,
}

impl Input {
    /// Creates a required input with a label, truncated to 2000 characters.
    pub fn new(label: impl Into<PlainText>, element: impl Into<InputElement>) -> Self {
        Self {
            block_id: None,
            label: label.into().truncate(limits::LABEL),
            element: element.into(),
            hint: None,
            optional: false,
            dispatch_action: false,
        }
    }

    /// Sets a hint below the input, truncated to 2000 characters.
    pub fn hint(mut self, text: impl Into<PlainText>) -> Self {
        self.hint = text.into().truncate_non_blank(limits::LABEL);
        self
    }

    /// Sets whether the input may be left empty.
    pub fn optional(mut self, optional: bool) -> Self {
        self.optional = optional;
        self
    }

    /// Sets whether a change dispatches an action to the app before the view is submitted.
    pub fn dispatch_action(mut self, dispatch: bool) -> Self {
        self.dispatch_action = dispatch;
        self
    }
}
