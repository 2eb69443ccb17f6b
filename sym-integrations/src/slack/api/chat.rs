//! Messages: posting, updating and ephemeral messages.

use serde::{Deserialize, Serialize};
use sym_sdk::BoxFuture;
use sym_sdk::error::Result;

use super::{Api, Arguments};
use crate::slack::MessageRef;

impl Api {
    /// Posts a message ([`chat.postMessage`](https://docs.slack.dev/reference/methods/chat.postMessage)) to a channel, given by
    /// its id or name, or as a direct message, given by the user id.
    ///
    /// The call is not retried: after [`CONNECTION_LOST`](crate::http::error_names::CONNECTION_LOST) or
    /// [`TIMED_OUT`](crate::http::error_names::TIMED_OUT), the message may or may not have been posted.
    pub fn post_message(&self, channel: impl Into<String>) -> PostMessage {
        let channel = channel.into();
        PostMessage { api: self.clone(), arguments: Arguments::new().set("channel", &channel), channel }
    }

    /// Replaces a message ([`chat.update`](https://docs.slack.dev/reference/methods/chat.update)).
    pub fn update_message(&self, message: &MessageRef) -> UpdateMessage {
        let arguments = Arguments::new().set("channel", message.channel()).set("ts", message.ts());
        UpdateMessage { api: self.clone(), arguments }
    }

    /// Shows an ephemeral message ([`chat.postEphemeral`](https://docs.slack.dev/reference/methods/chat.postEphemeral)) to one
    /// user, who must be a member of the channel. Slack does not store it.
    pub fn post_ephemeral(&self, channel: impl Into<String>, user: impl Into<String>) -> PostEphemeral {
        let arguments = Arguments::new().set("channel", channel.into()).set("user", user.into());
        PostEphemeral { api: self.clone(), arguments }
    }
}

/// Implements the setters that several calls share: by default those of every message, and with `in_thread` that of a reply.
macro_rules! setters {
    ($($name:ident),+) => {$(
        impl $name {
            /// Sets the text. Always set it: with blocks, notifications and screen readers still use the text.
            pub fn text(self, text: impl Into<String>) -> Self {
                self.set("text", text.into())
            }

            /// Sets the blocks, from any type that serializes to a list of blocks.
            pub fn blocks(self, blocks: impl Serialize) -> Self {
                self.set("blocks", blocks)
            }

            fn set(mut self, name: &str, value: impl Serialize) -> Self {
                self.arguments = self.arguments.set(name, value);
                self
            }
        }
    )+};
    (in_thread: $($name:ident),+) => {$(
        impl $name {
            /// Posts the message as a reply to the message with this timestamp.
            pub fn in_thread(self, ts: impl Into<String>) -> Self {
                self.set("thread_ts", ts.into())
            }
        }
    )+};
}

pub(super) use setters;

setters!(PostMessage, UpdateMessage, PostEphemeral);
setters!(in_thread: PostMessage, PostEphemeral);

#[derive(Deserialize)]
struct Posted {
    channel: String,
    ts: String,
}

#[derive(Deserialize)]
struct EphemeralPosted {
    #[serde(rename = "message_ts")]
    _ts: String,
}

impl From<Posted> for MessageRef {
    fn from(posted: Posted) -> Self {
        Self::new(posted.channel, posted.ts)
    }
}

/// A call that posts a message. Created by [`Api::post_message`].
#[derive(Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct PostMessage {
    api: Api,
    channel: String,
    arguments: Arguments,
}

impl PostMessage {
    /// Attaches metadata, which users do not see: `{ "event_type": …, "event_payload": … }`.
    pub fn metadata(self, metadata: impl Serialize) -> Self {
        self.set("metadata", metadata)
    }

    /// Sets whether links are shown with a preview. The default is decided by Slack.
    pub fn unfurl(self, unfurl: bool) -> Self {
        self.set("unfurl_links", unfurl).set("unfurl_media", unfurl)
    }
}

impl IntoFuture for PostMessage {
    type Output = Result<MessageRef>;
    type IntoFuture = BoxFuture<'static, Result<MessageRef>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let call = self.api.write("chat.postMessage", self.arguments)?.key(self.channel);
            Ok(call.await?.json::<Posted>()?.into())
        })
    }
}

/// A call that replaces a message. Created by [`Api::update_message`].
#[derive(Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct UpdateMessage {
    api: Api,
    arguments: Arguments,
}

impl IntoFuture for UpdateMessage {
    type Output = Result<MessageRef>;
    type IntoFuture = BoxFuture<'static, Result<MessageRef>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            // Updating twice has the same result.
            let call = self.api.write("chat.update", self.arguments)?.idempotent(true);
            Ok(call.await?.json::<Posted>()?.into())
        })
    }
}

/// A call that shows an ephemeral message. Created by [`Api::post_ephemeral`].
#[derive(Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct PostEphemeral {
    api: Api,
    arguments: Arguments,
}

impl IntoFuture for PostEphemeral {
    type Output = Result<()>;
    type IntoFuture = BoxFuture<'static, Result<()>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let response = self.api.write("chat.postEphemeral", self.arguments)?.await?;
            response.json::<EphemeralPosted>().map(drop)
        })
    }
}
