//! What Slack answers with.

mod channel;
mod kept;
mod message;
mod user;

pub use channel::ChannelInfo;
pub use message::MessageRef;
pub use user::UserInfo;
