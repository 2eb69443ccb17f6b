//! What Slack allows, as its reference of Block Kit says it.

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
/// Slack's reference speaks of 150 by now, its own types still of 75.
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

/// The text beside the blocks of a message: what `chat.update` takes, which is less than `chat.postMessage` does.
pub(super) const MESSAGE_TEXT: usize = 4000;
/// The JSON of a view may have 250 kB. The blocks leave room for the rest: the private metadata above all, of which JSON can
/// make six bytes for each character.
pub(super) const MODAL_BYTES: usize = 225_000;
