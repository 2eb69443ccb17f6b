//! The blocks of views and messages.

mod input;
mod section;
mod simple;

use serde::Serialize;

pub use input::Input;
pub use section::Section;
pub use simple::{Actions, Context, Divider, Header};

use super::id::BlockId;
use super::rich_text::RichText;

/// A block of a view or message.
///
/// Slack's [reference](https://docs.slack.dev/reference/block-kit/blocks).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Block {
    /// A row of interactive elements.
    Actions(Actions),
    /// Secondary text, in small print.
    Context(Context),
    /// A horizontal line.
    Divider(Divider),
    /// A heading.
    Header(Header),
    /// An input with its label.
    Input(Box<Input>),
    /// Text in which Slack interprets nothing.
    RichText(RichText),
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
            Self::RichText(block) => block.block_id.as_ref(),
            Self::Section(block) => block.block_id.as_ref(),
        }
    }
}

/// Implements the conversion to [`Block`] and the setter of the block id.
macro_rules! blocks {
    ($($variant:ident($make:expr),)*) => {$(
        impl From<$variant> for Block {
            fn from(block: $variant) -> Self {
                Self::$variant($make(block))
            }
        }

        impl $variant {
            /// Sets the block id, which identifies the block in payloads. It must be unique within a view or message.
            pub fn block_id(mut self, id: BlockId) -> Self {
                self.block_id = Some(id);
                self
            }
        }
    )*};
}

blocks! {
    Actions(std::convert::identity),
    Context(std::convert::identity),
    Divider(std::convert::identity),
    Header(std::convert::identity),
    Input(Box::new),
    RichText(std::convert::identity),
    Section(Box::new),
}
