use std::borrow::Cow;

use sym_sdk::error::Result;
use sym_sdk::routing::{RequestDestination, SlackChannelId, SlackChannelName};

/// What [`users_in_channel`](super::Slack::users_in_channel) takes for a channel: a name or an id as text, or what
/// [`channel`](super::channel) made of it.
#[derive(Clone, Debug)]
pub struct Place<'a>(Kind<'a>);

#[derive(Clone, Debug)]
enum Kind<'a> {
    Text(&'a str),
    Destination(Cow<'a, RequestDestination>),
}

/// A channel, as far as it is known without asking Slack.
pub(super) enum Known {
    Id(String),
    /// Without `#`.
    Name(String),
}

impl Place<'_> {
    pub(super) fn known(&self) -> Result<Known> {
        let destination = match &self.0 {
            Kind::Text(text) => Cow::Owned(super::channel(text)?),
            Kind::Destination(destination) => Cow::Borrowed(&**destination),
        };
        match &*destination {
            RequestDestination::ChannelId(channel) => Ok(Known::Id(channel.channel_id().to_owned())),
            RequestDestination::ChannelName(channel) => {
                Ok(Known::Name(channel.channel_name().trim_start_matches('#').to_owned()))
            }
            other => Err(super::not_a_channel(&other.label(), "name a channel, as in `#access-requests`")),
        }
    }
}

impl<'a> From<&'a str> for Place<'a> {
    fn from(text: &'a str) -> Self {
        Self(Kind::Text(text))
    }
}

impl<'a> From<&'a String> for Place<'a> {
    fn from(text: &'a String) -> Self {
        Self(Kind::Text(text))
    }
}

impl<'a> From<&'a RequestDestination> for Place<'a> {
    fn from(destination: &'a RequestDestination) -> Self {
        Self(Kind::Destination(Cow::Borrowed(destination)))
    }
}

impl From<RequestDestination> for Place<'_> {
    fn from(destination: RequestDestination) -> Self {
        Self(Kind::Destination(Cow::Owned(destination)))
    }
}

impl From<SlackChannelId> for Place<'_> {
    fn from(channel: SlackChannelId) -> Self {
        RequestDestination::from(channel).into()
    }
}

impl From<SlackChannelName> for Place<'_> {
    fn from(channel: SlackChannelName) -> Self {
        RequestDestination::from(channel).into()
    }
}
