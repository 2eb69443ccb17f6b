//! Block Kit: the content of messages and views, in types that enforce Slack's limits.
//!
//! Text of others belongs into [`RichText`] where it must not be mistaken for the text around it: Slack interprets nothing in it.
//!
//! Text that is only displayed is truncated to Slack's limit and then ends with `…`. Values that Slack sends back or that would
//! be submitted (ids, values, metadata, initial values) are never truncated: a value that is too long is an error with the code
//! [`INVALID_BLOCKS`], and so is an excess of blocks, elements or options. Slack accepts everything that these types build.
//!
//! ```
//! use sym_integrations::slack::blocks::{
//!     ActionId, BlockId, CallbackId, Input, Modal, OptionObject, OptionValue, Options, PlainTextInput, StaticSelect, Block,
//! };
//!
//! const VALUE: ActionId = ActionId::from_static("value");
//!
//! let targets = Options::new([
//!     OptionObject::new(OptionValue::new("prod")?, "Production"),
//!     OptionObject::new(OptionValue::new("staging")?, "Staging"),
//! ])?;
//! let form = Modal::new("Request access", [
//!     Input::new("Target", StaticSelect::new(VALUE, targets).initial_value("staging")?).block_id(BlockId::new("target")?),
//!     Input::new("Reason", PlainTextInput::new(VALUE).multiline()).block_id(BlockId::new("reason")?),
//! ])?;
//! let form = form.submit("Request").callback_id(CallbackId::from_static("request"));
//!
//! let json = serde_json::to_value(&form).unwrap();
//! assert_eq!(json["blocks"][0]["element"]["initial_option"]["text"]["text"], "Staging");
//! # Ok::<(), sym_sdk::Error>(())
//! ```
//!
//! Lengths are counted in UTF-16 code units, with `&`, `<` and `>` counted as the entities that Slack stores, so that they are
//! within the limit whichever way Slack counts.

mod confirm;
mod element;
mod home;
mod id;
mod layout;
mod limits;
mod measure;
mod message;
mod modal;
mod mrkdwn;
mod option;
mod rich_text;
mod text;
mod validate;

pub use confirm::Confirm;
pub use element::{
    Button, Checkboxes, DispatchOn, Element, ExternalSelect, InputElement, MultiExternalSelect, MultiStaticSelect,
    MultiUsersSelect, NumberInput, Overflow, PlainTextInput, RadioButtons, StaticSelect, Style, UsersSelect,
};
pub use home::HomeTab;
pub use id::{ActionId, BlockId, ButtonValue, CallbackId, OptionValue, PrivateMetadata};
pub use layout::{Actions, Block, Context, Divider, Header, Input, Section};
pub use message::Message;
pub use modal::Modal;
pub use mrkdwn::{Mrkdwn, TimeStyle};
pub use option::{MenuOptions, OptionGroup, OptionObject, Options, Suggestions};
pub use rich_text::{RichText, Spans};
pub use text::{PlainText, Text};
pub use validate::INVALID_BLOCKS;

use validate::invalid;
