//! Destinations of a request: in Slack, or a user by e-mail.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::slack_destination::{
    LegacyDestination, SlackChannelId, SlackChannelName, SlackUser, SlackUserGroup, invalid,
};
use crate::error::{Error, Result, codes};
use crate::model::{User, UserId};

/// A destination of requests in Slack.
///
/// Its JSON form has a key by which the kind is recognized: `channel_name`, `channel_id`, `user_id` or `users`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged, try_from = "Map<String, Value>")]
#[non_exhaustive]
pub enum RequestDestination {
    /// A channel, by its id.
    ChannelId(SlackChannelId),
    /// A channel, by its name.
    ChannelName(SlackChannelName),
    /// A direct message.
    User(SlackUser),
    /// A direct message to several users.
    Group(SlackUserGroup),
    /// A destination from old data, to which nothing can be delivered.
    Legacy(LegacyDestination),
}

impl RequestDestination {
    /// Sets whether the requester may decide a request that is delivered here. It applies to `get_approvers` only.
    pub fn allow_self(self, allow: bool) -> Self {
        match self {
            Self::ChannelId(channel) => channel.allow_self(allow).into(),
            Self::ChannelName(channel) => channel.allow_self(allow).into(),
            Self::User(user) => user.allow_self(allow).into(),
            Self::Group(group) => group.allow_self(allow).into(),
            Self::Legacy(legacy) => Self::Legacy(legacy.allow_self(allow)),
        }
    }

    /// Sets the time to wait for a decision before the request is forwarded. Default: no limit.
    pub fn timeout(self, timeout: Duration) -> Self {
        match self {
            Self::ChannelId(channel) => channel.timeout(timeout).into(),
            Self::ChannelName(channel) => channel.timeout(timeout).into(),
            Self::User(user) => user.timeout(timeout).into(),
            Self::Group(group) => group.timeout(timeout).into(),
            Self::Legacy(legacy) => Self::Legacy(legacy.timeout(timeout)),
        }
    }

    /// Returns the destination for people, such as `#access-requests` or `@U12345`.
    pub fn label(&self) -> String {
        match self {
            Self::ChannelId(channel) => channel.channel_id().to_owned(),
            Self::ChannelName(channel) => format!("#{}", channel.channel_name().trim_start_matches('#')),
            Self::User(user) => format!("@{}", user.user_id()),
            Self::Group(group) => {
                group.users().iter().map(|user| format!("@{}", user.user_id())).collect::<Vec<_>>().join(", ")
            }
            Self::Legacy(legacy) => legacy.lookup_type().to_owned(),
        }
    }

    /// Returns whether the requester may decide a request that is delivered here.
    pub fn self_allowed(&self) -> bool {
        match self {
            Self::ChannelId(channel) => channel.self_allowed(),
            Self::ChannelName(channel) => channel.self_allowed(),
            Self::User(user) => user.self_allowed(),
            Self::Group(group) => group.self_allowed(),
            Self::Legacy(legacy) => legacy.self_allowed(),
        }
    }

    /// Returns the time to wait for a decision before the request is forwarded.
    pub fn timeout_after(&self) -> Option<Duration> {
        match self {
            Self::ChannelId(channel) => channel.timeout_after(),
            Self::ChannelName(channel) => channel.timeout_after(),
            Self::User(user) => user.timeout_after(),
            Self::Group(group) => group.timeout_after(),
            Self::Legacy(legacy) => legacy.timeout_after(),
        }
    }
}

impl fmt::Display for RequestDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ChannelId(channel) => channel.fmt(f),
            Self::ChannelName(channel) => channel.fmt(f),
            Self::User(user) => user.fmt(f),
            Self::Group(group) => group.fmt(f),
            Self::Legacy(legacy) => legacy.fmt(f),
        }
    }
}

macro_rules! from_kind {
    ($($name:ident => $variant:ident),*) => {$(
        impl From<$name> for RequestDestination {
            fn from(destination: $name) -> Self {
                Self::$variant(destination)
            }
        }
    )*};
}

from_kind!(SlackChannelId => ChannelId, SlackChannelName => ChannelName, SlackUser => User, SlackUserGroup => Group);

impl TryFrom<Map<String, Value>> for RequestDestination {
    type Error = Error;

    fn try_from(json: Map<String, Value>) -> Result<Self> {
        let allow_self = read(&json, "allow_self", "`true` or `false`", Value::as_bool)?.unwrap_or(false);
        let timeout = read(&json, "timeout", "a number of seconds", Value::as_u64)?.map(Duration::from_secs);
        let text = |key| read(&json, key, "text", |value| value.as_str().map(str::to_owned));
        if let Some(name) = text("channel_name")? {
            return Ok(SlackChannelName::new(name)?.with_settings(allow_self, timeout).into());
        }
        if let Some(id) = text("channel_id")? {
            return Ok(SlackChannelId::new(id)?.with_settings(allow_self, timeout).into());
        }
        if let Some(id) = text("user_id")? {
            return Ok(SlackUser::new(id)?.with_settings(allow_self, timeout).into());
        }
        if let Some(users) = read(&json, "users", "a list", |value| value.as_array().cloned())? {
            let users = users.into_iter().map(member).collect::<Result<Vec<_>>>()?;
            return Ok(SlackUserGroup::new(users)?.with_settings(allow_self, timeout).into());
        }
        match text("lookup_type")? {
            Some(lookup_type) if json.contains_key("allow_self") => {
                Ok(Self::Legacy(LegacyDestination::new(lookup_type).with_settings(allow_self, timeout)))
            }
            _ => Err(invalid("unknown kind of destination")
                .with_hint("expected one of the keys `channel_name`, `channel_id`, `user_id`, `users`")),
        }
    }
}

/// Parses a user of a group: an object, or the id alone.
fn member(json: Value) -> Result<SlackUser> {
    match json {
        Value::String(id) => SlackUser::new(id),
        Value::Object(object) => match RequestDestination::try_from(object)? {
            RequestDestination::User(user) => Ok(user),
            other => Err(invalid(format!("a Slack group contains only users, got {other}"))),
        },
        other => Err(invalid(format!("a Slack group contains only users, got `{other}`"))),
    }
}

/// Returns the value of a key; null counts as absent.
fn read<T>(
    json: &Map<String, Value>,
    key: &str,
    expected: &str,
    get: impl Fn(&Value) -> Option<T>,
) -> Result<Option<T>> {
    match json.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match get(value) {
            Some(value) => Ok(Some(value)),
            None => Err(invalid(format!("`{key}` of a destination must be {expected}, got `{value}`"))),
        },
    }
}

// Destinations of a notification.

/// A user who is notified by e-mail.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UserRef {
    id: UserId,
    username: String,
}

impl UserRef {
    /// Returns the id.
    pub fn id(&self) -> UserId {
        self.id
    }

    /// Returns the username, which is the e-mail address of a person.
    pub fn username(&self) -> &str {
        &self.username
    }
}

impl From<&User> for UserRef {
    fn from(user: &User) -> Self {
        Self { id: user.id(), username: user.username().to_owned() }
    }
}

impl fmt::Display for UserRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "User({:?})", self.username)
    }
}

/// A destination of a notification.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged, try_from = "Map<String, Value>")]
#[non_exhaustive]
pub enum Destination {
    /// A channel or users in Slack.
    Slack(RequestDestination),
    /// A user, by e-mail.
    User(UserRef),
}

impl Destination {
    /// Returns the destination for people: `#access-requests`, or the name of a user.
    pub fn label(&self) -> String {
        match self {
            Self::Slack(destination) => destination.label(),
            Self::User(user) => user.username().to_owned(),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slack(destination) => destination.fmt(f),
            Self::User(user) => user.fmt(f),
        }
    }
}

impl TryFrom<Map<String, Value>> for Destination {
    type Error = Error;

    fn try_from(json: Map<String, Value>) -> Result<Self> {
        if !json.contains_key("username") {
            return RequestDestination::try_from(json).map(Self::Slack);
        }
        serde_json::from_value(json.into()).map(Self::User).map_err(|error| {
            Error::invalid(codes::INVALID_DESTINATION, format!("expected a user with `id` and `username`: {error}"))
        })
    }
}

macro_rules! from {
    ($($slack:ty),*) => {$(
        impl From<$slack> for Destination {
            fn from(destination: $slack) -> Self {
                Self::Slack(destination.into())
            }
        }
    )*};
}

from!(RequestDestination, SlackChannelId, SlackChannelName, SlackUser, SlackUserGroup);

impl From<&User> for Destination {
    fn from(user: &User) -> Self {
        Self::User(user.into())
    }
}

impl From<User> for Destination {
    fn from(user: User) -> Self {
        Self::from(&user)
    }
}

impl From<Arc<User>> for Destination {
    fn from(user: Arc<User>) -> Self {
        Self::from(&*user)
    }
}
