//! Channels and direct messages.

use serde::Deserialize;
use sym_sdk::error::Result;

use super::users::Cursor;
use super::{Api, Arguments};
use crate::http::{Next, Page, Paginator, Response};
use crate::slack::{ChannelInfo, codes};

/// Slack takes fewer than 1,000.
const PER_PAGE: u32 = 999;

#[derive(Deserialize)]
struct Channels {
    channels: Vec<ChannelInfo>,
    #[serde(default)]
    response_metadata: Cursor,
}

impl Page for Channels {
    type Item = ChannelInfo;

    fn next(&self, _: &Response) -> Result<Next> {
        Ok(self.response_metadata.next())
    }

    fn into_items(self) -> Vec<ChannelInfo> {
        self.channels
    }
}

#[derive(Deserialize)]
struct Members {
    members: Vec<String>,
    #[serde(default)]
    response_metadata: Cursor,
}

impl Page for Members {
    type Item = String;

    fn next(&self, _: &Response) -> Result<Next> {
        Ok(self.response_metadata.next())
    }

    fn into_items(self) -> Vec<String> {
        self.members
    }
}

#[derive(Deserialize)]
struct Opened {
    channel: OpenedChannel,
}

#[derive(Deserialize)]
struct OpenedChannel {
    id: String,
}

impl Api {
    /// Lists the public channels, and the private ones that the app is in, without those that are archived
    /// ([`conversations.list`](https://docs.slack.dev/reference/methods/conversations.list)).
    pub fn list_channels(&self) -> Paginator<ChannelInfo> {
        self.read("conversations.list")
            .form("types", "public_channel,private_channel")
            .form("exclude_archived", true)
            .form("limit", PER_PAGE)
            .pages::<Channels>()
    }

    /// Lists the ids of those in a channel, by its id
    /// ([`conversations.members`](https://docs.slack.dev/reference/methods/conversations.members)).
    ///
    /// # Errors
    /// `Slack:CHANNEL_NOT_FOUND`, also for a private channel that the app is not in.
    pub fn channel_members(&self, channel: &str) -> Paginator<String> {
        self.read("conversations.members")
            .form("channel", channel)
            .form("limit", PER_PAGE)
            .explain({
                let message = format!("there is no channel `{channel}` that the app can see");
                move |_, failure| match failure.code() == &codes::CHANNEL_NOT_FOUND {
                    true => {
                        failure.with_message(message.clone()).with_hint("invite the app, if the channel is private")
                    }
                    false => failure,
                }
            })
            .pages::<Members>()
    }

    /// Opens the direct messages with these users, at most 8, and gives their channel's id
    /// ([`conversations.open`](https://docs.slack.dev/reference/methods/conversations.open)). If they were open, nothing changes.
    pub async fn open_conversation<S: AsRef<str>>(&self, users: impl IntoIterator<Item = S>) -> Result<String> {
        let users: Vec<String> = users.into_iter().map(|user| user.as_ref().to_owned()).collect();
        let arguments = Arguments::new().set("users", users.join(","));
        let call = self.write("conversations.open", arguments)?.idempotent(true);
        Ok(call.await?.json::<Opened>()?.channel.id)
    }
}
