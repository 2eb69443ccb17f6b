//! The limits of Block Kit, from Slack's reference: lengths in characters, numbers of items, and bytes.

/// The longest text of a text object.
pub(super) const TEXT: usize = 3000;
pub(super) const FIELD_TEXT: usize = 2000;
pub(super) const HEADER: usize = 150;
pub(super) const LABEL: usize = 2000;
pub(super) const PLACEHOLDER: usize = 150;
pub(super) const BUTTON_TEXT: usize = 75;
pub(super) const OPTION_TEXT: usize = 75;
pub(super) const CONFIRM_TITLE: usize = 100;
pub(super) const CONFIRM_TEXT: usize = 300;
pub(super) const CONFIRM_BUTTON: usize = 30;
pub(super) const MODAL_TEXT: usize = 24;

pub(super) const ID: usize = 255;
pub(super) const BUTTON_VALUE: usize = 2000;
/// Slack's reference now says 150, its own types still say 75.
pub(super) const OPTION_VALUE: usize = 75;
pub(super) const PRIVATE_METADATA: usize = 3000;
pub(super) const URL: usize = 3000;
pub(super) const INPUT_LENGTH: usize = 3000;

pub(super) const FIELDS: usize = 10;
pub(super) const CONTEXT_ELEMENTS: usize = 10;
pub(super) const ACTIONS: usize = 25;
pub(super) const OPTIONS: usize = 100;
pub(super) const OPTION_GROUPS: usize = 100;
pub(super) const MODAL_BLOCKS: usize = 100;
pub(super) const MESSAGE_BLOCKS: usize = 50;

/// The characters of a rich text block. Slack documents no limit; this is the one of a section.
pub(super) const RICH_TEXT: usize = TEXT;

/// The text of a message with blocks. This is the limit of `chat.update`, which is lower than that of `chat.postMessage`.
pub(super) const MESSAGE_TEXT: usize = 4000;
/// The JSON of a modal's blocks, in bytes. A view may have 250 kB; the difference is for the other members, mainly the private
/// metadata, where escaping can take six bytes per character.
pub(super) const MODAL_BYTES: usize = 225_000;
