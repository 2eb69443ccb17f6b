use serde::Serialize;
use sym_sdk::error::Result;

use super::invalid::{counted, unique};
use super::layout::Block;
use super::limits;
use super::mrkdwn::Mrkdwn;

/// The content of a message: what `chat.postMessage`, `chat.update` and `chat.postEphemeral` take beside where it goes.
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
    /// A text, and at most 50 blocks with different block_ids. The text, of 4000 characters, is what notifications and screen
    /// readers have; it is shown if there are no blocks.
    pub fn new<B: Into<Block>>(text: impl Into<Mrkdwn>, blocks: impl IntoIterator<Item = B>) -> Result<Self> {
        let blocks: Vec<Block> = blocks.into_iter().map(Into::into).collect();
        counted("blocks in a message", blocks.len(), 0, limits::MESSAGE_BLOCKS)?;
        unique("the block_id", blocks.iter().filter_map(Block::block_id))?;
        Ok(Self { text: text.into().cut_text(limits::MESSAGE_TEXT), blocks })
    }

    /// A text alone, of 4000 characters.
    pub fn text(text: impl Into<Mrkdwn>) -> Self {
        Self { text: text.into().cut_text(limits::MESSAGE_TEXT), blocks: Vec::new() }
    }

    /// What notifications show, in Slack's notation.
    pub fn fallback(&self) -> &str {
        &self.text
    }

    /// The blocks.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }
}
