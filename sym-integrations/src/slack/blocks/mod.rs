//! What people see in Slack: Block Kit, in types that keep Slack's limits.
//!
//! Text that is only shown is cut where Slack takes no more, and ends with `…`. What Slack gives back or what would be submitted
//! (ids, values, metadata, what stands in an input) is never cut: too long, it is an error of code [`INVALID_BLOCKS`], and so
//! are too many blocks, elements or options. What has been built, Slack takes.
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
//! Lengths are counted so that they hold whichever way Slack counts: in UTF-16, with `&`, `<` and `>` as the entities that Slack
//! keeps them as.

mod confirm;
mod element;
mod id;
mod invalid;
mod layout;
mod limits;
mod measure;
mod message;
mod modal;
mod mrkdwn;
mod option;
mod text;

pub use confirm::Confirm;
pub use element::{
    Button, Checkboxes, DispatchOn, Element, ExternalSelect, InputElement, MultiExternalSelect, MultiStaticSelect,
    MultiUsersSelect, NumberInput, Overflow, PlainTextInput, RadioButtons, StaticSelect, Style, UsersSelect,
};
pub use id::{ActionId, BlockId, ButtonValue, CallbackId, OptionValue, PrivateMetadata};
pub use invalid::INVALID_BLOCKS;
pub use layout::{Actions, Block, Context, Divider, Header, Input, Section};
pub use message::Message;
pub use modal::Modal;
pub use mrkdwn::{Mrkdwn, TimeStyle};
pub use option::{Choice, OptionGroup, OptionObject, Options, Suggestions};
pub use text::{PlainText, Text};

use invalid::invalid;
