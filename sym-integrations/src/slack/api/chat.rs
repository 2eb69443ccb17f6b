//! Messages.

use serde::{Deserialize, Serialize};
use sym_sdk::BoxFuture;
use sym_sdk::error::Result;

use super::{Api, Arguments};
use crate::slack::MessageRef;

impl Api {
    /// Posts a message ([`chat.postMessage`](https://docs.slack.dev/reference/methods/chat.postMessage)) to a channel, by its id or
    /// name, or to the direct messages of a user, by the user's id.
    ///
    /// One that may have been posted is not posted again: [`CONNECTION_LOST`](crate::http::error_names::CONNECTION_LOST) and
    /// [`TIMED_OUT`](crate::http::error_names::TIMED_OUT) leave open whether it was.
    pub fn post_message(&self, channel: impl Into<String>) -> PostMessage {
        let channel = channel.into();
        PostMessage { api: self.clone(), arguments: Arguments::new().set("channel", &channel), channel }
    }

    /// Replaces a message ([`chat.update`](https://docs.slack.dev/reference/methods/chat.update)).
    pub fn update_message(&self, message: &MessageRef) -> UpdateMessage {
        let arguments = Arguments::new().set("channel", message.channel()).set("ts", message.ts());
        UpdateMessage { api: self.clone(), arguments }
    }

    /// Shows a message to one person only ([`chat.postEphemeral`](https://docs.slack.dev/reference/methods/chat.postEphemeral)),
    /// who must be in the channel. It is not kept.
    pub fn post_ephemeral(&self, channel: impl Into<String>, user: impl Into<String>) -> PostEphemeral {
        let arguments = Arguments::new().set("channel", channel.into()).set("user", user.into());
        PostEphemeral { api: self.clone(), arguments }
    }
}

/// What all messages have.
macro_rules! content {
    ($($name:ident),*) => {$(
        impl $name {
            /// Sets the text. Beside blocks it is what notifications and screen readers show, so give it always.
            pub fn text(mut self, text: impl Into<String>) -> Self {
                self.arguments = self.arguments.set("text", text.into());
                self
            }

            /// Sets the blocks: anything that serializes to a list of them.
            pub fn blocks(mut self, blocks: impl Serialize) -> Self {
                self.arguments = self.arguments.set("blocks", blocks);
                self
            }
        }
    )*};
}

content!(PostMessage, UpdateMessage, PostEphemeral);

#[derive(Deserialize)]
struct Posted {
    channel: String,
    ts: String,
}

#[derive(Deserialize)]
struct Shown {
    #[serde(rename = "message_ts")]
    _ts: String,
}

impl From<Posted> for MessageRef {
    fn from(posted: Posted) -> Self {
        Self::new(posted.channel, posted.ts)
    }
}

/// A message to be posted. See [`Api::post_message`].
#[derive(Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct PostMessage {
    api: Api,
    channel: String,
    arguments: Arguments,
}

impl PostMessage {
    /// Posts it as a reply to the message of this time stamp.
    pub fn in_thread(mut self, ts: impl Into<String>) -> Self {
        self.arguments = self.arguments.set("thread_ts", ts.into());
        self
    }

    /// Attaches data that people do not see: `{ "event_type": …, "event_payload": … }`.
    pub fn metadata(mut self, metadata: impl Serialize) -> Self {
        self.arguments = self.arguments.set("metadata", metadata);
        self
    }

    /// Says whether links get a preview. Unless told, Slack decides.
    pub fn unfurl(mut self, unfurl: bool) -> Self {
        self.arguments = self.arguments.set("unfurl_links", unfurl).set("unfurl_media", unfurl);
        self
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

/// A message to be replaced. See [`Api::update_message`].
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
            // It says the same the second time.
            let call = self.api.write("chat.update", self.arguments)?.idempotent(true);
            Ok(call.await?.json::<Posted>()?.into())
        })
    }
}

/// A message to be shown to one person. See [`Api::post_ephemeral`].
#[derive(Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct PostEphemeral {
    api: Api,
    arguments: Arguments,
}

impl PostEphemeral {
    /// Shows it as a reply to the message of this time stamp.
    pub fn in_thread(mut self, ts: impl Into<String>) -> Self {
        self.arguments = self.arguments.set("thread_ts", ts.into());
        self
    }
}

impl IntoFuture for PostEphemeral {
    type Output = Result<()>;
    type IntoFuture = BoxFuture<'static, Result<()>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let response = self.api.write("chat.postEphemeral", self.arguments)?.await?;
            response.json::<Shown>().map(drop)
        })
    }
}
