//! Dividers, headers, context blocks and rows of actions.

use serde::Serialize;
use sym_sdk::error::Result;

use crate::slack::blocks::element::Element;
use crate::slack::blocks::id::BlockId;
use crate::slack::blocks::limits;
use crate::slack::blocks::text::{PlainText, Text, TextObject};
use crate::slack::blocks::validate::{check_count, check_unique};

/// A horizontal line between blocks.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/blocks/divider-block).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Divider {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) block_id: Option<BlockId>,
}

impl Divider {
    /// Creates a divider.
    pub fn new() -> Self {
        Self::default()
    }
}

/// A heading.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/blocks/header-block).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Header {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) block_id: Option<BlockId>,
    text: TextObject,
}

impl Header {
    /// Creates a heading, truncated to 150 characters.
    pub fn new(text: impl Into<PlainText>) -> Self {
        Self { block_id: None, text: text.into().truncate(limits::HEADER) }
    }
}

/// Secondary text in small print, of up to 10 parts.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/blocks/context-block).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Context {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) block_id: Option<BlockId>,
    elements: Vec<TextObject>,
}

impl Context {
    /// Creates a context block of one text, truncated to 3000 characters.
    pub fn new(text: impl Into<Text>) -> Self {
        Self { block_id: None, elements: vec![text.into().truncate(limits::TEXT)] }
    }

    /// Creates a context block of 1 to 10 texts, shown side by side.
    ///
    /// # Errors
    /// If the number of texts is out of range.
    pub fn from_texts<T: Into<Text>>(texts: impl IntoIterator<Item = T>) -> Result<Self> {
        let elements: Vec<_> = texts.into_iter().map(|text| text.into().truncate(limits::TEXT)).collect();
        check_count("texts in a context block", elements.len(), 1, limits::CONTEXT_ELEMENTS)?;
        Ok(Self { block_id: None, elements })
    }
}

/// A row of interactive elements.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/blocks/actions-block).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Actions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) block_id: Option<BlockId>,
    elements: Vec<Element>,
}

impl Actions {
    /// Creates a row of 1 to 25 elements.
    ///
    /// # Errors
    /// If the number of elements is out of range or two have the same action_id.
    pub fn new<E: Into<Element>>(elements: impl IntoIterator<Item = E>) -> Result<Self> {
        let elements: Vec<_> = elements.into_iter().map(Into::into).collect();
        check_count("elements in a row of actions", elements.len(), 1, limits::ACTIONS)?;
        check_unique("action_id", elements.iter().map(Element::action_id))?;
        Ok(Self { block_id: None, elements })
    }
}
