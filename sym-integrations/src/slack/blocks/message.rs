//! The content of a message.

use serde::Serialize;
use sym_sdk::error::Result;

use super::layout::Block;
use super::limits;
use super::mrkdwn::Mrkdwn;
use super::validate::{check_count, check_unique};

/// The content of a message, as accepted by `chat.postMessage`, `chat.update` and `chat.postEphemeral`.
///
/// ```
/// use sym_integrations::slack::blocks::{ActionId, Actions, Block, Button, Message, Section, Style};
///
/// const APPROVE: ActionId = ActionId::from_static("approve");
/// const DENY: ActionId = ActionId::from_static("deny");
///
/// let message = Message::new(
///     "Ana asks for prod",
///     [
///         Block::from(Section::new("Ana asks for prod")),
///         Actions::new([Button::new(APPROVE, "Approve").style(Style::Primary), Button::new(DENY, "Deny")])?.into(),
///     ],
/// )?;
/// let json = serde_json::to_value(&message).unwrap();
/// assert_eq!(json["blocks"][1]["elements"][0]["style"], "primary");
/// # Ok::<(), sym_sdk::Error>(())
/// ```
///
/// Slack's [reference](https://docs.slack.dev/reference/methods/chat.postMessage).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    text: String,
    blocks: Vec<Block>,
}

impl Message {
    /// Creates a message of a text and at most 50 blocks. The text, truncated to 4000 characters, is used by notifications and
    /// screen readers, and shown if there are no blocks.
    ///
    /// # Errors
    /// If there are more than 50 blocks or two have the same block_id.
    pub fn new<B: Into<Block>>(text: impl Into<Mrkdwn>, blocks: impl IntoIterator<Item = B>) -> Result<Self> {
        let blocks: Vec<Block> = blocks.into_iter().map(Into::into).collect();
        check_count("blocks in a message", blocks.len(), 0, limits::MESSAGE_BLOCKS)?;
        check_unique("block_id", blocks.iter().filter_map(Block::block_id))?;
        Ok(Self { text: text.into().truncate_text(limits::MESSAGE_TEXT), blocks })
    }

    /// Creates a message of a text alone, truncated to 4000 characters.
    pub fn text(text: impl Into<Mrkdwn>) -> Self {
        Self { text: text.into().truncate_text(limits::MESSAGE_TEXT), blocks: Vec::new() }
    }

    /// Returns the text for notifications, in Slack's markup.
    pub fn fallback(&self) -> &str {
        &self.text
    }

    /// Returns the blocks.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }
}
