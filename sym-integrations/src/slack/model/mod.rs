//! Typed views of Slack's objects. A [`Resource`](crate::kit::Resource) of one also has the members without an accessor.

mod channel;
mod message;
mod user;

pub use channel::ChannelInfo;
pub use message::MessageRef;
pub use user::UserInfo;
