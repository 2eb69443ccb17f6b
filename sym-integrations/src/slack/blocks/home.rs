//! Home tabs.

use serde::Serialize;
use sym_sdk::error::Result;

use super::id::{CallbackId, PrivateMetadata};
use super::layout::Block;
use super::limits;
use super::modal::check_size;
use super::validate::{check_count, check_unique};

/// The home tab of an app, which each person sees for themselves.
///
/// Slack's [reference](https://docs.slack.dev/reference/views/home-tab-views).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename = "home")]
pub struct HomeTab {
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_id: Option<CallbackId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_metadata: Option<PrivateMetadata>,
    blocks: Vec<Block>,
}

impl HomeTab {
    /// Creates a home tab of 1 to 100 blocks.
    ///
    /// # Errors
    /// If the number of blocks is out of range, two have the same block_id, or together they exceed the size of a view.
    pub fn new<B: Into<Block>>(blocks: impl IntoIterator<Item = B>) -> Result<Self> {
        let blocks: Vec<Block> = blocks.into_iter().map(Into::into).collect();
        check_count("blocks in a home tab", blocks.len(), 1, limits::MODAL_BLOCKS)?;
        check_unique("block_id", blocks.iter().filter_map(Block::block_id))?;
        check_size(&blocks)?;
        Ok(Self { callback_id: None, private_metadata: None, blocks })
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
}
