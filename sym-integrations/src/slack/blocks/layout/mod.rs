//! What views and messages are made of.

mod input;
mod rows;
mod section;

use serde::Serialize;

pub use input::Input;
pub use rows::{Actions, Context, Divider, Header};
pub use section::Section;

use super::id::BlockId;

/// A block of a view or message.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/blocks).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Block {
    /// A row of elements.
    Actions(Actions),
    /// Small text.
    Context(Context),
    /// A line.
    Divider(Divider),
    /// Large text.
    Header(Header),
    /// An input with its label.
    Input(Box<Input>),
    /// Text.
    Section(Box<Section>),
}

impl Block {
    pub(super) fn block_id(&self) -> Option<&BlockId> {
        match self {
            Self::Actions(block) => block.block_id.as_ref(),
            Self::Context(block) => block.block_id.as_ref(),
            Self::Divider(block) => block.block_id.as_ref(),
            Self::Header(block) => block.block_id.as_ref(),
            Self::Input(block) => block.block_id.as_ref(),
            Self::Section(block) => block.block_id.as_ref(),
        }
    }
}

macro_rules! block {
    ($($variant:ident($make:expr),)*) => {$(
        impl From<$variant> for Block {
            fn from(block: $variant) -> Self {
                Self::$variant($make(block))
            }
        }

        impl $variant {
            /// What the block goes by in what Slack sends. It is unique within a view or message.
            pub fn block_id(mut self, id: BlockId) -> Self {
                self.block_id = Some(id);
                self
            }
        }
    )*};
}

block! {
    Actions(std::convert::identity),
    Context(std::convert::identity),
    Divider(std::convert::identity),
    Header(std::convert::identity),
    Input(Box::new),
    Section(Box::new),
}
