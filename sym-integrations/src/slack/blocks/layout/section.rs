//! Section blocks.

use serde::Serialize;
use sym_sdk::error::Result;

use crate::slack::blocks::element::Element;
use crate::slack::blocks::id::BlockId;
use crate::slack::blocks::limits;
use crate::slack::blocks::text::{Text, TextObject};
use crate::slack::blocks::validate::check_count;

/// A text, fields in two columns, or both, with an optional accessory.
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
    Text { text: TextObject },
    Fields { fields: Vec<TextObject> },
    Both { text: TextObject, fields: Vec<TextObject> },
}

impl Section {
    /// Creates a section with a text, truncated to 3000 characters.
    pub fn new(text: impl Into<Text>) -> Self {
        Self::with(Content::Text { text: text.into().truncate(limits::TEXT) })
    }

    /// Creates a section of 1 to 10 fields, each truncated to 2000 characters.
    ///
    /// # Errors
    /// If the number of fields is out of range.
    pub fn from_fields<T: Into<Text>>(fields: impl IntoIterator<Item = T>) -> Result<Self> {
        Ok(Self::with(Content::Fields { fields: truncate_fields(fields)? }))
    }

    /// Creates as many sections as needed for these fields, with 10 fields in each. Each field is truncated to 2000 characters.
    pub fn split<T: Into<Text>>(fields: impl IntoIterator<Item = T>) -> Vec<Self> {
        let fields: Vec<_> = fields.into_iter().map(|field| field.into().truncate(limits::FIELD_TEXT)).collect();
        fields.chunks(limits::FIELDS).map(|fields| Self::with(Content::Fields { fields: fields.to_vec() })).collect()
    }

    /// Sets the fields, 1 to 10 of them, each truncated to 2000 characters. They replace earlier fields.
    ///
    /// # Errors
    /// If the number of fields is out of range.
    pub fn fields<T: Into<Text>>(mut self, fields: impl IntoIterator<Item = T>) -> Result<Self> {
        let fields = truncate_fields(fields)?;
        self.content = match self.content {
            Content::Text { text } | Content::Both { text, .. } => Content::Both { text, fields },
            Content::Fields { .. } => Content::Fields { fields },
        };
        Ok(self)
    }

    /// Sets the element beside the text.
    pub fn accessory(mut self, element: impl Into<Element>) -> Self {
        self.accessory = Some(element.into());
        self
    }

    fn with(content: Content) -> Self {
        Self { block_id: None, content, accessory: None }
    }
}

fn truncate_fields<T: Into<Text>>(fields: impl IntoIterator<Item = T>) -> Result<Vec<TextObject>> {
    let fields: Vec<_> = fields.into_iter().map(|field| field.into().truncate(limits::FIELD_TEXT)).collect();
    check_count("fields in a section", fields.len(), 1, limits::FIELDS)?;
    Ok(fields)
}
