use serde::Serialize;

use crate::slack::blocks::element::InputElement;
use crate::slack::blocks::id::BlockId;
use crate::slack::blocks::limits;
use crate::slack::blocks::text::{PlainText, Shown};

/// An input with its label. What is in it comes with the submission of the view.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/blocks/input-block).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Input {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) block_id: Option<BlockId>,
    label: Shown,
    element: InputElement,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<Shown>,
    optional: bool,
    dispatch_action: bool,
}

impl Input {
    /// An input that must be filled in, below a label of 2000 characters.
    pub fn new(label: impl Into<PlainText>, element: impl Into<InputElement>) -> Self {
        Self {
            block_id: None,
            label: label.into().cut(limits::LABEL),
            element: element.into(),
            hint: None,
            optional: false,
            dispatch_action: false,
        }
    }

    /// Small text below the input, of 2000 characters.
    pub fn hint(mut self, text: impl Into<PlainText>) -> Self {
        self.hint = text.into().cut_unless_blank(limits::LABEL);
        self
    }

    /// Whether it may be left empty.
    pub fn optional(mut self, optional: bool) -> Self {
        self.optional = optional;
        self
    }

    /// Whether the app is told of a change at once, before the view is submitted.
    pub fn dispatch_action(mut self, dispatch: bool) -> Self {
        self.dispatch_action = dispatch;
        self
    }
}
