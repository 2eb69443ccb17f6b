//! Messages: posting, updating and ephemeral messages.

use serde::{Deserialize, Serialize};
use sym_sdk::BoxFuture;
use sym_sdk::error::{ErrorKind, Result};
use url::Url;

use super::conversations::channel_not_found;
use super::{Api, Arguments};
use crate::slack::client::SLACK;
use crate::slack::{MessageRef, codes};

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
        UpdateMessage { api: self.clone(), message: message.clone(), arguments }
    }

    /// Returns the address of a message ([`chat.getPermalink`](https://docs.slack.dev/reference/methods/chat.getPermalink)), with which
    /// people find it.
    pub async fn permalink(&self, message: &MessageRef) -> Result<Url> {
        let call = self.read("chat.getPermalink").form("channel", message.channel()).form("message_ts", message.ts());
        Ok(call.await?.json::<Permalink>()?.permalink)
    }

    /// Shows an ephemeral message ([`chat.postEphemeral`](https://docs.slack.dev/reference/methods/chat.postEphemeral)) to one
    /// user, who must be a member of the channel. Slack does not store it.
    pub fn post_ephemeral(&self, channel: impl Into<String>, user: impl Into<String>) -> PostEphemeral {
        let channel = channel.into();
        let arguments = Arguments::new().set("channel", &channel).set("user", user.into());
        PostEphemeral { api: self.clone(), channel, arguments }
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
    ts: Option<String>,
    message: Option<PostedMessage>,
}

/// The timestamp in the reference to a message that Slack posted without saying which.
pub(in crate::slack) const UNKNOWN_TS: &str = "unknown";

/// A message that was posted.
pub(in crate::slack) struct SentMessage {
    /// The reference, with [`UNKNOWN_TS`] if Slack did not give one.
    pub(in crate::slack) message: MessageRef,
    /// Whether the message was to go to a thread that does not exist any more. Slack has posted it in the channel.
    pub(in crate::slack) is_outside_thread: bool,
}

#[derive(Deserialize)]
struct Permalink {
    permalink: Url,
}

#[derive(Deserialize)]
struct PostedMessage {
    ts: Option<String>,
    thread_ts: Option<String>,
}

impl Posted {
    /// Returns the reference to the message, with [`UNKNOWN_TS`] if the response does not name it.
    fn message_ref(self) -> MessageRef {
        let Self { channel, ts, message } = self;
        let ts = ts.or_else(|| message?.ts).filter(|ts| !ts.is_empty());
        MessageRef::new(channel, ts.unwrap_or_else(|| UNKNOWN_TS.to_owned()))
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

impl PostMessage {
    /// Posts the message. A response that does not say which message it is about is no error: posting again would post it twice.
    pub(in crate::slack) async fn send(self) -> Result<SentMessage> {
        let thread = self.arguments.text("thread_ts");
        let call = self.api.write("chat.postMessage", self.arguments)?.key(self.channel.clone());
        let posted: Posted = call.explain(channel_not_found(self.channel)).await?.json()?;
        // Slack does so without an error if the message that begins the thread was deleted.
        let is_outside_thread =
            thread.is_some() && posted.message.as_ref().is_some_and(|message| message.thread_ts.is_none());
        Ok(SentMessage { message: posted.message_ref(), is_outside_thread })
    }
}

impl IntoFuture for PostMessage {
    type Output = Result<MessageRef>;
    type IntoFuture = BoxFuture<'static, Result<MessageRef>>;

    /// # Errors
    /// Besides those of Slack, `Slack:UNKNOWN_MESSAGE` if the message was posted, but the response does not say which it is.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let SentMessage { message, is_outside_thread } = self.send().await?;
            if is_outside_thread {
                tracing::warn!(
                    service = "slack",
                    %message,
                    "a reply went to the channel, because its thread does not exist any more"
                );
            }
            if message.ts() == UNKNOWN_TS {
                let text = "Slack posted a message without saying which";
                let error = SLACK.error(ErrorKind::Unavailable, codes::UNKNOWN_MESSAGE, text);
                return Err(error.with_unknown_outcome());
            }
            Ok(message)
        })
    }
}

/// A call that replaces a message. Created by [`Api::update_message`].
#[derive(Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct UpdateMessage {
    api: Api,
    message: MessageRef,
    arguments: Arguments,
}

impl IntoFuture for UpdateMessage {
    type Output = Result<MessageRef>;
    type IntoFuture = BoxFuture<'static, Result<MessageRef>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            // Updating twice has the same result.
            let message = self.message;
            let call = self.api.write("chat.update", self.arguments)?.idempotent(true);
            call.await?;
            Ok(message)
        })
    }
}

/// A call that shows an ephemeral message. Created by [`Api::post_ephemeral`].
#[derive(Debug)]
#[must_use = "a call does nothing until it is awaited"]
pub struct PostEphemeral {
    api: Api,
    channel: String,
    arguments: Arguments,
}

impl IntoFuture for PostEphemeral {
    type Output = Result<()>;
    type IntoFuture = BoxFuture<'static, Result<()>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let call = self.api.write("chat.postEphemeral", self.arguments)?;
            call.explain(channel_not_found(self.channel)).await.map(drop)
        })
    }
}
