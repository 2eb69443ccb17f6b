//! Modal views.

use serde::Serialize;
use sym_sdk::error::Result;

use super::id::{CallbackId, PrivateMetadata};
use super::layout::Block;
use super::text::{PlainText, TextObject};
use super::validate::{check_count, check_unique};
use super::{invalid, limits};

/// A modal view, which opens above the conversation.
///
/// Slack's [reference](https://docs.slack.dev/reference/views/modal-views).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename = "modal")]
pub struct Modal {
    title: TextObject,
    #[serde(skip_serializing_if = "Option::is_none")]
    submit: Option<TextObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    close: Option<TextObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_id: Option<CallbackId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_metadata: Option<PrivateMetadata>,
    notify_on_close: bool,
    clear_on_close: bool,
    blocks: Vec<Block>,
}

impl Modal {
    /// Creates a modal of a title, truncated to 24 characters, and 1 to 100 blocks. It has a `Submit` button if one of the blocks
    /// is an input.
    ///
    /// # Errors
    /// If the number of blocks is out of range, two have the same block_id, or together they exceed the size of a view.
    pub fn new<B: Into<Block>>(title: impl Into<PlainText>, blocks: impl IntoIterator<Item = B>) -> Result<Self> {
        let blocks: Vec<Block> = blocks.into_iter().map(Into::into).collect();
        check_count("blocks in a modal", blocks.len(), 1, limits::MODAL_BLOCKS)?;
        check_unique("block_id", blocks.iter().filter_map(Block::block_id))?;
        check_size(&blocks)?;
        let has_input = blocks.iter().any(|block| matches!(block, Block::Input(_)));
        Ok(Self {
            title: title.into().truncate(limits::MODAL_TEXT),
            submit: has_input.then(|| PlainText::new("Submit").truncate(limits::MODAL_TEXT)),
            close: None,
            callback_id: None,
            private_metadata: None,
            notify_on_close: false,
            clear_on_close: false,
            blocks,
        })
    }

    /// Sets the label of the submit button, truncated to 24 characters.
    pub fn submit(mut self, text: impl Into<PlainText>) -> Self {
        self.submit = Some(text.into().truncate(limits::MODAL_TEXT));
        self
    }

    /// Sets the label of the close button, truncated to 24 characters.
    pub fn close(mut self, text: impl Into<PlainText>) -> Self {
        self.close = text.into().truncate_non_blank(limits::MODAL_TEXT);
        self
    }

    /// Sets the callback id, which identifies the kind of view in payloads.
    pub fn callback_id(mut self, id: CallbackId) -> Self {
        self.callback_id = Some(id);
        self
    }

    /// Sets data that Slack sends back in payloads, hidden from users.
    pub fn private_metadata(mut self, metadata: PrivateMetadata) -> Self {
        self.private_metadata = Some(metadata);
        self
    }

    /// Sets whether the app is notified when the view is closed (`view_closed`).
    pub fn notify_on_close(mut self, notify: bool) -> Self {
        self.notify_on_close = notify;
        self
    }

    /// Sets whether closing the view also closes the views below it.
    pub fn clear_on_close(mut self, clear: bool) -> Self {
        self.clear_on_close = clear;
        self
    }
}

/// Checks the size of a view.
pub(super) fn check_size(blocks: &[Block]) -> Result<()> {
    let bytes =
        serde_json::to_vec(blocks).map_err(|error| invalid("the blocks do not serialize").with_source(error))?;
    if bytes.len() > limits::MODAL_BYTES {
        let message =
            format!("the blocks of a modal have {} bytes, Slack accepts about {}", bytes.len(), limits::MODAL_BYTES);
        return Err(invalid(message).with_hint("use an external select for many options: it loads them on demand"));
    }
    Ok(())
}
