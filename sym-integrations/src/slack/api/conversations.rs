//! Channels and direct messages.

use serde::Deserialize;
use sym_sdk::error::Result;

use super::page::{ChannelMembers, Channels};
use super::{Api, Arguments};
use crate::http::{Failure, Paginator, Response};
use crate::kit::Resource;
use crate::slack::{ChannelInfo, codes};

/// The remedy for a channel that the app cannot see.
pub(in crate::slack) const CHANNEL_HINT: &str =
    "invite the app if the channel is private; if it was renamed, use its new name, or its id, which does not change";

/// The page size. Slack accepts fewer than 1,000.
const CHANNELS_PER_PAGE: u32 = 999;

#[derive(Deserialize)]
struct Opened {
    channel: OpenedChannel,
}

#[derive(Deserialize)]
struct OpenedChannel {
    id: String,
}

/// Explains `channel_not_found`, which Slack also returns for a private channel of which the app is not a member.
pub(super) fn channel_not_found(channel: String) -> impl Fn(&Response, Failure) -> Failure + Send + Sync + 'static {
    move |_, failure| {
        let message = || format!("channel `{channel}` does not exist, or the app cannot see it");
        match failure.code() {
            code if *code == codes::CHANNEL_NOT_FOUND => failure.with_message(message()).with_hint(CHANNEL_HINT),
            code if code.name() == "NOT_IN_CHANNEL" => {
                failure.with_message(format!("the app is not a member of channel `{channel}`"))
            }
            _ => failure,
        }
    }
}

impl Api {
    /// Lists the public channels and the private channels of which the app is a member, without archived channels
    /// ([`conversations.list`](https://docs.slack.dev/reference/methods/conversations.list)).
    pub fn list_channels(&self) -> Paginator<Resource<ChannelInfo>> {
        self.read("conversations.list")
            .form("types", "public_channel,private_channel")
            .form("exclude_archived", true)
            .form("limit", CHANNELS_PER_PAGE)
            .form("team_id", self.workspace())
            .pages::<Channels>()
    }

    /// Lists the ids of the members of a channel, given by its id
    /// ([`conversations.members`](https://docs.slack.dev/reference/methods/conversations.members)).
    ///
    /// # Errors
    /// `Slack:CHANNEL_NOT_FOUND`, also for a private channel of which the app is not a member.
    pub fn channel_members(&self, channel: &str) -> Paginator<String> {
        self.read("conversations.members")
            .form("channel", channel)
            .form("limit", CHANNELS_PER_PAGE)
            .explain(channel_not_found(channel.to_owned()))
            .pages::<ChannelMembers>()
    }

    /// Opens the direct message conversation with these users, at most 8, and returns its channel id
    /// ([`conversations.open`](https://docs.slack.dev/reference/methods/conversations.open)). Opening it again has no effect.
    pub async fn open_conversation<S: AsRef<str>>(&self, users: impl IntoIterator<Item = S>) -> Result<String> {
        let users: Vec<String> = users.into_iter().map(|user| user.as_ref().to_owned()).collect();
        let arguments = Arguments::new().set("users", users.join(","));
        let call = self.write("conversations.open", arguments)?.idempotent(true);
        Ok(call.await?.json::<Opened>()?.channel.id)
    }
}
