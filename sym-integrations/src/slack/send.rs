//! Messages from handlers.

use sym_sdk::error::codes::INVALID_DESTINATION;
use sym_sdk::error::{Error, ErrorKind, Result};
use sym_sdk::routing::{RequestDestination, SlackUser};

use super::recipient::Kind;
use super::{MessageRef, Recipient, Slack};

impl Slack {
    /// Sends a text to a user, a group of users or a channel, and says where it stands. The text is [Slack's
    /// markup](https://docs.slack.dev/messaging/formatting-message-text), at most 40,000 characters: what others wrote goes through
    /// [`escape`](super::escape) first.
    ///
    /// A message that may have been sent is not sent again.
    ///
    /// # Errors
    /// `Slack:CHANNEL_NOT_FOUND`, `Slack:NOT_IN_CHANNEL`, `Slack:IS_ARCHIVED` and others of Slack's; `Identity:NOT_FOUND` for a user
    /// without an account in the workspace.
    pub async fn send_message<'a>(&self, to: impl Into<Recipient<'a>>, text: impl Into<String>) -> Result<MessageRef> {
        let (to, text) = (to.into(), text.into());
        let channel = self.channel_of(&to).await?;
        self.api().post_message(channel).text(text).await
    }

    /// Replies to a message, such as that of a request, in its thread.
    pub async fn send_thread_message(&self, message: &MessageRef, text: impl Into<String>) -> Result<MessageRef> {
        self.api().post_message(message.channel()).in_thread(message.ts()).text(text).await
    }

    /// What the message is posted to: Slack takes names of channels and ids of users too.
    pub(super) async fn channel_of(&self, to: &Recipient<'_>) -> Result<String> {
        let destination = match &to.0 {
            Kind::User(user) => return self.account_id(user).await,
            Kind::Destination(destination) => destination,
        };
        match &**destination {
            RequestDestination::ChannelId(channel) => Ok(channel.channel_id().to_owned()),
            RequestDestination::ChannelName(_) => Ok(destination.label()),
            RequestDestination::User(user) => Ok(user.user_id().to_owned()),
            RequestDestination::Group(group) => {
                self.api().open_conversation(group.users().iter().map(SlackUser::user_id)).await
            }
            other => {
                let message = format!("nothing can be sent to `{}` in Slack", other.label());
                Err(Error::new(ErrorKind::InvalidInput, INVALID_DESTINATION, message).with_service("slack"))
            }
        }
    }
}
