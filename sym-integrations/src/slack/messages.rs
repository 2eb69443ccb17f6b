//! Messages to users, groups of users and channels.

use sym_sdk::error::{ErrorKind, Result, codes};
use sym_sdk::routing::{RequestDestination, SlackUser};

use super::args::RecipientKind;
use super::client::SLACK;
use super::{MessageRef, Recipient, Slack};

impl Slack {
    /// Sends a text to a user, a group of users or a channel, and returns a reference to the message. The text is in [Slack's
    /// markup](https://docs.slack.dev/messaging/formatting-message-text), at most 40,000 characters: pass text written by
    /// others through [`escape`](super::escape) first.
    ///
    /// A message that may have been posted is not posted again.
    ///
    /// # Errors
    /// `Slack:CHANNEL_NOT_FOUND`, `Slack:NOT_IN_CHANNEL`, `Slack:IS_ARCHIVED` and other errors of Slack; `Identity:NOT_FOUND`
    /// for a user without an account in the workspace.
    pub async fn send_message<'a>(&self, to: impl Into<Recipient<'a>>, text: impl Into<String>) -> Result<MessageRef> {
        let (to, text) = (to.into(), text.into());
        let channel = self.post_channel(&to).await?;
        self.api().post_message(channel).text(text).await
    }

    /// Replies to a message, such as the message of a request, in its thread.
    ///
    /// # Errors
    /// Those of Slack, such as `Slack:CHANNEL_NOT_FOUND`.
    pub async fn send_thread_message(&self, message: &MessageRef, text: impl Into<String>) -> Result<MessageRef> {
        self.api().post_message(message.channel()).in_thread(message.ts()).text(text).await
    }

    /// Returns the `channel` argument that posts to a recipient. Slack accepts channel names and user ids there too.
    pub(super) async fn post_channel(&self, to: &Recipient<'_>) -> Result<String> {
        let destination = match &to.0 {
            RecipientKind::User(user) => return self.account_id(user).await,
            RecipientKind::Destination(destination) => destination,
        };
        match &**destination {
            RequestDestination::ChannelId(channel) => Ok(channel.channel_id().to_owned()),
            RequestDestination::ChannelName(_) => Ok(destination.label()),
            RequestDestination::User(user) => Ok(user.user_id().to_owned()),
            RequestDestination::Group(group) => {
                self.api().open_conversation(group.users().iter().map(SlackUser::user_id)).await
            }
            other => {
                let message = format!("`{}` is not a Slack destination", other.label());
                Err(SLACK.error(ErrorKind::InvalidInput, codes::INVALID_DESTINATION, message))
            }
        }
    }
}
