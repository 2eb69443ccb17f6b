use serde::Serialize;
use sym_sdk::error::Result;

use crate::slack::blocks::element::Element;
use crate::slack::blocks::id::BlockId;
use crate::slack::blocks::invalid::counted;
use crate::slack::blocks::limits;
use crate::slack::blocks::text::{Shown, Text};

/// Text, fields in two columns, or both, with an element beside them.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/blocks/section-block).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Section {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) block_id: Option<BlockId>,
    #[serde(flatten)]
    content: Content,
    #[serde(skip_serializing_if = "Option::is_none")]
    accessory: Option<Element>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Content {
    Text { text: Shown },
    Fields { fields: Vec<Shown> },
    Both { text: Shown, fields: Vec<Shown> },
}

impl Section {
    /// A text of 3000 characters.
    pub fn new(text: impl Into<Text>) -> Self {
        Self::with(Content::Text { text: text.into().cut(limits::TEXT) })
    }

    /// Fields alone: 1 to 10, of 2000 characters each.
    pub fn of_fields<T: Into<Text>>(fields: impl IntoIterator<Item = T>) -> Result<Self> {
        Ok(Self::with(Content::Fields { fields: cut(fields)? }))
    }

    /// As many sections as it takes to show these fields, 10 in each; none for none.
    pub fn split<T: Into<Text>>(fields: impl IntoIterator<Item = T>) -> Vec<Self> {
        let fields: Vec<_> = fields.into_iter().map(|field| field.into().cut(limits::FIELD_TEXT)).collect();
        fields.chunks(limits::FIELDS).map(|fields| Self::with(Content::Fields { fields: fields.to_vec() })).collect()
    }

    /// Shows these fields, 1 to 10 of 2000 characters each, below the text, or in place of those it has.
    pub fn fields<T: Into<Text>>(mut self, fields: impl IntoIterator<Item = T>) -> Result<Self> {
        let fields = cut(fields)?;
        self.content = match self.content {
            Content::Text { text } | Content::Both { text, .. } => Content::Both { text, fields },
            Content::Fields { .. } => Content::Fields { fields },
        };
        Ok(self)
    }

    /// What stands beside the text.
    pub fn accessory(mut self, element: impl Into<Element>) -> Self {
        self.accessory = Some(element.into());
        self
    }

    fn with(content: Content) -> Self {
        Self { block_id: None, content, accessory: None }
    }
}

fn cut<T: Into<Text>>(fields: impl IntoIterator<Item = T>) -> Result<Vec<Shown>> {
    let fields: Vec<_> = fields.into_iter().map(|field| field.into().cut(limits::FIELD_TEXT)).collect();
    counted("fields in a section", fields.len(), 1, limits::FIELDS)?;
    Ok(fields)
}
