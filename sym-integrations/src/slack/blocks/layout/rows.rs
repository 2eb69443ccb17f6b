use serde::Serialize;
use sym_sdk::error::Result;

use crate::slack::blocks::element::Element;
use crate::slack::blocks::id::BlockId;
use crate::slack::blocks::invalid::{counted, unique};
use crate::slack::blocks::limits;
use crate::slack::blocks::text::{PlainText, Shown, Text};

/// A line between blocks.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/blocks/divider-block).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Divider {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) block_id: Option<BlockId>,
}

impl Divider {
    /// A line.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Large text.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/blocks/header-block).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Header {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) block_id: Option<BlockId>,
    text: Shown,
}

impl Header {
    /// A text of 150 characters.
    pub fn new(text: impl Into<PlainText>) -> Self {
        Self { block_id: None, text: text.into().cut(limits::HEADER) }
    }
}

/// Small text, in up to 10 parts.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/blocks/context-block).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Context {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) block_id: Option<BlockId>,
    elements: Vec<Shown>,
}

impl Context {
    /// A text of 3000 characters.
    pub fn new(text: impl Into<Text>) -> Self {
        Self { block_id: None, elements: vec![text.into().cut(limits::TEXT)] }
    }

    /// Several texts, 1 to 10, beside each other.
    pub fn of<T: Into<Text>>(texts: impl IntoIterator<Item = T>) -> Result<Self> {
        let elements: Vec<_> = texts.into_iter().map(|text| text.into().cut(limits::TEXT)).collect();
        counted("texts in a context block", elements.len(), 1, limits::CONTEXT_ELEMENTS)?;
        Ok(Self { block_id: None, elements })
    }
}

/// A row of elements.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/blocks/actions-block).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Actions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) block_id: Option<BlockId>,
    elements: Vec<Element>,
}

impl Actions {
    /// 1 to 25 elements, each with an action_id of its own.
    pub fn new<E: Into<Element>>(elements: impl IntoIterator<Item = E>) -> Result<Self> {
        let elements: Vec<_> = elements.into_iter().map(Into::into).collect();
        counted("elements in a row of actions", elements.len(), 1, limits::ACTIONS)?;
        unique("the action_id", elements.iter().map(Element::action_id))?;
        Ok(Self { block_id: None, elements })
    }
}
