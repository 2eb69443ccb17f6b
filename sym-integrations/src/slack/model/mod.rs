//! Typed views of Slack's objects. Members that have no accessor are available through `raw()`.

mod channel;
mod message;
mod resource;
mod user;

pub use channel::ChannelInfo;
pub use message::MessageRef;
pub use user::UserInfo;
