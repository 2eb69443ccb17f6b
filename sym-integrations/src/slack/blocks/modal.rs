use serde::Serialize;
use sym_sdk::error::Result;

use super::id::{CallbackId, PrivateMetadata};
use super::invalid::{counted, unique};
use super::layout::Block;
use super::text::{PlainText, Shown};
use super::{invalid, limits};

/// A view that opens above the conversation.
///
/// Slack's [reference](https://docs.slack.dev/reference/views/modal-views).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename = "modal")]
pub struct Modal {
    title: Shown,
    #[serde(skip_serializing_if = "Option::is_none")]
    submit: Option<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    close: Option<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_id: Option<CallbackId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_metadata: Option<PrivateMetadata>,
    notify_on_close: bool,
    clear_on_close: bool,
    blocks: Vec<Block>,
}

impl Modal {
    /// A title of 24 characters, and 1 to 100 blocks with different block_ids, which together fit into a view. If there is an
    /// input, there is a button `Submit`.
    pub fn new<B: Into<Block>>(title: impl Into<PlainText>, blocks: impl IntoIterator<Item = B>) -> Result<Self> {
        let blocks: Vec<Block> = blocks.into_iter().map(Into::into).collect();
        counted("blocks in a modal", blocks.len(), 1, limits::MODAL_BLOCKS)?;
        unique("the block_id", blocks.iter().filter_map(Block::block_id))?;
        check_size(&blocks)?;
        let asks = blocks.iter().any(|block| matches!(block, Block::Input(_)));
        Ok(Self {
            title: title.into().cut(limits::MODAL_TEXT),
            submit: asks.then(|| PlainText::new("Submit").cut(limits::MODAL_TEXT)),
            close: None,
            callback_id: None,
            private_metadata: None,
            notify_on_close: false,
            clear_on_close: false,
            blocks,
        })
    }

    /// A button that submits, and what it says, in 24 characters.
    pub fn submit(mut self, text: impl Into<PlainText>) -> Self {
        self.submit = Some(text.into().cut(limits::MODAL_TEXT));
        self
    }

    /// What the button that closes says, in 24 characters.
    pub fn close(mut self, text: impl Into<PlainText>) -> Self {
        self.close = text.into().cut_unless_blank(limits::MODAL_TEXT);
        self
    }

    /// What the view goes by in what Slack sends.
    pub fn callback_id(mut self, id: CallbackId) -> Self {
        self.callback_id = Some(id);
        self
    }

    /// What it carries along unseen.
    pub fn private_metadata(mut self, metadata: PrivateMetadata) -> Self {
        self.private_metadata = Some(metadata);
        self
    }

    /// Tells the app when it is closed (`view_closed`).
    pub fn notify_on_close(mut self, notify: bool) -> Self {
        self.notify_on_close = notify;
        self
    }

    /// Closes the views below it as well when it is closed.
    pub fn clear_on_close(mut self, clear: bool) -> Self {
        self.clear_on_close = clear;
        self
    }
}

fn check_size(blocks: &[Block]) -> Result<()> {
    let bytes =
        serde_json::to_vec(blocks).map_err(|error| invalid("the blocks do not serialise").with_source(error))?;
    if bytes.len() > limits::MODAL_BYTES {
        let message =
            format!("the blocks of a modal have {} bytes, Slack takes about {}", bytes.len(), limits::MODAL_BYTES);
        return Err(invalid(message).with_hint("offer many options in an external select, which loads them when asked"));
    }
    Ok(())
}
